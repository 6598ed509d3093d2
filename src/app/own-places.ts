/** Under which addresses of a list a node recognizes itself. */
import { BlockList, isIP } from 'node:net'
import type { TransportAddress } from '../reload/index.ts'
import { withoutZone } from '../sip/index.ts'
import { isUnspecified } from './config/endpoint.ts'

/** What other peers are told, and what the listener is bound to, which may be something else or a wildcard address. */
export interface OwnPlace extends TransportAddress {
  readonly listener?: TransportAddress
}

/** This machine, whichever it is. RFC 1122 s.3.2.1.3: all of 127.0.0.0/8. */
const HERE = new BlockList()
HERE.addAddress('0.0.0.0', 'ipv4')
HERE.addSubnet('127.0.0.0', 8, 'ipv4')
HERE.addAddress('::', 'ipv6')
HERE.addAddress('::1', 'ipv6')

/**
 * Says of a place whether it is this node: what others are told, what the listener is bound to, and for a listener on a wildcard address
 * the machine's own names for itself. Not all addresses of its interfaces: one that wanders from machine to machine is nobody's own.
 */
export function isOwnPlace(
  { address: told, port: toldPort, listener }: OwnPlace,
  place: TransportAddress,
): boolean {
  const { address, port } = place
  if (address === told && port === toldPort) return true
  if (listener === undefined || port !== listener.port) return false
  return address === listener.address || (isUnspecified(listener.address) && leadsHere(address))
}

function leadsHere(address: string): boolean {
  const family = isIP(address)
  return family !== 0 && HERE.check(withoutZone(address), family === 6 ? 'ipv6' : 'ipv4')
}
