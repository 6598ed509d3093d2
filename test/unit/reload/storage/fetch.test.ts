import { describe, expect, it } from 'vitest'
import { utf8 } from '../../../../src/common/bytes.ts'
import {
  decodeUnknownKinds,
  encodeFetchAns,
  decodeFetchAns,
  ERROR_CODE,
  HASH,
  key,
  asResourceId,
  type FetchReq,
  type StoredDataSpecifier,
} from '../../../../src/reload/codec/index.ts'
import { makeStandInCredential } from '../../../../src/reload/security/index.ts'
import {
  after,
  alice,
  ALICE,
  ARRAY,
  bob,
  BOB,
  credential,
  crypto,
  DICTIONARY,
  element,
  entry,
  generationOf,
  kinds,
  nodeId,
  OVERLAY,
  peer,
  placeOf,
  ranges,
  removed,
  request,
  root,
  signed,
  single,
  SINGLE,
  T0,
  texts,
  values,
  WALL,
  type Peer,
} from './fixture.ts'

function ask(kind: number, selector: StoredDataSpecifier['selector'], generation = 0n): FetchReq {
  return { resource: ALICE, specifiers: [{ kind, generation, selector }] }
}

function places(here: Peer, req: FetchReq): [string | number, boolean][] {
  const fetched = here.storage.fetch(T0, req)
  if (!fetched.ok) throw new Error(`refused with ${fetched.error.errorCode}`)
  const [response] = fetched.value.answer.kindResponses
  return (response?.values ?? []).map(({ value }) => [placeOf(value), value.value.exists])
}

function refusal(here: Peer, req: FetchReq): number | undefined {
  const fetched = here.storage.fetch(T0, req)
  return fetched.ok ? undefined : fetched.error.errorCode
}

const wildcard: StoredDataSpecifier['selector'] = { model: 'dictionary', keys: [] }

