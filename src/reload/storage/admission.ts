import type { KindId, ResourceId, StoredDataValue } from '../codec/index.ts'
import type { Certificate } from '../security/port.ts'

/** A value somebody wants stored, with the certificate that signed it. */
export interface AdmissionRequest {
  readonly resource: ResourceId
  readonly certificate: Certificate
  readonly value: StoredDataValue
}

/**
 * What a Usage demands beyond the access control policy of its Kind, such as the name spaces of RFC 7904 s.3.3.
 * A refusal is answered with Error_Forbidden.
 */
export interface AdmissionRule {
  admits(request: AdmissionRequest): boolean
}

export type AdmissionRules = ReadonlyMap<KindId, AdmissionRule>
