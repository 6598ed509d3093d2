/**
 * What this peer holds, for itself: the same values that a Fetch of the resource would bring, without an answer around
 * them. Signature and policy of a value are looked at when it is first asked for under the rules in force, and then no more while it
 * lies here unchanged; whether its signer is still believed is asked every time.
 */
import { BoundedCache } from '../../common/bounded-cache.ts'
import { NEVER, type Millis, type Now } from '../../common/time.ts'
import type { KindId, ResourceId, StoredData } from '../codec/index.ts'
import type { Signer } from '../security/trust.ts'
import { certificatesValid } from './lifetime.ts'
import type { HeldValue } from './held-value.ts'
import type { ResourceEntry, Table } from './table.ts'
import type { ValueChecks } from './value-checks.ts'
import type { FetchedKind, FetchedValue, FetchedValues } from './verify-fetched.ts'

/** Judgement: resources that were asked for last, some 2 kB each. */
const ANSWERS_MAX = 2_048

export interface OwnValues extends FetchedValues {
  /** What the values and their certificates take in an answer, roughly. */
  readonly bytes: number
  /** For who asks: that he has held it against what he knew, and found nothing newer. It comes anew when somebody else was asked. */
  settled: boolean
}

/** A value that was given out, and by whom it was signed. */
interface Given {
  readonly held: HeldValue
  readonly signer: Signer
}

interface Answer extends OwnValues {
  readonly wanted: readonly KindId[]
  readonly checks: ValueChecks
  readonly given: readonly Given[]
  /** When the lifetime of the first of the values is over. */
  readonly until: Millis
}

/** Answers are kept until something they rest on changes: nearly every call asks for what was asked before. */
export class OwnAnswers {
  private readonly known = new BoundedCache<Answer, ResourceEntry>(ANSWERS_MAX)

  /** Undefined when one of the Kinds is not known. */
  find(
    checks: ValueChecks,
    table: Table,
    now: Now,
    resource: ResourceId,
    wanted: readonly KindId[],
  ): OwnValues | undefined {
    const entry = table.find(resource)
    if (entry === undefined) return read(checks, undefined, now, wanted)
    const known = this.known.get(entry)
    if (known !== undefined && stands(known, checks, now) && sameKinds(known.wanted, wanted)) return known
    const answer = read(checks, entry, now, wanted)
    // One of which values were left out, because they are not believed now, may have more the next time.
    if (answer?.complete === true) this.known.set(entry, answer)
    return answer
  }

  /** Something at this resource has changed, or has been heard of it. */
  forget(entry: ResourceEntry): void {
    this.known.delete(entry)
  }
}

function stands(answer: Answer, checks: ValueChecks, now: Now): boolean {
  if (answer.checks !== checks || now.ms >= answer.until) return false
  for (const { held, signer } of answer.given) {
    const { certificates } = held
    if (!certificatesValid(certificates, now.wall) || !checks.believes(signer, certificates, now.wall))
      return false
  }
  return true
}

function sameKinds(left: readonly KindId[], right: readonly KindId[]): boolean {
  if (left.length !== right.length) return false
  for (let at = 0; at < left.length; at++) if (left[at] !== right[at]) return false
  return true
}

function read(
  checks: ValueChecks,
  entry: ResourceEntry | undefined,
  now: Now,
  wanted: readonly KindId[],
): (Answer & { readonly complete: boolean }) | undefined {
  const kinds = new Map<KindId, FetchedKind>()
  const given: Given[] = []
  let until: Millis = NEVER
  let complete = true
  let rejected = 0
  let bytes = 0
  for (const kind of wanted) {
    if (checks.definition(kind) === undefined || kinds.has(kind)) return undefined
    const heldKind = entry?.kinds.get(kind)
    const values: FetchedValue[] = []
    for (const [, held] of heldKind?.values(now) ?? []) {
      // RFC 6940 s.7.1: what was signed with a certificate that has expired is not given out.
      if (!certificatesValid(held.certificates, now.wall)) {
        complete = false
        continue
      }
      bytes += held.size
      for (const { der } of held.certificates) bytes += der.length
      const { data, expiresAt } = held
      const signer = signerOf(checks, held, data, now)
      if (signer === undefined) rejected++
      else {
        values.push({ data, expiresAt, signer: signer.certificate, signerNodeId: signer.nodeId })
        given.push({ held, signer })
        until = Math.min(until, expiresAt)
      }
    }
    kinds.set(kind, { generation: heldKind?.generation ?? 0n, values })
  }
  complete &&= rejected === 0
  return { kinds, rejected, bytes, settled: false, wanted, checks, given, until, complete }
}

function signerOf(checks: ValueChecks, held: HeldValue, data: StoredData, now: Now): Signer | undefined {
  const known = held.checked
  if (known?.checks === checks) {
    return checks.believes(known.signer, held.certificates, now.wall) ? known.signer : undefined
  }
  const definition = checks.definition(held.kind)
  if (definition === undefined) return undefined
  const signer = checks.signer(definition, held.resource, data, held.certificates, now.wall)
  if (!signer.ok) return undefined
  held.checked = { checks, signer: signer.value }
  return signer.value
}
