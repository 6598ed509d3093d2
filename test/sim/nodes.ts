/**
 * Whole nodes (SIP, adapter and peer) in the simulated world: the same machine that the app drives, with a virtual
 * network below the peer, a virtual LAN below SIP, and an enrollment server that takes its time.
 */
import { utf8 } from '../../src/common/bytes.ts'
import type { Random } from '../../src/common/random.ts'
import type { Millis } from '../../src/common/time.ts'
import { NO_TRACE, type Trace } from '../../src/common/trace.ts'
import {
  DEFAULT_ADAPTER_SETTINGS,
  NodeCore,
  type AdapterSettings,
  type HostedCredential,
  type NodeAction,
  type NodeAnswer,
  type NodeInput,
  type NodeQuery,
  type PeerNetworkAction,
  type SipNetworkAction,
} from '../../src/adapter/index.ts'
import {
  key,
  KIND,
  resourceIdOf,
  type Credential,
  type NodeId,
  type OverlayConfiguration,
  type PeerCommand,
  type PeerState,
  type ResourceId,
  type TransportAddress,
} from '../../src/reload/index.ts'
import type { SipSettings } from '../../src/sip/index.ts'
import { testSettings } from '../support/sip-phones.ts'
import { SimAccounts } from './accounts.ts'
import { OVERLAY_NAME, simConfiguration } from '../../src/sim/configuration.ts'
import { CALM_LAN, Lan, type LanFaults, type LanStream } from './lan.ts'
import { Network, type Faults, type NetworkAction } from '../../src/sim/network.ts'
import { standInIssuer, type Issuer } from '../../src/sim/overlay.ts'
import { SimPhone, type Exchange, type PhoneInit } from './phones.ts'
import { World, type Host } from '../../src/sim/world.ts'
import { CallRecorder } from '../../src/trace/recorder.ts'
import { callReport } from '../../src/trace/report.ts'

export interface NodesOptions {
  readonly faults?: Faults
  readonly lan?: LanFaults
  readonly issuer?: Issuer
  readonly configuration?: Partial<OverlayConfiguration>
  readonly adapter?: Partial<AdapterSettings>
  readonly sip?: Partial<SipSettings>
  readonly trace?: (node: string) => Trace
  /** How long the enrollment server takes. */
  readonly enrollMs?: Millis
}

export interface NodeOptions {
  readonly sip?: Partial<SipSettings>
  readonly adapter?: Partial<AdapterSettings>
  /** Users whose phones may register here; all accounts unless said otherwise. */
  readonly accounts?: SimAccounts
  /** Pins the place in the ring. */
  readonly credential?: Credential
}

/** A number below 256 for every node: its overlay address is 10.0.0.x, its SIP address 192.168.0.x. */
export class SimNode {
  readonly name: string
  readonly core: NodeCore
  readonly credential: Credential
  readonly sipHost: string
  readonly address: TransportAddress
  readonly options: NodeOptions
  readonly accounts: SimAccounts
  /** Commands that the adapter gave to the peer: what of the overlay was asked for. */
  readonly commands: PeerCommand[] = []
  readonly answers = new Map<number, NodeAnswer>()
  /** Credentials of users, as the app keeps them on disk. */
  readonly enrolled: HostedCredential[]
  readonly recorder: CallRecorder
  state: PeerState = 'starting'
  left = false
  host: Host<NodeInput> | undefined = undefined
  readonly streams = new Map<number, LanStream>()
  nextFlow = 2

  constructor(
    name: string,
    core: NodeCore,
    init: {
      readonly credential: Credential
      readonly sipHost: string
      readonly address: TransportAddress
      readonly options: NodeOptions
      readonly accounts: SimAccounts
      readonly enrolled: HostedCredential[]
      readonly recorder: CallRecorder
    },
  ) {
    this.name = name
    this.core = core
    this.credential = init.credential
    this.sipHost = init.sipHost
    this.address = init.address
    this.options = init.options
    this.accounts = init.accounts
    this.enrolled = init.enrolled
    this.recorder = init.recorder
  }

  get nodeId(): NodeId {
    return this.credential.nodeId
  }

  get running(): boolean {
    return this.host?.running === true && !this.left
  }

  input(input: NodeInput): void {
    this.host?.input(input)
  }

