import { describe, expect, it } from 'vitest'
import { NEVER } from '../../../../src/common/time.ts'
import { asNodeId, type NodeId } from '../../../../src/reload/codec/index.ts'
import { ConnectionTable } from '../../../../src/reload/link/connection-table.ts'
import { CONNECTIONS_MAX, CONNECTIONS_PER_NODE_MAX } from '../../../../src/reload/link/constants.ts'
import { encodeAck, encodeData } from '../../../../src/reload/link/framing.ts'
import { compareLinks, type LinkCandidate } from '../../../../src/reload/link/link-choice.ts'
import { provedNodeId } from '../../../../src/reload/link/link-identity.ts'

function nodeId(value: number): NodeId {
  const bytes = new Uint8Array(16)
  bytes[15] = value
  return asNodeId(bytes)
}

const OWN = nodeId(50)
const OTHER = nodeId(60)
const MESSAGE = Uint8Array.of(1, 2, 3)

function table(): ConnectionTable {
  return new ConnectionTable({ own: OWN, limits: { maxMessageBytes: 5_000 } })
}

/** A table with one link to OTHER for each role given, opened a second apart; channels 1, 2, ... */
function tableWith(...roles: readonly ('client' | 'server')[]): ConnectionTable {
  const connections = table()
  roles.forEach((role, index) => {
    connections.open(index * 1_000, { channel: index + 1, purpose: 'attach', role })
    expect(connections.identify(index * 1_000, index + 1, [OTHER]).ok).toBe(true)
  })
  return connections
}

function usedChannel(connections: ConnectionTable): number | undefined {
  return connections.byNode(OTHER)?.connection.channel
}

describe('identity of the far end', () => {
  it('R6940-6.5.1.13-03 R6940-6.5.1.11-01 the handshake has to prove the Node-ID that signed the Attach', () => {
    expect(provedNodeId(OWN, OTHER, [OTHER])).toEqual({ ok: true, value: OTHER })
    expect(provedNodeId(OWN, OTHER, [nodeId(1), OTHER])).toEqual({ ok: true, value: OTHER })
    expect(provedNodeId(OWN, OTHER, [nodeId(1)])).toEqual({ ok: false, error: 'wrongNode' })
    expect(provedNodeId(OWN, OTHER, [])).toEqual({ ok: false, error: 'noNodeId' })
  })

  it('R6940-6.1.2-10 without an Attach a single Node-ID is the identity, several are ambiguous', () => {
    expect(provedNodeId(OWN, undefined, [OTHER])).toEqual({ ok: true, value: OTHER })
    expect(provedNodeId(OWN, undefined, [OTHER, nodeId(1)])).toEqual({ ok: false, error: 'ambiguousNodeId' })
  })

  it('R6940-3-01 nobody is us, the wildcard or zero', () => {
    expect(provedNodeId(OWN, undefined, [OWN])).toEqual({ ok: false, error: 'ownNodeId' })
    expect(provedNodeId(OWN, OWN, [OWN])).toEqual({ ok: false, error: 'ownNodeId' })
    const wildcard = asNodeId(new Uint8Array(16).fill(0xff))
    expect(provedNodeId(OWN, undefined, [wildcard, nodeId(0)])).toEqual({ ok: false, error: 'noNodeId' })
  })

  it('R6940-6.5.1.11-01 a channel with the wrong identity leaves nothing behind', () => {
    const connections = table()
    connections.open(0, { channel: 1, purpose: 'attach', role: 'server', expected: OTHER })
    expect(connections.identify(1, 1, [nodeId(1)])).toEqual({ ok: false, error: 'wrongNode' })
    expect(connections.size).toBe(0)
    expect(connections.nextDeadline()).toBe(NEVER)
    expect(connections.identify(2, 1, [OTHER])).toEqual({ ok: false, error: 'unknownChannel' })
  })

  it('R6940-6.5.1.14-01 a channel that nobody announced is taken and known by its certificate', () => {
    const connections = table()
    connections.open(0, { channel: 2, purpose: 'accepted', role: 'server' })
    expect(connections.connected(OTHER)).toBe(false)
    connections.identify(0, 2, [OTHER])
    expect(connections.connected(OTHER)).toBe(true)
  })
})

