import type { Result } from '../../../common/errors.ts'
import { NODE_ID_BYTES_DEFAULT } from '../code-points.ts'
import type { DecodeFailure } from '../decode-failure.ts'
import { kindIdShape, nodeIdShape, resourceIdShape } from '../id-shapes.ts'
import { decodeShape, encodePassing, list, struct, u64, u8 } from '../shape.ts'
import type { ModelOf, Shape } from '../shape.ts'
import { kindValuesShape, storedDataShapes, type KindValues } from '../stored-data.ts'
import type { StoreAns, StoredData, StoreKindData, StoreKindResponse, StoreReq } from '../types.ts'

const kindValues = kindValuesShape(
  'StoreKindData (RFC 6940 s.7.4.1.1)',
  'generation_counter',
  storedDataShapes,
  (data) => data.value.model,
)

const storeKindData: Shape<StoreKindData> = {
  read: (reader, context) => {
    const { kind, generation, values } = kindValues.read(reader, context)
    return { kind, generationCounter: generation, values }
  },
  write: (writer, data) => kindValues.write(writer, asKindValues(data)),
  print: (tree, label, data) => kindValues.print(tree, label, asKindValues(data)),
}

function asKindValues({ kind, generationCounter, values }: StoreKindData): KindValues<StoredData> {
  return { kind, generation: generationCounter, values }
}

/** RFC 6940 s.7.4.1.1. */
export const storeReqShape: Shape<StoreReq> = struct<StoreReq>('StoreReq (RFC 6940 s.7.4.1.1)', {
  resource: resourceIdShape,
  replicaNumber: u8,
  kindData: list(4, storeKindData),
})

/** RFC 6940 s.7.4.1.2; the list has a two-byte length, unlike those of Fetch and Stat. */
export const storeAnsShape: Shape<StoreAns> = struct<StoreAns>('StoreAns (RFC 6940 s.7.4.1.2)', {
  kindResponses: list(
    2,
    struct<StoreKindResponse>('StoreKindResponse (RFC 6940 s.7.4.1.2)', {
      kind: kindIdShape,
      generationCounter: u64,
      replicas: list(2, nodeIdShape),
    }),
  ),
})

/** Who keeps the bytes copies them (passing-bytes.ts). */
export function encodeStoreReq(value: StoreReq): Uint8Array {
  return encodePassing(storeReqShape, value)
}

/** Fails with `unknownKinds` set when `modelOf` has no answer for a Kind in an otherwise well-formed request. */
export function decodeStoreReq(
  bytes: Uint8Array,
  modelOf: ModelOf,
  nodeIdLength: number = NODE_ID_BYTES_DEFAULT,
): Result<StoreReq, DecodeFailure> {
  return decodeShape(storeReqShape, bytes, nodeIdLength, modelOf)
}

/** Who keeps the bytes copies them (passing-bytes.ts). */
export function encodeStoreAns(value: StoreAns): Uint8Array {
  return encodePassing(storeAnsShape, value)
}

export function decodeStoreAns(
  bytes: Uint8Array,
  nodeIdLength: number = NODE_ID_BYTES_DEFAULT,
): Result<StoreAns, DecodeFailure> {
  return decodeShape(storeAnsShape, bytes, nodeIdLength)
}
