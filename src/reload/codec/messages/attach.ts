import type { Result } from '../../../common/errors.ts'
import type { DecodeFailure } from '../decode-failure.ts'
import { iceCandidates, icePassword, iceText } from '../ice-candidate.ts'
import { boolean, decodeShape, encodeShape, struct } from '../shape.ts'
import type { Shape } from '../shape.ts'
import type { AttachReqAns } from '../types.ts'

/** RFC 6940 s.6.5.1.1 and s.6.5.1.2: request and answer have the same layout. */
export const attachShape: Shape<AttachReqAns> = struct<AttachReqAns>('AttachReqAns (RFC 6940 s.6.5.1.1)', {
  ufrag: iceText,
  password: icePassword,
  role: iceText,
  candidates: iceCandidates,
  sendUpdate: boolean,
})

export function encodeAttachReqAns(value: AttachReqAns): Uint8Array {
  return encodeShape(attachShape, value)
}

export function decodeAttachReqAns(bytes: Uint8Array): Result<AttachReqAns, DecodeFailure> {
  return decodeShape(attachShape, bytes)
}
