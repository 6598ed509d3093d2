import { Writer } from '../../common/bytes.ts'
import { ok, type Result } from '../../common/errors.ts'
import type { Now } from '../../common/time.ts'
import {
  HASH,
  type DataValue,
  type ErrorResponse,
  type FetchReq,
  type MetaData,
  type MetaDataValue,
  type StatAns,
  type StoredDataValue,
  type StoredMetaData,
} from '../codec/index.ts'
import type { CryptoPort } from '../security/port.ts'
import { remainingLifetime } from './lifetime.ts'
import { select, type Selected } from './selection.ts'
import type { Table } from './table.ts'
import type { ValueChecks } from './value-checks.ts'

/** Answers a StatReq (RFC 6940 s.7.4.3): what a Fetch would give, as metadata and without signatures. */
export function statValues(
  crypto: CryptoPort,
  checks: ValueChecks,
  table: Table,
  now: Now,
  req: FetchReq,
): Result<StatAns, ErrorResponse> {
  const selected = select(checks, table, now, req)
  if (!selected.ok) return selected
  const kindResponses = selected.value.map(({ kind, generation, values }) => ({
    kind,
    generation,
    values: values.map((value) => describe(crypto, value, now)),
  }))
  return ok({ kindResponses })
}

function describe(crypto: CryptoPort, value: Selected, now: Now): StoredMetaData {
  if (value.kind === 'gap') return { storageTime: 0n, lifetime: 0, metadata: inPlace(value.place, NOTHING) }
  const { data } = value.held
  const metadata = inPlace(data.value, metaDataOf(crypto, data.value.value))
  return { storageTime: data.storageTime, lifetime: remainingLifetime(value.held, now), metadata }
}

/** RFC 6940 s.7.4.3.2: the digest covers the value with its four length bytes. */
function metaDataOf(crypto: CryptoPort, { exists, value }: DataValue): MetaData {
  const length = new Writer()
  length.u32(value.length)
  const hashValue = crypto.hash('sha256', [length.done(), value])
  return { exists, valueLength: value.length, hashAlgorithm: HASH.sha256, hashValue }
}

/** There is nothing to take a digest of. */
const NOTHING: MetaData = {
  exists: false,
  valueLength: 0,
  hashAlgorithm: HASH.none,
  hashValue: new Uint8Array(0),
}

function inPlace(place: StoredDataValue, value: MetaData): MetaDataValue {
  switch (place.model) {
    case 'single':
      return { model: 'single', value }
    case 'array':
      return { model: 'array', index: place.index, value }
    case 'dictionary':
      return { model: 'dictionary', key: place.key, value }
  }
}
