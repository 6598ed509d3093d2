/**
 * The forwarding header as values (RFC 6940 s.6.3.2): for the two ends of a message. A message on its way through is
 * read by header-view.ts, which makes no object of what it does not need.
 */
import type { Reader, Writer } from '../../common/bytes.ts'
import type { Result } from '../../common/errors.ts'
import { NODE_ID_BYTES_DEFAULT, RELO_TOKEN, RELOAD_VERSION } from './code-points.ts'
import { FORWARDING_OPTION } from './code-points.ts'
import { decodeWhole } from './decode-failure.ts'
import type { DecodeFailure } from './decode-failure.ts'
import { readDestinationList, writeDestination } from './destination.ts'
import { HEADER_AT } from './header-fields.ts'
import type { ForwardingHeader, ForwardingOption } from './types.ts'

/** A header to be sent: the encoder computes `length`. */
export type NewHeader = Omit<ForwardingHeader, 'length'>

/** Reads one header and leaves the reader behind it. `length` is what the header says: the caller compares. */
export function readForwardingHeader(reader: Reader, nodeIdLength: number): ForwardingHeader {
  if (reader.u32() !== RELO_TOKEN) throw reader.error('not RELOAD: wrong relo_token')
  const overlay = reader.u32()
  const configurationSequence = reader.u16()
  const version = reader.u8()
  if (version !== RELOAD_VERSION) throw reader.error(`RELOAD version 0x${version.toString(16)}`)
  const ttl = reader.u8()
  const fragment = reader.u32()
  const length = reader.u32()
  const transactionId = reader.u64()
  const maxResponseLength = reader.u32()
  // RFC 6940 s.6.3.2: three lengths in bytes, then the three lists.
  const viaBytes = reader.u16()
  const destinationBytes = reader.u16()
  const optionBytes = reader.u16()
  return {
    overlay,
    configurationSequence,
    ttl,
    fragment,
    length,
    transactionId,
    maxResponseLength,
    viaList: readDestinationList(reader.sub(viaBytes), nodeIdLength, 'via'),
    destinationList: readDestinationList(reader.sub(destinationBytes), nodeIdLength, 'destination'),
    options: readOptions(reader.sub(optionBytes)),
  }
}

/**
 * Writes a header at the start of a message. Its length field, which counts what follows too, is left to the caller
 * (`HEADER_AT.length`). Throws RangeError when a list is longer than its length field can say.
 */
export function writeForwardingHeader(writer: Writer, header: NewHeader): void {
  writer.u32(RELO_TOKEN)
  writer.u32(header.overlay)
  writer.u16(header.configurationSequence)
  writer.u8(RELOAD_VERSION)
  writer.u8(header.ttl)
  writer.u32(header.fragment)
  writer.u32(0)
  writer.u64(header.transactionId)
  writer.u32(header.maxResponseLength)
  // The three lengths, which are known when the lists are written.
  writer.u16(0)
  writer.u16(0)
  writer.u16(0)
  const viaAt = writer.length
  for (const hop of header.viaList) writeDestination(writer, hop)
  const destinationAt = writer.length
  for (const destination of header.destinationList) writeDestination(writer, destination)
  const optionsAt = writer.length
  for (const option of header.options) {
    writer.u8(option.type)
    writer.u8(option.flags)
    writer.u16(option.value.length)
    writer.bytes(option.value)
  }
  writer.overwrite(HEADER_AT.viaLength, 2, destinationAt - viaAt)
  writer.overwrite(HEADER_AT.destinationLength, 2, optionsAt - destinationAt)
  writer.overwrite(HEADER_AT.optionsLength, 2, writer.length - optionsAt)
}

/** The header at the start of a message or fragment; what follows it is not looked at. */
export function decodeForwardingHeader(
  bytes: Uint8Array,
  nodeIdLength: number = NODE_ID_BYTES_DEFAULT,
): Result<ForwardingHeader, DecodeFailure> {
  return decodeWhole(bytes, (reader) => {
    const header = readForwardingHeader(reader, nodeIdLength)
    if (header.length !== bytes.length) throw reader.error(`a length field of ${header.length} bytes`)
    reader.bytes(reader.remaining)
    return header
  })
}

function readOptions(reader: Reader): ForwardingOption[] {
  const options: ForwardingOption[] = []
  while (reader.remaining > 0) {
    const type = reader.u8()
    // RFC 6940 s.14.12: 0 is invalid; any other type may be one we do not know and is kept.
    if (type === FORWARDING_OPTION.invalid) throw reader.error('a ForwardingOption of type 0')
    options.push({ type, flags: reader.u8(), value: reader.bytes(reader.u16()) })
  }
  return options
}
