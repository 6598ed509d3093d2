import { describe, expect, it, vi } from 'vitest'
import { NEVER, type Millis, type Now } from '../../../../src/common/time.ts'
import { Loop, SPACING_MS, type Machine } from '../../../../src/reload/io/loop.ts'

/** Answers every input with itself, and the first with a second action that feeds another input. */
class Echo implements Machine<string, string> {
  readonly seen: string[] = []
  deadline: Millis = NEVER
  private actions: string[] = []

  step(_now: Now, input: string): void {
    this.seen.push(input)
    this.actions.push(`did ${input}`)
    if (input === 'timeout') this.deadline = NEVER
  }

  drain(): string[] {
    const { actions } = this
    this.actions = []
    return actions
  }

  nextDeadline(): Millis {
    return this.deadline
  }
}

describe('the loop that drives one machine', () => {
  it('carries out everything before the next input; inputs of a shell wait their turn', () => {
    const machine = new Echo()
    const done: string[] = []
    const loop = new Loop<string, string>(machine, 'timeout', (action) => {
      done.push(action)
      if (action === 'did first') {
        loop.feed('nested')
        done.push('first carried out')
      }
    })
    loop.feed('first')
    expect(machine.seen).toEqual(['first', 'nested'])
    expect(done).toEqual(['did first', 'first carried out', 'did nested'])
  })

  it('wakes the machine at its deadline', async () => {
    const machine = new Echo()
    await new Promise<void>((resolve) => {
      const loop = new Loop<string, string>(machine, 'timeout', (action) => {
        if (action === 'did timeout') resolve()
      })
      machine.deadline = performance.now() + 5
      loop.feed('start')
    })
    expect(machine.seen).toEqual(['start', 'timeout'])
  })

  it('a deadline that moves forward is kept', async () => {
    const machine = new Echo()
    await new Promise<void>((resolve) => {
      const loop = new Loop<string, string>(machine, 'timeout', (action) => {
        if (action === 'did timeout') resolve()
      })
      machine.deadline = performance.now() + 3_600_000
      loop.feed('start')
      machine.deadline = performance.now() + 1
      loop.feed('again')
    })
    expect(machine.seen).toEqual(['start', 'again', 'timeout'])
  })

  it('wakes it once for deadlines that are close together, and keeps a pause after that', () => {
    vi.useFakeTimers()
    try {
      const times: Millis[] = []
      const machine = new Echo()
      const loop = new Loop<string, string>(machine, 'timeout', (action) => {
        if (action !== 'did timeout') return
        times.push(performance.now())
        // The next one is due at once.
        if (times.length < 4) machine.deadline = performance.now()
      })
      machine.deadline = performance.now()
      loop.feed('start')
      // Others bring news all the time.
      for (let ms = 0; ms < 50; ms++) {
        loop.feed('news')
        vi.advanceTimersByTime(1)
      }
      expect(times.map((time) => time - (times[0] ?? NaN))).toEqual([
        0,
        SPACING_MS,
        2 * SPACING_MS,
        3 * SPACING_MS,
      ])
    } finally {
      vi.useRealTimers()
    }
  })

  it('after stop nothing reaches the machine, not even what was waiting', () => {
    const machine = new Echo()
    const loop = new Loop<string, string>(machine, 'timeout', () => {
      loop.feed('waiting')
      loop.stop()
    })
    loop.feed('first')
    loop.feed('late')
    expect(machine.seen).toEqual(['first'])
  })

  it('a machine that breaks a promise is not hidden, and does not wedge the loop', () => {
    const machine = new Echo()
    const loop = new Loop<string, string>(machine, 'timeout', (action) => {
      if (action === 'did bad') throw new Error('broken')
    })
    expect(() => loop.feed('bad')).toThrow('broken')
    loop.feed('good')
    expect(machine.seen).toEqual(['bad', 'good'])
  })
})