  /** How often the adapter asked for, or stored, registrations at that resource; certificates live there too. */
  asked(kind: 'fetch' | 'store', resource: ResourceId): number {
    return this.commands.filter(
      (command) =>
        command.kind === kind && isRegistration(command) && key(command.resource) === key(resource),
    ).length
  }
}

export class Nodes {
  readonly world: World
  readonly network: Network
  readonly lan: Lan
  readonly accounts = new SimAccounts(OVERLAY_NAME)
  readonly nodes: SimNode[] = []
  readonly phones: SimPhone[] = []
  /** False: enrollment is refused as unreachable. */
  enrollmentUp = true
  private readonly issuer: Issuer
  private readonly configuration: OverlayConfiguration
  private readonly options: NodesOptions
  private readonly random: Random
  private issued = 0
  private nextQuery = 1

  constructor(seed: string, options: NodesOptions = {}) {
    this.options = options
    this.world = new World(seed)
    this.network = new Network(this.world, options.faults)
    this.lan = new Lan(this.world, options.lan ?? CALM_LAN)
    this.issuer = options.issuer ?? standInIssuer()
    this.configuration = simConfiguration(this.issuer.root, options.configuration)
    this.random = this.world.fork('nodes')
  }

  get running(): SimNode[] {
    return this.nodes.filter((node) => node.running)
  }

  /** Accounts u0 .. u(count-1), known at every node. Call before `grow`. */
  users(count: number): this {
    for (let i = 0; i < count; i++) this.accounts.add(`u${i}`)
    return this
  }

  start(options: NodeOptions = {}): SimNode {
    const index = this.nodes.length
    const first = this.nodes[0]
    const credential =
      options.credential ??
      this.issuer.issue(`node${index}@${OVERLAY_NAME}`, this.random.fork(`node ${index}`))
    const node = this.make(index, credential, options, first === undefined ? [] : [first.address], [])
    this.nodes.push(node)
    this.begin(node)
    return node
  }

  /** Starts nodes up to `count` and waits until the ring stands and all users are enrolled. Throws when it does not. */
  grow(count: number, options: NodeOptions = {}): this {
    while (this.nodes.length < count) {
      this.start(options)
      this.world.run(50)
    }
    // Looked at ten times a second: a look costs more than an event.
    for (let waited = 0; !this.ready(); waited += 100) {
      if (waited > 120_000) throw new Error(`no ring within ${waited} ms; ${this.replay()}`)
      this.world.run(100)
    }
    return this
  }

  private ready(): boolean {
    return this.running.every((node) => {
      const { enrolled, certificatesPending } = node.core.adapter.snapshot(this.world.now)
      const others = Math.min(this.running.length - 1, 3)
      return (
        node.state === 'joined' &&
        certificatesPending === 0 &&
        enrolled === (node.core.sip === undefined ? 0 : node.accounts.aors.length) &&
        node.core.peer.snapshot().successors.length >= others &&
        node.core.peer.snapshot().replicaDeficit === 0
      )
    })
  }

  /** SIGKILL: sockets close, nothing is said. `silent`: a cable is pulled. */
  crash(node: SimNode, silent = false): void {
    node.host?.stop()
    this.network.detach(node.name, silent)
    this.lan.remove(node.sipHost)
  }

  /** The same node again with its disk and its users' credentials; bindings are gone. */
  restart(node: SimNode): SimNode {
    const index = this.nodes.indexOf(node)
    const bootstrap = this.running.slice(0, 2).map((other) => other.address)
    const again = this.make(index, node.credential, node.options, bootstrap, node.enrolled)
    this.nodes[index] = again
    this.begin(again)
    return again
  }

  /** Cuts a node's overlay side off from all others, in silence; phones still reach it. */
  isolate(node: SimNode): void {
    this.network.partition(
      [node.name],
      this.nodes.filter((other) => other !== node).map((other) => other.name),
    )
  }

  phone(user: string, node: SimNode, init: PhoneInit = {}): SimPhone {
    const host = `172.16.${this.phones.length >> 8}.${(this.phones.length & 255) + 1}`
    const phone = new SimPhone(this.world, this.lan, {
      user,
      domain: OVERLAY_NAME,
      host,
      proxy: node.sipHost,
      ...init,
    })
    this.phones.push(phone)
    return phone
  }

  node(index: number): SimNode {
    const node = this.nodes[index]
    if (node === undefined) throw new RangeError(`no node ${index}`)
    return node
  }

