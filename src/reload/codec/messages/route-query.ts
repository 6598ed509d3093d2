import type { Result } from '../../../common/errors.ts'
import { NODE_ID_BYTES_DEFAULT } from '../code-points.ts'
import type { DecodeFailure } from '../decode-failure.ts'
import { destinationShape } from '../destination.ts'
import { nodeIdShape } from '../id-shapes.ts'
import { boolean, decodeShape, encodeShape, opaque, struct } from '../shape.ts'
import type { Shape } from '../shape.ts'
import type { ChordRouteQueryAns, RouteQueryReq } from '../types.ts'

/** RFC 6940 s.6.4.2.4.1; CHORD-RELOAD leaves the overlay-specific data empty. */
export const routeQueryReqShape: Shape<RouteQueryReq> = struct<RouteQueryReq>(
  'RouteQueryReq (RFC 6940 s.6.4.2.4.1)',
  {
    sendUpdate: boolean,
    destination: destinationShape,
    overlaySpecificData: opaque(2),
  },
)

/** RFC 6940 s.10.8: the whole body of a RouteQueryAns. */
export const chordRouteQueryAnsShape: Shape<ChordRouteQueryAns> = struct<ChordRouteQueryAns>(
  'ChordRouteQueryAns (RFC 6940 s.10.8)',
  { nextPeer: nodeIdShape },
)

export function encodeRouteQueryReq(value: RouteQueryReq): Uint8Array {
  return encodeShape(routeQueryReqShape, value)
}

export function decodeRouteQueryReq(
  bytes: Uint8Array,
  nodeIdLength: number = NODE_ID_BYTES_DEFAULT,
): Result<RouteQueryReq, DecodeFailure> {
  return decodeShape(routeQueryReqShape, bytes, nodeIdLength)
}

export function encodeChordRouteQueryAns(value: ChordRouteQueryAns): Uint8Array {
  return encodeShape(chordRouteQueryAnsShape, value)
}

export function decodeChordRouteQueryAns(
  bytes: Uint8Array,
  nodeIdLength: number = NODE_ID_BYTES_DEFAULT,
): Result<ChordRouteQueryAns, DecodeFailure> {
  return decodeShape(chordRouteQueryAnsShape, bytes, nodeIdLength)
}
