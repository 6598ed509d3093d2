import { describe, expect, it } from 'vitest'
import { fromUtf8, utf8 } from '../../../../src/common/bytes.ts'
import {
  decodeStoreAns,
  decodeUnknownKinds,
  ERROR_CODE,
  KIND,
  type StoredData,
} from '../../../../src/reload/codec/index.ts'
import {
  after,
  alice,
  ALICE,
  ARRAY,
  bob,
  BOB,
  BY_NODE,
  credential,
  crypto,
  DICTIONARY,
  element,
  entry,
  generationOf,
  nodeId,
  OVERLAY,
  peer,
  removed,
  request,
  signed,
  signerOf,
  single,
  SINGLE,
  T0,
  texts,
  values,
  WALL,
  type Peer,
} from './fixture.ts'
import { resourceIdOf, signStoredData } from '../../../../src/reload/security/index.ts'

function code(outcome: ReturnType<Peer['send']>): number | 'stored' {
  return outcome.ok ? 'stored' : outcome.error.errorCode
}

function generation(outcome: ReturnType<Peer['send']>): bigint {
  if (!outcome.ok) throw new Error(`refused with ${outcome.error.errorCode}`)
  return outcome.value.answer.kindResponses[0]?.generationCounter ?? -1n
}

const KEY = utf8('key')

