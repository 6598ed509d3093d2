/** How a simulated peer comes to life: a core, a host in the world that runs it, and a place in the network. */
import { utf8 } from '../common/bytes.ts'
import type { Random } from '../common/random.ts'
import type { Trace } from '../common/trace.ts'
import {
  PeerCore,
  type Credential,
  type CryptoPort,
  type OverlayConfiguration,
  type PeerAction,
  type PeerInput,
  type TransportAddress,
} from '../reload/index.ts'
import type { Network } from './network.ts'
import { SimPeer } from './sim-peer.ts'
import type { World } from './world.ts'

/** What all peers of an overlay have in common. */
export interface Surroundings {
  readonly world: World
  readonly network: Network
  readonly configuration: OverlayConfiguration
  readonly crypto: CryptoPort
  readonly random: Random
  readonly trace: (peer: string) => Trace
  /** Carries out what a peer wants done. */
  readonly perform: (peer: SimPeer, action: PeerAction) => void
}

export interface PeerOptions {
  readonly role?: 'peer' | 'client'
  readonly founder?: boolean
  /** Its place among the bootstrap nodes, when it is one. */
  readonly turn?: number
  readonly bootstrap?: readonly TransportAddress[]
  readonly credential?: Credential
  readonly hosted?: readonly Credential[]
  /** For a peer that does not do its part; the overlay's when absent. */
  readonly crypto?: CryptoPort
}

/** Who the peer is, and how it finds the others. */
export interface PeerLife extends PeerOptions {
  readonly name: string
  readonly credential: Credential
  readonly address: TransportAddress
  readonly founder: boolean
  readonly bootstrap: readonly TransportAddress[]
}

/** A peer that has not been started, with what the disk of a former life holds. */
export function makePeer(surroundings: Surroundings, life: PeerLife): SimPeer {
  const { world, network } = surroundings
  const { name, credential, address } = life
  const application = { ...address, port: 6085 }
  const restored = network.knows(name) ? network.disk(name).records : []
  const core = new PeerCore(
    {
      crypto: life.crypto ?? surroundings.crypto,
      random: surroundings.random.fork(`core ${name} ${world.now.ms}`),
      trace: surroundings.trace(name),
    },
    {
      configuration: surroundings.configuration,
      configurationDocument: utf8('<configuration/>'),
      credential,
      role: life.role ?? 'peer',
      bootstrap: life.bootstrap,
      advertised: { overlay: address, application },
      founder: life.founder,
      turn: life.turn,
      restored,
      hostedCredentials: life.hosted ?? [],
    },
  )
  const host = world.add<PeerInput, PeerAction>({
    name,
    machine: core,
    timeout: { kind: 'timeout' },
    perform: (action) => surroundings.perform(peer, action),
  })
  const peer = new SimPeer(name, core, credential, address, life.bootstrap, host)
  network.attach({
    name,
    addresses: { overlay: address, application },
    get certificates() {
      return [credential.certificate.der]
    },
    input: (input) => host.input(input),
  })
  return peer
}

/** Where the overlay listener of the peer with that number is. */
export function addressOf(index: number): TransportAddress {
  return { address: `10.0.${index >> 8}.${index & 255}`, port: 6084 }
}
