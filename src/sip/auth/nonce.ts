/**
 * Nonces that need no memory: a time stamp and its keyed hash (RFC 7616 s.3.3). Every peer with the same secret
 * accepts them, so a phone may be challenged by one peer and answer to another.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Millis, WallTime } from '../../common/time.ts'

/** RFC 7616 asks for a short life; S7616-3.3-01. */
export const NONCE_LIFE_MS: Millis = 120_000
/** Clocks of peers differ by this much at most; nonces from further in the future are forged. */
const CLOCK_SKEW_MS: Millis = 30_000

const TIME_BYTES = 6
const MAC_BYTES = 16
/** base64url of both parts. */
const NONCE_CHARS = Math.ceil(((TIME_BYTES + MAC_BYTES) * 4) / 3)

export type NonceState =
  | { readonly kind: 'fresh'; readonly issuedAt: WallTime }
  /** Ours, but too old: the client may try again with a new one without asking its user. */
  | { readonly kind: 'stale' }
  | { readonly kind: 'foreign' }

const STALE: NonceState = { kind: 'stale' }
const FOREIGN: NonceState = { kind: 'foreign' }

export function makeNonce(wall: WallTime, realm: string, secret: Uint8Array): string {
  const bytes = Buffer.alloc(TIME_BYTES + MAC_BYTES)
  bytes.writeUIntBE(Math.max(0, Math.floor(wall)), 0, TIME_BYTES)
  bytes.set(mac(bytes.subarray(0, TIME_BYTES), realm, secret), TIME_BYTES)
  return bytes.toString('base64url')
}

export function checkNonce(nonce: string, wall: WallTime, realm: string, secret: Uint8Array): NonceState {
  if (nonce.length !== NONCE_CHARS) return FOREIGN
  const bytes = Buffer.from(nonce, 'base64url')
  if (bytes.length !== TIME_BYTES + MAC_BYTES || bytes.toString('base64url') !== nonce) return FOREIGN
  const expected = mac(bytes.subarray(0, TIME_BYTES), realm, secret)
  if (!timingSafeEqual(bytes.subarray(TIME_BYTES), expected)) return FOREIGN
  const issuedAt = bytes.readUIntBE(0, TIME_BYTES)
  const age = wall - issuedAt
  if (age < -CLOCK_SKEW_MS || age > NONCE_LIFE_MS) return STALE
  return { kind: 'fresh', issuedAt }
}

function mac(time: Uint8Array, realm: string, secret: Uint8Array): Uint8Array {
  return createHmac('sha256', secret)
    .update('nonce\0')
    .update(time)
    .update(realm, 'utf8')
    .digest()
    .subarray(0, MAC_BYTES)
}