describe('who may store', () => {
  it('R6940-7.4.1.1-07 R6940-7.4.1.1-08 stores what the owner of the name signed, and refuses a broken signature as Forbidden', () => {
    const here = peer()
    expect(code(here.put(alice))).toBe('stored')
    const data = signed(alice, { time: 1 })
    const forged: StoredData = { ...data, value: single('other') }
    expect(code(here.send(request(ALICE, [[SINGLE, forged]]), alice))).toBe(ERROR_CODE.forbidden)
    const elsewhere = signed(alice, { time: 1, kind: BY_NODE })
    expect(code(here.send(request(ALICE, [[SINGLE, elsewhere]]), alice))).toBe(ERROR_CODE.forbidden)
    expect(texts(here.storage, ALICE, SINGLE)).toEqual([['', 'value']])
  })

  it('R6940-7.4.1.1-08 a value signed by somebody else is Forbidden, whoever sends it', () => {
    const here = peer()
    const data = signed(bob, { resource: ALICE })
    for (const sender of [alice, bob]) {
      expect(code(here.send(request(ALICE, [[SINGLE, data]]), sender, T0, alice, bob))).toBe(
        ERROR_CODE.forbidden,
      )
      expect(
        code(here.send(request(ALICE, [[SINGLE, data]], { replica: 1, generation: 1n }), sender, T0, bob)),
      ).toBe(ERROR_CODE.forbidden)
    }
    expect(here.storage.resourceCount).toBe(0)
  })

  it('R6940-7.4.1.1-09 A6940-7.3-01 in an original store the sender of the message has to satisfy the policy as well', () => {
    const here = peer()
    const req = request(ALICE, [[SINGLE, signed(alice)]])
    expect(code(here.send(req, bob, T0, alice))).toBe(ERROR_CODE.forbidden)
    expect(code(here.send(req, alice))).toBe('stored')
  })

  it('R6940-7.4.1.1-14 values without signature are Forbidden: identity none, and algorithm 0', () => {
    const here = peer()
    const data = signed(alice)
    const none: StoredData = { ...data, signature: { ...data.signature, identity: { kind: 'none' } } }
    const anonymous: StoredData = { ...data, signature: { ...data.signature, signatureAlgorithm: 0 } }
    const unhashed: StoredData = { ...data, signature: { ...data.signature, hashAlgorithm: 0 } }
    for (const bad of [none, anonymous, unhashed]) {
      expect(code(here.send(request(ALICE, [[SINGLE, bad]]), alice))).toBe(ERROR_CODE.forbidden)
    }
  })

  it('refuses a value whose certificate did not come along or is not believed', () => {
    const here = peer()
    const outcome = here.storage.store(T0, request(ALICE, [[SINGLE, signed(alice)]]), signerOf(alice), [])
    expect(code(outcome)).toBe(ERROR_CODE.forbidden)
  })

  it('R6940-7.4.1.1-04 an original store is refused by a peer that is not responsible', () => {
    const here = peer()
    here.topology.responsible = false
    expect(code(here.put(alice))).toBe(ERROR_CODE.notFound)
    expect(here.storage.resourceCount).toBe(0)
  })

  it('R6940-7.4.1.1-05 R6940-10.4-02 R6940-7.4.1.1-20 a replica is taken only from a node that topology accepts', () => {
    const here = peer()
    here.topology.responsible = false
    const owner = credential('peer@dht.example.com', 0x77)
    const req = request(ALICE, [[SINGLE, signed(alice)]], { replica: 1, generation: 9n })
    here.topology.replica = false
    expect(code(here.send(req, owner, T0, alice))).toBe(ERROR_CODE.forbidden)
    here.topology.replica = true
    expect(code(here.send(req, owner, T0, alice))).toBe('stored')
    expect(here.topology.asked).toEqual([nodeId(0x77), nodeId(0x77)])
  })

  it('R7904-3.3-02 R7904-3.3-05 R7904-3.3-06 R7904-3.3-07 SIP-REGISTRATION is stored under USER-NODE-MATCH only', () => {
    const here = peer()
    const table: [string, Parameters<typeof signed>[1], typeof ALICE, string | number][] = [
      ['own name and key', { value: entry(alice.nodeId, 'r') }, ALICE, 'stored'],
      ['key of another node', { value: entry(bob.nodeId, 'r') }, ALICE, ERROR_CODE.forbidden],
      [
        'resource of another user',
        { value: entry(alice.nodeId, 'r'), resource: BOB },
        BOB,
        ERROR_CODE.forbidden,
      ],
    ]
    for (const [name, toSign, resource, expected] of table) {
      const data = signed(alice, { ...toSign, kind: KIND.sipRegistration })
      expect([name, code(here.send(request(resource, [[KIND.sipRegistration, data]]), alice))]).toEqual([
        name,
        expected,
      ])
    }
  })

  it('R7904-3.2-08 R7904-7-01 registrations of several nodes of one user stand side by side', () => {
    const here = peer()
    const desk = credential(`alice@${OVERLAY}`, 0xd0)
    for (const device of [alice, desk]) {
      const toSign = { kind: KIND.sipRegistration, value: entry(device.nodeId, 'route') }
      expect(code(here.put(device, toSign))).toBe('stored')
    }
    expect(texts(here.storage, ALICE, KIND.sipRegistration)).toHaveLength(2)
  })

  it('R6940-13.5.2-01 R6940-7.4.1.1-13 enforces size and number of values', () => {
    const here = peer()
    expect(code(here.put(alice, { value: single('x'.repeat(32)) }))).toBe('stored')
    expect(code(here.put(alice, { value: single('x'.repeat(33)), time: 1 }))).toBe(ERROR_CODE.dataTooLarge)
    for (const [i, name] of ['a', 'b', 'c'].entries()) {
      expect(code(here.put(alice, { kind: DICTIONARY, value: entry(utf8(name), 'v'), time: i }))).toBe(
        'stored',
      )
    }
    const fourth = { kind: DICTIONARY, value: entry(utf8('d'), 'v'), time: 4 }
    expect(code(here.put(alice, fourth))).toBe(ERROR_CODE.dataTooLarge)
    // Replacing and removing work when the limit is reached; a removed value makes room.
    expect(code(here.put(alice, { ...fourth, value: entry(utf8('a'), 'w') }))).toBe('stored')
    expect(code(here.put(alice, { ...fourth, value: removed(entry(utf8('a'), '')), time: 5 }))).toBe('stored')
    expect(code(here.put(alice, fourth))).toBe('stored')
    const replica = request(ALICE, [[SINGLE, signed(alice, { value: single('y'.repeat(33)), time: 9 })]], {
      replica: 1,
      generation: 5n,
    })
    expect(code(here.send(replica, alice))).toBe(ERROR_CODE.dataTooLarge)
  })

  it.each([
    ['resources', { resourcesMax: 1 }],
    ['values', { valuesMax: 1 }],
    ['bytes', { bytesMax: 200 }],
  ])('refuses what would exceed the quota of %s, but lets what is there be replaced', (_name, limits) => {
    const here = peer({ limits })
    expect(code(here.put(alice))).toBe('stored')
    expect(code(here.put(bob))).toBe(ERROR_CODE.dataTooLarge)
    expect(code(here.put(alice, { time: 1 }))).toBe('stored')
  })
})

