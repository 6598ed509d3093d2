import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  NonceSerials,
  NonceWindow,
  NONCE_LIFE_MS,
  challenge,
  digestHash,
  parseDigest,
  responseFor,
  userHash,
  verify,
  type DigestAccount,
  type DigestAlgorithm,
  type DigestRules,
  type DigestUsers,
  type DigestVerdict,
} from '../../../../src/sip/auth/index.ts'

const realm = 'dht.example.com'
const secret = new Uint8Array(32).fill(3)
const now = { ms: 0, wall: 1_700_000_000_000 }
const rules: DigestRules = { realm, algorithms: ['SHA-512-256', 'SHA-256', 'MD5'], secret }
const ALGORITHMS: readonly DigestAlgorithm[] = ['SHA-512-256', 'SHA-256', 'MD5']

function account(username: string, password: string): DigestAccount {
  return {
    ha1: new Map(
      ALGORITHMS.map((algorithm) => [algorithm, digestHash(algorithm, username, realm, password)]),
    ),
  }
}

const alice = account('alice', 'wonderland')
const users: DigestUsers<DigestAccount> = {
  byName: (username) => (username === 'alice' ? alice : undefined),
  byHash: (hash) => (ALGORITHMS.some((each) => userHash(each, 'alice', realm) === hash) ? alice : undefined),
}

interface Answer {
  readonly username?: string
  readonly password?: string
  readonly algorithm?: string
  readonly realm?: string
  readonly nonce?: string
  readonly nc?: string
  readonly cnonce?: string
  readonly qop?: string | undefined
  readonly uri?: string
  readonly body?: Uint8Array
  readonly wall?: number
  /** Raw text behind the parameters. */
  readonly more?: string
}

function freshNonce(wall = now.wall): string {
  return (
    parseDigest(
      challenge({ ...now, wall }, { realm, algorithms: ['MD5'], secret }, { stale: false })[0] ?? '',
    )?.get('nonce') ?? ''
  )
}

/** What a phone sends, worked out here from RFC 7616 and not with the code under test. */
function credentials(answer: Answer = {}): string {
  const { username = 'alice', password = 'wonderland', algorithm = 'SHA-256', nonce = freshNonce() } = answer
  const { nc = '00000001', cnonce = 'c0', uri = 'sip:dht.example.com' } = answer
  const qop = 'qop' in answer ? answer.qop : 'auth'
  const session = algorithm.toLowerCase().endsWith('-sess')
  const name = algorithm
    .toLowerCase()
    .replace('-sess', '')
    .replace('sha-512-256', 'sha512-256')
    .replace('sha-256', 'sha256')
  const hash = (data: string | Uint8Array): string => createHash(name).update(data).digest('hex')
  let ha1 = hash(`${username}:${realm}:${password}`)
  if (session) ha1 = hash(`${ha1}:${nonce}:${cnonce}`)
  const a2 = `REGISTER:${uri}${qop === 'auth-int' ? `:${hash(answer.body ?? '')}` : ''}`
  const tail = qop === undefined ? hash(a2) : `${nc}:${cnonce}:${qop}:${hash(a2)}`
  const counted = qop === undefined ? '' : `qop=${qop}, nc=${nc}, cnonce="${cnonce}", `
  return (
    `Digest username="${Buffer.from(username).toString('latin1')}", realm="${answer.realm ?? realm}", nonce="${nonce}", uri="${uri}", ` +
    `${counted}response="${hash(`${ha1}:${nonce}:${tail}`)}", algorithm=${algorithm}${answer.more ?? ''}`
  )
}

function check(
  texts: string | readonly string[],
  options: {
    window?: NonceWindow
    wall?: number
    rules?: DigestRules
    uri?: string
    method?: string
    body?: Uint8Array
    client?: string
    users?: DigestUsers<DigestAccount>
  } = {},
): DigestVerdict<DigestAccount> {
  return verify(
    { ...now, wall: options.wall ?? now.wall },
    {
      method: options.method ?? 'REGISTER',
      uri: options.uri ?? 'sip:dht.example.com',
      credentials: typeof texts === 'string' ? [texts] : texts,
      ...(options.body === undefined ? {} : { body: options.body }),
      ...(options.client === undefined ? {} : { client: options.client }),
    },
    options.rules ?? rules,
    options.window ?? new NonceWindow(),
    options.users ?? users,
  )
}

