import { describe, expect, it } from 'vitest'
import { ringFaults, type RingView } from '../../../src/cli/commands/ask.ts'

/** The views of a sound ring of these ids. */
function ring(ids: readonly string[]): RingView[] {
  const sorted = ids.toSorted()
  return ids.map((nodeId) => {
    const at = sorted.indexOf(nodeId)
    const step = (by: number): string => sorted[(at + by + sorted.length * 3) % sorted.length] as string
    const count = Math.min(3, sorted.length - 1)
    const steps = Array.from({ length: count }, (_, index) => index + 1)
    return {
      nodeId,
      state: 'joined',
      successors: steps.map((by) => step(by)),
      predecessors: steps.map((by) => step(-by)),
    }
  })
}

describe('do the views make one ring?', () => {
  it.each([1, 2, 3, 4, 5, 9])('%i peers that agree have no faults', (count) => {
    expect(ringFaults(ring(Array.from({ length: count }, (_, index) => `${(index * 7) % 10}f`)))).toEqual([])
  })

  it('a missing or wrong neighbor is named', () => {
    const [a, b, c] = ring(['11', '22', '33']) as [RingView, RingView, RingView]
    expect(ringFaults([{ ...a, successors: ['22'] }, b, c])).toEqual(['11: successor 2 is missing, not 33'])
    expect(ringFaults([a, b, { ...c, predecessors: ['11', '22'] }])).toHaveLength(2)
  })

  it('two rings that know nothing of each other are not one', () => {
    expect(ringFaults([...ring(['11', '33']), ...ring(['22', '44'])]).length).toBeGreaterThan(0)
  })
})
