/** Owners whose copies nobody takes: they reach some of the ring and not others, or the replicas have no room. */
import { describe, expect, it } from 'vitest'
import { ERROR_CODE } from '../../src/reload/index.ts'
import type { Answers } from '../../src/reload/peer/answers.ts'
import type { IncomingRequest } from '../../src/reload/peer/signal.ts'
import type { StorageService } from '../../src/reload/peer/storage-service.ts'
import { DEFAULT_STORAGE_LIMITS } from '../../src/reload/storage/quota.ts'
import { replicaFaults } from '../../src/sim/checkers/replicas.ts'
import { ringFaults } from '../../src/sim/checkers/ring.ts'
import { Overlay, type SimPeer } from '../../src/sim/overlay.ts'
import { registration } from '../../src/sim/values.ts'

interface Insides {
  readonly storageService: StorageService
  readonly answers: Answers
}

const SEED = process.env['SEED'] ?? 'denied copies'

describe('an owner whose copies nobody takes', () => {
  it('R6940-10.4-01 acknowledges nothing, and what is stored again when the ring is whole lies on three peers (seed 7045)', () => {
    const overlay = new Overlay(SEED)
    expect(overlay.grow(16, 100), overlay.replay()).toBe(true)
    overlay.world.run(5_000)
    const credential = overlay.user('alice@dht.example.com')
    const resource = overlay.resource('alice@dht.example.com')
    const ring = [...overlay.peers].sort((a, b) => Buffer.compare(a.nodeId, b.nodeId))
    const owner = overlay.owner(resource)
    const following = Array.from(
      { length: 6 },
      (_, step) => ring[(ring.indexOf(owner) + 1 + step) % ring.length]!,
    )
    // The successors that it reaches reach those that it does not, and know that it is none of their three predecessors.
    overlay.network.partition(
      [owner.name],
      following.map(({ name }) => name),
    )
    overlay.world.run(60_000)
    expect(owner.core.owns(resource)).toBe(true)
    const store = (): ReturnType<Overlay['store']> =>
      overlay.store(owner, resource, [registration(credential, owner.nodeId)], credential)
    expect(store(), overlay.replay()).toMatchObject({
      ok: false,
      error: { kind: 'reload', code: ERROR_CODE.requestTimeout },
    })
    overlay.network.heal()
    for (let waited = 0; waited < 120 && ringFaults(overlay, 1).length > 0; waited++) overlay.world.run(1_000)
    expect(store(), overlay.replay()).toMatchObject({ ok: true })
    expect(replicaFaults(overlay, [resource]), overlay.replay()).toEqual([])
  })

  const REFUSALS = [
    {
      why: 'has no room left',
      begin: (_: Overlay, peer: SimPeer): void =>
        peer.host.input({
          kind: 'storageLimits',
          limits: { ...DEFAULT_STORAGE_LIMITS, valuesMax: 0, resourcesMax: 0 },
        }),
      end: (_: Overlay, peer: SimPeer): void =>
        peer.host.input({ kind: 'storageLimits', limits: DEFAULT_STORAGE_LIMITS }),
    },
    {
      why: 'has a full disk',
      begin: (overlay: Overlay, peer: SimPeer): void => overlay.network.disk(peer.name).fill(),
      end: (overlay: Overlay, peer: SimPeer): void => overlay.network.makeRoom(peer.name),
    },
  ]
  for (const { why, begin, end } of REFUSALS) {
    it(`R6940-10.4-01 acknowledges nothing while every replica ${why}, asks them now and then, and all is well with one that takes it`, () => {
      const overlay = new Overlay(`${SEED} ${why}`)
      expect(overlay.grow(8, 100), overlay.replay()).toBe(true)
      overlay.world.run(5_000)
      const name = 'alice@dht.example.com'
      const alice = overlay.user(name)
      const resource = overlay.resource(name)
      const [owner, ...replicas] = overlay.ring().dueHolders(resource) as [SimPeer, SimPeer, SimPeer]
      const store = (): ReturnType<Overlay['store']> =>
        overlay.store(owner, resource, [registration(alice, owner.nodeId)], alice)
      for (const replica of replicas) begin(overlay, replica)
      const later = { ok: false, error: { kind: 'reload', code: ERROR_CODE.requestTimeout } }
      let asked = 0
      overlay.network.watch(({ from, to }) => {
        if (from === owner.name && to === replicas[0].name) asked++
      })
      for (let refresh = 0; refresh < 10; refresh++) {
        expect(store(), overlay.replay()).toMatchObject(later)
        overlay.world.run(30_000)
      }
      const first = asked
      for (let refresh = 0; refresh < 10; refresh++) {
        store()
        overlay.world.run(30_000)
      }
      // However often the phone comes back, a replica is not asked more often than after the first time.
      expect(asked - first).toBeLessThan(1.2 * first)
      expect(asked / 20).toBeLessThan(100)
      end(overlay, replicas[1])
      expect(store(), overlay.replay()).toMatchObject({ ok: true })
      end(overlay, replicas[0])
      overlay.world.run(20_000)
      expect(replicaFaults(overlay, [resource]), overlay.replay()).toEqual([])
    })
  }

  it('R6940-10.4-01 the same Store in another transaction is not answered before the copies of the first are made', () => {
    const overlay = new Overlay(`${SEED} again`)
    expect(overlay.grow(8, 100), overlay.replay()).toBe(true)
    overlay.world.run(5_000)
    const name = 'alice@dht.example.com'
    const alice = overlay.user(name)
    const resource = overlay.resource(name)
    const owner = overlay.owner(resource)
    const { storageService, answers } = (owner.core as unknown as { use: Insides }).use
    const answered: IncomingRequest[] = []
    const answer = answers.answer.bind(answers)
    answers.answer = (request, ...rest) => {
      answered.push(request)
      answer(request, ...rest)
    }
    const store = storageService.store.bind(storageService)
    let second: IncomingRequest | undefined
    storageService.store = (request) => {
      store(request)
      if (second !== undefined) return
      second = { ...request }
      store(second)
      expect(answered).toEqual([])
    }
    const other = overlay.peers.find((peer) => peer !== owner)!
    const stored = overlay.store(other, resource, [registration(alice, other.nodeId)], alice)
    expect(stored, overlay.replay()).toMatchObject({ ok: true })
    expect(answered).toContain(second)
    expect(replicaFaults(overlay, [resource]), overlay.replay()).toEqual([])
  })
})
