import { invariant } from '../../common/assert.ts'
import { Writer } from '../../common/bytes.ts'
import type { Result } from '../../common/errors.ts'
import { FRAGMENT, NODE_ID_BYTES_DEFAULT } from './code-points.ts'
import { decodeWhole } from './decode-failure.ts'
import type { DecodeFailure } from './decode-failure.ts'
import { readForwardingHeader, writeForwardingHeader } from './forwarding-header.ts'
import type { NewHeader } from './forwarding-header.ts'
import { HEADER_AT } from './header-fields.ts'
import { messageContentsShape } from './message-contents.ts'
import { securityBlockShape, writeSecurityBlock } from './security-block.ts'
import type { WireContext } from './shape.ts'
import type { Message, SecurityBlock } from './types.ts'

/**
 * Reads a whole message: ForwardingHeader, MessageContents, SecurityBlock and nothing else (RFC 6940 s.6.3). One
 * fragment of several fails: link/ puts those together first. Byte fields are views on `bytes`.
 */
export function decodeMessage(
  bytes: Uint8Array,
  nodeIdLength: number = NODE_ID_BYTES_DEFAULT,
): Result<Message, DecodeFailure> {
  return decodeWhole(bytes, (reader) => {
    const header = readForwardingHeader(reader, nodeIdLength)
    // RFC 6940 s.6.3.2: the length field counts this message and agrees with what the link delivered.
    if (header.length !== bytes.length) throw reader.error(`a length field of ${header.length} bytes`)
    if (!isWhole(header.fragment)) throw reader.error('a fragment where a whole message is wanted')
    const context: WireContext = { nodeIdLength, modelOf: () => undefined, unknownKinds: [] }
    const contentsStart = reader.offset
    const contents = messageContentsShape.read(reader, context)
    const contentsBytes = bytes.subarray(contentsStart, reader.offset)
    return { header, contents, security: securityBlockShape.read(reader, context), contentsBytes }
  })
}

/** `contentsBytes` are those that were signed (`encodeContents`); they are copied as they are. */
export function encodeMessage(
  header: NewHeader,
  contentsBytes: Uint8Array,
  security: SecurityBlock,
): Uint8Array {
  invariant(isWhole(header.fragment), 'a whole message says so in its fragment field')
  const writer = new Writer()
  writeForwardingHeader(writer, header)
  writer.bytes(contentsBytes)
  writeSecurityBlock(writer, security)
  writer.overwrite(HEADER_AT.length, 4, writer.length)
  return writer.donePassing()
}

/** RFC 6940 s.6.3.2: the high bit always, the last bit, and no offset; the reserved bits are let be. */
function isWhole(fragment: number): boolean {
  return (
    fragment >= FRAGMENT.always && (fragment & FRAGMENT.last) !== 0 && (fragment & FRAGMENT.offsetMask) === 0
  )
}
