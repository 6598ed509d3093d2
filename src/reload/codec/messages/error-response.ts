import { utf8 } from '../../../common/bytes.ts'
import type { Result } from '../../../common/errors.ts'
import { ERROR_CODE } from '../code-points.ts'
import type { DecodeFailure } from '../decode-failure.ts'
import { kindIdShape } from '../id-shapes.ts'
import type { KindId } from '../ids.ts'
import { errorName } from '../names.ts'
import { decodeShape, encodeShape, list, named, struct, textual, u16 } from '../shape.ts'
import type { Shape } from '../shape.ts'
import type { ErrorResponse } from '../types.ts'

/** What fits behind the one-byte length of the Kind list in Error_Unknown_Kind. */
const UNKNOWN_KINDS_MAX = 63

/** RFC 6940 s.6.3.3.1. */
export const errorResponseShape: Shape<ErrorResponse> = struct<ErrorResponse>(
  'ErrorResponse (RFC 6940 s.6.3.3.1)',
  {
    errorCode: named(u16, errorName),
    errorInfo: textual(2),
  },
)

/** RFC 6940 s.7.4.1.2: error_info of Error_Unknown_Kind. */
export const unknownKindsShape: Shape<readonly KindId[]> = list(1, kindIdShape)

export function encodeErrorResponse(value: ErrorResponse): Uint8Array {
  return encodeShape(errorResponseShape, value)
}

export function decodeErrorResponse(bytes: Uint8Array): Result<ErrorResponse, DecodeFailure> {
  return decodeShape(errorResponseShape, bytes)
}

/** Error_Invalid_Message says in UTF-8 what is wrong (RFC 6940 s.6.3.3.1). */
export function invalidMessage(description: string): ErrorResponse {
  return { errorCode: ERROR_CODE.invalidMessage, errorInfo: utf8(description) }
}

/** error_info of Error_Unknown_Kind; a request can name more Kinds than fit, then the first 63 are told. */
export function encodeUnknownKinds(kinds: readonly KindId[]): Uint8Array {
  return encodeShape(unknownKindsShape, kinds.slice(0, UNKNOWN_KINDS_MAX))
}

export function decodeUnknownKinds(bytes: Uint8Array): Result<readonly KindId[], DecodeFailure> {
  return decodeShape(unknownKindsShape, bytes)
}
