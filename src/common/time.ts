/** Milliseconds of a monotonic clock with an arbitrary origin. Drives every timer; never shown to people. */
export type Millis = number

/** Milliseconds since 1970-01-01 UTC. Only for storage_time, certificate validity and dates in messages. */
export type WallTime = number

/** The one way in which a machine learns what time it is: the shell (or the simulator) hands both clocks in. */
export interface Now {
  readonly ms: Millis
  readonly wall: WallTime
}

/** `nextDeadline()` of a machine that waits for nothing. */
export const NEVER: Millis = Number.POSITIVE_INFINITY
