import {
  key,
  KIND,
  sameId,
  type CommandError,
  type CommandId,
  type CommandOutcome,
  type FetchResult,
  type Journey,
  type ResourceId,
} from '../reload/index.ts'
import { canonicalAor, parseUri, type LocatedTarget, type RequestId, type SipAction } from '../sip/index.ts'
import { toHex } from '../common/bytes.ts'
import { detachedUnicode } from '../common/detached.ts'
import { RecentMap } from '../common/recent-map.ts'
import type { Millis, Now, WallTime } from '../common/time.ts'
import { faultNote, journeyNote } from './call-note.ts'
import type { CallObserver } from './contract.ts'
import { fetchFailure, type SipFailure } from './error-map.ts'
import type { FlowPool } from './flow-pool.ts'
import { decodeGr, firstNode, routeAddress, terminalNode } from './overlay-address.ts'
import type { AdapterParts } from './parts.ts'
import type { Publisher } from './publish.ts'
import { registrationEntry, type RouteEntry } from './registration-entry.ts'

type LocateQuestion = Extract<SipAction, { kind: 'locate' }>

/** One question of the SIP core, with the Fetches that it needs: more than one when AORs forward to AORs. */
interface Lookup {
  readonly id: RequestId
  readonly callId: string
  readonly follow: boolean
  readonly deadlineMs: Millis
  /** AORs that were or are being fetched (RFC 7904 s.4.2, decision D-06). */
  readonly visited: Set<string>
  readonly targets: Map<string, LocatedTarget>
  open: number
  fetches: number
  userExists: boolean
  loop: boolean
  failure: SipFailure | undefined
}

interface PendingFetch {
  readonly lookup: Lookup
  readonly aor: string
  readonly resource: ResourceId
  readonly depth: number
  readonly beganMs: Millis
}

/**
 * AOR to targets: Fetch of SIP-REGISTRATION (and, to tell 404 from 480, of the user's certificates, M-21), following
 * AOR-to-AOR entries (adapter-mapping s.4.2). Bindings held here are not its business.
 */
export class Locator {
  private readonly parts: AdapterParts
  private readonly publisher: Publisher
  private readonly flows: FlowPool
  private readonly fetches = new RecentMap<CommandId, PendingFetch>()

  constructor(parts: AdapterParts, publisher: Publisher, flows: FlowPool) {
    this.parts = parts
    this.publisher = publisher
    this.flows = flows
  }

  get active(): number {
    return this.fetches.size
  }

  locate(now: Now, { id, aor, budgetMs, callId, follow = true }: LocateQuestion): void {
    const lookup: Lookup = {
      id,
      callId,
      follow,
      deadlineMs: now.ms + budgetMs,
      visited: new Set(),
      targets: new Map(),
      open: 0,
      fetches: 0,
      userExists: false,
      loop: false,
      failure: undefined,
    }
    this.fetch(now, lookup, aor, 0)
  }

  /** True when the outcome was that of one of our Fetches. */
  fetchDone(now: Now, id: CommandId, outcome: CommandOutcome<FetchResult>, journey?: Journey): boolean {
    const pending = this.fetches.get(id)
    if (pending === undefined) return false
    this.fetches.delete(id)
    const { lookup } = pending
    lookup.open--
    if (outcome.ok) this.read(now, pending, outcome.value)
    else this.noteFailure(lookup, outcome.error)
    if (this.parts.calls !== undefined) this.noteCall(this.parts.calls, now, pending, outcome, journey)
    if (lookup.open === 0) this.answer(lookup)
    return true
  }

  private fetch(now: Now, lookup: Lookup, aor: string, depth: number): void {
    const { settings } = this.parts
    if (lookup.visited.has(aor)) {
      lookup.loop = true
      return
    }
    if (depth > settings.recursionDepth || lookup.fetches >= settings.recursionFetches) return
    lookup.visited.add(aor)
    lookup.fetches++
    lookup.open++
    const id = this.parts.nextId()
    const resource = this.parts.resourceOfAor(aor)
    this.fetches.set(id, { lookup, aor, resource, depth, beganMs: now.ms })
    this.parts.command({
      kind: 'fetch',
      id,
      resource,
      kinds: [KIND.sipRegistration, KIND.certificateByUser],
      timeoutMs: Math.max(1, lookup.deadlineMs - now.ms),
    })
  }