describe('Fetch', () => {
  it('R6940-7.4.2.1-03 unknown Kinds are refused and named', () => {
    const here = peer()
    const specifiers = [SINGLE, 0xf0000aaa].map((kind) => ({
      kind,
      generation: 0n,
      selector: { model: 'single' } as const,
    }))
    const fetched = here.storage.fetch(T0, { resource: ALICE, specifiers })
    expect(fetched.ok ? undefined : fetched.error.errorCode).toBe(ERROR_CODE.unknownKind)
    expect(decodeUnknownKinds(fetched.ok ? new Uint8Array(0) : fetched.error.errorInfo)).toEqual({
      ok: true,
      value: [0xf0000aaa],
    })
  })

  it('R6940-7.4.2.1-04 array ranges run forwards and do not overlap', () => {
    const here = peer()
    here.put(alice, { kind: ARRAY, value: element(3, 'd') })
    for (const bad of [ranges([2, 1]), ranges([0, 1], [1, 2]), ranges([2, 0xffffffff], [3, 3])]) {
      expect(refusal(here, ask(ARRAY, bad))).toBe(ERROR_CODE.invalidMessage)
    }
    expect(places(here, ask(ARRAY, ranges([2, 3], [0, 0])))).toEqual([
      [0, false],
      [2, false],
      [3, true],
    ])
    expect(places(here, ask(ARRAY, ranges([0xffffffff, 0xffffffff])))).toEqual([[3, true]])
    expect(places(here, ask(ARRAY, ranges([3, 0xffffffff])))).toEqual([[3, true]])
  })

  it('bounds what it makes up for a range behind the end', () => {
    const here = peer()
    expect(places(here, ask(ARRAY, ranges([0, 0xffffffff])))).toEqual([[0, false]])
    expect(places(here, ask(ARRAY, ranges([5, 6])))).toEqual([
      [5, false],
      [6, false],
    ])
    expect(places(here, ask(ARRAY, ranges([0, 0xfffffffe])))).toHaveLength(1024)
  })

  it('R6940-7.4.2.1-05 R7904-4.2-02 a dictionary specifier without keys returns every entry, with keys those', () => {
    const here = peer()
    expect(places(here, ask(DICTIONARY, wildcard))).toEqual([])
    here.put(alice, { kind: DICTIONARY, value: entry(utf8('a'), '1') })
    here.put(alice, { kind: DICTIONARY, value: entry(utf8('b'), '2') })
    expect(places(here, ask(DICTIONARY, wildcard))).toEqual([
      ['a', true],
      ['b', true],
    ])
    const keys = ['b', 'x', 'b'].map((text) => utf8(text))
    expect(places(here, ask(DICTIONARY, { model: 'dictionary', keys }))).toEqual([
      ['b', true],
      ['x', false],
    ])
  })

  it('R6940-7.4.2.2-03 R6940-7.4.2.1-06 one request may name several Kinds and gets one answer for each, in order', () => {
    const here = peer()
    here.put(alice, { kind: DICTIONARY, value: entry(utf8('a'), '1') })
    const req: FetchReq = {
      resource: ALICE,
      specifiers: [
        ask(SINGLE, { model: 'single' }),
        ask(DICTIONARY, wildcard),
        ask(ARRAY, ranges([0, 1])),
      ].flatMap((r) => r.specifiers),
    }
    const fetched = here.storage.fetch(T0, req)
    const responses = fetched.ok ? fetched.value.answer.kindResponses : []
    expect(responses.map(({ kind, values: all }) => [kind, all.length])).toEqual([
      [SINGLE, 1],
      [DICTIONARY, 1],
      [ARRAY, 2],
    ])
    expect(refusal(here, { ...req, specifiers: [...req.specifiers, ...req.specifiers] })).toBe(
      ERROR_CODE.invalidMessage,
    )
    expect(refusal(here, ask(SINGLE, wildcard))).toBe(ERROR_CODE.invalidMessage)
  })

  it('R6940-7.4.2.2-04 the generation seen already gets no values; 0 and others get them all', () => {
    const here = peer()
    here.put(alice, { kind: DICTIONARY, value: entry(utf8('a'), '1') })
    const generation = generationOf(here.storage, ALICE, DICTIONARY)
    expect(places(here, ask(DICTIONARY, wildcard, generation))).toEqual([])
    expect(places(here, ask(DICTIONARY, wildcard, generation - 1n))).toHaveLength(1)
    expect(places(here, ask(DICTIONARY, wildcard, 0n))).toHaveLength(1)
    // Nothing stored has the counter 0, which must not look like a state that was seen.
    expect(places(here, ask(SINGLE, { model: 'single' }, 0n))).toEqual([['', false]])
  })

  it('R6940-7.4.2.2-05 what is not here is a synthetic value that survives the wire: nobody, 00 00, no signature', () => {
    const here = peer()
    const fetched = here.storage.fetch(T0, ask(SINGLE, { model: 'single' }))
    if (!fetched.ok) throw new Error('refused')
    const [value] = fetched.value.answer.kindResponses[0]?.values ?? []
    expect(value).toEqual({
      storageTime: 0n,
      lifetime: 0,
      value: { model: 'single', value: { exists: false, value: new Uint8Array(0) } },
      signature: {
        hashAlgorithm: 0,
        signatureAlgorithm: 0,
        identity: { kind: 'none' },
        value: new Uint8Array(0),
      },
    })
    expect(fetched.value.certificates).toEqual([])
    const decoded = decodeFetchAns(encodeFetchAns(fetched.value.answer), (kind) => kinds.model(kind))
    expect(decoded.ok && decoded.value).toEqual(fetched.value.answer)
    // A removed value is no gap: its owner signed it.
    here.put(alice, { value: removed(single('')) })
    expect(values(here.storage, ALICE, SINGLE)[0]?.signature.identity.kind).toBe('certHash')
  })

  it('R6940-7.4.1.3-04 an expired element leaves a gap that is made up and not replicated', () => {
    const here = peer()
    here.put(alice, { kind: ARRAY, value: element(0, 'a'), lifetime: 1 })
    here.put(alice, { kind: ARRAY, value: element(1, 'b'), lifetime: 100 })
    const later = after(2000)
    expect(
      values(here.storage, ALICE, ARRAY, later).map(({ value, signature }) => [
        value.value.exists,
        signature.identity.kind,
      ]),
    ).toEqual([
      [false, 'none'],
      [true, 'certHash'],
    ])
    const [copy] = here.storage.replicaStores(ALICE, { replicaNumber: 1, bytesMax: 5000 }, later)
    expect(copy?.req.kindData[0]?.values.map(({ value }) => placeOf(value))).toEqual([1])
  })

  it('R6940-6.3.4-13 R6940-6.3.4-20 gives every needed certificate once, and forgets it with its last value', () => {
    const here = peer()
    const desk = credential(`alice@${OVERLAY}`, 0xd0)
    here.put(alice, { kind: DICTIONARY, value: entry(utf8('a'), '1'), lifetime: 10 })
    here.put(alice, { kind: DICTIONARY, value: entry(utf8('b'), '1'), lifetime: 20 })
    here.put(desk, { kind: DICTIONARY, value: entry(utf8('c'), '1'), lifetime: 30 })
    const certificates = (now = T0): string[] => {
      const fetched = here.storage.fetch(now, here.storage.fetchReqFor(ALICE, [DICTIONARY]))
      return fetched.ok ? fetched.value.certificates.map(({ fingerprint }) => fingerprint) : []
    }
    const [a, d] = [alice.certificate.fingerprint, desk.certificate.fingerprint]
    const kept = (): string[] => [...here.journal.keys()].filter((name) => name.includes('certificate'))
    expect(certificates()).toEqual([a, d])
    expect(kept()).toHaveLength(2)
    here.expire(after(10_000))
    expect(certificates(after(10_000))).toEqual([a, d])
    here.expire(after(20_000))
    expect(certificates(after(20_000))).toEqual([d])
    expect(kept()).toHaveLength(1)
    here.expire(after(30_000))
    expect(kept()).toEqual([])
  })

  it('R6940-5.1-01 a value whose certificate has run out is not given out as valid, nor replicated, but stays', () => {
    const here = peer()
    const brief = makeStandInCredential(nodeId(0xe0), `alice@${OVERLAY}`, OVERLAY, {
      issuer: root,
      notAfter: WALL + 1000,
    })
    here.put(brief)
    here.put(brief, { kind: DICTIONARY, value: entry(utf8('a'), '1') })
    expect(texts(here.storage, ALICE, SINGLE)).toHaveLength(1)
    const later = after(2000)
    expect(values(here.storage, ALICE, SINGLE, later)[0]?.signature.identity.kind).toBe('none')
    expect(values(here.storage, ALICE, DICTIONARY, later)).toEqual([])
    expect(here.storage.replicaStores(ALICE, { replicaNumber: 1, bytesMax: 5000 }, later)).toEqual([])
    expect(here.storage.resourceCount).toBe(1)
  })

  it('R7904-3.1-02 gives the lifetime that is left, and nothing after it, even before expiry was run', () => {
    const here = peer()
    here.put(alice, { lifetime: 60 })
    expect(values(here.storage, ALICE, SINGLE, after(20_500))[0]?.lifetime).toBe(39)
    expect(texts(here.storage, ALICE, SINGLE, after(60_000))).toEqual([])
  })
})

