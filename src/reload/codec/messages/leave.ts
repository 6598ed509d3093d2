import type { Result } from '../../../common/errors.ts'
import { CHORD_LEAVE, NODE_ID_BYTES_DEFAULT } from '../code-points.ts'
import type { DecodeFailure } from '../decode-failure.ts'
import { nodeIdShape } from '../id-shapes.ts'
import { decodeShape, encodeShape, list, opaque, struct } from '../shape.ts'
import type { Shape } from '../shape.ts'
import type { ChordLeaveData, LeaveReq } from '../types.ts'

/** RFC 6940 s.6.4.2.2; with CHORD-RELOAD the overlay-specific data holds a ChordLeaveData (s.10.9). */
export const leaveReqShape: Shape<LeaveReq> = struct<LeaveReq>('LeaveReq (RFC 6940 s.6.4.2.2)', {
  leavingPeerId: nodeIdShape,
  overlaySpecificData: opaque(2),
})

const nodes = list(2, nodeIdShape)

/** RFC 6940 s.10.9: the sender's successors when it is the receiver's successor, else its predecessors. */
export const chordLeaveDataShape: Shape<ChordLeaveData> = {
  read: (reader, context) => {
    const type = reader.u8()
    // RFC 6940 s.6.3.1.1: not declared extensible, so an unknown selector is a parsing error.
    if (leaveTypeName(type) === undefined) throw reader.error(`ChordLeaveData of type ${type}`)
    return { type, nodes: nodes.read(reader, context) }
  },
  write: (writer, value) => {
    writer.u8(value.type)
    nodes.write(writer, value.nodes)
  },
  print: (tree, label, value) => {
    tree.branch(label, `ChordLeaveData (RFC 6940 s.10.9) ${leaveTypeName(value.type) ?? value.type}`, () => {
      nodes.print(tree, value.type === CHORD_LEAVE.fromSuccessor ? 'successors' : 'predecessors', value.nodes)
    })
  },
}

export function encodeLeaveReq(value: LeaveReq): Uint8Array {
  return encodeShape(leaveReqShape, value)
}

export function decodeLeaveReq(
  bytes: Uint8Array,
  nodeIdLength: number = NODE_ID_BYTES_DEFAULT,
): Result<LeaveReq, DecodeFailure> {
  return decodeShape(leaveReqShape, bytes, nodeIdLength)
}

export function encodeChordLeaveData(value: ChordLeaveData): Uint8Array {
  return encodeShape(chordLeaveDataShape, value)
}

export function decodeChordLeaveData(
  bytes: Uint8Array,
  nodeIdLength: number = NODE_ID_BYTES_DEFAULT,
): Result<ChordLeaveData, DecodeFailure> {
  return decodeShape(chordLeaveDataShape, bytes, nodeIdLength)
}

function leaveTypeName(type: number): string | undefined {
  if (type === CHORD_LEAVE.fromSuccessor) return 'from_succ'
  return type === CHORD_LEAVE.fromPredecessor ? 'from_pred' : undefined
}
