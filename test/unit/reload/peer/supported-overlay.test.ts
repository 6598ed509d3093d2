import { describe, expect, it } from 'vitest'
import { makeStandInRoot } from '../../../../src/reload/index.ts'
import { unsupported } from '../../../../src/reload/peer/supported-overlay.ts'
import { OVERLAY_NAME, simConfiguration } from '../../../../src/sim/configuration.ts'
import { Overlay } from '../../../../src/sim/overlay.ts'

describe('an overlay that this peer cannot be part of', () => {
  const of = (changes: Parameters<typeof simConfiguration>[1]): string | undefined =>
    unsupported(simConfiguration(makeStandInRoot(OVERLAY_NAME), changes))

  it('R6940-6.5.1.5-01 is one with ICE, another topology, other Node-IDs or other links', () => {
    expect(of({})).toBeUndefined()
    expect(of({ noIce: false })).toContain('ICE')
    expect(of({ topologyPlugin: 'PASTRY' })).toContain('PASTRY')
    expect(of({ nodeIdLength: 20 })).toContain('20')
    expect(of({ linkProtocols: ['DTLS'] })).toContain('TLS')
    expect(of({ linkProtocols: ['DTLS', 'TLS'] })).toBeUndefined()
  })

  it('is refused before anything is sent', () => {
    expect(() => new Overlay('ice', { configuration: { noIce: false } }).start()).toThrow(RangeError)
  })
})
