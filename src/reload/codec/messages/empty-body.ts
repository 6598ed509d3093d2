import type { Result } from '../../../common/errors.ts'
import type { DecodeFailure } from '../decode-failure.ts'
import { decodeWhole } from '../decode-failure.ts'

/** The body of LeaveAns, UpdateAns and ConfigUpdateAns (RFC 6940 s.6.4.2.2, s.6.4.2.3, s.6.5.4.2). */
export const EMPTY_BODY: Uint8Array = new Uint8Array(0)

/** Fails when there is anything in a body that has to be empty. */
export function decodeEmptyBody(bytes: Uint8Array): Result<undefined, DecodeFailure> {
  return decodeWhole(bytes, () => undefined)
}
