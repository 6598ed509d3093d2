import { invariant } from '../../common/assert.ts'
import type { Reader, Writer } from '../../common/bytes.ts'
import { kindName } from './names.ts'
import { asNodeId, asResourceId, isWildcard, isZero, key } from './ids.ts'
import type { KindId, NodeId, ResourceId } from './ids.ts'
import { opaque } from './shape.ts'
import type { Shape } from './shape.ts'

/** RFC 6940 s.6.3.1.1: content of a ResourceId, although its length byte could say 255. */
const RESOURCE_ID_BYTES_MAX = 254

/** RFC 6940 s.3: all zeros never appears on the wire; the wildcard (all ones) may. */
export function readNodeId(reader: Reader, nodeIdLength: number): NodeId {
  const id = reader.bytes(nodeIdLength)
  if (isZero(id)) throw reader.error('an all-zero Node-ID')
  return asNodeId(id)
}

export function writeNodeId(writer: Writer, id: NodeId): void {
  invariant(id.length >= 16 && id.length <= 20 && !isZero(id), 'only real Node-IDs are written')
  writer.bytes(id)
}

/**
 * The Node-ID of a node, not of "whichever gets this": the wildcard only makes sense as a destination
 * (RFC 6940 s.3), and as a neighbor or replica it would poison a table.
 */
export const nodeIdShape: Shape<NodeId> = {
  read: (reader, context) => {
    const id = readNodeId(reader, context.nodeIdLength)
    if (isWildcard(id)) throw reader.error('the wildcard Node-ID where a node is named')
    return id
  },
  write: writeNodeId,
  print: (tree, label, value) => tree.line(label, `Node-ID ${key(value)}`),
}

const resourceBytes = opaque(1)

export const resourceIdShape: Shape<ResourceId> = {
  read: (reader, context) => {
    const id = resourceBytes.read(reader, context)
    if (id.length > RESOURCE_ID_BYTES_MAX) throw reader.error(`a Resource-ID of ${id.length} bytes`)
    return asResourceId(id)
  },
  write: (writer, value) => {
    if (value.length > RESOURCE_ID_BYTES_MAX) throw new RangeError(`a Resource-ID of ${value.length} bytes`)
    resourceBytes.write(writer, value)
  },
  print: (tree, label, value) => tree.line(label, `Resource-ID ${key(value)}`),
}

export const kindIdShape: Shape<KindId> = {
  read: (reader) => reader.u32(),
  write: (writer, value) => writer.u32(value),
  print: (tree, label, value) => tree.line(label, `0x${value.toString(16)} ${kindName(value)}`),
}
