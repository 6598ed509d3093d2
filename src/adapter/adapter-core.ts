import type { Millis, Now } from '../common/time.ts'
import {
  certificatePlaces,
  KIND,
  type CommandError,
  type Credential,
  type PeerEvent,
} from '../reload/index.ts'
import { invariant } from '../common/assert.ts'
import type { SipAction } from '../sip/index.ts'
import { CallerCheck } from './caller-check.ts'
import { CertificatePublisher } from './certificates.ts'
import type { EnrollOutcome, NodeQuery, SelfTest } from './contract.ts'
import { FlowPool } from './flow-pool.ts'
import { ForeignContacts } from './foreign-contacts.ts'
import { Locator } from './locate.ts'
import { NodeTalk, TALK_APPLICATION } from './node-talk.ts'
import type { AdapterAction, AdapterParts } from './parts.ts'
import { Publisher } from './publish.ts'
import { Queries } from './queries.ts'
import { SelfTester } from './self-test.ts'

/** Requests of the SIP core that concern the overlay. */
export type SipQuestion = Extract<
  SipAction,
  { kind: 'locate' | 'publish' | 'openPeerFlow' | 'verifyCaller' | 'foreignContacts' }
>

/** Bound on the withdrawal of own entries while leaving (adapter-mapping s.3.4). */
const WITHDRAW_MS = 10_000

/**
 * The translation: what the SIP core asks becomes commands to the peer core, and its events become answers. Decides nothing
 * of either protocol beyond the mapping.
 */
export class AdapterCore {
  readonly publisher: Publisher
  readonly flows: FlowPool
  readonly talk: NodeTalk
  private readonly parts: AdapterParts
  private readonly locator: Locator
  private readonly callers: CallerCheck
  private readonly foreign: ForeignContacts
  private readonly certificates: CertificatePublisher
  private readonly tester: SelfTester
  private readonly queries: Queries
  private leaving: 'no' | 'withdrawing' | 'done' = 'no'

  constructor(parts: AdapterParts, credential: Credential) {
    this.parts = parts
    this.publisher = new Publisher(parts, credential)
    this.flows = new FlowPool(parts)
    this.talk = new NodeTalk(parts)
    this.locator = new Locator(parts, this.publisher, this.flows)
    this.callers = new CallerCheck(parts)
    this.foreign = new ForeignContacts(parts)
    this.certificates = new CertificatePublisher(parts)
    const place = certificatePlaces(credential.certificate, parts.resourceOf).find(
      ({ kind }) => kind === KIND.certificateByNode,
    )
    invariant(place !== undefined, 'a node certificate without Node-ID')
    this.tester = new SelfTester(parts, credential, place)
    this.queries = new Queries(parts)
  }

  drain(): AdapterAction[] {
    return this.parts.outbox.drain()
  }

  nextDeadline(): Millis {
    return this.parts.deadlines.next()
  }

  /** First call after construction: begins the self-test rounds. */
  start(now: Now): void {
    this.parts.deadlines.set(now.ms, { part: 'selfTest' })
  }

  setHosted(now: Now, aors: readonly string[], credentials: ReadonlyMap<string, Credential>): void {
    const wanted = this.publisher.wanted(aors)
    // M-21: a certificate that is found says that there is such a user. Of one who is gone it is left to run out.
    this.certificates.keep((userName) => wanted.has(userName))
    for (const [aor, credential] of credentials) {
      if (wanted.has(aor) && !this.certificates.has(aor)) this.publishCertificates(now, credential)
    }
    this.publisher.setHosted(now, wanted, credentials)
  }

  /** Joined or not: nothing is stored, fetched or attached while the overlay is out of reach. */
  setAvailable(now: Now, available: boolean): void {
    if (this.parts.available === available) return
    this.parts.available = available
    if (!available) return
    this.publisher.resume(now)
    this.certificates.resume(now)
    this.tester.round(now)
  }

  question(now: Now, action: SipQuestion): void {
    switch (action.kind) {
      case 'locate':
        return this.locator.locate(now, action)
      case 'publish':
        if (action.cause === 'register') return this.publisher.register(now, action)
        if (action.cause === 'restored') return this.publisher.restored(action.aor, action.bindings)
        return this.publisher.bindingsEnded(now, action.aor, action.bindings)
      case 'openPeerFlow':
        return this.flows.open(now, action)
      case 'verifyCaller':
        return this.callers.verify(action.id, action.aor, action.peer, action.budgetMs)
      case 'foreignContacts':
        return this.foreign.find(action.id, action.aor, action.budgetMs)
    }
  }

