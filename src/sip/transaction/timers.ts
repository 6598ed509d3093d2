/** Every timer of the SIP core, in milliseconds, in one place (RFC 3261 s.17 table 4, RFC 6026 s.8.4). */
import type { Millis } from '../../common/time.ts'

/** Estimate of the round trip. RFC 3261 s.17.1.1.1. */
export const T1_MS: Millis = 500
/** Longest interval between retransmissions of a non-INVITE request or an INVITE response. */
export const T2_MS: Millis = 4_000
/** When Timer E of a non-INVITE client has grown to T2: from then on a server that has not answered says 100 (RFC 4320 s.4.1). */
export const LATE_TRYING_MS: Millis = T1_MS + 2 * T1_MS + 4 * T1_MS

/** Longest time a message stays in the network. */
export const T4_MS: Millis = 5_000

/** INVITE client: no answer at all. */
export const TIMER_B_MS: Millis = 64 * T1_MS
/** Proxy, one an INVITE branch: longer than three minutes (RFC 3261 s.16.6 item 11). */
export const TIMER_C_MS: Millis = 185_000
/** INVITE client, Completed over UDP: time to absorb repeated failures. */
export const TIMER_D_MS: Millis = 32_000
/** Non-INVITE client: no final answer. */
export const TIMER_F_MS: Millis = 64 * T1_MS
/** INVITE server: no ACK for a failure. */
export const TIMER_H_MS: Millis = 64 * T1_MS
/** INVITE server, Confirmed over UDP: time to absorb repeated ACKs. */
export const TIMER_I_MS: Millis = T4_MS
/** Non-INVITE server, Completed over UDP: time to answer repeated requests. */
export const TIMER_J_MS: Millis = 64 * T1_MS
/** Non-INVITE client, Completed over UDP: time to absorb repeated answers. */
export const TIMER_K_MS: Millis = T4_MS
/** INVITE server, Accepted (RFC 6026 s.7.1): time to pass repeated 2xx on. */
export const TIMER_L_MS: Millis = 64 * T1_MS
/** INVITE client, Accepted (RFC 6026 s.7.2): time to receive 2xx of further branches. */
export const TIMER_M_MS: Millis = 64 * T1_MS
