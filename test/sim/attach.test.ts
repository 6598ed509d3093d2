/** Attach as it goes over the wire between peers, and what happens when both ask at once. */
import { beforeEach, describe, expect, it } from 'vitest'
import {
  asNodeId,
  decodeAttachReqAns,
  decodeMessage,
  encodeAttachReqAns,
  encodeChordUpdate,
  ERROR_CODE,
  makeStandInCredential,
  makeStandInRoot,
  MESSAGE_CODE,
  trustOf,
  verifyMessage,
  type Credential,
  type Message,
} from '../../src/reload/index.ts'
import { FrameReader } from '../../src/reload/link/framing.ts'
import { attachBody } from '../../src/reload/peer/candidates.ts'
import { OVERLAY_NAME } from '../../src/sim/configuration.ts'
import { Overlay, type SimPeer } from '../../src/sim/overlay.ts'
import { Stranger } from './stranger.ts'

interface Sent {
  readonly from: string
  readonly to: string
  readonly message: Message
  /** State of the receiver when the message arrived. */
  readonly state: string | undefined
}

/** Keeps every RELOAD message that is delivered from now on. */
function watched(overlay: Overlay): Sent[] {
  const sent: Sent[] = []
  overlay.network.watch(({ from, to, purpose, bytes }) => {
    if (purpose !== 'overlay') return
    for (const frame of new FrameReader({ maxMessageBytes: 60_000 }).push(bytes).frames) {
      if (frame.kind !== 'data') continue
      const decoded = decodeMessage(frame.message.slice())
      const state = overlay.peers.find(({ name }) => name === to)?.state
      if (decoded.ok) sent.push({ from, to, message: decoded.value, state })
    }
  })
  return sent
}

describe('messages of a ring that forms', () => {
  it('R6940-6.3.4-01 every one of them is signed by who sent it first', () => {
    const overlay = new Overlay('signed')
    const sent = watched(overlay)
    overlay.grow(5, 50)
    overlay.world.run(3_000)
    expect(sent.length).toBeGreaterThan(100)
    const { crypto } = overlay.issuer
    const trust = trustOf(crypto, overlay.configuration)
    if (!trust.ok) throw new Error(trust.error)
    const peers = new Set(overlay.peers.map(({ credential }) => credential.certificate.userName))
    for (const { message } of sent) {
      const signer = verifyMessage(crypto, trust.value, message, overlay.world.now.wall)
      expect(signer.ok && peers.has(signer.value.certificate.userName)).toBe(true)
    }
  })

  it('R6940-6.4.2.3-01 R6940-6.6.5-04 an Attach offers a passive candidate, and its sender hears of the tables before it has joined', () => {
    const overlay = new Overlay('attach')
    const sent = watched(overlay)
    overlay.grow(2)
    overlay.world.run(1_000)
    const attaches = sent.filter(({ message }) => message.contents.messageCode === MESSAGE_CODE.attachReq)
    expect(attaches.length).toBeGreaterThan(0)
    for (const { message } of attaches) {
      const body = decodeAttachReqAns(message.contents.body)
      expect(body.ok && new TextDecoder().decode(body.value.role)).toBe('passive')
      expect(body.ok && body.value.candidates.length).toBe(1)
      expect(body.ok && body.value.sendUpdate).toBe(true)
    }
    const updates = sent.filter(
      ({ to, message }) => to === 'p1' && message.contents.messageCode === MESSAGE_CODE.updateReq,
    )
    expect(updates[0]?.state).toBe('joining')
  })

  it('R6940-6.3.4-14 a node on the way passes on what it could not verify; the one at the end drops it', () => {
    const overlay = new Overlay('on the way')
    overlay.grow(2)
    overlay.world.run(1_000)
    const [first, second] = overlay.peers as [SimPeer, SimPeer]
    const stranger = new Stranger(overlay, first, overlay.user('mallory@dht.example.com'))
    const alien = makeStandInCredential(stranger.credential.nodeId, 'x@other.example', 'other.example', {
      issuer: makeStandInRoot('other.example'),
    })
    const before = first.core.instruments.forwarded.get('')
    const destinations = [{ kind: 'node', nodeId: second.nodeId }] as const
    const ping = { code: MESSAGE_CODE.pingReq, body: Uint8Array.of(0, 0), destinations, credential: alien }
    expect(stranger.verdict(ping)).toBeUndefined()
    expect(first.core.instruments.forwarded.get('')).toBe(before + 1)
    expect(first.core.instruments.dropped.get('signature')).toBe(0)
    expect(second.core.instruments.dropped.get('signature')).toBe(1)
  })
})

