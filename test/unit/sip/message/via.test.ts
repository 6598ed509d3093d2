import { describe, expect, it } from 'vitest'
import { parseVia } from '../../../../src/sip/message/index.ts'
import { parsed, request } from './sample.ts'

describe('parseVia', () => {
  it('reads sent-by and parameters', () => {
    const via = parseVia(
      'SIP/2.0/tls Example.COM : 5061 ; branch=z9hG4bKx ;rport=1234;received=192.0.2.9;maddr=192.0.2.8;keep;X="q;r"',
    )
    expect(via).toMatchObject({
      transport: 'TLS',
      host: 'example.com',
      port: 5061,
      branch: 'z9hG4bKx',
      rport: 1234,
      received: '192.0.2.9',
      maddr: '192.0.2.8',
    })
    expect(via?.params.get('keep')).toBe('')
    expect(via?.params.get('x')).toBe('"q;r"')
  })

  it('S3581-4-01 tells an empty rport from a filled and a missing one', () => {
    expect(parseVia('SIP/2.0/UDP h;rport')?.rport).toBe('empty')
    expect(parseVia('SIP/2.0/UDP h;rport=0')?.rport).toBe(0)
    expect(parseVia('SIP/2.0/UDP h;rport= ;x=')).toMatchObject({ rport: 'empty', emptyRportEnd: 0 })
    expect(parseVia('SIP/2.0/UDP h;branch=;rport')).toBeUndefined()
    expect(parseVia('SIP/2.0/UDP h')?.rport).toBeUndefined()
  })

  it('S5118-4-01 received with and without brackets', () => {
    expect(parseVia('SIP/2.0/UDP [2001:db8::9:1]:6050;received=[2001:db8::9:255];branch=b')).toMatchObject({
      host: '2001:db8::9:1',
      port: 6050,
      received: '2001:db8::9:255',
      branch: 'b',
    })
    expect(parseVia('SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255')?.received).toBe('2001:db8::9:255')
  })

  it('other transports and protocol versions are read as they are', () => {
    expect(parseVia('SIP/2.0/sctp h')?.transport).toBe('SCTP')
    expect(parseVia('SIP/2.0/WSS df7jal23ls0d.invalid;branch=1')?.transport).toBe('WSS')
    expect(parseVia('SIP/7.0/UDP h')?.host).toBe('h')
  })

  it('one value only', () => {
    expect(parseVia('SIP/2.0/UDP a, SIP/2.0/UDP b')).toBeUndefined()
    expect(parseVia('SIP/2.0/UDP')).toBeUndefined()
    expect(parseVia('HTTP/1.1/TCP h')).toBeUndefined()
  })

  it('the top Via is the first value of the first header; raw is its text', () => {
    const message = parsed(request({ Via: ['SIP/2.0/UDP a;branch=1 , SIP/2.0/TCP b', 'SIP/2.0/TLS c'] }))
    expect(message.topVia.raw).toBe('SIP/2.0/UDP a;branch=1')
    expect(message.topVia.params.get('branch')).toBe('1')
    expect(message.nextVia?.host).toBe('b')
    expect(message.viaCount).toBe(3)
    expect(message.vias().map((via) => via.raw)).toEqual([
      'SIP/2.0/UDP a;branch=1',
      'SIP/2.0/TCP b',
      'SIP/2.0/TLS c',
    ])
  })
})
