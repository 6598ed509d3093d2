import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inOurTime } from '../../../src/trace/clocks.ts'
import { nodeName, type TraceEvent } from '../../../src/trace/events.ts'
import { merged, type TracePart } from '../../../src/trace/merge.ts'
import { sightings } from '../../../src/trace/sightings.ts'

const [A, B, C] = ['aa', 'bb', 'cc'] as const
const NOON = 1_700_000_000_000

/** A message between two nodes, or a node and a phone; as the one says who saw it. */
function seen(node: string, at: number, from: string, to: string, match: string): TraceEvent {
  const name = (id: string): string => (id.length === 2 ? nodeName(id) : id)
  return { at, node, kind: 'sip', from: name(from), to: name(to), label: match, detail: '', match }
}

function part(
  node: string,
  events: readonly TraceEvent[],
  clockOffset: number,
  clockError: number,
): TracePart {
  return { node, events, served: [], clockOffset, clockError }
}

/** The events of one node in the order in which it lists them. */
function labelsAt(events: readonly TraceEvent[], node: string): string[] {
  return events.filter((event) => event.node === node).map(({ label, from }) => `${from} ${label}`)
}

describe('clocks of several nodes', () => {
  it('what left here at 10 and was answered from there at 20 was there in between, whatever the other clock says', () => {
    const own = [seen(A, NOON + 10, A, B, 'INVITE'), seen(A, NOON + 20, B, A, '180')]
    // Two minutes ahead, and its answer to us took its time.
    const theirs = [seen(B, NOON + 120_001, A, B, 'INVITE'), seen(B, NOON + 120_005, B, A, '180')]
    const [told] = inOurTime(own, [part(B, theirs, -119_970, 40)])
    expect(told?.clockOffset).toBeCloseTo(-119_988, 3)
    expect(told?.events.map(({ at }) => at - NOON)).toEqual([
      expect.closeTo(13, 3),
      expect.closeTo(17, 3),
    ] as unknown)
    const [invite, ringing] = merged(own, told === undefined ? [] : [told])
    expect(invite).toMatchObject({ label: 'INVITE', at: NOON + 10 })
    expect((invite?.endAt ?? 0) - NOON).toBeCloseTo(13, 3)
    expect(ringing).toMatchObject({ label: '180', endAt: NOON + 20 })
  })

  it('a message in one direction bounds the clock on one side, the answer on both', () => {
    const own = [seen(A, NOON + 10, A, B, 'INVITE')]
    const theirs = [seen(B, NOON + 8, A, B, 'INVITE'), seen(B, NOON + 9, B, 'udp 10.0.0.1:5060', 'INVITE')]
    // By its own word the clock is right to a millisecond and a half: then it cannot be more than 1.5 wrong.
    const [told] = inOurTime(own, [part(B, theirs, 1, 1.5)])
    expect(told?.clockOffset).toBeCloseTo(2.25, 2)
    expect(told?.events[0]?.at).toBeGreaterThan(NOON + 10)
  })

  it('a clock that was set during the call: what cannot be is moved, in its order, and nothing of ours', () => {
    const own = [
      seen(A, NOON + 10, A, B, 'INVITE'),
      seen(A, NOON + 20, B, A, '180'),
      seen(A, NOON + 500, A, B, 'BYE'),
      seen(A, NOON + 510, B, A, '200'),
    ]
    const theirs = [
      seen(B, NOON + 15, A, B, 'INVITE'),
      seen(B, NOON + 16, B, 'udp 10.0.0.1:5060', 'INVITE'),
      seen(B, NOON + 17, B, A, '180'),
      // Set back by a quarter of a second.
      seen(B, NOON + 255, A, B, 'BYE'),
      seen(B, NOON + 257, B, A, '200'),
    ]
    const told = inOurTime(own, [part(B, theirs, 0, 1)])
    const all = merged(own, told)
    for (const { at, endAt } of all) expect(endAt ?? at).toBeGreaterThanOrEqual(at)
    for (const { departure, arrival } of sightings([...own, ...(told[0]?.events ?? [])]))
      expect(arrival.at).toBeGreaterThan(departure.at)
    expect(all.map(({ label }) => label)).toEqual(['INVITE', 'INVITE', '180', 'BYE', '200'])
    expect(all.filter(({ node }) => node === A)).toHaveLength(2)
  })

  it('who talked to nobody but a third node is placed by that one; a liar moves nobody who talked to us', () => {
    const own = [seen(A, NOON + 10, A, B, 'INVITE'), seen(A, NOON + 30, B, A, '200')]
    const middle = [
      seen(B, NOON + 15, A, B, 'INVITE'),
      seen(B, NOON + 16, B, C, 'INVITE'),
      seen(B, NOON + 24, C, B, '200'),
      seen(B, NOON + 25, B, A, '200'),
    ]
    const last = [seen(C, NOON + 7_000, B, C, 'INVITE'), seen(C, NOON + 7_002, C, B, '200')]
    const [, c] = inOurTime(own, [part(B, middle, 0, 3), part(C, last, -6_900, 100)])
    expect(c?.events[0]?.at).toBeGreaterThan(NOON + 16)
    expect(c?.events[1]?.at).toBeLessThan(NOON + 24)
    // C says that it got something from B long after B sent it, or before: B stays where its messages with us put it.
    const lie = [seen(C, NOON - 5_000, C, B, '200')]
    const [first] = inOurTime(own, [part(B, middle, 0, 3)])
    const [, again] = inOurTime(own, [part(C, lie, 0, 1), part(B, middle, 0, 3)])
    expect(again?.clockOffset).toBe(first?.clockOffset)
  })

  it('whatever the clocks and however long messages take: none arrives before it was sent, and each node keeps its order', () => {
    const delay = fc.double({ min: 0.01, max: 20, noNaN: true })
    const steps = fc.array(fc.record({ from: fc.nat(2), to: fc.nat(2), delay, pause: delay }), {
      minLength: 1,
      maxLength: 25,
    })
    const skew = fc.double({ min: -10_000, max: 10_000, noNaN: true })
    const error = fc.double({ min: 0, max: 30, noNaN: true })
    const wrong = fc.double({ min: -1, max: 1, noNaN: true })
    fc.assert(
      fc.property(steps, skew, skew, error, wrong, wrong, (script, skewB, skewC, bound, wrongB, wrongC) => {
        const ids = [A, B, C]
        const skews = [0, skewB, skewC]
        const lists: TraceEvent[][] = [[], [], []]
        let now = NOON
        for (const [index, { from, to, delay: takes, pause }] of script.entries()) {
          if (from === to) continue
          const [sender, receiver] = [ids[from]!, ids[to]!]
          const name = `m${index}`
          lists[from]!.push(seen(sender, now + skews[from]!, sender, receiver, name))
          now += takes
          lists[to]!.push(seen(receiver, now + skews[to]!, sender, receiver, name))
          now += pause
        }
        const [own, b, c] = lists as [TraceEvent[], TraceEvent[], TraceEvent[]]
        const told = inOurTime(own, [
          part(B, b, -skewB + wrongB * bound, bound),
          part(C, c, -skewC + wrongC * bound, bound),
        ])
        for (const { departure, arrival } of sightings([...own, ...told.flatMap(({ events }) => events)])) {
          // Between two nodes that both talked to us the bounds of each come from us alone.
          if (departure.node === A || arrival.node === A) expect(arrival.at).toBeGreaterThan(departure.at)
        }
        const all = merged(own, told)
        for (const { at, endAt } of all) expect(endAt ?? at).toBeGreaterThanOrEqual(at)
        for (const [index, list] of [b, c].entries())
          expect(labelsAt(told[index]!.events, ids[index + 1]!)).toEqual(labelsAt(list, ids[index + 1]!))
      }),
      { numRuns: 300 },
    )
  })
})