  private read(now: Now, pending: PendingFetch, result: FetchResult): void {
    const { lookup, aor } = pending
    if (result.rejected > 0) this.parts.instruments.entriesIgnored.add('', result.rejected)
    for (const certificate of result.kinds.get(KIND.certificateByUser)?.values ?? []) {
      if (certificate.data.value.value.exists && certificate.signer.userName === aor) lookup.userExists = true
    }
    for (const value of result.kinds.get(KIND.sipRegistration)?.values ?? []) {
      const entry = registrationEntry(value, aor)
      switch (entry.kind) {
        case 'route':
          lookup.userExists = true
          this.addRoute(now, pending, entry, Number(value.data.storageTime))
          break
        case 'uri':
          lookup.userExists = true
          this.addUri(now, pending, entry.uri)
          break
        case 'removed':
          lookup.userExists = true
          break
        case 'ignored':
          this.parts.instruments.entriesIgnored.add()
          this.parts.trace({
            level: 'warn',
            area: 'adapter',
            event: 'registration_entry_ignored',
            reason: entry.reason,
          })
          break
      }
    }
  }

  private addRoute(
    now: Now,
    { lookup, aor, depth }: PendingFetch,
    entry: RouteEntry,
    storedAt: WallTime,
  ): void {
    const terminal = terminalNode(entry.destinations)
    const first = firstNode(entry.destinations)
    if (terminal === undefined || first === undefined) return
    if (sameId(first, this.parts.self)) {
      // Our own entry: the bindings are here already. When there are none it is left over from before a crash.
      if (depth > 0) lookup.targets.set(`local:${aor}`, { kind: 'local', aor })
      const own = this.publisher.user(aor)?.credential?.nodeId
      if (own !== undefined && sameId(own, entry.key)) this.publisher.staleEntrySeen(now, aor)
      return
    }
    this.flows.seenAlive(terminal, storedAt)
    // An adapter that is reached by two lists is one target for a user (adapter-mapping s.4.2 step 4): the newer one.
    const name = `peer:${key(terminal)}${depth === 0 ? '' : ` ${aor}`}`
    const known = lookup.targets.get(name)
    if (known?.kind === 'peer' && (known.storedAt ?? 0) >= storedAt) return
    const { secureOnly, features, marks, proxy } = entry
    lookup.targets.set(name, {
      kind: 'peer',
      address: routeAddress(entry.destinations),
      aor: depth === 0 ? undefined : aor,
      secureOnly,
      features,
      marks: marks === '' ? undefined : this.parts.marks?.read(aor, marks),
      storedAt,
      node: toHex(terminal),
      ...(proxy.addresses.length === 0 ? {} : { addresses: proxy.addresses }),
      ...(proxy.exit ? { exit: true } : {}),
    })
  }

  /** A forwarding entry: another AOR of ours, an overlay GRUU, or a URI outside (adapter-mapping s.4.2). */
  private addUri(now: Now, { lookup, depth }: PendingFetch, text: string): void {
    // D-02: our own kind writes bare AORs, others may write whole URIs; both are read.
    const colon = text.indexOf(':')
    const whole = colon > 0 && colon < (text + '@').indexOf('@') ? text : `sip:${text}`
    const uri = parseUri(whole)
    if (uri === undefined) return
    if (!lookup.follow) {
      lookup.targets.set(`uri:${whole}`, { kind: 'uri', uri: whole })
      return
    }
    const hosted = this.parts.domains.has(uri.host.toLowerCase())
    const gr = uri.params.get('gr')
    if (hosted && gr !== undefined) {
      if (decodeGr(gr) === undefined) return
      lookup.targets.set(`gr:${gr}`, {
        kind: 'peer',
        address: `gr:${gr}`,
        aor: `${uri.user ?? ''}@${uri.host};gr=${gr}`,
        secureOnly: uri.scheme === 'sips',
      })
      return
    }
    const aor = hosted ? canonicalAor(whole) : undefined
    if (aor?.ok === true) {
      this.fetch(now, lookup, aor.value, depth + 1)
      if (this.publisher.user(aor.value) !== undefined) {
        lookup.targets.set(`local:${aor.value}`, { kind: 'local', aor: aor.value })
      }
      return
    }
    lookup.targets.set(`uri:${whole}`, { kind: 'uri', uri: whole })
  }

  private noteCall(
    calls: CallObserver,
    now: Now,
    { lookup, aor, resource, beganMs }: PendingFetch,
    outcome: CommandOutcome<FetchResult>,
    journey: Journey | undefined,
  ): void {
    calls.note(now, lookup.callId, {
      kind: 'lookup',
      aor: detachedUnicode(aor),
      resource: key(resource),
      tookMs: now.ms - beganMs,
      journey: journeyNote(journey),
      targets: [...lookup.targets.keys()],
      fault: faultNote(outcome.ok ? undefined : outcome.error),
    })
  }

  private noteFailure(lookup: Lookup, error: CommandError): void {
    lookup.failure ??= fetchFailure(error)
  }

  private answer(lookup: Lookup): void {
    const targets = [...lookup.targets.values()]
    const { failure } = lookup
    this.parts.sip({
      kind: 'located',
      id: lookup.id,
      outcome:
        failure !== undefined && targets.length === 0
          ? { kind: 'failed', ...failure }
          : { kind: 'found', targets, userExists: lookup.userExists, loop: lookup.loop },
    })
  }
}
