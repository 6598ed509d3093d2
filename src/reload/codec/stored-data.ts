import { appended } from '../../common/appended.ts'
import type { Reader, Writer } from '../../common/bytes.ts'
import type { Result } from '../../common/errors.ts'
import type { DecodeFailure } from './decode-failure.ts'
import { decodeShape, encodePassing, boolean, opaque, readLength, struct } from './shape.ts'
import type { Shape, WireContext } from './shape.ts'
import { signatureShape } from './security-block.ts'
import { kindName } from './names.ts'
import type { KindId } from './ids.ts'
import type { TreePrinter } from './tree-printer.ts'
import type { DataModel, DataValue, StoredData, StoredDataValue } from './types.ts'

const dataValueBytes = opaque(4)

/** RFC 6940 s.7.2: a missing value still has its four length bytes. */
const dataValueShape: Shape<DataValue> = struct<DataValue>('DataValue (RFC 6940 s.7.2)', {
  exists: boolean,
  value: { ...dataValueBytes, print: (tree, label, value) => tree.stored(label, value) },
})

/** RFC 6940 s.7.2.3. */
export const dictionaryKeyShape: Shape<Uint8Array> = opaque(2)

/** What the three data models have in common: a value, in an array behind its index, in a dictionary behind its key. */
export type Modelled<V> =
  | { readonly model: 'single'; readonly value: V }
  | { readonly model: 'array'; readonly index: number; readonly value: V }
  | { readonly model: 'dictionary'; readonly key: Uint8Array; readonly value: V }

/** One shape for each data model; the Kind chooses, the wire never says (RFC 6940 s.7.2). */
export type ByModel<T> = Readonly<Record<DataModel, Shape<T>>>

/** RFC 6940 s.7.2: the entry forms around a DataValue, or around MetaData in a StatAns (s.7.4.3.2). */
export function modelled<V>(entry: Shape<V>): ByModel<Modelled<V>> {
  const read = (reader: Reader, context: WireContext, model: DataModel): Modelled<V> => {
    switch (model) {
      case 'single':
        return { model, value: entry.read(reader, context) }
      case 'array':
        return { model, index: reader.u32(), value: entry.read(reader, context) }
      case 'dictionary':
        return { model, key: dictionaryKeyShape.read(reader, context), value: entry.read(reader, context) }
    }
  }
  return byModel((model) => ({
    read: (reader, context) => read(reader, context, model),
    write: (writer, value) => {
      if (value.model === 'array') writer.u32(value.index)
      if (value.model === 'dictionary') dictionaryKeyShape.write(writer, value.key)
      entry.write(writer, value.value)
    },
    print: (tree, label, value) => {
      if (value.model === 'array') tree.line('index', String(value.index))
      if (value.model === 'dictionary') dictionaryKeyShape.print(tree, 'key', value.key)
      entry.print(tree, label, value.value)
    },
  }))
}

/** Builds one shape a model. */
export function byModel<T>(shape: (model: DataModel) => Shape<T>): ByModel<T> {
  return { single: shape('single'), array: shape('array'), dictionary: shape('dictionary') }
}

const storedDataValueShapes: ByModel<StoredDataValue> = modelled(dataValueShape)

/** RFC 6940 s.7: `length` counts everything after itself. */
export const storedDataShapes: ByModel<StoredData> = byModel((model) => ({
  read: (reader, context) => {
    const inner = reader.sub(reader.u32())
    const data = {
      storageTime: inner.u64(),
      lifetime: inner.u32(),
      value: storedDataValueShapes[model].read(inner, context),
      signature: signatureShape.read(inner, context),
    }
    inner.end()
    return data
  },
  write: (writer, data) => {
    const start = writer.begin(4)
    writer.u64(data.storageTime)
    writer.u32(data.lifetime)
    storedDataValueShapes[model].write(writer, data.value)
    signatureShape.write(writer, data.signature)
    writer.finish(4, start)
  },
  print: (tree, label, data) => {
    tree.branch(label, 'StoredData (RFC 6940 s.7)', () => {
      tree.line('storage_time', `${data.storageTime} ms`)
      tree.line('lifetime', `${data.lifetime} s`)
      storedDataValueShapes[model].print(tree, 'value', data.value)
      signatureShape.print(tree, 'signature', data.signature)
    })
  },
}))

/** The exact bytes a data signature covers in their place (RFC 6940 s.7.1). */
export function writeStoredDataValue(writer: Writer, value: StoredDataValue): void {
  storedDataValueShapes[value.model].write(writer, value)
}

export function decodeStoredDataValue(
  bytes: Uint8Array,
  model: DataModel,
): Result<StoredDataValue, DecodeFailure> {
  return decodeShape(storedDataValueShapes[model], bytes)
}

/** Who keeps the bytes copies them (passing-bytes.ts). */
export function encodeStoredData(data: StoredData): Uint8Array {
  return encodePassing(storedDataShapes[data.value.model], data)
}

export function decodeStoredData(bytes: Uint8Array, model: DataModel): Result<StoredData, DecodeFailure> {
  return decodeShape(storedDataShapes[model], bytes)
}

/** Values of one Kind behind a length: `kind`, a generation counter, `values<0..2^32-1>` (RFC 6940 s.7.4). */
export interface KindValues<V> {
  readonly kind: KindId
  readonly generation: bigint
  readonly values: readonly V[]
}

/**
 * RFC 6940 s.7.2: without a data model the values cannot be read, but their length steps over them; the Kind is noted
 * so that the whole request fails with every such Kind named. `modelOfValue` is asked by the writer.
 */
export function kindValuesShape<V>(
  title: string,
  generationLabel: string,
  shapes: ByModel<V>,
  modelOfValue: (value: V) => DataModel,
): Shape<KindValues<V>> {
  return {
    read: (reader, context) => {
      const kind = reader.u32()
      const generation = reader.u64()
      const inner = reader.sub(readLength(reader, 4))
      const model = context.modelOf(kind)
      let values: V[] | undefined
      if (model === undefined) context.unknownKinds.push(kind)
      else while (inner.remaining > 0) values = appended(values, shapes[model].read(inner, context))
      return { kind, generation, values: values ?? [] }
    },
    write: (writer, entry) => {
      writer.u32(entry.kind)
      writer.u64(entry.generation)
      const start = writer.begin(4)
      for (const value of entry.values) shapes[modelOfValue(value)].write(writer, value)
      writer.finish(4, start)
    },
    print: (tree, label, entry) => {
      tree.branch(label, title, () => {
        tree.line('kind', `0x${entry.kind.toString(16)} ${kindName(entry.kind)}`)
        tree.line(generationLabel, String(entry.generation))
        printValues(tree, entry, shapes, modelOfValue)
      })
    },
  }
}

function printValues<V>(
  tree: TreePrinter,
  entry: KindValues<V>,
  shapes: ByModel<V>,
  modelOfValue: (value: V) => DataModel,
): void {
  tree.kind = entry.kind
  tree.branch('values', entry.values.length === 1 ? '1 entry' : `${entry.values.length} entries`, () => {
    entry.values.forEach((value, i) => shapes[modelOfValue(value)].print(tree, `[${i}]`, value))
  })
  tree.kind = undefined
}
