import { describe, expect, it } from 'vitest'
import type { TraceEvent } from '../../../../src/common/trace.ts'
import { AuthLog } from '../../../../src/sip/core/auth-log.ts'
import type { Hop } from '../../../../src/sip/transaction/index.ts'

function hop(host: string): Hop {
  return { transport: 'tcp', flow: 1, listener: 0, host, port: 40_000 }
}

describe('log of refused credentials', () => {
  it('is one event with the fields, in the order, that deploy/fail2ban reads', () => {
    const events: TraceEvent[] = []
    const log = new AuthLog((event) => events.push(event))
    log.refused(0, hop('::ffff:203.0.113.7'), `REGISTER${'X'.repeat(100)}`, 'bad')
    expect(JSON.stringify(events)).toBe(
      `[{"level":"warn","area":"sip","event":"auth_failed","src":"203.0.113.7","transport":"tcp","method":"REGISTER${'X'.repeat(24)}","reason":"bad"}]`,
    )
  })

  it('a flood from one address, or from all of them, does not fill the disk', () => {
    const events: TraceEvent[] = []
    const log = new AuthLog((event) => events.push(event))
    for (let i = 0; i < 10_000; i++) log.refused(i, hop('203.0.113.7'), 'REGISTER', 'bad')
    expect(events.length).toBe(30 + 9)
    for (let i = 0; i < 10_000; i++)
      log.refused(10_000, hop(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`), 'REGISTER', 'bad')
    expect(events.length).toBeLessThanOrEqual(30 + 9 + 500)
    log.refused(20_000, hop('192.0.2.99'), 'REGISTER', 'blocked')
    const { suppressed } = events.at(-1) as { suppressed?: number }
    expect(events.length + (suppressed ?? 0)).toBeLessThanOrEqual(20_001)
    expect(suppressed).toBeGreaterThan(9_000)
  })
})
