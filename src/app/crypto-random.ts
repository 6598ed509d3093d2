import { randomBytes, randomInt } from 'node:crypto'
import type { Random } from '../common/random.ts'

/** Bytes fetched from the system at once: one call for many small draws. */
const POOL_BYTES = 4096

/** The production source: the system's generator. `fork` gives itself, its streams are independent anyway. */
export class CryptoRandom implements Random {
  private pool = new Uint8Array(0)
  private at = 0

  bytes(length: number): Uint8Array {
    if (length > POOL_BYTES / 4) return Uint8Array.from(randomBytes(length))
    if (this.pool.length - this.at < length) {
      this.pool = randomBytes(POOL_BYTES)
      this.at = 0
    }
    const out = Uint8Array.from(this.pool.subarray(this.at, this.at + length))
    this.at += length
    return out
  }

  int(maxExclusive: number): number {
    return maxExclusive <= 1 ? 0 : randomInt(maxExclusive)
  }

  float(): number {
    return this.u32() / 0x1_0000_0000
  }

  u64(): bigint {
    return (BigInt(this.u32()) << 32n) | BigInt(this.u32())
  }

  fork(): Random {
    return this
  }

  private u32(): number {
    const [a, b, c, d] = this.bytes(4) as unknown as [number, number, number, number]
    return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
  }
}

/** Letters and digits that nobody confuses when typing them into a phone. */
const PASSWORD_ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789'

/** A password of about 79 bits. */
export function randomPassword(): string {
  let text = ''
  for (let i = 0; i < 16; i++) text += PASSWORD_ALPHABET[randomInt(PASSWORD_ALPHABET.length)] as string
  return text
}
