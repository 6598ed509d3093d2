/**
 * The shell of every record in the journal: `version u8 | body | CRC-32`. The checksum covers the key too, so that damage
 * is noticed by whoever reads the record and not by those who trust it.
 */
import { crc32 } from 'node:zlib'
import { concatBytes, Reader, utf8, Writer } from '../../common/bytes.ts'

const RECORD_VERSION = 1

export function seal(key: string, body: Uint8Array): Uint8Array {
  const writer = new Writer(body.length + 5)
  writer.u8(RECORD_VERSION)
  writer.bytes(body)
  writer.u32(checksum(key, writer.done()))
  return writer.done()
}

/** The body; undefined when version or checksum are not right. */
export function unseal(key: string, record: Uint8Array): Uint8Array | undefined {
  if (record.length < 5 || record[0] !== RECORD_VERSION) return undefined
  const end = record.length - 4
  if (new Reader(record, end).u32() !== checksum(key, record.subarray(0, end))) return undefined
  return record.subarray(1, end)
}

function checksum(key: string, bytes: Uint8Array): number {
  return crc32(concatBytes([utf8(key), bytes]))
}
