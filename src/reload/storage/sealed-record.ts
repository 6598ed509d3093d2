/**
 * The shell of every record in the journal: `version u8 | body | CRC-32`. The checksum covers the key too, so that damage
 * is noticed by whoever reads the record and not by those who trust it.
 */
import { crc32 } from 'node:zlib'
import { Reader, Writer } from '../../common/bytes.ts'

const RECORD_VERSION = 1
const CHECKSUM_BYTES = 4

/** A record whose body is what `write` writes. */
export function seal(key: string, write: (writer: Writer) => void): Uint8Array {
  const writer = new Writer()
  writer.u8(RECORD_VERSION)
  write(writer)
  const end = writer.length
  writer.u32(0)
  const sealed = writer.done()
  const sum = checksum(key, sealed.subarray(0, end))
  for (let i = 0; i < CHECKSUM_BYTES; i++) sealed[end + i] = sum >>> (8 * (CHECKSUM_BYTES - 1 - i))
  return sealed
}

/** The body; undefined when version or checksum are not right. */
export function unseal(key: string, record: Uint8Array): Uint8Array | undefined {
  if (record.length < 1 + CHECKSUM_BYTES || record[0] !== RECORD_VERSION) return undefined
  const end = record.length - CHECKSUM_BYTES
  if (new Reader(record, end).u32() !== checksum(key, record.subarray(0, end))) return undefined
  return record.subarray(1, end)
}

function checksum(key: string, bytes: Uint8Array): number {
  return crc32(bytes, crc32(key))
}
