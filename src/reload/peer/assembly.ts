/** Builds the parts of a peer and connects those that know each other; who hears of whose signals is in couplings.ts. */
import type { NodeId, ResourceId } from '../codec/index.ts'
import type { ForwardingContext } from '../forwarding/forward.ts'
import type { NextHop } from '../forwarding/next-hop.ts'
import { Storage } from '../storage/storage.ts'
import { ChordClient } from '../topology/client/chord-client.ts'
import { Chord } from '../topology/chord/chord.ts'
import type { TopologyPlugin } from '../topology/plugin.ts'
import type { Closeness } from '../transactions/acceptance.ts'
import { admissionRules } from './admission-rules.ts'
import { Answers } from './answers.ts'
import { AppAttaches } from './app-attach.ts'
import { Attaches } from './attach.ts'
import { Bootstrap } from './bootstrap.ts'
import { Commands } from './commands.ts'
import { ConfigurationUpdates } from './configuration-updates.ts'
import { Departure } from './departure.ts'
import { FormerNeighbors } from './former-neighbors.ts'
import { Founding } from './founding.ts'
import { Inquiries } from './inquiries.ts'
import { Links } from './links.ts'
import { PeerParts, type PeerComponents, type PeerInit } from './parts.ts'
import { Receiver } from './receiver.ts'
import { Replication } from './replication.ts'
import { Requests } from './requests.ts'
import { Reunion } from './reunion.ts'
import { Ring } from './ring.ts'
import { Services } from './services.ts'
import { StorageService } from './storage-service.ts'
import { UnattachedLinks } from './unattached.ts'

/** All parts of one peer. */
export type Assembly = ReturnType<typeof assemble>

/** Throws RangeError when the configuration is not one that this peer can follow. */
export function assemble(components: PeerComponents, init: PeerInit) {
  const parts = new PeerParts(components, init)
  const topology = init.role === 'client' ? new ChordClient({ self: parts.self }) : chordOf(components, parts)
  const links = new Links(parts)
  // The receiver routes as well as it serves; its hosted users are looked up when a message is there.
  const routing = routingOf(parts, topology, {
    connected: (id) => links.connected(id) || receiver.hosts(id),
    linked: (id) => links.table.isOnlyWay(id),
  })
  const closeness: Closeness = {
    asCloseAsNeighbors: (nodeId, resource) => topology.plausibleResponsible(nodeId, resource),
  }
  const requests = new Requests(parts, links, routing, closeness)
  const answers = new Answers(parts, links, routing.own)
  const receiver = new Receiver({ parts, links, requests, answers }, routing)
  const attaches = new Attaches(parts, links, requests, answers)
  const appAttaches = new AppAttaches(parts, links, requests, answers)
  const storage = storageOf(parts, topology)
  const replication = new Replication(parts, requests, storage, topology)
  const storageService = new StorageService(parts, storage, replication, answers)
  const updates = new ConfigurationUpdates({ parts, requests, answers, links, storage })
  const services = new Services({
    parts,
    updates,
    answers,
    topology,
    attaches,
    appAttaches,
    storage,
    storageService,
  })
  const unattached = new UnattachedLinks(parts, links, attaches, answers)
  const commands = new Commands(parts, requests, storage)
  const inquiries = new Inquiries(parts, requests)
  const former = new FormerNeighbors(parts, links)
  const bootstrap = new Bootstrap(parts, links, topology, former)
  const founding = new Founding(parts, topology, bootstrap, former)
  const reunion = new Reunion(parts, links, topology, former)
  const ring = new Ring({ parts, links, requests, attaches, topology, replication })
  const departure = new Departure({ parts, links, requests }, topology, replication)
  return {
    parts,
    topology,
    links,
    requests,
    answers,
    receiver,
    attaches,
    unattached,
    appAttaches,
    storage,
    replication,
    storageService,
    updates,
    services,
    commands,
    inquiries,
    former,
    bootstrap,
    founding,
    reunion,
    ring,
    departure,
  } as const
}

function chordOf(components: PeerComponents, parts: PeerParts): TopologyPlugin {
  return new Chord(
    { random: components.random.fork('chord') },
    {
      self: parts.self,
      intervals: {
        get updateMs() {
          return parts.configuration.chordUpdateIntervalS * 1000
        },
        get pingMs() {
          return parts.configuration.chordPingIntervalS * 1000
        },
      },
      get reactive() {
        return parts.configuration.chordReactive
      },
    },
  )
}

function storageOf(parts: PeerParts, topology: TopologyPlugin): Storage {
  const { storageLimits } = parts.init
  return new Storage(
    {
      crypto: parts.crypto,
      trust: parts.trust,
      kinds: parts.kinds,
      responsibility: {
        responsibleFor: (resource: ResourceId) => topology.responsible(resource),
        mayReplicate: (sender: NodeId, resource: ResourceId) => topology.mayReplicate(sender, resource),
        replicaSet: () => topology.replicaSet(),
      },
      rules: admissionRules(parts.configuration),
    },
    storageLimits === undefined ? {} : { limits: storageLimits },
  )
}

interface Routing {
  readonly own: ForwardingContext
  readonly transit: ForwardingContext
  /** For own messages that got no answer: past so many of the best next hops. */
  readonly detour: (by: number) => ForwardingContext
}

/** The same rules for own messages and others', but a node outside the ring carries nothing for others. */
function routingOf(
  parts: PeerParts,
  topology: TopologyPlugin,
  { connected, linked }: Pick<NextHop, 'connected' | 'linked'>,
): Routing {
  const responsible = (id: Uint8Array): boolean => topology.responsible(id)
  const nextHop = (id: Uint8Array, notBackTo?: NodeId): NodeId | undefined =>
    topology.nextHop(id, { notBackTo })
  const carries = parts.init.role !== 'client'
  const inRing = (id: Uint8Array, notBackTo?: NodeId): NodeId | undefined =>
    carries && (topology.state === 'joined' || topology.state === 'isolated')
      ? topology.nextHop(id, { notBackTo })
      : undefined
  return {
    own: contextOf(parts, { responsible, connected, linked, nextHop }),
    transit: contextOf(parts, { responsible, connected, linked, nextHop: inRing }),
    detour: (by) =>
      contextOf(parts, {
        responsible,
        connected,
        linked,
        nextHop: (id) => topology.nextHop(id, { detour: by }),
      }),
  }
}

/** The limits are read at every message: a newer Configuration Document may change them. */
function contextOf(parts: PeerParts, routes: NextHop): ForwardingContext {
  return {
    own: parts.self,
    overlay: parts.overlay,
    get initialTtl() {
      return parts.configuration.initialTtl
    },
    get maxMessageBytes() {
      return parts.configuration.maxMessageSize
    },
    routes,
  }
}
