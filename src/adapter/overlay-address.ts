import { bytesEqual, fromHex, toHex } from '../common/bytes.ts'
import {
  asNodeId,
  decodeDestinations,
  encodeDestinations,
  isWildcard,
  isZero,
  nodeIdFromHex,
  type Destination,
  type NodeId,
} from '../reload/index.ts'

/**
 * Destination Lists as the SIP core carries them: opaque text. Three spellings, by where they come from:
 * `route:<hex>` an entry of the overlay, `gr:<value>` the `gr` parameter of an overlay GRUU, `node:<hex>` the
 * sent-by of a Via (M-26).
 */

const NODE_BYTES = 16
/** Longest Destination List that we follow: 8 nodes. Judgement; adapters publish lists of one or two. */
const LIST_BYTES_MAX = 8 * (NODE_BYTES + 2)

/** The address of an overlay entry. */
export function routeAddress(destinations: readonly Destination[]): string {
  return `route:${toHex(encodeDestinations(destinations))}`
}

/** The Destination List behind an address, or undefined when it is none that may be followed. */
export function destinationsOf(address: string): readonly Destination[] | undefined {
  const colon = address.indexOf(':')
  const value = address.slice(colon + 1)
  switch (address.slice(0, colon)) {
    case 'route': {
      const bytes = fromHex(value)
      return bytes === undefined ? undefined : listFrom(bytes)
    }
    case 'gr':
      return decodeGr(value)
    case 'node': {
      const nodeId = nodeIdFromHex(value)
      return nodeId?.length !== NODE_BYTES || isZero(nodeId) || isWildcard(nodeId)
        ? undefined
        : [{ kind: 'node', nodeId }]
    }
    default:
      return undefined
  }
}

/** The node a list leads to: its last entry, which must be a Node-ID (RFC 7904 s.5.1). */
export function terminalNode(destinations: readonly Destination[]): NodeId | undefined {
  const last = destinations[destinations.length - 1]
  return last?.kind === 'node' ? last.nodeId : undefined
}

/** The node that the first hop of a list is. */
export function firstNode(destinations: readonly Destination[]): NodeId | undefined {
  const first = destinations[0]
  return first?.kind === 'node' ? first.nodeId : undefined
}

/** RFC 7904 s.6: base64 of RFC 4648 table 1 with `~` in place of `=`. */
export function encodeGr(destinations: readonly Destination[]): string {
  return Buffer.from(encodeDestinations(destinations)).toString('base64').replaceAll('=', '~')
}

/** The list in a `gr` value. M-16: values are compared decoded, so whatever is not canonical base64 is refused. */
export function decodeGr(value: string): readonly Destination[] | undefined {
  if (value.length === 0 || value.length > 2 * LIST_BYTES_MAX) return undefined
  const padded = value.replaceAll('~', '=')
  const bytes = Buffer.from(padded, 'base64')
  if (bytes.toString('base64') !== padded) return undefined
  return listFrom(new Uint8Array(bytes))
}

function listFrom(bytes: Uint8Array): readonly Destination[] | undefined {
  if (bytes.length === 0 || bytes.length > LIST_BYTES_MAX) return undefined
  const decoded = decodeDestinations(bytes)
  if (!decoded.ok || decoded.value.length === 0) return undefined
  // A Resource-ID or an opaque id as target would let a caller pick whoever stores something: only nodes are followed.
  for (const destination of decoded.value) if (destination.kind !== 'node') return undefined
  return decoded.value
}

/** True when both lists lead to the same node over the same way. */
export function sameList(a: readonly Destination[], b: readonly Destination[]): boolean {
  return bytesEqual(encodeDestinations(a), encodeDestinations(b))
}

/** `[A]`: the list that this adapter publishes for its users (M-06). */
export function listTo(nodeId: Uint8Array): readonly Destination[] {
  return [{ kind: 'node', nodeId: asNodeId(nodeId) }]
}
