/**
 * The little STUN server beside SIP on a UDP port (RFC 5626 s.8, RFC 8489): phones ask it whether their flow is alive and by which
 * address it is seen. Knows Binding requests and nothing else; keeps no state.
 */
import { addressBytes } from '../message/index.ts'

const HEADER_BYTES = 20
const MAGIC_COOKIE = 0x2112a442
const BINDING_REQUEST = 0x0001
const BINDING_SUCCESS = 0x0101
const BINDING_ERROR = 0x0111
const XOR_MAPPED_ADDRESS = 0x0020
const ERROR_CODE = 0x0009
const UNKNOWN_ATTRIBUTES = 0x000a
/** Attributes from here on may be ignored by who does not know them (RFC 8489 s.14). */
const OPTIONAL_FROM = 0x8000
/** Named in an error; a request with more of them is none that a phone has sent. */
const UNKNOWN_MAX = 8

/** RFC 5626 s.8: the first octet of a Binding message is 0 or 1, which that of a SIP message never is. */
export function looksLikeStun(bytes: Uint8Array): boolean {
  return (
    bytes.length >= HEADER_BYTES && (bytes[0] as number) <= 1 && view(bytes).getUint32(4) === MAGIC_COOKIE
  )
}

/** What to send back to `host`:`port`; undefined for anything but a well-formed Binding request. */
export function stunAnswer(bytes: Uint8Array, host: string, port: number): Uint8Array | undefined {
  if (!looksLikeStun(bytes)) return undefined
  const request = view(bytes)
  const length = request.getUint16(2)
  if (request.getUint16(0) !== BINDING_REQUEST || length % 4 !== 0) return undefined
  if (bytes.length !== HEADER_BYTES + length) return undefined
  const unknown: number[] = []
  for (let at = HEADER_BYTES; at < bytes.length;) {
    const type = request.getUint16(at)
    const end = at + 4 + request.getUint16(at + 2)
    if (end > bytes.length) return undefined
    if (type < OPTIONAL_FROM && unknown.length < UNKNOWN_MAX) unknown.push(type)
    at = end + ((4 - (end % 4)) % 4)
  }
  return unknown.length > 0 ? unknownAttributes(bytes, unknown) : bindingSuccess(bytes, host, port)
}

function bindingSuccess(request: Uint8Array, host: string, port: number): Uint8Array | undefined {
  const address = addressBytes(host)
  if (address === undefined) return undefined
  const answer = answerTo(request, BINDING_SUCCESS, 8 + address.length)
  const data = view(answer)
  data.setUint16(HEADER_BYTES, XOR_MAPPED_ADDRESS)
  data.setUint16(HEADER_BYTES + 2, 4 + address.length)
  data.setUint8(HEADER_BYTES + 5, address.length === 4 ? 1 : 2)
  data.setUint16(HEADER_BYTES + 6, port ^ (MAGIC_COOKIE >>> 16))
  // RFC 8489 s.14.2: the address is XORed with cookie and transaction id, which follow one another in the header.
  for (const [index, byte] of address.entries())
    data.setUint8(HEADER_BYTES + 8 + index, byte ^ (request[4 + index] as number))
  return answer
}

function unknownAttributes(request: Uint8Array, types: readonly number[]): Uint8Array {
  const listBytes = 2 * types.length
  const padded = listBytes + (listBytes % 4)
  const answer = answerTo(request, BINDING_ERROR, 8 + 4 + padded)
  const data = view(answer)
  data.setUint16(HEADER_BYTES, ERROR_CODE)
  data.setUint16(HEADER_BYTES + 2, 4)
  data.setUint8(HEADER_BYTES + 6, 4)
  data.setUint8(HEADER_BYTES + 7, 20)
  data.setUint16(HEADER_BYTES + 8, UNKNOWN_ATTRIBUTES)
  data.setUint16(HEADER_BYTES + 10, listBytes)
  for (const [index, type] of types.entries()) data.setUint16(HEADER_BYTES + 12 + 2 * index, type)
  return answer
}

/** Header with the cookie and the transaction id of the request, and room for the attributes. */
function answerTo(request: Uint8Array, type: number, length: number): Uint8Array {
  const answer = new Uint8Array(HEADER_BYTES + length)
  answer.set(request.subarray(0, HEADER_BYTES))
  view(answer).setUint16(0, type)
  view(answer).setUint16(2, length)
  return answer
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