describe('who is connected and who is routed through', () => {
  it('R6940-6.5.1-01 R6940-10.7-05 a node is routed through only after its Update', () => {
    const connections = tableWith('server')
    expect(connections.connected(OTHER)).toBe(true)
    expect(connections.routable(OTHER)).toBe(false)
    expect(connections.noteUpdate(OTHER)).toBe(true)
    expect(connections.routable(OTHER)).toBe(true)
    connections.noteLeave(OTHER)
    expect(connections.routable(OTHER)).toBe(false)
    expect(connections.connected(OTHER)).toBe(true)
  })

  it('R6940-10.7-05 an Update of a node without a link counts for nothing, and is forgotten with the last link', () => {
    const connections = tableWith('server')
    expect(connections.noteUpdate(nodeId(1))).toBe(false)
    connections.noteUpdate(OTHER)
    expect(connections.close(1)?.nodeLost).toBe(true)
    connections.open(5, { channel: 2, purpose: 'attach', role: 'server' })
    connections.identify(5, 2, [OTHER])
    expect(connections.routable(OTHER)).toBe(false)
  })

  it('R6940-6.6.5-02 R6940-6.6-03 a suspect link is neither connected nor routable, until an ack comes', () => {
    const connections = tableWith('server')
    connections.noteUpdate(OTHER)
    connections.send(0, 1, MESSAGE)
    expect(connections.nextDeadline()).toBe(1_000)
    expect(connections.timeout(1_000)).toMatchObject([{ kind: 'suspect', connection: { channel: 1 } }])
    expect([connections.connected(OTHER), connections.routable(OTHER)]).toEqual([false, false])
    expect(connections.receive(2_000, 1, encodeAck(0, 0))?.restored).toBe(true)
    expect([connections.connected(OTHER), connections.routable(OTHER)]).toEqual([true, true])
  })

  it('R6940-6.6.5-03 thirty seconds later it is closed and its node lost', () => {
    const connections = tableWith('server')
    connections.send(0, 1, MESSAGE)
    connections.timeout(1_000)
    expect(connections.nextDeadline()).toBe(31_000)
    expect(connections.timeout(31_000)).toMatchObject([
      { kind: 'closed', reason: 'dead', nodeLost: true, connection: { channel: 1, state: 'dead' } },
    ])
    expect([connections.size, connections.nodeCount]).toEqual([0, 0])
  })

  it('wakes no later than a link needs, and says nothing when nothing is due', () => {
    const connections = tableWith('server')
    connections.send(0, 1, MESSAGE)
    connections.receive(100, 1, encodeAck(0, 0))
    connections.send(600, 1, MESSAGE)
    expect(connections.nextDeadline()).toBe(1_000)
    expect(connections.timeout(1_000)).toEqual([])
    expect(connections.nextDeadline()).toBe(1_600)
    expect(connections.timeout(1_600)).toHaveLength(1)
  })

  it('a handshake that does not end is given up', () => {
    const connections = table()
    connections.open(0, { channel: 1, purpose: 'bootstrap', role: 'client' })
    expect(connections.timeout(14_999)).toEqual([])
    expect(connections.timeout(15_000)).toMatchObject([
      { kind: 'closed', reason: 'handshakeTimeout', nodeLost: false },
    ])
  })

  it('an application channel is no overlay link: no frames, no entry for its node', () => {
    const connections = table()
    connections.open(0, { channel: 1, purpose: 'application', role: 'server', expected: OTHER })
    connections.identify(0, 1, [OTHER])
    expect(connections.byChannel(1)).toMatchObject({ state: 'up', nodeId: OTHER })
    expect(connections.connected(OTHER)).toBe(false)
    expect(connections.receive(0, 1, encodeData(0, MESSAGE))).toBeUndefined()
    expect(connections.send(0, 1, MESSAGE)).toBeUndefined()
  })

  it('is bounded as a whole and for one node', () => {
    const connections = table()
    for (let channel = 0; channel < CONNECTIONS_MAX; channel++) {
      expect(connections.open(0, { channel, purpose: 'accepted', role: 'server' })).toBeDefined()
    }
    expect(connections.open(0, { channel: -1, purpose: 'accepted', role: 'server' })).toBeUndefined()
    for (let channel = 0; channel < CONNECTIONS_PER_NODE_MAX; channel++) {
      expect(connections.identify(0, channel, [OTHER]).ok).toBe(true)
    }
    expect(connections.identify(0, 9, [OTHER])).toEqual({ ok: false, error: 'tooManyLinks' })
    expect(connections.byChannel(9)).toBeUndefined()
  })

  it('S-65 the least link of a node gives way to a new one when nothing is heard of it any more', () => {
    const connections = tableWith(...(['server', 'server', 'client', 'server'] as const))
    connections.open(4_500, { channel: 9, purpose: 'attach', role: 'server' })
    // The far end still speaks on the first three.
    for (const channel of [1, 2, 3]) connections.receive(4_000, channel, encodeAck(0, 0))
    expect(connections.identify(4_500, 9, [OTHER]).ok).toBe(true)
    const closed = connections.timeout(4_500).map((event) => [event.kind, event.connection.channel])
    expect(closed).toEqual([['closed', 4]])
    expect(connections.connected(OTHER)).toBe(true)
  })

  it('names the links beside a new one on which nothing is heard any more', () => {
    const connections = tableWith('server', 'server')
    connections.receive(4_500, 2, encodeAck(0, 0))
    const fresh = connections.open(5_000, { channel: 9, purpose: 'attach', role: 'server' })!
    connections.identify(5_000, 9, [OTHER])
    expect(connections.silentBeside(5_000, fresh).map(({ channel }) => channel)).toEqual([1])
    expect(connections.silentBeside(6_000, fresh).map(({ channel }) => channel)).toEqual([2, 1])
  })
})

