import { describe, expect, it } from 'vitest'
import { utf8 } from '../../../../src/common/bytes.ts'
import { decodeStoreReq, encodeStoreReq, type FetchAns } from '../../../../src/reload/codec/index.ts'
import type { Certificate } from '../../../../src/reload/security/index.ts'
import type { ReplicaStore } from '../../../../src/reload/storage/replication.ts'
import {
  after,
  alice,
  ALICE,
  ARRAY,
  bob,
  BOB,
  credential,
  DICTIONARY,
  element,
  entry,
  generationOf,
  kinds,
  OVERLAY,
  peer,
  placeOf,
  removed,
  request,
  signed,
  signerOf,
  single,
  SINGLE,
  T0,
  texts,
  values,
  type Peer,
} from './fixture.ts'

const BYTES_MAX = 5000

function copies(from: Peer, now = T0, replicaNumber = 1): ReplicaStore[] {
  return from.storage.replicaStores(ALICE, { replicaNumber, bytesMax: BYTES_MAX }, now)
}

/** As if the copy had gone over the wire, in a message signed by the owner of the range. */
function deliver(to: Peer, { req, certificates }: ReplicaStore, now = T0): ReturnType<Peer['send']> {
  const decoded = decodeStoreReq(encodeStoreReq(req), (kind) => kinds.model(kind))
  if (!decoded.ok) throw new Error(decoded.error.reason)
  return to.storage.store(now, decoded.value, signerOf(credential(`owner@${OVERLAY}`, 0x77)), certificates)
}

function fetchAll(from: Peer, now = T0): { answer: FetchAns; certificates: readonly Certificate[] } {
  const fetched = from.storage.fetch(now, from.storage.fetchReqFor(ALICE, [SINGLE, DICTIONARY, ARRAY]))
  if (!fetched.ok) throw new Error('fetch refused')
  return fetched.value
}

describe('copies for other peers', () => {
  it('R6940-10.4-01 carry everything of a resource, numbered, and are taken by the replica', () => {
    const owner = peer()
    owner.put(alice)
    owner.put(alice, { kind: ARRAY, value: element(2, 'c') })
    owner.put(alice, { kind: DICTIONARY, value: removed(entry(utf8('k'), '')) })
    owner.put(bob)
    for (const replicaNumber of [1, 2]) {
      const [copy, ...more] = copies(owner, T0, replicaNumber)
      expect(more).toEqual([])
      expect(copy?.req.replicaNumber).toBe(replicaNumber)
      const replica = peer()
      replica.topology.responsible = false
      if (copy !== undefined) expect(deliver(replica, copy).ok).toBe(true)
      expect(texts(replica.storage, ALICE, SINGLE)).toEqual([['', 'value']])
      expect(texts(replica.storage, ALICE, ARRAY)).toEqual([[2, 'c']])
      expect(values(replica.storage, ALICE, DICTIONARY)).toHaveLength(1)
      expect(replica.storage.resources()).toEqual([ALICE])
    }
  })

  it('R6940-10.4-03 a replica stores without asking anybody to store further', () => {
    const owner = peer()
    owner.put(alice)
    const replica = peer()
    replica.topology.responsible = false
    const [copy] = copies(owner)
    const outcome = copy === undefined ? undefined : deliver(replica, copy)
    expect(outcome?.ok === true && outcome.value.answer.kindResponses[0]?.replicas).toEqual([])
  })

  it('R6940-7.4.1.1-16 R6940-7-04 the lifetime shrinks by the time held, storage_time and signature stay', () => {
    const owner = peer()
    owner.put(alice, { lifetime: 100, time: 3 })
    const [copy] = copies(owner, after(30_400))
    const [data] = copy?.req.kindData[0]?.values ?? []
    expect(data).toEqual({ ...signed(alice, { lifetime: 100, time: 3 }), lifetime: 69 })
    const replica = peer()
    if (copy !== undefined) deliver(replica, copy, after(40_000))
    expect(texts(replica.storage, ALICE, SINGLE, after(108_999))).toHaveLength(1)
    replica.expire(after(109_000))
    expect(replica.storage.resourceCount).toBe(0)
    // Less than a second left: not worth sending.
    expect(copies(owner, after(99_500))).toEqual([])
  })

  it('R6940-7.4.1.1-11 the generation goes along verbatim', () => {
    const owner = peer()
    owner.put(alice)
    owner.put(alice, { time: 1 })
    const replica = peer()
    for (const copy of copies(owner)) deliver(replica, copy)
    expect(generationOf(replica.storage, ALICE, SINGLE)).toBe(generationOf(owner.storage, ALICE, SINGLE))
  })

  it('R6940-6.3.4-13 R6940-6.3.4-19 come with the certificates of their values, each once', () => {
    const owner = peer()
    const desk = credential(`alice@${OVERLAY}`, 0xd0)
    owner.put(alice)
    owner.put(alice, { kind: ARRAY, value: element(0, 'c') })
    owner.put(desk, { kind: DICTIONARY, value: entry(utf8('k'), 'v') })
    const [copy] = copies(owner)
    expect(copy?.certificates.map(({ fingerprint }) => fingerprint).sort()).toEqual(
      [alice, desk].map(({ certificate }) => certificate.fingerprint).sort(),
    )
  })

  it('split into messages that fit, at least one value each', () => {
    const owner = peer()
    for (const index of [0, 1, 2, 3]) owner.put(alice, { kind: ARRAY, value: element(index, 'x'.repeat(30)) })
    const split = owner.storage.replicaStores(ALICE, { replicaNumber: 1, bytesMax: 800 }, T0)
    expect(split.map(({ req }) => req.kindData[0]?.values.length)).toEqual([2, 2])
    expect(split.every(({ certificates }) => certificates.length === 1)).toBe(true)
    const tiny = owner.storage.replicaStores(ALICE, { replicaNumber: 1, bytesMax: 1 }, T0)
    expect(tiny).toHaveLength(4)
    const replica = peer()
    for (const copy of tiny) expect(deliver(replica, copy).ok).toBe(true)
    expect(texts(replica.storage, ALICE, ARRAY)).toHaveLength(4)
  })

  it('can be limited to what a Store has just changed', () => {
    const owner = peer()
    owner.put(alice, { kind: DICTIONARY, value: entry(utf8('a'), '1') })
    const outcome = owner.put(alice, { kind: DICTIONARY, value: entry(utf8('b'), '2') })
    const only = outcome.ok ? outcome.value.changed : []
    const [copy] = owner.storage.replicaStores(ALICE, { replicaNumber: 1, bytesMax: BYTES_MAX, only }, T0)
    expect(copy?.req.kindData[0]?.values.map(({ value }) => placeOf(value))).toEqual(['b'])
  })

  it('may come again: a copy of what is there changes nothing but the counter', () => {
    const owner = peer()
    owner.put(alice)
    const replica = peer()
    for (const copy of [...copies(owner), ...copies(owner, after(10_000))])
      expect(deliver(replica, copy).ok).toBe(true)
  })
})

