/** Nodes whose certificate has several Node-IDs: who they are is known only once they have attached (RFC 6940 s.6.1.2). */
import { describe, expect, it } from 'vitest'
import {
  asNodeId,
  decodeMessage,
  encodeAttachReqAns,
  encodeFetchReq,
  encodePingReq,
  ERROR_CODE,
  key,
  KIND,
  makeStandInCredential,
  MESSAGE_CODE,
  sameId,
  type Credential,
  type NodeId,
} from '../../src/reload/index.ts'
import { FrameReader } from '../../src/reload/link/framing.ts'
import { attachBody } from '../../src/reload/peer/candidates.ts'
import { ringFaults } from '../../src/sim/checkers/ring.ts'
import { OVERLAY_NAME } from '../../src/sim/configuration.ts'
import { Overlay, type SimPeer } from '../../src/sim/overlay.ts'
import { registeredKeys, registration } from '../../src/sim/values.ts'
import { Stranger } from './stranger.ts'

const ALICE = `alice@${OVERLAY_NAME}`
const OTHER: NodeId = asNodeId(new Uint8Array(16).fill(0x77))

/** A second Node-ID in the certificate; the credential signs as the first. */
function several(overlay: Overlay, name: string, first = overlay.user(name).nodeId): Credential {
  return makeStandInCredential(first, name, OVERLAY_NAME, { issuer: overlay.issuer.root, more: [OTHER] })
}

function grown(count: number): Overlay {
  const overlay = new Overlay('several Node-IDs')
  expect(overlay.grow(count, 100), overlay.replay()).toBe(true)
  overlay.world.run(2_000)
  return overlay
}

describe('a link of a node with several Node-IDs that has not attached', () => {
  const PING = { code: MESSAGE_CODE.pingReq, body: encodePingReq({ padding: new Uint8Array(0) }) }
  const fetchOf = (overlay: Overlay) => {
    const resource = overlay.resource(ALICE)
    const selector = { model: 'dictionary', keys: [] } as const
    const specifiers = [{ kind: KIND.sipRegistration, generation: 0n, selector }]
    return {
      code: MESSAGE_CODE.fetchReq,
      body: encodeFetchReq({ resource, specifiers }),
      destinations: [{ kind: 'resource', resourceId: resource }] as const,
    }
  }

  it('R6940-6.1.2-09 gets Error_Forbidden for anything but Ping and Attach, which are answered', () => {
    const overlay = grown(4)
    const [peer, second] = overlay.peers as [SimPeer, SimPeer]
    const stranger = new Stranger(overlay, peer, several(overlay, `mallory@${OVERLAY_NAME}`))
    const to = (nodeId: NodeId) => [{ kind: 'node', nodeId }] as const
    expect(stranger.closed).toBe(false)
    expect(stranger.verdict({ ...PING, destinations: to(peer.nodeId) })).toBe(0)
    expect(stranger.verdict({ ...PING, destinations: to(second.nodeId) }), 'through that node').toBe(0)
    expect(stranger.verdict(fetchOf(overlay))).toBe(ERROR_CODE.forbidden)
    const attach = {
      code: MESSAGE_CODE.attachReq,
      body: encodeAttachReqAns(attachBody({ address: '10.200.0.9', port: 7_000 }, 'passive', false)),
      destinations: to(peer.nodeId),
    }
    expect(stranger.verdict(attach)).toBe(0)
    expect(stranger.verdict(fetchOf(overlay)), 'the channel of the Attach never came up').toBe(
      ERROR_CODE.forbidden,
    )
    expect(stranger.closed).toBe(false)
  })

  it('R6940-6.1.2-09 says by its first message who it is: another request, or somebody else, ends the link', () => {
    const overlay = grown(3)
    const [peer] = overlay.peers as [SimPeer]
    const early = new Stranger(overlay, peer, several(overlay, `early@${OVERLAY_NAME}`))
    expect(early.verdict(fetchOf(overlay))).toBe(ERROR_CODE.forbidden)
    expect(early.closed).toBe(true)
    const liar = new Stranger(overlay, peer, several(overlay, `liar@${OVERLAY_NAME}`))
    const destinations = [{ kind: 'node', nodeId: peer.nodeId }] as const
    const credential = overlay.user(`somebody@${OVERLAY_NAME}`)
    expect(liar.verdict({ ...PING, destinations, credential })).toBeUndefined()
    expect(liar.closed).toBe(true)
    const silent = new Stranger(overlay, peer, several(overlay, `silent@${OVERLAY_NAME}`))
    overlay.world.run(60_000)
    expect(silent.closed, 'nor does it stay without a name').toBe(true)
    expect(peer.snapshot().connections.some(({ nodeId }) => sameId(nodeId, OTHER))).toBe(false)
  })

  it('S-40 S-66 may be one of a few that have not said who they are; more are refused, and those of others are not', () => {
    const overlay = grown(3)
    const [peer] = overlay.peers as [SimPeer]
    const credential = several(overlay, `mallory@${OVERLAY_NAME}`)
    const silent = Array.from({ length: 20 }, () => new Stranger(overlay, peer, credential))
    expect(silent.map(({ closed }) => closed)).toEqual(silent.map((_, index) => index >= 8))
    const other = new Stranger(overlay, peer, several(overlay, `other@${OVERLAY_NAME}`))
    const destinations = [{ kind: 'node', nodeId: peer.nodeId }] as const
    expect(other.verdict({ ...PING, destinations })).toBe(0)
    overlay.world.run(20_000)
    const again = new Stranger(overlay, peer, credential)
    expect(again.verdict({ ...PING, destinations }), 'when those are over').toBe(0)
  })

  it('R6940-6.1.2-10 a single Node-ID needs no Attach', () => {
    const overlay = grown(3)
    const stranger = new Stranger(overlay, overlay.peers[0]!, overlay.user(`plain@${OVERLAY_NAME}`))
    expect(stranger.verdict(fetchOf(overlay))).toBe(0)
  })
})

