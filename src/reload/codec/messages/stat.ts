import type { Result } from '../../../common/errors.ts'
import { NODE_ID_BYTES_DEFAULT } from '../code-points.ts'
import type { DecodeFailure } from '../decode-failure.ts'
import { hashName } from '../names.ts'
import { boolean, decodeShape, encodeShape, list, named, opaque, struct, u32, u8 } from '../shape.ts'
import type { ModelOf, Shape } from '../shape.ts'
import { byModel, kindValuesShape, modelled } from '../stored-data.ts'
import type { ByModel } from '../stored-data.ts'
import type { FetchReq, MetaData, StatAns, StoredMetaData } from '../types.ts'
import { decodeFetchReq, encodeFetchReq } from './fetch.ts'

const metaDataShapes = modelled<MetaData>(
  struct<MetaData>('MetaData (RFC 6940 s.7.4.3.2)', {
    exists: boolean,
    valueLength: u32,
    hashAlgorithm: named(u8, hashName),
    hashValue: opaque(1),
  }),
)

/**
 * RFC 6940 s.7.4.3.2 calls its first field value_length and says that it is "the same as the corresponding field in
 * StoredData": the length of what follows. The length of the stored value is in MetaData.
 */
const storedMetaDataShapes: ByModel<StoredMetaData> = byModel((model) => ({
  read: (reader, context) => {
    const inner = reader.sub(reader.u32())
    const data = {
      storageTime: inner.u64(),
      lifetime: inner.u32(),
      metadata: metaDataShapes[model].read(inner, context),
    }
    inner.end()
    return data
  },
  write: (writer, data) => {
    const start = writer.begin(4)
    writer.u64(data.storageTime)
    writer.u32(data.lifetime)
    metaDataShapes[model].write(writer, data.metadata)
    writer.finish(4, start)
  },
  print: (tree, label, data) => {
    tree.branch(label, 'StoredMetaData (RFC 6940 s.7.4.3.2)', () => {
      tree.line('storage_time', `${data.storageTime} ms`)
      tree.line('lifetime', `${data.lifetime} s`)
      metaDataShapes[model].print(tree, 'metadata', data.metadata)
    })
  },
}))

/** RFC 6940 s.7.4.3.2. */
export const statAnsShape: Shape<StatAns> = struct<StatAns>('StatAns (RFC 6940 s.7.4.3.2)', {
  kindResponses: list(
    4,
    kindValuesShape(
      'StatKindResponse (RFC 6940 s.7.4.3.2)',
      'generation',
      storedMetaDataShapes,
      (data) => data.metadata.model,
    ),
  ),
})

/** A StatReq has the layout of a FetchReq (RFC 6940 s.7.4.3.1). */
export function encodeStatReq(value: FetchReq): Uint8Array {
  return encodeFetchReq(value)
}

export function decodeStatReq(
  bytes: Uint8Array,
  modelOf: ModelOf,
  nodeIdLength: number = NODE_ID_BYTES_DEFAULT,
): Result<FetchReq, DecodeFailure> {
  return decodeFetchReq(bytes, modelOf, nodeIdLength)
}

export function encodeStatAns(value: StatAns): Uint8Array {
  return encodeShape(statAnsShape, value)
}

export function decodeStatAns(
  bytes: Uint8Array,
  modelOf: ModelOf,
  nodeIdLength: number = NODE_ID_BYTES_DEFAULT,
): Result<StatAns, DecodeFailure> {
  return decodeShape(statAnsShape, bytes, nodeIdLength, modelOf)
}
