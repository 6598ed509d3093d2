/**
 * AppAttach (RFC 6940 s.6.5.2): a flow of its own for an application. One at a time for each node, so that a channel
 * coming in from it can only belong to that one.
 */
import { Deadlines, type Deadline } from '../../common/deadlines.ts'
import type { Millis } from '../../common/time.ts'
import {
  APPLICATION,
  decodeAppAttachReqAns,
  encodeAppAttachReqAns,
  ERROR_CODE,
  key,
  MESSAGE_CODE,
  sameId,
  type NodeId,
  type TransactionId,
} from '../codec/index.ts'
import type { Certificate } from '../security/port.ts'
import type { Answers } from './answers.ts'
import { appAttachBody, usableAddress } from './candidates.ts'
import {
  ANSWERED_ATTACHES_MAX,
  ANSWERED_ATTACHES_PER_NODE_MAX,
  APP_ATTACH_QUEUE_MAX,
  APP_ATTACH_TIMEOUT_MS,
} from './constants.ts'
import type { ChannelId, CommandError, CommandId, Journey, PeerCommand, PeerEvent } from './contract.ts'
import type { Links } from './links.ts'
import type { PeerParts } from './parts.ts'
import type { Requests } from './requests.ts'
import type { IncomingRequest, RequestOutcome } from './signal.ts'

type FlowOpened = Extract<PeerEvent, { kind: 'appFlowOpened' }>
type AppAttachCommand = Extract<PeerCommand, { kind: 'appAttach' }>

interface Asked {
  readonly command: AppAttachCommand
  readonly target: NodeId
  readonly deadline: Deadline<string>
  transactionId: TransactionId | undefined
  journey: Journey | undefined
}

export class AppAttaches {
  private readonly parts: PeerParts
  private readonly links: Links
  private readonly requests: Requests
  private readonly answers: Answers
  private readonly applications: ReadonlySet<number>
  /** By Node-ID: the first is under way, the others wait for it. */
  private readonly queues = new Map<string, { active: Asked; readonly waiting: AppAttachCommand[] }>()
  private readonly deadlines = new Deadlines<string>()
  private readonly answered = new Map<ChannelId, { readonly nodeId: NodeId; readonly application: number }>()

  constructor(parts: PeerParts, links: Links, requests: Requests, answers: Answers) {
    this.parts = parts
    this.links = links
    this.requests = requests
    this.answers = answers
    this.applications = new Set(parts.init.applications ?? [APPLICATION.sip, APPLICATION.sips])
  }

  /** Under way, asked by this node or by others. */
  get size(): number {
    return this.queues.size + this.answered.size
  }

  start(command: AppAttachCommand): void {
    const last = command.destinations.at(-1)
    if (last?.kind !== 'node') {
      return this.failed(command.id, { kind: 'invalidAnswer', reason: 'an AppAttach goes to a Node-ID' })
    }
    if (sameId(last.nodeId, this.parts.self)) {
      return this.failed(command.id, { kind: 'link', reason: 'no flow of a node to itself' })
    }
    const queue = this.queues.get(key(last.nodeId))
    if (queue === undefined) return this.ask(command, last.nodeId, [])
    if (queue.waiting.length >= APP_ATTACH_QUEUE_MAX) {
      return this.failed(command.id, { kind: 'link', reason: 'too many AppAttaches to that node' })
    }
    queue.waiting.push(command)
  }

  outcome(node: string, outcome: RequestOutcome): void {
    const active = this.queues.get(node)?.active
    if (active === undefined) return
    active.transactionId = undefined
    active.journey = outcome.journey
    if (!outcome.ok) return this.finish(node, outcome.error)
    const answer = decodeAppAttachReqAns(outcome.message.contents.body)
    if (!answer.ok || answer.value.application !== active.command.application) {
      this.finish(node, { kind: 'invalidAnswer', reason: 'AppAttachAns for something else' })
    }
  }

