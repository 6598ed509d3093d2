/**
 * Attach (RFC 6940 s.6.5.1): those of this node, and which of two goes on when both ends ask. The requester is passive:
 * it waits until the answerer (answered-attaches.ts) has opened a channel to its listener. A channel belongs to an
 * Attach when its certificate proves the Node-ID that signed the other half of the exchange.
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
} from '../codec/index.ts'
import type { Connection } from '../link/connection.ts'
import { returnList } from '../forwarding/via-list.ts'
import { compareIds } from '../topology/chord/ring-math.ts'
import type { AttachPurpose } from '../topology/plugin.ts'
import { AnsweredAttaches } from './answered-attaches.ts'
import type { Answers } from './answers.ts'
import {
  channelWaitMs,
  type AttachAttempt,
  type AttachEvent,
  type AttachOptions,
  type AwaitingPhase,
} from './attach-attempt.ts'
import { attachBody, usableAddress } from './candidates.ts'
import { ATTACH_BELIEVED_MS, ATTACH_CHANNEL_WAIT_MS } from './constants.ts'
import type { ChannelId, TransportAddress } from './contract.ts'
import type { Links } from './links.ts'
import type { PeerParts } from './parts.ts'
import type { Requests } from './requests.ts'
import type { IncomingRequest, RequestOutcome } from './signal.ts'

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
  private readonly answered: AnsweredAttaches
  private readonly attempts = new Map<number, AttachAttempt>()
  private readonly deadlines = new Deadlines<number>()
  private events: AttachEvent[] = []
  private nextId = 1

  constructor(parts: PeerParts, links: Links, requests: Requests, answers: Answers) {
    this.parts = parts
    this.links = links
    this.requests = requests
    this.answers = answers
    this.answered = new AnsweredAttaches(parts, links, answers)
  }

  /** Under way, asked by this node or by others. */
  get size(): number {
    return this.attempts.size + this.answered.size
  }

  start(destinations: readonly Destination[], purpose: AttachPurpose, options: AttachOptions): void {
    const now = this.parts.now.ms
    const attempt: AttachAttempt = {
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

  private ask(attempt: AttachAttempt, timeoutMs?: Millis): void {
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
    if (attempt === undefined) return this.overtaken(outcome)
    if (attempt.phase !== 'asking') return
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

  /** The channel was faster than the answer; where the node listens and that it wants an Update is news none the less. */
  private overtaken(outcome: RequestOutcome): void {
    if (!outcome.ok) return
    const { nodeId } = outcome.signer
    const answer = decodeAttachReqAns(outcome.message.contents.body)
    if (!answer.ok || !this.links.table.connected(nodeId)) return
    this.describe(nodeId, usableAddress(answer.value.candidates), answer.value.sendUpdate)
  }

  /** What the answer says of a node whose link was there before it. */
  private describe(nodeId: NodeId, listener: TransportAddress | undefined, wantsUpdate: boolean): void {
    if (listener !== undefined) this.links.listeners.note(nodeId, listener)
    this.parts.signal({ kind: 'linkDescribed', nodeId, wantsUpdate })
  }

  /** RFC 6940 s.6.5.1.2. */
  request(request: IncomingRequest): void {
    const { nodeId } = request.signer
    const asked = this.answered.read(request)
    if (asked === undefined) return
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
    this.answered.answer(request, asked)
  }

  /**
   * Ours may have been sent to a former life of the node, or to one that nobody can route to yet: a node that restarted and
   * joins. It goes out again the way that theirs came, so that what it has to wait for does come (RFC 6940 s.6.5.1.2).
   */
  private insist(request: IncomingRequest, own: AttachAttempt): void {
    this.answers.error(request, ERROR_CODE.inProgress, 'an Attach of the larger Node-ID is under way')
    const { previousHop, message } = request
    if (own.transactionId !== undefined)
      this.requests.sendBy(own.transactionId, returnList(previousHop, message.header.viaList))
  }

  linkUp(nodeId: NodeId, connection: Connection): AttachedLink {
    const theirs = this.answered.take(connection.channel)
    let attached = theirs !== undefined
    let wantsUpdate = theirs?.wantsUpdate ?? false
    for (const attempt of [...this.attempts.values()]) {
      if (attempt.target === undefined || !sameId(attempt.target, nodeId)) continue
      attached = true
      wantsUpdate ||= attempt.wantsUpdate
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
    this.answered.take(channel)
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
  private overdue(attempt: AttachAttempt): void {
    const { ms } = this.parts.now
    if (attempt.phase === 'asking' || ms < attempt.since + channelWaitMs(attempt.phase)) return
    const left = attempt.startedAt + ATTACH_CHANNEL_WAIT_MS - ms
    if (attempt.phase === 'yielded' && left > 0) this.ask(attempt, left)
    else this.fail(attempt)
  }

  private await(attempt: AttachAttempt, phase: AwaitingPhase, nodeId: NodeId): void {
    attempt.phase = phase
    attempt.since = this.parts.now.ms
    attempt.target = nodeId
    // The channel may have been faster than the answer, which takes the longer way.
    if (this.links.table.linkedSince(nodeId, attempt.startedAt)) return this.succeed(attempt, nodeId, true)
    this.deadlines.set(attempt.since + channelWaitMs(phase), attempt.id)
  }

  private attemptTo(nodeId: NodeId): AttachAttempt | undefined {
    for (const attempt of this.attempts.values()) {
      if (attempt.target !== undefined && sameId(attempt.target, nodeId)) return attempt
    }
    return undefined
  }

  private succeed(attempt: AttachAttempt, nodeId: NodeId, linkWasUp: boolean): void {
    this.attempts.delete(attempt.id)
    if (linkWasUp) this.describe(nodeId, attempt.listener, attempt.wantsUpdate)
    else if (attempt.listener !== undefined) this.links.listeners.note(nodeId, attempt.listener)
    this.events.push({ kind: 'attached', purpose: attempt.purpose, nodeId, linkWasUp })
  }

  private fail(attempt: AttachAttempt): void {
    this.attempts.delete(attempt.id)
    this.events.push({ kind: 'failed', purpose: attempt.purpose })
  }
}
