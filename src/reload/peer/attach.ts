/**
 * Attach (RFC 6940 s.6.5.1) in both directions. The requester is passive: it waits until the answerer has opened a
 * channel to its listener. A channel belongs to an Attach when its certificate proves the Node-ID that signed the other
 * half of the exchange.
 */
import { Deadlines } from '../../common/deadlines.ts'
import type { Millis } from '../../common/time.ts'
import {
  decodeAttachReqAns,
  encodeAttachReqAns,
  ERROR_CODE,
  MESSAGE_CODE,
  sameId,
  type Destination,
  type NodeId,
  type TransactionId,
} from '../codec/index.ts'
import type { Connection } from '../link/connection.ts'
import { returnList } from '../forwarding/via-list.ts'
import { compareIds } from '../topology/chord/ring-math.ts'
import type { AttachPurpose } from '../topology/plugin.ts'
import type { Answers } from './answers.ts'
import { attachBody, usableAddress } from './candidates.ts'
import { ANSWERED_ATTACHES_MAX, ATTACH_BELIEVED_MS, ATTACH_CHANNEL_WAIT_MS } from './constants.ts'
import type { ChannelId, TransportAddress } from './contract.ts'
import { sameAddress } from './former-neighbors.ts'
import type { Links } from './links.ts'
import type { PeerParts } from './parts.ts'
import type { Requests } from './requests.ts'
import type { IncomingRequest, RequestOutcome } from './signal.ts'

interface Attempt {
  readonly id: number
  readonly purpose: AttachPurpose
  readonly destinations: readonly Destination[]
  readonly options: AttachOptions
  /** Known from the start for an Attach to a Node-ID, from the answer for one to a resource. */
  target: NodeId | undefined
  readonly startedAt: Millis
  /**
   * asking: no answer yet. connecting: answered, the far end opens a channel to us. yielded: theirs goes on instead of
   * ours, so their AttachReq is still to be answered, should it come after their Error_In_Progress.
   */
  phase: 'asking' | 'connecting' | 'yielded'
  /** When this phase began. */
  since: Millis
  transactionId: TransactionId | undefined
  /** The answer asked for an Update (Trap 61). */
  wantsUpdate: boolean
  /** Where the answerer listens, as its answer said. */
  listener: TransportAddress | undefined
}

/** A channel that is being opened to whoever attached to us. */
interface AnsweredAttach {
  readonly nodeId: NodeId
  readonly address: TransportAddress
  readonly since: Millis
  wantsUpdate: boolean
}

interface AttachOptions {
  /** When the list of destinations ends in a Node-ID. */
  readonly target?: NodeId
  readonly firstHop?: NodeId
}

/** An Attach that came to its end. */
export type AttachEvent =
  | {
      readonly kind: 'attached'
      readonly purpose: AttachPurpose
      readonly nodeId: NodeId
      /** The link was up before this node knew that it came from an Attach of its own. */
      readonly linkWasUp: boolean
    }
  | { readonly kind: 'failed'; readonly purpose: AttachPurpose }

/** What a link that came up means. */
export interface AttachedLink {
  /** An Attach of either side made it, as opposed to a direct connection. */
  readonly attached: boolean
  readonly wantsUpdate: boolean
}

export class Attaches {
  private readonly parts: PeerParts
  private readonly links: Links
  private readonly requests: Requests
  private readonly answers: Answers
  private readonly attempts = new Map<number, Attempt>()
  private readonly deadlines = new Deadlines<number>()
  /** Channels that we open because somebody attached to us. */
  private readonly answered = new Map<ChannelId, AnsweredAttach>()
  private events: AttachEvent[] = []
  private nextId = 1

  constructor(parts: PeerParts, links: Links, requests: Requests, answers: Answers) {
    this.parts = parts
    this.links = links
    this.requests = requests
    this.answers = answers
  }

  /** Under way, asked by this node or by others. */
  get size(): number {
    return this.attempts.size + this.answered.size
  }

  start(destinations: readonly Destination[], purpose: AttachPurpose, options: AttachOptions): void {
    const now = this.parts.now.ms
    const attempt: Attempt = {
      id: this.nextId++,
      purpose,
      destinations,
      options,
      target: options.target,
      startedAt: now,
      phase: 'asking',
      since: now,
      transactionId: undefined,
      wantsUpdate: false,
      listener: undefined,
    }
    this.attempts.set(attempt.id, attempt)
    this.ask(attempt)
  }

