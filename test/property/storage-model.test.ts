/**
 * Storage against a model that is nothing but a map: any sequence of stores, removals, copies, passing time and restarts
 * leaves both with the same values, and the journal always says what the table holds.
 */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { fromUtf8, utf8 } from '../../src/common/bytes.ts'
import type { Now } from '../../src/common/time.ts'
import type { KindId, StoredDataValue } from '../../src/reload/codec/index.ts'
import {
  alice,
  ALICE,
  ARRAY,
  bob,
  BOB,
  DICTIONARY,
  element,
  entry,
  peer,
  removed,
  request,
  signed,
  single,
  SINGLE,
  texts,
  WALL,
  type Peer,
} from '../unit/reload/storage/fixture.ts'

interface ModelValue {
  readonly text: string | undefined
  readonly storageTime: number
  readonly expiresAt: number
}

/** Place -> value, and the size limits of the fixture's Kinds. */
class Model {
  readonly places = new Map<string, ModelValue>()

  alive(prefix: string, ms: number): [string, ModelValue][] {
    return [...this.places].filter(([place, { expiresAt }]) => place.startsWith(prefix) && expiresAt > ms)
  }

  store(prefix: string, slot: string | number, value: ModelValue, ms: number, maxCount: number): boolean {
    const append = slot === 'end'
    const alive = this.alive(prefix, ms)
    const indices = alive.map(([place]) => Number(place.slice(prefix.length)))
    const place = prefix + String(append ? Math.max(-1, ...indices) + 1 : slot)
    const current = alive.find(([name]) => name === place)?.[1]
    const same = (other: ModelValue): boolean =>
      other.storageTime === value.storageTime && other.text === value.text
    if (append ? alive.some(([, other]) => same(other)) : current !== undefined && same(current)) return true
    if (current !== undefined && value.storageTime <= current.storageTime) return false
    const others = alive.filter(([name]) => name !== place).map(([, { text }]) => text)
    const all = [...others, value.text]
    if (all.filter((text) => text !== undefined).length > maxCount || all.length > 2 * maxCount) return false
    this.places.set(place, value)
    return true
  }
}

type Step =
  | {
      readonly kind: 'store'
      readonly user: 0 | 1
      readonly model: 0 | 1 | 2
      readonly slot: number
      readonly remove: boolean
      readonly time: number
      readonly lifetime: number
    }
  | { readonly kind: 'wait'; readonly ms: number; readonly expire: boolean }
  | { readonly kind: 'jump'; readonly wall: number }
  | { readonly kind: 'restart'; readonly awayMs: number }

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant('store' as const),
        user: fc.constantFrom(0 as const, 1 as const),
        model: fc.constantFrom(0 as const, 1 as const, 2 as const),
        slot: fc.oneof(fc.nat(5), fc.constant(0xffffffff)),
        remove: fc.boolean(),
        time: fc.nat(20),
        lifetime: fc.nat(30),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(8000), expire: fc.boolean() }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('jump' as const), wall: fc.integer({ min: -1e7, max: 1e7 }) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), awayMs: fc.nat(5000) }) },
  ),
  { maxLength: 60 },
)

const USERS = [
  { credential: alice, resource: ALICE },
  { credential: bob, resource: BOB },
] as const
const KINDS = [
  { kind: SINGLE, maxCount: 1 },
  { kind: ARRAY, maxCount: 4 },
  { kind: DICTIONARY, maxCount: 3 },
] as const

function valueOf(kind: KindId, slot: number, remove: boolean, text: string): StoredDataValue {
  const value =
    kind === SINGLE ? single(text) : kind === ARRAY ? element(slot, text) : entry(utf8(String(slot)), text)
  return remove ? removed(value) : value
}

function same(here: Peer, model: Model, now: Now): void {
  for (const { resource } of USERS) {
    for (const { kind } of KINDS) {
      const prefix = `${fromUtf8(resource)}|${kind}|`
      const expected = model
        .alive(prefix, now.ms)
        .flatMap(([place, { text }]): [string, string][] =>
          text === undefined ? [] : [[place.slice(prefix.length), text]],
        )
        .sort(([a], [b]) => (a < b ? -1 : 1))
      const held = texts(here.storage, resource, kind, now).map(([place, text]) => [String(place), text])
      expect(held.sort(([a = ''], [b = '']) => (a < b ? -1 : 1))).toEqual(expected)
    }
  }
}

