/** What becomes of the ring when a peer, the founder before all, comes back. */
import { describe, expect, it } from 'vitest'
import { fromUtf8, Reader } from '../../src/common/bytes.ts'
import { key, KIND } from '../../src/reload/index.ts'
import { FORMER_NEIGHBORS_KEY } from '../../src/reload/peer/former-neighbors.ts'
import { unseal } from '../../src/reload/storage/sealed-record.ts'
import { replicaFaults } from '../../src/sim/checkers/replicas.ts'
import { ringFaults } from '../../src/sim/checkers/ring.ts'
import { CALM } from '../../src/sim/faults.ts'
import { Overlay, type SimPeer } from '../../src/sim/overlay.ts'
import { registeredKeys, registration } from '../../src/sim/values.ts'

const SEED = process.env['SEED'] ?? 'rejoin'
const AS_FOUNDER = { founder: true, bootstrap: [] } as const

function grown(count: number): { readonly overlay: Overlay; readonly founder: SimPeer } {
  const overlay = new Overlay(SEED)
  expect(overlay.grow(count, 100), overlay.replay()).toBe(true)
  overlay.world.run(3_000)
  expect(ringFaults(overlay), overlay.replay()).toEqual([])
  return { overlay, founder: overlay.peers[0]! }
}

function oneRing(overlay: Overlay, limit: number): void {
  const whole = overlay.world.runUntil(() => ringFaults(overlay).length === 0, limit)
  expect(whole, `${ringFaults(overlay).join('; ')} ${overlay.replay()}`).toBe(true)
}

describe('a founder that comes back', () => {
  it('R6940-11.4-01 R6940-11.4-04 rejoins by its former neighbors, with its Node-ID, and serves what is stored', () => {
    const { overlay, founder } = grown(5)
    const alice = overlay.user('alice@dht.example.com')
    const resource = overlay.resource('alice@dht.example.com')
    expect(overlay.store(founder, resource, [registration(alice, founder.nodeId)], alice).ok).toBe(true)
    overlay.crash(founder)
    overlay.world.run(2_000)
    const again = overlay.restart(founder, AS_FOUNDER)
    expect(again.state).toBe('joining')
    oneRing(overlay, 5_000)
    expect(key(again.nodeId)).toBe(key(founder.nodeId))
    expect(again.snapshot().responsibleShare).toBeLessThan(1)
    for (const peer of overlay.running) {
      const found = overlay.fetch(peer, resource, KIND.sipRegistration)
      expect(found.ok && registeredKeys(found.value)).toEqual([key(alice.nodeId)])
    }
    const placed = overlay.world.runUntil(() => replicaFaults(overlay, [resource]).length === 0, 10_000)
    expect(placed, overlay.replay()).toBe(true)
  })

  it('rejoins before the others have noticed that it was gone', () => {
    const { overlay, founder } = grown(4)
    overlay.crash(founder, true)
    overlay.world.run(200)
    overlay.restart(founder, AS_FOUNDER)
    oneRing(overlay, 60_000)
  })

  it('founds its ring again at once when every neighbor refuses, and the others find it', () => {
    const { overlay } = grown(3)
    for (const peer of [...overlay.peers]) overlay.crash(peer)
    const founder = overlay.restart(overlay.peers[0]!, AS_FOUNDER)
    expect(overlay.world.runUntil(() => founder.state === 'joined', 1_000)).toBe(true)
    expect(founder.snapshot().responsibleShare).toBe(1)
    for (const peer of overlay.peers.slice(1)) overlay.restart(peer, { bootstrap: [founder.address] })
    oneRing(overlay, 20_000)
  })

  it('founds its ring again within seconds when the whole cluster starts at once', () => {
    const { overlay } = grown(4)
    for (const peer of [...overlay.peers]) overlay.crash(peer)
    const address = overlay.peers[0]!.address
    for (const [index, peer] of [...overlay.peers].entries()) {
      overlay.restart(peer, index === 0 ? AS_FOUNDER : { bootstrap: [address] })
    }
    const founded = overlay.world.runUntil(() => overlay.peers[0]!.state === 'joined', 6_000)
    expect(founded, overlay.replay()).toBe(true)
    oneRing(overlay, 30_000)
  })

  it('that founded because it reached nobody ends in the ring of its neighbors', () => {
    const { overlay, founder } = grown(5)
    const alice = overlay.user('alice@dht.example.com')
    const resource = overlay.resource('alice@dht.example.com')
    expect(overlay.store(overlay.peers[1]!, resource, [registration(alice, founder.nodeId)], alice).ok).toBe(
      true,
    )
    overlay.crash(founder)
    overlay.world.run(2_000)
    const others = overlay.peers.slice(1).map((peer) => peer.name)
    overlay.network.partition([founder.name], others)
    const again = overlay.restart(founder, AS_FOUNDER)
    expect(
      overlay.world.runUntil(() => again.state === 'joined', 10_000),
      overlay.replay(),
    ).toBe(true)
    expect(again.snapshot().responsibleShare).toBe(1)
    overlay.world.run(60_000)
    overlay.network.heal()
    oneRing(overlay, 60_000)
    const found = overlay.fetch(again, resource, KIND.sipRegistration)
    expect(found.ok && registeredKeys(found.value)).toEqual([key(alice.nodeId)])
  })
})

