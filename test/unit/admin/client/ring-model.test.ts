import { describe, expect, it } from 'vitest'
import type { RingView, WalkView } from '../../../../src/admin/answers.ts'
import { RingModel } from '../../../../src/admin/client/ring-model.ts'

const id = (digit: string): string => digit.repeat(32)
const [A, B, C] = [id('a'), id('b'), id('c')]

function ring(successors: string[], fingers: string[] = []): RingView {
  return { nodeId: A, state: 'joined', predecessors: [], successors, fingers, connections: [] }
}

function walk(...nodes: readonly (readonly [nodeId: string, answered: boolean])[]): WalkView {
  return {
    takenAt: 0,
    tookMs: 1,
    complete: true,
    faults: [],
    nodes: nodes.map(([nodeId, answered]) => ({
      nodeId,
      answered,
      successor: null,
      rttMs: 1,
      share: 0.5,
      resources: 2,
      uptimeS: 10,
    })),
  }
}

describe('who is on the ring', () => {
  it('puts tables and walk together, and says what each is to this node', () => {
    const model = new RingModel()
    model.update(1_000, ring([B], [C]), walk([A, true], [B, true]), 0)
    expect(model.nodes.map(({ id: name, state, ties }) => [name, state, ties])).toEqual([
      [A, 'self', []],
      [B, 'heard', ['successor 1']],
      [C, 'known', ['finger']],
    ])
    expect(model.find(B)?.uptimeS).toBe(11)
    expect(model.changes).toEqual([])
  })

  it('tells of those who come, fall silent, go and come back, but not of those who were there before', () => {
    const model = new RingModel()
    model.update(0, ring([B]), walk([A, true], [B, true]), 0)
    model.update(1, ring([B, C]), walk([A, true], [B, true]), 0)
    model.update(2, ring([B, C]), walk([A, true], [B, true], [C, true]), 0)
    model.update(3, ring([B, C]), walk([A, true], [B, true], [C, false]), 0)
    expect(model.find(C)?.state).toBe('silent')
    // Nobody here knows it any more, though the last walk still had it.
    model.update(4, ring([B]), walk([A, true], [B, true], [C, false]), 0)
    expect(model.find(C)).toMatchObject({ state: 'gone', goneAt: 4 })
    expect(model.living.map((node) => node.id)).toEqual([A, B])
    model.update(5, ring([B, C]), walk([A, true], [B, true], [C, true]), 0)
    expect(model.changes.map(({ what }) => what)).toEqual(['back', 'gone', 'silent', 'joined'])
    model.update(6, ring([B]), walk([A, true], [B, true]), 0)
    model.update(60_000, ring([B]), walk([A, true], [B, true]), 0)
    expect(model.find(C)).toBeUndefined()
  })
})
