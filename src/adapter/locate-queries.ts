/** Where is this AOR? for people: what the overlay holds, who signed it, and which nodes hold the copies. Reads only. */
import { toHex } from '../common/bytes.ts'
import type { Millis, Now } from '../common/time.ts'
import {
  key,
  KIND,
  type CommandId,
  type CommandOutcome,
  type FetchResult,
  type Journey,
  type NodeId,
  type RouteQueryResult,
} from '../reload/index.ts'
import { reasonOf } from './command-fault.ts'
import type { AorLocation } from './contract.ts'
import { terminalNode } from './overlay-address.ts'
import type { AdapterParts } from './parts.ts'
import { registrationEntry } from './registration-entry.ts'
import { following } from './ring-walk.ts'

/** People do not wait longer than this for a page. */
const FETCH_MS: Millis = 10_000
/** The copies are worth less of a wait: the answer is there already. */
const REPLICA_MS: Millis = 1_500
/** RFC 6940 s.10.4: two copies beside the responsible peer's own. */
const REPLICAS = 2

interface Fetching {
  readonly id: number
  readonly aor: string
}

interface Searching {
  readonly id: number
  readonly location: AorLocation
  /** Whose successor is asked for. */
  readonly last: NodeId
}

export class LocateQueries {
  private readonly parts: AdapterParts
  private readonly fetching = new Map<CommandId, Fetching>()
  private readonly searching = new Map<CommandId, Searching>()

  constructor(parts: AdapterParts) {
    this.parts = parts
  }

  ask(id: number, aor: string): void {
    const command = this.parts.nextId()
    this.fetching.set(command, { id, aor })
    this.parts.command({
      kind: 'fetch',
      id: command,
      resource: this.parts.resourceOfAor(aor),
      kinds: [KIND.sipRegistration, KIND.certificateByUser],
      timeoutMs: FETCH_MS,
    })
  }

  fetchDone(now: Now, id: CommandId, outcome: CommandOutcome<FetchResult>, journey?: Journey): boolean {
    const fetching = this.fetching.get(id)
    if (fetching === undefined) return false
    this.fetching.delete(id)
    if (outcome.ok) {
      const location = this.location(now, fetching.aor, outcome.value, journey)
      this.search({ id: fetching.id, location, last: outcome.value.responsible })
    } else {
      const answer = { kind: 'failed', reason: reasonOf(outcome.error) } as const
      this.parts.shell({ kind: 'answer', id: fetching.id, answer })
    }
    return true
  }

  routeQueryDone(id: CommandId, outcome: CommandOutcome<RouteQueryResult>): boolean {
    const searching = this.searching.get(id)
    if (searching === undefined) return false
    this.searching.delete(id)
    const { location } = searching
    const next = outcome.ok ? key(outcome.value.nextPeer) : undefined
    const isNew = next !== undefined && next !== location.responsible && !location.replicas.includes(next)
    if (!outcome.ok || next === undefined || !isNew) this.answer(searching)
    else
      this.search({
        ...searching,
        location: { ...location, replicas: [...location.replicas, next] },
        last: outcome.value.nextPeer,
      })
    return true
  }

  /** The next node round the ring. */
  private search(searching: Searching): void {
    if (searching.location.replicas.length >= REPLICAS) return this.answer(searching)
    const command = this.parts.nextId()
    this.searching.set(command, searching)
    this.parts.command({
      kind: 'routeQuery',
      id: command,
      destinations: [{ kind: 'node', nodeId: searching.last }],
      target: following(searching.last),
      timeoutMs: REPLICA_MS,
    })
  }

  private answer({ id, location }: Searching): void {
    this.parts.shell({ kind: 'answer', id, answer: { kind: 'located', location } })
  }

  private location(now: Now, aor: string, result: FetchResult, journey: Journey | undefined): AorLocation {
    let ignored = 0
    const entries: AorLocation['entries'][number][] = []
    for (const value of result.kinds.get(KIND.sipRegistration)?.values ?? []) {
      const entry = registrationEntry(value, aor)
      if (entry.kind === 'ignored') ignored++
      if (entry.kind !== 'route' && entry.kind !== 'uri') continue
      const terminal = entry.kind === 'route' ? terminalNode(entry.destinations) : undefined
      const leftMs = value.expiresAt - now.ms
      const storageTime = Number(value.data.storageTime)
      entries.push({
        key: toHex(entry.key),
        target: entry.kind === 'uri' ? entry.uri : terminal === undefined ? '' : key(terminal),
        type: entry.kind,
        contactPrefs: entry.kind === 'route' ? entry.contactPrefs : '',
        lifetimeS: Math.round(Math.max(leftMs, now.wall + leftMs - storageTime) / 1000),
        storageTime,
        expiresAt: Math.round(now.wall + leftMs),
        signer: {
          userName: value.signer.userName,
          nodeId: key(value.signerNodeId),
          notAfter: value.signer.notAfter,
        },
      })
    }
    const certificates = result.kinds.get(KIND.certificateByUser)?.values ?? []
    return {
      aor,
      resourceId: toHex(this.parts.resourceOfAor(aor)),
      responsible: key(result.responsible),
      replicas: [],
      hops: journey?.hops ?? 0,
      rttMs: journey?.rttMs ?? 0,
      userExists: certificates.some(
        (value) => value.data.value.value.exists && value.signer.userName === aor,
      ),
      entries,
      rejected: result.rejected + ignored,
    }
  }
}
