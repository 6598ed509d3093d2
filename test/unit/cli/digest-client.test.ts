import { describe, expect, it } from 'vitest'
import { credentials, isStale, pickChallenge } from '../../../src/cli/phone/digest-client.ts'
import {
  challenge,
  DIGEST_ALGORITHMS,
  digestHash,
  NonceWindow,
  parseDigest,
  userHash,
  verify,
  type DigestRules,
  type DigestUsers,
} from '../../../src/sip/auth/index.ts'

describe('digest of the test phone', () => {
  const base = {
    realm: '"http-auth@example.org"',
    qop: '"auth, auth-int"',
    nonce: '"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"',
    opaque: '"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"',
  }
  const request = { method: 'GET', uri: '/dir/index.html' }
  const account = { username: 'Mufasa', password: 'Circle of Life' }
  const cnonce = 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ'

  it('answers as in the examples of RFC 7616 s.3.9.1', () => {
    expect(credentials({ ...base, algorithm: 'MD5' }, request, account, cnonce)).toMatchObject({
      response: '"8ca523f5e9506fed4657c9700eebdbec"',
      nc: '00000001',
      qop: 'auth',
      opaque: base.opaque,
    })
    expect(credentials({ ...base, algorithm: 'SHA-256' }, request, account, cnonce)).toMatchObject({
      response: '"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"',
    })
  })

  it.each([
    { algorithm: 'MD5' },
    { algorithm: 'SHA-256-sess', qop: '"auth-int"' },
    { algorithm: 'SHA-512-256', userhash: 'true' },
    { algorithm: 'SHA-512-256-sess', qop: '"auth,auth-int"', userhash: 'true' },
    { algorithm: 'MD5', qop: '' },
  ])('S7616-3.4-01 S8760-2.6-02 the server takes its answer to %j', (variant) => {
    const realm = 'dht.example.com'
    const secret = new Uint8Array(32).fill(1)
    const now = { ms: 0, wall: 1_700_000_000_000 }
    const rules: DigestRules = {
      realm,
      secret,
      algorithms: DIGEST_ALGORITHMS,
      qop: ['auth', 'auth-int'],
      userHash: true,
      allowMissingQop: true,
    }
    const nonce = parseDigest(challenge(now, rules, { stale: false })[0] ?? '')?.get('nonce') ?? ''
    const sent = { method: 'MESSAGE', uri: 'sip:bob@dht.example.com', body: 'hello' }
    const { scheme, ...params } = credentials(
      { realm: `"${realm}"`, nonce: `"${nonce}"`, qop: '"auth"', ...variant },
      sent,
      { username: 'alice', password: 'pw' },
    )
    const text = `${scheme ?? ''} ${Object.entries(params)
      .map(([name, value]) => `${name}=${value}`)
      .join(', ')}`
    const alice = {
      ha1: new Map(DIGEST_ALGORITHMS.map((each) => [each, digestHash(each, 'alice', realm, 'pw')])),
    }
    const users: DigestUsers<typeof alice> = {
      byName: (name) => (name === 'alice' ? alice : undefined),
      byHash: (hash) =>
        DIGEST_ALGORITHMS.some((each) => userHash(each, 'alice', realm) === hash) ? alice : undefined,
    }
    const request = { method: sent.method, uri: sent.uri, credentials: [text], body: Buffer.from(sent.body) }
    expect(verify(now, request, rules, new NonceWindow(), users).kind).toBe('ok')
    expect('userhash' in params).toBe('userhash' in variant)
  })

  it('S7616-3.3-01 knows a challenge that only wants a newer nonce answered', () => {
    expect(isStale({ stale: 'true' })).toBe(true)
    expect(isStale({ stale: '"TRUE"' })).toBe(true)
    expect(isStale({ stale: 'false' })).toBe(false)
    expect(isStale({})).toBe(false)
  })

  it('takes the strongest challenge that it knows', () => {
    const challenges = [{ algorithm: 'SHA-512-256' }, { algorithm: 'MD5' }, { algorithm: '"sha-256"' }]
    expect(pickChallenge(challenges)).toEqual({ algorithm: 'SHA-512-256' })
    expect(pickChallenge(challenges.slice(1))).toEqual({ algorithm: '"sha-256"' })
    expect(pickChallenge([{ algorithm: 'MD5-sess' }, { algorithm: 'AKAv1-MD5' }])).toEqual({
      algorithm: 'MD5-sess',
    })
    expect(pickChallenge([{ realm: 'x' }])).toEqual({ realm: 'x' })
    expect(pickChallenge([{ algorithm: 'AKAv1-MD5' }])).toBeUndefined()
  })
})
