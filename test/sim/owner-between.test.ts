/** A peer that joins between an owner that dies and its replicas: nobody hands it what it owns now. */
import { describe, expect, it } from 'vitest'
import { asNodeId, makeStandInCredential } from '../../src/reload/index.ts'
import { OVERLAY_NAME } from '../../src/sim/configuration.ts'
import { Overlay, type SimPeer } from '../../src/sim/overlay.ts'
import { registration } from '../../src/sim/values.ts'

const SEED = process.env['SEED'] ?? 'owner between'

interface Scene {
  readonly overlay: Overlay
  readonly resource: ReturnType<Overlay['resource']>
  readonly newcomer: SimPeer
  readonly replicas: readonly SimPeer[]
}

/** Six peers, alice is registered; then her owner dies in the moment in which its successor admits another peer. */
function ownerDiesDuringJoin(): Scene {
  const overlay = new Overlay(SEED)
  const resource = overlay.resource(`alice@${OVERLAY_NAME}`)
  const start = (step: number): SimPeer => {
    const id = Uint8Array.from(resource)
    id[0] = ((id[0] as number) + step) & 0xff
    return overlay.start({ credential: makeStandInCredential(asNodeId(id), `p${step}`, OVERLAY_NAME) })
  }
  for (const step of [-32, 32, 64, 96, 128, 160]) {
    start(step)
    overlay.world.run(2_000)
  }
  expect(overlay.settled()).toBe(true)
  const alice = overlay.user(`alice@${OVERLAY_NAME}`)
  const [gateway] = overlay.peers
  const stored = overlay.store(gateway!, resource, [registration(alice, gateway!.nodeId)], alice)
  expect(stored.ok, overlay.replay()).toBe(true)
  const [owner, ...replicas] = overlay.ring().dueHolders(resource)
  const newcomer = start(48)
  const admitted = overlay.world.runUntil(() => newcomer.state === 'joined', 10_000)
  expect(admitted, overlay.replay()).toBe(true)
  overlay.crash(owner!)
  expect(newcomer.core.holds(resource), 'too late: it has a copy already').toBe(false)
  return { overlay, resource, newcomer, replicas }
}

describe('an owner that came between a dead one and its replicas', () => {
  it('R6940-10.4-01 is given what it owns by its successor, before that one dies too', () => {
    const { overlay, resource, newcomer, replicas } = ownerDiesDuringJoin()
    overlay.world.run(1_500)
    expect(overlay.ring().owner(resource)).toBe(newcomer)
    expect(newcomer.core.holds(resource), overlay.replay()).toBe(true)
    overlay.crash(replicas[0]!)
    overlay.world.run(60_000)
    expect(
      overlay
        .ring()
        .dueHolders(resource)
        .every((peer) => peer.core.holds(resource)),
    ).toBe(true)
  })

  it('R6940-10.4-01 is given it by the next replica when its successor dies at the same moment', () => {
    const { overlay, resource, newcomer, replicas } = ownerDiesDuringJoin()
    overlay.crash(replicas[0]!)
    overlay.world.run(60_000)
    expect(newcomer.core.holds(resource), overlay.replay()).toBe(true)
    expect(
      overlay
        .ring()
        .dueHolders(resource)
        .every((peer) => peer.core.holds(resource)),
    ).toBe(true)
  })
})
