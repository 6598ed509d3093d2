import { describe, expect, it } from 'vitest'
import { key, KIND, type Credential, type ResourceId } from '../../src/reload/index.ts'
import { replicaFaults } from '../../src/sim/checkers/replicas.ts'
import { ringFaults } from '../../src/sim/checkers/ring.ts'
import { Overlay, type SimPeer } from '../../src/sim/overlay.ts'
import { registeredKeys, registration } from '../../src/sim/values.ts'

const SEED = process.env['SEED'] ?? 'storage'

interface Registered {
  readonly credential: Credential
  readonly resource: ResourceId
}

function grown(count: number): Overlay {
  const overlay = new Overlay(SEED)
  expect(overlay.grow(count, 100), overlay.replay()).toBe(true)
  overlay.world.run(3_000)
  expect(ringFaults(overlay), overlay.replay()).toEqual([])
  return overlay
}

/** One user registers at each peer. */
function registerAll(overlay: Overlay): Registered[] {
  return overlay.running.map((peer, index) => {
    const name = `u${index}@dht.example.com`
    const credential = overlay.user(name)
    const resource = overlay.resource(name)
    const outcome = overlay.store(peer, resource, [registration(credential, peer.nodeId)], credential)
    expect(outcome, overlay.replay()).toMatchObject({ ok: true })
    if (outcome.ok) expect(key(outcome.value.responsible)).toBe(key(overlay.owner(resource).nodeId))
    return { credential, resource }
  })
}

function expectAllFound(
  overlay: Overlay,
  users: readonly Registered[],
  peers: readonly SimPeer[] = overlay.running,
): void {
  for (const peer of peers) {
    for (const { resource, credential } of users) {
      const outcome = overlay.fetch(peer, resource, KIND.sipRegistration)
      expect(outcome, `${peer.name} ${overlay.replay()}`).toMatchObject({ ok: true })
      if (outcome.ok) {
        expect(registeredKeys(outcome.value)).toEqual([key(credential.nodeId)])
        expect(outcome.value.rejected).toBe(0)
      }
    }
  }
}

function replicated(overlay: Overlay, users: readonly Registered[], limit = 20_000): boolean {
  const resources = users.map(({ resource }) => resource)
  const inOrder = (): boolean =>
    ringFaults(overlay).length === 0 && replicaFaults(overlay, resources).length === 0
  return overlay.world.runUntil(inOrder, limit)
}