  private ask(attempt: Attempt, timeoutMs?: Millis): void {
    const { destinations, options } = attempt
    attempt.phase = 'asking'
    attempt.since = this.parts.now.ms
    attempt.target = options.target
    attempt.transactionId = this.requests.send({
      code: MESSAGE_CODE.attachReq,
      body: encodeAttachReqAns(attachBody(this.parts.init.advertised.overlay, 'passive', true)),
      destinations,
      purpose: { kind: 'attach', attempt: attempt.id },
      ...(options.firstHop === undefined ? {} : { firstHop: options.firstHop }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    })
  }

  outcome(id: number, outcome: RequestOutcome): void {
    const attempt = this.attempts.get(id)
    if (attempt?.phase !== 'asking') return
    if (!outcome.ok) {
      // RFC 6940 s.6.5.1.2: their Attach to us goes on instead and ends in the same link.
      const theirs = outcome.error.kind === 'reload' && outcome.error.code === ERROR_CODE.inProgress
      if (theirs && outcome.signer !== undefined) return this.await(attempt, 'yielded', outcome.signer.nodeId)
      return this.fail(attempt)
    }
    const { signer, message } = outcome
    const answer = decodeAttachReqAns(message.contents.body)
    if (!answer.ok || sameId(signer.nodeId, this.parts.self)) return this.fail(attempt)
    attempt.wantsUpdate = answer.value.sendUpdate
    attempt.listener = usableAddress(answer.value.candidates)
    this.await(attempt, 'connecting', signer.nodeId)
  }

  /** RFC 6940 s.6.5.1.2. */
  request(request: IncomingRequest): void {
    const { nodeId } = request.signer
    const decoded = decodeAttachReqAns(request.message.contents.body)
    if (!decoded.ok) return this.answers.error(request, ERROR_CODE.invalidMessage, decoded.error.reason)
    if (sameId(nodeId, this.parts.self))
      return this.answers.error(request, ERROR_CODE.invalidMessage, 'an Attach of a node to itself')
    const address = usableAddress(decoded.value.candidates)
    if (address === undefined) {
      return this.answers.error(
        request,
        ERROR_CODE.incompatibleWithOverlay,
        'no TLS-TCP-FH-NO-ICE host candidate',
      )
    }
    const own = this.attemptTo(nodeId)
    // Whoever answered us and has opened no channel since has restarted, or could not: its own Attach goes on instead.
    if (own?.phase === 'connecting' && this.parts.now.ms - own.since < ATTACH_BELIEVED_MS)
      return this.answers.error(request, ERROR_CODE.inProgress, 'an Attach is under way')
    if (own?.phase === 'asking') {
      // Glare: the larger Node-ID insists on its own Attach, the smaller one gives way (Trap 60).
      if (compareIds(this.parts.self, nodeId) > 0) return this.insist(request, own)
      if (own.transactionId !== undefined) this.requests.cancel(own.transactionId)
      this.await(own, 'yielded', nodeId)
    }
    if (this.answered.size >= ANSWERED_ATTACHES_MAX) {
      return this.answers.error(request, ERROR_CODE.inProgress, 'too many Attaches at once')
    }
    const body = attachBody(this.parts.init.advertised.overlay, 'active', true)
    this.answers.answer(request, encodeAttachReqAns(body))
    this.dial(address, nodeId, decoded.value.sendUpdate)
  }

  /** One channel serves several Attaches of a node: one that joins asks for many fingers, of which we may be all. */
  private dial(address: TransportAddress, nodeId: NodeId, wantsUpdate: boolean): void {
    const { ms } = this.parts.now
    for (const underWay of this.answered.values()) {
      if (!sameId(underWay.nodeId, nodeId) || ms - underWay.since >= ATTACH_BELIEVED_MS) continue
      if (!sameAddress(underWay.address, address)) continue
      underWay.wantsUpdate ||= wantsUpdate
      return
    }
    const channel = this.links.dial(address, 'attach', nodeId)
    if (channel !== undefined) this.answered.set(channel, { nodeId, address, since: ms, wantsUpdate })
  }

  /**
   * Ours may have been sent to a former life of the node, or to one that nobody can route to yet: a node that restarted and
   * joins. It goes out again the way that theirs came, so that what it has to wait for does come (RFC 6940 s.6.5.1.2).
   */
  private insist(request: IncomingRequest, own: Attempt): void {
    this.answers.error(request, ERROR_CODE.inProgress, 'an Attach of the larger Node-ID is under way')
    const { previousHop, message } = request
    if (own.transactionId !== undefined)
      this.requests.sendBy(own.transactionId, returnList(previousHop, message.header.viaList))
  }

  linkUp(nodeId: NodeId, connection: Connection): AttachedLink {
    const theirs = this.answered.get(connection.channel)
    this.answered.delete(connection.channel)
    let attached = theirs !== undefined
    let wantsUpdate = theirs?.wantsUpdate ?? false
    for (const attempt of [...this.attempts.values()]) {
      if (attempt.target === undefined || !sameId(attempt.target, nodeId)) continue
      attached = true
      wantsUpdate ||= attempt.wantsUpdate
      if (attempt.transactionId !== undefined && attempt.phase === 'asking')
        this.requests.cancel(attempt.transactionId)
      this.succeed(attempt, nodeId, false)
    }
    return { attached, wantsUpdate }
  }

  /** The one of these nodes that an Attach of ours is for. */
  expected(nodeIds: readonly NodeId[]): NodeId | undefined {
    return nodeIds.find((nodeId) => this.attemptTo(nodeId) !== undefined)
  }

  /** An Attach to a resource is not answered yet: whoever opens a channel may have been the one that it reached. */
  get undecided(): boolean {
    for (const { target } of this.attempts.values()) if (target === undefined) return true
    return false
  }

  dialFailed(channel: ChannelId): void {
    this.answered.delete(channel)
  }

  /** What came to its end since the last call. */
  takeEvents(): AttachEvent[] {
    const taken = this.events
    if (taken.length > 0) this.events = []
    return taken
  }

  nextDeadline(): Millis {
    return this.deadlines.next()
  }

  timeout(): void {
    for (
      let id = this.deadlines.pop(this.parts.now.ms);
      id !== undefined;
      id = this.deadlines.pop(this.parts.now.ms)
    ) {
      const attempt = this.attempts.get(id)
      if (attempt !== undefined) this.overdue(attempt)
    }
  }

  /** No channel has come. */
  private overdue(attempt: Attempt): void {
    const { ms } = this.parts.now
    if (attempt.phase === 'asking' || ms < attempt.since + waitMs(attempt.phase)) return
    const left = attempt.startedAt + ATTACH_CHANNEL_WAIT_MS - ms
    if (attempt.phase === 'yielded' && left > 0) this.ask(attempt, left)
    else this.fail(attempt)
  }

  private await(attempt: Attempt, phase: 'connecting' | 'yielded', nodeId: NodeId): void {
    attempt.phase = phase
    attempt.since = this.parts.now.ms
    attempt.target = nodeId
    // The channel may have been faster than the answer, which takes the longer way.
    const connection = this.links.table.byNode(nodeId)?.connection
    if (connection?.state === 'up' && connection.openedAt >= attempt.startedAt) {
      return this.succeed(attempt, nodeId, true)
    }
    this.deadlines.set(attempt.since + waitMs(phase), attempt.id)
  }

  private attemptTo(nodeId: NodeId): Attempt | undefined {
    for (const attempt of this.attempts.values()) {
      if (attempt.target !== undefined && sameId(attempt.target, nodeId)) return attempt
    }
    return undefined
  }

  private succeed(attempt: Attempt, nodeId: NodeId, linkWasUp: boolean): void {
    this.attempts.delete(attempt.id)
    if (attempt.listener !== undefined) this.links.noteListener(nodeId, attempt.listener)
    this.events.push({ kind: 'attached', purpose: attempt.purpose, nodeId, linkWasUp })
  }

  private fail(attempt: Attempt): void {
    this.attempts.delete(attempt.id)
    this.events.push({ kind: 'failed', purpose: attempt.purpose })
  }
}

/** How long a channel is waited for. */
function waitMs(phase: 'connecting' | 'yielded'): Millis {
  return phase === 'yielded' ? ATTACH_BELIEVED_MS : ATTACH_CHANNEL_WAIT_MS
}
