import { describe, expect, it } from 'vitest'
import { Lives } from '../../../src/sim/lives.ts'

const ids = Array.from({ length: 20 }, (_, index) => String(index).padStart(2, '0'))

function lives(): Lives {
  const all = new Lives()
  for (const id of ids) all.begin(id, 0)
  return all
}

function restart(all: Lives, id: string, at: number): void {
  all.end(id, at, true)
  all.begin(id, at + 1_000)
}

describe('the excuse of a lost value', () => {
  it('is that three peers around it died at about the same time', () => {
    const all = lives()
    for (const id of ['10', '11', '12']) all.end(id, 1_000, true)
    expect(all.excuses('09', 0)).toBe(true)
    expect(all.excuses('02', 0)).toBe(false)
    expect(all.excuses('09', 2_000)).toBe(false)
  })

  it('is none when they were two, left properly, or died a minute apart', () => {
    const two = lives()
    for (const id of ['10', '11']) two.end(id, 1_000, true)
    expect(two.excuses('09', 0)).toBe(false)
    const gone = lives()
    for (const id of ['10', '11', '12']) gone.end(id, 1_000, false)
    expect(gone.excuses('09', 0)).toBe(false)
    const apart = lives()
    for (const [index, id] of ['10', '11', '12'].entries()) apart.end(id, 60_000 * (index + 1), true)
    expect(apart.excuses('09', 0)).toBe(false)
  })

  it('holds for peers that came back without their data: two lives, one place in the ring', () => {
    const all = lives()
    for (const id of ['08', '09', '10', '11', '12']) restart(all, id, 1_000)
    expect(all.excuses('10', 0)).toBe(true)
    expect(all.excuses('16', 0)).toBe(false)
  })
})