  /** A phone with a fresh registration at the node of that number. Throws when it is refused. */
  registered(user: string, at: number, init: PhoneInit = {}): SimPhone {
    const phone = this.phone(user, this.node(at), init)
    const status = this.finished(phone.register())
    if (status !== 200) throw new Error(`REGISTER of ${user} got ${status}; ${this.replay()}`)
    return phone
  }

  /** The final status of a request; runs the world until it is there. */
  finished(exchange: Exchange, limit: Millis = 40_000): number {
    this.until(exchange.method, () => exchange.done, limit)
    return exchange.status
  }

  /** Runs the world until `done`; throws with the seed when it does not come to that. */
  until(what: string, done: () => boolean, limit: Millis = 40_000): void {
    if (!this.world.runUntil(done, limit))
      throw new Error(`${what}: not within ${limit} ms; ${this.replay()}`)
  }

  query(node: SimNode, query: NodeQuery): NodeAnswer {
    const id = this.nextQuery++
    node.input({ kind: 'query', id, query })
    this.until('answer', () => node.answers.has(id), 20_000)
    return node.answers.get(id) as NodeAnswer
  }

  resource(name: string): ResourceId {
    return resourceIdOf(this.issuer.crypto, utf8(name))
  }

  /** Running nodes in the order in which they are due to hold an id: the owner first, then those after it. */
  dueHolders(id: Uint8Array): SimNode[] {
    const sorted = [...this.running].sort((a, b) => (key(a.nodeId) < key(b.nodeId) ? -1 : 1))
    const target = key(id)
    const at = Math.max(
      0,
      sorted.findIndex((node) => key(node.nodeId) >= target),
    )
    return [...sorted.slice(at), ...sorted.slice(0, at)].slice(0, 3)
  }

  replay(): string {
    return `SEED ${this.world.seed} at ${this.world.now.ms} ms`
  }

  private begin(node: SimNode): void {
    node.input({ kind: 'peer', input: { kind: 'start' } })
    if (node.core.sip !== undefined) node.input({ kind: 'hostedUsers', aors: node.accounts.aors })
  }

  private make(
    index: number,
    credential: Credential,
    options: NodeOptions,
    bootstrap: readonly TransportAddress[],
    enrolled: readonly HostedCredential[],
  ): SimNode {
    const name = `n${index}`
    const sipHost = `192.168.0.${index + 1}`
    const address = { address: `10.0.0.${index + 1}`, port: 6084 }
    const application = { ...address, port: 6085 }
    const accounts = options.accounts ?? this.accounts
    const recorder = new CallRecorder(1n, { bytesMax: 200_000, callsMax: 50 })
    const core: NodeCore = new NodeCore(
      {
        crypto: this.issuer.crypto,
        random: this.random.fork(`core ${name} ${this.world.now.ms}`),
        trace: this.options.trace?.(name) ?? NO_TRACE,
        accounts,
        calls: recorder,
        report: callReport(recorder, key(credential.nodeId), (transaction) => core.peer.served(transaction)),
      },
      {
        configuration: this.configuration,
        configurationDocument: utf8('<configuration/>'),
        credential,
        userCredentials: enrolled,
        bootstrap,
        advertised: { overlay: address, application },
        founder: index === 0 && bootstrap.length === 0,
        restored: this.network.knows(name) ? this.network.disk(name).records : [],
        sip: sipSettings(sipHost, { ...this.options.sip, ...options.sip }),
        adapter: {
          ...DEFAULT_ADAPTER_SETTINGS,
          selfTestIntervalMs: 600_000,
          ...this.options.adapter,
          ...options.adapter,
        },
      },
    )
    const node = new SimNode(name, core, {
      recorder,
      credential,
      sipHost,
      address,
      options,
      accounts,
      enrolled: [...enrolled],
    })
    watchCommands(node)
    const host = this.world.add<NodeInput, NodeAction>({
      name,
      machine: core,
      timeout: { kind: 'timeout' },
      perform: (action) => this.perform(node, action),
    })
    node.host = host
    this.network.attach({
      name,
      addresses: { overlay: address, application },
      certificates: [credential.certificate.der],
      input: (input) => host.input({ kind: 'peer', input }),
    })
    this.openListeners(node)
    return node
  }

