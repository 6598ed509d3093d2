import type { Result } from '../../../common/errors.ts'
import type { DecodeFailure } from '../decode-failure.ts'
import { iceCandidates, icePassword, iceText } from '../ice-candidate.ts'
import { applicationName } from '../names.ts'
import { decodeShape, encodeShape, named, struct, u16 } from '../shape.ts'
import type { Shape } from '../shape.ts'
import type { AppAttachReqAns } from '../types.ts'

/** RFC 6940 s.6.5.2.1 and s.6.5.2.2: as Attach with the application's port, and without send_update. */
export const appAttachShape: Shape<AppAttachReqAns> = struct<AppAttachReqAns>(
  'AppAttachReq, AppAttachAns (RFC 6940 s.6.5.2)',
  {
    ufrag: iceText,
    password: icePassword,
    application: named(u16, applicationName),
    role: iceText,
    candidates: iceCandidates,
  },
)

export function encodeAppAttachReqAns(value: AppAttachReqAns): Uint8Array {
  return encodeShape(appAttachShape, value)
}

export function decodeAppAttachReqAns(bytes: Uint8Array): Result<AppAttachReqAns, DecodeFailure> {
  return decodeShape(appAttachShape, bytes)
}
