/** What a signer with a good certificate may try against a storing peer. */
import { describe, expect, it, vi } from 'vitest'
import { concatBytes, utf8 } from '../../../../src/common/bytes.ts'
import { ERROR_CODE, type NodeId, type ResourceId } from '../../../../src/reload/codec/index.ts'
import { KNOWN_KINDS, type AccessControl } from '../../../../src/reload/config/index.ts'
import {
  NamedResources,
  nodeMultipleName,
  permitted,
  resourceIdOf,
  signStoredData,
  type WriteAttempt,
} from '../../../../src/reload/security/index.ts'
import {
  after,
  alice,
  ALICE,
  bob,
  BOB,
  crypto,
  DICTIONARY,
  entry,
  peer,
  removed,
  request,
  signed,
  signerOf,
  single,
  SINGLE,
  T0,
  texts,
  type Peer,
} from './fixture.ts'

const LIFETIME_MAX = 0xffff_ffff
/** 2^64 - 1. */
const TIME_MAX = 0xffff_ffff_ffff_ffffn

function code(outcome: ReturnType<Peer['send']>): number | 'stored' {
  return outcome.ok ? 'stored' : outcome.error.errorCode
}

describe('who may write where', () => {
  const names = new NamedResources(crypto)
  const name = (bytes: Uint8Array): ResourceId => resourceIdOf(crypto, bytes)
  const PLACES: readonly (readonly [string, ResourceId])[] = [
    ['own user', ALICE],
    ['other user', BOB],
    ['own node', name(alice.nodeId)],
    ['other node', name(bob.nodeId)],
    ['own node 1', name(nodeMultipleName(alice.nodeId, 1))],
    ['own node 2', name(nodeMultipleName(alice.nodeId, 2))],
    ['own node 0', name(nodeMultipleName(alice.nodeId, 0))],
    ['own node 3', name(nodeMultipleName(alice.nodeId, 3))],
    ['other node 1', name(nodeMultipleName(bob.nodeId, 1))],
    ['user and node', name(concatBytes([utf8(alice.certificate.userName), alice.nodeId]))],
    ['empty', name(new Uint8Array(0))],
  ]
  const KEYS: readonly (readonly [string, Uint8Array])[] = [
    ['own node', alice.nodeId],
    ['other node', bob.nodeId],
    ['own node cut', alice.nodeId.subarray(0, 15)],
    ['own node and more', concatBytes([alice.nodeId, Uint8Array.of(0)])],
    ['none', new Uint8Array(0)],
    ['user', utf8(alice.certificate.userName)],
  ]
  /** RFC 6940 s.7.3.1 to s.7.3.4: policy, place and key of the only writes that are allowed. */
  const ALLOWED: Readonly<Record<AccessControl, readonly string[]>> = {
    'USER-MATCH': ['own user'],
    'NODE-MATCH': ['own node'],
    'USER-NODE-MATCH': ['own user / own node'],
    'NODE-MULTIPLE': ['own node 1', 'own node 2'],
  }

  it('S-62 every combination of policy, place, data model and key that RFC 6940 s.7.3 does not name is refused', () => {
    let refused = 0
    for (const accessControl of Object.keys(ALLOWED) as AccessControl[]) {
      for (const dataModel of ['single', 'array', 'dictionary'] as const) {
        const definition = { ...KNOWN_KINDS[0]!, accessControl, dataModel, maxNodeMultiple: 2 }
        for (const [place, resource] of PLACES) {
          for (const [under, key] of KEYS) {
            const value: WriteAttempt['value'] =
              dataModel === 'dictionary'
                ? entry(key, 'v')
                : dataModel === 'array'
                  ? { model: 'array', index: 0, value: single('v').value }
                  : single('v')
            const which = accessControl === 'USER-NODE-MATCH' ? `${place} / ${under}` : place
            const fits = accessControl !== 'USER-NODE-MATCH' || dataModel === 'dictionary'
            const expected = fits && ALLOWED[accessControl].includes(which)
            const attempt = { resource, signer: signerOf(alice), value }
            expect(permitted(names, definition, attempt), `${accessControl} ${dataModel} ${which}`).toBe(
              expected,
            )
            if (!expected) refused++
          }
        }
      }
    }
    expect(refused).toBeGreaterThan(700)
  })

  it('S-62 the storing peer answers each of them with Forbidden and keeps nothing', () => {
    const here = peer()
    for (const resource of PLACES.slice(1).map(([, id]) => id)) {
      const value = signed(alice, { resource })
      expect(code(here.send(request(resource, [[SINGLE, value]]), alice))).toBe(ERROR_CODE.forbidden)
      expect(here.storage.holds(resource)).toBe(false)
    }
    expect(here.journal.size).toBe(0)
  })
})

