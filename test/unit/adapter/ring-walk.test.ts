import { describe, expect, it } from 'vitest'
import { Queries } from '../../../src/adapter/queries.ts'
import { following, WALK_NODES_MAX } from '../../../src/adapter/ring-walk.ts'
import { key, type NodeId, type PeerCommand } from '../../../src/reload/index.ts'
import type { RingWalk } from '../../../src/adapter/index.ts'
import { adapterParts, at, drained, nodeId, SELF } from './fixture.ts'

type Asked = Extract<PeerCommand, { kind: 'routeQuery' | 'probe' }>

/** A ring of nodes that answer as long as they are `alive`; `names` may lie about successors. */
class Overlay {
  readonly parts = adapterParts()
  readonly queries = new Queries(this.parts)
  asked = 0
  atOnce = 0
  private readonly ring: readonly NodeId[]
  private readonly alive: (node: NodeId) => boolean
  private readonly successor: (node: NodeId) => NodeId

  constructor(
    ring: readonly NodeId[],
    alive: (node: NodeId) => boolean = () => true,
    successor?: (node: NodeId) => NodeId,
  ) {
    this.ring = ring.toSorted((a, b) => (key(a) < key(b) ? -1 : 1))
    this.alive = alive
    this.successor = successor ?? ((node) => this.after(node))
  }

  after(node: NodeId): NodeId {
    const living = this.ring.filter(this.alive)
    return living.find((each) => key(each) > key(node)) ?? (living[0] as NodeId)
  }

  walk(known: readonly NodeId[] = []): RingWalk {
    this.queries.ask(at(0), 7, { kind: 'walk', known: known.map(key) })
    for (let ms = 1; ms < 2_000; ms++) {
      const { commands, all } = drained(this.parts)
      for (const action of all) {
        if (action.to !== 'shell' || action.action.kind !== 'answer') continue
        const { answer } = action.action
        if (answer.kind === 'walked') return answer.walk
      }
      this.atOnce = Math.max(this.atOnce, commands.length)
      for (const command of commands as Asked[]) this.answer(ms, command)
    }
    throw new Error('the walk does not end')
  }

  private answer(ms: number, { id, kind, destinations }: Asked): void {
    this.asked++
    const [to] = destinations
    const node = to?.kind === 'node' ? to.nodeId : SELF
    if (!this.alive(node)) {
      const outcome = { ok: false, error: { kind: 'timeout' } } as const
      if (kind === 'probe') this.queries.probeDone(at(ms), id, outcome)
      else this.queries.routeQueryDone(at(ms), id, outcome)
    } else if (kind === 'probe') {
      const value = { responder: node, rttMs: 2, responsibleShare: 0.25, resources: 5, uptimeS: 60 }
      this.queries.probeDone(at(ms), id, { ok: true, value })
    } else {
      const value = { responder: node, rttMs: 2, nextPeer: this.successor(node) }
      this.queries.routeQueryDone(at(ms), id, { ok: true, value })
    }
  }
}

const RING = Array.from({ length: 12 }, (_each, index) => nodeId(1 + 17 * index)).concat(SELF)

describe('a walk round the ring', () => {
  it('finds everybody from nothing but the successor of this node', () => {
    const walk = new Overlay(RING).walk()
    expect(walk.complete).toBe(true)
    expect(walk.nodes).toHaveLength(RING.length)
    expect(walk.nodes[2]).toEqual({
      nodeId: key(nodeId(0x12)),
      answered: true,
      successor: key(nodeId(0x23)),
      rttMs: 2,
      share: 0.25,
      resources: 5,
      uptimeS: 60,
    })
  })

  it('asks each node once, a few at a time, when many are known', () => {
    const overlay = new Overlay(RING)
    expect(overlay.walk(RING).complete).toBe(true)
    expect(overlay.asked).toBe(2 * RING.length)
    expect(overlay.atOnce).toBeLessThanOrEqual(12)
  })

  it('a ring of one is complete', () => {
    const walk = new Overlay([SELF]).walk()
    expect([walk.complete, walk.nodes.length]).toEqual([true, 1])
  })

  it('says who is silent and who names the wrong successor', () => {
    const dead = nodeId(0x12)
    const silent = new Overlay(RING, (node) => key(node) !== key(dead)).walk([dead])
    expect(silent.faults).toEqual([`${key(dead)} does not answer`])
    expect(silent.nodes.filter(({ answered }) => !answered)).toHaveLength(1)
    const first = nodeId(1)
    const split: Overlay = new Overlay(
      RING,
      () => true,
      (node) => (key(node) === key(first) ? nodeId(0x23) : split.after(node)),
    )
    const walk = split.walk(RING)
    expect(walk.complete).toBe(false)
    expect(walk.faults).toEqual([
      `${key(first)} names ${key(nodeId(0x23))} as its successor, not ${key(SELF)}`,
    ])
  })

  it('ends when somebody leads it on for ever', () => {
    let last = 0
    const overlay: Overlay = new Overlay(
      RING,
      () => true,
      () => nodeIdOf(++last),
    )
    const walk = overlay.walk()
    expect(walk.nodes.length).toBe(WALK_NODES_MAX)
    expect(walk.complete).toBe(false)
  })

  it('the id after a node comes right after it, round the end', () => {
    expect(following(Uint8Array.of(1, 2, 255))).toEqual(Uint8Array.of(1, 3, 0))
    expect(following(Uint8Array.of(255, 255, 254))).toEqual(Uint8Array.of(255, 255, 255))
  })
})

function nodeIdOf(value: number): NodeId {
  const id = nodeId(0x55).slice() as NodeId
  new DataView(id.buffer).setUint32(4, value)
  return id
}