describe('a node with several Node-IDs', () => {
  it('R6940-6.1.2-13 as client attaches before it sends anything else, and is served then', () => {
    const overlay = grown(8)
    const peers = [...overlay.peers]
    const early: number[] = []
    let up = false
    overlay.network.watch(({ from, purpose, bytes }) => {
      if (purpose !== 'overlay' || from !== 'p8' || up) return
      for (const frame of new FrameReader({ maxMessageBytes: 60_000 }).push(bytes).frames) {
        const decoded = frame.kind === 'data' ? decodeMessage(frame.message.slice()) : undefined
        if (decoded?.ok === true) early.push(decoded.value.contents.messageCode)
      }
    })
    const credential = several(overlay, `client@${OVERLAY_NAME}`)
    const client = overlay.start({ role: 'client', founder: false, credential })
    expect(client.name).toBe('p8')
    expect(
      overlay.world.runUntil(() => client.state === 'joined', 20_000),
      overlay.replay(),
    ).toBe(true)
    up = true
    expect(early.length).toBeGreaterThan(0)
    for (const code of early) expect([MESSAGE_CODE.attachReq, MESSAGE_CODE.pingReq]).toContain(code)
    overlay.world.run(3_000)
    const alice = overlay.user(ALICE)
    const resource = overlay.resource(ALICE)
    expect(overlay.store(client, resource, [registration(alice, client.nodeId)], alice).ok).toBe(true)
    const found = overlay.fetch(peers[5]!, resource, KIND.sipRegistration)
    expect(found.ok && registeredKeys(found.value)).toEqual([key(alice.nodeId)])
    expect(client.core.instruments.errors.get(String(ERROR_CODE.forbidden))).toBe(0)
    const home = client.snapshot().successors[0]!
    expect(peers.some(({ nodeId }) => sameId(nodeId, home))).toBe(true)
    const id = overlay.commands.newId()
    const destinations = [{ kind: 'node', nodeId: client.nodeId }] as const
    const ping = { kind: 'ping', id, destinations } as const
    const { outcome } = overlay.command(peers[2]!, ping, 'pingDone')
    expect(outcome).toMatchObject({ ok: true, value: { responder: client.nodeId } })
  })

  it('becomes a peer of the ring like any other', () => {
    const overlay = grown(5)
    for (const index of [0, 1, 2]) {
      const first = asNodeId(new Uint8Array(16).fill(0x10 + 0x50 * index))
      overlay.start({ credential: several(overlay, `many${index}@${OVERLAY_NAME}`, first) })
      overlay.world.run(2_000)
    }
    expect(overlay.settled(60_000), overlay.replay()).toBe(true)
    const whole = overlay.world.runUntil(() => ringFaults(overlay).length === 0, 60_000)
    expect(whole, `${ringFaults(overlay).join('; ')} ${overlay.replay()}`).toBe(true)
  })
})
