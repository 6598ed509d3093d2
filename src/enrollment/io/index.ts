/** The part of enrollment that makes keys and touches disks; for the composition root and tests. */
export { createAuthority } from './create-authority.ts'
export { openAuthority, type StoredAuthority } from './authority-store.ts'
export {
  issueCertificate,
  issueCredential,
  type IssuedCertificate,
  type IssuedCredential,
  type IssueRequest,
} from './issue.ts'
export { makeSelfSignedCredential, type SelfSignedRequest } from './self-signed.ts'
export { makeCaCertificate, makeServerCertificate, type Issuer, type RootTemplate } from './certificates.ts'
export { makeNodeCertificate, type NodeTemplate } from './node-certificate.ts'
export { makeCertificationRequest, readCertificationRequest, type CertificationRequest } from './request.ts'
export { generateKey, keyPem } from './key-pair.ts'
export {
  credentialFolderName,
  foundCredential,
  loadCredential,
  saveCredential,
  type StoredKeyPair,
} from './credential-store.ts'
export { removeAbandoned, removeUnfinished } from './leftovers.ts'