  private openListeners(node: SimNode): void {
    const at = { host: node.sipHost, port: 5060 }
    this.lan.bind(at, ({ host, port }, bytes) =>
      node.input({ kind: 'sip', input: { kind: 'datagram', listener: 0, host, port, bytes } }),
    )
    this.lan.listen(at, (stream) => {
      const flow = node.nextFlow
      node.nextFlow += 2
      this.tie(node, flow, stream)
      const { host, port } = stream.remote
      node.input({ kind: 'sip', input: { kind: 'flowAccepted', flow, listener: 1, host, port } })
    })
  }

  private tie(node: SimNode, flow: number, stream: LanStream): void {
    node.streams.set(flow, stream)
    stream.onData = (bytes) => node.input({ kind: 'sip', input: { kind: 'flowData', flow, bytes } })
    stream.onClose = () => {
      node.streams.delete(flow)
      node.input({ kind: 'sip', input: { kind: 'flowClosed', flow } })
    }
  }

  private perform(node: SimNode, action: NodeAction): void {
    switch (action.kind) {
      case 'peer':
        return this.network.perform(node.name, action.action satisfies PeerNetworkAction & NetworkAction)
      case 'sip':
        return this.performSip(node, action.action)
      case 'enroll':
        return this.enroll(node, action.aor)
      case 'answer':
        node.answers.set(action.id, action.answer)
        return
      case 'stateChanged':
        node.state = action.state
        this.world.digest.text(`${node.name} ${action.state}`)
        return
      case 'configurationChanged':
        return
      case 'left':
        node.left = true
        this.network.detach(node.name)
        return
    }
  }

  private performSip(node: SimNode, action: SipNetworkAction): void {
    switch (action.kind) {
      case 'sendDatagram':
        return this.lan.datagram({ host: node.sipHost, port: 5060 }, action, action.bytes)
      case 'sendFlow':
        return node.streams.get(action.flow)?.send(action.bytes)
      case 'closeFlow':
        node.streams.get(action.flow)?.close()
        node.streams.delete(action.flow)
        return
      case 'openFlow': {
        const { flow } = action
        return this.lan.connect(node.sipHost, action, (stream) => {
          if (stream === undefined) {
            return node.input({ kind: 'sip', input: { kind: 'flowFailed', flow, reason: 'refused' } })
          }
          this.tie(node, flow, stream)
          node.input({ kind: 'sip', input: { kind: 'flowOpened', flow } })
        })
      }
      case 'decide':
        return // simulated nodes have no engine in front
      case 'resolve': {
        const outcome = { ok: false as const, status: 404, reason: 'No Such Domain' }
        return this.world.after(20, () =>
          node.input({ kind: 'sip', input: { kind: 'resolved', id: action.id, outcome } }),
        )
      }
    }
  }

  private enroll(node: SimNode, aor: string): void {
    this.world.after(this.options.enrollMs ?? 30, () => {
      if (!this.enrollmentUp) {
        const outcome = { ok: false as const, final: false, reason: 'unreachable' }
        return node.input({ kind: 'enrolled', aor, outcome })
      }
      const credential = this.issuer.issue(aor, this.random.fork(`user ${aor} ${node.name} ${this.issued++}`))
      node.enrolled.push({ aor, credential })
      node.input({ kind: 'enrolled', aor, outcome: { ok: true, credential } })
    })
  }
}

function isRegistration(command: PeerCommand): command is Extract<PeerCommand, { kind: 'fetch' | 'store' }> {
  if (command.kind === 'fetch') return command.kinds.includes(KIND.sipRegistration)
  return command.kind === 'store' && command.values.some(({ kind }) => kind === KIND.sipRegistration)
}

/** Notes what the adapter asks of the peer, which from outside is hard to tell from the peer's own traffic. */
function watchCommands(node: SimNode): void {
  const { peer } = node.core
  const step = peer.step.bind(peer)
  peer.step = (now, input) => {
    if (input.kind === 'store' || input.kind === 'fetch' || input.kind === 'appAttach')
      node.commands.push(input)
    step(now, input)
  }
}

function sipSettings(host: string, changes: Partial<SipSettings> = {}): Omit<SipSettings, 'peerIdentity'> {
  const overlayUsers = {
    domains: [OVERLAY_NAME],
    auth: 'digest',
    digestAlgorithms: ['SHA-256', 'MD5'],
  } as const
  return testSettings(host, { ...overlayUsers, ...changes })
}
