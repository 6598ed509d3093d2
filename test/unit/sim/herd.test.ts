import { describe, expect, it } from 'vitest'
import { Herd } from '../../../src/sim/herd.ts'
import { Overlay } from '../../../src/sim/overlay.ts'

describe('the peers of a simulated overlay', () => {
  it('one whose bootstrap nodes are all gone before it reached one is given others (seed 9208)', () => {
    const overlay = new Overlay('stranded')
    const herd = new Herd(overlay)
    for (let count = 0; count < 8; count++) {
      herd.start()
      overlay.world.run(200)
    }
    expect(overlay.settled()).toBe(true)
    const { name } = herd.start()
    const known = herd.find(name)!.bootstrap.map(({ address }) => address)
    expect(known).toHaveLength(3)
    for (const peer of overlay.peers.filter(({ address }) => known.includes(address.address))) {
      herd.end(peer, 'silence')
      herd.bury(peer)
    }
    expect(herd.find(name)!.bootstrap.map(({ address }) => address)).not.toEqual(known)
    expect(overlay.settled(), overlay.replay()).toBe(true)
    expect(herd.find(name)!.joined).toBe(true)
  })
})
