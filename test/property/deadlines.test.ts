import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Deadlines, type Deadline } from '../../src/common/deadlines.ts'
import { NEVER } from '../../src/common/time.ts'

type Step =
  | { readonly kind: 'set'; readonly after: number }
  | { readonly kind: 'cancel'; readonly which: number }
  | { readonly kind: 'run'; readonly ms: number }

/** Mostly a few fixed times ahead, as the timers of a machine are. */
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('set'),
      after: fc.constantFrom(0, 500, 5_000, 32_000, 180_000),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('set'),
      after: fc.double({ min: 0, max: 40_000, noNaN: true }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('cancel'), which: fc.nat(200) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('run'), ms: fc.constantFrom(0, 1, 400, 6_000, 50_000) }),
  },
)

interface Known {
  readonly at: number
  readonly id: number
  readonly deadline: Deadline<number>
}

/** What fired, and what a sorted list says. */
function play(steps: readonly Step[]): void {
  const deadlines = new Deadlines<number>()
  let known: Known[] = []
  let now = 0
  for (const [id, each] of steps.entries()) {
    if (each.kind === 'set') {
      const at = now + each.after
      known.push({ at, id, deadline: deadlines.set(at, id) })
    } else if (each.kind === 'cancel') {
      const [gone] = known.splice(each.which % Math.max(1, known.length), 1)
      deadlines.cancel(gone?.deadline)
      deadlines.cancel(gone?.deadline)
    } else {
      now += each.ms
      const due = known.filter(({ at }) => at <= now).sort((a, b) => a.at - b.at || a.id - b.id)
      known = known.filter(({ at }) => at > now)
      for (const { id: next } of due) expect(deadlines.pop(now)).toBe(next)
      expect(deadlines.pop(now)).toBeUndefined()
    }
    expect(deadlines.size).toBe(known.length)
    expect(deadlines.next()).toBe(Math.min(NEVER, ...known.map(({ at }) => at)))
  }
}

describe('the timer table', () => {
  it('fires in the order of time and, at one time, in that in which they were set, whatever is cancelled', () => {
    fc.assert(fc.property(fc.array(step, { maxLength: 400 }), play), { numRuns: 200 })
  })

  it('lets go of what has fired or was cancelled, and keeps little of it', () => {
    const deadlines = new Deadlines<object>()
    const first = deadlines.set(10, {})
    const second = deadlines.set(20, {})
    deadlines.pop(10)
    deadlines.cancel(second)
    expect([first.value, second.value]).toEqual([undefined, undefined])
    for (let ms = 0; ms < 10_000; ms++) deadlines.cancel(deadlines.set(ms + 32_000, {}))
    const text = JSON.stringify(deadlines)
    expect(text.length).toBeLessThan(20_000)
  })
})
