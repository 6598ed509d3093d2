import { ok, type Result } from '../../common/errors.ts'
import type { Now } from '../../common/time.ts'
import type { ErrorResponse, FetchAns, FetchReq, Signature, StoredData } from '../codec/index.ts'
import type { Certificate } from '../security/port.ts'
import { remainingLifetime } from './lifetime.ts'
import { select, type Selected } from './selection.ts'
import type { Table } from './table.ts'
import type { ValueChecks } from './value-checks.ts'

/** Values with the certificates that the receiver needs, each certificate once. */
export interface Fetched {
  readonly answer: FetchAns
  readonly certificates: readonly Certificate[]
}

/** RFC 6940 s.7.4.2.2: a nonexistent value that nobody signed. */
const SYNTHETIC: Signature = {
  hashAlgorithm: 0,
  signatureAlgorithm: 0,
  identity: { kind: 'none' },
  value: new Uint8Array(0),
}

/** Answers a FetchReq (RFC 6940 s.7.4.2) from what is here, whether this peer is responsible or holds a replica. */
export function fetchValues(
  checks: ValueChecks,
  table: Table,
  now: Now,
  req: FetchReq,
): Result<Fetched, ErrorResponse> {
  const selected = select(checks, table, now, req)
  if (!selected.ok) return selected
  const certificates = new Set<Certificate>()
  const kindResponses = selected.value.map(({ kind, generation, values }) => ({
    kind,
    generation,
    values: values.map((value) => present(value, now, certificates)),
  }))
  return ok({ answer: { kindResponses }, certificates: [...certificates] })
}

function present(value: Selected, now: Now, certificates: Set<Certificate>): StoredData {
  if (value.kind === 'gap') return { storageTime: 0n, lifetime: 0, value: value.place, signature: SYNTHETIC }
  for (const certificate of value.held.certificates) certificates.add(certificate)
  return { ...value.held.data, lifetime: remainingLifetime(value.held, now) }
}
