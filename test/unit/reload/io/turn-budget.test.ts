import { describe, expect, it } from 'vitest'
import { TurnBudget } from '../../../../src/reload/io/turn-budget.ts'

/** A budget of ten milliseconds, on a clock that only work moves. */
function stage() {
  let now = 0
  let next: (() => void)[] = []
  const done: string[] = []
  const budget = new TurnBudget(
    10,
    (run) => void next.push(run),
    () => now,
  )
  const work = (name: string, ms: number, then?: () => void) => ({
    run: () => {
      now += ms
      done.push(name)
      then?.()
    },
  })
  /** The sockets that are readable have been served; what others do between two turns takes no time. */
  const turn = (): number => {
    const due = next
    next = []
    for (const run of due) run()
    return due.length
  }
  return { budget, work, turn, done }
}

describe('what a kind of input may take of a turn', () => {
  it('S-47 what comes beyond the budget waits for the next turns, in its order', () => {
    const { budget, work, turn, done } = stage()
    const taken = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => budget.take(work(name, 4)))
    expect(taken).toEqual([true, true, true, false, false, false, false])
    expect(done.join('')).toBe('abc')
    turn()
    expect(done.join('')).toBe('abcdef')
    expect(budget.take(work('h', 1))).toBe(false)
    turn()
    expect(done.join('')).toBe('abcdefgh')
  })

  it('S-47 each turn has its own budget, and no turn is asked for when nothing waits', () => {
    const { budget, work, turn, done } = stage()
    expect(budget.take(work('a', 50))).toBe(true)
    expect(turn()).toBe(1)
    expect(turn()).toBe(0)
    expect(budget.take(work('b', 50))).toBe(true)
    expect(budget.take(work('c', 1))).toBe(false)
    expect([turn(), done.join('')]).toEqual([1, 'abc'])
    expect([turn(), turn()]).toEqual([1, 0])
  })

  it('what brings more meanwhile waits behind the others, and a fault loses nothing but itself', () => {
    const { budget, work, turn, done } = stage()
    budget.take(work('a', 20))
    const fails = (): void => {
      throw new Error('of its own')
    }
    budget.take(work('b', 1, () => void budget.take(work('d', 1))))
    budget.take(work('bad', 1, fails))
    budget.take(work('c', 1))
    expect(() => turn()).toThrow('of its own')
    turn()
    expect(done).toEqual(['a', 'b', 'bad', 'c', 'd'])
  })
})
