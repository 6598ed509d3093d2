/** Thousands of broken messages from a seed through whole SIP cores. `npm run soak:mutation` does the same to a running node. */
import { describe, expect, it } from 'vitest'
import { NEVER } from '../../src/common/time.ts'
import { Storm } from '../support/sip-storm.ts'

const SEED = 'mutation-1'
const MESSAGES = 1_500

describe('a storm of broken messages', () => {
  it.each([
    ['none', { auth: 'none' }],
    ['digest', { auth: 'digest' }],
    [
      'redirect',
      {
        auth: 'none',
        roles: { registrar: true, proxy: false, redirect: true },
        redirectProxies: ['198.51.100.7:5060'],
      },
    ],
    [
      'trusted',
      { auth: 'digest', trusted: [{ networks: ['10.0.0.0/8'], mayCallOutside: true }], verifyCaller: 'off' },
    ],
  ] as const)(
    'S-04 S-06 S-07 S-20 S-84 %s: nothing throws, nothing is a fault of ours, nothing stays behind',
    (name, override) => {
      const storm = new Storm(`${SEED}-${name}`, override)
      for (let i = 0; i < MESSAGES; i++) storm.blow()
      expect(storm.faults).toEqual([])
      // It is of no use to break what never gets far.
      expect(storm.sent).toBeGreaterThan(MESSAGES / 2)
      storm.calm()
      expect(storm.faults).toEqual([])
      const { core } = storm
      expect(Object.fromEntries(core.snapshot().transactions)).toEqual({ ict: 0, ist: 0, nict: 0, nist: 0 })
      expect(core.snapshot().aors).toBe(0)
      expect(core.nextDeadline()).toBe(NEVER)
    },
  )
})
