/** Lookups and Stores in the moments in which a peer says goodbye. */
import { describe, expect, it } from 'vitest'
import type { PeerEvent } from '../../src/reload/index.ts'
import { KIND } from '../../src/reload/index.ts'
import { OVERLAY_NAME } from '../../src/sim/configuration.ts'
import { Overlay } from '../../src/sim/overlay.ts'
import { registration } from '../../src/sim/values.ts'

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
})