describe('what is wrong with a request', () => {
  it('R6940-7.4.1.1-06 names every unknown Kind', () => {
    const here = peer()
    const data = signed(alice)
    const outcome = here.send(
      request(ALICE, [
        [0xf0000aaa, data],
        [SINGLE, data],
        [0xf0000bbb, data],
      ]),
      alice,
    )
    expect(code(outcome)).toBe(ERROR_CODE.unknownKind)
    const info = outcome.ok ? new Uint8Array(0) : outcome.error.errorInfo
    expect(decodeUnknownKinds(info)).toEqual({ ok: true, value: [0xf0000aaa, 0xf0000bbb] })
    expect(here.storage.resourceCount).toBe(0)
  })

  it('R6940-7.4.1.1-02 a Kind may appear once', () => {
    const here = peer()
    const req = request(ALICE, [
      [SINGLE, signed(alice)],
      [SINGLE, signed(alice, { time: 1 })],
    ])
    expect(code(here.send(req, alice))).toBe(ERROR_CODE.invalidMessage)
    expect(here.storage.resourceCount).toBe(0)
  })

  it('refuses Kinds without values, values of another data model, and bytes in a removed value', () => {
    const here = peer()
    const bytesInNothing = { ...single('x'), value: { exists: false, value: utf8('x') } } as const
    for (const req of [
      request(ALICE, [[SINGLE]]),
      request(ALICE, [[SINGLE, signed(alice, { value: element(0, 'x') })]]),
      request(ALICE, [[SINGLE, signed(alice, { value: bytesInNothing })]]),
    ]) {
      const outcome = here.send(req, alice)
      expect(code(outcome)).toBe(ERROR_CODE.invalidMessage)
      expect(fromUtf8(outcome.ok ? new Uint8Array(0) : outcome.error.errorInfo)).not.toBe('')
    }
  })

  it('R6940-7.4.1.1-03 a store is all or nothing', () => {
    const here = peer()
    here.put(alice, { value: single('old') })
    const before = [...here.journal.keys()]
    const good = signed(alice, { value: single('new'), time: 5 })
    const stale = signed(bob, { kind: DICTIONARY, value: entry(KEY, 'x'), time: 5, resource: ALICE })
    const large = signed(alice, { kind: DICTIONARY, value: entry(KEY, 'x'.repeat(99)), time: 5 })
    for (const bad of [stale, large]) {
      expect(
        here.send(
          request(ALICE, [
            [SINGLE, good],
            [DICTIONARY, bad],
          ]),
          alice,
          T0,
          bob,
        ).ok,
      ).toBe(false)
      expect(texts(here.storage, ALICE, SINGLE)).toEqual([['', 'old']])
      expect([...here.journal.keys()]).toEqual(before)
    }
    const [first, second] = [
      signed(alice, { kind: ARRAY, value: element(0, 'a') }),
      signed(alice, { kind: ARRAY, value: element(0, 'b') }),
    ]
    expect(code(here.send(request(ALICE, [[ARRAY, first, second]]), alice))).toBe(ERROR_CODE.dataTooOld)
    expect(texts(here.storage, ALICE, ARRAY)).toEqual([])
  })
})

