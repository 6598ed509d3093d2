import type { Result } from '../../common/errors.ts'
import type { DecodeFailure } from './decode-failure.ts'
import { methodName } from './names.ts'
import { boolean, decodeShape, encodePassing, list, named, opaque, struct, u16 } from './shape.ts'
import type { Shape } from './shape.ts'
import type { MessageContents, MessageExtension } from './types.ts'

/** RFC 6940 s.6.3.3; the registry's text says 8 bits for the type, the structure 16: the structure wins. */
export const messageExtensionsShape: Shape<readonly MessageExtension[]> = list(
  4,
  struct<MessageExtension>('MessageExtension (RFC 6940 s.6.3.3)', {
    type: u16,
    critical: boolean,
    contents: opaque(4),
  }),
)

/** RFC 6940 s.6.3.3; all three lengths count bytes in four bytes. */
export const messageContentsShape: Shape<MessageContents> = struct<MessageContents>(
  'MessageContents (RFC 6940 s.6.3.3)',
  {
    messageCode: named(u16, methodName),
    body: opaque(4),
    extensions: messageExtensionsShape,
  },
)

/** The exact bytes that the message signature covers (RFC 6940 s.6.3.4); who keeps them copies them (passing-bytes.ts). */
export function encodeContents(contents: MessageContents): Uint8Array {
  return encodePassing(messageContentsShape, contents)
}

export function decodeContents(bytes: Uint8Array): Result<MessageContents, DecodeFailure> {
  return decodeShape(messageContentsShape, bytes)
}
