import { describe, expect, it } from 'vitest'
import type { TraceEvent } from '../../src/common/trace.ts'
import { key } from '../../src/reload/index.ts'
import { ringFaults } from '../../src/sim/checkers/ring.ts'
import { Overlay } from '../../src/sim/overlay.ts'
import { Stranger } from './stranger.ts'

const SEED = process.env['SEED'] ?? 'join'

describe('joining in a simulated network', () => {
  it('R6940-6.4.2.1-03 R6940-10.1-01 a founder owns the whole ring at once', () => {
    const overlay = new Overlay(SEED)
    const founder = overlay.start()
    expect(founder.state).toBe('joined')
    expect(founder.snapshot().responsibleShare).toBe(1)
    expect(founder.snapshot().sizeEstimate).toBe(1)
  })

  it('R6940-11.4-01 R6940-11.4-02 R6940-11.4-03 R6940-10.5-01 R6940-10.5-02 R6940-10.5-05 R6940-10.5-07 R6940-4.2.1-01 two peers share the ring', () => {
    const overlay = new Overlay(SEED)
    expect(overlay.grow(2), overlay.replay()).toBe(true)
    overlay.world.run(1_000)
    expect(ringFaults(overlay), overlay.replay()).toEqual([])
    const [first, second] = overlay.peers
    expect(first?.snapshot().predecessors.map(key)).toEqual([key(second!.nodeId)])
    expect(first?.snapshot().successors.map(key)).toEqual([key(second!.nodeId)])
  })

  it('R6940-10.5-04 R6940-10.5-09 R6940-10.5-10 R6940-10.6-01 R6940-10.7-02 R6940-10.7-03 sixteen peers that join one after the other form one ring', () => {
    const overlay = new Overlay(SEED)
    expect(overlay.grow(16, 200), overlay.replay()).toBe(true)
    overlay.world.run(3_000)
    expect(ringFaults(overlay), overlay.replay()).toEqual([])
    for (const peer of overlay.peers) {
      const { connections, predecessors, successors } = peer.snapshot()
      const linked = new Set(connections.map(({ nodeId }) => key(nodeId)))
      for (const neighbor of [...predecessors, ...successors]) expect(linked.has(key(neighbor))).toBe(true)
      expect(predecessors.length).toBeGreaterThanOrEqual(3)
      expect(successors.length).toBeGreaterThanOrEqual(3)
    }
  })

  it('R6940-10.7.3-02 R6940-10.7.3-04 sixteen peers that start at the same moment form one ring', () => {
    const overlay = new Overlay(SEED)
    expect(overlay.grow(16, 0), overlay.replay()).toBe(true)
    const inOrder = overlay.world.runUntil(() => ringFaults(overlay).length === 0, 20_000)
    expect(inOrder, `${ringFaults(overlay).join('; ')} ${overlay.replay()}`).toBe(true)
  })

  it('R6940-6.4.2.1-04 a peer that reaches no bootstrap node goes on trying, says which, and never founds a ring', () => {
    const lines: TraceEvent[] = []
    const overlay = new Overlay(SEED, { trace: () => (event) => void lines.push(event) })
    overlay.start()
    const nowhere = { address: '10.9.9.9', port: 6084 }
    const lost = overlay.start({ bootstrap: [nowhere] })
    overlay.world.run(120_000)
    expect(lost.state).toBe('joining')
    expect(lost.snapshot().responsible).toBeUndefined()
    const unreachable = lines.filter(({ event }) => event === 'bootstrap_unreachable')
    expect(unreachable[0]).toMatchObject({ address: '10.9.9.9:6084' })
    const command = { kind: 'fetch', id: 7, resource: overlay.resource('a@b'), kinds: [1] } as const
    const answer = overlay.command(lost, command, 'fetchDone', 0)
    expect(answer.outcome).toEqual({ ok: false, error: { kind: 'notJoined' } })
  })

  it('S-66 who comes with a copy of the data folder of a node is refused, and the log says what happened', () => {
    const lines: TraceEvent[] = []
    const overlay = new Overlay(SEED, { trace: () => (event) => void lines.push(event) })
    const node = overlay.start()
    const copy = new Stranger(overlay, node, node.credential)
    expect(copy.closed).toBe(true)
    const refused = lines.filter(({ event }) => event === 'link_refused')
    expect(refused).toMatchObject([{ reason: expect.stringMatching(/with a copy of its data folder/) }])
  })

  it('R6940-11.4-01 a bootstrap node that comes up late is found', () => {
    const overlay = new Overlay(SEED)
    const early = overlay.start({ founder: false, bootstrap: [{ address: '10.0.0.1', port: 6084 }] })
    overlay.world.run(20_000)
    expect(early.state).toBe('joining')
    overlay.start({ founder: true })
    expect(overlay.settled(30_000), overlay.replay()).toBe(true)
    overlay.world.run(2_000)
    expect(ringFaults(overlay)).toEqual([])
  })

  it('the same seed gives the same run, another one does not', () => {
    const run = (seed: string): string => {
      const overlay = new Overlay(seed)
      overlay.grow(6, 100)
      overlay.world.run(10_000)
      return overlay.world.digest.value
    }
    expect(run('a')).toBe(run('a'))
    expect(run('a')).not.toBe(run('b'))
  })
})
