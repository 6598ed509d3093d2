/** Nobody learns from the time an answer takes who has an account: the work is the same. Counted, since clocks lie. */
import type * as Crypto from 'node:crypto'
import { afterAll, describe, expect, it, vi } from 'vitest'
import type { DigestAccount, DigestRules } from '../../../../src/sip/auth/index.ts'

const work = vi.hoisted(() => ({ digests: 0, bytes: 0, macs: 0 }))

vi.mock('node:crypto', async (importOriginal) => {
  const real = await importOriginal<typeof Crypto>()
  return {
    ...real,
    hash: (...args: Parameters<typeof real.hash>) => {
      work.digests++
      work.bytes += typeof args[1] === 'string' ? args[1].length : args[1].byteLength
      return real.hash(...args)
    },
    createHmac: (...args: Parameters<typeof real.createHmac>) => {
      work.macs++
      return real.createHmac(...args)
    },
  }
})

// Test files share modules: these have to be loaded anew, by who counts, and so by who comes after.
vi.resetModules()
const { DIGEST_ALGORITHMS, NonceWindow, challenge, digestHash, parseDigest, verify } =
  await import('../../../../src/sip/auth/index.ts')
afterAll(() => {
  vi.resetModules()
})

const realm = 'dht.example.com'
const rules: DigestRules = { realm, algorithms: DIGEST_ALGORITHMS, secret: new Uint8Array(32).fill(3) }
const now = { ms: 0, wall: 1_700_000_000_000 }

function account(algorithms: typeof DIGEST_ALGORITHMS): DigestAccount {
  return { ha1: new Map(algorithms.map((each) => [each, digestHash(each, 'alice', realm, 'wonderland')])) }
}

/** What it takes to refuse a wrong answer of a user of this name. */
function cost(user: DigestAccount | undefined, algorithm: string): typeof work {
  const nonce = parseDigest(challenge(now, rules, { stale: false })[0] ?? '')?.get('nonce') ?? ''
  const text = `Digest username="alice", realm="${realm}", nonce="${nonce}", uri="sip:${realm}", qop=auth, nc=00000001, cnonce="c", algorithm=${algorithm}, response="${'0'.repeat(64)}"`
  const users = { byName: () => user }
  Object.assign(work, { digests: 0, bytes: 0, macs: 0 })
  const request = { method: 'REGISTER', uri: `sip:${realm}`, credentials: [text] }
  expect(verify(now, request, rules, new NonceWindow(), users).kind).toBe('bad')
  return { ...work }
}

describe('a refusal', () => {
  it.each(['MD5', 'SHA-256', 'SHA-512-256', 'SHA-256-sess'])(
    'S-25 S-AU-01 %s: costs the same for a wrong password, an unknown user, and one without such a hash',
    (algorithm) => {
      // What is said of the request itself, whoever sends it, is worked out for the first of many.
      cost(undefined, algorithm)
      const known = cost(account(DIGEST_ALGORITHMS), algorithm)
      expect(known.digests).toBeGreaterThan(2)
      expect(cost(undefined, algorithm)).toEqual(known)
      expect(cost(account([]), algorithm)).toEqual(known)
    },
  )
})
