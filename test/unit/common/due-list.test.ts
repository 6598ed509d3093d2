import { describe, expect, it } from 'vitest'
import { Deadlines, type Deadline } from '../../../src/common/deadlines.ts'
import { DueList, type Due } from '../../../src/common/due-list.ts'
import { SeededRandom } from '../../../src/common/random.ts'

describe('deadlines in a list', () => {
  it('are due in their order and can be cancelled', () => {
    const list = new DueList<string>()
    expect(list.next()).toBe(Number.POSITIVE_INFINITY)
    const a = list.set(10, 'a')
    const b = list.set(20, 'b')
    list.set(30, 'c')
    expect(list.size).toBe(3)
    list.cancel(b)
    list.cancel(b)
    list.cancel(undefined)
    expect(list.pop(9)).toBeUndefined()
    expect(list.pop(30)).toBe('a')
    list.cancel(a)
    expect(list.next()).toBe(30)
    expect(list.pop(30)).toBe('c')
    expect(list.size).toBe(0)
  })

  it('do what the general ones do, also when set out of order', () => {
    const random = new SeededRandom('due')
    const list = new DueList<number>()
    const model = new Deadlines<number>()
    const open: [Due<number>, Deadline<number>][] = []
    let now = 0
    for (let turn = 0; turn < 5_000; turn++) {
      const at = now + 100 + random.int(3) * random.int(50)
      open.push([list.set(at, turn), model.set(at, turn)])
      if (random.int(3) === 0) {
        const [due, deadline] = open[random.int(open.length)]!
        list.cancel(due)
        model.cancel(deadline)
      }
      now += random.int(60)
      for (let due = model.pop(now); due !== undefined; due = model.pop(now)) expect(list.pop(now)).toBe(due)
      expect(list.pop(now)).toBeUndefined()
      expect(list.next()).toBe(model.next())
      expect(list.size).toBe(model.size)
    }
  })
})
