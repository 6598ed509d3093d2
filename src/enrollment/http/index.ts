/** HTTPS of enrollment and configuration, both ends; for the composition root and tests. */
export {
  EnrollmentAccounts,
  enrollmentAccountsText,
  isAccountName,
  loadEnrollmentAccounts,
  parseEnrollmentAccounts,
  saveEnrollmentAccounts,
  type EnrollmentAccount,
} from './account-file.ts'
export { hashPassword, PasswordCheck, type PasswordHash } from './password.ts'
export { EnrollmentDesk, type DeskAnswer, type EnrollPost } from './enrollment-desk.ts'
export { DocumentFile } from './served-document.ts'
export { ENROLL_PATH, EnrollmentServer, type EnrollmentServerInit, type HttpsIdentity } from './server.ts'
export { serverIdentity } from './server-identity.ts'
export { askHttps, type HttpsTrust } from './https-request.ts'
export { fetchDocument } from './configuration-client.ts'
export { enroll, type EnrollKey, type EnrollQuestion, type EnrollServer } from './enroll-client.ts'
