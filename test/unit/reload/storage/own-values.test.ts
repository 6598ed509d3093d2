import { describe, expect, it } from 'vitest'
import type { Now } from '../../../../src/common/time.ts'
import type { KindId, ResourceId } from '../../../../src/reload/codec/index.ts'
import { makeStandInCredential } from '../../../../src/reload/security/index.ts'
import { Trust } from '../../../../src/reload/security/trust.ts'
import type { FetchedValues } from '../../../../src/reload/storage/verify-fetched.ts'
import {
  after,
  alice,
  ALICE,
  ARRAY,
  bob,
  BOB,
  crypto,
  DICTIONARY,
  element,
  entry,
  kinds,
  nodeId,
  OVERLAY,
  peer,
  removed,
  root,
  single,
  SINGLE,
  T0,
  type Peer,
} from './fixture.ts'

const ALL: readonly KindId[] = [SINGLE, ARRAY, DICTIONARY]

/** What a Fetch and the check of its answer would give. */
function fetched(here: Peer, resource: ResourceId, wanted: readonly KindId[], now: Now): FetchedValues {
  const answer = here.storage.fetch(now, here.storage.fetchReqFor(resource, wanted))
  if (!answer.ok) throw new Error('fetch refused')
  return here.storage.verify(resource, answer.value.answer, answer.value.certificates, now)
}

/** The same, without what differs: lifetimes on the wire are whole seconds, one that was asked for here is not cut. */
function essence({ kinds: found, rejected }: FetchedValues): unknown {
  return {
    rejected,
    kinds: [...found].map(([kind, { generation, values }]) => ({
      kind,
      generation,
      values: values.map(({ data, expiresAt, signer, signerNodeId }) => ({
        value: data.value,
        storageTime: data.storageTime,
        seconds: Math.floor(expiresAt / 1000),
        signer: signer.userName,
        signerNodeId,
      })),
    })),
  }
}

function own(here: Peer, resource: ResourceId, wanted: readonly KindId[], now: Now): FetchedValues {
  const values = here.storage.own(now, resource, wanted)
  if (values === undefined) throw new Error('not answered here')
  return values
}

function expectSame(here: Peer, now: Now): void {
  for (const resource of [ALICE, BOB])
    for (const wanted of [ALL, [SINGLE], [DICTIONARY, SINGLE]])
      expect(essence(own(here, resource, wanted, now))).toEqual(essence(fetched(here, resource, wanted, now)))
}

describe('what a peer holds, for itself', () => {
  it('is what a Fetch would bring, after every change', () => {
    const here = peer()
    const key = new Uint8Array(16).fill(7)
    const changes: ((now: Now) => unknown)[] = [
      (now) => here.put(alice, { value: single('one'), time: 1, lifetime: 100 }, now),
      (now) => here.put(alice, { value: single('two'), time: 2, lifetime: 60 }, now),
      (now) => here.put(alice, { kind: DICTIONARY, value: entry(key, 'phone'), time: 3, lifetime: 30 }, now),
      (now) => here.put(alice, { kind: ARRAY, value: element(0, 'a'), time: 4, lifetime: 90 }, now),
      (now) => here.put(bob, { value: single('bob'), time: 5, lifetime: 20 }, now),
      (now) =>
        here.put(alice, { kind: DICTIONARY, value: removed(entry(key, '')), time: 6, lifetime: 90 }, now),
      (now) => here.expire(now),
      () => here.storage.drop(BOB),
    ]
    let now = T0
    for (const change of changes) {
      change(now)
      expectSame(here, now)
      now = after(7_000, now)
      // Time has gone on and nothing else has happened: values end by themselves.
      expectSame(here, now)
    }
    for (let second = 0; second < 100; second += 9) expectSame(here, after(second * 1000, now))
  })

  it('is looked at once, as long as nothing changes', () => {
    const here = peer()
    here.put(alice, { value: single('one'), time: 1, lifetime: 100 })
    const first = own(here, ALICE, ALL, T0)
    expect(own(here, ALICE, ALL, after(1_000))).toBe(first)
    here.put(bob, { value: single('bob'), time: 1 })
    expect(own(here, ALICE, ALL, after(2_000))).toBe(first)
    here.put(alice, { value: single('two'), time: 2, lifetime: 100 }, after(3_000))
    expect(own(here, ALICE, ALL, after(3_000))).not.toBe(first)
  })

  it('R6940-7.1-02 is not given out any more once its certificate has expired, and is again when the clock is put right', () => {
    const here = peer()
    const brief = makeStandInCredential(nodeId(0xe0), `alice@${OVERLAY}`, OVERLAY, {
      issuer: root,
      notAfter: T0.wall + 5_000,
    })
    expect(here.put(brief, { value: single('brief'), time: 1, lifetime: 100 }).ok).toBe(true)
    const count = (now: Now): number => own(here, ALICE, [SINGLE], now).kinds.get(SINGLE)?.values.length ?? 0
    expect([count(T0), count(after(4_000)), count(after(6_000))]).toEqual([1, 1, 0])
    expect(count({ ms: T0.ms + 7_000, wall: T0.wall })).toBe(1)
  })

  it('is over at the very millisecond at which a lifetime is', () => {
    const here = peer()
    here.put(alice, { value: single('one'), time: 1, lifetime: 100 })
    const count = (ms: number): number =>
      own(here, ALICE, [SINGLE], after(ms)).kinds.get(SINGLE)?.values.length ?? 0
    expect([count(0), count(99_999), count(100_000)]).toEqual([1, 1, 0])
  })

  it('R6940-11.1-02 is not given out any more once its signer is a bad node, and is again when he is none', () => {
    const here = peer()
    here.put(alice, { value: single('one'), time: 1, lifetime: 100 })
    const trust = new Trust(crypto, {
      overlayName: OVERLAY,
      roots: [root],
      selfSigned: undefined,
      badNodes: [alice.nodeId],
    })
    const found = (): [number | undefined, number] => {
      const { kinds: all, rejected } = own(here, ALICE, [SINGLE], T0)
      return [all.get(SINGLE)?.values.length, rejected]
    }
    expect(found()).toEqual([1, 0])
    here.storage.reconfigure({ trust, kinds })
    expect([found(), found()]).toEqual([
      [0, 1],
      [0, 1],
    ])
    here.storage.reconfigure({ trust: here.trust, kinds })
    expect(found()).toEqual([1, 0])
  })

  it('R6940-13.5.3-01 has to be compared again with what was seen, once somebody else was asked for it', () => {
    const here = peer()
    here.put(alice, { value: single('one'), time: 1, lifetime: 100 })
    const first = here.storage.own(T0, ALICE, [SINGLE])!
    expect(first.settled).toBe(false)
    first.settled = true
    expect(here.storage.own(after(1_000), ALICE, [SINGLE])!.settled).toBe(true)
    // This peer is not responsible for a while: what it fetches then may be newer than what still lies here.
    fetched(here, ALICE, [SINGLE], after(2_000))
    expect(here.storage.own(after(3_000), ALICE, [SINGLE])!.settled).toBe(false)
  })

  it('is asked anew under new rules', () => {
    const here = peer()
    here.put(alice, { value: single('one'), time: 1, lifetime: 100 })
    const first = own(here, ALICE, [SINGLE], T0)
    here.storage.reconfigure({ trust: here.trust, kinds })
    const second = own(here, ALICE, [SINGLE], T0)
    expect(second).not.toBe(first)
    expect(essence(second)).toEqual(essence(first))
  })
})