  /** RFC 6940 s.6.5.2.2. */
  request(request: IncomingRequest): void {
    const { nodeId } = request.signer
    const decoded = decodeAppAttachReqAns(request.message.contents.body)
    if (!decoded.ok) return this.answers.error(request, ERROR_CODE.invalidMessage, decoded.error.reason)
    const { application, candidates } = decoded.value
    if (!this.applications.has(application)) {
      return this.answers.error(request, ERROR_CODE.notFound, `application ${application} is not served here`)
    }
    const address = usableAddress(candidates)
    if (address === undefined) {
      return this.answers.error(request, ERROR_CODE.incompatibleWithOverlay, 'no No-ICE host candidate')
    }
    if (
      this.answered.size >= ANSWERED_ATTACHES_MAX ||
      this.answeredOf(nodeId) >= ANSWERED_ATTACHES_PER_NODE_MAX
    ) {
      return this.answers.error(request, ERROR_CODE.inProgress, 'too many AppAttaches at once')
    }
    const body = appAttachBody(this.parts.init.advertised.application, 'active', application)
    this.answers.answer(request, encodeAppAttachReqAns(body))
    const channel = this.links.dial(address, 'application', nodeId)
    if (channel !== undefined) this.answered.set(channel, { nodeId, application })
  }

  /** A channel on the application listener, or one that we opened, proved who is at its far end. */
  channelUp(channel: ChannelId, nodeId: NodeId, certificate: Certificate, handshakeMs?: Millis): void {
    const proven = { channel, nodeId, certificate, handshakeMs }
    const theirs = this.answered.get(channel)
    if (theirs !== undefined) {
      this.answered.delete(channel)
      return this.opened({ ...proven, id: undefined, application: theirs.application, initiator: false })
    }
    const node = key(nodeId)
    const active = this.queues.get(node)?.active
    if (active === undefined) {
      this.parts.trace({ level: 'warn', area: 'reload', event: 'application_channel_unasked' })
      return this.links.close(channel)
    }
    // The answer may still be under way; the handshake has proved more than it could.
    if (active.transactionId !== undefined) this.requests.cancel(active.transactionId)
    const { command, journey } = active
    this.opened({ ...proven, id: command.id, application: command.application, initiator: true, journey })
    this.finish(node, undefined)
  }

  /** A channel did not come up, or went before it was used. */
  channelGone(channel: ChannelId): void {
    this.answered.delete(channel)
  }

  /** Fails whatever is under way: the node is leaving. */
  stop(): void {
    for (const [node, { active, waiting }] of this.queues) {
      for (const command of [active.command, ...waiting]) this.failed(command.id, { kind: 'notJoined' })
      this.deadlines.cancel(active.deadline)
      this.queues.delete(node)
    }
  }

  nextDeadline(): Millis {
    return this.deadlines.next()
  }

  timeout(): void {
    const { ms } = this.parts.now
    for (let node = this.deadlines.pop(ms); node !== undefined; node = this.deadlines.pop(ms)) {
      const transactionId = this.queues.get(node)?.active.transactionId
      if (transactionId !== undefined) this.requests.cancel(transactionId)
      this.finish(node, { kind: 'timeout' })
    }
  }

  /** Channels that are being opened to that node. */
  private answeredOf(node: NodeId): number {
    let count = 0
    for (const { nodeId } of this.answered.values()) if (sameId(nodeId, node)) count++
    return count
  }

  private ask(command: AppAttachCommand, target: NodeId, waiting: AppAttachCommand[]): void {
    const node = key(target)
    const limit = this.parts.now.ms + (command.timeoutMs ?? APP_ATTACH_TIMEOUT_MS)
    const active: Asked = {
      command,
      target,
      deadline: this.deadlines.set(limit, node),
      transactionId: undefined,
      journey: undefined,
    }
    this.queues.set(node, { active, waiting })
    active.transactionId = this.requests.send({
      code: MESSAGE_CODE.appAttachReq,
      body: encodeAppAttachReqAns(
        appAttachBody(this.parts.init.advertised.application, 'passive', command.application),
      ),
      destinations: command.destinations,
      purpose: { kind: 'appAttach', node },
    })
  }

  private finish(node: string, error: CommandError | undefined): void {
    const queue = this.queues.get(node)
    if (queue === undefined) return
    this.deadlines.cancel(queue.active.deadline)
    this.queues.delete(node)
    if (error !== undefined) this.failed(queue.active.command.id, error, queue.active.journey)
    const next = queue.waiting.shift()
    if (next !== undefined) this.ask(next, queue.active.target, queue.waiting)
  }

  private opened(flow: Omit<FlowOpened, 'kind'>): void {
    this.links.handOver(flow.channel)
    this.parts.outbox.push({ kind: 'appFlowOpened', ...flow })
  }

  private failed(id: CommandId, error: CommandError, journey?: Journey): void {
    this.parts.outbox.push({ kind: 'appAttachFailed', id, error, journey })
  }
}
