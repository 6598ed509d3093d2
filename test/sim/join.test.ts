import { describe, expect, it } from 'vitest'
import { Overlay } from './overlay.ts'
import { ringFaults } from './checkers/ring.ts'

const trace = process.env['TRACE'] === undefined ? {} : { trace: (n: string) => (e: object) => console.log(n, JSON.stringify(e, (_k, v) => typeof v === 'bigint' ? String(v) : v)) }
describe('join', () => {
  it('pair', () => {
    const overlay = new Overlay('1', trace)
    expect(overlay.grow(2), overlay.replay()).toBe(true)
    overlay.world.run(2000)
    expect(ringFaults(overlay)).toEqual([])
  })
  it('sixteen', () => {
    const overlay = new Overlay('1', trace)
    expect(overlay.grow(16, 100), overlay.replay()).toBe(true)
    console.log(overlay.world.now.ms, overlay.world.events)
    overlay.world.run(10000)
    expect(ringFaults(overlay)).toEqual([])
    console.log(overlay.world.now.ms, overlay.world.events, overlay.network.connections)
  })
})
