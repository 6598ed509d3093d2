import { beforeEach, describe, expect, it } from 'vitest'
import {
  asNodeId,
  encodeChordUpdate,
  key,
  MESSAGE_CODE,
  type Credential,
  type NodeId,
} from '../../../../src/reload/index.ts'
import { inRange } from '../../../../src/reload/topology/chord/ring-math.ts'
import { Overlay, type SimPeer } from '../../../../src/sim/overlay.ts'
import { Stranger } from '../../../sim/stranger.ts'
import { registration } from '../../../../src/sim/values.ts'

describe('a peer beside one that is in the ring and does not behave', () => {
  let overlay: Overlay
  let peer: SimPeer
  let stranger: Stranger
  let mallory: Credential

  beforeEach(() => {
    overlay = new Overlay('false tables')
    peer = overlay.start()
    mallory = overlay.user('mallory@dht.example.com')
    stranger = new Stranger(overlay, peer, mallory)
  })

  const update = (predecessors: readonly NodeId[], successors: readonly NodeId[]): number | undefined =>
    stranger.verdict({
      code: MESSAGE_CODE.updateReq,
      body: encodeChordUpdate({ kind: 'neighbors', uptime: 1, predecessors, successors }),
      destinations: [{ kind: 'node', nodeId: peer.nodeId }],
    })

  it('R6940-10.7.3-02 adopts nobody whom an Update names before that node has proved itself over a link (S-66)', () => {
    const invented = Array.from({ length: 60 }, (_, i) => asNodeId(new Uint8Array(16).fill(i + 1)))
    expect(update(invented.slice(0, 30), invented.slice(30))).toBe(0)
    overlay.world.run(120_000)
    const { predecessors, successors, fingers } = peer.snapshot()
    const known = new Set([...predecessors, ...successors, ...fingers].map(key))
    expect([...known]).toEqual([key(mallory.nodeId)])
    // What it asked those nodes for stays within bounds, however often they are named.
    const attaches = stranger.received.filter(
      ({ contents }) => contents.messageCode === MESSAGE_CODE.attachReq,
    )
    const asked = new Set(attaches.map(({ header }) => header.transactionId))
    expect(asked.size).toBeLessThanOrEqual(24 * 14)
  })

  it('keeps no account of copies that came to the end of their lifetime unanswered', () => {
    expect(update([], [])).toBe(0)
    const names = Array.from({ length: 64 }, (_, i) => `u${i}@dht.example.com`)
    const ours = (name: string): boolean => inRange(overlay.resource(name), mallory.nodeId, peer.nodeId)
    const name = names.find(ours) as string
    const user = overlay.user(name)
    const resource = overlay.resource(name)
    expect(overlay.store(peer, resource, [registration(user, peer.nodeId, 30)], user).ok).toBe(true)
    expect(peer.snapshot().replicaDeficit).toBe(1)
    overlay.world.run(60_000)
    expect(peer.core.holds(resource)).toBe(false)
    expect(peer.snapshot().replicaDeficit).toBe(0)
  })
})