describe('checking an answer', () => {
  it('R6940-7.4.2.2-06 R6940-7.4.2.2-07 discards and counts what does not verify, keeps the rest', () => {
    const here = peer()
    const brief = makeStandInCredential(nodeId(0xe0), `alice@${OVERLAY}`, OVERLAY, {
      issuer: root,
      notAfter: WALL + 1000,
    })
    const stranger = makeStandInCredential(nodeId(0xe1), `alice@${OVERLAY}`, OVERLAY, {})
    const dictionary = (name: string): { kind: number; value: ReturnType<typeof entry> } => ({
      kind: DICTIONARY,
      value: entry(utf8(name), 'x'),
    })
    const good = signed(alice, dictionary('good'))
    const values = [
      good,
      { ...signed(alice, dictionary('forged')), storageTime: 1n },
      signed(bob, { ...dictionary('not his'), resource: ALICE }),
      signed(brief, dictionary('expired certificate')),
      signed(stranger, dictionary('unknown issuer')),
      signed(alice, { kind: DICTIONARY, value: single('model') }),
    ]
    const pool = [alice, bob, brief, stranger].map(({ certificate }) => certificate)
    const answer = { kindResponses: [{ kind: DICTIONARY, generation: 4n, values }] }
    const verified = here.storage.verify(ALICE, answer, pool, { ms: 2000, wall: WALL + 2000 })
    expect(verified.rejected).toBe(5)
    expect(verified.kinds.get(DICTIONARY)).toEqual({
      generation: 4n,
      values: [
        {
          data: good,
          expiresAt: 2000 + 1000 * good.lifetime,
          signer: alice.certificate,
          signerNodeId: alice.nodeId,
        },
      ],
    })
  })

  it('leaves made-up values out silently and refuses Kinds that nobody knows', () => {
    const here = peer()
    const fetched = here.storage.fetch(T0, ask(SINGLE, { model: 'single' }))
    if (!fetched.ok) throw new Error('refused')
    expect(here.storage.verify(ALICE, fetched.value.answer, [], T0)).toEqual({
      kinds: new Map([[SINGLE, { generation: 0n, values: [] }]]),
      rejected: 0,
    })
    const answer = { kindResponses: [{ kind: 0xf0000aaa, generation: 1n, values: [signed(alice)] }] }
    expect(here.storage.verify(ALICE, answer, [alice.certificate], T0).rejected).toBe(1)
  })
})

