import { describe, expect, it } from 'vitest'
import { parseEndpoint, parseSipEndpoint, phoneAddresses } from '../../../../src/app/config/endpoint.ts'

describe('addresses to listen at', () => {
  it('S-TR-01 of phones have a default port for each scheme; those of WebSockets need no privileges', () => {
    for (const [scheme, port] of [
      ['udp', 5060],
      ['tcp', 5060],
      ['tls', 5061],
      ['ws', 5066],
      ['wss', 7443],
    ] as const) {
      expect(parseSipEndpoint(`${scheme}://192.0.2.1`)).toEqual({ scheme, host: '192.0.2.1', port })
      expect(parseSipEndpoint(`${scheme}://[::1]`)).toEqual({ scheme, host: '::1', port })
      expect(parseSipEndpoint(`${scheme}://0.0.0.0:80`)).toEqual({ scheme, host: '0.0.0.0', port: 80 })
    }
  })

  it('are refused by name when they are none: no scheme, no port, too large a port, a name', () => {
    for (const text of [
      '192.0.2.1:5060',
      'udp://',
      'udp://192.0.2.1:65536',
      'udp://::1:5060',
      'udp://phone.example:5060',
    ])
      expect(() => parseSipEndpoint(text), text).toThrow('sip.listen')
    expect(() => parseEndpoint('tcp://192.0.2.1', 'overlay.listen')).toThrow(
      '"overlay.listen": "192.0.2.1" is not host:port',
    )
    expect(() => parseSipEndpoint('udp://2001:db8::1')).toThrow('stands in brackets')
  })

  it('of one link keep their zone to themselves (RFC 4007 s.6)', () => {
    expect(parseSipEndpoint('udp://[fe80::1%eth0]')).toEqual({
      scheme: 'udp',
      host: 'fe80::1%eth0',
      port: 5060,
    })
    expect(phoneAddresses('fe80::1%eth0', undefined)).toEqual({ advertisedHost: 'fe80::1' })
  })
})
