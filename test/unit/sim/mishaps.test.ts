import { describe, expect, it } from 'vitest'
import { Herd } from '../../../src/sim/herd.ts'
import { Mishaps } from '../../../src/sim/mishaps.ts'
import { Overlay } from '../../../src/sim/overlay.ts'
import { Population } from '../../../src/sim/population.ts'

describe('a peer that is told to leave and then restarted by a mishap', () => {
  // Swarm seeds 5010 and 5054: it ran on outside the population, and its neighbors were blamed for knowing it.
  it('does not come back', () => {
    const overlay = new Overlay('gone', { keepEvents: false })
    const herd = new Herd(overlay)
    const population = new Population(herd, { users: 0, refreshMs: 60_000, removalMs: undefined })
    for (let count = 0; count < 4; count++) {
      herd.start()
      overlay.world.run(1_000)
    }
    const [, leaver] = overlay.peers
    if (leaver === undefined) throw new Error('nobody has started')
    for (const other of [...overlay.peers].filter((peer) => peer !== leaver).slice(1)) {
      herd.end(other, 'kill')
      herd.bury(other)
    }
    herd.end(leaver, 'leave')
    const struck: string[] = []
    new Mishaps(herd, population, (text) => struck.push(text)).begin([
      { atMs: 0, kind: 'restart', share: 1, disk: true, downMs: 20_000 },
    ])
    overlay.world.run(60_000)
    expect(struck).toEqual([`${leaver.name} restarts with its disk`])
    expect(overlay.peers.includes(leaver)).toBe(false)
    expect(overlay.peers.filter((peer) => peer.name === leaver.name)).toEqual([])
    expect(overlay.peers).toHaveLength(1)
    expect(overlay.network.connections).toBe(0)
    herd.bury(leaver)
    expect(() => overlay.restart(leaver)).toThrow(RangeError)
  })
})