  enrolled(now: Now, aor: string, outcome: EnrollOutcome): void {
    const credential = this.publisher.enrolled(now, aor, outcome)
    if (credential !== undefined) this.publishCertificates(now, credential)
  }

  query(now: Now, id: number, query: NodeQuery): void {
    if (query.kind === 'ask') this.talk.ask(now, id, query.node, query.text)
    else this.queries.ask(now, id, query)
  }

  /** Events of the peer core that answer a command of ours. */
  event(now: Now, event: PeerEvent): void {
    switch (event.kind) {
      case 'storeDone': {
        const error: CommandError | undefined = event.outcome.ok ? undefined : event.outcome.error
        if (this.publisher.storeDone(now, event)) this.withdrawalDone()
        else if (!this.certificates.storeDone(now, event.id, error))
          this.tester.storeDone(now, event.id, error)
        return
      }
      case 'fetchDone':
        if (this.publisher.fetchDone(now, event.id, event.outcome)) return
        if (this.locator.fetchDone(now, event.id, event.outcome, event.journey)) return
        if (this.callers.fetchDone(now, event.id, event.outcome)) return
        if (this.foreign.fetchDone(now, event.id, event.outcome)) return
        if (this.certificates.fetchDone(now, event.id, event.outcome)) return
        if (!this.tester.fetchDone(now, event.id, event.outcome))
          this.queries.fetchDone(now, event.id, event.outcome, event.journey)
        return
      case 'pingDone':
        this.queries.pingDone(event.id, event.outcome)
        return
      case 'routeQueryDone':
        return this.queries.routeQueryDone(now, event.id, event.outcome)
      case 'probeDone':
        return this.queries.probeDone(now, event.id, event.outcome)
      case 'appFlowOpened':
        if (event.application === TALK_APPLICATION) return this.talk.opened(now, event)
        return this.flows.opened(now, event)
      case 'appAttachFailed':
        if (!this.talk.failed(event.id, event.error))
          this.flows.failed(now, event.id, event.error, event.journey)
        return
      case 'linked':
        return this.flows.linked(event.nodeId)
      case 'stateChanged':
      case 'configurationChanged':
      case 'left':
        return
    }
  }

  /** Withdraws every own entry; `withdrawn` turns true when that is done or has taken too long. */
  withdraw(now: Now): void {
    if (this.leaving !== 'no') return
    this.leaving = 'withdrawing'
    this.certificates.stop()
    this.tester.stop()
    this.parts.deadlines.set(now.ms + WITHDRAW_MS, { part: 'withdraw' })
    this.publisher.withdraw(now)
    this.withdrawalDone()
  }

  get withdrawn(): boolean {
    return this.leaving === 'done'
  }

  timeout(now: Now): void {
    for (;;) {
      const timer = this.parts.deadlines.pop(now.ms)
      if (timer === undefined) return
      switch (timer.part) {
        case 'publish':
          this.publisher.timeout(now, timer.aor, timer.what)
          break
        case 'flows':
          this.flows.timeout(now, timer.key, timer.what)
          break
        case 'certificates':
          this.certificates.timeout(now, timer.index)
          break
        case 'talk':
          this.talk.timeout(timer.channel)
          break
        case 'selfTest':
          this.tester.tick(now)
          break
        case 'withdraw':
          this.leaving = 'done'
          break
      }
    }
  }

  snapshot(now: Now): AdapterSnapshot {
    return {
      selfTest: this.tester.state(),
      ...this.publisher.counts(now),
      flows: this.flows.counts(),
      certificatesPending: this.certificates.pending,
      lookups: this.locator.active,
    }
  }

  private publishCertificates(now: Now, credential: Credential): void {
    this.certificates.add(now, credential, certificatePlaces(credential.certificate, this.parts.resourceOf))
  }

  private withdrawalDone(): void {
    if (this.leaving === 'withdrawing' && this.publisher.withdrawn()) this.leaving = 'done'
  }
}

/** Gauges of the adapter. */
export interface AdapterSnapshot {
  readonly selfTest: SelfTest
  /** Hosted AORs with bindings, and those of them that the overlay does not hold as it should. */
  readonly aors: number
  readonly missing: number
  readonly enrolled: number
  readonly flows: { readonly sip: number; readonly sips: number }
  readonly certificatesPending: number
  readonly lookups: number
}
