/**
 * Histories as Jepsen takes them: users register and unregister by random peers, everybody looks them up, and a nemesis kills, stops,
 * splits and sets clocks wrong meanwhile. The model is one register for each user: the last acknowledged write stands, and what was
 * under way may (src/sim/history.ts, checkers/entries.ts).
 */
import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../src/common/random.ts'
import { History } from '../../src/sim/history.ts'
import { DEFAULT_PLAN, type Mishap, type Plan } from '../../src/sim/plan.ts'
import { simulate } from '../../src/sim/run.ts'

const MINUTE = 60_000

/** Each of the four strikes twice, in an order and at times that the seed picks. */
function nemesis(seed: string): readonly Mishap[] {
  const random = new SeededRandom(`nemesis ${seed}`)
  const times = Array.from({ length: 8 }, (_, index) => 15_000 + index * 30_000 + random.int(15_000))
  const at = (): number => times.splice(random.int(times.length), 1)[0] ?? 0
  const both = <T>(make: () => T): T[] => [make(), make()]
  return [
    ...both((): Mishap => ({ kind: 'kill', atMs: at(), share: 0.1, silent: random.int(2) === 0 })),
    ...both((): Mishap => ({
      kind: 'pause',
      atMs: at(),
      share: 0.15,
      durationMs: 5_000 + random.int(25_000),
    })),
    ...both((): Mishap => ({
      kind: 'partition',
      atMs: at(),
      share: 0.3,
      durationMs: 5_000 + random.int(25_000),
    })),
    ...both((): Mishap => ({
      kind: 'clockJump',
      atMs: at(),
      share: 0.2,
      byMs: (random.int(2) - 0.5) * 2 * MINUTE,
    })),
  ]
}

const plan = (seed: string): Plan => ({
  ...DEFAULT_PLAN,
  seed,
  peers: 12,
  users: 18,
  loadMs: 5 * MINUTE,
  lookupsPerSecond: 3,
  refreshMs: MINUTE,
  removalMs: MINUTE,
  mishaps: nemesis(seed),
})

describe('histories under a nemesis', () => {
  it.each(['h1', 'h2'])(
    'R-10 no acknowledged registration is lost and no removed one comes back (seed %s)',
    (seed) => {
      const { violations, entries, stores, measures } = simulate(plan(seed))
      expect(violations).toEqual([])
      expect([entries.lost, entries.resurrected, entries.failed]).toEqual([[], [], []])
      // Something was written and read while it lasted, and every user was looked up from every peer in the end.
      expect(stores.done).toBeGreaterThan(80)
      expect(measures.total.right).toBeGreaterThan(300)
      expect(entries.lookups).toBeGreaterThan(100)
    },
  )

  it('R-10 the model tells what was lost from what came back, and excuses what was under way', () => {
    const history = new History()
    history.begin('a')
    const early = history.ask(0)
    history.acknowledge('a', 1)
    expect(history.judge(early, '')).toBe('right')
    expect(history.judge(history.ask(2), '')).toBe('missing')
    history.begin('')
    history.acknowledge('', 3)
    expect(history.judge(history.ask(4), 'a')).toBe('stale')
    expect(history.judge(history.ask(5), 'b')).toBe('wrong')
    history.begin('b')
    expect(history.judge(history.ask(6), '')).toBe('right')
    expect(history.judge(history.ask(7), 'b')).toBe('right')
  })
})
