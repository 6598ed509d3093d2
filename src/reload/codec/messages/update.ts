import type { Result } from '../../../common/errors.ts'
import { NODE_ID_BYTES_DEFAULT } from '../code-points.ts'
import type { DecodeFailure } from '../decode-failure.ts'
import { nodeIdShape } from '../id-shapes.ts'
import { decodeShape, encodeShape, list } from '../shape.ts'
import type { Shape } from '../shape.ts'
import type { ChordUpdate } from '../types.ts'

const TYPE = { peerReady: 1, neighbors: 2, full: 3 } as const
const nodes = list(2, nodeIdShape)

/** RFC 6940 s.10.7: the whole body of an UpdateReq, without a length of its own. */
export const chordUpdateShape: Shape<ChordUpdate> = {
  read: (reader, context) => {
    const uptime = reader.u32()
    const type = reader.u8()
    if (type === TYPE.peerReady) return { kind: 'peerReady', uptime }
    // RFC 6940 s.6.3.1.1: not declared extensible, so an unknown selector is a parsing error.
    if (type !== TYPE.neighbors && type !== TYPE.full) throw reader.error(`a ChordUpdate of type ${type}`)
    const predecessors = nodes.read(reader, context)
    const successors = nodes.read(reader, context)
    if (type === TYPE.neighbors) return { kind: 'neighbors', uptime, predecessors, successors }
    return { kind: 'full', uptime, predecessors, successors, fingers: nodes.read(reader, context) }
  },
  write: (writer, value) => {
    writer.u32(value.uptime)
    writer.u8(TYPE[value.kind])
    if (value.kind === 'peerReady') return
    nodes.write(writer, value.predecessors)
    nodes.write(writer, value.successors)
    if (value.kind === 'full') nodes.write(writer, value.fingers)
  },
  print: (tree, label, value) => {
    tree.branch(label, 'ChordUpdate (RFC 6940 s.10.7)', () => {
      tree.line('uptime', `${value.uptime} s`)
      tree.line('type', value.kind === 'peerReady' ? 'peer_ready' : value.kind)
      if (value.kind === 'peerReady') return
      nodes.print(tree, 'predecessors', value.predecessors)
      nodes.print(tree, 'successors', value.successors)
      if (value.kind === 'full') nodes.print(tree, 'fingers', value.fingers)
    })
  },
}

export function encodeChordUpdate(value: ChordUpdate): Uint8Array {
  return encodeShape(chordUpdateShape, value)
}

export function decodeChordUpdate(
  bytes: Uint8Array,
  nodeIdLength: number = NODE_ID_BYTES_DEFAULT,
): Result<ChordUpdate, DecodeFailure> {
  return decodeShape(chordUpdateShape, bytes, nodeIdLength)
}
