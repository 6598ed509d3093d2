/**
 * A SIP stack that has never heard of RELOAD: registrar, forking proxy or redirect server for phones, as one machine without
 * I/O. It asks its owner where else a user is (`locate`), makes registrations known (`publish`) and sends over peer flows
 * that the owner opens. Sockets are in `io/`. This is the only file that other areas import.
 */
export { BINDING_KEY as SIP_RECORDS, SiblingMarks } from './registrar/index.ts'
export { SipCore } from './core/sip-core.ts'
export type { BindingView, SipInstruments, SipSnapshot } from './core/instruments.ts'
export type * from './core/contract.ts'
export { DRACHTIO_CAPABILITIES, type Decision, type EngineCapabilities } from './engine/index.ts'
export { canonicalAor, escapeUser, parseUri, PROXY_USER, type SipUri } from './message/index.ts'
export { DEFAULT_PARSE_LIMITS } from './message/index.ts'
export { addressBytes, withoutZone } from './message/index.ts'
export { digestHash, DIGEST_ALGORITHMS, userHash, withRealm, type DigestAlgorithm } from './auth/index.ts'
export { TRUNK } from './proxy/index.ts'
