import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fragmentsOf, HeaderView } from '../../../../src/reload/codec/index.ts'
import { decide } from '../../../../src/reload/forwarding/forward.ts'
import {
  HELD_MAX,
  HELD_PER_LINK_MAX,
  Reassembly,
  REASSEMBLY_MS,
  type Reassembled,
} from '../../../../src/reload/forwarding/reassembly.ts'
import { contextOf, letters, message, node, nodeNamed } from './messages.ts'

const MTU = 1200
const FROM = nodeNamed('C')

function viewOf(bytes: Uint8Array): HeaderView {
  const view = HeaderView.read(bytes)
  if (view === undefined) throw new Error('no header')
  return view
}

const cut = (bytes: Uint8Array, mtu = MTU): Uint8Array[] => fragmentsOf(bytes, viewOf(bytes), mtu)

function long(bytes = 4_000, transactionId = 1n): Uint8Array {
  return message(
    { transactionId: transactionId as never, viaList: [node('A')] },
    undefined,
    'x'.repeat(bytes),
  )
}

function reassembly(maxMessageBytes = 5_000): Reassembly {
  return new Reassembly({ maxMessageBytes })
}

function takeAll(into: Reassembly, fragments: readonly Uint8Array[]): Reassembled[] {
  return fragments.map((bytes) => into.take(0, bytes, viewOf(bytes), FROM))
}

describe('fragments', () => {
  it('R6940-6.7-04 R6940-6.7-05 R6940-6.7-06 R6940-6.7-11 are of equal size, repeat the header, and leave room for the via list', () => {
    const whole = long()
    const view = viewOf(whole)
    const fragments = cut(whole)
    const views = fragments.map(viewOf)
    expect(fragments.length).toBe(4)
    const bodies = views.map((each) => each.length - each.payloadAt)
    expect(Math.max(...bodies) - Math.min(...bodies)).toBeLessThanOrEqual(1)
    expect(Math.min(...bodies)).toBeGreaterThanOrEqual(256)
    let offset = 0
    for (const [index, each] of views.entries()) {
      expect(each.length).toBeLessThanOrEqual(MTU - 32)
      expect(letters(each.viaList())).toBe('A')
      expect(each.destinations()).toEqual(view.destinations())
      const last = index === fragments.length - 1
      expect(each.fragment).toBe((last ? 0xc0000000 : 0x80000000) + offset)
      offset += bodies[index] as number
    }
  })

  it('R6940-6.7-07 a message that fits, or whose header leaves no room for 256 bytes, stays whole', () => {
    const whole = long()
    expect(cut(whole, whole.length)).toEqual([whole])
    const lists = message(
      { viaList: Array.from({ length: 50 }, () => node('A')) },
      undefined,
      'x'.repeat(800),
    )
    expect(cut(lists)).toEqual([lists])
    // Two halves would be too small.
    const short = long(300)
    expect(cut(short, short.length - 1)).toEqual([short])
  })

  it('R6940-6.7-08 whatever the order, repetition and further cutting, the whole is what was sent', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2_000, max: 4_500 }),
        fc.array(fc.nat(50), { minLength: 5, maxLength: 30 }),
        (size, order) => {
          const whole = long(size)
          const coarse = cut(whole, 2_000)
          // Some of them are cut again on the way, and come in both forms.
          const all = [...coarse, ...coarse.flatMap((bytes) => cut(bytes, 900))]
          const into = reassembly()
          const sequence = [...order.map((index) => all[index % all.length] as Uint8Array), ...all]
          const results = takeAll(into, sequence)
          const first = results.find((result) => typeof result !== 'string')
          expect(results).not.toContain('dropped')
          expect(first).toEqual(whole)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('R6940-6.7-08 fragments of different messages do not mix', () => {
    const [one, two] = [long(3_000, 1n), long(3_000, 2n)]
    const [first, second] = [cut(one), cut(two)]
    const into = reassembly()
    const mixed = first.flatMap((bytes, index) => [bytes, second[index] as Uint8Array])
    expect(takeAll(into, mixed).filter((result) => typeof result !== 'string')).toEqual([one, two])
    expect(into.size).toBe(0)
    expect(into.nextDeadline()).toBe(Number.POSITIVE_INFINITY)
  })

  it('R6940-6.7-09 what is not whole after 15 s is given up', () => {
    const into = reassembly()
    const [first, ...others] = cut(long())
    into.take(100, first as Uint8Array, viewOf(first as Uint8Array), FROM)
    expect(into.nextDeadline()).toBe(100 + REASSEMBLY_MS)
    expect(into.timeout(100 + REASSEMBLY_MS - 1)).toBe(0)
    expect(into.timeout(100 + REASSEMBLY_MS)).toBe(1)
    expect(takeAll(into, others)).not.toContainEqual(expect.any(Uint8Array))
  })

  it('R6940-6.7-10 without room it is dropped, and no link takes all the room', () => {
    const into = reassembly()
    const beginnings = (count: number, from: bigint): Uint8Array[] =>
      Array.from({ length: count }, (_, index) => cut(long(3_000, from + BigInt(index)))[0] as Uint8Array)
    const results = takeAll(into, beginnings(HELD_PER_LINK_MAX + 1, 1n))
    expect(results.filter((result) => result === 'dropped')).toHaveLength(1)
    let dropped = 0
    for (let link = 0; link < 12; link++) {
      for (const bytes of beginnings(HELD_PER_LINK_MAX, BigInt(1_000 * (link + 1)))) {
        if (into.take(0, bytes, viewOf(bytes), nodeNamed(String.fromCharCode(97 + link))) === 'dropped')
          dropped++
      }
    }
    expect(into.size).toBe(HELD_MAX)
    expect(dropped).toBeGreaterThan(0)
  })

  it('a message that would be larger than allowed, or contradicts itself, is not held', () => {
    const into = reassembly(2_000)
    expect(takeAll(into, cut(long(4_000))).at(-1)).toBe('dropped')
    const one = reassembly()
    const ends = [cut(long(3_000)), cut(long(3_500))].map((each) => each.at(-1) as Uint8Array)
    expect(takeAll(one, ends)).toEqual(['incomplete', 'dropped'])
  })

  it('R6940-6.7-08 a fragment is routed like the message; behind the first it takes note of its way as a request would', () => {
    const context = contextOf('D')
    for (const bytes of cut(long())) {
      const decision = decide(0, bytes, FROM, context)
      expect(decision.kind).toBe('forward')
      if (decision.kind === 'forward') expect(letters(viewOf(decision.bytes).viaList())).toBe('AC')
    }
    const mine = decide(0, cut(long())[1] as Uint8Array, FROM, contextOf('E'))
    expect(mine.kind).toBe('deliver')
  })
})
