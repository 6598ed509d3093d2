/**
 * HMAC-SHA1 (RFC 2104, RFC 3174) of short texts with one key. What OpenSSL charges for setting up a hash is several times the work
 * on one block, and flow tokens are made and read with every call; the same bytes come out (test/unit/common/hmac-sha1.test.ts).
 */
import { createHash } from 'node:crypto'

const BLOCK_BYTES = 64
const DIGEST_BYTES = 20
const INNER_PAD = 0x36
const OUTER_PAD = 0x5c

export class HmacSha1 {
  /** States after the block of the padded key. */
  private readonly inner: Int32Array
  private readonly outer: Int32Array
  private readonly state = new Int32Array(5)
  private readonly words = new Int32Array(80)
  private readonly block = new Uint8Array(BLOCK_BYTES)

  constructor(key: Uint8Array) {
    const short = key.length > BLOCK_BYTES ? createHash('sha1').update(key).digest() : key
    this.inner = this.padded(short, INNER_PAD)
    this.outer = this.padded(short, OUTER_PAD)
  }

  /** Writes the first `length` bytes of the code of `prefix` and `content` together to `target` at `at`. */
  sign(prefix: Uint8Array, content: Uint8Array, target: Uint8Array, at: number, length = DIGEST_BYTES): void {
    const { state, block } = this
    state.set(this.inner)
    let filled = 0
    for (const part of [prefix, content]) {
      for (let i = 0; i < part.length; i++) {
        block[filled++] = part[i] as number
        if (filled === BLOCK_BYTES) {
          this.compress()
          filled = 0
        }
      }
    }
    this.finish(filled, BLOCK_BYTES + prefix.length + content.length)
    for (let i = 0; i < DIGEST_BYTES; i++) block[i] = byteOf(state, i)
    state.set(this.outer)
    this.finish(DIGEST_BYTES, BLOCK_BYTES + DIGEST_BYTES)
    for (let i = 0; i < length; i++) target[at + i] = byteOf(state, i)
  }

  private padded(key: Uint8Array, pad: number): Int32Array {
    this.state.set([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0])
    this.block.fill(pad)
    for (let i = 0; i < key.length; i++) this.block[i] = (key[i] as number) ^ pad
    this.compress()
    return this.state.slice()
  }

  /** Ends a message of `bytes` bytes, of which the last `filled` stand in the block. */
  private finish(filled: number, bytes: number): void {
    const { block } = this
    block[filled++] = 0x80
    if (filled > BLOCK_BYTES - 8) {
      block.fill(0, filled)
      this.compress()
      filled = 0
    }
    block.fill(0, filled)
    const bits = bytes * 8
    block[60] = bits >>> 24
    block[61] = bits >>> 16
    block[62] = bits >>> 8
    block[63] = bits
    this.compress()
  }

  /** RFC 3174 s.6.1. */
  private compress(): void {
    const { block, words: w, state: s } = this
    for (let i = 0, at = 0; i < 16; i++, at += 4) {
      w[i] =
        ((block[at] as number) << 24) |
        ((block[at + 1] as number) << 16) |
        ((block[at + 2] as number) << 8) |
        (block[at + 3] as number)
    }
    for (let i = 16; i < 80; i++) {
      const x = (w[i - 3] as number) ^ (w[i - 8] as number) ^ (w[i - 14] as number) ^ (w[i - 16] as number)
      w[i] = (x << 1) | (x >>> 31)
    }
    let a = s[0] as number
    let b = s[1] as number
    let c = s[2] as number
    let d = s[3] as number
    let e = s[4] as number
    let i = 0
    for (; i < 20; i++) {
      const t = (((a << 5) | (a >>> 27)) + ((b & c) | (~b & d)) + e + 0x5a827999 + (w[i] as number)) | 0
      e = d
      d = c
      c = (b << 30) | (b >>> 2)
      b = a
      a = t
    }
    for (; i < 40; i++) {
      const t = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + 0x6ed9eba1 + (w[i] as number)) | 0
      e = d
      d = c
      c = (b << 30) | (b >>> 2)
      b = a
      a = t
    }
    for (; i < 60; i++) {
      const t =
        (((a << 5) | (a >>> 27)) + ((b & c) | (b & d) | (c & d)) + e + 0x8f1bbcdc + (w[i] as number)) | 0
      e = d
      d = c
      c = (b << 30) | (b >>> 2)
      b = a
      a = t
    }
    for (; i < 80; i++) {
      const t = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + 0xca62c1d6 + (w[i] as number)) | 0
      e = d
      d = c
      c = (b << 30) | (b >>> 2)
      b = a
      a = t
    }
    s[0] = (s[0] as number) + a
    s[1] = (s[1] as number) + b
    s[2] = (s[2] as number) + c
    s[3] = (s[3] as number) + d
    s[4] = (s[4] as number) + e
  }
}

function byteOf(state: Int32Array, index: number): number {
  return ((state[index >> 2] as number) >>> (24 - 8 * (index & 3))) & 0xff
}
