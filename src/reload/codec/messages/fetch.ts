import type { Reader, Writer } from '../../../common/bytes.ts'
import type { Result } from '../../../common/errors.ts'
import { ARRAY_INDEX_LAST, NODE_ID_BYTES_DEFAULT } from '../code-points.ts'
import type { DecodeFailure } from '../decode-failure.ts'
import { kindIdShape, resourceIdShape } from '../id-shapes.ts'
import { decodeShape, encodePassing, encodeShape, list, struct } from '../shape.ts'
import type { ModelOf, Shape, WireContext } from '../shape.ts'
import { dictionaryKeyShape, kindValuesShape, storedDataShapes } from '../stored-data.ts'
import type { TreePrinter } from '../tree-printer.ts'
import type { ArrayRange, DataModel, FetchAns, FetchReq, StoredDataSpecifier } from '../types.ts'

type Selector = StoredDataSpecifier['selector']

/** RFC 6940 s.7.4.2.1: declared signed there, but 0xffffffff is the last element, so both ends are unsigned. */
const arrayRange: Shape<ArrayRange> = {
  read: (reader) => {
    const range = { first: reader.u32(), last: reader.u32() }
    if (range.first > range.last) throw reader.error('an array range that ends before it begins')
    return range
  },
  write: (writer, range) => {
    writer.u32(range.first)
    writer.u32(range.last)
  },
  print: (tree, label, range) => tree.line(label, `${indexText(range.first)} to ${indexText(range.last)}`),
}

const indices = list(2, arrayRange)
const keys = list(2, dictionaryKeyShape)

/** RFC 6940 s.7.4.2.1: a specifier of a Kind without a data model is stepped over by its length and noted. */
export const storedDataSpecifierShape: Shape<StoredDataSpecifier> = {
  read: (reader, context) => {
    const kind = reader.u32()
    const generation = reader.u64()
    const inner = reader.sub(reader.u16())
    const model = context.modelOf(kind)
    if (model === undefined) {
      context.unknownKinds.push(kind)
      return { kind, generation, selector: { model: 'single' } }
    }
    const selector = readSelector(inner, context, model)
    inner.end()
    return { kind, generation, selector }
  },
  write: (writer, value) => {
    writer.u32(value.kind)
    writer.u64(value.generation)
    const start = writer.begin(2)
    writeSelector(writer, value.selector)
    writer.finish(2, start)
  },
  print: (tree, label, value) => {
    tree.branch(label, 'StoredDataSpecifier (RFC 6940 s.7.4.2.1)', () => {
      kindIdShape.print(tree, 'kind', value.kind)
      tree.line('generation', String(value.generation))
      printSelector(tree, value.selector)
    })
  },
}

/** RFC 6940 s.7.4.2.1 and s.7.4.3.1: Fetch and Stat ask in the same words. */
export const fetchReqShape: Shape<FetchReq> = struct<FetchReq>(
  'FetchReq, StatReq (RFC 6940 s.7.4.2.1, s.7.4.3.1)',
  {
    resource: resourceIdShape,
    specifiers: list(2, storedDataSpecifierShape),
  },
)

/** RFC 6940 s.7.4.2.2. */
export const fetchAnsShape: Shape<FetchAns> = struct<FetchAns>('FetchAns (RFC 6940 s.7.4.2.2)', {
  kindResponses: list(
    4,
    kindValuesShape(
      'FetchKindResponse (RFC 6940 s.7.4.2.2)',
      'generation',
      storedDataShapes,
      (data) => data.value.model,
    ),
  ),
})

export function encodeFetchReq(value: FetchReq): Uint8Array {
  return encodePassing(fetchReqShape, value)
}

/** Fails with `unknownKinds` set when `modelOf` has no answer for a Kind in an otherwise well-formed request. */
export function decodeFetchReq(
  bytes: Uint8Array,
  modelOf: ModelOf,
  nodeIdLength: number = NODE_ID_BYTES_DEFAULT,
): Result<FetchReq, DecodeFailure> {
  return decodeShape(fetchReqShape, bytes, nodeIdLength, modelOf)
}

export function encodeFetchAns(value: FetchAns): Uint8Array {
  return encodePassing(fetchAnsShape, value)
}

export function decodeFetchAns(
  bytes: Uint8Array,
  modelOf: ModelOf,
  nodeIdLength: number = NODE_ID_BYTES_DEFAULT,
): Result<FetchAns, DecodeFailure> {
  return decodeShape(fetchAnsShape, bytes, nodeIdLength, modelOf)
}

/** One specifier by itself, as the last part of a reload URI (RFC 6940 s.14.15). */
export function encodeStoredDataSpecifier(value: StoredDataSpecifier): Uint8Array {
  return encodeShape(storedDataSpecifierShape, value)
}

export function decodeStoredDataSpecifier(
  bytes: Uint8Array,
  modelOf: ModelOf,
): Result<StoredDataSpecifier, DecodeFailure> {
  return decodeShape(storedDataSpecifierShape, bytes, NODE_ID_BYTES_DEFAULT, modelOf)
}

function readSelector(reader: Reader, context: WireContext, model: DataModel): Selector {
  switch (model) {
    case 'single':
      return { model }
    case 'array':
      return { model, indices: indices.read(reader, context) }
    case 'dictionary':
      return { model, keys: keys.read(reader, context) }
  }
}

function writeSelector(writer: Writer, selector: Selector): void {
  switch (selector.model) {
    case 'single':
      return
    case 'array':
      indices.write(writer, selector.indices)
      return
    case 'dictionary':
      keys.write(writer, selector.keys)
  }
}

function printSelector(tree: TreePrinter, selector: Selector): void {
  if (selector.model === 'single') tree.line('model_specifier', 'single value')
  else if (selector.model === 'array') indices.print(tree, 'indices', selector.indices)
  else if (selector.keys.length === 0) tree.line('keys', 'all (wildcard)')
  else keys.print(tree, 'keys', selector.keys)
}

function indexText(index: number): string {
  return index === ARRAY_INDEX_LAST ? 'last' : String(index)
}
