/**
 * What to do with a message: deliver it, send it on, answer an error, or drop it (RFC 6940 s.6.1). Pure: looks at the
 * forwarding header only, and copies everything behind it through. Signatures are the business of whoever delivers.
 */
import type { Millis } from '../../common/time.ts'
import {
  asNodeId,
  asResourceId,
  ERROR_CODE,
  FORWARDING_FLAG,
  HeaderView,
  isRequestCode,
  isWildcard,
  rewriteForForwarding,
  sameId,
  type Destination,
  type NodeId,
  type ResourceId,
} from '../codec/index.ts'
import type { DropDetail, DropReason } from './drop-reason.ts'
import { countInVia, entryAt, hasUnknownOption, isIdAt, repeatsInDestinations } from './header-lists.ts'
import type { NextHop } from './next-hop.ts'

/**
 * Judgement: how often one message may pass the same node. Twice is normal: a source route may lead back through a node
 * on its way to the second entry. Symmetric routing then gives the answer the same detour.
 */
export const VISITS_MAX = 3

/** Judgement: opaque ids that one message may unpack here; symmetric routing needs one. */
const UNPACKED_MAX = 4

export interface ForwardingContext {
  readonly own: NodeId
  /** The 32-bit hash of the overlay name that messages have to carry. */
  readonly overlay: number
  readonly initialTtl: number
  readonly maxMessageBytes: number
  readonly routes: NextHop
  /** Types of forwarding options that this node understands; none when absent. */
  readonly understoodOptions?: ReadonlySet<number>
  /** Opaque ids that this node issued (opaque-id.ts); none when absent. */
  readonly opaqueIds?: { resolve(now: Millis, id: Uint8Array): readonly Destination[] | undefined }
}

/** Which entry of the Destination List made the message ours. */
export type DeliveryTarget =
  | { readonly kind: 'node' }
  | { readonly kind: 'wildcard' }
  | { readonly kind: 'resource'; readonly resourceId: ResourceId }

export type Decision =
  /** Verify the signature and pass it up; a fragment first waits for the others (reassembly.ts). */
  | { readonly kind: 'deliver'; readonly view: HeaderView; readonly target: DeliveryTarget }
  | { readonly kind: 'forward'; readonly to: NodeId; readonly bytes: Uint8Array }
  | { readonly kind: 'drop'; readonly reason: DropReason; readonly detail: DropDetail }
  /** For requests only: answer with the error `code` along the way the request came, and count it as dropped. */
  | {
      readonly kind: 'error'
      readonly code: number
      readonly reason: DropReason
      readonly detail: DropDetail
      readonly view: HeaderView
    }

/**
 * Decides about one message. `previousHop` is the node whose link it came over, undefined for a message of our own,
 * which is routed by the same rules (RFC 6940 s.6.2.1).
 */
export function decide(
  now: Millis,
  bytes: Uint8Array,
  previousHop: NodeId | undefined,
  context: ForwardingContext,
): Decision {
  const view = HeaderView.read(bytes, context.own.length)
  if (view === undefined) return drop('malformed', 'header')
  // Two bytes behind the header are looked at, because only requests get a via list and error answers.
  const code = view.messageCode
  const isRequest = code !== undefined && isRequestCode(code)
  const isAnswer = code !== undefined && !isRequest
  const message: Incoming = { bytes, view, previousHop, isRequest, isAnswer }
  return checkReceipt(message, context) ?? route(now, message, context, 0)
}

interface Incoming {
  readonly bytes: Uint8Array
  readonly view: HeaderView
  readonly previousHop: NodeId | undefined
  readonly isRequest: boolean
  /** Neither of the two: a fragment behind the first does not say what it is of. */
  readonly isAnswer: boolean
}

/** RFC 6940 s.6.1: what has to be right before anyone looks at the destination. */
function checkReceipt(message: Incoming, context: ForwardingContext): Decision | undefined {
  const { bytes, view } = message
  // s.6.1 lets local policy drop silently; an error to a stranger of another overlay could not even be verified.
  if (view.overlay !== context.overlay) return drop('malformed', 'otherOverlay')
  if (bytes.length > context.maxMessageBytes) return drop('malformed', 'tooLarge')
  // s.6.3.2: all nodes share the configured initial value, so more than that was never sent honestly.
  if (view.ttl > context.initialTtl) return refuse(message, ERROR_CODE.ttlExceeded, 'ttl', 'ttlAboveInitial')
  if (countInVia(bytes, view, context.own) >= VISITS_MAX) return drop('loop', 'routingLoop')
  // s.13.6.5: a source route in circles is refused.
  // DEVIATION RFC 6940 s.13.6.5: an answer may hold a node as often as its request may have passed it, because its list
  // is the request's way backwards, and an honest source route can lead through one node twice.
  if (repeatsInDestinations(bytes, view) > (message.isRequest ? 1 : VISITS_MAX)) {
    return refuse(message, ERROR_CODE.invalidMessage, 'malformed', 'duplicateDestination')
  }
  // s.6.3.2.3: no flag is ever set in a response.
  if (message.isAnswer && view.hasOptionWith(ANY_FLAG)) return drop('malformed', 'forwardingOption')
  return undefined
}

