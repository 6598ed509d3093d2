/**
 * The whole ring, found by asking node after node for its successor. RELOAD has no view of the whole; a RouteQuery for the id that
 * comes right after a node's own is answered with that node's successor (RFC 6940 s.6.4.2.4, s.10.3), and a Probe says what it
 * owns. Bounded in nodes, questions at once and time.
 */
import type { Millis, Now } from '../common/time.ts'
import {
  asResourceId,
  key,
  type CommandId,
  type CommandOutcome,
  type NodeId,
  type ProbeResult,
  type ResourceId,
  type RouteQueryResult,
} from '../reload/index.ts'
import type { RingWalk } from './contract.ts'
import type { AdapterParts } from './parts.ts'
import { walkFaults } from './walk-faults.ts'

export const WALK_NODES_MAX = 256
/** Judgement: quick enough for a page, and little beside what the ring does for itself. */
const AT_ONCE_MAX = 12
/** People look at this; a node that is slower counts as silent. */
const ANSWER_MS: Millis = 3_000
const WALK_MS: Millis = 10_000

type WalkNode = { -readonly [K in keyof RingWalk['nodes'][number]]: RingWalk['nodes'][number][K] }

interface Walk {
  /** Of the query. */
  readonly id: number
  readonly began: Now
  readonly nodes: Map<string, WalkNode>
  readonly waiting: NodeId[]
  open: number
}

interface Asked {
  readonly walk: Walk
  readonly node: WalkNode
}

export class RingWalks {
  private readonly parts: AdapterParts
  private readonly asked = new Map<CommandId, Asked>()

  constructor(parts: AdapterParts) {
    this.parts = parts
  }

  /** `known`: nodes that this one has in its tables, so that the walk begins in several places. */
  ask(now: Now, id: number, known: readonly NodeId[]): void {
    const walk: Walk = { id, began: now, nodes: new Map(), waiting: [], open: 0 }
    for (const node of [this.parts.self, ...known]) this.add(walk, node)
    this.next(now, walk)
  }

  routeQueryDone(now: Now, id: CommandId, outcome: CommandOutcome<RouteQueryResult>): boolean {
    const asked = this.take(id)
    if (asked === undefined) return false
    const { walk, node } = asked
    if (outcome.ok) {
      node.answered = true
      node.successor = key(outcome.value.nextPeer)
      node.rttMs = outcome.value.rttMs
      this.add(walk, outcome.value.nextPeer)
    }
    this.next(now, walk)
    return true
  }

  probeDone(now: Now, id: CommandId, outcome: CommandOutcome<ProbeResult>): boolean {
    const asked = this.take(id)
    if (asked === undefined) return false
    const { walk, node } = asked
    if (outcome.ok) {
      const { responsibleShare, resources, uptimeS } = outcome.value
      node.share = responsibleShare ?? null
      node.resources = resources ?? null
      node.uptimeS = uptimeS ?? null
    }
    this.next(now, walk)
    return true
  }

  private take(id: CommandId): Asked | undefined {
    const asked = this.asked.get(id)
    if (asked === undefined) return undefined
    this.asked.delete(id)
    asked.walk.open--
    return asked
  }

  private add(walk: Walk, node: NodeId): void {
    const nodeId = key(node)
    if (walk.nodes.has(nodeId) || walk.nodes.size >= WALK_NODES_MAX) return
    walk.nodes.set(nodeId, {
      nodeId,
      answered: false,
      successor: null,
      rttMs: null,
      share: null,
      resources: null,
      uptimeS: null,
    })
    walk.waiting.push(node)
  }

  private next(now: Now, walk: Walk): void {
    const late = now.ms - walk.began.ms > WALK_MS
    while (walk.open < AT_ONCE_MAX && !late) {
      const node = walk.waiting.shift()
      if (node === undefined) break
      this.question(walk, node)
    }
    if (walk.open > 0) return
    const nodes = [...walk.nodes.values()].toSorted((a, b) => (a.nodeId < b.nodeId ? -1 : 1))
    const faults = walkFaults(nodes)
    if (nodes.length >= WALK_NODES_MAX) faults.push(`no more than ${WALK_NODES_MAX} nodes are looked at`)
    if (walk.waiting.length > 0) faults.push('the walk took too long and was ended')
    this.parts.shell({
      kind: 'answer',
      id: walk.id,
      answer: {
        kind: 'walked',
        walk: {
          takenAt: now.wall,
          tookMs: now.ms - walk.began.ms,
          complete: faults.length === 0,
          faults,
          nodes,
        },
      },
    })
  }

  private question(walk: Walk, nodeId: NodeId): void {
    const node = walk.nodes.get(key(nodeId)) as WalkNode
    const destinations = [{ kind: 'node', nodeId }] as const
    const routeQuery = this.parts.nextId()
    const probe = this.parts.nextId()
    walk.open += 2
    this.asked.set(routeQuery, { walk, node })
    this.asked.set(probe, { walk, node })
    const target = following(nodeId)
    this.parts.command({ kind: 'routeQuery', id: routeQuery, destinations, target, timeoutMs: ANSWER_MS })
    this.parts.command({ kind: 'probe', id: probe, destinations, timeoutMs: ANSWER_MS })
  }
}

/** The id after a node's own, round the circle; never all zeros, which is no node (RFC 6940 s.3). */
export function following(nodeId: Uint8Array): ResourceId {
  const id = nodeId.slice()
  for (let at = id.length - 1; at >= 0; at--) {
    id[at] = ((id[at] as number) + 1) & 0xff
    if (id[at] !== 0) break
  }
  return asResourceId(id)
}
