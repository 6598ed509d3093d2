/** Passwords of enrollment accounts: hashed with scrypt, checked without telling anything by the time it takes. */
import { BoundedCache } from '../../common/bounded-cache.ts'
import { createHmac, randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto'
import type { Millis } from '../../common/time.ts'
import type { Login } from '../enroll-form.ts'

export interface PasswordHash {
  /** Cost parameters of scrypt. */
  readonly n: number
  readonly r: number
  readonly p: number
  /** Hex. */
  readonly salt: string
  /** Hex. */
  readonly hash: string
}

/** About 80 ms and 32 MB: much for whoever guesses, little for a site that enrolls once. */
const COST = { n: 32_768, r: 8, p: 1 } as const
const HASH_BYTES = 32
const SALT_BYTES = 16
const MEMORY_BYTES_MAX = 128 * 1024 * 1024

export async function hashPassword(password: string): Promise<PasswordHash> {
  const salt = randomBytes(SALT_BYTES)
  const hash = await derive(password, salt, COST)
  return { ...COST, salt: salt.toString('hex'), hash: hash.toString('hex') }
}

function derive(
  password: string,
  salt: Buffer,
  { n, r, p }: Omit<PasswordHash, 'salt' | 'hash'>,
): Promise<Buffer> {
  const options: ScryptOptions = { N: n, r, p, maxmem: MEMORY_BYTES_MAX }
  return new Promise((resolve, reject) => {
    scrypt(Buffer.from(password), salt, HASH_BYTES, options, (error, key) =>
      error === null ? resolve(key) : reject(error),
    )
  })
}

/** Hashes at once, and those that may wait: scrypt takes memory and the threads that files need too. */
const RUNNING_MAX = 2
const WAITING_MAX = 64
/** A site that enrolls its users one after the other pays for its password once. */
const PROVEN_FOR_MS = 600_000
const PROVEN_MAX = 1000

/** `busy`: too many checks at once; nothing was found out. */
export type PasswordVerdict = 'good' | 'wrong' | 'busy'

export class PasswordCheck {
  private readonly key = randomBytes(32)
  private readonly decoy: Promise<PasswordHash>
  /** Keyed hashes of logins that were right, with the end of their time. */
  private readonly proven = new BoundedCache<Millis>(PROVEN_MAX)
  private readonly waiting: (() => void)[] = []
  private running = 0

  constructor() {
    this.decoy = hashPassword(randomBytes(SALT_BYTES).toString('hex'))
  }

  /** Whether this very login was right a short while ago; costs no scrypt. */
  isProven(login: Login, known: PasswordHash | undefined, now: Millis): boolean {
    const until = known === undefined ? undefined : this.proven.get(this.mark(login, known))
    return until !== undefined && now < until
  }

  /** `known` undefined: no such account, which takes as long as a wrong password. */
  async check(login: Login, known: PasswordHash | undefined, now: Millis): Promise<PasswordVerdict> {
    if (!(await this.turn())) return 'busy'
    try {
      const against = known ?? (await this.decoy)
      const derived = await derive(login.password, Buffer.from(against.salt, 'hex'), against)
      const same = timingSafeEqual(derived, Buffer.from(against.hash, 'hex'))
      if (!same || known === undefined) return 'wrong'
      this.proven.set(this.mark(login, known), now + PROVEN_FOR_MS)
      return 'good'
    } finally {
      // The place goes to whoever waits longest, and is free only when nobody does.
      const next = this.waiting.shift()
      if (next === undefined) this.running--
      else next()
    }
  }

  private async turn(): Promise<boolean> {
    if (this.running < RUNNING_MAX) {
      this.running++
      return true
    }
    if (this.waiting.length >= WAITING_MAX) return false
    await new Promise<void>((resolve) => this.waiting.push(resolve))
    return true
  }

  /** The account's hash is part of it: a changed password is not proven any more. */
  private mark({ account, password }: Login, { hash }: PasswordHash): string {
    return createHmac('sha256', this.key)
      .update(JSON.stringify([account, password, hash]))
      .digest('base64')
  }
}
