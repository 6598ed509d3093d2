/** How soon a peer is back that was killed, lost its power or stood still, while the others still believe in its former life. */
import { describe, expect, it } from 'vitest'
import { ringFaults } from '../../src/sim/checkers/ring.ts'
import { Overlay, type SimPeer } from '../../src/sim/overlay.ts'

const SEED = process.env['SEED'] ?? 'restart'
const PEERS = 12

function grown(failures: string[] = []): Overlay {
  const overlay = new Overlay(SEED, {
    trace:
      () =>
      ({ event, reason }) => {
        if (event === 'join_failed') failures.push(String(reason))
      },
  })
  expect(overlay.grow(PEERS, 200), overlay.replay()).toBe(true)
  overlay.world.run(10_000)
  expect(ringFaults(overlay)).toEqual([])
  // Peers that join beside one another may be sent to the next one.
  failures.length = 0
  return overlay
}

/** Whether the peer, whatever life it is in now, is in everybody's ring within that time. */
function back(overlay: Overlay, peer: SimPeer, limit: number): void {
  const whole = overlay.world.runUntil(() => peer.joined && ringFaults(overlay, 1).length === 0, limit)
  expect(whole, `${peer.name}: ${ringFaults(overlay, 2).join('; ')} ${overlay.replay()}`).toBe(true)
}

describe('a peer that was killed and starts again with its Node-ID', () => {
  it('R6940-6.5.1.2-04 joins at once, though its neighbors still wait for the answer of its former life to their Attaches', () => {
    const failures: string[] = []
    const overlay = grown(failures)
    for (let index = 0; index < PEERS; index++) {
      overlay.crash(overlay.peers[index]!)
      // Its neighbors try to get it back after half a second, and go on for 15 s.
      overlay.world.run(600 + 200 * (index % 5))
      back(overlay, overlay.restart(overlay.peers[index]!), 1_000)
      overlay.world.run(1_000)
    }
    expect(failures).toEqual([])
  })

  it('R6940-6.5.1.2-02 joins soon when it dies again right after it has answered its neighbors', () => {
    const overlay = grown()
    for (let index = 0; index < PEERS; index++) {
      overlay.crash(overlay.peers[index]!)
      overlay.world.run(900)
      overlay.restart(overlay.peers[index]!)
      overlay.world.run(100 + 20 * index)
      overlay.crash(overlay.peers[index]!)
      overlay.world.run(300)
      back(overlay, overlay.restart(overlay.peers[index]!), 3_000)
      overlay.world.run(1_000)
    }
  })
})

describe('a peer that lost its power', () => {
  it('joins through a peer that still routes to its former life', () => {
    const failures: string[] = []
    const overlay = grown(failures)
    for (let index = 0; index < PEERS; index++) {
      const peer = overlay.peers[index]!
      const before = peer.snapshot().predecessors[0]!
      const way = overlay.peers.find(({ nodeId }) => same(nodeId, before))!
      overlay.crash(peer, true)
      overlay.network.disk(peer.name).wipe()
      overlay.world.run(200)
      back(overlay, overlay.restart(peer, { bootstrap: [way.address] }), 8_000)
      overlay.world.run(1_000)
    }
    expect(failures).toEqual([])
  })

  it('leaves no link of its former lives behind', () => {
    const overlay = grown()
    const again = (): SimPeer => overlay.peers[3]!
    for (let life = 0; life < 6; life++) {
      overlay.crash(again(), true)
      overlay.world.run(500)
      back(overlay, overlay.restart(again()), 7_000)
    }
    overlay.world.run(12_000)
    for (const peer of overlay.running) {
      const links = peer
        .snapshot()
        .connections.filter(({ nodeId }) => nodeId !== undefined && same(nodeId, again().nodeId))
      expect(links.length, peer.name).toBeLessThanOrEqual(1)
    }
  })
})

describe('a peer that stood still', () => {
  it('is back in everybody’s ring soon after, however long it was', () => {
    const overlay = grown()
    for (const [index, peer] of overlay.peers.entries()) {
      peer.host.freeze()
      overlay.world.run([3_000, 11_000, 15_000, 40_000][index % 4]!)
      peer.host.thaw()
      back(overlay, peer, 4_000)
      overlay.world.run(1_000)
    }
  })
})

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((byte, index) => byte === b[index])
}
