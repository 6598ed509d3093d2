/** The engine in front of a node, where the configuration asks for one. */
import type { Trace } from '../common/trace.ts'
import { DrachtioShell } from '../sip/io/drachtio/drachtio-shell.ts'
import { DRACHTIO_CAPABILITIES, type SipInput, type SipSettings } from '../sip/index.ts'
import { parseHostPort } from './config/endpoint.ts'
import type { Config } from './config/schema.ts'

/** What the SIP core has to know of it. */
export function frontSettings({ sip }: Config): SipSettings['front'] {
  if (sip.engine !== 'drachtio') return undefined
  const { host, port } = parseHostPort(sip.drachtio.sipAddress, 'sip.drachtio.sipAddress')
  return { host, port, capabilities: DRACHTIO_CAPABILITIES }
}

/** Not opened yet. */
export function frontEngine(
  { sip }: Config,
  feed: (input: SipInput) => void,
  trace: Trace,
): DrachtioShell | undefined {
  if (sip.engine !== 'drachtio') return undefined
  const { host, port } = parseHostPort(sip.drachtio.address, 'sip.drachtio.address')
  return new DrachtioShell(feed, { host, port, secret: sip.drachtio.secret ?? '' }, trace)
}
