/** Lookups and Stores in the moments in which a peer says goodbye. */
import { describe, expect, it } from 'vitest'
import type { PeerEvent } from '../../src/reload/index.ts'
import { key, KIND } from '../../src/reload/index.ts'
import { OVERLAY_NAME } from '../../src/sim/configuration.ts'
import { Overlay, type SimPeer } from '../../src/sim/overlay.ts'
import { registeredKeys, registration } from '../../src/sim/values.ts'

const SEED = process.env['SEED'] ?? 'leaving'

describe('a peer that leaves', () => {
  it('R-05 R6940-10.9-01 no lookup and no Store of others fails meanwhile', () => {
    for (const count of [3, 4, 6]) {
      const overlay = new Overlay(`${SEED} ${count}`)
      expect(overlay.grow(count)).toBe(true)
      const users = Array.from({ length: 12 }, (_, index) => overlay.user(`u${index}@${OVERLAY_NAME}`))
      const [home] = overlay.peers
      for (const [index, user] of users.entries()) {
        const resource = overlay.resource(`u${index}@${OVERLAY_NAME}`)
        expect(overlay.store(home!, resource, [registration(user, home!.nodeId)], user).ok).toBe(true)
      }
      const events: PeerEvent[] = []
      const leaver = overlay.peers[1]!
      leaver.host.input({ kind: 'leave' })
      let asked = 0
      for (let step = 0; step < 200; step++) {
        overlay.world.run(1)
        const asker = overlay.peers[[0, 2][step % 2]!]!
        const index = step % users.length
        const resource = overlay.resource(`u${index}@${OVERLAY_NAME}`)
        const id = overlay.commands.newId()
        const told = (event: PeerEvent): void => void events.push(event)
        const values = [registration(users[index]!, asker.nodeId)]
        asked++
        if (step % 5 === 4)
          overlay.commands.ask(
            asker,
            { kind: 'store', id, resource, values, credential: users[index]! },
            told,
          )
        else overlay.commands.ask(asker, { kind: 'fetch', id, resource, kinds: [KIND.sipRegistration] }, told)
      }
      overlay.world.run(20_000)
      expect(events).toHaveLength(asked)
      const failures = events.filter((event) => 'outcome' in event && !event.outcome.ok)
      expect(failures, `${count} peers; ${overlay.replay()}`).toEqual([])
    }
  })

  it('R6940-10.9-01 hands over the last copy when those who had the others died a moment ago (seed 8217)', () => {
    const overlay = new Overlay(SEED)
    expect(overlay.grow(12, 100)).toBe(true)
    overlay.world.run(10_000)
    const name = `alice@${OVERLAY_NAME}`
    const alice = overlay.user(name)
    const resource = overlay.resource(name)
    const gateway = overlay.peers.find((peer) => !overlay.ring().dueHolders(resource).includes(peer))!
    expect(overlay.store(gateway, resource, [registration(alice, gateway.nodeId)], alice).ok).toBe(true)
    const [owner, leaver, second] = overlay.ring().dueHolders(resource) as [SimPeer, SimPeer, SimPeer]
    overlay.crash(owner, true)
    overlay.crash(second, true)
    overlay.world.run(1_300)
    leaver.host.input({ kind: 'leave' })
    overlay.world.run(30_000)
    expect(leaver.running && leaver.state).toBe('left')
    const found = overlay.fetch(gateway, resource, KIND.sipRegistration)
    expect(found.ok && registeredKeys(found.value), overlay.replay()).toEqual([key(alice.nodeId)])
  })
})