describe('generation counters', () => {
  it('R6940-7.4.1.1-15 a change raises the counter, which is at least 1; a request without change does not', () => {
    const here = peer()
    const first = generation(here.put(alice))
    expect(first).toBeGreaterThanOrEqual(1n)
    const second = generation(here.put(alice, { time: 1 }))
    expect(second).toBe(first + 1n)
    expect(generation(here.put(alice, { time: 1 }))).toBe(second)
    expect(generationOf(here.storage, ALICE, SINGLE)).toBe(second)
  })

  it('does not hand out a counter again after everything of the Kind has expired', () => {
    const here = peer()
    const first = generation(here.put(alice, { lifetime: 1 }))
    here.expire(after(2000))
    expect(here.storage.resourceCount).toBe(0)
    expect(generation(here.put(alice, { time: 1 }, after(3000)))).toBeGreaterThan(first)
  })

  it('R6940-7.4.1.1-10 R6940-7.4.1.2-03 a counter that is not the stored one fails the request with the right ones', () => {
    const here = peer()
    const current = generation(here.put(alice))
    const next = (counter: bigint): ReturnType<Peer['send']> => {
      const values = [
        [SINGLE, signed(alice, { time: 1 })],
        [DICTIONARY, signed(alice, { kind: DICTIONARY, value: entry(KEY, 'x') })],
      ] as const
      const req = request(ALICE, values)
      const [one, other] = req.kindData
      if (one === undefined || other === undefined) throw new Error('two Kinds')
      return here.send({ ...req, kindData: [{ ...one, generationCounter: counter }, other] }, alice)
    }
    for (const wrong of [1n, current - 1n, current + 1n]) {
      const outcome = next(wrong)
      expect(code(outcome)).toBe(ERROR_CODE.generationCounterTooLow)
      const info = decodeStoreAns(outcome.ok ? new Uint8Array(0) : outcome.error.errorInfo)
      const kindResponses = [
        { kind: SINGLE, generationCounter: current, replicas: [] },
        { kind: DICTIONARY, generationCounter: 0n, replicas: [] },
      ]
      expect(info).toEqual({ ok: true, value: { kindResponses } })
    }
    expect(code(next(current))).toBe('stored')
  })

  it('R6940-7.4.1.1-11 a replica store sets the counter verbatim, lower or higher, and may not say 0', () => {
    const here = peer()
    here.put(alice)
    const replica = (time: number, counter: bigint): ReturnType<Peer['send']> =>
      here.send(
        request(ALICE, [[SINGLE, signed(alice, { time })]], { replica: 2, generation: counter }),
        bob,
        T0,
        alice,
      )
    expect(generation(replica(1, 7n))).toBe(7n)
    expect(generation(replica(2, 0xffff_ffff_ffff_ffffn))).toBe(0xffff_ffff_ffff_ffffn)
    // The same value again, from an owner who counts differently.
    expect(generation(replica(2, 3n))).toBe(3n)
    expect(code(replica(3, 0n))).toBe(ERROR_CODE.invalidMessage)
    expect(generationOf(here.storage, ALICE, SINGLE)).toBe(3n)
  })

  it('starts again at 1 after the highest counter, as 0 must not be used', () => {
    const here = peer()
    here.send(
      request(ALICE, [[SINGLE, signed(alice)]], { replica: 1, generation: 0xffff_ffff_ffff_ffffn }),
      alice,
    )
    expect(generation(here.put(alice, { time: 1 }))).toBe(1n)
  })

  it('R6940-7.4.1.2-02 the answer lists every Kind with its counter and the replicas; a replica answers with none', () => {
    const here = peer()
    const values = [
      [SINGLE, signed(alice)],
      [DICTIONARY, signed(alice, { kind: DICTIONARY, value: entry(KEY, 'x') })],
    ] as const
    const outcome = here.send(request(ALICE, values), alice)
    const responses = outcome.ok ? outcome.value.answer.kindResponses : []
    expect(responses.map(({ kind }) => kind)).toEqual([SINGLE, DICTIONARY])
    expect(responses.every(({ replicas }) => replicas.length === 2)).toBe(true)
    const replica = here.send(
      request(ALICE, [[SINGLE, signed(alice, { time: 1 })]], { replica: 1, generation: 2n }),
      alice,
    )
    expect(replica.ok && replica.value.answer.kindResponses[0]?.replicas).toEqual([])
  })
})

