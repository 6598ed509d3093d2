import type { Now } from '../common/time.ts'
import {
  key,
  nodeIdFromHex,
  type CommandId,
  type CommandOutcome,
  type FetchResult,
  type Journey,
  type PingResult,
  type ProbeResult,
  type RouteQueryResult,
} from '../reload/index.ts'
import { canonicalAor } from '../sip/index.ts'
import type { NodeAnswer, NodeQuery } from './contract.ts'
import { destinationsOf } from './overlay-address.ts'
import { reasonOf } from './command-fault.ts'
import { LocateQueries } from './locate-queries.ts'
import type { AdapterParts } from './parts.ts'
import { PathQueries } from './path-queries.ts'
import { RingWalks } from './ring-walk.ts'

/** People do not wait longer than this for a page. */
const QUERY_MS = 10_000

/** Questions of people, over the admin API: where is this AOR, is that node alive. Reads only. */
export class Queries {
  private readonly parts: AdapterParts
  private readonly paths: PathQueries
  private readonly locates: LocateQueries
  private readonly walks: RingWalks
  /** Query ids of Pings under way. */
  private readonly pings = new Map<CommandId, number>()

  constructor(parts: AdapterParts) {
    this.parts = parts
    this.paths = new PathQueries(parts)
    this.locates = new LocateQueries(parts)
    this.walks = new RingWalks(parts)
  }

  ask(now: Now, id: number, query: Exclude<NodeQuery, { kind: 'ask' }>): void {
    switch (query.kind) {
      case 'locate':
      case 'path': {
        const aor = typedAor(query.aor)
        if (!aor.ok) return this.answer(id, { kind: 'failed', reason: `not an AOR: ${query.aor}` })
        if (query.kind === 'locate') return this.locates.ask(id, aor.value)
        return this.paths.ask(id, aor.value)
      }
      case 'ping': {
        // All zeros and all ones are no node, and nothing may be written with the former (RFC 6940 s.3).
        const destinations = destinationsOf(`node:${query.nodeId}`)
        if (destinations === undefined)
          return this.answer(id, { kind: 'failed', reason: `not a Node-ID: ${query.nodeId}` })
        const command = this.parts.nextId()
        this.pings.set(command, id)
        this.parts.command({ kind: 'ping', id: command, destinations, timeoutMs: QUERY_MS })
        return
      }
      case 'walk':
        return this.walks.ask(
          now,
          id,
          query.known.flatMap((hex) => nodeIdFromHex(hex) ?? []),
        )
    }
  }

  routeQueryDone(now: Now, id: CommandId, outcome: CommandOutcome<RouteQueryResult>): void {
    if (this.walks.routeQueryDone(now, id, outcome)) return
    if (!this.locates.routeQueryDone(id, outcome)) this.paths.routeQueryDone(id, outcome)
  }

  probeDone(now: Now, id: CommandId, outcome: CommandOutcome<ProbeResult>): void {
    this.walks.probeDone(now, id, outcome)
  }

  fetchDone(now: Now, id: CommandId, outcome: CommandOutcome<FetchResult>, journey?: Journey): boolean {
    return this.locates.fetchDone(now, id, outcome, journey)
  }

  pingDone(id: CommandId, outcome: CommandOutcome<PingResult>): boolean {
    const query = this.pings.get(id)
    if (query === undefined) return false
    this.pings.delete(id)
    this.answer(
      query,
      outcome.ok
        ? { kind: 'pinged', responder: key(outcome.value.responder), rttMs: outcome.value.rttMs }
        : { kind: 'failed', reason: reasonOf(outcome.error) },
    )
    return true
  }

  private answer(id: number, answer: NodeAnswer): void {
    this.parts.shell({ kind: 'answer', id, answer })
  }
}

/** People type the bare name. */
function typedAor(text: string): ReturnType<typeof canonicalAor> {
  return canonicalAor(/^sips?:/i.test(text) ? text : `sip:${text}`)
}
