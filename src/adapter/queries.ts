import { toHex } from '../common/bytes.ts'
import type { Now } from '../common/time.ts'
import {
  key,
  KIND,
  type CommandId,
  type CommandOutcome,
  type FetchResult,
  type PingResult,
  type RouteQueryResult,
} from '../reload/index.ts'
import { canonicalAor } from '../sip/index.ts'
import type { AorLocation, NodeAnswer, NodeQuery } from './contract.ts'
import { destinationsOf, terminalNode } from './overlay-address.ts'
import { reasonOf } from './command-fault.ts'
import type { AdapterParts } from './parts.ts'
import { PathQueries } from './path-queries.ts'
import { registrationEntry } from './registration-entry.ts'

/** People do not wait longer than this for a page. */
const QUERY_MS = 10_000

/** Questions of people, over the admin API: where is this AOR, is that node alive. Reads only. */
export class Queries {
  private readonly parts: AdapterParts
  private readonly paths: PathQueries
  private readonly pending = new Map<CommandId, { readonly id: number; readonly aor: string }>()

  constructor(parts: AdapterParts) {
    this.parts = parts
    this.paths = new PathQueries(parts)
  }

  ask(_now: Now, id: number, query: NodeQuery): void {
    const command = this.parts.nextId()
    switch (query.kind) {
      case 'locate': {
        const aor = typedAor(query.aor)
        if (!aor.ok) return this.answer(id, { kind: 'failed', reason: `not an AOR: ${query.aor}` })
        this.pending.set(command, { id, aor: aor.value })
        this.parts.command({
          kind: 'fetch',
          id: command,
          resource: this.parts.resourceOfAor(aor.value),
          kinds: [KIND.sipRegistration, KIND.certificateByUser],
          timeoutMs: QUERY_MS,
        })
        return
      }
      case 'path': {
        const aor = typedAor(query.aor)
        if (!aor.ok) return this.answer(id, { kind: 'failed', reason: `not an AOR: ${query.aor}` })
        return this.paths.ask(id, aor.value)
      }
      case 'ping': {
        // All zeros and all ones are no node, and nothing may be written with the former (RFC 6940 s.3).
        const destinations = destinationsOf(`node:${query.nodeId}`)
        if (destinations === undefined)
          return this.answer(id, { kind: 'failed', reason: `not a Node-ID: ${query.nodeId}` })
        this.pending.set(command, { id, aor: '' })
        this.parts.command({
          kind: 'ping',
          id: command,
          destinations,
          timeoutMs: QUERY_MS,
        })
        return
      }
    }
  }

  routeQueryDone(id: CommandId, outcome: CommandOutcome<RouteQueryResult>): void {
    this.paths.routeQueryDone(id, outcome)
  }

  fetchDone(id: CommandId, outcome: CommandOutcome<FetchResult>): boolean {
    const pending = this.pending.get(id)
    if (pending === undefined) return false
    this.pending.delete(id)
    this.answer(
      pending.id,
      outcome.ok
        ? { kind: 'located', location: this.location(pending.aor, outcome.value) }
        : { kind: 'failed', reason: reasonOf(outcome.error) },
    )
    return true
  }

  pingDone(id: CommandId, outcome: CommandOutcome<PingResult>): boolean {
    const pending = this.pending.get(id)
    if (pending === undefined) return false
    this.pending.delete(id)
    this.answer(
      pending.id,
      outcome.ok
        ? { kind: 'pinged', responder: key(outcome.value.responder), rttMs: outcome.value.rttMs }
        : { kind: 'failed', reason: reasonOf(outcome.error) },
    )
    return true
  }

  private location(aor: string, result: FetchResult): AorLocation {
    let ignored = 0
    const entries: AorLocation['entries'][number][] = []
    for (const value of result.kinds.get(KIND.sipRegistration)?.values ?? []) {
      const entry = registrationEntry(value, aor)
      if (entry.kind === 'ignored') ignored++
      if (entry.kind !== 'route' && entry.kind !== 'uri') continue
      const terminal = entry.kind === 'route' ? terminalNode(entry.destinations) : undefined
      entries.push({
        key: toHex(entry.key),
        target: entry.kind === 'uri' ? entry.uri : terminal === undefined ? '' : key(terminal),
        type: entry.kind,
        contactPrefs: entry.kind === 'route' ? entry.contactPrefs : '',
        lifetimeS: value.data.lifetime,
        storageTime: Number(value.data.storageTime),
      })
    }
    const certificates = result.kinds.get(KIND.certificateByUser)?.values ?? []
    return {
      aor,
      resourceId: toHex(this.parts.resourceOfAor(aor)),
      responsible: key(result.responsible),
      userExists: certificates.some(
        (value) => value.data.value.value.exists && value.signer.userName === aor,
      ),
      entries,
      rejected: result.rejected + ignored,
    }
  }

  private answer(id: number, answer: NodeAnswer): void {
    this.parts.shell({ kind: 'answer', id, answer })
  }
}

/** People type the bare name. */
function typedAor(text: string): ReturnType<typeof canonicalAor> {
  return canonicalAor(/^sips?:/i.test(text) ? text : `sip:${text}`)
}
