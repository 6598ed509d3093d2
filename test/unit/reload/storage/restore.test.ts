import { describe, expect, it } from 'vitest'
import { utf8 } from '../../../../src/common/bytes.ts'
import type { Now } from '../../../../src/common/time.ts'
import { certificateRecord, readRecord } from '../../../../src/reload/storage/records.ts'
import {
  after,
  alice,
  ALICE,
  ARRAY,
  bob,
  DICTIONARY,
  element,
  entry,
  generationOf,
  kinds,
  peer,
  removed,
  SINGLE,
  texts,
  values,
  WALL,
  type Peer,
} from './fixture.ts'

/** A process started at that wall time; its monotonic clock begins anew. */
function startedAt(wall: number): Now {
  return { ms: 100, wall }
}

function filled(): Peer {
  const here = peer()
  here.put(alice, { lifetime: 60 })
  here.put(alice, { kind: ARRAY, value: element(3, 'x'), lifetime: 600 })
  here.put(alice, { kind: DICTIONARY, value: entry(utf8('k/:'), 'v'), lifetime: 600 })
  here.put(alice, { kind: DICTIONARY, value: removed(entry(new Uint8Array(0), '')), lifetime: 600 })
  here.put(bob, { lifetime: 600 })
  return here
}

describe('restore', () => {
  it('brings back values, counters and certificates as they were, in any order of records', () => {
    const before = filled()
    const generation = generationOf(before.storage, ALICE, DICTIONARY)
    const now = startedAt(WALL + 20_000)
    for (const records of [[...before.journal], [...before.journal].reverse()]) {
      const back = peer()
      const report = back.storage.restore(now, records)
      expect(report).toEqual({ values: 5, expired: 0, damaged: 0, foreign: 0, operations: [] })
      for (const kind of [SINGLE, ARRAY, DICTIONARY]) {
        expect(texts(back.storage, ALICE, kind, now)).toEqual(texts(before.storage, ALICE, kind))
      }
      expect(generationOf(back.storage, ALICE, DICTIONARY, now)).toBe(generation)
      expect(values(back.storage, ALICE, SINGLE, now)[0]?.lifetime).toBe(40)
      const fetched = back.storage.fetch(now, back.storage.fetchReqFor(ALICE, [SINGLE]))
      expect(fetched.ok && fetched.value.certificates[0]?.fingerprint).toBe(alice.certificate.fingerprint)
      expect(back.storage.nextDeadline()).toBe(40_100)
    }
  })

  it.each([
    ['while the process was away', 61_000, 0, 4, 1],
    ['never twice as long when the wall clock went back', -3_600_000, 60, 5, 0],
  ])('lifetimes end %s', (_name, awayMs, lifetime, restored, expired) => {
    const back = peer()
    const now = startedAt(WALL + awayMs)
    const report = back.storage.restore(now, filled().journal)
    expect([report.values, report.expired]).toEqual([restored, expired])
    expect(report.operations).toHaveLength(expired === 0 ? 0 : 2)
    expect(values(back.storage, ALICE, SINGLE, now)[0]?.lifetime).toBe(lifetime)
  })

  it('counts and deletes damaged records, and serves the rest', () => {
    const { journal } = filled()
    const names = [...journal.keys()]
    const damaged = new Map(journal)
    const flipped = (name: string): Uint8Array => {
      const bytes = Uint8Array.from(journal.get(name) ?? [])
      const middle = bytes.length >> 1
      bytes[middle] = (bytes[middle] ?? 0) ^ 1
      return bytes
    }
    const arrayName = names.find((name) => name.includes(`/${ARRAY.toString(16)}/`)) ?? ''
    const bobCertificate = `storage/certificate/${bob.certificate.fingerprint}`
    const swapped = names.filter(
      (name) => name.includes(`/${DICTIONARY.toString(16)}/`) && name.includes('value'),
    )
    damaged.set(arrayName, flipped(arrayName))
    damaged.set(bobCertificate, flipped(bobCertificate))
    damaged.set(swapped[0] ?? '', journal.get(swapped[1] ?? '') ?? new Uint8Array(0))
    damaged.set('storage/value/zz/00/s', new Uint8Array(0))
    damaged.set('peer/ring', Uint8Array.of(1))
    const back = peer()
    const report = back.storage.restore(startedAt(WALL), damaged)
    // Array value, certificate, bob's value that needs it, one swapped value, and the nonsense key.
    expect(report).toMatchObject({ values: 2, damaged: 5, foreign: 0 })
    expect(texts(back.storage, ALICE, SINGLE)).toHaveLength(1)
    for (const { kind, key } of report.operations) {
      expect(kind).toBe('delete')
      damaged.delete(key)
    }
    expect(damaged.has('peer/ring')).toBe(true)
    const clean = peer().storage.restore(startedAt(WALL), damaged)
    expect(clean).toMatchObject({ values: 2, damaged: 0, operations: [] })
  })

  it('leaves out Kinds that the overlay does not have any more', () => {
    const back = peer()
    back.storage.reconfigure({
      trust: back.trust,
      kinds: { definition: (kind) => (kind === DICTIONARY ? undefined : kinds.definition(kind)) },
    })
    expect(back.storage.restore(startedAt(WALL), filled().journal)).toMatchObject({ values: 3, foreign: 2 })
  })

  it('a counter whose record is lost starts again higher than any before', () => {
    const before = filled()
    const journal = new Map([...before.journal].filter(([name]) => !name.includes('generation')))
    const back = peer()
    const now = startedAt(WALL + 1000)
    back.storage.restore(now, journal)
    expect(generationOf(back.storage, ALICE, ARRAY, now)).toBeGreaterThan(
      generationOf(before.storage, ALICE, ARRAY),
    )
  })

  it('goes on where it was: the next store follows the restored one and the journal follows the table', () => {
    const before = filled()
    const back = peer()
    back.storage.restore(startedAt(WALL), before.journal)
    for (const [name, record] of before.journal) back.journal.set(name, record)
    expect(back.put(alice, { time: 0, kind: ARRAY, value: element(3, 'other') }).ok).toBe(false)
    expect(back.put(alice, { time: 1, kind: ARRAY, value: element(3, 'other') }).ok).toBe(true)
    back.expire(after(10_000_000))
    expect([...back.journal]).toEqual([])
  })
})

describe('records', () => {
  it('refuse another version, another key, any cut and unknown contents', () => {
    const key = `storage/certificate/${alice.certificate.fingerprint}`
    const record = certificateRecord(key, utf8('der'))
    expect(readRecord(key, record)).toMatchObject({ ok: true, value: { kind: 'certificate' } })
    expect(readRecord(`${key}0`, record).ok).toBe(false)
    for (let length = 0; length < record.length; length++) {
      expect(readRecord(key, record.subarray(0, length)).ok).toBe(false)
    }
    const other = Uint8Array.from(record)
    other[0] = 2
    expect(readRecord(key, other).ok).toBe(false)
    for (const [name, body] of [
      ['storage/generation/00/00000001', 'short'],
      ['storage/generation/00/1', '12345678'],
      ['storage/value/xx/00000001/s', ''],
      ['storage/value/00/00000001/s', ''],
      ['storage/value/00/00000001/s', '\u0007'],
      ['storage/value/00/00000001/s', '\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000'],
    ] as const) {
      expect(readRecord(name, certificateRecord(name, utf8(body))).ok).toBe(false)
    }
  })
})
