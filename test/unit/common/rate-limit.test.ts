import { describe, expect, it } from 'vitest'
import { RateLimit, sourceOf } from '../../../src/common/rate-limit.ts'

describe('rate limit', () => {
  it('S-70 a source has its burst, then its rate, and hears how long to wait', () => {
    const limit = new RateLimit({ perSecond: 0.5, burst: 2 })
    expect([limit.take('a', 0), limit.take('a', 0), limit.take('a', 0)]).toEqual([0, 0, 2000])
    expect(limit.take('b', 0)).toBe(0)
    expect(limit.take('a', 1999)).toBeGreaterThan(0)
    expect(limit.take('a', 2000)).toBe(0)
  })

  it('what costs more than a whole bucket waits for a full one, and is paid off', () => {
    const limit = new RateLimit({ perSecond: 10, burst: 20 })
    expect(limit.take('a', 0, 50)).toBe(0)
    expect(limit.take('a', 0, 1)).toBe(3_100)
    expect(limit.take('a', 3_100, 1)).toBe(0)
    expect(limit.take('a', 3_100, 50)).toBe(2_000)
  })

  it('what is given back can be taken again, up to the burst', () => {
    const limit = new RateLimit({ perSecond: 1, burst: 2 })
    limit.giveBack('a', 0, 5)
    expect([limit.take('a', 0), limit.take('a', 0)]).toEqual([0, 0])
    limit.giveBack('a', 0, 1)
    expect([limit.take('a', 0), limit.take('a', 0)]).toEqual([0, 1_000])
    limit.giveBack('a', 0, 9)
    expect([limit.take('a', 0), limit.take('a', 0), limit.take('a', 0)]).toEqual([0, 0, 1_000])
  })

  it('forgets whoever has everything again, and nobody else', () => {
    const limit = new RateLimit({ perSecond: 1, burst: 5 })
    for (let i = 0; i < 1000; i++) limit.take(`early ${i}`, 0)
    limit.take('busy', 0, 5)
    for (let i = 0; i < 1000; i++) limit.take(`late ${i}`, 2_000)
    expect(limit.size).toBe(1_001)
    expect(limit.take('busy', 2_000, 3)).toBe(1_000)
  })

  it('the table stays small', () => {
    const limit = new RateLimit({ perSecond: 1, burst: 1, keysMax: 100 })
    for (let i = 0; i < 1000; i++) limit.take(String(i), i)
    expect(limit.size).toBe(100)
  })

  it('an IPv6 source is its /64', () => {
    expect(sourceOf('192.0.2.1')).toBe('192.0.2.1')
    expect(sourceOf('::ffff:192.0.2.1')).toBe('192.0.2.1')
    expect(sourceOf('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64')
    expect(sourceOf('2001:DB8:1:2::1')).toBe('2001:db8:1:2::/64')
    expect(sourceOf('2001:db8::1')).toBe('2001:db8:0:0::/64')
    expect(sourceOf('::1')).toBe('0:0:0:0::/64')
    expect(sourceOf('fe80::1%eth0')).toBe('fe80:0:0:0::/64')
  })
})
