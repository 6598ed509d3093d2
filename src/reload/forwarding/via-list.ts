import { FORWARDING_FLAG, type Destination, type ForwardingOption, type NodeId } from '../codec/index.ts'

/**
 * Destination List of an answer: the node from which the request came, then the via list backwards (RFC 6940 s.6.1.2
 * and s.6.2.2; s.6.2.2 alone reads as if reversing were enough). `previousHop` is undefined for a request of our own.
 */
export function returnList(previousHop: NodeId | undefined, viaList: readonly Destination[]): Destination[] {
  const list: Destination[] = previousHop === undefined ? [] : [{ kind: 'node', nodeId: previousHop }]
  for (let i = viaList.length - 1; i >= 0; i--) list.push(viaList[i] as Destination)
  return list
}

/** RFC 6940 s.6.3.2.3: options of the request that ask for it return in the answer, with all three flags cleared. */
export function answerOptions(options: readonly ForwardingOption[]): ForwardingOption[] {
  const copied: ForwardingOption[] = []
  for (const { type, flags, value } of options) {
    if ((flags & FORWARDING_FLAG.responseCopy) !== 0) copied.push({ type, flags: flags & ~FLAGS, value })
  }
  return copied
}

const FLAGS =
  FORWARDING_FLAG.forwardCritical | FORWARDING_FLAG.destinationCritical | FORWARDING_FLAG.responseCopy
