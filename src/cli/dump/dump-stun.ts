/** A STUN message: its header and the attributes with their lengths (RFC 8489 s.5, s.14). */
import { DecodeError, Reader, toHex } from '../../common/bytes.ts'

const METHODS: Readonly<Record<number, string>> = {
  0x001: 'Binding',
  0x003: 'Allocate',
  0x004: 'Refresh',
  0x006: 'Send',
  0x007: 'Data',
  0x008: 'CreatePermission',
  0x009: 'ChannelBind',
}
const CLASSES: readonly string[] = ['request', 'indication', 'success response', 'error response']
const ATTRIBUTES: Readonly<Record<number, string>> = {
  0x0001: 'MAPPED-ADDRESS',
  0x0006: 'USERNAME',
  0x0008: 'MESSAGE-INTEGRITY',
  0x0009: 'ERROR-CODE',
  0x000a: 'UNKNOWN-ATTRIBUTES',
  0x000c: 'CHANNEL-NUMBER',
  0x000d: 'LIFETIME',
  0x0012: 'XOR-PEER-ADDRESS',
  0x0013: 'DATA',
  0x0014: 'REALM',
  0x0015: 'NONCE',
  0x0016: 'XOR-RELAYED-ADDRESS',
  0x0019: 'REQUESTED-TRANSPORT',
  0x001c: 'MESSAGE-INTEGRITY-SHA256',
  0x0020: 'XOR-MAPPED-ADDRESS',
  0x0024: 'PRIORITY',
  0x0025: 'USE-CANDIDATE',
  0x8022: 'SOFTWARE',
  0x8028: 'FINGERPRINT',
  0x8029: 'ICE-CONTROLLED',
  0x802a: 'ICE-CONTROLLING',
}

/** `whole` is false when it breaks off or something follows it. */
export function dumpStun(bytes: Uint8Array): { readonly text: string; readonly whole: boolean } {
  const lines = ['STUN message (RFC 8489 s.5)']
  let whole = true
  try {
    const reader = new Reader(bytes)
    const type = reader.u16()
    const length = reader.u16()
    // RFC 8489 s.5: the two class bits sit between the method bits.
    const method = (type & 0x000f) | ((type & 0x00e0) >> 1) | ((type & 0x3e00) >> 2)
    const kind = ((type & 0x0010) >> 4) | ((type & 0x0100) >> 7)
    lines.push(`  method: ${METHODS[method] ?? 'unknown'} (0x${method.toString(16).padStart(3, '0')})`)
    lines.push(`  class: ${CLASSES[kind] as string}`)
    lines.push(`  length: ${length}`)
    lines.push(`  magic_cookie: 0x${reader.u32().toString(16)}`)
    lines.push(`  transaction_id: ${toHex(reader.bytes(12))}`)
    const attributes = reader.sub(length)
    while (attributes.remaining > 0) {
      const attribute = attributes.u16()
      const size = attributes.u16()
      const value = attributes.bytes(size)
      attributes.bytes(Math.min(attributes.remaining, (4 - (size % 4)) % 4))
      const name = ATTRIBUTES[attribute] ?? `attribute 0x${attribute.toString(16).padStart(4, '0')}`
      lines.push(`  ${name} (s.14): ${size} bytes ${toHex(value.subarray(0, 64))}`)
    }
    if (reader.remaining > 0) {
      whole = false
      lines.push(`  ${reader.remaining} bytes left over`)
    }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    whole = false
    lines.push(`  ! ${error.message}`)
  }
  return { text: lines.join('\n'), whole }
}
