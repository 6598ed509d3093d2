import { bytesEqual } from '../common/bytes.ts'
import type { Millis, Now } from '../common/time.ts'
import {
  certificateSchedule,
  certificateValue,
  type CertificatePlace,
  type CommandError,
  type CommandId,
  type CommandOutcome,
  type Credential,
  type FetchResult,
  type StoredDataValue,
} from '../reload/index.ts'
import { CERTIFICATE_LIFETIME_S, storedValues } from './certificates.ts'
import type { SelfTest } from './contract.ts'
import type { AdapterParts } from './parts.ts'

/** Rounds that the success ratio looks back on. */
const ROUNDS = 20
/** Each step that takes longer has failed: readiness must turn within 30 s of a cut (contract s.4). */
const STEP_MS = 4_000

/**
 * The proof behind `/readyz`: every few seconds this node's own certificate is stored in the overlay and fetched again. It
 * is the value that verifiers look for (CERTIFICATE_BY_NODE, RFC 6940 s.8), so the test is also its publication.
 */
export class SelfTester {
  private readonly parts: AdapterParts
  private readonly credential: Credential
  private readonly place: CertificatePlace
  private readonly outcomes: boolean[] = []
  private lastSuccessMs: Millis | undefined
  /** What stood at our place when we last looked; undefined until the first look, which comes before the first Store. */
  private present: readonly StoredDataValue[] | undefined
  private stopped = false
  private step: { readonly kind: 'look' | 'store' | 'check'; readonly id: CommandId } | undefined

  constructor(parts: AdapterParts, credential: Credential, place: CertificatePlace) {
    this.parts = parts
    this.credential = credential
    this.place = place
  }

  state(): SelfTest {
    let good = 0
    for (const outcome of this.outcomes) if (outcome) good++
    return {
      lastSuccessMs: this.lastSuccessMs,
      successRatio: this.outcomes.length === 0 ? 1 : good / this.outcomes.length,
    }
  }

  /** The timer: plans the next round and runs this one. */
  tick(now: Now): void {
    if (this.stopped) return
    this.parts.deadlines.set(now.ms + this.parts.settings.selfTestIntervalMs, { part: 'selfTest' })
    this.round(now)
  }

  /** No more rounds, and no verdict on the one under way: a node that leaves proves nothing about the overlay. */
  stop(): void {
    this.stopped = true
    this.step = undefined
  }

  /** Runs a round now, unless one is under way. */
  round(now: Now): void {
    if (this.stopped || this.step !== undefined) return
    if (!this.parts.available) return this.finish(now, false)
    if (this.present === undefined) this.fetch('look')
    else this.store(now, this.present)
  }

  storeDone(now: Now, id: CommandId, error: CommandError | undefined): boolean {
    if (this.step?.id !== id) return false
    this.step = undefined
    if (error === undefined) this.fetch('check')
    else this.finish(now, false)
    return true
  }

  fetchDone(now: Now, id: CommandId, outcome: CommandOutcome<FetchResult>): boolean {
    const { step } = this
    if (step?.id !== id) return false
    this.step = undefined
    if (!outcome.ok) {
      this.finish(now, false)
      return true
    }
    this.present = storedValues(outcome.value, this.place)
    if (step.kind === 'look') this.store(now, this.present)
    else this.finish(now, this.found(this.present))
    return true
  }

  private fetch(kind: 'look' | 'check'): void {
    this.step = { kind, id: this.parts.nextId() }
    const { resource, kind: kindId } = this.place
    this.parts.command({ kind: 'fetch', id: this.step.id, resource, kinds: [kindId], timeoutMs: STEP_MS })
  }

  private store(now: Now, present: readonly StoredDataValue[]): void {
    const { certificate } = this.credential
    const { lifetimeS } = certificateSchedule(certificate, now.wall, CERTIFICATE_LIFETIME_S)
    if (lifetimeS === 0) return this.finish(now, false)
    this.step = { kind: 'store', id: this.parts.nextId() }
    this.parts.command({
      kind: 'store',
      id: this.step.id,
      resource: this.place.resource,
      values: [certificateValue(this.place.kind, certificate.der, present, lifetimeS)],
      credential: this.credential,
      timeoutMs: STEP_MS,
    })
  }

  private found(values: readonly StoredDataValue[]): boolean {
    return values.some(
      ({ value }) => value.exists && bytesEqual(value.value, this.credential.certificate.der),
    )
  }

  private finish(now: Now, success: boolean): void {
    if (success) this.lastSuccessMs = now.ms
    const before = this.outcomes[this.outcomes.length - 1]
    this.outcomes.push(success)
    if (this.outcomes.length > ROUNDS) this.outcomes.shift()
    if (before === undefined || before === success) return
    const event = success ? 'self_test_recovered' : 'self_test_failed'
    this.parts.trace({ level: success ? 'info' : 'warn', area: 'adapter', event })
  }
}
