/** Clocks of nodes that store for one user disagree, and storing peers that answer with what was replaced long ago. */
import { describe, expect, it } from 'vitest'
import {
  encodeStoreReq,
  KIND,
  MESSAGE_CODE,
  signStoredData,
  type Credential,
  type ResourceId,
} from '../../../../src/reload/index.ts'
import { NewestValues } from '../../../../src/reload/peer/newest-values.ts'
import { StorageTimes } from '../../../../src/reload/peer/storage-times.ts'
import { compareClockwise } from '../../../../src/reload/topology/chord/ring-math.ts'
import type { FetchedKind, FetchedValue } from '../../../../src/reload/storage/verify-fetched.ts'
import { Overlay, type SimPeer } from '../../../../src/sim/overlay.ts'
import { registeredKeys, registration } from '../../../../src/sim/values.ts'
import { Stranger } from '../../../sim/stranger.ts'

const ALICE = 'alice@dht.example.com'

interface Stage {
  readonly overlay: Overlay
  readonly peer: SimPeer
  readonly alice: Credential
  readonly resource: ResourceId
}

function stage(peers: number): Stage {
  const overlay = new Overlay('storage times')
  expect(overlay.grow(peers, 100)).toBe(true)
  overlay.world.run(2_000)
  const peer = overlay.peers[0]!
  return { overlay, peer, alice: overlay.user(ALICE), resource: overlay.resource(ALICE) }
}

/** Another node of the same user stores, with a clock that is `aheadMs` ahead. */
function storeAhead({ overlay, peer, alice, resource }: Stage, aheadMs: number): bigint {
  const storageTime = BigInt(Math.trunc(overlay.world.now.wall) + aheadMs)
  const entry = registration(alice, peer.nodeId)
  const data = signStoredData(overlay.issuer.crypto, alice, {
    resource,
    kind: KIND.sipRegistration,
    storageTime,
    lifetime: 3_600,
    value: { model: 'dictionary', key: alice.nodeId, value: { exists: true, value: entry.value } },
  })
  const kindData = [{ kind: KIND.sipRegistration, generationCounter: 0n, values: [data] }]
  const verdict = new Stranger(overlay, peer, alice).verdict({
    code: MESSAGE_CODE.storeReq,
    body: encodeStoreReq({ resource, replicaNumber: 0, kindData }),
    destinations: [{ kind: 'resource', resourceId: resource }],
  })
  expect(verdict).toBe(0)
  return storageTime
}

describe('a Store of a node whose clock is behind', () => {
  it('R6940-7-03 is refused as Data_Too_Old, then made with the storage_time of the former value plus one', () => {
    const at = stage(4)
    const ahead = storeAhead(at, 3_600_000)
    const { overlay, peer, alice, resource } = at
    const removal = { ...registration(alice, peer.nodeId), exists: false, value: new Uint8Array(0) }
    expect(overlay.store(peer, resource, [removal], alice)).toMatchObject({ ok: true })
    const found = overlay.fetch(overlay.peers[2]!, resource, KIND.sipRegistration)
    expect(found.ok && registeredKeys(found.value)).toEqual([])
    const [value] = found.ok ? found.value.kinds.get(KIND.sipRegistration)!.values : []
    expect(value?.data.storageTime).toBe(ahead + 1n)
    const sent = peer.core.instruments.messages
    expect([sent.get('out|store|request'), sent.get('out|fetch|request')]).toEqual([2, 1])
    expect(overlay.store(peer, resource, [registration(alice, peer.nodeId)], alice).ok).toBe(true)
    expect(sent.get('out|fetch|request'), 'the time is remembered').toBe(1)
  })

  it('R6940-7-03 is tried once more, not for ever, and not when nothing newer is there', () => {
    const times = new StorageTimes()
    expect(times.next('a', 100n)).toBe(100n)
    expect(times.stands('a', 99n)).toBe(false)
    expect(times.stands('a', 100n)).toBe(true)
    expect(times.next('a', 50n)).toBe(101n)
    expect(times.stands('a', 0xffff_ffff_ffff_ffffn), 'nothing can follow').toBe(false)
  })
})

