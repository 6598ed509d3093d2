/** RELOAD identities in a certificate's subjectAltName (RFC 6940 s.11.3). */
import { byteText } from '../../common/byte-text.ts'
import { fail, ok, type Result } from '../../common/errors.ts'
import {
  asNodeId,
  formatReloadUri,
  isWildcard,
  isZero,
  parseReloadUri,
  sameId,
  type NodeId,
} from '../codec/index.ts'
import { GENERAL_NAME, type GeneralName } from './x509.ts'

export interface Identities {
  readonly nodeIds: readonly NodeId[]
  readonly userName: string
}

/** More Node-IDs in one certificate than anybody needs; each costs a hash per identity to resolve. */
const NODE_IDS_MAX = 16
const USER_NAME_BYTES_MAX = 254
const NODE_ID_BYTES_MIN = 16
const NODE_ID_BYTES_MAX = 20
const LENGTH_DIGITS = 'reload://01'.length

/**
 * Node-IDs and the user name of an end entity. RFC 6940 s.11.3: exactly one rfc822Name, one or more reload URIs of
 * this overlay, no other identity; anything else is refused rather than skipped, since a name that we skip might mean
 * something to another peer.
 */
export function identitiesOf(names: readonly GeneralName[], overlayName: string): Result<Identities, string> {
  const nodeIds: NodeId[] = []
  let userName: string | undefined
  for (const name of names) {
    if (name.tag === GENERAL_NAME.rfc822Name) {
      if (userName !== undefined) return fail('certificate has two user names')
      userName = visibleAscii(name.content)
      if (userName === undefined) return fail('certificate has a user name with illegal characters')
    } else if (name.tag === GENERAL_NAME.uri) {
      const nodeId = parseNodeUri(visibleAscii(name.content) ?? '', overlayName)
      if (nodeId === undefined) return fail('certificate has a URI that is no Node-ID of this overlay')
      if (nodeIds.some((other) => sameId(other, nodeId))) return fail('certificate has a Node-ID twice')
      if (nodeIds.length >= NODE_IDS_MAX) return fail('certificate has too many Node-IDs')
      // Copied: what was read is a view on a buffer of its own.
      nodeIds.push(asNodeId(nodeId.slice()))
    } else {
      return fail('certificate has an identity that RELOAD does not allow')
    }
  }
  if (userName === undefined) return fail('certificate has no user name')
  if (nodeIds.length === 0) return fail('certificate has no Node-ID')
  return ok({ nodeIds, userName })
}

/** The reload URI of one Node-ID (RFC 6940 s.14.15): a Destination List with one node entry, no specifier. */
export function formatNodeUri(nodeId: NodeId, overlayName: string): string {
  return formatReloadUri([{ kind: 'node', nodeId }], overlayName)
}

/** The Node-ID of a reload URI of `overlayName` that names exactly one node, or undefined. */
export function parseNodeUri(text: string, overlayName: string): NodeId | undefined {
  // The length byte of the one node Destination, in two hex digits behind its type.
  const length = Number.parseInt(text.slice(LENGTH_DIGITS, LENGTH_DIGITS + 2), 16)
  if (!(length >= NODE_ID_BYTES_MIN && length <= NODE_ID_BYTES_MAX)) return undefined
  const uri = parseReloadUri(text, length)
  if (!uri.ok) return undefined
  const { destinations, overlay, specifier } = uri.value
  const destination = destinations[0]
  if (destinations.length !== 1 || destination?.kind !== 'node' || specifier !== undefined) return undefined
  // RFC 3986 s.6.2.2.1: hosts compare without regard to case.
  if (overlay.toLowerCase() !== overlayName.toLowerCase()) return undefined
  const { nodeId } = destination
  return isZero(nodeId) || isWildcard(nodeId) ? undefined : nodeId
}

/** An IA5String without NUL, blanks or controls; undefined otherwise. */
function visibleAscii(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0 || bytes.length > USER_NAME_BYTES_MAX) return undefined
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number
    if (byte < 0x21 || byte > 0x7e) return undefined
  }
  return byteText(bytes, 'latin1')
}
