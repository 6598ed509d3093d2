import { describe, expect, it } from 'vitest'
import type { TraceEvent } from '../../../../src/common/trace.ts'
import { TlsLog } from '../../../../src/sip/core/tls-log.ts'
import type { Hop, Transport } from '../../../../src/sip/transaction/index.ts'

function flow(transport: Transport, host = '203.0.113.7'): { hop: Hop; dialledFor: string } {
  return { hop: { transport, flow: 1, listener: 0, host, port: 5061 }, dialledFor: 'provider.example' }
}

describe('log of servers that TLS connections do not come up to', () => {
  it('S5922-7.3-01 says which, what its certificate had to prove, and what was wrong', () => {
    const events: TraceEvent[] = []
    const log = new TlsLog((event) => events.push(event))
    log.failed(0, flow('tls', '2001:db8::1'), 'ERR_TLS_CERT_ALTNAME_INVALID')
    log.failed(0, flow('tcp'), 'ECONNREFUSED')
    log.failed(0, undefined, 'ECONNREFUSED')
    expect(events).toEqual([
      {
        level: 'warn',
        area: 'sip',
        event: 'tls_connect_failed',
        server: '[2001:db8::1]:5061',
        name: 'provider.example',
        reason: 'ERR_TLS_CERT_ALTNAME_INVALID',
      },
    ])
  })

  it('calls to where nobody is do not fill the disk', () => {
    const events: TraceEvent[] = []
    const log = new TlsLog((event) => events.push(event))
    for (let i = 0; i < 100_000; i++) log.failed(i, flow('tls'), 'timeout')
    expect(events.length).toBeLessThanOrEqual(40)
  })
})