describe('storing in a simulated overlay', () => {
  it('R6940-10.4-01 R6940-10.3-01 R6940-10.3-02 R6940-6.2-01 what any peer stores every peer finds, and it lies on three peers', () => {
    const overlay = grown(8)
    const users = registerAll(overlay)
    const resources = users.map(({ resource }) => resource)
    // A store is answered when the replicas have it, so nothing may be missing now.
    expect(replicaFaults(overlay, resources), overlay.replay()).toEqual([])
    expectAllFound(overlay, users)
  })

  it('a lone founder and a pair serve what they have', () => {
    const overlay = new Overlay(SEED)
    overlay.start()
    const users = registerAll(overlay)
    expectAllFound(overlay, users)
    overlay.start()
    expect(overlay.settled()).toBe(true)
    expect(replicated(overlay, users), overlay.replay()).toBe(true)
    expectAllFound(overlay, users)
  })

  it('R6940-10.5-06 R6940-6.4.2.1-08 R6940-10.7.3-06 R6940-6.4.2.3-02 joining peers get the share of the data that becomes theirs', () => {
    const overlay = grown(4)
    const users = registerAll(overlay)
    for (let i = 0; i < 4; i++) overlay.start()
    expect(overlay.settled(), overlay.replay()).toBe(true)
    expectAllFound(overlay, users)
    expect(replicated(overlay, users), overlay.replay()).toBe(true)
  })

  for (const silent of [false, true]) {
    it(`R6940-10.7.1-01 R6940-10.7.1-02 R6940-10.7.1-04 R6940-10.7.3-05 a peer that ${silent ? 'falls silent' : 'is killed'} is noticed, routed around, and its data copied again`, () => {
      const overlay = grown(8)
      const users = registerAll(overlay)
      const victim = overlay.owner(users[0]!.resource)
      overlay.crash(victim, silent)
      const noticed = overlay.world.runUntil(() => ringFaults(overlay).length === 0, silent ? 12_000 : 2_000)
      expect(noticed, `${ringFaults(overlay).join('; ')} ${overlay.replay()}`).toBe(true)
      expectAllFound(overlay, users)
      expect(replicated(overlay, users, 10_000), overlay.replay()).toBe(true)
      for (const peer of overlay.running) expect(peer.snapshot().replicaDeficit).toBe(0)
    })
  }

  it('a fetch that was on its way to a peer that dies is routed again', () => {
    const overlay = grown(8)
    const users = registerAll(overlay)
    const { resource, credential } = users[0]!
    const owner = overlay.owner(resource)
    const asker = overlay.running.find((peer) => !peer.core.holds(resource)) as SimPeer
    overlay.crash(owner)
    const outcome = overlay.fetch(asker, resource, KIND.sipRegistration)
    expect(outcome.ok && registeredKeys(outcome.value)).toEqual([key(credential.nodeId)])
  })

  it('two peers that die one after the other lose nothing', () => {
    const overlay = grown(8)
    const users = registerAll(overlay)
    const first = overlay.owner(users[0]!.resource)
    overlay.crash(first)
    expect(replicated(overlay, users), overlay.replay()).toBe(true)
    overlay.crash(overlay.owner(users[0]!.resource))
    expect(replicated(overlay, users), overlay.replay()).toBe(true)
    expectAllFound(overlay, users)
  })

  it('R6940-10.9-02 R6940-10.9-03 R6940-6.4.2.2-02 R6940-6.4.2.2-04 a peer that leaves hands over what it has', () => {
    const overlay = grown(6)
    const users = registerAll(overlay)
    const leaver = overlay.owner(users[2]!.resource)
    leaver.host.input({ kind: 'leave' })
    expect(
      overlay.world.runUntil(() => leaver.state === 'left', 10_000),
      overlay.replay(),
    ).toBe(true)
    expect(leaver.events.at(-1)).toEqual({ kind: 'left' })
    expect(replicated(overlay, users, 5_000), overlay.replay()).toBe(true)
    expectAllFound(overlay, users)
    expect(leaver.core.nextDeadline()).toBe(Number.POSITIVE_INFINITY)
  })

  it('a peer that restarts with its journal takes its place again', () => {
    const overlay = grown(6)
    const users = registerAll(overlay)
    const victim = overlay.owner(users[1]!.resource)
    overlay.crash(victim)
    overlay.world.run(500)
    overlay.restart(victim)
    expect(overlay.settled(), overlay.replay()).toBe(true)
    expect(replicated(overlay, users), overlay.replay()).toBe(true)
    expectAllFound(overlay, users)
  })

  it('a value is replaced and removed by its owner only', () => {
    const overlay = grown(5)
    const [user] = registerAll(overlay) as [Registered]
    const [first, second] = overlay.peers as [SimPeer, SimPeer]
    const mallory = overlay.user('mallory@dht.example.com')
    const stolen = overlay.store(second, user.resource, [registration(mallory, second.nodeId)], mallory)
    expect(stolen).toMatchObject({ ok: false, error: { kind: 'reload', code: 2 } })
    const removal = {
      ...registration(user.credential, first.nodeId),
      exists: false,
      value: new Uint8Array(0),
    }
    expect(overlay.store(second, user.resource, [removal], user.credential)).toMatchObject({ ok: true })
    const after = overlay.fetch(first, user.resource, KIND.sipRegistration)
    expect(after.ok && registeredKeys(after.value)).toEqual([])
  })
})
