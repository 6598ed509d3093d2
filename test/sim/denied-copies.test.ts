/** Peers that reach some of the ring and not others: each part of the way seems sound to those who walk it. */
import { describe, expect, it } from 'vitest'
import { ERROR_CODE } from '../../src/reload/index.ts'
import { replicaFaults } from '../../src/sim/checkers/replicas.ts'
import { ringFaults } from '../../src/sim/checkers/ring.ts'
import { Overlay } from '../../src/sim/overlay.ts'
import { registration } from '../../src/sim/values.ts'

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
})