it('R6940-7.4.1.1-18 R6940-7-04 R6940-7.4.1.3-03 holds what a map would hold, through time, clock jumps and restarts', () => {
  fc.assert(
    fc.property(steps, (sequence) => {
      let here = peer()
      let model = new Model()
      let now: Now = { ms: 0, wall: WALL }
      let jumped = false
      for (const step of sequence) {
        if (step.kind === 'wait') {
          now = { ms: now.ms + step.ms, wall: now.wall + step.ms }
          if (step.expire) here.expire(now)
        } else if (step.kind === 'jump') {
          now = { ms: now.ms, wall: now.wall + step.wall }
          jumped = true
        } else if (step.kind === 'restart') {
          // Only the wall clock knows how long it took; after a jump there is nothing to compare with.
          if (jumped) continue
          now = { ms: now.ms + step.awayMs, wall: now.wall + step.awayMs }
          const next = peer()
          const report = next.storage.restore(now, here.journal)
          expect([report.damaged, report.foreign]).toEqual([0, 0])
          for (const [name, record] of here.journal) next.journal.set(name, record)
          for (const { key } of report.operations) next.journal.delete(key)
          here = next
          const back = new Model()
          for (const [place, value] of model.alive('', now.ms)) back.places.set(place, value)
          model = back
        } else {
          const { credential, resource } = USERS[step.user]
          const { kind, maxCount } = KINDS[step.model]
          const slot = kind === SINGLE ? '' : kind === ARRAY && step.slot === 0xffffffff ? 'end' : step.slot
          const text = `${step.slot}/${step.time}`
          const value = valueOf(kind, step.slot, step.remove, text)
          const data = signed(credential, { kind, value, time: step.time, lifetime: step.lifetime })
          const outcome = here.send(request(resource, [[kind, data]]), credential, now)
          const expected = model.store(
            `${fromUtf8(resource)}|${kind}|`,
            slot,
            {
              text: step.remove ? undefined : text,
              storageTime: step.time,
              expiresAt: now.ms + step.lifetime * 1000,
            },
            now.ms,
            maxCount,
          )
          expect(outcome.ok).toBe(expected)
        }
        same(here, model, now)
      }
      // Nothing is left behind: when everything has expired, table and journal are empty.
      here.expire({ ms: now.ms + 40_000, wall: now.wall })
      expect([here.storage.resourceCount, here.journal.size, here.storage.nextDeadline()]).toEqual([
        0,
        0,
        Infinity,
      ])
    }),
    { numRuns: 300 },
  )
})

it('R6940-7.4.1.1-21 two peers that exchange what they have end with the same values, whoever begins', () => {
  const writes = fc.array(
    fc.record({ slot: fc.nat(2), time: fc.nat(9), remove: fc.boolean(), side: fc.boolean() }),
    { maxLength: 12 },
  )
  fc.assert(
    fc.property(writes, (sequence) => {
      const now: Now = { ms: 0, wall: WALL }
      const [left, right] = [peer(), peer()]
      for (const { slot, time, remove, side } of sequence) {
        // One writer never signs two values for one moment.
        const value = valueOf(DICTIONARY, slot, remove, String(time))
        const data = signed(alice, { kind: DICTIONARY, value, time: 2 * time + (remove ? 1 : 0) })
        const to = side ? left : right
        to.send(request(ALICE, [[DICTIONARY, data]]), alice, now)
      }
      const copyTo = (from: Peer, to: Peer): boolean => {
        const copies = from.storage.replicaStores(ALICE, { replicaNumber: 1, bytesMax: 5000 }, now)
        return copies.every(
          ({ req, certificates }) =>
            to.storage.store(now, req, { certificate: bob.certificate, nodeId: bob.nodeId }, certificates).ok,
        )
      }
      if (!copyTo(left, right)) {
        const fetched = right.storage.fetch(now, right.storage.fetchReqFor(ALICE, [DICTIONARY]))
        if (!fetched.ok) throw new Error('fetch refused')
        left.storage.adopt(now, ALICE, fetched.value.answer, fetched.value.certificates)
        expect(copyTo(left, right)).toBe(true)
      }
      expect(copyTo(right, left)).toBe(true)
      expect(texts(left.storage, ALICE, DICTIONARY, now)).toEqual(
        texts(right.storage, ALICE, DICTIONARY, now),
      )
    }),
    { numRuns: 300 },
  )
})
