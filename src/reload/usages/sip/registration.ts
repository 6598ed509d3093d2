/** The value of SIP-REGISTRATION (RFC 7904 s.3.2): where calls to a user go. */
import { DecodeError, fromUtf8, Reader, utf8, Writer } from '../../../common/bytes.ts'
import { fail, ok, type Result } from '../../../common/errors.ts'
import { decodeDestinations, encodeDestinations, type Destination } from '../../codec/index.ts'

export type SipRegistration =
  /** Go on with this AOR: bare `user@domain`, or a whole URI where the scheme or its parameters matter. */
  | { readonly kind: 'uri'; readonly uri: string }
  /** Connect to the node at the end of the list. */
  | {
      readonly kind: 'route'
      /** What the callee's devices can do (contact-preferences.ts); may be empty. */
      readonly contactPrefs: Uint8Array
      readonly destinations: readonly Destination[]
    }
  /** A type of the future: kept, and left out when a call is routed. */
  | { readonly kind: 'unknown'; readonly type: number; readonly data: Uint8Array }

const TYPE = { uri: 1, route: 2 } as const
/** RFC 7904 s.3.2: destination_list<3..2^16-1>. */
const DESTINATION_LIST_BYTES_MIN = 3

/** Throws RangeError when a part is longer than its length field can say, or the destination list is empty. */
export function encodeSipRegistration(registration: SipRegistration): Uint8Array {
  const writer = new Writer()
  writer.u8(registration.kind === 'unknown' ? registration.type : TYPE[registration.kind])
  const start = writer.begin(2)
  if (registration.kind === 'uri') writer.prefixed(2, utf8(registration.uri))
  else if (registration.kind === 'unknown') writer.bytes(registration.data)
  else writeRoute(writer, registration.contactPrefs, registration.destinations)
  writer.finish(2, start)
  return writer.done()
}

function writeRoute(writer: Writer, contactPrefs: Uint8Array, destinations: readonly Destination[]): void {
  const list = encodeDestinations(destinations)
  if (list.length < DESTINATION_LIST_BYTES_MIN) throw new RangeError('a SipRegistration needs a destination')
  writer.prefixed(2, contactPrefs)
  writer.prefixed(2, list)
}

/** Reads a stored value to its last byte; the failure says what is wrong with it. `nodeIdLength` in bytes. */
export function decodeSipRegistration(bytes: Uint8Array, nodeIdLength = 16): Result<SipRegistration, string> {
  try {
    const reader = new Reader(bytes)
    const type = reader.u8()
    const data = reader.sub(reader.u16())
    reader.end()
    if (type === TYPE.uri) return readUri(data)
    if (type === TYPE.route) return readRoute(data, nodeIdLength)
    return ok({ kind: 'unknown', type, data: data.bytes(data.remaining) })
  } catch (error) {
    if (error instanceof DecodeError) return fail(error.message)
    throw error
  }
}

function readUri(data: Reader): Result<SipRegistration, string> {
  const uri = fromUtf8(data.bytes(data.u16()))
  data.end()
  return ok({ kind: 'uri', uri })
}

function readRoute(data: Reader, nodeIdLength: number): Result<SipRegistration, string> {
  const contactPrefs = data.bytes(data.u16())
  const list = data.bytes(data.u16())
  data.end()
  if (list.length < DESTINATION_LIST_BYTES_MIN) return fail('destination_list with fewer than 3 bytes')
  const destinations = decodeDestinations(list, nodeIdLength)
  if (!destinations.ok) return fail(`destination_list: ${destinations.error.reason}`)
  return ok({ kind: 'route', contactPrefs, destinations: destinations.value })
}
