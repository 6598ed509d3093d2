/**
 * Nonces that need no memory: a time stamp with a number for those of one millisecond, who issued it, whom for, and the keyed hash of all that
 * (RFC 7616 s.3.3). Every peer with the same secret accepts them, so a phone may be challenged by one peer and answer to another. Which counts were used is known only
 * where they were used; that a nonce belongs to an address keeps captured credentials from working elsewhere
 * (docs/adr/0011-credentials-at-several-peers.md).
 */
import { hash, timingSafeEqual } from 'node:crypto'
import type { Millis, WallTime } from '../../common/time.ts'

/** RFC 7616 asks for a short life; S7616-3.3-01. */
export const NONCE_LIFE_MS: Millis = 120_000
/** Clocks of peers differ by this much at most; nonces from further in the future are forged. */
const CLOCK_SKEW_MS: Millis = 30_000

const TIME_BYTES = 6
const SERIAL_BYTES = 2
const TAG_BYTES = 4
const ISSUER_AT = TIME_BYTES + SERIAL_BYTES
const CLIENT_AT = ISSUER_AT + TAG_BYTES
const SIGNED_BYTES = CLIENT_AT + TAG_BYTES
const MAC_BYTES = 16
/** base64url of all parts. */
const NONCE_CHARS = Math.ceil(((SIGNED_BYTES + MAC_BYTES) * 4) / 3)

/** Who deals with whom. */
export interface NonceEnds {
  /** Name of this peer; the same for all where it does not matter. */
  readonly issuer: string
  /** Address of the client without its port, which a NAT may change. */
  readonly client: string
}

/**
 * Tells nonces of the same millisecond apart. A phone whose REGISTER and INVITE are challenged together counts the uses of each challenge
 * from 1, and so does one that knows no counts: with one nonce for both, the second use would be a replay of the first.
 */
export class NonceSerials {
  private wall: WallTime = Number.NEGATIVE_INFINITY
  private serial = 0

  /** From 0 in every millisecond, so that nobody reads off how many challenges this node sends. */
  next(wall: WallTime): number {
    this.serial = wall === this.wall ? (this.serial + 1) % 2 ** (8 * SERIAL_BYTES) : 0
    this.wall = wall
    return this.serial
  }
}

/** Whether a nonce of this age is believed. */
export function isTimely(age: Millis): boolean {
  return age >= -CLOCK_SKEW_MS && age <= NONCE_LIFE_MS
}

export type NonceState =
  | {
      readonly kind: 'fresh'
      readonly issuedAt: WallTime
      /** Issued by this peer. */
      readonly own: boolean
      /** Issued to this address. */
      readonly sameClient: boolean
    }
  /** Ours, but too old: the client may try again with a new one without asking its user. */
  | { readonly kind: 'stale'; readonly sameClient: boolean }
  | { readonly kind: 'foreign' }

const FOREIGN: NonceState = { kind: 'foreign' }

/** `serial`: of `NonceSerials`. */
export function makeNonce(
  wall: WallTime,
  realm: string,
  secret: Uint8Array,
  ends: NonceEnds,
  serial: number,
): string {
  const bytes = Buffer.alloc(SIGNED_BYTES + MAC_BYTES)
  bytes.writeUIntBE(Math.max(0, Math.floor(wall)), 0, TIME_BYTES)
  bytes.writeUIntBE(serial, TIME_BYTES, SERIAL_BYTES)
  bytes.set(tag('issuer', ends.issuer, secret), ISSUER_AT)
  bytes.set(tag('client', ends.client, secret), CLIENT_AT)
  bytes.set(mac(bytes.subarray(0, SIGNED_BYTES), realm, secret), SIGNED_BYTES)
  return bytes.toString('base64url')
}

