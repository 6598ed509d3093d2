import { appended } from '../../common/appended.ts'
import { invariant } from '../../common/assert.ts'
import { Writer } from '../../common/bytes.ts'
import type { Reader } from '../../common/bytes.ts'
import type { Result } from '../../common/errors.ts'
import { DESTINATION_TYPE, NODE_ID_BYTES_DEFAULT } from './code-points.ts'
import { decodeWhole } from './decode-failure.ts'
import type { DecodeFailure } from './decode-failure.ts'
import { readNodeId, writeNodeId } from './id-shapes.ts'
import { asResourceId, isWildcard, key } from './ids.ts'
import type { Shape } from './shape.ts'
import { hexText } from './tree-printer.ts'
import type { Destination } from './types.ts'

/** Where a list of Destinations stands; the two have different rules (RFC 6940 s.6.3.2.2). */
export type DestinationListRole = 'destination' | 'via'

/** RFC 6940 s.6.3.2.2. A type from 4 to 127 is stepped over by its length and kept raw. */
export function readDestination(reader: Reader, nodeIdLength: number): Destination {
  const first = reader.u8()
  // RFC 6940 s.6.3.2.2: top bit 1 is the two-byte form, and those two bytes, top bit included, are the opaque id.
  if (first >= 0x80) return { kind: 'opaque', id: Uint8Array.of(first, reader.u8()), short: true }
  const data = reader.sub(reader.u8())
  const destination = readDestinationData(first, data, nodeIdLength)
  data.end()
  return destination
}

function readDestinationData(type: number, data: Reader, nodeIdLength: number): Destination {
  switch (type) {
    case 0:
      throw data.error('a Destination of type 0')
    case DESTINATION_TYPE.node:
      return { kind: 'node', nodeId: readNodeId(data, nodeIdLength) }
    case DESTINATION_TYPE.resource:
      return { kind: 'resource', resourceId: asResourceId(data.bytes(data.u8())) }
    case DESTINATION_TYPE.opaque:
      return { kind: 'opaque', id: data.bytes(data.u8()), short: false }
    default:
      return { kind: 'unknown', type, data: data.bytes(data.remaining) }
  }
}

export function writeDestination(writer: Writer, destination: Destination): void {
  switch (destination.kind) {
    case 'node':
      writer.u8(DESTINATION_TYPE.node)
      writer.u8(destination.nodeId.length)
      writeNodeId(writer, destination.nodeId)
      return
    case 'resource':
      writer.u8(DESTINATION_TYPE.resource)
      writeInner(writer, destination.resourceId)
      return
    case 'opaque':
      if (destination.short) {
        invariant(
          destination.id.length === 2 && (destination.id[0] ?? 0) >= 0x80,
          'a short id has its top bit',
        )
        writer.bytes(destination.id)
        return
      }
      writer.u8(DESTINATION_TYPE.opaque)
      writeInner(writer, destination.id)
      return
    case 'unknown':
      invariant(
        destination.type > 3 && destination.type < 0x80,
        'Destination types 128 to 255 are never sent',
      )
      if (destination.data.length > 255)
        throw new RangeError(`a Destination of ${destination.data.length} bytes`)
      writer.u8(destination.type)
      writer.u8(destination.data.length)
      writer.bytes(destination.data)
  }
}

/** The id with a length of its own inside the Destination's length: 02 11 10 and 16 bytes for a Resource-ID. */
function writeInner(writer: Writer, id: Uint8Array): void {
  if (id.length > 254) throw new RangeError(`an id of ${id.length} bytes in a Destination`)
  writer.u8(id.length + 1)
  writer.u8(id.length)
  writer.bytes(id)
}

/** Reads Destinations until the reader is used up, with the rules of the list they stand in. */
export function readDestinationList(
  reader: Reader,
  nodeIdLength: number,
  role: DestinationListRole,
): Destination[] {
  let destinations: Destination[] | undefined
  while (reader.remaining > 0) {
    const destination = readDestination(reader, nodeIdLength)
    // RFC 6940 s.6.3.2.2: a resource cannot be routed through, so it ends a destination list and no via list has one.
    if (destination.kind === 'resource' && (role === 'via' || reader.remaining > 0)) {
      throw reader.error('a resource that is not the last destination')
    }
    // RFC 6940 s.3: the wildcard addresses a node; what a message came through is always a particular one.
    if (role === 'via' && destination.kind === 'node' && isWildcard(destination.nodeId)) {
      throw reader.error('the wildcard Node-ID in a via list')
    }
    destinations = appended(destinations, destination)
  }
  return destinations ?? []
}

export function encodeDestination(destination: Destination): Uint8Array {
  return encodeDestinations([destination])
}

/** The Destinations one after another, without an outer length (as in headers and reload URIs). */
export function encodeDestinations(destinations: readonly Destination[]): Uint8Array {
  const writer = new Writer()
  for (const destination of destinations) writeDestination(writer, destination)
  return writer.done()
}

/** Opposite of `encodeDestinations`; checks the rules of the list it is for. */
export function decodeDestinations(
  bytes: Uint8Array,
  nodeIdLength: number = NODE_ID_BYTES_DEFAULT,
  role: DestinationListRole = 'destination',
): Result<Destination[], DecodeFailure> {
  return decodeWhole(bytes, (reader) => readDestinationList(reader, nodeIdLength, role))
}

/** Display form of a Destination. */
export function destinationText(destination: Destination): string {
  switch (destination.kind) {
    case 'node':
      return isWildcard(destination.nodeId) ? 'wildcard Node-ID' : `Node-ID ${key(destination.nodeId)}`
    case 'resource':
      return `Resource-ID ${key(destination.resourceId)}`
    case 'opaque':
      return `${destination.short ? 'short ' : ''}opaque id ${hexText(destination.id)}`
    case 'unknown':
      return `unknown type ${destination.type} ${hexText(destination.data)}`
  }
}

/** One Destination as a field of a message body. */
export const destinationShape: Shape<Destination> = {
  read: (reader, context) => readDestination(reader, context.nodeIdLength),
  write: writeDestination,
  print: (tree, label, value) => tree.line(label, destinationText(value)),
}
