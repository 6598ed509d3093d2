import type { NodeId } from '../codec/index.ts'
import type { Connection } from '../link/connection.ts'
import type { ConnectionTable } from '../link/connection-table.ts'
import { IDENTIFY_REASONS } from '../link/link-identity.ts'
import type { Certificate } from '../security/port.ts'
import type { PeerInput } from './contract.ts'
import type { PeerParts } from './parts.ts'

export type ChannelOpened = Extract<PeerInput, { kind: 'channelOpened' }>

/** Who is at the far end of a channel, as far as the handshake says. */
export type FarEnd =
  | {
      readonly kind: 'node'
      readonly nodeId: NodeId
      readonly connection: Connection
      readonly certificate: Certificate
    }
  /** Which of the Node-IDs in the certificate is meant its first message says (unattached.ts). */
  | { readonly kind: 'oneOfSeveral'; readonly certificate: Certificate }
  | { readonly kind: 'refused'; readonly reason: string }

/** Enters a channel that was accepted, and what the handshake proved, into the table. A refused one the caller closes. */
export function enterFarEnd(parts: PeerParts, table: ConnectionTable, input: ChannelOpened): FarEnd {
  const { channel, purpose, role } = input
  const { now } = parts
  if (role === 'server') {
    const entered = table.open(now.ms, {
      channel,
      purpose: purpose === 'application' ? 'application' : 'accepted',
      role,
    })
    if (entered === undefined) return { kind: 'refused', reason: 'connection table full' }
  }
  // RFC 6940 s.6.5.1.13: the handshake proves a Node-ID; TLS itself only proved possession of some key.
  const accepted = parts.trust.accept(input.certificates, now.wall)
  if (!accepted.ok) return { kind: 'refused', reason: accepted.error }
  const certificate = accepted.value
  const identified = table.identify(now.ms, channel, certificate.nodeIds)
  if (identified.ok) {
    const connection = identified.value
    return { kind: 'node', nodeId: connection.nodeId as NodeId, connection, certificate }
  }
  if (table.byChannel(channel)?.link !== undefined) return { kind: 'oneOfSeveral', certificate }
  return { kind: 'refused', reason: IDENTIFY_REASONS[identified.error] }
}
