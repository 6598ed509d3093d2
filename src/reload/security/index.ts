/**
 * Certificates, signatures, access policies. Cores use the CryptoPort and what is built on it; only the composition
 * root and tests name an implementation (NodeCrypto, StandInCrypto). Synchronous throughout: nothing here waits.
 */
export type { Certificate, Credential, CryptoPort, RawSignature } from './port.ts'
export { pkcs8Of, privateKeyOf, publicKeyInfoOf } from './key-encoding.ts'
export { generateP256, RSA_2048, type GeneratedKey } from './key-generation.ts'
export { pkcs8OfCredential } from './private-keys.ts'
export { NodeCrypto, type KeyAlgorithm } from './node-crypto.ts'
export { makeStandInCredential, makeStandInRoot, StandInCrypto, type StandInOptions } from './stand-in.ts'
export { oidContent } from './oid.ts'
export { keyAlgorithmOf as publicKeyAlgorithm } from './x509.ts'
export { Trust, type Signer, type TrustSettings } from './trust.ts'
export { trustOf } from './overlay-trust.ts'
export { bucketOf, signMessage, verifyMessage, type MessageToSign } from './message-signature.ts'
export { signStoredData, verifyStoredData, type DataToSign, type DataToVerify } from './data-signature.ts'
export { signDocument, signDocumentBase64, verifyDocument, type SignedElement } from './document-signature.ts'
export { nodeMultipleName, permitted, type WriteAttempt } from './access-control.ts'
export { NamedResources, RESOURCE_ID_BYTES, resourceIdOf } from './resource-id.ts'
export { selfSignedNodeId } from './self-signed.ts'
export { formatNodeUri, parseNodeUri } from './certificate-identity.ts'
export { GENERAL_NAME } from './x509.ts'
