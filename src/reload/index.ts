/**
 * A RELOAD (RFC 6940) peer that has never heard of SIP calls: the only file of this area that others import. What it
 * does: the wire format, certificates and signatures, the ring, storage with replicas, flows to other nodes. What it
 * does not: sockets, timers, disks (reload/io), and the meaning of what is stored (usages say it, the adapter uses it).
 */
export * from './codec/index.ts'
export * from './config/index.ts'
export * from './security/index.ts'
export * from './peer/contract.ts'
export { PeerCore } from './peer/peer-core.ts'
export { FORMER_NEIGHBORS_KEY } from './peer/former-neighbors.ts'
export type { PeerComponents, PeerInit } from './peer/parts.ts'
export { unsupported as unsupportedOverlay } from './peer/supported-overlay.ts'
export { PeerInstruments } from './peer/instruments.ts'
export type { ServedRequest } from './peer/served-requests.ts'
export type { PeerLoad } from './peer/load.ts'
export type { ConnectionSnapshot, PeerSnapshot } from './peer/snapshot.ts'
export type { StorageLimits } from './storage/quota.ts'
export type { StorageUse } from './storage/use.ts'
export {
  certificatePlaces,
  certificateSchedule,
  certificateValue,
  type CertificatePlace,
  type CertificateSchedule,
} from './usages/certificate-store/certificate-values.ts'
export { sipRegistrationAdmissible } from './usages/sip/admissibility.ts'
export { BASE_TAGS, decodeContactPreferences } from './usages/sip/contact-preferences-parser.ts'
export {
  encodeContactPreferences,
  NO_PREFERENCES,
  type ContactPreferences,
  type Feature,
  type FeatureFilter,
} from './usages/sip/contact-preferences.ts'
export {
  decodeSipRegistration,
  encodeSipRegistration,
  type SipRegistration,
} from './usages/sip/registration.ts'
