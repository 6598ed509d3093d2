/** A peer that was a replica, dropped its copies when others came between, and is a replica again. */
import { describe, expect, it } from 'vitest'
import { asNodeId, makeStandInCredential } from '../../src/reload/index.ts'
import { replicaFaults } from '../../src/sim/checkers/replicas.ts'
import { OVERLAY_NAME } from '../../src/sim/configuration.ts'
import { Overlay, type SimPeer } from '../../src/sim/overlay.ts'
import { registration } from '../../src/sim/values.ts'

const SEED = process.env['SEED'] ?? 'returning replica'

describe('copies after changes of the neighborhood', () => {
  it('R6940-10.4-01 a replica that comes back after it dropped its copy gets one again', () => {
    const overlay = new Overlay(SEED)
    const resource = overlay.resource(`alice@${OVERLAY_NAME}`)
    const start = (step: number): SimPeer => {
      const id = Uint8Array.from(resource)
      id[0] = ((id[0] as number) + step) & 0xff
      const peer = overlay.start({
        credential: makeStandInCredential(asNodeId(id), `p${step}`, OVERLAY_NAME),
      })
      overlay.world.run(2_000)
      return peer
    }
    // The second of these owns the resource: it lies between the first and the second.
    for (const step of [-32, 32, 64, 96, 128, 160]) start(step)
    expect(overlay.settled()).toBe(true)
    const alice = overlay.user(`alice@${OVERLAY_NAME}`)
    const [gateway] = overlay.peers
    const stored = overlay.store(gateway!, resource, [registration(alice, gateway!.nodeId)], alice)
    expect(stored.ok, overlay.replay()).toBe(true)
    const former = overlay.ring().dueHolders(resource)[2]!
    const newcomers = [16, 24].map(start)
    overlay.world.run(90_000)
    expect(former.core.holds(resource)).toBe(false)
    for (const newcomer of newcomers) {
      overlay.crash(newcomer)
      overlay.world.run(20_000)
    }
    expect(overlay.ring().dueHolders(resource)).toContain(former)
    expect(replicaFaults(overlay, [resource]), overlay.replay()).toEqual([])
  })
})
