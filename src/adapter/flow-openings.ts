import type { Deadline } from '../common/deadlines.ts'
import type { Millis, Now, WallTime } from '../common/time.ts'
import {
  APPLICATION,
  ERROR_CODE,
  type ChannelId,
  type CommandError,
  type CommandId,
  type Destination,
  type NodeId,
} from '../reload/index.ts'
import type { PeerFlowOutcome, RequestId } from '../sip/index.ts'
import { AbsentNodes } from './absent-nodes.ts'
import { attachFailure, attachNegative } from './error-map.ts'
import { flowId, flowKey, label } from './flow-names.ts'
import type { AdapterParts, AdapterTimer } from './parts.ts'

/** How long to wait for the far end's own AppAttach after In_Progress (adapter-mapping s.7.2). */
const REVERSE_WAIT_MS = 3_000

export interface WantedFlow {
  readonly destinations: readonly Destination[]
  /** The node that the list ends in. */
  readonly terminal: NodeId
  readonly application: number
  readonly budgetMs: Millis
}

/** AppAttach under way to one node for one application; others wait on it. */
interface Opening {
  readonly key: string
  readonly waiting: RequestId[]
  readonly command: CommandId
  readonly beganMs: Millis
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
  attach(now: Now, id: RequestId, wanted: WantedFlow): void {
    const { destinations, terminal, application, budgetMs } = wanted
    const name = flowKey(terminal, application)
    if (this.absent.has(now, name)) {
      return this.answer(id, { ok: false, status: 480, reason: 'Temporarily Unavailable' })
    }
    const under = this.opening.get(name)
    if (under !== undefined) {
      under.waiting.push(id)
      return
    }
    const command = this.parts.nextId()
    const opening: Opening = { key: name, waiting: [id], command, beganMs: now.ms, timer: undefined }
    this.opening.set(name, opening)
    this.commands.set(command, opening)
    this.parts.command({ kind: 'appAttach', id: command, destinations, application, timeoutMs: budgetMs })
  }

  /** A flow of that name is up, whoever asked for it: all who wait get `channel`. */
  opened(now: Now, name: string, application: number, channel: ChannelId): void {
    this.absent.seen(name)
    const opening = this.opening.get(name)
    if (opening === undefined) return
    this.parts.instruments.flowSetupSeconds.observe((now.ms - opening.beganMs) / 1000, label(application))
    this.settle(opening, { ok: true, flow: flowId(channel) })
  }

  /** True when the failed command was one of our AppAttaches. */
  failed(now: Now, id: CommandId, error: CommandError): boolean {
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
    if (attachNegative(error)) this.absent.note(now, opening.key)
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

  /** The far end's own AppAttach did not come. */
  timeout(name: string): void {
    const opening = this.opening.get(name)
    if (opening !== undefined)
      this.settle(opening, { ok: false, status: 480, reason: 'Temporarily Unavailable' })
  }

  private settle(opening: Opening, outcome: PeerFlowOutcome): void {
    this.opening.delete(opening.key)
    this.commands.delete(opening.command)
    this.parts.deadlines.cancel(opening.timer)
    for (const id of opening.waiting) this.answer(id, outcome)
  }

  private answer(id: RequestId, outcome: PeerFlowOutcome): void {
    this.parts.sip({ kind: 'peerFlow', id, outcome })
  }
}