describe('value bombs', () => {
  it('S-64 a dictionary of 10000 keys in one request is refused as a whole', () => {
    const here = peer()
    const many = Array.from({ length: 10_000 }, (_, index) =>
      signed(alice, { kind: DICTIONARY, value: entry(utf8(`key ${index}`), 'v') }),
    )
    expect(code(here.send(request(ALICE, [[DICTIONARY, ...many]]), alice))).toBe(ERROR_CODE.dataTooLarge)
    expect(here.storage.holds(ALICE)).toBe(false)
    expect(here.journal.size).toBe(0)
  })

  it('S-47 S-64 of more values than could be taken no signature is looked at: in a Store, in an answer, in the data of another peer', () => {
    const here = peer()
    const many = Array.from({ length: 400 }, (_, index) =>
      signed(alice, { kind: DICTIONARY, value: entry(utf8(`key ${index}`), 'v') }),
    )
    const verify = vi.spyOn(crypto, 'verify')
    const looks = (): number => {
      const { length } = verify.mock.calls
      verify.mockClear()
      return length
    }
    try {
      expect(code(here.send(request(ALICE, [[DICTIONARY, ...many]]), alice))).toBe(ERROR_CODE.dataTooLarge)
      expect(looks()).toBe(0)
      const copy = request(ALICE, [[DICTIONARY, ...many]], { replica: 1, generation: 1n })
      expect(code(here.send(copy, alice))).toBe(ERROR_CODE.dataTooLarge)
      expect(looks()).toBe(0)
      const answer = { kindResponses: [{ kind: DICTIONARY, generation: 1n, values: many }] }
      const fetched = here.storage.verify(ALICE, answer, [alice.certificate], T0)
      expect(fetched.kinds.get(DICTIONARY)?.values.length).toBe(6)
      expect([fetched.rejected, looks()]).toEqual([394, 6])
      const wrong = many.map((value) => ({ ...value, storageTime: value.storageTime + 1n }))
      const forged = { kindResponses: [{ kind: DICTIONARY, generation: 1n, values: wrong }] }
      expect(here.storage.verify(ALICE, forged, [alice.certificate], T0).rejected).toBe(400)
      expect(looks()).toBeLessThanOrEqual(12)
      expect(here.storage.adopt(T0, ALICE, forged, [alice.certificate]).rejected).toBe(400)
      expect(looks()).toBeLessThanOrEqual(12)
    } finally {
      verify.mockRestore()
    }
  })

  it('S-64 values that are stored, removed and stored under other keys stay within twice the maximum', () => {
    const here = peer()
    const held = (): number => texts(here.storage, ALICE, DICTIONARY).length
    let refused = 0
    for (let i = 0; i < 50; i++) {
      const value = entry(utf8(`key ${i}`), 'v')
      if (code(here.put(alice, { kind: DICTIONARY, value, time: 2 * i })) !== 'stored') refused++
      here.put(alice, { kind: DICTIONARY, value: removed(value), time: 2 * i + 1 })
    }
    expect(refused).toBeGreaterThan(40)
    expect(held()).toBe(0)
    expect([...here.journal.keys()].length).toBeLessThan(12)
  })

  it('S-64 the longest lifetime neither overflows nor ends at once', () => {
    const here = peer()
    expect(code(here.put(alice, { lifetime: LIFETIME_MAX }))).toBe('stored')
    expect(here.storage.nextDeadline()).toBeGreaterThan(T0.ms + 1000 * 365 * 86_400)
    here.expire(after(1000 * 86_400 * 365))
    expect(texts(here.storage, ALICE, SINGLE)).toEqual([['', 'value']])
    expect(code(here.put(alice, { lifetime: 1, time: 1 }))).toBe('stored')
    here.expire(after(2_000))
    expect(here.storage.holds(ALICE)).toBe(false)
  })

  it('S-64 a storage_time at the end of time blocks nobody but its signer, and ends with its lifetime', () => {
    const here = peer()
    const last = signStoredData(crypto, alice, {
      resource: ALICE,
      kind: SINGLE,
      storageTime: TIME_MAX,
      lifetime: 60,
      value: single('value'),
    })
    expect(code(here.send(request(ALICE, [[SINGLE, last]]), alice))).toBe('stored')
    expect(code(here.put(alice, { time: 1 }))).toBe(ERROR_CODE.dataTooOld)
    expect(code(here.put(bob))).toBe('stored')
    here.expire(after(61_000))
    expect(code(here.put(alice, { time: 1 }, after(61_000)))).toBe('stored')
  })

  it('S-64 one signer fills nothing but its own place, and that up to the maximum of the Kind', () => {
    const here = peer()
    const ids: NodeId[] = [alice.nodeId, bob.nodeId]
    let stored = 0
    for (let i = 0; i < 300; i++) {
      const resource = resourceIdOf(crypto, concatBytes([ids[i % 2] as NodeId, utf8(String(i))]))
      const value = signed(alice, { resource })
      if (code(here.send(request(resource, [[SINGLE, value]]), alice)) === 'stored') stored++
    }
    for (let i = 0; i < 300; i++) {
      const value = entry(utf8(`key ${i}`), 'v')
      if (code(here.put(alice, { kind: DICTIONARY, value, time: i })) === 'stored') stored++
    }
    expect(stored).toBe(3)
  })

  it('S-64 a value of more than the maximum size is refused, in the first place as in a replacement', () => {
    const here = peer()
    const large = single('x'.repeat(20_000))
    expect(code(here.put(alice, { value: large }))).toBe(ERROR_CODE.dataTooLarge)
    expect(code(here.put(alice))).toBe('stored')
    expect(code(here.put(alice, { value: large, time: 5 }))).toBe(ERROR_CODE.dataTooLarge)
    expect(texts(here.storage, ALICE, SINGLE)).toEqual([['', 'value']])
  })
})