describe('taking over newer data', () => {
  it('R6940-7.4.1.1-17 R6940-7.4.1.2-04 R6940-7.4.1.1-21 of two values for a place the later stands, on both sides after one exchange', () => {
    const [left, right] = [peer(), peer()]
    left.put(alice, { kind: DICTIONARY, value: entry(utf8('a'), 'left'), time: 1 })
    left.put(alice, { kind: DICTIONARY, value: entry(utf8('b'), 'left'), time: 9 })
    right.put(alice, { kind: DICTIONARY, value: entry(utf8('a'), 'right'), time: 5 })
    right.put(alice, { kind: DICTIONARY, value: entry(utf8('c'), 'right'), time: 5 })
    const [refused] = copies(left)
    if (refused !== undefined) expect(deliver(right, refused).ok).toBe(false)
    const theirs = fetchAll(right)
    const adopted = left.storage.adopt(T0, ALICE, theirs.answer, theirs.certificates)
    expect(adopted.rejected).toBe(0)
    expect(adopted.changed).toHaveLength(2)
    expect(adopted.operations.some(({ key }) => key.startsWith('storage/value/'))).toBe(true)
    const merged = [
      ['a', 'right'],
      ['b', 'left'],
      ['c', 'right'],
    ]
    expect(texts(left.storage, ALICE, DICTIONARY)).toEqual(merged)
    const higher = generationOf(left.storage, ALICE, DICTIONARY)
    expect(higher).toBeGreaterThan(theirs.answer.kindResponses[1]?.generation ?? 0n)
    for (const copy of copies(left)) expect(deliver(right, copy).ok).toBe(true)
    expect(texts(right.storage, ALICE, DICTIONARY)).toEqual(merged)
    expect(generationOf(right.storage, ALICE, DICTIONARY)).toBe(higher)
  })

  it('two values of one moment do not keep two peers apart for good: the one that asks takes the other', () => {
    const [left, right] = [peer(), peer()]
    left.put(alice, { value: single('left') })
    right.put(alice, { value: single('right') })
    const theirs = fetchAll(right)
    expect(left.storage.adopt(T0, ALICE, theirs.answer, theirs.certificates).changed).toHaveLength(1)
    expect(texts(left.storage, ALICE, SINGLE)).toEqual([['', 'right']])
    for (const copy of copies(left)) expect(deliver(right, copy).ok).toBe(true)
  })

  it('takes the other counter along when the data is the same or only theirs', () => {
    const [left, right] = [peer(), peer()]
    right.put(alice)
    const theirs = fetchAll(right)
    left.storage.adopt(T0, ALICE, theirs.answer, theirs.certificates)
    expect(generationOf(left.storage, ALICE, SINGLE)).toBe(generationOf(right.storage, ALICE, SINGLE))
    const again = left.storage.adopt(T0, ALICE, theirs.answer, theirs.certificates)
    expect([again.changed, again.operations]).toEqual([[], []])
  })

  it.each([0n, 0xffff_ffff_ffff_ffffn])(
    'R6940-7.4.1.1-17 a counter of %s makes nothing that no replica would take',
    (generation) => {
      const [empty, mixed, replica] = [peer(), peer(), peer()]
      mixed.put(alice, { kind: DICTIONARY, value: entry(utf8('b'), 'here'), time: 9 })
      const values = [signed(alice, { kind: DICTIONARY, value: entry(utf8('a'), 'there') })]
      const answer = { kindResponses: [{ kind: DICTIONARY, generation, values }] }
      for (const here of [empty, mixed]) {
        expect(here.storage.adopt(T0, ALICE, answer, [alice.certificate]).changed).toHaveLength(1)
        const counter = generationOf(here.storage, ALICE, DICTIONARY)
        expect(counter).toBeGreaterThan(0n)
        expect(counter).toBeLessThan(1n << 64n)
        for (const copy of copies(here)) expect(deliver(replica, copy).ok).toBe(true)
      }
    },
  )

  it('believes nothing that does not verify, and keeps within the limits', () => {
    const here = peer()
    const names = ['a', 'b', 'c', 'd', 'e']
    const many = names.map((name) => signed(alice, { kind: DICTIONARY, value: entry(utf8(name), 'v') }))
    const kindResponses = [
      {
        kind: DICTIONARY,
        generation: 5n,
        values: [...many, signed(bob, { kind: DICTIONARY, resource: ALICE, value: entry(utf8('z'), 'v') })],
      },
      { kind: SINGLE, generation: 5n, values: [{ ...signed(alice), storageTime: 1n }] },
      { kind: 0xf0000aaa, generation: 5n, values: [signed(alice)] },
    ]
    const adopted = here.storage.adopt(T0, ALICE, { kindResponses }, [alice.certificate, bob.certificate])
    expect(adopted.rejected).toBe(2 + 1 + 1 + 1)
    expect(texts(here.storage, ALICE, DICTIONARY).map(([name]) => name)).toEqual(['a', 'b', 'c'])
    expect(texts(here.storage, ALICE, SINGLE)).toEqual([])
  })
})

