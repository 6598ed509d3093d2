/** Everybody on the ring, put together from the node's own tables and the last walk; those who went are shown for a while. */
import type { RingView, WalkView } from '../answers.ts'

/** self: the node that is asked. heard: answered the last walk. known: in the tables, not asked yet. silent: did not answer. */
export type NodeState = 'self' | 'heard' | 'known' | 'silent' | 'gone'

export interface RingNode {
  readonly id: string
  readonly state: NodeState
  /** What it is to the node that is asked, in words. */
  readonly ties: readonly string[]
  readonly successor: string | undefined
  readonly share: number | undefined
  readonly resources: number | undefined
  readonly uptimeS: number | undefined
  readonly rttMs: number | undefined
  /** When it was last seen, once it is gone; milliseconds since 1970. */
  readonly goneAt: number | undefined
}

export interface RingChange {
  readonly at: number
  readonly id: string
  readonly what: 'joined' | 'gone' | 'silent' | 'back'
}

/** How long a node that went is still drawn. */
const GHOST_MS = 45_000
const CHANGES_MAX = 30

export class RingModel {
  nodes: readonly RingNode[] = []
  readonly changes: RingChange[] = []
  private readonly ghosts = new Map<string, RingNode>()
  private settled = false

  update(now: number, ring: RingView, walk: WalkView | undefined, walkedAt: number): void {
    const before = new Map(this.nodes.map((node) => [node.id, node]))
    const next = new Map<string, RingNode>()
    for (const id of known(ring, walk)) {
      const node = nodeOf(id, ring, walk, now - walkedAt)
      if (node !== undefined) next.set(id, node)
    }
    for (const [id, node] of next) {
      const was = before.get(id)
      this.ghosts.delete(id)
      // What was here before anybody looked is no news.
      if (!this.settled || node.state === 'self') continue
      if (was === undefined) this.note({ at: now, id, what: 'joined' })
      else if (was.state === 'gone') this.note({ at: now, id, what: 'back' })
      else if (was.state !== 'silent' && node.state === 'silent') this.note({ at: now, id, what: 'silent' })
      else if (was.state === 'silent' && node.state === 'heard') this.note({ at: now, id, what: 'back' })
    }
    for (const [id, node] of before) {
      if (next.has(id) || node.state === 'gone') continue
      this.ghosts.set(id, { ...node, state: 'gone', ties: [], successor: undefined, goneAt: now })
      this.note({ at: now, id, what: 'gone' })
    }
    for (const [id, ghost] of this.ghosts) if (now - (ghost.goneAt ?? 0) > GHOST_MS) this.ghosts.delete(id)
    this.nodes = [...next.values(), ...this.ghosts.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1))
    if (walk !== undefined) this.settled = true
  }

  /** Those that take part, in ring order. */
  get living(): readonly RingNode[] {
    return this.nodes.filter(({ state }) => state !== 'gone' && state !== 'silent')
  }

  find(id: string): RingNode | undefined {
    return this.nodes.find((node) => node.id === id)
  }

  private note(change: RingChange): void {
    this.changes.unshift(change)
    this.changes.length = Math.min(this.changes.length, CHANGES_MAX)
  }
}

function known(ring: RingView, walk: WalkView | undefined): Set<string> {
  const linked = ring.connections.flatMap(({ nodeId, peer }) => (peer ? [nodeId] : []))
  return new Set([
    ring.nodeId,
    ...ring.successors,
    ...ring.predecessors,
    ...ring.fingers,
    ...linked,
    ...(walk?.nodes.map(({ nodeId }) => nodeId) ?? []),
  ])
}

function nodeOf(
  id: string,
  ring: RingView,
  walk: WalkView | undefined,
  walkAgeMs: number,
): RingNode | undefined {
  const seen = walk?.nodes.find(({ nodeId }) => nodeId === id)
  const ties = tiesOf(id, ring)
  const self = id === ring.nodeId
  // It did not answer, and nobody here knows it any more.
  if (seen?.answered === false && ties.length === 0 && !self) return undefined
  const state: NodeState = self ? 'self' : seen === undefined ? 'known' : seen.answered ? 'heard' : 'silent'
  const walkedUptimeS = seen?.uptimeS ?? undefined
  const uptimeS = walkedUptimeS === undefined ? undefined : walkedUptimeS + walkAgeMs / 1000
  return {
    id,
    state,
    ties,
    successor: seen?.successor ?? (self ? ring.successors[0] : undefined),
    share: self ? ring.responsibleShare : (seen?.share ?? undefined),
    resources: seen?.resources ?? undefined,
    uptimeS,
    rttMs: seen?.rttMs ?? undefined,
    goneAt: undefined,
  }
}

function tiesOf(id: string, ring: RingView): string[] {
  const ties: string[] = []
  const successor = ring.successors.indexOf(id)
  const predecessor = ring.predecessors.indexOf(id)
  if (successor >= 0) ties.push(`successor ${successor + 1}`)
  if (predecessor >= 0) ties.push(`predecessor ${predecessor + 1}`)
  if (ring.fingers.includes(id)) ties.push('finger')
  const link = ring.connections.find(({ nodeId }) => nodeId === id)
  if (link !== undefined) ties.push('link')
  return ties
}