describe('storage_time', () => {
  it('R6940-7.4.1.1-12 A6940-7-01 has to be later than that of the value replaced, equal is too old', () => {
    const here = peer()
    here.put(alice, { time: 10, value: single('first') })
    expect(code(here.put(alice, { time: 9, value: single('older') }))).toBe(ERROR_CODE.dataTooOld)
    expect(code(here.put(alice, { time: 10, value: single('same') }))).toBe(ERROR_CODE.dataTooOld)
    expect(code(here.put(alice, { time: 11, value: single('later') }))).toBe('stored')
    const replica = request(ALICE, [[SINGLE, signed(alice, { time: 10 })]], { replica: 1, generation: 4n })
    expect(code(here.send(replica, alice))).toBe(ERROR_CODE.dataTooOld)
    expect(texts(here.storage, ALICE, SINGLE)).toEqual([['', 'later']])
  })

  it('R6940-7-02 is not compared with our own clock', () => {
    const here = peer()
    expect(code(here.put(alice, { time: -WALL }))).toBe('stored')
    expect(code(here.put(alice, { time: 10 ** 12 }))).toBe('stored')
  })

  it('R6940-6.2.1-08 a Store that comes once more succeeds and changes nothing, for every data model', () => {
    const here = peer()
    const append = signed(alice, { kind: ARRAY, value: element(0xffffffff, 'a') })
    const req = request(ALICE, [
      [SINGLE, signed(alice)],
      [ARRAY, append],
      [DICTIONARY, signed(alice, { kind: DICTIONARY, value: entry(KEY, 'x') })],
    ])
    expect(here.send(req, alice).ok).toBe(true)
    const again = here.send(req, alice, after(5000))
    expect(again.ok && again.value.changed).toEqual([])
    expect(again.ok && again.value.operations).toEqual([])
    expect(texts(here.storage, ALICE, ARRAY)).toEqual([[0, 'a']])
  })

  it('a repeated value does not live longer for it: lifetimes are not signed', () => {
    const here = peer()
    here.put(alice, { lifetime: 10 })
    here.put(alice, { lifetime: 1000 }, after(5000))
    expect(values(here.storage, ALICE, SINGLE, after(9000))[0]?.lifetime).toBe(1)
    expect(texts(here.storage, ALICE, SINGLE, after(10_000))).toEqual([])
  })
})

describe('order of the checks', () => {
  it('unknown Kind, then responsibility, Forbidden, counter, storage_time, size', () => {
    const here = peer()
    here.put(alice, { time: 10 })
    const large = single('x'.repeat(99))
    const bad = signed(bob, { time: 5, value: large, resource: ALICE })
    const old = signed(alice, { time: 5, value: large })
    const fresh = signed(alice, { time: 11, value: large })
    const steps: [Parameters<typeof here.send>[0], string | number][] = [
      [
        request(
          ALICE,
          [
            [SINGLE, bad],
            [0xf0000aaa, bad],
          ],
          { generation: 1n },
        ),
        ERROR_CODE.unknownKind,
      ],
      [request(ALICE, [[SINGLE, bad]], { generation: 1n }), ERROR_CODE.forbidden],
      [request(ALICE, [[SINGLE, old]], { generation: 1n }), ERROR_CODE.generationCounterTooLow],
      [request(ALICE, [[SINGLE, old]]), ERROR_CODE.dataTooOld],
      [request(ALICE, [[SINGLE, fresh]]), ERROR_CODE.dataTooLarge],
    ]
    for (const [req, expected] of steps) expect(code(here.send(req, alice, T0, bob))).toBe(expected)
  })
})

