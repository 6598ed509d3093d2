/**
 * Lifetimes count on the monotonic clock, so that a jump of the wall clock neither kills nor prolongs a value. Only
 * across a restart the wall clock has to say how long the process was away.
 */
import type { Millis, Now, WallTime } from '../../common/time.ts'
import type { Certificate } from '../security/port.ts'

/** The part of a held value that says how long it lasts. */
export interface Lasting {
  /** Monotonic time at which the value is gone. */
  readonly expiresAt: Millis
}

/** RFC 6940 s.7: the lifetime, in seconds, starts with the reception of the StoreReq. */
export function expiryOf(now: Now, lifetimeS: number): Millis {
  // Whole milliseconds take no memory of their own.
  return Math.ceil(now.ms) + lifetimeS * 1000
}

export function alive(value: Lasting, now: Now): boolean {
  return value.expiresAt > now.ms
}

/**
 * Seconds left, rounded down: the lifetime to send when the value goes to another node (RFC 6940 s.7.4.1.1: the
 * lifetime received less the time held).
 */
export function remainingLifetime(value: Lasting, now: Now): number {
  return Math.max(0, Math.floor((value.expiresAt - now.ms) / 1000))
}

/**
 * Expiry of a value read back after a restart. A wall clock that went backwards meanwhile gives no more than the
 * whole lifetime; one that says the lifetime is over gives undefined.
 */
export function restoredExpiry(now: Now, receivedAt: WallTime, lifetimeS: number): Millis | undefined {
  const lifetimeMs = lifetimeS * 1000
  const awayMs = Math.max(0, now.wall - receivedAt)
  return awayMs >= lifetimeMs ? undefined : now.ms + lifetimeMs - awayMs
}

/** RFC 6940 s.7.1: a signature is not valid after its certificate; such a value stays but is not given out. */
export function certificatesValid(certificates: readonly Certificate[], wall: WallTime): boolean {
  for (const certificate of certificates) if (wall > certificate.notAfter) return false
  return true
}
