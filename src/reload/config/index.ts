/**
 * The Configuration Document of an overlay (RFC 6940 s.11.1): reading, checking, writing, and what follows from it
 * for Kinds and AORs. Fetching it is done by shells; whether to believe it is decided in reload/security.
 */
export type {
  AccessControl,
  BootstrapNode,
  DomainRestriction,
  KindDefinition,
  OverlayConfiguration,
} from './types.ts'
export {
  kindBlockBytes,
  parseConfiguration,
  parseKindBlock,
  signedConfiguration,
  type ParsedConfiguration,
  type SignedConfiguration,
} from './parse.ts'
export type { ConfigFault } from './fault.ts'
export type { KindBlock } from './kind-block.ts'
export { writeConfiguration, wrapOverlay } from './write.ts'
export { compareSequence, nextSequence } from './sequence.ts'
export { KindTable, KNOWN_KINDS, registeredKind, type LearnedKind } from './kinds.ts'
export { domainAdmitted } from './domain-restriction.ts'
export { Pattern } from './pattern.ts'
