/** Processes that get no processor for a while, as on a machine that is suspended, and links that pass nothing. */
import { describe, expect, it } from 'vitest'
import { key } from '../../src/reload/index.ts'
import { ringFaults } from '../../src/sim/checkers/ring.ts'
import { Overlay, type SimPeer } from '../../src/sim/overlay.ts'

const SEED = process.env['SEED'] ?? 'standstill'

/** A framed ack: everything longer is a message. */
const ACK_BYTES = 9

function grown(): Overlay {
  const overlay = new Overlay(SEED)
  expect(overlay.grow(8, 100), overlay.replay()).toBe(true)
  overlay.world.run(10_000)
  return overlay
}

function knows(peer: SimPeer, other: SimPeer): boolean {
  const { predecessors, successors, fingers } = peer.snapshot()
  return [...predecessors, ...successors, ...fingers].some((nodeId) => key(nodeId) === key(other.nodeId))
}

describe('a peer that stood still', () => {
  it('R6940-6.6.5-01 soon notices who died meanwhile', () => {
    const overlay = grown()
    const [, sleeper, victim] = overlay.peers as [SimPeer, SimPeer, SimPeer]
    expect(knows(sleeper, victim)).toBe(true)
    let onItsWay = false
    overlay.network.watch(({ from, to, bytes }) => {
      if (from === sleeper.name && to === victim.name && bytes.length > ACK_BYTES) onItsWay = true
    })
    // The ack is sent now, and waits for the sleeper's waking up.
    expect(overlay.world.runUntil(() => onItsWay, 30_000)).toBe(true)
    sleeper.host.freeze()
    overlay.world.run(40_000)
    overlay.crash(victim, true)
    overlay.world.run(5_000)
    sleeper.host.thaw()
    overlay.world.run(20_000)
    expect(knows(sleeper, victim), overlay.replay()).toBe(false)
    expect(ringFaults(overlay), overlay.replay()).toEqual([])
  })
})

describe('a network that heals', () => {
  it('brings what a clog held back', () => {
    const overlay = grown()
    const [one, other] = overlay.peers as [SimPeer, SimPeer]
    let arrived = 0
    overlay.network.watch(({ from, to }) => {
      if (from === one.name && to === other.name) arrived++
    })
    overlay.network.clog(one.name, other.name, 600_000)
    overlay.world.run(4_000)
    expect(arrived).toBe(0)
    overlay.network.heal()
    overlay.world.run(200)
    expect(arrived).toBeGreaterThan(0)
  })
})
