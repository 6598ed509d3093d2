/**
 * The shell of every record in the journal: `version u8 | body | CRC-32`. The checksum covers the key too, so that damage
 * is noticed by whoever reads the record and not by those who trust it.
 */
import { crc32 } from 'node:zlib'
import { concatBytes, Reader, utf8 } from '../../common/bytes.ts'

const RECORD_VERSION = 1
const VERSION = Uint8Array.of(RECORD_VERSION)
const NO_CHECKSUM = new Uint8Array(4)

export function seal(key: string, body: Uint8Array): Uint8Array {
  const sealed = concatBytes([VERSION, body, NO_CHECKSUM])
  const end = sealed.length - NO_CHECKSUM.length
  new DataView(sealed.buffer).setUint32(end, checksum(key, sealed.subarray(0, end)))
  return sealed
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
