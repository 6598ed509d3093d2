/**
 * Enrollment (RFC 6940 s.11.3): what an authority grants and what it remembers. Pure; keys, certificates and files are made
 * in io/, which the composition root imports directly.
 */
export { DEFAULT_POLICY, type Authority, type EnrollmentPolicy } from './authority.ts'
export type { Denial, DenialToken } from './denial.ts'
export { NodeIdLedger, type Assignment, type AssignmentRequest, type NodeIdRecord } from './node-id-ledger.ts'
export { checkUserName } from './user-name.ts'
export { checkIssued, type ExpectedCertificate } from './check-issued.ts'