describe('challenge', () => {
  it('S8760-2.3-01 S8760-2.6-01 one an algorithm, strongest first, qop always', () => {
    const texts = challenge(now, rules, { stale: false })
    const parsed = texts.map((text) => parseDigest(text))
    expect(parsed.map((params) => params?.get('algorithm'))).toEqual(['SHA-512-256', 'SHA-256', 'MD5'])
    for (const params of parsed) {
      expect(params?.get('realm')).toBe(realm)
      expect(params?.get('qop')).toBe('auth')
      expect(params?.get('nonce')).toMatch(/^[\w-]{20,}$/)
      expect(params?.has('stale')).toBe(false)
    }
    expect(texts[0]).toContain('qop="auth"')
    expect(new Set(parsed.map((params) => params?.get('nonce'))).size).toBe(1)
  })

  it('S7616-3.3-01 says stale when asked to', () => {
    expect(challenge(now, rules, { stale: true })[0]).toContain('stale=true')
  })
})

describe('responseFor', () => {
  const cnonce = 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ'
  const params = new Map([
    ['nonce', '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v'],
    ['cnonce', cnonce],
    ['nc', '00000001'],
    ['qop', 'auth'],
    ['uri', '/dir/index.html'],
  ])

  it.each([
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
  ] as const)('S7616-3.3-01 RFC 7616 s.3.9.1 example: %s', (algorithm, expected) => {
    const ha1 = digestHash(algorithm, 'Mufasa', 'http-auth@example.org', 'Circle of Life')
    expect(responseFor(ha1, { algorithm, session: false }, params, { method: 'GET' })).toBe(expected)
  })

  it('S7616-3.3-01 RFC 2617 s.3.5 example', () => {
    const ha1 = digestHash('MD5', 'Mufasa', 'testrealm@host.com', 'Circle Of Life')
    const old = new Map([
      ['nonce', 'dcd98b7102dd2f0e8b11d0f600bfb0c093'],
      ['cnonce', '0a4f113b'],
      ['nc', '00000001'],
      ['qop', 'auth'],
      ['uri', '/dir/index.html'],
    ])
    expect(responseFor(ha1, { algorithm: 'MD5', session: false }, old, { method: 'GET' })).toBe(
      '6629fae49393a05397450978507c4ef1',
    )
  })

  it('S7616-3.4-01 the hash of an account is that of RFC 7616 s.3.4.2, names in UTF-8', () => {
    expect(digestHash('MD5', 'jäsøn', 'r', 'p')).toBe(
      createHash('md5').update('jäsøn:r:p', 'utf8').digest('hex'),
    )
  })
})

