/** Where traces of calls are sent to. */
import { parseHostPort, type HostPort } from './endpoint.ts'
import { ConfigError } from './fault.ts'
import type { Config } from './schema.ts'

const HEP_PORT = 9060

/** Undefined when nobody collects. Throws `ConfigError` for what is no `udp://host:port`. */
export function hepTarget({ trace }: Config): HostPort | undefined {
  if (trace.hep === undefined) return undefined
  const match = /^udp:\/\/(.+)$/.exec(trace.hep)
  if (match === null) throw new ConfigError(`"trace.hep": "${trace.hep}" is not udp://host:port`)
  const target = parseHostPort(match[1] as string, 'trace.hep', HEP_PORT)
  if (target.port === 0) throw new ConfigError(`"trace.hep": "${trace.hep}" has no port`)
  return target
}
