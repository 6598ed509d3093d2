/** Numbers of the end-to-end engine, each with its origin. */

/** RFC 6940 s.6.2.1: the first transmission and up to four more. */
export const SENDS_MAX = 5

/** RFC 6940 s.3: Maximum Request Lifetime = overlay-reliability-timer x 5, 15 s by default. */
export function requestLifetimeMs(reliabilityTimerMs: number): number {
  return reliabilityTimerMs * SENDS_MAX
}

/** Judgement: requests of one node that may wait at the same time. */
export const OUTSTANDING_MAX = 20_000

/** Judgement: answers kept for retransmitted requests, their bytes, and how many of them one requester may hold. */
export const ANSWERS_MAX = 8_192
export const ANSWER_BYTES_MAX = 16 * 1_024 * 1_024
export const ANSWERS_PER_SIGNER_MAX = 1_024

/** Judgement: peers remembered as having been sent our Configuration Document. */
export const PUSHES_MAX = 1_024
/** Judgement: a lost push is repeated after this; the ConfigUpdate itself is retransmitted for 15 s. */
export const PUSH_REPEAT_MS = 60_000
