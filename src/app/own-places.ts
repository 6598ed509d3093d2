/** Under which addresses a listener of this machine is reached, so that a node knows itself in a list of peers. */
import { BlockList, isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { TransportAddress } from '../reload/index.ts'
import { withoutZone } from '../sip/index.ts'
import { isUnspecified } from './config/endpoint.ts'

/** What other peers are told, and what the listener is bound to, which may be something else or a wildcard address. */
export interface OwnPlace extends TransportAddress {
  readonly listener?: TransportAddress
}

/** Says of an address whether it leads to this node. A listener on a wildcard address is reached by all of the machine's. */
export function ownPlaces(
  self: OwnPlace,
  addressesHere: () => readonly string[] = machineAddresses,
): (place: TransportAddress) => boolean {
  const { listener } = self
  const bound = listener === undefined ? undefined : boundTo(listener.address, addressesHere)
  return ({ address, port }) =>
    (address === self.address && port === self.port) ||
    (port === listener?.port && bound !== undefined && holds(bound, address))
}

function boundTo(host: string, addressesHere: () => readonly string[]): BlockList {
  const list = new BlockList()
  const any = isUnspecified(host)
  for (const address of any ? [host, ...addressesHere()] : [host])
    // A listener on :: takes IPv4 too, one on 0.0.0.0 no IPv6.
    if (host !== '0.0.0.0' || isIP(address) === 4) list.addAddress(withoutZone(address), familyOf(address))
  if (any) {
    list.addAddress('0.0.0.0', 'ipv4')
    // RFC 1122 s.3.2.1.3: all of it is this machine, though interfaces name one address of it only.
    list.addSubnet('127.0.0.0', 8, 'ipv4')
  }
  return list
}

function holds(list: BlockList, address: string): boolean {
  return isIP(address) !== 0 && list.check(withoutZone(address), familyOf(address))
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4'
}

function machineAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address))
}
