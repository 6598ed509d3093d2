/**
 * Enrollment and configuration (RFC 6940 s.11.2, s.11.3): what an authority grants and remembers, what its server reads and
 * answers, and what a client asks, believes and renews. Pure; keys, certificates and files are made in io/, HTTPS is spoken
 * in http/, which the composition root imports directly.
 */
export { DEFAULT_POLICY, type Authority, type EnrollmentPolicy } from './authority.ts'
export type { Denial, DenialToken } from './denial.ts'
export { NodeIdLedger, type Assignment, type AssignmentRequest, type NodeIdRecord } from './node-id-ledger.ts'
export { checkUserName } from './user-name.ts'
export { opaqueString, preparedLogin } from './opaque-string.ts'
export { checkIssued, type ExpectedCertificate } from './check-issued.ts'
export { checkNamePattern, mayEnroll, ownUserName, type NamePattern } from './name-permission.ts'
export { readEnrollAnswer, type EnrollFailure, type HttpAnswer } from './enroll-answer.ts'
export {
  certificateWishOf,
  enrollParts,
  loginOf,
  LOGIN_BYTES_MAX,
  type CertificateWish,
  type Login,
} from './enroll-form.ts'
export { boundaryOf, parseMultipart, writeMultipart, type FormPart } from './multipart.ts'
export { backOffMs } from './back-off.ts'
export { RenewalSchedule, renewalTime, type RenewalAction, type RenewalInput } from './renewal-schedule.ts'
export { judgeDocument, keptDocument, type DocumentVerdict, type OverlayDocument } from './judge-document.ts'
export {
  DocumentKeeper,
  refreshBeforeMs,
  type FetchOutcome,
  type KeeperAction,
  type KeeperInput,
} from './document-keeper.ts'
export { srvOrder, type SrvTarget } from '../common/srv-order.ts'
export {
  configPlace,
  CONFIG_PATH,
  CONFIG_TYPE,
  enrollPlace,
  hostOf,
  type HttpsPlace,
} from './config-server-url.ts'
