import type { Result } from '../../../common/errors.ts'
import type { DecodeFailure } from '../decode-failure.ts'
import { decodeShape, encodeShape, opaque, struct, u64 } from '../shape.ts'
import type { Shape } from '../shape.ts'
import type { PingAns, PingReq } from '../types.ts'

/** RFC 6940 s.6.5.3.1. */
export const pingReqShape: Shape<PingReq> = struct<PingReq>('PingReq (RFC 6940 s.6.5.3.1)', {
  padding: opaque(2),
})

/** RFC 6940 s.6.5.3.2; `time` in milliseconds since 1970 UTC. */
export const pingAnsShape: Shape<PingAns> = struct<PingAns>('PingAns (RFC 6940 s.6.5.3.2)', {
  responseId: u64,
  time: u64,
})

export function encodePingReq(value: PingReq): Uint8Array {
  return encodeShape(pingReqShape, value)
}

export function decodePingReq(bytes: Uint8Array): Result<PingReq, DecodeFailure> {
  return decodeShape(pingReqShape, bytes)
}

export function encodePingAns(value: PingAns): Uint8Array {
  return encodeShape(pingAnsShape, value)
}

export function decodePingAns(bytes: Uint8Array): Result<PingAns, DecodeFailure> {
  return decodeShape(pingAnsShape, bytes)
}
