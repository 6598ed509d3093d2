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

describe('a peer whose disk is full', () => {
  it('R-06 refuses Stores with an error that says "later", reads on, takes them again once there is room, and has everything after a restart', () => {
    const overlay = new Overlay(SEED)
    expect(overlay.grow(3, 100), overlay.replay()).toBe(true)
    const [full, at] = overlay.running as [SimPeer, SimPeer, SimPeer]
    const users = usersOf(overlay, full)
    const [before, during, refusedAtOnce] = [users.next(), users.next(), users.next()].map(
      ({ value }) => value as string,
    ) as [string, string, string]
    expect(register(overlay, at, before)).toMatchObject({ ok: true })

    overlay.network.disk(full.name).fill()
    const error = { kind: 'reload', code: ERROR_CODE.requestTimeout, from: full.nodeId }
    const later = { ok: false, error }
    // The first one finds out; it was in memory by then. The next is refused before anything changes.
    expect(register(overlay, at, during), overlay.replay()).toMatchObject(later)
    expect(register(overlay, at, refusedAtOnce), overlay.replay()).toMatchObject(later)
    expect(full.core.holds(overlay.resource(refusedAtOnce))).toBe(false)
    expect(found(overlay, at, before)).toBe(1)

    overlay.network.makeRoom(full.name)
    for (const name of [during, refusedAtOnce])
      expect(register(overlay, at, name), overlay.replay()).toMatchObject({ ok: true })
    // All others gone for good: what was acknowledged stands on this disk alone.
    for (const other of overlay.running) overlay.crash(other)
    const again = overlay.restart(full, { founder: true, bootstrap: [] })
    overlay.world.run(1_000)
    expect(found(overlay, again, before), overlay.replay()).toBe(1)
    expect(found(overlay, again, refusedAtOnce), overlay.replay()).toBe(1)
    // The one that was refused when it was in memory already, and the one after it.
    expect(found(overlay, again, during), overlay.replay()).toBe(2)
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
    expect(full.core.holds(overlay.resource(names[1] as string))).toBe(false)
    overlay.network.makeRoom(full.name)
    const copied = (): boolean =>
      names.every((name) => full.core.holds(overlay.resource(name))) && owner.snapshot().replicaDeficit === 0
    expect(overlay.world.runUntil(copied, 20_000), overlay.replay()).toBe(true)
  })
})
