import type {
  Credential,
  NodeId,
  PeerCore,
  PeerEvent,
  PeerInput,
  PeerSnapshot,
  PeerState,
  TransportAddress,
} from '../reload/index.ts'
import type { Host } from './world.ts'

/** One life of a peer in the simulated world; after a restart the same name and credential get another one. */
export class SimPeer {
  readonly name: string
  readonly core: PeerCore
  readonly credential: Credential
  readonly address: TransportAddress
  /** The bootstrap nodes it was told of. */
  readonly bootstrap: readonly TransportAddress[]
  /** What the core told its user, unless somebody waited for it. */
  readonly events: PeerEvent[] = []
  state: PeerState = 'starting'
  readonly host: Host<PeerInput>

  constructor(
    name: string,
    core: PeerCore,
    credential: Credential,
    address: TransportAddress,
    bootstrap: readonly TransportAddress[],
    host: Host<PeerInput>,
  ) {
    this.name = name
    this.core = core
    this.credential = credential
    this.address = address
    this.bootstrap = bootstrap
    this.host = host
  }

  get nodeId(): NodeId {
    return this.credential.nodeId
  }

  get running(): boolean {
    return this.host.running
  }

  /** Running and part of the ring, as far as it knows. */
  get joined(): boolean {
    return this.host.running && this.state === 'joined'
  }

  snapshot(): PeerSnapshot {
    return this.core.snapshot()
  }
}
