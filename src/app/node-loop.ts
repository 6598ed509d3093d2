/**
 * The one place where a node meets the world: feeds what sockets, disk and people say into NodeCore, and carries out what it
 * answers. Knows no protocol.
 */
import type { NodeAction, NodeAnswer, NodeInput, NodeQuery } from '../adapter/index.ts'
import { unreachable } from '../common/assert.ts'
import type { Trace } from '../common/trace.ts'
import { Loop, type Machine } from '../reload/io/loop.ts'
import type { TlsLinks } from '../reload/io/tls-links.ts'
import type { PeerState } from '../reload/index.ts'
import type { DnsShell } from '../sip/io/dns.ts'
import type { Decision } from '../sip/index.ts'
import type { StreamShells } from '../sip/io/streams.ts'
import type { UdpShell } from '../sip/io/udp.ts'
import type { JournalWriter } from './journal-writer.ts'
import type { Provisioning } from './provisioning.ts'

/** Questions that may wait for an answer at once. */
const QUERIES_MAX = 256
const QUERY_TIMEOUT_MS = 12_000

/** Carries out what was decided about a request that it has asked about. */
export interface DecisionTaker {
  decide(id: number, decision: Decision): void
}

export interface Shells {
  readonly udp: UdpShell
  readonly streams: StreamShells
  readonly dns: DnsShell
  /** The engine in front, if there is one. */
  readonly front: DecisionTaker | undefined
  readonly links: TlsLinks
  readonly journal: JournalWriter
  readonly provisioning: Provisioning
}

export type ConfigurationChanged = Extract<NodeAction, { kind: 'configurationChanged' }>

export class NodeLoop {
  private readonly loop: Loop<NodeInput, NodeAction>
  private readonly trace: Trace
  private shells: Shells | undefined
  private readonly queries = new Map<number, (answer: NodeAnswer) => void>()
  private nextQuery = 1
  private currentState: PeerState = 'starting'
  private onLeft: (() => void) | undefined
  private onState: ((state: PeerState) => void) | undefined
  private onConfiguration: ((changed: ConfigurationChanged) => void) | undefined

  constructor(machine: Machine<NodeInput, NodeAction>, trace: Trace) {
    this.trace = trace
    this.loop = new Loop<NodeInput, NodeAction>(machine, { kind: 'timeout' }, this.perform)
  }

  /** Shells feed the loop and the loop drives shells, so they are tied together after both exist. */
  attach(shells: Shells): void {
    this.shells = shells
  }

  get state(): PeerState {
    return this.currentState
  }

  /** Questions without an answer. */
  get questions(): number {
    return this.queries.size
  }

  readonly feed = (input: NodeInput): void => {
    this.loop.feed(input)
  }

  /** Called at every change of the overlay state. */
  watch(
    onState: (state: PeerState) => void,
    onConfiguration?: (changed: ConfigurationChanged) => void,
  ): void {
    this.onConfiguration = onConfiguration
    this.onState = onState
  }

  /** Asks the node a question of a person. Never rejects. */
  query(query: NodeQuery): Promise<NodeAnswer> {
    if (this.queries.size >= QUERIES_MAX)
      return Promise.resolve({ kind: 'failed', reason: 'too many questions at once' })
    const id = this.nextQuery++
    return new Promise((resolve) => {
      const deadline = setTimeout(
        () => this.answer(id, { kind: 'failed', reason: 'no answer in time' }),
        QUERY_TIMEOUT_MS,
      )
      this.queries.set(id, (answer) => {
        clearTimeout(deadline)
        resolve(answer)
      })
      this.feed({ kind: 'query', id, query })
    })
  }

  /** Hands over and leaves; resolves with true once the overlay knows, with false when that took longer than `withinMs`. */
  leave(withinMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const deadline = setTimeout(() => resolve(false), withinMs)
      this.onLeft = () => {
        clearTimeout(deadline)
        resolve(true)
      }
      this.feed({ kind: 'drain' })
    })
  }

  stop(): void {
    this.loop.stop()
    for (const id of this.queries.keys()) this.answer(id, { kind: 'failed', reason: 'the node is stopping' })
  }

  private answer(id: number, answer: NodeAnswer): void {
    const resolve = this.queries.get(id)
    this.queries.delete(id)
    resolve?.(answer)
  }

  private readonly perform = (action: NodeAction): void => {
    const { shells } = this
    if (shells === undefined) throw new Error('the node acts before its shells are attached')
    switch (action.kind) {
      case 'sip':
        return this.sip(shells, action.action)
      case 'peer':
        return this.peer(shells, action.action)
      case 'enroll':
        return shells.provisioning.ask(action.aor, action.urgent)
      case 'answer':
        return this.answer(action.id, action.answer)
      case 'stateChanged':
        this.currentState = action.state
        this.trace({ level: 'info', area: 'app', event: 'overlay_state', state: action.state })
        return this.onState?.(action.state)
      case 'configurationChanged':
        return this.onConfiguration?.(action)
      case 'left':
        return this.onLeft?.()
      default:
        return unreachable(action)
    }
  }

  private sip(shells: Shells, action: Extract<NodeAction, { kind: 'sip' }>['action']): void {
    switch (action.kind) {
      case 'sendDatagram':
        return shells.udp.send(action.listener, action.host, action.port, action.bytes)
      case 'sendFlow':
        return shells.streams.send(action.flow, action.bytes)
      case 'closeFlow':
        return shells.streams.closeFlow(action.flow)
      case 'openFlow':
        return shells.streams.open(action)
      case 'decide':
        return shells.front?.decide(action.id, action.decision)
      case 'resolve': {
        const { id } = action
        void shells.dns
          .resolve(action)
          .then((outcome) => this.feed({ kind: 'sip', input: { kind: 'resolved', id, outcome } }))
        return undefined
      }
      default:
        return unreachable(action)
    }
  }

  private peer(shells: Shells, action: Extract<NodeAction, { kind: 'peer' }>['action']): void {
    switch (action.kind) {
      case 'openChannel':
        return shells.links.open(action.channel, action.purpose, action.to)
      case 'sendChannel':
        return shells.links.send(action.channel, action.bytes)
      case 'closeChannel':
        return shells.links.closeChannel(action.channel)
      case 'persist':
        return shells.journal.write(action.token, action.operations)
      default:
        return unreachable(action)
    }
  }
}
