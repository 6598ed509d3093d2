import { DecodeError, Reader } from '../../common/bytes.ts'
import { fail, ok } from '../../common/errors.ts'
import type { Result } from '../../common/errors.ts'
import type { KindId } from './ids.ts'

/** Why bytes are not what they should be. RFC 6940 s.6.3.1.1: such a message is dropped without an answer. */
export interface DecodeFailure {
  readonly reason: string
  /** Byte offset in the decoded input where reading stopped. */
  readonly offset: number
  /**
   * Set when the only fault is Kinds without a known data model: the rest was well-formed and Error_Unknown_Kind
   * can name them (RFC 6940 s.7.4.1.1). Each Kind-ID once.
   */
  readonly unknownKinds?: readonly KindId[]
}

/** Thrown inside a decoder when everything but the data model of some Kinds is known. */
export class UnknownKinds extends DecodeError {
  readonly kinds: readonly KindId[]

  constructor(kinds: readonly KindId[], offset: number) {
    super(`no data model for Kind-ID ${kinds.map((kind) => `0x${kind.toString(16)}`).join(', ')}`, offset)
    this.name = 'UnknownKinds'
    this.kinds = kinds
  }
}

/** The decode edge: runs `read` over all of `bytes` and turns its DecodeError into a failure. */
export function decodeWhole<T>(bytes: Uint8Array, read: (reader: Reader) => T): Result<T, DecodeFailure> {
  const reader = new Reader(bytes)
  try {
    const value = read(reader)
    reader.end()
    return ok(value)
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    const failure = { reason: error.message, offset: error.offset }
    return fail(error instanceof UnknownKinds ? { ...failure, unknownKinds: error.kinds } : failure)
  }
}
