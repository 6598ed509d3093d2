/** Halves that lived apart: what was acknowledged in either is found from everywhere when they are one ring again. */
import { describe, expect, it } from 'vitest'
import { decodeSipRegistration, key, KIND } from '../../src/reload/index.ts'
import { ringFaults } from '../../src/sim/checkers/ring.ts'
import { Overlay } from '../../src/sim/overlay.ts'
import { registeredKeys, registration } from '../../src/sim/values.ts'

const SEED = process.env['SEED'] ?? 'partition'

describe('after a partition', () => {
  it('a peer that stood in for many owners of the other half finds each of them and hands over', () => {
    const overlay = new Overlay(SEED)
    expect(overlay.grow(40, 100), overlay.replay()).toBe(true)
    overlay.world.run(5_000)
    const some = overlay.peers.slice(0, 4)
    const names = (peers: readonly { readonly name: string }[]): string[] => peers.map(({ name }) => name)
    overlay.network.partition(names(some), names(overlay.peers.slice(4)))
    // Long enough that four peers make a ring of their own, in which each owns what ten peers should.
    overlay.world.run(90_000)
    const stored = Array.from({ length: 30 }, (_, index) => {
      const name = `u${index}@dht.example.com`
      const credential = overlay.user(name)
      const resource = overlay.resource(name)
      const gateway = some[index % 4]!
      const outcome = overlay.store(gateway, resource, [registration(credential, gateway.nodeId)], credential)
      return { credential, resource, acknowledged: outcome.ok }
    })
    overlay.network.heal()
    const whole = (): boolean => ringFaults(overlay, 1).length === 0
    for (let waited = 0; waited < 120 && !whole(); waited++) overlay.world.run(1_000)
    expect(ringFaults(overlay, 3), overlay.replay()).toEqual([])
    overlay.world.run(30_000)
    const acknowledged = stored.filter((each) => each.acknowledged)
    expect(acknowledged.length).toBeGreaterThan(20)
    for (const { credential, resource } of acknowledged) {
      const found = overlay.fetch(overlay.peers[20]!, resource, KIND.sipRegistration)
      expect(found.ok && registeredKeys(found.value), overlay.replay()).toEqual([key(credential.nodeId)])
    }
  })

  it('R6940-7.4.1.1-21 of two acknowledged entries the greater storage_time stands, and a refresh puts right what a slow clock lost (seed 1031)', () => {
    const overlay = new Overlay(SEED)
    expect(overlay.grow(16, 100), overlay.replay()).toBe(true)
    overlay.world.run(5_000)
    const [one, other] = [overlay.peers.slice(0, 8), overlay.peers.slice(8)]
    const credential = overlay.user('alice@dht.example.com')
    const resource = overlay.resource('alice@dht.example.com')
    const [former, present] = [one[1]!, other[1]!]
    const names = (peers: readonly { readonly name: string }[]): string[] => peers.map(({ name }) => name)
    overlay.network.partition(names(one), names(other))
    overlay.world.run(90_000)
    const entry = (home: typeof former): ReturnType<typeof registration> =>
      registration(credential, home.nodeId)
    expect(overlay.store(former, resource, [entry(former)], credential).ok).toBe(true)
    // Alice moves to the other half, where nobody has heard of that entry, to a peer that is 18 minutes behind.
    present.host.jump(-18 * 60_000)
    const moved = overlay.store(present, resource, [entry(present)], credential)
    expect(moved.ok, overlay.replay()).toBe(true)
    overlay.network.heal()
    for (let waited = 0; waited < 120 && ringFaults(overlay, 1).length > 0; waited++) overlay.world.run(1_000)
    overlay.world.run(30_000)
    const home = (asker: typeof former): string | undefined => {
      const found = overlay.fetch(asker, resource, KIND.sipRegistration)
      const value = found.ok ? found.value.kinds.get(KIND.sipRegistration)?.values[0]?.data.value : undefined
      const decoded = value === undefined ? undefined : decodeSipRegistration(value.value.value)
      const first =
        decoded?.ok === true && decoded.value.kind === 'route' ? decoded.value.destinations[0] : undefined
      return first?.kind === 'node' ? key(first.nodeId) : undefined
    }
    for (const peer of overlay.peers) expect(home(peer), overlay.replay()).toBe(key(former.nodeId))
    const refreshed = overlay.store(present, resource, [entry(present)], credential)
    expect(refreshed.ok && moved.ok && refreshed.value.storageTime > moved.value.storageTime).toBe(true)
    for (const peer of overlay.peers) expect(home(peer), overlay.replay()).toBe(key(present.nodeId))
  })

  it('R6940-7.4.1.1-05 of a user who is at two gateways, what either half has changed is there: neither refuses the other for what it has newer itself', () => {
    const overlay = new Overlay(SEED)
    expect(overlay.grow(12, 100), overlay.replay()).toBe(true)
    overlay.world.run(5_000)
    const [one, other] = [overlay.peers.slice(0, 6), overlay.peers.slice(6)]
    const names = (peers: readonly { readonly name: string }[]): string[] => peers.map(({ name }) => name)
    const users = Array.from({ length: 30 }, (_, index) => {
      const name = `u${index}@dht.example.com`
      const [gone, stays] = [overlay.user(name), overlay.user(name)]
      const resource = overlay.resource(name)
      const first = overlay.store(one[0]!, resource, [registration(gone, one[0]!.nodeId)], gone)
      expect(first, overlay.replay()).toMatchObject({ ok: true })
      return { gone, stays, resource, acknowledged: false }
    })
    overlay.network.partition(names(one), names(other))
    overlay.world.run(90_000)
    // One gateway takes its entry back in its half, the other one makes its own in the other half.
    for (const user of users) {
      const { gone, stays, resource } = user
      const removed = { ...registration(gone, one[0]!.nodeId), exists: false, value: new Uint8Array(0) }
      const made = registration(stays, other[0]!.nodeId)
      user.acknowledged =
        overlay.store(other[0]!, resource, [made], stays).ok &&
        overlay.store(one[0]!, resource, [removed], gone).ok
    }
    overlay.network.heal()
    const whole = (): boolean => ringFaults(overlay, 1).length === 0
    for (let waited = 0; waited < 120 && !whole(); waited++) overlay.world.run(1_000)
    overlay.world.run(60_000)
    const acknowledged = users.filter((each) => each.acknowledged)
    expect(acknowledged.length).toBeGreaterThan(20)
    for (const { stays, resource } of acknowledged) {
      const found = overlay.fetch(overlay.peers[3]!, resource, KIND.sipRegistration)
      expect(found.ok && registeredKeys(found.value), overlay.replay()).toEqual([key(stays.nodeId)])
    }
  })

  it('R6940-10.7.4.4-01 two rings whose peers have all changed find together through a bootstrap node', () => {
    const overlay = new Overlay(SEED)
    expect(overlay.grow(16, 100), overlay.replay()).toBe(true)
    overlay.world.run(5_000)
    const [first] = overlay.peers
    const [one, other] = [overlay.peers.slice(0, 10), overlay.peers.slice(10)]
    const newcomers = Array.from({ length: 6 }, (_, index) => `p${16 + index}`)
    const names = (peers: readonly { readonly name: string }[]): string[] => peers.map(({ name }) => name)
    overlay.network.partition(names(one), [...names(other), ...newcomers])
    overlay.world.run(60_000)
    // They never met anybody of the first ten, but know the address of one.
    for (const { address } of other) overlay.start({ founder: false, bootstrap: [address, first!.address] })
    overlay.world.run(60_000)
    for (const peer of other) {
      overlay.crash(peer)
      overlay.world.run(10_000)
    }
    overlay.network.heal()
    const whole = (): boolean => ringFaults(overlay, 1).length === 0
    for (let waited = 0; waited < 120 && !whole(); waited++) overlay.world.run(1_000)
    expect(ringFaults(overlay, 3), overlay.replay()).toEqual([])
    expect(overlay.running).toHaveLength(16)
  })
})
