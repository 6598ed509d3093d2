import { describe, expect, it } from 'vitest'
import { key, KIND, type ResourceId } from '../../src/reload/index.ts'
import { compareClockwise } from '../../src/reload/topology/chord/ring-math.ts'
import type { Attack } from '../../src/sim/attackers.ts'
import { OVERLAY_NAME } from '../../src/sim/configuration.ts'
import { Overlay, type SimPeer } from '../../src/sim/overlay.ts'
import { registeredKeys, registration } from '../../src/sim/values.ts'

const PEERS = 40
const USERS = 30
const LOOKED_AT = 5
/** overlay-reliability-timer of the simulated document: then a request goes out again. */
const RELIABILITY_TIMER_MS = 3_000

/** Everybody is registered; then the attack begins. */
function underAttack(attack: Attack, seed: string): Overlay {
  const overlay = new Overlay(seed, { attack })
  expect(overlay.grow(PEERS, 100), overlay.replay()).toBe(true)
  overlay.world.run(30_000)
  for (let index = 0; index < USERS; index++) {
    const user = overlay.user(nameOf(index))
    const gateway = overlay.peers[index]!
    const value = registration(user, gateway.nodeId)
    expect(overlay.store(gateway, resourceOf(overlay, index), [value], user).ok, overlay.replay()).toBe(true)
  }
  overlay.attackers!.active = true
  return overlay
}

interface Way {
  readonly asker: SimPeer
  readonly resource: ResourceId
  /** To whom RFC 6940 s.10.3 sends the request first. */
  readonly first: SimPeer
  /** The peer before the owner: whatever is for the resource comes to its owner from there. */
  readonly last: SimPeer
}

/** From every honest peer to every AOR that is stored elsewhere. */
function ways(overlay: Overlay): Way[] {
  const ring = overlay.ring().peers
  const found: Way[] = []
  for (const asker of honest(overlay)) {
    const known = overlay.peers.filter(({ nodeId }) =>
      asker.snapshot().connections.some((other) => other.peer && key(other.nodeId) === key(nodeId)),
    )
    for (let index = 0; index < USERS; index++) {
      const resource = resourceOf(overlay, index)
      const owner = overlay.owner(resource)
      const first = known
        .filter(({ nodeId }) => compareClockwise(asker.nodeId, nodeId, resource) <= 0)
        .sort((a, b) => compareClockwise(asker.nodeId, b.nodeId, a.nodeId))[0]
      const last = ring[(ring.indexOf(owner) + ring.length - 1) % ring.length]!
      if (first !== undefined && asker !== owner && asker !== last)
        found.push({ asker, resource, first, last })
    }
  }
  return found
}

function lookup(overlay: Overlay, asker: SimPeer, resource: ResourceId): { found: boolean; tookMs: number } {
  const from = overlay.world.now.ms
  const result = overlay.fetch(asker, resource, KIND.sipRegistration)
  return {
    found: result.ok && registeredKeys(result.value).length === 1,
    tookMs: overlay.world.now.ms - from,
  }
}

function honest(overlay: Overlay): SimPeer[] {
  return overlay.peers.filter((peer) => !overlay.attackers!.isAttacker(peer.name))
}

function nameOf(index: number): string {
  return `user${index}@${OVERLAY_NAME}`
}

function resourceOf(overlay: Overlay, index: number): ResourceId {
  return overlay.resource(nameOf(index))
}

describe('peers that do not do their part', () => {
  it('S-68 what the next hop swallows goes another way, unless the peer before the owner swallows it', () => {
    const overlay = underAttack({ kind: 'drop', share: 0.15 }, 'droppers')
    const bad = (peer: SimPeer): boolean => overlay.attackers!.isAttacker(peer.name)
    const all = ways(overlay)
    const detours = all.filter(({ first, last }) => bad(first) && !bad(last)).slice(0, LOOKED_AT)
    const blocked = all.filter(({ first, last }) => first === last && bad(last)).slice(0, 2)
    expect([detours.length, blocked.length]).toEqual([LOOKED_AT, 2])
    for (const { asker, resource } of detours) {
      const { found, tookMs } = lookup(overlay, asker, resource)
      expect(found, overlay.replay()).toBe(true)
      expect(tookMs).toBeGreaterThan(RELIABILITY_TIMER_MS)
    }
    // A limit of CHORD-RELOAD, not of this code: RFC 6940 s.10.3 lets nobody pass that one by.
    for (const { asker, resource } of blocked)
      expect(lookup(overlay, asker, resource).found, overlay.replay()).toBe(false)
  })

  it('S-67 whoever has a share of the Node-IDs can hide what they own, and nothing else', () => {
    const overlay = underAttack({ kind: 'deny', share: 0.2 }, 'deniers')
    const [asker] = honest(overlay)
    let hidden = 0
    for (let index = 0; index < USERS; index++) {
      const resource = resourceOf(overlay, index)
      const denied = overlay.attackers!.isAttacker(overlay.owner(resource).name)
      expect(lookup(overlay, asker!, resource).found, overlay.replay()).toBe(!denied)
      if (denied) hidden++
    }
    expect(hidden).toBeGreaterThan(0)
    overlay.attackers!.active = false
    for (let index = 0; index < USERS; index++)
      expect(lookup(overlay, asker!, resourceOf(overlay, index)).found, overlay.replay()).toBe(true)
  })
})
