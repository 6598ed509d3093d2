/** RELOAD identities in a certificate's subjectAltName (RFC 6940 s.11.3). */
import { fromHex, toHex } from '../../common/bytes.ts'
import { fail, ok, type Result } from '../../common/errors.ts'
import { asNodeId, isWildcard, isZero, sameId, type NodeId } from '../codec/index.ts'
import { GENERAL_NAME, type GeneralName } from './x509.ts'

export interface Identities {
  readonly nodeIds: readonly NodeId[]
  readonly userName: string
}

/** More Node-IDs in one certificate than anybody needs; each costs a hash per identity to resolve. */
const NODE_IDS_MAX = 16
const USER_NAME_BYTES_MAX = 254
const SCHEME = 'reload://'
const NODE_DESTINATION = 0x01

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
      nodeIds.push(nodeId)
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
  return `${SCHEME}${toHex(Uint8Array.of(NODE_DESTINATION, nodeId.length))}${toHex(nodeId)}@${overlayName}/`
}

/** The Node-ID of a reload URI of `overlayName` that names exactly one node, or undefined. */
export function parseNodeUri(text: string, overlayName: string): NodeId | undefined {
  // RFC 3986 s.6.2.2.1: scheme and host compare without regard to case; the rest is hex digits.
  const uri = text.toLowerCase()
  const tail = `@${overlayName.toLowerCase()}/`
  if (!uri.startsWith(SCHEME) || !uri.endsWith(tail)) return undefined
  const destination = fromHex(uri.slice(SCHEME.length, -tail.length))
  if (destination === undefined || destination[0] !== NODE_DESTINATION) return undefined
  const id = asNodeId(destination.slice(2))
  if (destination[1] !== id.length || id.length < 16 || id.length > 20) return undefined
  return isZero(id) || isWildcard(id) ? undefined : id
}

/** An IA5String without NUL, blanks or controls; undefined otherwise. */
function visibleAscii(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0 || bytes.length > USER_NAME_BYTES_MAX) return undefined
  let text = ''
  for (const byte of bytes) {
    if (byte < 0x21 || byte > 0x7e) return undefined
    text += String.fromCharCode(byte)
  }
  return text
}
