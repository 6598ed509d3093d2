/**
 * One description of a wire structure gives its reader, its writer and its printer (RFC 6940 s.6.3.1). Structures are
 * read into sub-readers that cannot see past their length, so decoding is bounded by construction.
 */
import { appended } from '../../common/appended.ts'
import { Writer } from '../../common/bytes.ts'
import type { Reader } from '../../common/bytes.ts'
import type { Result } from '../../common/errors.ts'
import { decodeWhole, UnknownKinds } from './decode-failure.ts'
import type { DecodeFailure } from './decode-failure.ts'
import type { KindId } from './ids.ts'
import { NODE_ID_BYTES_DEFAULT } from './code-points.ts'
import { hexText, rfcName } from './tree-printer.ts'
import type { TreePrinter } from './tree-printer.ts'
import type { DataModel } from './types.ts'

/** The data model of a Kind, or undefined when the Kind is not known here (RFC 6940 s.7.2). */
export type ModelOf = (kind: KindId) => DataModel | undefined

/** What the wire does not say about itself. */
export interface WireContext {
  readonly nodeIdLength: number
  readonly modelOf: ModelOf
  /** Filled by readers that had to skip values of a Kind without a model. */
  readonly unknownKinds: KindId[]
}

export interface Shape<T> {
  readonly read: (reader: Reader, context: WireContext) => T
  readonly write: (writer: Writer, value: T) => void
  readonly print: (tree: TreePrinter, label: string, value: T) => void
}

/** Decodes all of `bytes`; never throws on any input. */
export function decodeShape<T>(
  shape: Shape<T>,
  bytes: Uint8Array,
  nodeIdLength: number = NODE_ID_BYTES_DEFAULT,
  modelOf: ModelOf = noModel,
): Result<T, DecodeFailure> {
  return decodeWhole(bytes, (reader) => {
    const unknownKinds: KindId[] = []
    const value = shape.read(reader, { nodeIdLength, modelOf, unknownKinds })
    if (unknownKinds.length > 0 && reader.remaining === 0)
      throw new UnknownKinds([...new Set(unknownKinds)], reader.offset)
    return value
  })
}

/** Throws RangeError when a field is too long for its length prefix: our own fault, never the wire's. */
export function encodeShape<T>(shape: Shape<T>, value: T): Uint8Array {
  const writer = new Writer()
  shape.write(writer, value)
  return writer.done()
}

/** The same for bytes that nobody keeps (passing-bytes.ts). */
export function encodePassing<T>(shape: Shape<T>, value: T): Uint8Array {
  const writer = new Writer()
  shape.write(writer, value)
  return writer.donePassing()
}

/** Fields in wire order. `title` is the RFC's name of the structure and its section. */
export function struct<T extends object>(
  title: string,
  fields: { readonly [K in keyof T]-?: Shape<T[K]> },
): Shape<T> {
  const names = Object.keys(fields) as (keyof T & string)[]
  const shapes = names.map((name) => fields[name] as Shape<unknown>)
  const labels = names.map((name) => rfcName(name))
  return {
    read: (reader, context) => {
      const value: Record<string, unknown> = {}
      for (let i = 0; i < names.length; i++) {
        value[names[i] as string] = (shapes[i] as Shape<unknown>).read(reader, context)
      }
      return value as T
    },
    write: (writer, value) => {
      for (let i = 0; i < names.length; i++) {
        ;(shapes[i] as Shape<unknown>).write(writer, value[names[i] as keyof T])
      }
    },
    print: (tree, label, value) => {
      tree.branch(label, title, () => {
        names.forEach((name, i) => fields[name].print(tree, labels[i] ?? name, value[name]))
      })
    },
  }
}

/** Elements behind a length in bytes, which must end on an element boundary (RFC 6940 s.6.3.1). */
export function list<T>(width: 1 | 2 | 3 | 4, element: Shape<T>): Shape<readonly T[]> {
  return {
    read: (reader, context) => {
      const inner = reader.sub(readLength(reader, width))
      let values: T[] | undefined
      while (inner.remaining > 0) values = appended(values, element.read(inner, context))
      return values ?? []
    },
    write: (writer, values) => {
      const start = writer.begin(width)
      for (const value of values) element.write(writer, value)
      writer.finish(width, start)
    },
    print: (tree, label, values) => {
      tree.branch(label, values.length === 1 ? '1 entry' : `${values.length} entries`, () => {
        values.forEach((value, i) => element.print(tree, `[${i}]`, value))
      })
    },
  }
}

/** Bytes behind a length of `width` bytes. */
export function opaque(width: 1 | 2 | 3 | 4): Shape<Uint8Array> {
  return {
    read: (reader) => reader.bytes(readLength(reader, width)),
    write: (writer, value) => {
      writer.prefixed(width, value)
    },
    print: (tree, label, value) => tree.line(label, hexText(value)),
  }
}

/** As `opaque`, printed as text where it is printable ASCII. */
export function textual(width: 1 | 2): Shape<Uint8Array> {
  const shape = opaque(width)
  return { ...shape, print: (tree, label, value) => tree.line(label, asciiText(value) ?? hexText(value)) }
}

/** The same bytes on the wire, with `name` of the number beside it in the dump. */
export function named(shape: Shape<number>, name: (value: number) => string | undefined): Shape<number> {
  return {
    ...shape,
    print: (tree, label, value) =>
      tree.line(label, `${value} (0x${value.toString(16)} ${name(value) ?? 'unknown'})`),
  }
}

export const u8: Shape<number> = {
  read: (reader) => reader.u8(),
  write: (writer, value) => writer.u8(value),
  print: printValue,
}
export const u16: Shape<number> = {
  read: (reader) => reader.u16(),
  write: (writer, value) => writer.u16(value),
  print: printValue,
}
export const u32: Shape<number> = {
  read: (reader) => reader.u32(),
  write: (writer, value) => writer.u32(value),
  print: printValue,
}
export const u64: Shape<bigint> = {
  read: (reader) => reader.u64(),
  write: (writer, value) => writer.u64(value),
  print: printValue,
}

/** RFC 6940 s.6.3.1.1: one byte, 0 or 1 and nothing else. */
export const boolean: Shape<boolean> = {
  read: (reader) => {
    const value = reader.u8()
    if (value > 1) throw reader.error(`a Boolean of ${value}`)
    return value === 1
  },
  write: (writer, value) => writer.u8(value ? 1 : 0),
  print: printValue,
}

export function readLength(reader: Reader, width: 1 | 2 | 3 | 4): number {
  switch (width) {
    case 1:
      return reader.u8()
    case 2:
      return reader.u16()
    case 3:
      return reader.u24()
    case 4:
      return reader.u32()
  }
}

function printValue(tree: TreePrinter, label: string, value: number | bigint | boolean): void {
  tree.line(label, String(value))
}

function asciiText(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return undefined
  for (const byte of bytes) if (byte < 0x20 || byte > 0x7e) return undefined
  return JSON.stringify(String.fromCharCode(...bytes.subarray(0, 1024)))
}

function noModel(): undefined {
  return undefined
}
