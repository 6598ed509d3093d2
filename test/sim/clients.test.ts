/** Clients: nodes that use the overlay without being part of its ring (RFC 6940 s.4.2). */
import { describe, expect, it } from 'vitest'
import { key, KIND, sameId, type CommandId } from '../../src/reload/index.ts'
import { ringFaults } from '../../src/sim/checkers/ring.ts'
import { OVERLAY_NAME } from '../../src/sim/configuration.ts'
import { Overlay, type SimPeer } from '../../src/sim/overlay.ts'
import { registeredKeys, registration } from '../../src/sim/values.ts'

function overlayOf(seed: string, peers: number): Overlay {
  const overlay = new Overlay(seed)
  expect(overlay.grow(peers, 100), overlay.replay()).toBe(true)
  overlay.world.run(2_000)
  return overlay
}

function joined(overlay: Overlay, client: SimPeer): SimPeer {
  const up = overlay.world.runUntil(() => client.state === 'joined', 20_000)
  expect(up, overlay.replay()).toBe(true)
  overlay.world.run(2_000)
  return client
}

/** Whether `from` reaches `to` by its Node-ID alone. */
function pings(overlay: Overlay, from: SimPeer, to: SimPeer): boolean {
  const id: CommandId = overlay.commands.newId()
  const destinations = [{ kind: 'node', nodeId: to.nodeId }] as const
  const done = overlay.command(
    from,
    { kind: 'ping', id, destinations, timeoutMs: 10_000 },
    'pingDone',
    20_000,
  )
  return done.outcome.ok && sameId(done.outcome.value.responder, to.nodeId)
}

describe('a client', () => {
  it('R6940-4.2.1-02 R6940-4.2.2-01 R6940-6.5.1-04 is reached by its Node-ID, stores and fetches, and is never part of the ring', () => {
    const overlay = overlayOf('client', 8)
    const client = joined(overlay, overlay.startClient([overlay.peers[2]!.address]))
    expect(ringFaults(overlay)).toEqual([])
    for (const peer of overlay.peers) {
      expect(pings(overlay, peer, client), `${peer.name} ${overlay.replay()}`).toBe(true)
      expect(peer.snapshot().successors.some((id) => sameId(id, client.nodeId))).toBe(false)
    }
    const alice = overlay.user(`alice@${OVERLAY_NAME}`)
    const resource = overlay.resource(`alice@${OVERLAY_NAME}`)
    expect(overlay.store(client, resource, [registration(alice, client.nodeId)], alice).ok).toBe(true)
    for (const node of [client, ...overlay.peers]) {
      const found = overlay.fetch(node, resource, KIND.sipRegistration)
      expect(found.ok && registeredKeys(found.value)).toEqual([key(alice.nodeId)])
    }
    expect(client.snapshot()).toMatchObject({ responsible: undefined, responsibleShare: 0, storage: [] })
    const sent = client.core.instruments.messages
    for (const method of ['join', 'update', 'leave'])
      expect(sent.get(`out|${method}|request`), method).toBe(0)
  })

  it('R6940-4.2.1-03 moves when a joining peer becomes responsible for it', () => {
    const overlay = overlayOf('client moves', 3)
    const clients = [0, 1, 2, 3].map((index) =>
      joined(overlay, overlay.startClient([overlay.peers[index % 3]!.address])),
    )
    const homes = clients.map((client) => key(overlay.owner(client.nodeId).nodeId))
    expect(overlay.grow(12, 300), overlay.replay()).toBe(true)
    overlay.world.run(30_000)
    const moved = clients.filter((client, index) => key(overlay.owner(client.nodeId).nodeId) !== homes[index])
    expect(moved.length).toBeGreaterThan(0)
    for (const client of clients) {
      expect(sameId(client.snapshot().successors[0]!, overlay.owner(client.nodeId).nodeId)).toBe(true)
      for (const peer of overlay.peers) expect(pings(overlay, peer, client), overlay.replay()).toBe(true)
    }
  })

  it('R6940-4.2.1-02 survives the loss of the peer it hangs on, with a second one meanwhile', () => {
    const overlay = overlayOf('client survives', 6)
    const client = joined(overlay, overlay.startClient([overlay.peers[0]!.address]))
    for (let round = 0; round < 3; round++) {
      overlay.world.run(15_000)
      expect(client.snapshot().successors).toHaveLength(2)
      overlay.crash(overlay.owner(client.nodeId), round === 1)
      overlay.world.run(30_000)
      expect(client.state, overlay.replay()).toBe('joined')
      for (const peer of overlay.running) expect(pings(overlay, peer, client), overlay.replay()).toBe(true)
      expect(pings(overlay, client, overlay.running[0]!)).toBe(true)
    }
  })

  it('that lost all its peers looks for them and comes back', () => {
    const overlay = overlayOf('client alone', 4)
    const client = joined(overlay, overlay.startClient([overlay.peers[1]!.address]))
    overlay.network.partition(
      [client.name],
      overlay.peers.map(({ name }) => name),
    )
    expect(
      overlay.world.runUntil(() => client.state === 'isolated', 60_000),
      overlay.replay(),
    ).toBe(true)
    overlay.network.heal()
    expect(
      overlay.world.runUntil(() => client.state === 'joined', 60_000),
      overlay.replay(),
    ).toBe(true)
    overlay.world.run(5_000)
    for (const peer of overlay.peers) expect(pings(overlay, peer, client), overlay.replay()).toBe(true)
  })

  it('leaves without a trace', () => {
    const overlay = overlayOf('client leaves', 4)
    const client = joined(overlay, overlay.startClient([overlay.peers[1]!.address]))
    client.host.input({ kind: 'leave' })
    expect(
      overlay.world.runUntil(() => client.state === 'left', 10_000),
      overlay.replay(),
    ).toBe(true)
    overlay.world.run(10_000)
    expect(ringFaults(overlay)).toEqual([])
    expect(pings(overlay, overlay.peers[0]!, client)).toBe(false)
  })

  it('R6940-11.1-18 R6940-11.1-36 is refused by an overlay that permits none', () => {
    const overlay = new Overlay('no clients', { configuration: { clientsPermitted: false } })
    const peer = overlay.start()
    expect(() => overlay.startClient([peer.address])).toThrow(RangeError)
  })
})
