/**
 * The Certificate Store Usage (RFC 6940 s.8): every certificate is stored under the hash of its user name and of each of
 * its Node-IDs, so that others can find it.
 */
import { bytesEqual, utf8 } from '../../../common/bytes.ts'
import type { WallTime } from '../../../common/time.ts'
import { KIND, type KindId, type ResourceId, type StoredDataValue } from '../../codec/index.ts'
import type { Certificate } from '../../security/port.ts'
import { ARRAY_END, ARRAY_LENGTH_MAX, arrayLengthOf } from '../../storage/data-models.ts'
import type { ValueToStore } from '../../storage/value-to-store.ts'

/** One place where a certificate belongs. */
export interface CertificatePlace {
  readonly resource: ResourceId
  readonly kind: KindId
}

/** Hash of a Resource Name; security/resource-id.ts has it. */
export type ResourceIdOf = (name: Uint8Array) => ResourceId

/** H(user name) for CERTIFICATE_BY_USER, then H(Node-ID) for CERTIFICATE_BY_NODE, one for each Node-ID. */
export function certificatePlaces(
  { userName, nodeIds }: Pick<Certificate, 'userName' | 'nodeIds'>,
  resourceIdOf: ResourceIdOf,
): CertificatePlace[] {
  const places: CertificatePlace[] = []
  if (userName !== '') places.push({ resource: resourceIdOf(utf8(userName)), kind: KIND.certificateByUser })
  for (const nodeId of nodeIds) places.push({ resource: resourceIdOf(nodeId), kind: KIND.certificateByNode })
  return places
}

/**
 * The value for one place. `present` is what a Fetch found there: the certificate is renewed where it stands already,
 * and appended otherwise, so that an old and a new one coexist while certificates are exchanged. The RFC gives no value
 * format; it is the DER certificate.
 */
export function certificateValue(
  kind: KindId,
  der: Uint8Array,
  present: readonly StoredDataValue[],
  lifetimeS: number,
): ValueToStore {
  return { kind, model: 'array', index: indexFor(der, present), exists: true, value: der, lifetimeS }
}

function indexFor(der: Uint8Array, present: readonly StoredDataValue[]): number {
  const taken = new Set<number>()
  for (const value of present) {
    if (value.model !== 'array' || !value.value.exists) continue
    if (bytesEqual(value.value.value, der)) return value.index
    taken.add(value.index)
  }
  // An array that has grown to its end over years of renewals begins again in its gaps.
  if (arrayLengthOf(present) < ARRAY_LENGTH_MAX) return ARRAY_END
  let gap = 0
  while (taken.has(gap)) gap++
  return gap
}

/** How long to ask for, and after how many seconds to store the certificate again. */
export interface CertificateSchedule {
  readonly lifetimeS: number
  readonly refreshAfterS: number
}

/**
 * Nobody believes a certificate, nor what it signed, once it has run out: it is stored for no longer than that, and
 * again after half of the time (RFC 6940 s.7.4.2.2). 0 seconds: it has run out.
 */
export function certificateSchedule(
  { notAfter }: Pick<Certificate, 'notAfter'>,
  wall: WallTime,
  wantedS: number,
): CertificateSchedule {
  const validS = Math.floor((notAfter - wall) / 1000)
  const lifetimeS = Math.max(0, Math.min(wantedS, validS))
  return { lifetimeS, refreshAfterS: Math.floor(lifetimeS / 2) }
}
