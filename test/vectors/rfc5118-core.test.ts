/**
 * The messages of RFC 5118 through a whole SIP core that hosts example.com without authentication, as a datagram and on a stream. Expected
 * verdicts: sip-requirements s.13. The bytes are those of the RFC, but for three Content-Lengths that are wrong there.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { SipSettings } from '../../src/sip/core/contract.ts'
import { deliver, listenersAt, type Outcome } from '../support/vector-core.ts'

const FOLDER = new URL('./rfc5118/', import.meta.url)
const AT_10: Partial<SipSettings> = { listeners: listenersAt('2001:db8::10') }
/** Somewhere else, but able to send to IPv6 addresses. */
const AT_99: Partial<SipSettings> = { listeners: listenersAt('2001:db8::99') }
const AT_10_5070: Partial<SipSettings> = { listeners: listenersAt('2001:db8::10', 5070) }
const AT_10_5070_END: Partial<SipSettings> = { listeners: listenersAt('2001:db8::10:5070') }

function bytesOf(name: string): Buffer {
  return readFileSync(new URL(`${name}.dat`, FOLDER))
}

function bodyOf(bytes: Buffer): string {
  const text = bytes.toString('latin1')
  return text.slice(text.indexOf('\r\n\r\n') + 4)
}

describe.each([['a datagram'], ['a stream']])('RFC 5118 on %s', (how) => {
  const stream = how === 'a stream'
  const send = (name: string, settings: Partial<SipSettings> = {}, source = '2001:db8::9:1'): Outcome =>
    deliver({ name, bytes: bytesOf(name), stream, settings, source })

  it('S-03 4.1 ipv6-good: registers where that address is ours, and is 403 where it is not', () => {
    const ours = send('ipv6-good', AT_10)
    expect(ours.statuses).toEqual([200])
    expect(ours.responses[0]!.values('contact')[0]).toContain('<sip:caller@[2001:db8::1]>')
    expect(send('ipv6-good').statuses).toEqual([403])
  })

  it('S-03 4.2 ipv6-bad: without brackets it is 400', () => {
    expect(send('ipv6-bad', AT_10)).toMatchObject({ statuses: [400], closed: false })
  })

  it('S-03 4.3 port-ambiguous: an address of its own at the default port, which is not ours', () => {
    expect(send('port-ambiguous', AT_10).statuses).toEqual([403])
    expect(send('port-ambiguous', AT_10_5070).statuses).toEqual([403])
    expect(send('port-ambiguous', AT_10_5070_END).statuses).toEqual([200])
  })

  it('S-03 4.4 port-unambiguous: port 5070 of the address', () => {
    expect(send('port-unambiguous', AT_10).statuses).toEqual([403])
    expect(send('port-unambiguous', AT_10_5070).statuses).toEqual([200])
  })

  it('S-03 S5118-4-01 4.5 via-received-param with and without delimiters: ours is written without', () => {
    for (const [name, status] of [
      ['via-received-param-with-delim', 481],
      ['via-received-param-no-delim', 200],
    ] as const) {
      const { statuses, responses } = send(name, AT_10, '2001:db8::9:255')
      expect(statuses, name).toEqual([status])
      expect(responses[0]!.topVia.raw, name).toMatch(/;received=2001:db8::9:255(?:;|$)/)
      expect(responses[0]!.topVia.raw.match(/received/g), name).toHaveLength(1)
    }
  })

  it.each(['ipv6-in-sdp', 'mult-ip-in-sdp'])(
    'S-03 S-12 4.6 4.8 %s: forwarded, the body untouched',
    (name) => {
      const { forwarded, statuses } = send(name, AT_99)
      expect(statuses).toEqual([])
      expect(forwarded).toHaveLength(1)
      expect(Buffer.from(forwarded[0]!.body).toString('latin1')).toBe(bodyOf(bytesOf(name)))
      expect(forwarded[0]!.requestUri).toBe('sip:user@[2001:db8::10]')
    },
  )

  it('S-03 4.7 mult-ip-in-header: forwarded with its mix of Vias', () => {
    const { forwarded, resolved } = send('mult-ip-in-header')
    expect(resolved).toEqual(['host.example.net'])
    expect(forwarded).toHaveLength(1)
    const vias = forwarded[0]!.headers('via')
    expect(vias).toHaveLength(4)
    expect(vias.slice(2)).toEqual([
      'SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKjhja8781hjuaij65144',
      'SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bK451jj;received=192.0.2.200',
    ])
  })

  it('S-03 4.9 ipv4-mapped-ipv6: one and the same source as the plain IPv4 address', () => {
    const { statuses, responses } = send('ipv4-mapped-ipv6', {}, '192.0.2.10')
    expect(statuses).toEqual([480])
    expect(responses[0]!.topVia.received).toBeUndefined()
    expect(send('ipv4-mapped-ipv6', {}, '192.0.2.11').responses[0]!.topVia.received).toBe('192.0.2.11')
  })

  it.each(['ipv6-bug-abnf-3-colons', 'ipv6-correct-abnf-2-colons'])(
    'S-03 S5118-4-02 4.10 %s: accepted, and goes out with two colons',
    (name) => {
      const { forwarded, statuses } = send(name, AT_99)
      expect(statuses).toEqual([])
      expect(forwarded[0]!.requestUri).toBe('sip:user@[2001:db8::192.0.2.1]')
      expect(forwarded[0]!.uri?.host).toBe('2001:db8::192.0.2.1')
    },
  )
})

describe('RFC 5118', () => {
  it('S-03 has twelve messages', () => {
    expect(readdirSync(FOLDER).filter((file) => file.endsWith('.dat'))).toHaveLength(12)
  })
})
