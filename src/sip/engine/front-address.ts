/** Under which URI an engine in front of us reaches a phone that has registered through it. */
import { canonicalAddress, formatUri, parseUri } from '../message/index.ts'
import type { LocalBinding } from '../proxy/index.ts'

type FrontBinding = Pick<LocalBinding, 'contact' | 'reach' | 'pinned'>

/**
 * The engine sends to the very URI that it writes. Of a phone behind a NAT that has to be the address that its REGISTER came
 * from; of a phone on a stream it is the Contact, by whose user and host the engine remembers the connection, with the
 * transport said where the phone has left it out. A Contact that may not lead elsewhere (docs/adr/0029-contacts-elsewhere.md) has the address
 * of its connection instead, unless its host leads nowhere.
 */
export function frontUri({ contact, reach, pinned }: FrontBinding): string {
  const uri = parseUri(contact)
  if (uri === undefined) return contact
  const params = new Map(uri.params)
  const hasMaddr = params.delete('maddr')
  const { scheme, user, password } = uri
  const strays = pinned && !leadsTo(uri.host, reach.host)
  const { host, port } = strays ? reach : uri
  if (scheme === 'sip' && reach.transport === 'udp') {
    if (uri.host === reach.host && (uri.port ?? 5060) === reach.port && !hasMaddr) return contact
    return formatUri({ scheme, user, password, host: reach.host, port: reach.port, params })
  }
  if (scheme === 'sip' && !params.has('transport'))
    params.set('transport', reach.transport === 'wss' ? 'ws' : reach.transport)
  else if (!strays && !(pinned && hasMaddr)) return contact
  return formatUri({ scheme, user, password, host, port, params })
}

/** To there, or nowhere: what WebSocket phones write, who have no address (RFC 7118 s.5, RFC 6761 s.6.4). */
function leadsTo(host: string, there: string): boolean {
  return canonicalAddress(host) === there || host.endsWith('.invalid')
}
