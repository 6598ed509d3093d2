import { fail, ok, type Result } from '../../common/errors.ts'
import { isWildcard, isZero, sameId, type NodeId } from '../codec/index.ts'

/** Why a handshake gives no usable identity. */
export type IdentifyFault =
  /** The channel is not in the table (any more), or was identified before. */
  | 'unknownChannel'
  /** Certificates without a usable Node-ID. */
  | 'noNodeId'
  /** Several Node-IDs and no Attach that says which one is meant. */
  | 'ambiguousNodeId'
  /** Not the node that signed the Attach. */
  | 'wrongNode'
  /** Our own Node-ID. */
  | 'ownNodeId'
  /** The node has CONNECTIONS_PER_NODE_MAX links already, all of them in use. */
  | 'tooManyLinks'

/** What the log says of each. */
export const IDENTIFY_REASONS: Readonly<Record<IdentifyFault, string>> = {
  unknownChannel: 'the link is not awaited any more',
  noNodeId: 'the certificate of the far end has no usable Node-ID',
  ambiguousNodeId: 'the certificate of the far end has several Node-IDs',
  wrongNode: 'the far end is not the node that was asked for',
  ownNodeId:
    'the far end has the Node-ID of this node: it is this very node, or another one runs with a copy of its data folder',
  tooManyLinks: 'the node at the far end has too many links already',
}

/**
 * Which Node-ID a handshake proved. RFC 6940 s.6.5.1.13: it has to be the one that signed the Attach (`expected`). Where
 * no Attach named one, a certificate with several does not say which is meant, so only a single one will do.
 */
export function provedNodeId(
  own: NodeId,
  expected: NodeId | undefined,
  nodeIds: readonly NodeId[],
): Result<NodeId, IdentifyFault> {
  const usable = nodeIds.filter((nodeId) => !isZero(nodeId) && !isWildcard(nodeId))
  if (expected !== undefined) {
    const match = usable.find((nodeId) => sameId(nodeId, expected))
    if (match === undefined) return fail(usable.length === 0 ? 'noNodeId' : 'wrongNode')
    return sameId(match, own) ? fail('ownNodeId') : ok(match)
  }
  const [first, second] = usable
  if (first === undefined) return fail('noNodeId')
  if (second !== undefined) return fail('ambiguousNodeId')
  return sameId(first, own) ? fail('ownNodeId') : ok(first)
}
