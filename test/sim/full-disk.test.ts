/** A disk that is full: nothing is acknowledged that is not written, and nothing that was acknowledged is lost. */
import { describe, expect, it } from 'vitest'
import { ERROR_CODE, KIND, type CommandOutcome, type StoreResult } from '../../src/reload/index.ts'
import { Overlay, type SimPeer } from '../../src/sim/overlay.ts'
import { registeredKeys, registration } from '../../src/sim/values.ts'

const SEED = process.env['SEED'] ?? 'full disk'

/** Users whose entries `owner` stores, and who register at `at`. */
function* usersOf(overlay: Overlay, owner: SimPeer): Generator<string> {
  for (let index = 0; ; index++) {
    const name = `u${index}@dht.example.com`
    if (overlay.owner(overlay.resource(name)) === owner) yield name
  }
}

function register(overlay: Overlay, at: SimPeer, name: string): CommandOutcome<StoreResult> {
  const credential = overlay.user(name)
  return overlay.store(at, overlay.resource(name), [registration(credential, at.nodeId)], credential)
}

/** How many registrations of the user somebody finds; every `register` is one with a certificate of its own. */
function found(overlay: Overlay, from: SimPeer, name: string): number {
  const outcome = overlay.fetch(from, overlay.resource(name), KIND.sipRegistration)
  return outcome.ok ? registeredKeys(outcome.value).length : -1
}

/** What a Store is answered with that nobody else wrote down: the sender may try again later. */
function later(from: SimPeer): object {
  return { ok: false, error: { kind: 'reload', code: ERROR_CODE.requestTimeout, from: from.nodeId } }
}

/** Three peers, of which the first has a full disk. */
function threePeers(): { overlay: Overlay; full: SimPeer; others: [SimPeer, SimPeer] } {
  const overlay = new Overlay(SEED)
  expect(overlay.grow(3, 100), overlay.replay()).toBe(true)
  const [full, ...others] = overlay.running as [SimPeer, SimPeer, SimPeer]
  return { overlay, full, others }
}

describe('a peer whose disk is full', () => {
  it('R-06 answers for its users with what its replicas wrote down, and has everything on its own disk once there is room', () => {
    const { overlay, full, others } = threePeers()
    const users = usersOf(overlay, full)
    const names = [users.next(), users.next(), users.next()].map(({ value }) => value as string)
    const [before, ...during] = names as [string, string, string]
    expect(register(overlay, others[0], before)).toMatchObject({ ok: true })
    overlay.network.disk(full.name).fill()
    // The first one finds out, the second is told by it.
    for (const name of during)
      expect(register(overlay, others[0], name), overlay.replay()).toMatchObject({ ok: true })
    for (const name of names) expect(found(overlay, others[1], name)).toBe(1)

    overlay.network.makeRoom(full.name)
    // All others gone for good: what was acknowledged stands on this disk alone.
    for (const other of overlay.running) overlay.crash(other)
    const again = overlay.restart(full, { founder: true, bootstrap: [] })
    overlay.world.run(1_000)
    for (const name of names) expect(found(overlay, again, name), overlay.replay()).toBe(1)
  })

  it('R-06 loses nothing of that when it is killed before there is room, and brings back nothing that was removed meanwhile', () => {
    const { overlay, full, others } = threePeers()
    const users = usersOf(overlay, full)
    const [kept, removed] = [users.next(), users.next()].map(({ value }) => value as string) as [
      string,
      string,
    ]
    const credential = overlay.user(removed)
    const store = (exists: boolean): CommandOutcome<StoreResult> => {
      const value = {
        ...registration(credential, others[0].nodeId),
        exists,
        ...(exists ? {} : { value: new Uint8Array() }),
      }
      return overlay.store(others[0], overlay.resource(removed), [value], credential)
    }
    expect(store(true)).toMatchObject({ ok: true })
    overlay.network.disk(full.name).fill()
    expect(register(overlay, others[0], kept), overlay.replay()).toMatchObject({ ok: true })
    expect(store(false), overlay.replay()).toMatchObject({ ok: true })
    overlay.crash(full)
    overlay.world.run(20_000)
    const again = overlay.restart(full)
    overlay.world.run(20_000)
    expect(again.snapshot().state).toBe('joined')
    for (const from of overlay.running) {
      expect(found(overlay, from, kept), overlay.replay()).toBe(1)
      expect(found(overlay, from, removed), overlay.replay()).toBe(0)
    }
  })

  it('R-06 refuses Stores with an error that says "later" while no other disk takes them either, or there is nobody else, reads on, and takes them once there is room', () => {
    const { overlay, full, others } = threePeers()
    const users = usersOf(overlay, full)
    const [before, during] = [users.next(), users.next()].map(({ value }) => value as string) as [
      string,
      string,
    ]
    expect(register(overlay, others[0], before)).toMatchObject({ ok: true })
    for (const peer of overlay.running) overlay.network.disk(peer.name).fill()
    for (let count = 0; count < 2; count++)
      expect(register(overlay, others[0], during), overlay.replay()).toMatchObject(later(full))
    expect(found(overlay, others[1], before)).toBe(1)
    for (const other of others) overlay.crash(other)
    overlay.world.run(60_000)
    expect(register(overlay, full, during), overlay.replay()).toMatchObject(later(full))
    overlay.network.makeRoom(full.name)
    expect(register(overlay, full, during), overlay.replay()).toMatchObject({ ok: true })
  })

  it('R-06 a replica with a full disk does not keep the owner from answering, and is given its copy once there is room', () => {
    const overlay = new Overlay(SEED)
    expect(overlay.grow(3, 100), overlay.replay()).toBe(true)
    const [owner, full, at] = overlay.running as [SimPeer, SimPeer, SimPeer]
    const users = usersOf(overlay, owner)
    overlay.network.disk(full.name).fill()
    const names = [users.next(), users.next()].map(({ value }) => value as string)
    for (const name of names)
      expect(register(overlay, at, name), overlay.replay()).toMatchObject({ ok: true })
    // It knows them, should it become their owner; but its owner does not count on that.
    for (const name of names) expect(full.core.holds(overlay.resource(name))).toBe(true)
    expect(owner.snapshot().replicaDeficit).toBeGreaterThan(0)
    overlay.network.makeRoom(full.name)
    expect(
      overlay.world.runUntil(() => owner.snapshot().replicaDeficit === 0, 20_000),
      overlay.replay(),
    ).toBe(true)
  })
})
