/** Rules of the ring that show only between whole peers: who keeps which copies, who looks for the others, who is reached how. */
import { describe, expect, it } from 'vitest'
import {
  asNodeId,
  decodeAttachReqAns,
  decodeMessage,
  encodeAttachReqAns,
  encodePingAns,
  ERROR_CODE,
  KIND,
  key,
  makeStandInCredential,
  MESSAGE_CODE,
  sameId,
  type Destination,
  type NodeId,
} from '../../src/reload/index.ts'
import { FrameReader } from '../../src/reload/link/framing.ts'
import { attachBody } from '../../src/reload/peer/candidates.ts'
import { ANSWERED_ATTACHES_MAX, REPLICATION_HOLD_DOWN_MS } from '../../src/reload/peer/constants.ts'
import { ringFaults } from '../../src/sim/checkers/ring.ts'
import { OVERLAY_NAME } from '../../src/sim/configuration.ts'
import { Overlay, type SimPeer } from '../../src/sim/overlay.ts'
import { registeredKeys, registration } from '../../src/sim/values.ts'
import { Stranger } from './stranger.ts'

const SEED = 'ring rules'
const ALICE = `alice@${OVERLAY_NAME}`
const ADDRESS = { address: '10.200.0.9', port: 7_000 }

function grown(count: number): Overlay {
  const overlay = new Overlay(SEED)
  expect(overlay.grow(count, 100), overlay.replay()).toBe(true)
  overlay.world.run(3_000)
  return overlay
}

/** Keeps every RELOAD message that is sent from now on, with who sent it to whom. */
function watched(overlay: Overlay) {
  const sent: { from: string; to: string; code: number; destinations: readonly Destination[] }[] = []
  overlay.network.watch(({ from, to, purpose, bytes }) => {
    if (purpose !== 'overlay') return
    for (const frame of new FrameReader({ maxMessageBytes: 60_000 }).push(bytes).frames) {
      if (frame.kind !== 'data') continue
      const decoded = decodeMessage(frame.message.slice())
      if (!decoded.ok) continue
      const { contents, header } = decoded.value
      sent.push({ from, to, code: contents.messageCode, destinations: header.destinationList })
    }
  })
  return sent
}

function ping(overlay: Overlay, from: SimPeer, nodes: readonly NodeId[], limit = 4_000): NodeId | undefined {
  const id = overlay.commands.newId()
  const destinations = nodes.map((nodeId) => ({ kind: 'node', nodeId }) as const)
  const command = { kind: 'ping', id, destinations, timeoutMs: limit } as const
  const { outcome } = overlay.command(from, command, 'pingDone', limit + 5_000)
  return outcome.ok ? outcome.value.responder : undefined
}

describe('copies', () => {
  it('R6940-10.5-08 R6940-10.7.3-07 an admitting peer that is a replica now keeps what it handed over; nobody is told to delete', () => {
    const overlay = new Overlay(SEED)
    const resource = overlay.resource(ALICE)
    const start = (step: number): SimPeer => {
      const id = Uint8Array.from(resource)
      id[0] = ((id[0] as number) + step) & 0xff
      const peer = overlay.start({
        credential: makeStandInCredential(asNodeId(id), `p${step}`, OVERLAY_NAME),
      })
      overlay.world.run(3_000)
      return peer
    }
    const [, owner, replica, last] = [-32, 32, 64, 96, 128].map(start) as SimPeer[]
    const alice = overlay.user(ALICE)
    const entry = registration(alice, owner!.nodeId)
    expect(overlay.store(owner!, resource, [entry], alice).ok, overlay.replay()).toBe(true)
    overlay.world.run(3_000)
    for (const peer of [owner, replica, last]) expect(peer!.core.holds(resource)).toBe(true)
    const sent = watched(overlay)
    const joined = start(16)
    expect(overlay.owner(resource)).toBe(joined)
    overlay.world.run(10_000)
    expect(joined.core.holds(resource)).toBe(true)
    // The former second replica is out of the set; it keeps its copy until it finds so itself.
    expect(last!.core.holds(resource)).toBe(true)
    const stores = sent.filter(({ code }) => code === MESSAGE_CODE.storeReq)
    expect(stores.map(({ to }) => to)).not.toContain(last!.name)
    overlay.world.run(120_000)
    expect(last!.core.holds(resource)).toBe(false)
    for (const peer of [owner, replica]) expect(peer!.core.holds(resource)).toBe(true)
    const found = overlay.fetch(last!, resource, KIND.sipRegistration)
    expect(found.ok && registeredKeys(found.value)).toEqual([key(alice.nodeId)])
  })

  it('after a successor failed the next ones get copies when the hold-down is over, not before (docs/adr/0003)', () => {
    const overlay = grown(8)
    const alice = overlay.user(ALICE)
    const resource = overlay.resource(ALICE)
    const [owner, successor, next] = overlay.ring().dueHolders(resource) as [SimPeer, SimPeer, SimPeer]
    expect(overlay.store(owner, resource, [registration(alice, owner.nodeId)], alice).ok).toBe(true)
    overlay.world.run(3_000)
    expect([successor, next].every((peer) => peer.core.holds(resource))).toBe(true)
    overlay.crash(successor)
    const newcomer = overlay.ring().dueHolders(resource)[2]!
    overlay.world.run(REPLICATION_HOLD_DOWN_MS - 100)
    expect(newcomer.core.holds(resource)).toBe(false)
    overlay.world.run(1_000)
    expect(newcomer.core.holds(resource)).toBe(true)
  })
})