describe('Stat', () => {
  it('R6940-7.4.3.2-02 R6940-7.4.3.1-01 describes what a Fetch would give; the digest covers length and value', () => {
    const here = peer()
    here.put(alice, { kind: ARRAY, value: element(1, 'abc'), lifetime: 60, time: 7 })
    const stat = here.storage.stat(after(10_000), ask(ARRAY, ranges([0, 0xffffffff])))
    const hashValue = crypto.hash('sha256', [Uint8Array.of(0, 0, 0, 3), utf8('abc')])
    expect(stat.ok && stat.value.kindResponses[0]?.values).toEqual([
      {
        storageTime: 0n,
        lifetime: 0,
        metadata: {
          model: 'array',
          index: 0,
          value: { exists: false, valueLength: 0, hashAlgorithm: HASH.none, hashValue: new Uint8Array(0) },
        },
      },
      {
        storageTime: BigInt(WALL + 7),
        lifetime: 50,
        metadata: {
          model: 'array',
          index: 1,
          value: { exists: true, valueLength: 3, hashAlgorithm: HASH.sha256, hashValue },
        },
      },
    ])
    const generation = generationOf(here.storage, ALICE, ARRAY)
    const again = here.storage.stat(T0, ask(ARRAY, ranges([0, 1]), generation))
    expect(again.ok && again.value.kindResponses[0]).toEqual({ kind: ARRAY, generation, values: [] })
    expect(here.storage.stat(T0, ask(0xf0000aaa, { model: 'single' })).ok).toBe(false)
  })
})

describe('Find', () => {
  it('R6940-7.4.4.1-02 R6940-7.4.4.2-02 refuses repeated Kinds, and ids it is not responsible for', () => {
    const here = peer()
    const twice = here.storage.find(T0, { resource: ALICE, kinds: [SINGLE, SINGLE] })
    expect(twice.ok ? 0 : twice.error.errorCode).toBe(ERROR_CODE.invalidMessage)
    here.topology.responsible = false
    const foreign = here.storage.find(T0, { resource: ALICE, kinds: [SINGLE] })
    expect(foreign.ok ? 0 : foreign.error.errorCode).toBe(ERROR_CODE.notFound)
  })

  it('R6940-7.4.4.2-01 gives the next resource of each Kind clockwise, itself included, zeros when there is none', () => {
    const here = peer()
    here.put(alice)
    here.put(bob)
    here.put(alice, { kind: ARRAY, value: element(0, 'x'), lifetime: 5 })
    here.put(bob, { kind: DICTIONARY, value: removed(entry(utf8('k'), '')) })
    const find = (resource: typeof ALICE, now = T0): Record<number, string> => {
      const found = here.storage.find(now, { resource, kinds: [SINGLE, ARRAY, DICTIONARY, 0xf0000aaa] })
      const results = found.ok ? found.value.results : []
      return Object.fromEntries(results.map(({ kind, closest }) => [kind, key(closest)]))
    }
    const none = '00'.repeat(16)
    const [low, high] = [key(ALICE), key(BOB)].sort() as [string, string]
    expect(find(ALICE)).toEqual({
      [SINGLE]: key(ALICE),
      [ARRAY]: key(ALICE),
      [DICTIONARY]: none,
      [0xf0000aaa]: none,
    })
    expect(find(asResourceId(new Uint8Array(16)))[SINGLE]).toBe(low)
    expect(find(asResourceId(new Uint8Array(16).fill(0xff)))[SINGLE]).toBe(low)
    const behindLow = Uint8Array.from(low === key(ALICE) ? ALICE : BOB)
    behindLow[15] = ((behindLow[15] ?? 0) + 1) & 0xff
    expect(find(asResourceId(behindLow))[SINGLE]).toBe(high)
    expect(find(ALICE, after(6000))[ARRAY]).toBe(none)
  })
})

it('answers with copies taken when they were stored, not with views on messages that came later', () => {
  const here = peer()
  const bytes = utf8('value')
  const req = request(ALICE, [
    [SINGLE, signed(alice, { value: { model: 'single', value: { exists: true, value: bytes } } })],
  ])
  here.send(req, alice)
  bytes.fill(0)
  expect(texts(here.storage, ALICE, SINGLE)).toEqual([['', 'value']])
})
