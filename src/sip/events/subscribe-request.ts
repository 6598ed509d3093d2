/** What a SUBSCRIBE for the `reg` package asks for, or why it gets no subscription (RFC 6665 s.4.2.1, RFC 3680 s.4). */
import { fail, ok, type Result } from '../../common/errors.ts'
import type { SipMessage } from '../message/index.ts'
import { REGINFO_TYPE } from './reginfo.ts'

export const REG_EVENT = 'reg'
/** RFC 3680 s.4.4. */
export const SUBSCRIPTION_DEFAULT_S = 3_761
/** Shorter ones get 423: each refresh brings a NOTIFY with everything. Judgement. */
export const SUBSCRIPTION_MIN_S = 60
/** Longer wishes are cut off here. Judgement. */
export const SUBSCRIPTION_MAX_S = 7_200

export interface SubscribeRejection {
  readonly status: number
  readonly reason: string
  readonly headers: readonly (readonly [string, string])[]
}

const ACCEPTABLE: ReadonlySet<string> = new Set(['*/*', 'application/*', REGINFO_TYPE])

/** E43 */
const NOT_ACCEPTABLE = [
  ['Accept', REGINFO_TYPE],
  ['Warning', `399 ringbridge "Only ${REGINFO_TYPE} is sent here"`],
] as const

/** The package that a request is about, without its parameters; '' when it does not say. */
export function eventOf(message: SipMessage): string {
  return (message.header('event') ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
}

/** Seconds granted, 0 for a fetch or the end of a subscription. */
export function grantedSeconds(message: SipMessage): Result<number, SubscribeRejection> {
  if (message.has('accept')) {
    const wanted = message.values('accept').map((each) => each.split(';')[0]?.trim().toLowerCase() ?? '')
    if (!wanted.some((each) => ACCEPTABLE.has(each)))
      return fail({ status: 406, reason: 'Not Acceptable', headers: NOT_ACCEPTABLE })
  }
  const text = message.header('expires')
  if (text === undefined) return ok(SUBSCRIPTION_DEFAULT_S)
  const asked = /^\d{1,10}$/.test(text) ? Number(text) : SUBSCRIPTION_DEFAULT_S
  // RFC 6665 s.4.2.1.1: an hour or more is never too brief.
  if (asked > 0 && asked < SUBSCRIPTION_MIN_S) {
    const headers = [['Min-Expires', String(SUBSCRIPTION_MIN_S)]] as const
    return fail({ status: 423, reason: 'Interval Too Brief', headers })
  }
  return ok(Math.min(asked, SUBSCRIPTION_MAX_S))
}
