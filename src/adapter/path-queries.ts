/** The way of a request about an AOR, found by asking peer after peer where it would send it (RFC 6940 s.6.4.2.4). */
import { toHex } from '../common/bytes.ts'
import {
  key,
  type CommandId,
  type CommandOutcome,
  type NodeId,
  type ResourceId,
  type RouteQueryResult,
} from '../reload/index.ts'
import { reasonOf } from './command-fault.ts'
import type { AorPath } from './contract.ts'
import type { AdapterParts } from './parts.ts'

/** Judgement: more hops than a ring of any size has; peers that point at each other must not keep us asking. */
const HOPS_MAX = 40
/** People do not wait longer than this for one peer. */
const HOP_MS = 4_000

interface Path {
  /** Of the query. */
  readonly id: number
  readonly aor: string
  readonly resource: ResourceId
  readonly hops: AorPath['hops'][number][]
  readonly asked: NodeId
}

export class PathQueries {
  private readonly parts: AdapterParts
  private readonly pending = new Map<CommandId, Path>()

  constructor(parts: AdapterParts) {
    this.parts = parts
  }

  ask(id: number, aor: string): void {
    const resource = this.parts.resourceOfAor(aor)
    this.next({ id, aor, resource, hops: [], asked: this.parts.self })
  }

  routeQueryDone(id: CommandId, outcome: CommandOutcome<RouteQueryResult>): void {
    const path = this.pending.get(id)
    if (path === undefined) return
    this.pending.delete(id)
    if (!outcome.ok) return this.end(path, `${key(path.asked)}: ${reasonOf(outcome.error)}`)
    const { nextPeer, rttMs } = outcome.value
    path.hops.push({ nodeId: key(path.asked), rttMs })
    const next = key(nextPeer)
    if (next === key(path.asked)) return this.end(path, '')
    if (path.hops.some(({ nodeId }) => nodeId === next)) return this.end(path, `the way goes back to ${next}`)
    if (path.hops.length >= HOPS_MAX) return this.end(path, `no end after ${HOPS_MAX} hops`)
    this.next({ ...path, asked: nextPeer })
  }

  private next(path: Path): void {
    const command = this.parts.nextId()
    this.pending.set(command, path)
    this.parts.command({
      kind: 'routeQuery',
      id: command,
      destinations: [{ kind: 'node', nodeId: path.asked }],
      target: path.resource,
      timeoutMs: HOP_MS,
    })
  }

  private end({ id, aor, resource, hops }: Path, fault: string): void {
    const path = { aor, resourceId: toHex(resource), hops, complete: fault === '', fault }
    this.parts.shell({ kind: 'answer', id, answer: { kind: 'path', path } })
  }
}
