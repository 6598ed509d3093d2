/**
 * What stands in the GRUUs of phones (RFC 5627, adapter-mapping s.3.6, M-15). Keyed with the secret of the domain and complete in
 * themselves: no table is kept, so that a GRUU is good for as long as its AOR is, restarts included.
 */
import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto'
import { bytesEqual, concatBytes, fromHex, fromUtf8, toHex, utf8 } from '../../common/bytes.ts'
import { percentDecode } from '../message/escapes.ts'

/** HMAC-SHA-256 cut to 80 bits: which instance of an AOR. */
const INSTANCE_BYTES = 10
/** 48 bits that show that the token is one of ours, whether or not the phone is registered. */
const PROOF_BYTES = 6
const EPOCH_BYTES = 4
const NONCE_BYTES = 12
const TAG_BYTES = 12
/** Contents are filled up to multiples of this, so that their length says nothing about the user (RFC 5627 s.5.1). */
const BLOCK_BYTES = 32
/** Longer ones are refused unread. */
const TEMPORARY_CHARS_MAX = 1_024
/** Begins the user part of a temporary GRUU. */
export const TEMPORARY_PREFIX = 't~'
/** RFC 4648 s.6, small letters: URI parameters are compared without regard to case. */
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'
const PUBLIC_CHARS = 26

/** What a temporary GRUU says. */
export interface TemporaryGruu {
  readonly aor: string
  /** `instanceDigest` of the phone. */
  readonly instance: Uint8Array
  /** The phone's `gruuEpoch` when it was made, in hex. */
  readonly epoch: string
}

export class GruuTokens {
  private readonly instanceKey: Uint8Array
  private readonly proofKey: Uint8Array
  private readonly temporaryKey: Uint8Array

  constructor(secret: Uint8Array) {
    this.instanceKey = derived(secret, 'gruu instance')
    this.proofKey = derived(secret, 'gruu proof')
    this.temporaryKey = derived(secret, 'gruu temporary')
  }

  /** Stands for an instance of an AOR; says nothing about either to who has no key. */
  instanceDigest(aor: string, instance: string): Uint8Array {
    return mac(this.instanceKey, `${aor}\0${instance}`).subarray(0, INSTANCE_BYTES)
  }

  /** The `adi` parameter of the public GRUU: the same whenever the phone registers. */
  publicToken(aor: string, instance: string): string {
    const digest = this.instanceDigest(aor, instance)
    return base32(concatBytes([digest, this.proof(aor, digest)]))
  }

  /** The instance that an `adi` parameter stands for; undefined when we have not made it for this AOR. */
  openPublic(aor: string, escaped: string): Uint8Array | undefined {
    const token = percentDecode(escaped)
    const bytes = token.length === PUBLIC_CHARS ? fromBase32(token.toLowerCase()) : undefined
    if (bytes === undefined) return undefined
    const digest = bytes.subarray(0, INSTANCE_BYTES)
    return timingSafeEqual(bytes.subarray(INSTANCE_BYTES), this.proof(aor, digest)) ? digest : undefined
  }

  /** The user part of a temporary GRUU. `nonce` are 12 random bytes, never used before. */
  temporaryUser(aor: string, instance: string, epoch: string, nonce: Uint8Array): string {
    const name = utf8(aor)
    const used = INSTANCE_BYTES + EPOCH_BYTES + 2 + name.length
    const plain = new Uint8Array(BLOCK_BYTES * Math.ceil(used / BLOCK_BYTES))
    plain.set(this.instanceDigest(aor, instance), 0)
    plain.set(fromHex(epoch) ?? NO_EPOCH, INSTANCE_BYTES)
    new DataView(plain.buffer).setUint16(INSTANCE_BYTES + EPOCH_BYTES, name.length)
    plain.set(name, INSTANCE_BYTES + EPOCH_BYTES + 2)
    const cipher = createCipheriv('aes-256-gcm', this.temporaryKey, nonce, { authTagLength: TAG_BYTES })
    const sealed = concatBytes([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
    return TEMPORARY_PREFIX + Buffer.from(sealed).toString('base64url')
  }

  /** What a user part says that `temporaryUser` has made; undefined for any other. */
  openTemporary(escaped: string): TemporaryGruu | undefined {
    const user = percentDecode(escaped)
    if (!user.startsWith(TEMPORARY_PREFIX) || user.length > TEMPORARY_CHARS_MAX) return undefined
    const text = user.slice(TEMPORARY_PREFIX.length)
    const sealed = Buffer.from(text, 'base64url')
    if (sealed.length < NONCE_BYTES + BLOCK_BYTES + TAG_BYTES || sealed.toString('base64url') !== text)
      return undefined
    const plain = this.decrypted(sealed)
    if (plain === undefined) return undefined
    const length = new DataView(plain.buffer, plain.byteOffset).getUint16(INSTANCE_BYTES + EPOCH_BYTES)
    const start = INSTANCE_BYTES + EPOCH_BYTES + 2
    return {
      aor: fromUtf8(plain.subarray(start, start + length)),
      instance: plain.subarray(0, INSTANCE_BYTES),
      epoch: toHex(plain.subarray(INSTANCE_BYTES, INSTANCE_BYTES + EPOCH_BYTES)),
    }
  }

  /** True for the instance that a digest stands for. */
  isInstance(aor: string, instance: string | undefined, digest: Uint8Array): boolean {
    return instance !== undefined && bytesEqual(this.instanceDigest(aor, instance), digest)
  }

  private decrypted(sealed: Uint8Array): Uint8Array | undefined {
    const end = sealed.length - TAG_BYTES
    const decipher = createDecipheriv('aes-256-gcm', this.temporaryKey, sealed.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    })
    decipher.setAuthTag(sealed.subarray(end))
    try {
      return concatBytes([decipher.update(sealed.subarray(NONCE_BYTES, end)), decipher.final()])
    } catch {
      return undefined // not sealed by us
    }
  }

  private proof(aor: string, digest: Uint8Array): Uint8Array {
    return createHmac('sha256', this.proofKey)
      .update(digest)
      .update(utf8(aor))
      .digest()
      .subarray(0, PROOF_BYTES)
  }
}

const NO_EPOCH = new Uint8Array(EPOCH_BYTES)

function derived(secret: Uint8Array, label: string): Uint8Array {
  return mac(secret, label)
}

function mac(key: Uint8Array, text: string): Uint8Array {
  return createHmac('sha256', key).update(utf8(text)).digest()
}

/** Sixteen bytes are 26 characters; the two bits left over are zero. */
function base32(bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    bits += 8
    for (; bits >= 5; bits -= 5) text += BASE32[(held >> (bits - 5)) & 31]
    held &= (1 << bits) - 1
  }
  return bits === 0 ? text : text + BASE32[(held << (5 - bits)) & 31]
}

function fromBase32(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8))
  let bits = 0
  let held = 0
  let at = 0
  for (const char of text) {
    const value = BASE32.indexOf(char)
    if (value < 0) return undefined
    held = (held << 5) | value
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes[at++] = held >> bits
    held &= (1 << bits) - 1
  }
  return held === 0 ? bytes : undefined
}