describe('the founder is dead and a node starts again', () => {
  it('enters through the one that is left and calls it, though it knows no living node itself', () => {
    const { overlay, founder } = grown(3)
    const [, one, two] = overlay.peers as [SimPeer, SimPeer, SimPeer]
    overlay.crash(founder)
    overlay.world.run(2_000)
    overlay.crash(one)
    overlay.network.disk(one.name).wipe()
    expect(overlay.world.runUntil(() => two.state === 'isolated', 20_000)).toBe(true)
    const again = overlay.restart(one, { bootstrap: [founder.address] })
    oneRing(overlay, 30_000)
    expect([again.state, two.state]).toEqual(['joined', 'joined'])
  })

  it('finds the one that is left however late the answers to Attaches came when they met', () => {
    const faults = { ...CALM, latencyMs: 1, jitterMs: 60, overtakeChance: 0.1, overtakeMs: 1_000 }
    // Where it was not found, before those answers were listened to and links beside the best one counted.
    for (const seed of ['f51', 'f129', 'f186', 'f207', 'f216', 'f252']) {
      const overlay = new Overlay(seed, { faults })
      overlay.grow(3)
      const met = (): boolean => overlay.peers.every((peer) => peer.snapshot().connections.length === 2)
      expect(overlay.world.runUntil(() => ringFaults(overlay).length === 0 && met(), 30_000)).toBe(true)
      overlay.world.run(300)
      overlay.crash(overlay.peers[0]!)
      overlay.world.run(500)
      overlay.crash(overlay.peers[1]!)
      overlay.world.run(50)
      overlay.restart(overlay.peers[1]!, { bootstrap: [overlay.peers[0]!.address] })
      oneRing(overlay, 60_000)
    }
  })
})