export function checkNonce(
  nonce: string,
  wall: WallTime,
  realm: string,
  secret: Uint8Array,
  ends: NonceEnds,
): NonceState {
  if (nonce.length !== NONCE_CHARS) return FOREIGN
  const bytes = Buffer.from(nonce, 'base64url')
  if (bytes.length !== SIGNED_BYTES + MAC_BYTES || bytes.toString('base64url') !== nonce) return FOREIGN
  const expected = mac(bytes.subarray(0, SIGNED_BYTES), realm, secret)
  if (!timingSafeEqual(bytes.subarray(SIGNED_BYTES), expected)) return FOREIGN
  const issuedAt = bytes.readUIntBE(0, TIME_BYTES)
  const age = wall - issuedAt
  const client = bytes.subarray(CLIENT_AT, SIGNED_BYTES)
  const sameClient = client.equals(tag('client', ends.client, secret))
  if (!isTimely(age)) return { kind: 'stale', sameClient }
  const issuer = bytes.subarray(ISSUER_AT, CLIENT_AT)
  return { kind: 'fresh', issuedAt, own: issuer.equals(tag('issuer', ends.issuer, secret)), sameClient }
}

/** What is known of a secret before the first nonce: a nonce is made for each challenge and looked at with each answer. */
interface NonceKey {
  /** Blocks of the padded key (RFC 2104): hashing both parts at once costs a third of what setting up an HMAC does. */
  readonly inner: Buffer
  /** With room for the digest of the inner part behind it. */
  readonly outer: Buffer
  /** What is hashed first, for one realm, with room for the signed bytes; undefined before the first nonce. */
  hashed: { readonly realm: string; readonly bytes: Buffer } | undefined
  readonly tags: Map<string, Uint8Array>
}

const BLOCK_BYTES = 64
const DIGEST_BYTES = 32
const INNER_PAD = 0x36
const OUTER_PAD = 0x5c
/** Addresses whose tags are remembered; the answer to a challenge comes from where it was sent. */
const TAGS_MAX = 4_096
const PURPOSE = Buffer.from('nonce\0', 'latin1')
/** Secrets live as long as the node and are never changed in place. */
const KEYS = new WeakMap<Uint8Array, NonceKey>()

function keyOf(secret: Uint8Array): NonceKey {
  const known = KEYS.get(secret)
  if (known !== undefined) return known
  const short = secret.length > BLOCK_BYTES ? hash('sha256', secret, 'buffer') : secret
  const padded = (pad: number, room = 0): Buffer => {
    const block = Buffer.alloc(BLOCK_BYTES + room, pad)
    for (let i = 0; i < short.length; i++) block[i] = (short[i] as number) ^ pad
    return block
  }
  const made: NonceKey = {
    inner: padded(INNER_PAD),
    outer: padded(OUTER_PAD, DIGEST_BYTES),
    hashed: undefined,
    tags: new Map(),
  }
  KEYS.set(secret, made)
  return made
}

/** HMAC-SHA256 of purpose, content and realm. */
function mac(signed: Uint8Array, realm: string, secret: Uint8Array): Uint8Array {
  const key = keyOf(secret)
  if (key.hashed?.realm !== realm) {
    const room = Buffer.alloc(SIGNED_BYTES)
    key.hashed = { realm, bytes: Buffer.concat([key.inner, PURPOSE, room, Buffer.from(realm)]) }
  }
  const { bytes } = key.hashed
  bytes.set(signed, BLOCK_BYTES + PURPOSE.length)
  key.outer.set(hash('sha256', bytes, 'buffer'), BLOCK_BYTES)
  return hash('sha256', key.outer, 'buffer').subarray(0, MAC_BYTES)
}

/** Keyed too: nobody reads an address or a node's name out of a nonce. */
function tag(kind: 'issuer' | 'client', text: string, secret: Uint8Array): Uint8Array {
  const { tags } = keyOf(secret)
  const name = `${kind}\0${text}`
  let made = tags.get(name)
  if (made === undefined) {
    const digest = hash('sha256', Buffer.concat([secret, Buffer.from(`nonce ${name}`)]), 'buffer')
    made = digest.subarray(0, TAG_BYTES)
    if (tags.size >= TAGS_MAX) tags.clear()
    tags.set(name, made)
  }
  return made
}
