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

  it('may be an older state only when the last was written where earlier ones were not known, and only one with a greater storage_time', () => {
    const history = new History()
    history.begin('one')
    history.acknowledge('one', 1, { storageTime: 50n, unaware: true })
    expect(history.outranked(51n)).toBe(true)
    expect(history.outranked(50n)).toBe(false)
    expect(history.outranked(undefined)).toBe(false)
    history.begin('two')
    history.acknowledge('two', 2, { storageTime: 50n, unaware: false })
    expect(history.outranked(51n)).toBe(false)
  })

  it('tells when the write was acknowledged that a later one with a slow clock did not outrank', () => {
    const history = new History()
    expect(history.replacedAgainstTime(1n)).toBeUndefined()
    history.acknowledge('one', 1, { storageTime: 50n, unaware: false })
    history.acknowledge('two', 2, { storageTime: 40n, unaware: true })
    expect(history.replacedAgainstTime(45n)).toBe(1)
    expect(history.replacedAgainstTime(50n)).toBeUndefined()
  })
})