describe('bootstrap nodes that were all away at once', () => {
  /** Everybody has the same list, of the first `count` peers. */
  const listed = (overlay: Overlay, count: number, peer: SimPeer) => {
    const turn = overlay.peers.indexOf(peer)
    const bootstrap = overlay.peers.slice(0, count).map(({ address }) => address)
    return turn < count ? { bootstrap, turn } : { bootstrap }
  }

  function stored(overlay: Overlay): Map<SimPeer['name'], ReturnType<Overlay['resource']>> {
    return new Map(
      overlay.peers.map((peer, index) => {
        const name = `u${index}@dht.example.com`
        const credential = overlay.user(name)
        const resource = overlay.resource(name)
        expect(overlay.store(peer, resource, [registration(credential, peer.nodeId)], credential).ok).toBe(
          true,
        )
        return [peer.name, resource]
      }),
    )
  }

  function allAreFound(
    overlay: Overlay,
    resources: ReadonlyMap<string, ReturnType<Overlay['resource']>>,
  ): void {
    for (const peer of overlay.running)
      for (const resource of resources.values()) {
        const found = overlay.fetch(peer, resource, KIND.sipRegistration)
        expect(found.ok && registeredKeys(found.value), overlay.replay()).toHaveLength(1)
      }
  }

  it('R-06 the first of them founds the ring anew and the others come in: nothing that was stored is lost', () => {
    const { overlay } = grown(6)
    const resources = stored(overlay)
    for (const peer of [...overlay.peers]) overlay.crash(peer)
    for (const peer of [...overlay.peers]) overlay.restart(peer, listed(overlay, 3, peer))
    oneRing(overlay, 40_000)
    allAreFound(overlay, resources)
  })

  it('R-06 with the first of them gone for good it is the second one, in its turn', () => {
    const { overlay } = grown(5)
    for (const peer of [...overlay.peers]) overlay.crash(peer)
    const lists = overlay.peers.map((peer) => [peer, listed(overlay, 3, peer)] as const)
    overlay.remove(overlay.peers[0]!)
    for (const [peer, list] of lists.slice(1)) overlay.restart(peer, list)
    overlay.world.run(15_000)
    expect(
      overlay.running.every(({ state }) => state === 'joining'),
      overlay.replay(),
    ).toBe(true)
    oneRing(overlay, 45_000)
  })

  it('R-06 two that cannot reach each other found two rings, which become one when they can', () => {
    const { overlay } = grown(4)
    const resources = stored(overlay)
    for (const peer of [...overlay.peers]) overlay.crash(peer)
    const names = overlay.peers.map(({ name }) => name)
    overlay.network.partition(names.slice(0, 2), names.slice(2))
    for (const peer of [...overlay.peers]) overlay.restart(peer, listed(overlay, 4, peer))
    const both = overlay.world.runUntil(
      () => overlay.running.every(({ state }) => state === 'joined'),
      120_000,
    )
    expect(both, overlay.replay()).toBe(true)
    overlay.network.heal()
    oneRing(overlay, 120_000)
    allAreFound(overlay, resources)
  })

  it('a node that is none of them never founds, and one that has become one does', () => {
    const { overlay } = grown(3)
    const [first, second, third] = overlay.peers as [SimPeer, SimPeer, SimPeer]
    for (const peer of [first, second, third]) overlay.crash(peer)
    const old = { address: '10.99.0.1', port: 6084 }
    const alone = overlay.restart(third, { bootstrap: [old] })
    overlay.world.run(300_000)
    expect(alone.state).toBe('joining')
    // The name of the bootstrap nodes stands for this one alone now.
    alone.host.input({ kind: 'entrances', entrances: { bootstrap: [], turn: 0 } })
    expect(
      overlay.world.runUntil(() => alone.state === 'joined', 10_000),
      overlay.replay(),
    ).toBe(true)
    // And a ring finds a node that it is told of later.
    const again = overlay.restart(second, { bootstrap: [old] })
    again.host.input({ kind: 'entrances', entrances: { bootstrap: [third.address], turn: undefined } })
    overlay.world.run(40_000)
    expect(again.state).toBe('joined')
  })
})

describe('rings that were one', () => {
  it('find together again after a partition so long that both halves closed their links', () => {
    const { overlay } = grown(8)
    const names = overlay.peers.map((peer) => peer.name)
    const users = overlay.peers.map((peer, index) => {
      const credential = overlay.user(`u${index}@dht.example.com`)
      const resource = overlay.resource(`u${index}@dht.example.com`)
      expect(overlay.store(peer, resource, [registration(credential, peer.nodeId)], credential).ok).toBe(true)
      return resource
    })
    overlay.network.partition(names.slice(0, 4), names.slice(4))
    overlay.world.run(120_000)
    for (const peer of overlay.running) expect(peer.snapshot().sizeEstimate).toBe(4)
    overlay.network.heal()
    oneRing(overlay, 120_000)
    const placed = overlay.world.runUntil(() => replicaFaults(overlay, users).length === 0, 30_000)
    expect(placed, overlay.replay()).toBe(true)
  })
})

describe('the memory of former neighbors', () => {
  it('R6940-11.4-04 holds at most ten, all of them directly connected peers', () => {
    const { overlay } = grown(14)
    for (const peer of overlay.peers) {
      const record = new Map(overlay.network.disk(peer.name).records).get(FORMER_NEIGHBORS_KEY)
      const reader = new Reader(unseal(FORMER_NEIGHBORS_KEY, record!)!)
      const linked = new Set(peer.snapshot().connections.map(({ address }) => address?.address))
      const count = reader.u8()
      expect(count).toBeGreaterThanOrEqual(6)
      expect(count).toBeLessThanOrEqual(10)
      for (let left = count; left > 0; left--) {
        expect(linked).toContain(fromUtf8(reader.bytes(reader.u8())))
        expect(reader.u16()).toBe(6084)
      }
    }
  })

  it('a damaged record is as good as none: the founder founds', () => {
    const { overlay, founder } = grown(3)
    for (const peer of [...overlay.peers]) overlay.crash(peer)
    expect(overlay.network.disk(founder.name).damage(FORMER_NEIGHBORS_KEY)).toBe(true)
    expect(overlay.restart(founder, AS_FOUNDER).state).toBe('joined')
  })
})