describe('a peer that lost everybody', () => {
  it('R6940-10.7.1-07 R6940-10.7.1-06 takes itself for cut off and tries to join again and again', () => {
    const overlay = grown(8)
    const [, lost] = overlay.peers as [SimPeer, SimPeer]
    overlay.network.partition(
      [lost.name],
      overlay.peers.filter((peer) => peer !== lost).map(({ name }) => name),
    )
    expect(overlay.world.runUntil(() => lost.state === 'isolated', 60_000)).toBe(true)
    expect(lost.snapshot().fingers).toEqual([])
    const dialled: number[] = []
    const { network } = overlay
    const perform = network.perform.bind(network)
    network.perform = (name, action) => {
      if (name === lost.name && action.kind === 'openChannel') dialled.push(overlay.world.now.ms)
      return perform(name, action)
    }
    overlay.world.run(180_000)
    expect(lost.state).toBe('isolated')
    const minutes = new Set(dialled.map((ms) => Math.floor(ms / 60_000)))
    expect(minutes.size).toBeGreaterThanOrEqual(3)
    overlay.network.heal()
    expect(
      overlay.world.runUntil(() => ringFaults(overlay).length === 0, 60_000),
      overlay.replay(),
    ).toBe(true)
  })
})

describe('a client on an arbitrary peer', () => {
  it('R6940-4.2.1-04 is reached through that peer, and not by its Node-ID alone', () => {
    const overlay = grown(8)
    const credential = overlay.user(`roamer@${OVERLAY_NAME}`)
    const home = overlay.owner(credential.nodeId)
    const arbitrary = overlay.peers.find((peer) => peer !== home)!
    const client = new Stranger(overlay, arbitrary, credential)
    const asker = overlay.peers.find(
      (peer) =>
        peer !== home &&
        peer !== arbitrary &&
        !peer.snapshot().connections.some(({ nodeId }) => sameId(nodeId, credential.nodeId)),
    )!
    const pings = () =>
      client.received.filter(
        ({ contents, header }) => contents.messageCode === MESSAGE_CODE.pingReq && header.viaList.length > 0,
      )
    expect(ping(overlay, asker, [credential.nodeId])).toBeUndefined()
    expect(pings()).toEqual([])
    const id = overlay.commands.newId()
    const destinations = [arbitrary.nodeId, credential.nodeId].map(
      (nodeId) => ({ kind: 'node', nodeId }) as const,
    )
    asker.host.input({ kind: 'ping', id, destinations })
    overlay.world.run(500)
    const [request] = pings()
    const { viaList, transactionId } = request!.header
    client.send({
      code: MESSAGE_CODE.pingAns,
      body: encodePingAns({ responseId: 1n, time: 1n }),
      destinations: [{ kind: 'node', nodeId: arbitrary.nodeId }, ...[...viaList].reverse()],
      transactionId,
    })
    overlay.world.run(500)
    const done = asker.events.find((event) => event.kind === 'pingDone' && event.id === id)
    expect(done).toMatchObject({ outcome: { ok: true, value: { responder: credential.nodeId } } })
  })
})