describe('letting go', () => {
  it('drops a resource with its counters and certificates', () => {
    const here = peer()
    here.put(alice)
    here.put(bob, { kind: ARRAY, value: element(0, 'x') })
    const deleted = new Set(here.storage.drop(ALICE).map(({ key }) => key))
    expect(here.storage.resources()).toEqual([BOB])
    const left = [...here.journal.keys()].filter((name) => !deleted.has(name))
    expect(left).toHaveLength(3)
    expect(here.storage.drop(ALICE)).toEqual([])
    expect(here.storage.drop(BOB)).toHaveLength(3)
    expect(here.storage.nextDeadline()).toBe(Infinity)
  })

  it('drops what a new Configuration Document has no Kind for', () => {
    const here = peer()
    here.put(alice)
    here.put(alice, { kind: ARRAY, value: element(0, 'x') })
    const fewer = { definition: (kind: number) => (kind === ARRAY ? undefined : kinds.definition(kind)) }
    expect(here.storage.reconfigure({ trust: here.trust, kinds: fewer })).toHaveLength(2)
    expect(texts(here.storage, ALICE, SINGLE)).toHaveLength(1)
    expect(here.put(alice, { kind: ARRAY, value: element(0, 'y'), time: 1 }).ok).toBe(false)
  })

  it('tells what it holds, by Kind and role', () => {
    const here = peer()
    here.put(alice)
    here.put(bob)
    const [use] = here.storage.use()
    expect(use).toMatchObject({ kind: SINGLE, role: 'owner', values: 2 })
    here.topology.responsible = false
    expect(here.storage.use()[0]?.role).toBe('replica')
  })

  it('R6940-7-04 nextDeadline is the earliest end of a lifetime, also after values were replaced', () => {
    const here = peer()
    here.put(alice, { lifetime: 10 })
    here.put(bob, { lifetime: 20 })
    expect(here.storage.nextDeadline()).toBe(T0.ms + 10_000)
    here.put(alice, { lifetime: 50, time: 1, value: single('x') })
    expect(here.storage.nextDeadline()).toBe(T0.ms + 20_000)
    here.expire(after(20_000))
    expect(here.storage.resources()).toEqual([ALICE])
    // The wall clock may jump as it likes.
    expect(texts(here.storage, ALICE, SINGLE, { ms: T0.ms + 49_000, wall: T0.wall + 1e9 })).toHaveLength(1)
    here.expire({ ms: T0.ms + 50_000, wall: 0 })
    expect(here.storage.resourceCount).toBe(0)
  })
})

it('keeps a value that is stored with a request of the same Kind for two users apart', () => {
  const here = peer()
  here.put(alice, { value: single('a') })
  here.put(bob, { value: single('b') })
  expect(here.send(request(BOB, [[SINGLE, signed(bob, { time: 1, value: single('c') })]]), bob).ok).toBe(true)
  expect(texts(here.storage, ALICE, SINGLE)).toEqual([['', 'a']])
})
