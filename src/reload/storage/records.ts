/**
 * The records of the journal that hold what is stored: one for each value, one for the generation counter of each Kind
 * of a resource, one for each certificate.
 */
import { DecodeError, fromHex, Reader, toHex } from '../../common/bytes.ts'
import { fail, ok, type Result } from '../../common/errors.ts'
import type { WallTime } from '../../common/time.ts'
import { asResourceId, type DataModel, type KindId, type ResourceId } from '../codec/index.ts'
import type { Certificate } from '../security/port.ts'
import { seal, unseal } from './sealed-record.ts'

const FINGERPRINT_BYTES = 32
const MODELS: readonly DataModel[] = ['single', 'array', 'dictionary']

const VALUE = 'storage/value/'
const GENERATION = 'storage/generation/'
const CERTIFICATE = 'storage/certificate/'

/** A record read back. The StoredData is still encoded; its place follows from its contents. */
export type StorageRecord =
  | {
      readonly kind: 'value'
      readonly resource: ResourceId
      readonly kindId: KindId
      readonly model: DataModel
      /** When the value was received; its lifetime counts from there. */
      readonly receivedAt: WallTime
      /** Of the signer first, then of those who issued it. */
      readonly fingerprints: readonly string[]
      readonly encoded: Uint8Array
    }
  | {
      readonly kind: 'generation'
      readonly resource: ResourceId
      readonly kindId: KindId
      readonly generation: bigint
    }
  | { readonly kind: 'certificate'; readonly fingerprint: string; readonly der: Uint8Array }

export function valueKey(resource: ResourceId, kindId: KindId, slot: string): string {
  return `${VALUE}${toHex(resource)}/${kindText(kindId)}/${slot}`
}

export function generationKey(resource: ResourceId, kindId: KindId): string {
  return `${GENERATION}${toHex(resource)}/${kindText(kindId)}`
}

export function certificateKey(fingerprint: string): string {
  return CERTIFICATE + fingerprint
}

/** Records with other keys belong to somebody else. */
export function isStorageKey(key: string): boolean {
  return key.startsWith(VALUE) || key.startsWith(GENERATION) || key.startsWith(CERTIFICATE)
}

export function valueRecord(
  key: string,
  value: {
    readonly model: DataModel
    readonly receivedAt: WallTime
    readonly certificates: readonly Certificate[]
    readonly encoded: Uint8Array
  },
): Uint8Array {
  return seal(key, (writer) => {
    writer.u8(MODELS.indexOf(value.model))
    writer.u64(BigInt(Math.max(0, Math.trunc(value.receivedAt))))
    writer.u8(value.certificates.length)
    for (const { sha256 } of value.certificates) writer.bytes(sha256)
    writer.bytes(value.encoded)
  })
}

export function generationRecord(key: string, generation: bigint): Uint8Array {
  return seal(key, (writer) => writer.u64(generation))
}

export function certificateRecord(key: string, der: Uint8Array): Uint8Array {
  return seal(key, (writer) => writer.bytes(der))
}

/** What a record with one of our keys says, or why it cannot be read. */
export function readRecord(key: string, record: Uint8Array): Result<StorageRecord, string> {
  const body = unseal(key, record)
  if (body === undefined) return fail('checksum or version')
  try {
    if (key.startsWith(CERTIFICATE)) {
      return ok({ kind: 'certificate', fingerprint: key.slice(CERTIFICATE.length), der: body })
    }
    return key.startsWith(VALUE) ? readValue(key, body) : readGeneration(key, body)
  } catch (error) {
    if (error instanceof DecodeError) return fail(error.message)
    throw error
  }
}

function readValue(key: string, body: Uint8Array): Result<StorageRecord, string> {
  const place = placeOf(key.slice(VALUE.length))
  if (place === undefined) return fail('key')
  const reader = new Reader(body)
  const model = MODELS[reader.u8()]
  if (model === undefined) return fail('data model')
  const receivedAt = Number(reader.u64())
  const fingerprints: string[] = []
  for (let left = reader.u8(); left > 0; left--) fingerprints.push(toHex(reader.bytes(FINGERPRINT_BYTES)))
  if (fingerprints.length === 0) return fail('no certificate')
  return ok({
    kind: 'value',
    ...place,
    model,
    receivedAt,
    fingerprints,
    encoded: reader.bytes(reader.remaining),
  })
}

function readGeneration(key: string, body: Uint8Array): Result<StorageRecord, string> {
  const place = placeOf(key.slice(GENERATION.length))
  if (place === undefined) return fail('key')
  const reader = new Reader(body)
  const generation = reader.u64()
  reader.end()
  return ok({ kind: 'generation', ...place, generation })
}

function placeOf(path: string): { readonly resource: ResourceId; readonly kindId: KindId } | undefined {
  const [resourceText, kindIdText] = path.split('/', 2)
  if (resourceText === undefined || kindIdText?.length !== 8) return undefined
  const resource = fromHex(resourceText)
  const kindId = fromHex(kindIdText)
  if (resource === undefined || kindId === undefined) return undefined
  return { resource: asResourceId(resource), kindId: new Reader(kindId).u32() }
}

function kindText(kindId: KindId): string {
  if (kindId !== lastKind.id) lastKind = { id: kindId, text: kindId.toString(16).padStart(8, '0') }
  return lastKind.text
}

/** One record after the other is of the same Kind. */
let lastKind: { readonly id: KindId; readonly text: string } = { id: 0, text: '00000000' }