describe('an Attach', () => {
  const attach = (destinations: readonly Destination[]) => ({
    code: MESSAGE_CODE.attachReq,
    body: encodeAttachReqAns(attachBody(ADDRESS, 'passive', false)),
    destinations,
  })

  it('R6940-6.5.1-02 to a resource ends at the peer that is responsible, to a Node-ID at that node or nowhere', () => {
    const overlay = grown(6)
    const stranger = new Stranger(overlay, overlay.peers[0]!, overlay.user(`mallory@${OVERLAY_NAME}`))
    const resource = overlay.resource(ALICE)
    const signerOf = (destinations: readonly Destination[]): string[] => {
      const answers = stranger.answers(stranger.send(attach(destinations)))
      return answers
        .filter(({ contents }) => contents.messageCode === MESSAGE_CODE.attachAns)
        .map((message) => {
          expect(decodeAttachReqAns(message.contents.body).ok).toBe(true)
          const shown = message.security.certificates.map(({ certificate }) => key(certificate))
          const peer = overlay.peers.find(({ credential }) => shown.includes(key(credential.certificate.der)))
          return peer?.name ?? 'nobody'
        })
    }
    expect(signerOf([{ kind: 'resource', resourceId: resource }])).toEqual([overlay.owner(resource).name])
    const [, , third] = overlay.peers
    expect(signerOf([{ kind: 'node', nodeId: third!.nodeId }])).toEqual([third!.name])
    expect(signerOf([{ kind: 'node', nodeId: overlay.user('nobody').nodeId }])).toEqual([])
  })

  it('R6940-6.5.1.2-05 more of them than a node can serve are answered with an error', () => {
    const overlay = new Overlay(SEED)
    const peer = overlay.start()
    const stranger = new Stranger(overlay, peer, overlay.user(`mallory@${OVERLAY_NAME}`))
    const toPeer = [{ kind: 'node', nodeId: peer.nodeId }] as const
    const ids = Array.from({ length: ANSWERED_ATTACHES_MAX + 20 }, (_, index) =>
      stranger.send({ ...attach(toPeer), credential: overlay.user(`m${index}@${OVERLAY_NAME}`) }),
    )
    overlay.world.run(50)
    const answers = stranger.received.filter(({ header }) => ids.includes(header.transactionId))
    const errors = answers.filter(({ contents }) => contents.messageCode === MESSAGE_CODE.error)
    expect(answers).toHaveLength(ids.length)
    expect(errors.length).toBeGreaterThanOrEqual(1)
    expect(errors[0]?.contents.body.slice(0, 2)).toEqual(Uint8Array.of(0, ERROR_CODE.inProgress))
    overlay.world.run(60_000)
    expect(stranger.verdict(attach(toPeer)), 'afterwards it goes on').toBe(0)
  })
})

describe('an answer that takes long', () => {
  it('R6940-6.1.2-05 finds its way back after more than overlay-reliability-timer: the way is in the message', () => {
    const overlay = grown(6)
    const asker = overlay.peers[1]!
    const client = new Stranger(overlay, overlay.peers[4]!, overlay.user(`slow@${OVERLAY_NAME}`))
    const id = overlay.commands.newId()
    const destinations = [overlay.peers[4]!.nodeId, client.credential.nodeId].map(
      (nodeId) => ({ kind: 'node', nodeId }) as const,
    )
    asker.host.input({ kind: 'ping', id, destinations, timeoutMs: 14_000 })
    overlay.world.run(2 * overlay.configuration.reliabilityTimerMs)
    const { viaList, transactionId } = client.received.find(
      ({ contents }) => contents.messageCode === MESSAGE_CODE.pingReq,
    )!.header
    client.send({
      code: MESSAGE_CODE.pingAns,
      body: encodePingAns({ responseId: 1n, time: 1n }),
      destinations: [{ kind: 'node', nodeId: overlay.peers[4]!.nodeId }, ...[...viaList].reverse()],
      transactionId,
    })
    overlay.world.run(500)
    const done = asker.events.find((event) => event.kind === 'pingDone' && event.id === id)
    expect(done).toMatchObject({ outcome: { ok: true } })
  })
})
