import type { Result } from '../../../common/errors.ts'
import type { DecodeFailure } from '../decode-failure.ts'
import { kindIdShape, resourceIdShape } from '../id-shapes.ts'
import { decodeShape, encodeShape, list, struct } from '../shape.ts'
import type { Shape } from '../shape.ts'
import type { FindAns, FindKindData, FindReq } from '../types.ts'

/** RFC 6940 s.7.4.4.1; the one-byte length leaves room for 63 Kinds. */
export const findReqShape: Shape<FindReq> = struct<FindReq>('FindReq (RFC 6940 s.7.4.4.1)', {
  resource: resourceIdShape,
  kinds: list(1, kindIdShape),
})

/** RFC 6940 s.7.4.4.2; "Resource-ID 0" for nothing found comes empty or as zero bytes. */
export const findAnsShape: Shape<FindAns> = struct<FindAns>('FindAns (RFC 6940 s.7.4.4.2)', {
  results: list(
    2,
    struct<FindKindData>('FindKindData (RFC 6940 s.7.4.4.2)', {
      kind: kindIdShape,
      closest: resourceIdShape,
    }),
  ),
})

export function encodeFindReq(value: FindReq): Uint8Array {
  return encodeShape(findReqShape, value)
}

export function decodeFindReq(bytes: Uint8Array): Result<FindReq, DecodeFailure> {
  return decodeShape(findReqShape, bytes)
}

export function encodeFindAns(value: FindAns): Uint8Array {
  return encodeShape(findAnsShape, value)
}

export function decodeFindAns(bytes: Uint8Array): Result<FindAns, DecodeFailure> {
  return decodeShape(findAnsShape, bytes)
}
