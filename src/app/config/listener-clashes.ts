/** Two keys that want the same socket: found before the second one fails with "in use by another process". */
import { parseEndpoint, parseHostPort, parseSipEndpoint, type HostPort } from './endpoint.ts'
import { ConfigError } from './fault.ts'
import type { Config } from './schema.ts'

interface Wanted extends HostPort {
  readonly key: string
  /** As it stands in the configuration, or what it follows from. */
  readonly text: string
  readonly protocol: 'udp' | 'tcp'
}

/** Throws `ConfigError` for the first pair. */
export function checkListeners(config: Config): void {
  const wanted = listeners(config)
  for (const [index, each] of wanted.entries()) {
    const other = wanted.slice(0, index).find((earlier) => clash(earlier, each))
    if (other === undefined) continue
    if (other.key === each.key && other.text === each.text)
      throw new ConfigError(`"${each.key}": ${each.text} stands there twice`)
    throw new ConfigError(`"${each.key}": ${each.text} takes the port of ${other.key} (${other.text})`)
  }
}

function listeners({ overlay, sip, admin }: Config): Wanted[] {
  const wanted: Wanted[] = []
  const add = (key: string, text: string, protocol: Wanted['protocol'], { host, port }: HostPort): void => {
    wanted.push({ key, text, protocol, host: host === 'localhost' ? '127.0.0.1' : host, port })
  }
  for (const text of sip.roles.length === 0 ? [] : sip.listen) {
    const endpoint = parseSipEndpoint(text)
    add('sip.listen', text, endpoint.scheme === 'udp' ? 'udp' : 'tcp', endpoint)
  }
  add('admin.listen', admin.listen, 'tcp', parseHostPort(admin.listen, 'admin.listen'))
  const { listen: desk } = overlay.enrollment
  if (desk !== undefined)
    add('overlay.enrollment.listen', desk, 'tcp', parseHostPort(desk, 'overlay.enrollment.listen'))
  const [text = ''] = overlay.listen
  const links = parseEndpoint(text, 'overlay.listen')
  add('overlay.listen', text, 'tcp', links)
  const { applicationListen: flows } = overlay
  if (flows !== undefined)
    add('overlay.applicationListen', flows, 'tcp', parseEndpoint(flows, 'overlay.applicationListen'))
  else if (links.port !== 0)
    add('overlay.applicationListen', 'the port after overlay.listen', 'tcp', {
      ...links,
      port: links.port + 1,
    })
  return wanted
}

function clash(a: Wanted, b: Wanted): boolean {
  if (a.protocol !== b.protocol || a.port !== b.port || a.port === 0) return false
  return a.host === b.host || covers(a.host, b.host) || covers(b.host, a.host)
}

/** :: takes both families, 0.0.0.0 its own. */
function covers(host: string, other: string): boolean {
  return host === '::' || (host === '0.0.0.0' && !other.includes(':'))
}
