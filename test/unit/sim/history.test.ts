import { describe, expect, it } from 'vitest'
import { History } from '../../../src/sim/history.ts'

describe('what may be found of a user', () => {
  it('is the last acknowledged state and nothing before it', () => {
    const history = new History()
    history.begin('one')
    history.acknowledge('one', 1)
    history.begin('two')
    history.acknowledge('two', 2)
    expect(history.judge(history.ask(3), 'two')).toBe('right')
    expect(history.judge(history.ask(3), 'one')).toBe('stale')
    expect(history.outranked(99n)).toBe(false)
  })

  it('may be an older state only when the last was written in a split ring, and only one with a greater storage_time', () => {
    const history = new History()
    history.begin('one')
    history.acknowledge('one', 1, 50n)
    expect(history.outranked(51n)).toBe(true)
    expect(history.outranked(50n)).toBe(false)
    expect(history.outranked(undefined)).toBe(false)
    history.begin('two')
    history.acknowledge('two', 2)
    expect(history.outranked(51n)).toBe(false)
  })
})
