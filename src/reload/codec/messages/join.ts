import type { Result } from '../../../common/errors.ts'
import { NODE_ID_BYTES_DEFAULT } from '../code-points.ts'
import type { DecodeFailure } from '../decode-failure.ts'
import { nodeIdShape } from '../id-shapes.ts'
import { decodeShape, encodeShape, opaque, struct } from '../shape.ts'
import type { Shape } from '../shape.ts'
import type { JoinAns, JoinReq } from '../types.ts'

/** RFC 6940 s.6.4.2.1; CHORD-RELOAD leaves the overlay-specific data empty (s.10.2). */
export const joinReqShape: Shape<JoinReq> = struct<JoinReq>('JoinReq (RFC 6940 s.6.4.2.1)', {
  joiningPeerId: nodeIdShape,
  overlaySpecificData: opaque(2),
})

export const joinAnsShape: Shape<JoinAns> = struct<JoinAns>('JoinAns (RFC 6940 s.6.4.2.1)', {
  overlaySpecificData: opaque(2),
})

export function encodeJoinReq(value: JoinReq): Uint8Array {
  return encodeShape(joinReqShape, value)
}

export function decodeJoinReq(
  bytes: Uint8Array,
  nodeIdLength: number = NODE_ID_BYTES_DEFAULT,
): Result<JoinReq, DecodeFailure> {
  return decodeShape(joinReqShape, bytes, nodeIdLength)
}

export function encodeJoinAns(value: JoinAns): Uint8Array {
  return encodeShape(joinAnsShape, value)
}

export function decodeJoinAns(bytes: Uint8Array): Result<JoinAns, DecodeFailure> {
  return decodeShape(joinAnsShape, bytes)
}