describe('verify', () => {
  it.each(['SHA-512-256', 'SHA-256', 'MD5', 'sha-256', 'md5'])(
    'S3261-10.3-06 accepts the right password with %s',
    (algorithm) => {
      expect(check(credentials({ algorithm }))).toMatchObject({
        kind: 'ok',
        account: alice,
        username: 'alice',
      })
    },
  )

  it('S-AU-01 a wrong password and an unknown user get the same verdict', () => {
    expect(check(credentials({ password: 'wrong' }))).toMatchObject({
      kind: 'bad',
      username: 'alice',
      by: 'client',
    })
    expect(check(credentials({ username: 'nobody' }))).toMatchObject({
      kind: 'bad',
      username: 'nobody',
      by: 'client',
    })
    // The stand-in hash of unknown users opens nothing.
    const nonce = freshNonce()
    const params = new Map([
      ['nonce', nonce],
      ['cnonce', 'c'],
      ['nc', '00000001'],
      ['qop', 'auth'],
      ['uri', 'sip:dht.example.com'],
    ])
    const response = responseFor('0'.repeat(32), { algorithm: 'MD5', session: false }, params, {
      method: 'REGISTER',
    })
    const forged = `Digest username="nobody", realm="${realm}", nonce="${nonce}", uri="sip:dht.example.com", qop=auth, nc=00000001, cnonce="c", response="${response}"`
    expect(check(forged)).toMatchObject({ kind: 'bad', username: 'nobody', by: 'client' })
  })

  it('S3261-22-04 Basic is no credential', () => {
    expect(check('Basic YWxpY2U6d29uZGVybGFuZA==')).toEqual({ kind: 'missing' })
    expect(check([])).toEqual({ kind: 'missing' })
  })

  it('credentials of other realms are somebody else’s', () => {
    expect(check(credentials({ realm: 'elsewhere' }))).toEqual({ kind: 'missing' })
    expect(check([credentials({ realm: 'elsewhere' }), credentials()]).kind).toBe('ok')
  })

  it('S8760-2.3-01 of several for our realm any right one does; an algorithm that we do not offer does not', () => {
    expect(check([credentials({ algorithm: 'MD5', password: 'wrong' }), credentials()]).kind).toBe('ok')
    expect(
      check(credentials({ algorithm: 'MD5' }), { rules: { ...rules, algorithms: ['SHA-256'] } }).kind,
    ).toBe('bad')
    expect(check(credentials().replace('algorithm=SHA-256', 'algorithm=SHA-1')).kind).toBe('bad')
  })

  it('S7616-3.3-01 a nonce lives 120 s; after that right credentials are stale and wrong ones bad', () => {
    expect(check(credentials(), { wall: now.wall + NONCE_LIFE_MS }).kind).toBe('ok')
    expect(check(credentials(), { wall: now.wall + NONCE_LIFE_MS + 1 })).toMatchObject({
      kind: 'stale',
      username: 'alice',
    })
    expect(check(credentials({ password: 'wrong' }), { wall: now.wall + NONCE_LIFE_MS + 1 }).kind).toBe('bad')
  })

  it('S7616-3.3-01 nonces of others, of another secret or realm, changed or from the future are refused', () => {
    const nonce = freshNonce()
    const changed = (nonce.startsWith('A') ? 'B' : 'A') + nonce.slice(1)
    for (const forged of ['x', '', changed, `${nonce}=`, `${nonce} `])
      expect(check(credentials({ nonce: forged })).kind).toBe('bad')
    expect(check(credentials(), { rules: { ...rules, secret: new Uint8Array(32) } }).kind).toBe('bad')
    expect(check(credentials({ nonce: freshNonce(now.wall + 60_000) })).kind).toBe('stale')
    expect(check(credentials({ nonce: freshNonce(now.wall + 10_000) })).kind).toBe('ok')
  })

  it('S7616-3.4-01 S-25 a name with the realm behind it is the same user by another hash, and a guess at it a guess at him', () => {
    const hash = (name: string): string =>
      createHash('md5').update(`${name}:${realm}:wonderland`).digest('hex')
    const both = new Map([
      ['MD5', hash('alice')],
      ['MD5@', hash(`alice@${realm}`)],
    ])
    const accounts = (ha1: ReadonlyMap<string, string>): DigestUsers<DigestAccount> => ({
      byName: (name) => (name === 'alice' ? { ha1 } : undefined),
    })
    const long = { username: `alice@${realm}`, algorithm: 'MD5' }
    const users = accounts(both)
    const md5: DigestRules = { ...rules, algorithms: ['MD5', 'SHA-256'] }
    const judged = (answer: Answer, options: Parameters<typeof check>[1] = {}) =>
      check(credentials(answer), { rules: md5, users, ...options })
    expect(judged(long)).toMatchObject({ kind: 'ok', username: 'alice' })
    expect(judged({ ...long, algorithm: 'MD5-sess' })).toMatchObject({ kind: 'ok' })
    expect(judged({ username: 'alice', algorithm: 'MD5' })).toMatchObject({ kind: 'ok' })
    expect(judged({ ...long, password: 'guess' })).toMatchObject({ kind: 'bad', username: 'alice' })
    // No hash for that, as in accounts of before.
    const old = accounts(new Map([['MD5', hash('alice')]]))
    expect(judged(long, { users: old })).toMatchObject({ kind: 'bad', unhashed: true })
    expect(judged({ ...long, algorithm: 'SHA-256' })).toMatchObject({ kind: 'bad', unhashed: true })
    // Each hash is that of one spelling.
    const swapped = accounts(
      new Map([
        ['MD5', hash(`alice@${realm}`)],
        ['MD5@', hash('alice')],
      ]),
    )
    for (const username of ['alice', long.username])
      expect(judged({ username, algorithm: 'MD5' }, { users: swapped }).kind).toBe('bad')
    for (const username of [`alice@x${realm}`, `@${realm}`, `alice@${realm.toUpperCase()}`])
      expect(judged({ username, algorithm: 'MD5' }).kind, username).toBe('bad')
  })

  it('S-AU-01 S-25 whose failure it is says the nonce: of the address it was sent to, of another, or of nobody', () => {
    const failure = (
      nonce: string,
      client: string,
      init: { nc?: string; password?: string } = {},
    ): unknown => {
      const { kind, ...rest } = check(credentials({ nonce, password: 'wrong', ...init }), { client })
      return kind === 'bad' && 'by' in rest ? `${kind} ${rest.by}` : kind
    }
    const nonce =
      parseDigest(challenge(now, rules, { stale: false, client: '192.0.2.1' })[0] ?? '')?.get('nonce') ?? ''
    expect(failure(nonce, '192.0.2.1')).toBe('bad client')
    expect(failure(nonce, '203.0.113.9')).toBe('bad other')
    expect(failure('made-up', '192.0.2.1')).toBe('bad unknown')
    // Where nothing could be right, nothing is said about the password.
    for (const password of ['wrong', 'wonderland'])
      expect(failure(nonce, '203.0.113.9', { nc: '00000002', password })).toBe('stale')
    const old = parseDigest(
      challenge({ ...now, wall: now.wall - NONCE_LIFE_MS - 1 }, rules, {
        stale: false,
        client: '192.0.2.1',
      })[0] ?? '',
    )?.get('nonce')
    expect(failure(old ?? '', '203.0.113.9')).toBe('stale')
    expect(failure(old ?? '', '192.0.2.1')).toBe('bad client')
  })

  it('S-AU-01 of several credentials a guess decides before what is broken, stale or of nobody, and all are told', () => {
    const guess = credentials({ password: 'wrong' })
    const broken = 'Digest broken'
    const forged = credentials({ nonce: 'made-up' })
    const stale = credentials({ nonce: freshNonce(now.wall - NONCE_LIFE_MS - 1) })
    for (const other of [broken, forged, stale])
      for (const both of [
        [guess, other],
        [other, guess],
      ]) {
        const verdict = check(both)
        expect(verdict).toMatchObject({ kind: 'bad', username: 'alice', by: 'client' })
        expect(verdict.kind === 'missing' ? 0 : verdict.all.length).toBe(2)
      }
    expect(check([forged, stale]).kind).toBe('stale')
    // Not more at a time than there are algorithms, and one.
    expect(check([guess, guess, guess, guess, credentials()]).kind).toBe('bad')
    expect(check([guess, guess, guess, credentials()]).kind).toBe('ok')
    const foreign = credentials({ username: 'bob' })
    expect(check([foreign, credentials()])).toMatchObject({
      kind: 'ok',
      username: 'alice',
      all: [{ kind: 'bad', username: 'bob', by: 'client' }, { kind: 'ok' }],
    })
  })

  it('S-AU-01 RFC 8760 s.2.4 an algorithm that the account has no hash for is no guess beside a right answer, even to an old nonce', () => {
    const old = freshNonce(now.wall - NONCE_LIFE_MS - 1)
    const md5 = {
      byName: () => ({ ha1: new Map([['MD5', digestHash('MD5', 'alice', realm, 'wonderland')]]) }),
    }
    const both = [credentials({ nonce: old }), credentials({ nonce: old, algorithm: 'MD5' })]
    expect(check(both, { users: md5 })).toMatchObject({ kind: 'stale', all: [{ kind: 'stale' }] })
    const guess = [credentials(), credentials({ algorithm: 'MD5', password: 'wrong' })]
    expect(check(guess, { users: md5 })).toMatchObject({ kind: 'bad', by: 'client', all: [{}, {}] })
  })

  it('S-25 RFC 8760 s.2.4 none of several captured answers is used again from elsewhere', () => {
    const window = new NonceWindow()
    const nonce =
      parseDigest(challenge(now, rules, { stale: false, client: '192.0.2.1' })[0] ?? '')?.get('nonce') ?? ''
    for (const cnonces of [
      ['c', 'c'],
      ['d', 'e'],
    ]) {
      const [sha = '', md5 = ''] = cnonces.map((cnonce, index) =>
        credentials({ nonce, cnonce, algorithm: index === 0 ? 'SHA-256' : 'MD5' }),
      )
      expect(check([sha, md5], { window, client: '192.0.2.1' }).kind).toBe('ok')
      for (const one of [sha, md5]) expect(check(one, { window, client: '203.0.113.9' }).kind).toBe('stale')
    }
  })

  it('S-25 S7616-3.3-01 a captured response is used once, however the name is written and whatever cnonce it does not cover', () => {
    const window = new NonceWindow()
    const hashing = { rules: { ...rules, userHash: true }, window }
    const plain = credentials()
    const name = userHash('SHA-256', 'alice', realm)
    const hashed = plain.replace('username="alice"', `username="${name}", userhash=true`)
    expect(check(hashed, hashing).kind).toBe('ok')
    expect(check(hashed.replace(name, name.toUpperCase()), hashing)).toMatchObject({
      kind: 'stale',
      username: name,
    })
    expect(check(plain, hashing).kind).toBe('stale')
    const old = { rules: { ...rules, allowMissingQop: true }, window }
    const text = credentials({ qop: undefined, algorithm: 'MD5', nonce: freshNonce(now.wall + 1) })
    expect(check(text, old).kind).toBe('ok')
    for (const cnonce of ['1', '2']) expect(check(`${text}, cnonce="${cnonce}"`, old).kind).toBe('stale')
  })

  it('S7616-3.3-01 counts rise strictly for each nonce and cnonce: replays are stale', () => {
    const window = new NonceWindow()
    const kind = (nc: string, cnonce = 'c0'): string => check(credentials({ nc, cnonce }), { window }).kind
    expect(kind('00000001')).toBe('ok')
    expect(kind('00000001')).toBe('stale')
    expect(kind('0000000a')).toBe('ok')
    expect(kind('00000009')).toBe('stale')
    expect(kind('0000000B')).toBe('ok')
    expect(kind('00000001', 'c1')).toBe('ok')
  })

  it('S7616-3.3-01 counts of fewer digits, and from 0, rise as well', () => {
    const window = new NonceWindow()
    const kind = (nc: string): string => check(credentials({ nc }), { window }).kind
    expect([kind('0'), kind('00000000'), kind('1'), kind('2'), kind('0000002'), kind('3')]).toEqual([
      ...['ok', 'stale', 'stale', 'ok', 'stale', 'ok'],
    ])
  })

  it('S7616-3.3-01 wrong credentials do not use up a count', () => {
    const window = new NonceWindow()
    expect(check(credentials({ password: 'wrong', nc: '00000005' }), { window }).kind).toBe('bad')
    expect(window.size).toBe(0)
    expect(check(credentials({ nc: '00000001' }), { window }).kind).toBe('ok')
  })

  it('the credentials must be for this method and target; ports and parameters may be left out', () => {
    expect(check(credentials(), { method: 'INVITE' }).kind).toBe('bad')
    expect(check(credentials({ uri: 'sip:other.example.com' })).kind).toBe('bad')
    expect(check(credentials({ uri: 'sip:bob@dht.example.com' })).kind).toBe('bad')
    expect(check(credentials({ uri: 'nonsense' })).kind).toBe('bad')
    expect(
      check(credentials({ uri: 'sip:DHT.example.com' }), { uri: 'sip:dht.example.com:5060;transport=udp' })
        .kind,
    ).toBe('ok')
  })

  it('S8760-2.6-01 a client without qop is refused, or tolerated with MD5 where that is configured', () => {
    const old = credentials({ qop: undefined, algorithm: 'MD5' })
    expect(check(old).kind).toBe('bad')
    expect(check(old, { rules: { ...rules, allowMissingQop: true } }).kind).toBe('ok')
    expect(check(credentials({ qop: undefined }), { rules: { ...rules, allowMissingQop: true } }).kind).toBe(
      'bad',
    )
  })

  it('S-25 a client without qop counts nothing, so each nonce serves it once', () => {
    const window = new NonceWindow()
    const old = { rules: { ...rules, allowMissingQop: true }, window }
    const text = credentials({ qop: undefined, algorithm: 'MD5' })
    expect(check(text, old).kind).toBe('ok')
    expect(check(text, old).kind).toBe('stale')
    expect(
      check(credentials({ qop: undefined, algorithm: 'MD5', nonce: freshNonce(now.wall + 1) }), old).kind,
    ).toBe('ok')
  })

  it('S7616-3.3-01 challenges of one millisecond have nonces of their own, and each of them may be answered with the count 1', () => {
    const serials = new NonceSerials()
    const nonces = [0, 0, 0, 1, 1].map((after) => {
      const wall = now.wall + after
      const serial = serials.next(wall)
      return parseDigest(challenge({ ...now, wall }, rules, { stale: false, serial })[0] ?? '')?.get('nonce')
    })
    expect(new Set(nonces).size).toBe(5)
    const window = new NonceWindow()
    for (const nonce of nonces) {
      const text = credentials({ nonce: nonce ?? '' })
      expect(check(text, { window, wall: now.wall + 1 }).kind).toBe('ok')
      expect(check(text, { window, wall: now.wall + 1 }).kind).toBe('stale')
    }
  })

  it('S7616-3.3-01 the number of a nonce goes round before it leaves its two bytes, and begins again with the next millisecond', () => {
    const serials = new NonceSerials()
    expect(serials.next(1)).toBe(0)
    for (let expected = 1; expected < 65_536; expected++) if (serials.next(1) !== expected) expect.fail()
    expect(serials.next(1)).toBe(0)
    expect(serials.next(1)).toBe(1)
    expect(serials.next(2)).toBe(0)
  })

  describe('at several peers that share the secret', () => {
    const at = (issuer: string): DigestRules => ({ ...rules, issuer })
    const nonceOf = (issuer: string, client: string): string =>
      parseDigest(challenge(now, at(issuer), { stale: false, client })[0] ?? '')?.get('nonce') ?? ''
    const windows = new Map<string, NonceWindow>()
    const ask = (peer: string, client: string, nonce: string, nc: number): string => {
      const window = windows.get(peer) ?? new NonceWindow()
      windows.set(peer, window)
      const text = credentials({ nonce, nc: nc.toString(16).padStart(8, '0') })
      return check(text, { rules: at(peer), client, window }).kind
    }

    it('S7616-3.3-01 a phone is challenged by one and answers to another, and goes on there', () => {
      windows.clear()
      const nonce = nonceOf('a', '192.0.2.1')
      expect(ask('b', '192.0.2.1', nonce, 1)).toBe('ok')
      expect(ask('b', '192.0.2.1', nonce, 2)).toBe('ok')
      expect(ask('a', '192.0.2.1', nonce, 3)).toBe('ok')
    })

    it('S-25 S7616-3.3-01 captured credentials are worth nothing at another peer from another address', () => {
      windows.clear()
      const nonce = nonceOf('a', '192.0.2.1')
      expect(ask('a', '192.0.2.1', nonce, 1)).toBe('ok')
      expect(ask('a', '192.0.2.1', nonce, 2)).toBe('ok')
      // The thief is asked for credentials of his own, which he has not.
      for (const peer of ['b', 'c'])
        for (const nc of [1, 2]) expect(ask(peer, '203.0.113.9', nonce, nc)).toBe('stale')
      expect(ask('a', '203.0.113.9', nonce, 1)).toBe('stale')
      // What was used elsewhere is not known here, but the address is.
      expect(ask('b', '192.0.2.1', nonce, 3)).toBe('ok')
      expect(ask('a', '203.0.113.9', nonce, 3)).toBe('stale')
    })

    it('S7616-3.3-01 a client whose address changes with every request gets in with a fresh nonce', () => {
      windows.clear()
      const nonce = nonceOf('a', '192.0.2.1')
      expect(ask('a', '192.0.2.2', nonce, 1)).toBe('ok')
      expect(ask('a', '192.0.2.3', nonce, 2)).toBe('stale')
      expect(ask('a', '192.0.2.3', nonceOf('a', '192.0.2.4'), 1)).toBe('ok')
    })
  })

  it('S8760-2.6-02 auth-int over a body, and over none', () => {
    const body = Buffer.from('v=0\r\n')
    expect(check(credentials({ qop: 'auth-int' })).kind).toBe('ok')
    expect(check(credentials({ qop: 'auth-int', algorithm: 'MD5', body }), { body }).kind).toBe('ok')
    expect(check(credentials({ qop: 'auth-int', body }), { body: Buffer.from('v=1\r\n') }).kind).toBe('bad')
  })

  it.each(['MD5-sess', 'SHA-256-sess', 'SHA-512-256-sess'])(
    'S7616-3.4-01 session variant %s',
    (algorithm) => {
      expect(check(credentials({ algorithm })).kind).toBe('ok')
      expect(check(credentials({ algorithm, password: 'wrong' })).kind).toBe('bad')
    },
  )

  it('S7616-3.4-01 hashed user names are taken where they are offered, and nowhere else', () => {
    const hidden = { ...rules, userHash: true }
    expect(challenge(now, rules, { stale: false })[0]).not.toContain('userhash')
    expect(challenge(now, hidden, { stale: false })[0]).toContain('userhash=true')
    for (const algorithm of ALGORITHMS) {
      const hash = userHash(algorithm, 'alice', realm)
      const text = credentials({ algorithm, more: ', userhash=true' }).replace('"alice"', `"${hash}"`)
      expect(check(text, { rules: hidden }), algorithm).toMatchObject({ kind: 'ok', account: alice })
      expect(check(text, { rules }).kind, algorithm).toBe('bad')
      expect(check(text.replace(hash, hash.replace(/./, 'z')), { rules: hidden }).kind).toBe('bad')
    }
    // The name in clear with the flag is no hash of anything; without it, it is as ever.
    expect(check(credentials({ more: ', userhash=true' }), { rules: hidden }).kind).toBe('bad')
    expect(check(credentials({ more: ', userhash=false' }), { rules: hidden }).kind).toBe('ok')
  })

  it('S7616-3.4-01 the user hash is H(username:realm) in UTF-8', () => {
    expect(userHash('SHA-512-256', 'J\u00e4s\u00f8n Doe', 'api@example.org')).toBe(
      createHash('sha512-256').update('J\u00e4s\u00f8n Doe:api@example.org', 'utf8').digest('hex'),
    )
  })

  it('S7616-3.4-01 username* in the form of RFC 5987, never beside username or a hash', () => {
    const extended = (text: string, more = ''): string =>
      credentials({ more }).replace('username="alice"', text)
    expect(check(extended(`username*=UTF-8''%61lice`)).kind).toBe('ok')
    expect(check(extended(`username="alice", username*=UTF-8''alice`)).kind).toBe('bad')
    expect(check(extended(`username*=ISO-8859-1''alice`)).kind).toBe('bad')
    expect(check(extended(`username*=alice`)).kind).toBe('bad')
    const hidden = { ...rules, userHash: true }
    expect(check(extended(`username*=UTF-8''alice`, ', userhash=true'), { rules: hidden }).kind).toBe('bad')
  })

  it('S8760-2.6-02 auth-int alone may be asked for: then less is not enough', () => {
    const strict: DigestRules = { ...rules, qop: ['auth-int'], allowMissingQop: true }
    expect(challenge(now, strict, { stale: false })[0]).toContain('qop="auth-int"')
    expect(check(credentials({ qop: 'auth-int' }), { rules: strict }).kind).toBe('ok')
    expect(check(credentials(), { rules: strict }).kind).toBe('bad')
    expect(check(credentials({ qop: undefined, algorithm: 'MD5' }), { rules: strict }).kind).toBe('bad')
    const both: DigestRules = { ...rules, qop: ['auth', 'auth-int'] }
    expect(challenge(now, both, { stale: false })[0]).toContain('qop="auth,auth-int"')
  })

  it('user names are looked up in Unicode', () => {
    const names: string[] = []
    verify(
      now,
      { method: 'REGISTER', uri: 'sip:dht.example.com', credentials: [credentials({ username: 'jäsøn' })] },
      rules,
      new NonceWindow(),
      {
        byName: (name) => {
          names.push(name)
          return undefined
        },
      },
    )
    expect(names).toEqual(['jäsøn'])
  })

  it.each([
    'Digest',
    'Digest ',
    'Digest username="alice"',
    'Digest username="alice, realm="x"',
    `Digest realm="${realm}"`,
    `Digest username="alice", realm="${realm}", realm="${realm}"`,
    `Digest realm="${realm}", username=`,
    `Digest realm="${realm}" username="alice"`,
    `Digest realm="${realm}", =x`,
    `Digest ${Array.from({ length: 10_000 }, (_, i) => `p${i}=1`).join(', ')}`,
    `Digest ${Array.from({ length: 40 }, (_, i) => `p${i}=1`).join(', ')}`,
    `Digest realm="${realm}", algorithm=${'A'.repeat(65_536)}`,
    `Digest realm="${realm}", username="alice", nonce="x", uri="sip:x", response="`,
  ])('S-06 malformed credentials are no way in (row %#)', (text) => {
    expect(['bad', 'missing']).toContain(check(text).kind)
  })

  it.each([
    { nc: '000000001' },
    { nc: '' },
    { nc: '-0000001' },
    { nc: '0000000g' },
    { cnonce: '' },
    { qop: 'auth-conf' },
  ])('S-06 odd values: %j', (answer) => {
    expect(check(credentials(answer)).kind).toBe('bad')
  })
})