describe('two links to one node', () => {
  const candidate = (over: Partial<LinkCandidate>): LinkCandidate => ({
    role: 'server',
    openedAt: 0,
    state: 'up',
    ...over,
  })

  it('both ends choose the one on which the larger Node-ID is the TLS server', () => {
    // The same two links, as each end sees them.
    const largeIsServer = { small: candidate({ role: 'client' }), large: candidate({ role: 'server' }) }
    const largeIsClient = { small: candidate({ role: 'server' }), large: candidate({ role: 'client' }) }
    expect(compareLinks(OWN, OTHER, largeIsServer.small, largeIsClient.small)).toBeLessThan(0)
    expect(compareLinks(OTHER, OWN, largeIsServer.large, largeIsClient.large)).toBeLessThan(0)
    expect(compareLinks(OTHER, OWN, largeIsClient.large, largeIsServer.large)).toBeGreaterThan(0)
  })

  it('a working link beats a suspect one, the newer beats the older of the same direction', () => {
    expect(
      compareLinks(OWN, OTHER, candidate({ role: 'client', state: 'suspect' }), candidate({})),
    ).toBeGreaterThan(0)
    expect(compareLinks(OWN, OTHER, candidate({ openedAt: 5 }), candidate({ openedAt: 9 }))).toBeGreaterThan(
      0,
    )
  })

  it('the loser stays open for a while, then goes once the winner was heard of', () => {
    const connections = tableWith('server', 'client')
    expect(usedChannel(connections)).toBe(2)
    connections.receive(2_000, 2, encodeData(0, MESSAGE))
    expect(connections.receive(3_000, 1, encodeData(0, MESSAGE))?.messages).toHaveLength(1)
    expect(connections.timeout(6_000)).toMatchObject([
      { kind: 'closed', reason: 'surplus', nodeLost: false, connection: { channel: 1 } },
    ])
    expect([usedChannel(connections), connections.size]).toEqual([2, 1])
  })

  it('the loser is not given up for a winner that says nothing: the far end may have restarted', () => {
    // OWN is smaller, so its client link wins although it is the remains of an earlier life of the far end.
    const connections = tableWith('client', 'server')
    expect(usedChannel(connections)).toBe(1)
    expect(connections.timeout(6_000)).toEqual([])
    connections.send(7_000, 1, MESSAGE)
    expect(connections.timeout(8_000)).toMatchObject([{ kind: 'suspect', connection: { channel: 1 } }])
    expect(usedChannel(connections)).toBe(2)
    expect(connections.connected(OTHER)).toBe(true)
  })

  it('losing one of two links does not lose the node', () => {
    const connections = tableWith('server', 'client')
    expect(connections.close(2)?.nodeLost).toBe(false)
    expect(usedChannel(connections)).toBe(1)
    expect(connections.timeout(60_000)).toEqual([])
    expect(connections.close(1)?.nodeLost).toBe(true)
    expect(connections.nextDeadline()).toBe(NEVER)
  })
})