describe('data models', () => {
  it('R6940-7.4.1.1-18 single overwrites, dictionary replaces its key, array replaces its index', () => {
    const here = peer()
    here.put(alice, { value: single('a') })
    here.put(alice, { value: single('b'), time: 1 })
    expect(texts(here.storage, ALICE, SINGLE)).toEqual([['', 'b']])
    for (const [key, text, time] of [
      ['k', 'a', 0],
      ['l', 'b', 0],
      ['k', 'c', 1],
    ] as const) {
      here.put(alice, { kind: DICTIONARY, value: entry(utf8(key), text), time })
    }
    expect(texts(here.storage, ALICE, DICTIONARY)).toEqual([
      ['k', 'c'],
      ['l', 'b'],
    ])
    here.put(alice, { kind: ARRAY, value: element(2, 'x') })
    here.put(alice, { kind: ARRAY, value: element(2, 'y'), time: 1 })
    const array = values(here.storage, ALICE, ARRAY)
    expect(array.map(({ value }) => [value.model === 'array' && value.index, value.value.exists])).toEqual([
      [0, false],
      [1, false],
      [2, true],
    ])
  })

  it('R6940-7.4.1.1-18 R6940-7.4.1.1-19 ffffffff appends, several times in one request, and the real index is kept', () => {
    const here = peer()
    here.put(alice, { kind: ARRAY, value: element(1, 'b') })
    const appended = ['c', 'd'].map((text, i) =>
      signed(alice, { kind: ARRAY, value: element(0xffffffff, text), time: i }),
    )
    expect(here.send(request(ALICE, [[ARRAY, ...appended]]), alice).ok).toBe(true)
    expect(texts(here.storage, ALICE, ARRAY)).toEqual([
      [1, 'b'],
      [2, 'c'],
      [3, 'd'],
    ])
    const fetched = here.storage.fetch(T0, here.storage.fetchReqFor(ALICE, [ARRAY]))
    if (!fetched.ok) throw new Error('fetch refused')
    const verified = here.storage.verify(ALICE, fetched.value.answer, fetched.value.certificates, T0)
    expect(verified.rejected).toBe(0)
    expect(verified.kinds.get(ARRAY)?.values).toHaveLength(3)
  })

  it('bounds arrays: an index far out is too large, so that no Fetch has to make up a million gaps', () => {
    const here = peer()
    expect(code(here.put(alice, { kind: ARRAY, value: element(1023, 'x') }))).toBe('stored')
    expect(code(here.put(alice, { kind: ARRAY, value: element(1024, 'x') }))).toBe(ERROR_CODE.dataTooLarge)
    expect(code(here.put(alice, { kind: ARRAY, value: element(0xfffffffe, 'x') }))).toBe(
      ERROR_CODE.dataTooLarge,
    )
    expect(code(here.put(alice, { kind: ARRAY, value: element(0xffffffff, 'y') }))).toBe(
      ERROR_CODE.dataTooLarge,
    )
  })

  it('R6940-7.4.5-01 a private Kind with NODE-MATCH is stored at the hash of the Node-ID', () => {
    const here = peer()
    const resource = resourceIdOf(crypto, alice.nodeId)
    const data = signStoredData(crypto, alice, {
      resource,
      kind: BY_NODE,
      storageTime: 1n,
      lifetime: 10,
      value: single('n'),
    })
    expect(code(here.send(request(resource, [[BY_NODE, data]]), alice))).toBe('stored')
  })
})

describe('removal', () => {
  it('R6940-7.4.1.3-01 R6940-7.4.1.3-03 A6940-7.4.1.3-01 a nonexistent value is stored, replicated and expired like others', () => {
    const here = peer()
    here.put(alice, { value: single('v') })
    expect(code(here.put(alice, { value: removed(single('')), time: 1, lifetime: 100 }))).toBe('stored')
    const [value] = values(here.storage, ALICE, SINGLE)
    expect(value?.value.value.exists).toBe(false)
    expect(value?.signature.identity.kind).toBe('certHash')
    const [copy] = here.storage.replicaStores(ALICE, { replicaNumber: 1, bytesMax: 5000 }, T0)
    expect(copy?.req.kindData[0]?.values[0]?.value.value.exists).toBe(false)
    here.expire(after(100_000))
    expect(here.storage.resourceCount).toBe(0)
    expect(here.journal.size).toBe(0)
  })

  it('R6940-7.4.1.3-02 A6940-7.4.1.3-02 a removal that lasts keeps the old value from coming back', () => {
    const here = peer()
    const old = signed(alice, { value: single('v'), lifetime: 600 })
    here.send(request(ALICE, [[SINGLE, old]]), alice)
    here.put(alice, { value: removed(single('')), time: 1, lifetime: 600 })
    const replay = here.send(
      request(ALICE, [[SINGLE, old]], { replica: 1, generation: 9n }),
      bob,
      after(500_000),
      alice,
    )
    expect(code(replay)).toBe(ERROR_CODE.dataTooOld)
  })
})

describe('counting requests', () => {
  it('counts by operation, Kind and result', () => {
    const here = peer()
    here.put(alice)
    here.put(alice, { value: single('other') })
    here.storage.fetch(T0, here.storage.fetchReqFor(ALICE, [SINGLE]))
    const { requests } = here.storage.instruments
    expect(requests.get('store|TEST-SINGLE|ok')).toBe(1)
    expect(requests.get('store|TEST-SINGLE|error')).toBe(1)
    expect(requests.get('fetch|TEST-SINGLE|ok')).toBe(1)
  })
})