/** RFC 6940 s.6.1.1 to s.6.1.3, entry by entry until one of them decides. `unpacked` counts opaque ids. */
function route(now: Millis, message: Incoming, context: ForwardingContext, unpacked: number): Decision {
  const { bytes, view } = message
  let at = view.destinationAt
  for (let consumed = 0; consumed < view.destinationCount; consumed++) {
    const entry = entryAt(bytes, at)
    if (entry.kind === 'node' && isIdAt(bytes, entry, context.own)) {
      // Ours, as with most that is delivered: nothing has to be made of it.
      if (consumed + 1 === view.destinationCount) return deliver(message, OWN_NODE, context)
      at = entry.next
      continue
    }
    const id = bytes.subarray(entry.idStart, entry.idEnd)
    // A message that lost an entry here is not the one that came: it may go back to where it came from.
    const changed = consumed + unpacked > 0
    switch (entry.kind) {
      case 'node':
        // s.6.1.1: the wildcard is consumed by whoever meets it, even with more entries behind it.
        if (isWildcard(id)) return deliver(message, { kind: 'wildcard' }, context)
        return towardsNode(asNodeId(id), consumed, changed, message, context)
      case 'resource':
        // s.6.1.1: it has to be the only entry, or the last after ours; `HeaderView.read` saw to that.
        if (context.routes.responsible(id)) {
          return deliver(message, { kind: 'resource', resourceId: asResourceId(id) }, context)
        }
        return towards(id, consumed, changed, message, context)
      case 'opaque':
        return unpack(now, id, consumed, message, context, unpacked)
      case 'unknown':
        return drop('no_route', 'unknownDestination')
    }
  }
  return drop('malformed', 'noDestination')
}

function towardsNode(
  id: NodeId,
  consumed: number,
  changed: boolean,
  message: Incoming,
  context: ForwardingContext,
): Decision {
  // s.6.1.2: a node that is connected gets it directly, be it peer, client or a node about to join.
  if (context.routes.connected(id)) return transmit(id, consumed, message, context)
  // What a client asked for goes to it even if it is behind with its acks; there is nowhere else to send it.
  if (message.isAnswer && context.routes.linked(id)) return transmit(id, consumed, message, context)
  // s.6.1.1: in our range, not us, not connected: nobody else could know it.
  if (context.routes.responsible(id)) return drop('no_route', 'absentNode')
  return towards(id, consumed, changed, message, context)
}

/** s.6.1.3: an opaque id stands for a way back that was packed away here; put it back and look again. */
function unpack(
  now: Millis,
  id: Uint8Array,
  consumed: number,
  message: Incoming,
  context: ForwardingContext,
  unpacked: number,
): Decision {
  const list = unpacked < UNPACKED_MAX ? context.opaqueIds?.resolve(now, id) : undefined
  if (list === undefined) return drop('no_route', 'staleOpaqueId')
  const bytes = rewriteForForwarding(message.bytes, message.view, {
    ttl: message.view.ttl,
    dropDestinations: consumed + 1,
    replaceDestinations: list,
  })
  const view = HeaderView.read(bytes, context.own.length)
  if (view === undefined) return drop('malformed', 'header')
  return route(now, { ...message, bytes, view }, context, unpacked + 1)
}

/** Sends it to the routing table's choice. */
function towards(
  id: Uint8Array,
  consumed: number,
  changed: boolean,
  message: Incoming,
  context: ForwardingContext,
): Decision {
  // Not back to where it came from, unchanged: the two nodes disagree about the ring and would go on like that.
  const notBackTo = changed ? undefined : message.previousHop
  const to = context.routes.nextHop(id, notBackTo)
  if (to === undefined || sameId(to, context.own)) return drop('no_route', 'noNextHop')
  if (notBackTo !== undefined && sameId(to, notBackTo)) return drop('loop', 'routingLoop')
  return transmit(to, consumed, message, context)
}

function transmit(to: NodeId, consumed: number, message: Incoming, context: ForwardingContext): Decision {
  const { bytes, view, previousHop, isAnswer } = message
  if (view.ttl === 0) return refuse(message, ERROR_CODE.ttlExceeded, 'ttl', 'ttlExpired')
  const understood = context.understoodOptions ?? NONE
  if (hasUnknownOption(bytes, view, FORWARDING_FLAG.forwardCritical, understood)) {
    return refuse(message, ERROR_CODE.unsupportedForwardingOption, 'malformed', 'forwardingOption')
  }
  const ttl = view.ttl - 1
  // s.6.1.2: a request takes note of the node it came from, so that its answer finds back; an answer need not.
  const change =
    !isAnswer && previousHop !== undefined
      ? { ttl, dropDestinations: consumed, appendVia: { kind: 'node', nodeId: previousHop } as const }
      : { ttl, dropDestinations: consumed }
  const sent = rewriteForForwarding(bytes, view, change)
  // The longer via list made it too large for the next hop, which would close its link with us for that (s.6.6).
  if (sent.length > context.maxMessageBytes) {
    return refuse(message, ERROR_CODE.messageTooLarge, 'malformed', 'tooLarge')
  }
  return { kind: 'forward', to, bytes: sent }
}

function deliver(message: Incoming, target: DeliveryTarget, context: ForwardingContext): Decision {
  const { bytes, view } = message
  const understood = context.understoodOptions ?? NONE
  if (hasUnknownOption(bytes, view, FORWARDING_FLAG.destinationCritical, understood)) {
    return refuse(message, ERROR_CODE.unsupportedForwardingOption, 'malformed', 'forwardingOption')
  }
  return { kind: 'deliver', view, target }
}

/** Only requests are answered: an error about an answer would have nobody waiting for it, and could circle. */
function refuse(message: Incoming, code: number, reason: DropReason, detail: DropDetail): Decision {
  return message.isRequest
    ? { kind: 'error', code, reason, detail, view: message.view }
    : drop(reason, detail)
}

function drop(reason: DropReason, detail: DropDetail): Decision {
  return { kind: 'drop', reason, detail }
}

const ANY_FLAG =
  FORWARDING_FLAG.forwardCritical | FORWARDING_FLAG.destinationCritical | FORWARDING_FLAG.responseCopy
const NONE: ReadonlySet<number> = new Set()
const OWN_NODE: DeliveryTarget = { kind: 'node' }
