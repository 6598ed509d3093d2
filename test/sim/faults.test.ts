import { describe, expect, it } from 'vitest'
import { key, KIND } from '../../src/reload/index.ts'
import { replicaFaults } from '../../src/sim/checkers/replicas.ts'
import { ringFaults } from '../../src/sim/checkers/ring.ts'
import { CALM } from '../../src/sim/network.ts'
import { Overlay } from '../../src/sim/overlay.ts'
import { registeredKeys, registration } from '../../src/sim/values.ts'

const SEED = process.env['SEED'] ?? 'faults'

/** TCP hides loss as delay; other channels overtake meanwhile. */
const ROUGH = { ...CALM, latencyMs: 30, jitterMs: 60, lossChance: 0.05, retransmitMs: 400 }

describe('a network with faults', () => {
  it('R6940-6.2.1-04 R6940-6.2.1-05 R6940-10.7.3-02 ten peers join, store and fetch through loss, delay and overtaking channels', () => {
    const overlay = new Overlay(SEED, { faults: ROUGH })
    expect(overlay.grow(10, 300, 120_000), overlay.replay()).toBe(true)
    expect(
      overlay.world.runUntil(() => ringFaults(overlay).length === 0, 60_000),
      overlay.replay(),
    ).toBe(true)
    for (const [index, peer] of overlay.peers.entries()) {
      const credential = overlay.user(`u${index}@dht.example.com`)
      const resource = overlay.resource(`u${index}@dht.example.com`)
      const stored = overlay.store(peer, resource, [registration(credential, peer.nodeId)], credential)
      expect(stored, overlay.replay()).toMatchObject({ ok: true })
      const other = overlay.peers[(index + 4) % 10]!
      const found = overlay.fetch(other, resource, KIND.sipRegistration)
      expect(found.ok && registeredKeys(found.value), overlay.replay()).toEqual([key(credential.nodeId)])
    }
  })

  it('R6940-10.7.1-05 connections that break at random heal, and the data stays', () => {
    const overlay = new Overlay(SEED)
    expect(overlay.grow(8, 200), overlay.replay()).toBe(true)
    overlay.world.run(2_000)
    const users = overlay.peers.map((peer, index) => {
      const credential = overlay.user(`u${index}@dht.example.com`)
      const resource = overlay.resource(`u${index}@dht.example.com`)
      expect(overlay.store(peer, resource, [registration(credential, peer.nodeId)], credential).ok).toBe(true)
      return resource
    })
    overlay.network.faults = { ...CALM, resetChance: 0.004 }
    overlay.world.run(60_000)
    // Faults off: everything has to come back into order.
    overlay.network.faults = CALM
    const inOrder = (): boolean =>
      ringFaults(overlay).length === 0 && replicaFaults(overlay, users).length === 0
    const healed = overlay.world.runUntil(inOrder, 60_000)
    expect(healed, `${ringFaults(overlay).join('; ')} ${overlay.replay()}`).toBe(true)
    for (const resource of users) {
      const found = overlay.fetch(overlay.peers[0]!, resource, KIND.sipRegistration)
      expect(found.ok && registeredKeys(found.value)).toHaveLength(1)
    }
  })

  it('R6940-10.7.1-06 a pair that loses its only link finds together again', () => {
    const overlay = new Overlay(SEED)
    expect(overlay.grow(2)).toBe(true)
    overlay.world.run(1_000)
    overlay.network.reset('p0', 'p1')
    overlay.world.run(100)
    expect(overlay.peers[1]?.state).toBe('isolated')
    expect(overlay.settled(30_000), overlay.replay()).toBe(true)
    expect(
      overlay.world.runUntil(() => ringFaults(overlay).length === 0, 20_000),
      overlay.replay(),
    ).toBe(true)
  })

  it('the survivor of a pair goes on serving what it holds', () => {
    const overlay = new Overlay(SEED)
    expect(overlay.grow(2)).toBe(true)
    const [founder, second] = overlay.peers
    const credential = overlay.user('alice@dht.example.com')
    const resource = overlay.resource('alice@dht.example.com')
    expect(
      overlay.store(founder!, resource, [registration(credential, founder!.nodeId)], credential).ok,
    ).toBe(true)
    overlay.crash(founder!)
    overlay.world.run(500)
    expect(second?.state).toBe('isolated')
    const found = overlay.fetch(second!, resource, KIND.sipRegistration)
    expect(found.ok && registeredKeys(found.value)).toEqual([key(credential.nodeId)])
  })

  it('a short partition of a third of the ring heals without losing data', () => {
    const overlay = new Overlay(SEED)
    expect(overlay.grow(9, 100)).toBe(true)
    overlay.world.run(2_000)
    const credential = overlay.user('alice@dht.example.com')
    const resource = overlay.resource('alice@dht.example.com')
    expect(
      overlay.store(
        overlay.peers[0]!,
        resource,
        [registration(credential, overlay.peers[0]!.nodeId)],
        credential,
      ).ok,
    ).toBe(true)
    const names = overlay.peers.map((peer) => peer.name)
    overlay.network.partition(names.slice(0, 6), names.slice(6))
    overlay.world.run(3_000)
    overlay.network.heal()
    const healed = overlay.world.runUntil(() => ringFaults(overlay).length === 0, 120_000)
    expect(healed, `${ringFaults(overlay).join('; ')} ${overlay.replay()}`).toBe(true)
    const found = overlay.fetch(overlay.peers[8]!, resource, KIND.sipRegistration)
    expect(found.ok && registeredKeys(found.value)).toEqual([key(credential.nodeId)])
  })
})