describe('a storing peer that gives out what was replaced', () => {
  const KEY = new Uint8Array(16).fill(1)
  const at = (values: readonly FetchedValue[]): ReadonlyMap<number, FetchedKind> =>
    new Map([[KIND.sipRegistration, { generation: 1n, values }]])

  function valueAt(stageOf: Stage, storageTime: bigint, expiresAt: number, exists = true): FetchedValue {
    const { overlay, alice, resource } = stageOf
    const data = signStoredData(overlay.issuer.crypto, alice, {
      resource,
      kind: KIND.sipRegistration,
      storageTime,
      lifetime: 600,
      value: { model: 'dictionary', key: KEY, value: { exists, value: new Uint8Array(0) } },
    })
    return { data, expiresAt, signer: alice.certificate, signerNodeId: alice.nodeId }
  }

  it('R6940-13.5.3-01 is found out by the storage_time, and the newer value stands as long as it lives', () => {
    const stageOf = stage(1)
    const newest = new NewestValues()
    const [older, newer] = [valueAt(stageOf, 5n, 600_000), valueAt(stageOf, 6n, 662_000, false)]
    const see = (ms: number, value: FetchedValue): { rollbacks: number; value: FetchedValue | undefined } => {
      const { kinds, rollbacks } = newest.prefer(ms, stageOf.resource, at([value]))
      return { rollbacks, value: kinds.get(KIND.sipRegistration)?.values[0] }
    }
    expect(see(0, older)).toEqual({ rollbacks: 0, value: older })
    expect(see(1_000, newer)).toEqual({ rollbacks: 0, value: newer })
    expect(see(61_000, older)).toEqual({ rollbacks: 1, value: newer })
    expect(see(62_000, newer).rollbacks).toBe(0)
    // It has ended meanwhile: whoever set a clock back may store again.
    expect(see(662_000, older)).toEqual({ rollbacks: 0, value: older })
  })

  it('R6940-13.5.3-01 is counted by the reader, who goes on with what he knows', () => {
    const { overlay, alice, resource } = stage(12)
    const inOrder = [...overlay.peers].sort((a, b) => compareClockwise(resource, a.nodeId, b.nodeId))
    const [other, reader] = inOrder.slice(-2) as [SimPeer, SimPeer]
    const old = registration(alice, reader.nodeId)
    expect(overlay.store(reader, resource, [old], alice).ok).toBe(true)
    overlay.world.run(2_000)
    const first = overlay.peers.filter((peer) => peer.core.holds(resource))
    expect(first).toHaveLength(3)
    for (const holder of first) overlay.crash(holder)
    overlay.world.run(30_000)
    const removal = { ...old, exists: false, value: new Uint8Array(0) }
    expect(overlay.store(reader, resource, [removal], alice).ok).toBe(true)
    const removed = overlay.fetch(reader, resource, KIND.sipRegistration)
    expect(removed.ok && registeredKeys(removed.value)).toEqual([])
    overlay.world.run(2_000)
    // Those who know of it go for good, and the first ones come back with what was on their disks.
    for (const holder of overlay.running.filter((peer) => peer.core.holds(resource))) overlay.crash(holder)
    overlay.world.run(30_000)
    for (const holder of first) overlay.restart(holder)
    expect(overlay.settled()).toBe(true)
    overlay.world.run(20_000)
    const believed = overlay.fetch(other, resource, KIND.sipRegistration)
    expect(believed.ok && registeredKeys(believed.value), 'by who never saw the newer one').toHaveLength(1)
    const after = overlay.fetch(reader, resource, KIND.sipRegistration)
    expect(after.ok && registeredKeys(after.value)).toEqual([])
    expect(reader.core.instruments.rollbacks.get('')).toBe(1)
  })
})
