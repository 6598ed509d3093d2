/** Numbers of the link layer in one place, each with its origin. */

/** RFC 6298 s.2.1: before the first measurement. */
export const RTO_INITIAL_MS = 1_000
/** RFC 6298 s.2.4. RFC 6940 s.6.6.5 takes section 2 as it is for TLS links. */
export const RTO_MIN_MS = 1_000
/** RFC 6298 s.2.5: the least maximum that is allowed. */
export const RTO_MAX_MS = 60_000
/**
 * Judgement: the most that one measurement counts for. An ack that took longer says that one of the two processes stood still
 * (a machine that was suspended or moved), not how long the way is; taken as it is, 47 s made an RTO of 52 s, in which the
 * death of the far end was not noticed. A way that is really so slow is of no use: requests go out again after 3 s.
 */
export const RTT_SAMPLE_MAX_MS = 5_000
/** Clock granularity G of RFC 6298: our clock counts milliseconds. */
export const CLOCK_GRANULARITY_MS = 1

/** RFC 6940 s.6.6.5: how long a link without acks is kept before it is given up. */
export const SUSPECT_KEEP_MS = 30_000

/** RFC 6940 s.6.6.2: sequence numbers that a receiver remembers. */
export const ACK_WINDOW = 32

/** Judgement: at 100 messages a second and the largest RTO nothing honest comes near. */
export const UNACKED_MESSAGES_MAX = 8_192
/** Judgement: what a far end that stopped reading may make us hold in socket buffers, in bytes. */
export const UNACKED_BYTES_MAX = 4 * 1_024 * 1_024

/** Judgement: TCP and TLS 1.2 need three round trips; RFC 6940 s.6.2.1 gives a whole request 15 s. */
export const HANDSHAKE_TIMEOUT_MS = 15_000
/** Judgement: Chord needs about 2 log2(N) links; clients and bootstrap service need room above that. */
export const CONNECTIONS_MAX = 1_024
/** Judgement: one in use, one being replaced, and one each way of a glare. */
export const CONNECTIONS_PER_NODE_MAX = 4
/** Judgement: a link of which nothing was heard for so long may be what a former life of its far end left. */
export const LINK_QUIET_MS = 1_000
/** Judgement: how long the losing one of two links stays open, so that what is under way on it still arrives. */
export const SURPLUS_LINGER_MS = 5_000