describe('NonceWindow', () => {
  it('S7616-3.3-01 a clock that is put back leaves nobody out: what was used ahead of it makes room', () => {
    const hour = 3_600_000
    const window = new NonceWindow(3)
    for (let i = 1; i <= 4; i++) expect(window.use(hour, `ahead${i}`, hour - 5 + i, 1)).toBe(true)
    expect(window.use(0, 'challenged before', -1, 1)).toBe(false)
    for (let i = 1; i <= 6; i++) expect(window.use(i * 60_000, `k${i}`, i * 60_000 - 1, 1)).toBe(true)
    expect(window.size).toBeLessThanOrEqual(3)
    expect(window.use(360_000, 'k6', 359_999, 1)).toBe(false)
  })

  it('S7616-3.3-01 forgets what has expired', () => {
    const window = new NonceWindow(10)
    for (let i = 0; i < 5; i++) expect(window.use(i, `k${i}`, i, 1)).toBe(true)
    expect(window.use(NONCE_LIFE_MS + 10, 'late', NONCE_LIFE_MS, 1)).toBe(true)
    expect(window.size).toBe(1)
  })

  it('S7616-3.3-01 is bounded, and what it had to forget cannot be replayed', () => {
    const window = new NonceWindow(3)
    for (let i = 1; i <= 3; i++) expect(window.use(100, `k${i}`, i, 1)).toBe(true)
    expect(window.use(100, 'k4', 50, 1)).toBe(true)
    expect(window.size).toBe(3)
    expect(window.use(100, 'k1', 1, 1)).toBe(false)
    expect(window.use(100, 'k1', 1, 2)).toBe(false)
    expect(window.use(100, 'k2', 2, 1)).toBe(false)
    expect(window.use(100, 'k2', 2, 2)).toBe(true)
    expect(window.use(100, 'k5', 60, 1)).toBe(true)
  })
})
