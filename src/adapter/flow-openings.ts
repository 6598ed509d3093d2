import type { Deadline } from '../common/deadlines.ts'
import type { Millis, Now, WallTime } from '../common/time.ts'
import {
  APPLICATION,
  ERROR_CODE,
  key,
  type ChannelId,
  type CommandError,
  type CommandId,
  type Destination,
  type Journey,
  type NodeId,
  type PeerEvent,
} from '../reload/index.ts'
import type { PeerFlowOutcome, RequestId } from '../sip/index.ts'
import { AbsentNodes } from './absent-nodes.ts'
import { faultNote, journeyNote, type CallNote } from './call-note.ts'
import { attachFailure, attachNegative } from './error-map.ts'
import { flowId, flowKey, label } from './flow-names.ts'
import type { AdapterParts, AdapterTimer } from './parts.ts'

/** How long to wait for the far end's own AppAttach after In_Progress (adapter-mapping s.7.2). */
const REVERSE_WAIT_MS = 3_000

type FlowOpened = Extract<PeerEvent, { kind: 'appFlowOpened' }>

export interface WantedFlow {
  readonly destinations: readonly Destination[]
  /** The node that the list ends in. */
  readonly terminal: NodeId
  readonly application: number
  readonly budgetMs: Millis
}

/** Who waits for a flow. */
export interface Asker {
  readonly id: RequestId
  readonly callId: string
}

/** AppAttach under way to one node for one application; others wait on it. */
interface Opening {
  readonly key: string
  readonly waiting: Asker[]
  readonly node: string
  readonly command: CommandId
  readonly beganMs: Millis
  /** The node has come meanwhile: what was sent before may be lost, and its silence says nothing. */
  hasCome: boolean
  timer: Deadline<AdapterTimer> | undefined
}

/** The way to a flow: one AppAttach at a time to a node for an application, and nodes that were missing a moment ago. */
export class FlowOpenings {
  private readonly parts: AdapterParts
  private readonly opening = new Map<string, Opening>()
  private readonly commands = new Map<CommandId, Opening>()
  private readonly absent = new AbsentNodes()

  constructor(parts: AdapterParts) {
    this.parts = parts
  }

  /** Asks for a flow, or waits with whoever asked before; answered by `peerFlow`. */
  attach(now: Now, asker: Asker, wanted: WantedFlow): void {
    const { destinations, terminal, application, budgetMs } = wanted
    const name = flowKey(terminal, application)
    if (this.absent.has(now, name)) {
      this.noteFailed(now, asker, key(terminal), 'the node was missing a moment ago')
      return this.answer(asker.id, { ok: false, status: 480, reason: 'Temporarily Unavailable' })
    }
    const under = this.opening.get(name)
    if (under !== undefined) {
      under.waiting.push(asker)
      return
    }
    const command = this.parts.nextId()
    const opening: Opening = {
      key: name,
      waiting: [asker],
      node: key(terminal),
      command,
      beganMs: now.ms,
      hasCome: false,
      timer: undefined,
    }
    this.opening.set(name, opening)
    this.commands.set(command, opening)
    this.parts.command({ kind: 'appAttach', id: command, destinations, application, timeoutMs: budgetMs })
  }

  /** A flow of that name is up, whoever asked for it: all who wait get `channel`. */
  opened(now: Now, name: string, channel: ChannelId, event: FlowOpened): void {
    this.absent.seen(name)
    const opening = this.opening.get(name)
    if (opening === undefined) return
    const tookMs = now.ms - opening.beganMs
    this.parts.instruments.flowSetupSeconds.observe(tookMs / 1000, label(event.application))
    if (this.parts.calls !== undefined) {
      const { handshakeMs } = event
      const journey = journeyNote(event.journey)
      this.note(now, opening, {
        kind: 'flow',
        node: opening.node,
        how: 'opened',
        tookMs,
        journey,
        handshakeMs,
        fault: undefined,
      })
    }
    this.settle(opening, { ok: true, flow: flowId(channel) })
  }

  /** True when the failed command was one of our AppAttaches. */
  failed(now: Now, id: CommandId, error: CommandError, journey?: Journey): boolean {
    const opening = this.commands.get(id)
    if (opening === undefined) return false
    this.commands.delete(id)
    if (this.opening.get(opening.key) !== opening) return true
    if (error.kind === 'reload' && error.code === ERROR_CODE.inProgress) {
      opening.timer = this.parts.deadlines.set(now.ms + REVERSE_WAIT_MS, {
        part: 'flows',
        key: opening.key,
        what: 'reverse',
      })
      return true
    }
    if (attachNegative(error) && !opening.hasCome) this.absent.note(now, opening.key)
    this.parts.trace({
      level: 'info',
      area: 'adapter',
      event: 'peer_flow_failed',
      node: opening.key.slice(0, 32),
      reason:
        error.kind === 'reload'
          ? `reload error ${error.code} ${error.info}`
          : 'reason' in error
            ? error.reason
            : error.kind,
    })
    this.note(now, opening, this.failure(now, opening, faultNote(error), journey))
    this.settle(opening, { ok: false, ...attachFailure(error) })
    return true
  }

  /**
   * An entry that names this node was stored at that time: had the node been missing before, it is back, and its phones
   * can be called at once (contract s.5.1). Clocks that differ cost one attempt, or the rest of the 30 s.
   */
  seenAlive(node: NodeId, storedAt: WallTime): void {
    for (const application of [APPLICATION.sip, APPLICATION.sips]) {
      this.absent.seen(flowKey(node, application), storedAt)
    }
  }

  /**
   * A link to the node has come up. Requests inside of calls look for no entry, but go where their route says: a peer that was started
   * anew would be taken for missing by them until the 30 s are over.
   */
  linked(node: NodeId): void {
    for (const application of [APPLICATION.sip, APPLICATION.sips]) {
      const name = flowKey(node, application)
      this.absent.seen(name)
      const under = this.opening.get(name)
      if (under !== undefined) under.hasCome = true
    }
  }

  /** The far end's own AppAttach did not come. */
  timeout(now: Now, name: string): void {
    const opening = this.opening.get(name)
    if (opening === undefined) return
    this.note(
      now,
      opening,
      this.failure(now, opening, 'the other node did not attach itself in time', undefined),
    )
    this.settle(opening, { ok: false, status: 480, reason: 'Temporarily Unavailable' })
  }

  private settle(opening: Opening, outcome: PeerFlowOutcome): void {
    this.opening.delete(opening.key)
    this.commands.delete(opening.command)
    this.parts.deadlines.cancel(opening.timer)
    for (const { id } of opening.waiting) this.answer(id, outcome)
  }

  private noteFailed(now: Now, { callId }: Asker, node: string, fault: string): void {
    this.parts.calls?.note(now, callId, {
      kind: 'flow',
      node,
      how: 'failed',
      tookMs: 0,
      journey: undefined,
      handshakeMs: undefined,
      fault,
    })
  }

  private failure(
    now: Now,
    opening: Opening,
    fault: string | undefined,
    journey: Journey | undefined,
  ): CallNote {
    const tookMs = now.ms - opening.beganMs
    return {
      kind: 'flow',
      node: opening.node,
      how: 'failed',
      tookMs,
      journey: journeyNote(journey),
      handshakeMs: undefined,
      fault,
    }
  }

  /** For everyone who waited. */
  private note(now: Now, { waiting }: Opening, note: CallNote): void {
    for (const { callId } of waiting) this.parts.calls?.note(now, callId, note)
  }

  private answer(id: RequestId, outcome: PeerFlowOutcome): void {
    this.parts.sip({ kind: 'peerFlow', id, outcome })
  }
}
