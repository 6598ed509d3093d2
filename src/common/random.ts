/**
 * Randomness as an argument. Production hands in a cryptographic source (app/crypto-random.ts), simulations a
 * seeded one. `fork(label)` gives an independent stream, so that adding a consumer does not shift another's values.
 */
export interface Random {
  bytes(length: number): Uint8Array
  /** Uniform integer in [0, maxExclusive). */
  int(maxExclusive: number): number
  /** Uniform in [0, 1). */
  float(): number
  u64(): bigint
  fork(label: string): Random
}

/** sfc32, seeded from text: small, fast, good enough for simulation, useless for security. */
export class SeededRandom implements Random {
  private a: number
  private b: number
  private c: number
  private counter = 1
  private readonly seed: string

  constructor(seed: string) {
    this.seed = seed
    this.a = fnv1a(seed, 0x811c9dc5)
    this.b = fnv1a(seed, 0x9e3779b9)
    this.c = fnv1a(seed, 0x85ebca6b)
    for (let i = 0; i < 15; i++) this.u32()
  }

  fork(label: string): Random {
    return new SeededRandom(`${this.seed}/${label}`)
  }

  bytes(length: number): Uint8Array {
    const out = new Uint8Array(length)
    for (let i = 0; i < length; i += 4) {
      const word = this.u32()
      for (let j = 0; j < 4 && i + j < length; j++) out[i + j] = (word >>> (8 * j)) & 0xff
    }
    return out
  }

  int(maxExclusive: number): number {
    return Math.floor(this.float() * maxExclusive)
  }

  float(): number {
    return this.u32() / 0x1_0000_0000
  }

  u64(): bigint {
    return (BigInt(this.u32()) << 32n) | BigInt(this.u32())
  }

  private u32(): number {
    const t = (((this.a + this.b) | 0) + this.counter) | 0
    this.counter = (this.counter + 1) | 0
    this.a = this.b ^ (this.b >>> 9)
    this.b = (this.c + (this.c << 3)) | 0
    this.c = ((this.c << 21) | (this.c >>> 11)) + t
    this.c |= 0
    return t >>> 0
  }
}

function fnv1a(text: string, basis: number): number {
  let hash = basis
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
