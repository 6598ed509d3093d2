/** What an enrollment server answered, as a client understands it (RFC 6940 s.11.3). */
import { fromUtf8 } from '../common/bytes.ts'
import { fail, ok, type Result } from '../common/errors.ts'
import type { DenialToken } from './denial.ts'
import { CERTIFICATE_TYPE } from './enroll-form.ts'

/** An HTTP answer, whole. */
export interface HttpAnswer {
  readonly status: number
  /** As in the header field; empty when there is none. */
  readonly contentType: string
  /** Seconds of Retry-After, when the answer has one in that form. */
  readonly retryAfterS?: number
  readonly body: Uint8Array
}

/**
 * Why there is no certificate. `denied` with a token is the server's last word on this request; without one the reason is
 * unknown (R6940-11.3-21). `unavailable`: worth asking again.
 */
export type EnrollFailure =
  | { readonly kind: 'denied'; readonly token: DenialToken | undefined; readonly reason: string }
  | { readonly kind: 'unavailable'; readonly reason: string; readonly retryAfterMs?: number }

const TOKENS: readonly DenialToken[] = [
  'failed_authentication',
  'username_not_available',
  'Node-IDs_not_available',
  'bad_CSR',
]

/** The DER certificate of an answer; nothing about it has been checked yet (check-issued.ts). */
export function readEnrollAnswer(answer: HttpAnswer): Result<Uint8Array, EnrollFailure> {
  const { status, body } = answer
  if (status === 200) {
    const type = (answer.contentType.split(';')[0] as string).trim().toLowerCase()
    if (type === CERTIFICATE_TYPE) return ok(body)
    return fail({
      kind: 'unavailable',
      reason: `the enrollment server answered 200 without ${CERTIFICATE_TYPE}`,
    })
  }
  if (status === 403) {
    const text = fromUtf8(body.subarray(0, 64)).trim()
    const token = TOKENS.find((each) => each === text)
    return fail({
      kind: 'denied',
      token,
      reason: token ?? 'the enrollment server refuses for an unknown reason',
    })
  }
  const { retryAfterS } = answer
  return fail({
    kind: 'unavailable',
    reason: `the enrollment server answered ${status}`,
    ...(retryAfterS === undefined ? {} : { retryAfterMs: retryAfterS * 1000 }),
  })
}
