/** Counts the requests to this peer's storage, by method, Kind and outcome. */
import type { Result } from '../../common/errors.ts'
import { LabelTexts, Tally } from '../../common/instruments.ts'
import type { ErrorResponse, KindId } from '../codec/index.ts'
import type { ValueChecks } from './value-checks.ts'

type Method = 'store' | 'fetch' | 'stat'

export class RequestCount {
  /** By `op|kind|result`; a Kind that is not configured counts as `other`. */
  readonly requests = new Tally()

  /** One request, for each Kind that it names. */
  add(
    method: Method,
    checks: ValueChecks,
    kinds: readonly { readonly kind: KindId }[],
    result: Result<unknown, ErrorResponse>,
  ): void {
    const outcome = result.ok ? 'ok' : 'error'
    for (const { kind } of kinds) this.addOne(method, checks, kind, outcome)
  }

  addOne(method: Method, checks: ValueChecks, kind: KindId, outcome: 'ok' | 'error'): void {
    this.requests.add(LABELS[outcome][method].of(checks.definition(kind)?.name ?? 'other'))
  }
}

/** Made once, so that counting makes no text. */
const LABELS = { ok: labelsOf('ok'), error: labelsOf('error') } as const

function labelsOf(outcome: string): Record<Method, LabelTexts> {
  const around = (method: string): LabelTexts => new LabelTexts(`${method}|`, `|${outcome}`)
  return { store: around('store'), fetch: around('fetch'), stat: around('stat') }
}
