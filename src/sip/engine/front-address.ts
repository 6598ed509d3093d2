/** Under which URI an engine in front of us reaches a phone that has registered through it. */
import { formatUri, parseUri } from '../message/index.ts'
import type { LocalBinding } from '../proxy/index.ts'

/**
 * The engine sends to the very URI that it writes. Of a phone behind a NAT that has to be the address that its REGISTER came
 * from; of a phone on a stream it is the Contact, by whose user and host the engine remembers the connection, with the
 * transport said where the phone has left it out.
 */
export function frontUri({ contact, reach }: LocalBinding): string {
  const uri = parseUri(contact)
  if (uri === undefined || uri.scheme !== 'sip') return contact
  const params = new Map(uri.params)
  params.delete('maddr')
  const { user, password, host, port } = uri
  if (reach.transport === 'udp') {
    if (host === reach.host && (port ?? 5060) === reach.port && !uri.params.has('maddr')) return contact
    return formatUri({ scheme: 'sip', user, password, host: reach.host, port: reach.port, params })
  }
  if (params.has('transport')) return contact
  params.set('transport', reach.transport === 'wss' ? 'ws' : reach.transport)
  return formatUri({ scheme: 'sip', user, password, host, port, params })
}