describe('two nodes that attach to each other at once', () => {
  let overlay: Overlay
  let peer: SimPeer
  let stranger: Stranger

  beforeEach(() => {
    overlay = new Overlay('glare')
    peer = overlay.start()
    stranger = new Stranger(overlay, peer, overlay.user('mallory@dht.example.com'))
  })

  /** A Node-ID just above or below that of the peer, so that it would be a neighbor. */
  const neighbor = (above: boolean): Credential => {
    const id = Uint8Array.from(peer.nodeId)
    id[0] = above ? 0xff : 0x00
    if (!above) id[15] = 1
    return makeStandInCredential(asNodeId(id), 'other@dht.example.com', OVERLAY_NAME)
  }

  /** The peer asks for `other`, of whom it hears from the stranger. */
  const attachOfPeer = (other: Credential): Message => {
    const update = encodeChordUpdate({
      kind: 'neighbors',
      uptime: 1,
      predecessors: [other.nodeId],
      successors: [],
    })
    const toPeer = [{ kind: 'node', nodeId: peer.nodeId }] as const
    expect(stranger.verdict({ code: MESSAGE_CODE.updateReq, body: update, destinations: toPeer })).toBe(0)
    const asked = stranger.received.find(({ contents }) => contents.messageCode === MESSAGE_CODE.attachReq)
    return asked as Message
  }

  const attachTo = (other: Credential): number | undefined =>
    stranger.verdict({
      code: MESSAGE_CODE.attachReq,
      body: encodeAttachReqAns(attachBody({ address: '10.200.0.9', port: 7_000 }, 'passive', true)),
      destinations: [{ kind: 'node', nodeId: peer.nodeId }],
      viaList: [{ kind: 'node', nodeId: other.nodeId }],
      credential: other,
    })

  const repetitions = (asked: Message): number =>
    stranger.received.filter(({ header }) => header.transactionId === asked.header.transactionId).length

  it('R6940-6.5.1.2-03 the one with the smaller Node-ID answers and repeats its own request no more', () => {
    const other = neighbor(true)
    const asked = attachOfPeer(other)
    expect(attachTo(other)).toBe(0)
    overlay.world.run(10_000)
    expect(repetitions(asked)).toBe(1)
  })

  it('R6940-6.5.1.2-04 the one with the larger Node-ID answers Error_In_Progress and goes on', () => {
    const other = neighbor(false)
    const asked = attachOfPeer(other)
    expect(attachTo(other)).toBe(ERROR_CODE.inProgress)
    overlay.world.run(10_000)
    // The first of them at once, by the way that theirs came: the other may have restarted since and never have seen it.
    expect(repetitions(asked)).toBeGreaterThan(1)
    const sent = stranger.received.filter(({ header }) => header.transactionId === asked.header.transactionId)
    const list = sent[1]!.header.destinationList
    const way = [stranger.credential.nodeId, other.nodeId]
    expect(list).toEqual(way.map((nodeId) => ({ kind: 'node', nodeId })))
  })

  it('R6940-6.5.1.2-02 while an answered Attach is connecting the other one gets Error_In_Progress', () => {
    const other = neighbor(true)
    const asked = attachOfPeer(other)
    stranger.send({
      code: MESSAGE_CODE.attachAns,
      body: encodeAttachReqAns(attachBody({ address: '10.200.0.9', port: 7_000 }, 'active', true)),
      destinations: [{ kind: 'node', nodeId: peer.nodeId }],
      credential: other,
      transactionId: asked.header.transactionId,
    })
    overlay.world.run(100)
    expect(attachTo(other)).toBe(ERROR_CODE.inProgress)
    // No channel has come: nothing is in progress any more.
    overlay.world.run(2_000)
    expect(attachTo(other)).toBe(0)
  })
})

describe('a flow for an application', () => {
  it('A7904-5.1-01 is refused when its far end is another node than the one asked for', () => {
    const overlay = new Overlay('wrong end')
    overlay.grow(2)
    overlay.world.run(1_000)
    const [asker, target] = overlay.peers as [SimPeer, SimPeer]
    // The target is asked, and hears nothing of it any more: somebody else is faster.
    overlay.network.partition([asker.name], [target.name])
    const destinations = [{ kind: 'node', nodeId: target.nodeId }] as const
    asker.host.input({ kind: 'appAttach', id: 900, destinations, application: 5_060, timeoutMs: 4_000 })
    const stranger = new Stranger(overlay, asker, overlay.user('mallory@dht.example.com'), 'application')
    overlay.world.run(6_000)
    expect(stranger.closed).toBe(true)
    expect(asker.events.some(({ kind }) => kind === 'appFlowOpened')).toBe(false)
    expect(asker.events.some(({ kind }) => kind === 'appAttachFailed')).toBe(true)
  })
})
