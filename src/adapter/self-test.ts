import { bytesEqual } from '../common/bytes.ts'
import type { Millis, Now } from '../common/time.ts'
import {
  KIND,
  type CertificatePublication,
  type CommandError,
  type CommandId,
  type CommandOutcome,
  type Credential,
  type FetchResult,
} from '../reload/index.ts'
import type { SelfTest } from './contract.ts'
import type { AdapterParts } from './parts.ts'

/** Rounds that the success ratio looks back on. */
const ROUNDS = 20
/** A round that takes longer has failed: readiness must turn within 30 s of a cut (contract s.4). */
const ROUND_MS = 5_000

/**
 * The proof behind `/readyz`: stores this node's own certificate in the overlay and fetches it again, every few seconds.
 * It is the same value that verifiers look for (CERTIFICATE_BY_NODE, RFC 6940 s.8), so the test is also its refresh.
 */
export class SelfTester {
  private readonly parts: AdapterParts
  private readonly credential: Credential
  private readonly publication: CertificatePublication
  private readonly outcomes: boolean[] = []
  private lastSuccessMs: Millis | undefined
  private storing: CommandId | undefined
  private fetching: CommandId | undefined

  constructor(parts: AdapterParts, credential: Credential, publication: CertificatePublication) {
    this.parts = parts
    this.credential = credential
    this.publication = publication
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
    this.parts.deadlines.set(now.ms + this.parts.settings.selfTestIntervalMs, { part: 'selfTest' })
    this.round(now)
  }

  /** Runs a round now; one that finds the last still unfinished counts as failed. */
  round(now: Now): void {
    if (this.storing !== undefined || this.fetching !== undefined) return this.finish(now, false)
    if (!this.parts.available) return this.finish(now, false)
    this.storing = this.parts.nextId()
    this.parts.command({
      kind: 'store',
      id: this.storing,
      resource: this.publication.resource,
      values: this.publication.values,
      credential: this.credential,
      timeoutMs: ROUND_MS,
    })
  }

  storeDone(now: Now, id: CommandId, error: CommandError | undefined): boolean {
    if (id !== this.storing) return false
    this.storing = undefined
    if (error !== undefined) {
      this.finish(now, false)
      return true
    }
    this.fetching = this.parts.nextId()
    this.parts.command({
      kind: 'fetch',
      id: this.fetching,
      resource: this.publication.resource,
      kinds: [KIND.certificateByNode],
      timeoutMs: ROUND_MS,
    })
    return true
  }

  fetchDone(now: Now, id: CommandId, outcome: CommandOutcome<FetchResult>): boolean {
    if (id !== this.fetching) return false
    this.fetching = undefined
    const der = this.credential.certificate.der
    const values = outcome.ok ? (outcome.value.kinds.get(KIND.certificateByNode)?.values ?? []) : []
    this.finish(
      now,
      values.some((value) => bytesEqual(value.data.value.value.value, der)),
    )
    return true
  }

  private finish(now: Now, success: boolean): void {
    if (success) this.lastSuccessMs = now.ms
    const before = this.outcomes[this.outcomes.length - 1]
    this.outcomes.push(success)
    if (this.outcomes.length > ROUNDS) this.outcomes.shift()
    if (before !== undefined && before !== success) {
      this.parts.trace({
        level: success ? 'info' : 'warn',
        area: 'adapter',
        event: success ? 'self_test_recovered' : 'self_test_failed',
      })
    }
  }
}
