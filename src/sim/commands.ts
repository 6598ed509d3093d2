import type { Millis } from '../common/time.ts'
import type { CommandId, PeerCommand, PeerEvent } from '../reload/index.ts'
import type { SimPeer } from './sim-peer.ts'
import type { World } from './world.ts'

/** A command that is answered by an event with its id. */
export type AnsweredCommand = Exclude<PeerCommand, { kind: 'leave' }>

/** The events that `Commands.run` waits for. */
export type AnswerKind = 'storeDone' | 'fetchDone' | 'pingDone' | 'appFlowOpened' | 'appAttachFailed'

/** Commands given to simulated peers, and who waits for their answers. */
export class Commands {
  private readonly world: World
  private readonly waiting = new Map<CommandId, (event: PeerEvent) => void>()
  private next: CommandId = 1

  constructor(world: World) {
    this.world = world
  }

  newId(): CommandId {
    return this.next++
  }

  /** Gives a command and runs the world until its event is there; undefined when it has not come within `limit`. */
  run<K extends AnswerKind>(
    peer: SimPeer,
    command: AnsweredCommand,
    answer: K,
    limit: Millis,
  ): Extract<PeerEvent, { kind: K }> | undefined {
    const find = (): Extract<PeerEvent, { kind: K }> | undefined =>
      peer.events.find(
        (event): event is Extract<PeerEvent, { kind: K }> =>
          event.kind === answer && 'id' in event && event.id === command.id,
      )
    peer.host.input(command)
    this.world.runUntil(() => find() !== undefined, limit)
    return find()
  }

  /** Gives a command; `answer` is told its event, unless the peer dies first, and must not feed that peer at once. */
  ask(peer: SimPeer, command: AnsweredCommand, answer: (event: PeerEvent) => void): void {
    this.waiting.set(command.id, answer)
    peer.host.input(command)
  }

  /** Nobody waits for that answer any more. */
  forget(id: CommandId): void {
    this.waiting.delete(id)
  }

  /** True when somebody waited for that event, who has been told. */
  answered(event: PeerEvent): boolean {
    const id = 'id' in event ? event.id : undefined
    const answer = id === undefined ? undefined : this.waiting.get(id)
    if (id === undefined || answer === undefined) return false
    this.waiting.delete(id)
    answer(event)
    return true
  }
}
