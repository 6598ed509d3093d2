/** What SIP transports need besides sockets: message framing on streams, flow tokens, STUN keep-alives. */
export { UnfinishedMessages, unfinishedBytesMax, type Unfinished } from './unfinished.ts'
export { BODY_COMPLETE_MS, HEAD_COMPLETE_MS, StreamFramer, type FramerOutput } from './stream-framer.ts'
export { MessageFramer } from './message-framer.ts'
export { FlowTokens } from './flow-token.ts'
export { looksLikeStun, stunAnswer } from './stun-answer.ts'
export { provenIdentities, sipDomains, speaksFor, type CertificateNames } from './certificate-names.ts'
