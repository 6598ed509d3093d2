/**
 * Finding SIP servers outside the overlay (RFC 3263), as far as it is no I/O: DNS messages, what is remembered of them, and the choices
 * among what they say. The questions are put by `sip/io`.
 */
export { decodeAnswer, encodeQuery, UDP_ANSWER_BYTES_MAX, type DecodedAnswer } from './dns-message.ts'
export { CACHED_ANSWERS_MAX, RecordCache } from './record-cache.ts'
export type { NaptrRecord, RecordAnswer, RecordData, RecordType } from './records.ts'
export {
  defaultPort,
  naptrOffers,
  orderedServers,
  serviceName,
  type OfferedTransport,
} from './server-choice.ts'
