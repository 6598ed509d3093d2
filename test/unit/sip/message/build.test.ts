import { detached } from '../../../../src/common/detached.ts'
import { describe, expect, it } from 'vitest'
import {
  buildRequest,
  buildResponse,
  formatDate,
  statelessTag,
  validateRequest,
} from '../../../../src/sip/message/index.ts'
import { bytes, faultOf, parsed, request, text, verdict } from './sample.ts'

describe('buildResponse', () => {
  it('S3261-8.2.6-01 copies Via, From, To, Call-ID and CSeq in order, and adds the To tag', () => {
    const message = parsed(
      request({
        Via: ['SIP/2.0/UDP a;branch=z9hG4bK1, SIP/2.0/TCP b', 'SIP/2.0/TLS c'],
        Subject: 'x',
        Route: '<sip:r>',
      }),
    )
    expect(
      text(buildResponse(message, 486, 'Busy Here', { toTag: 't1', headers: [['Retry-After', '5']] })),
    ).toBe(
      'SIP/2.0 486 Busy Here\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1, SIP/2.0/TCP b\r\nVia: SIP/2.0/TLS c\r\n' +
        'From: "Alice" <sip:alice@dht.example.com>;tag=a1\r\nTo: <sip:bob@dht.example.com>;tag=t1\r\n' +
        'Call-ID: c1@192.0.2.1\r\nCSeq: 7 INVITE\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n',
    )
  })

  it('S3261-8.2.6-01 a tag that is there stays, and 100 gets none', () => {
    const message = parsed(request({ To: '<sip:bob@dht.example.com>;tag=theirs' }))
    expect(text(buildResponse(message, 200, 'OK', { toTag: 'ours' }))).toContain('tag=theirs\r\n')
    expect(text(buildResponse(parsed(request()), 100, 'Trying'))).toContain(
      'To: <sip:bob@dht.example.com>\r\n',
    )
  })

  it('S3261-18.2-01 S3581-4-01 the top Via can be given anew', () => {
    const message = parsed(request({ Via: 'SIP/2.0/UDP a;rport;branch=1, SIP/2.0/UDP b' }))
    expect(
      text(
        buildResponse(message, 200, 'OK', { topVia: 'SIP/2.0/UDP a;rport=9;received=192.0.2.9;branch=1' }),
      ),
    ).toContain('Via: SIP/2.0/UDP a;rport=9;received=192.0.2.9;branch=1, SIP/2.0/UDP b\r\n')
  })

  it('S3261-8.2.6-02 copies Timestamp and Record-Route when asked to', () => {
    const message = parsed(request({ Timestamp: '54', 'Record-Route': ['<sip:p1;lr>', '<sip:p2;lr>'] }))
    expect(text(buildResponse(message, 100, 'Trying', { copyTimestamp: true }))).toContain(
      'Timestamp: 54\r\n',
    )
    const answer = text(buildResponse(message, 200, 'OK', { copyRecordRoute: true }))
    expect(answer).toContain('Record-Route: <sip:p1;lr>\r\nRecord-Route: <sip:p2;lr>\r\n')
    expect(answer).not.toContain('Timestamp')
  })

  it('carries a body with its type and length', () => {
    const answer = buildResponse(parsed(request()), 200, 'OK', {
      body: bytes('\xff\0x'),
      contentType: 'text/x',
    })
    expect(text(answer)).toMatch(/Content-Type: text\/x\r\nContent-Length: 3\r\n\r\n\xff\0x$/)
    expect(parsed(answer).status).toBe(200)
  })

  it('E16 a malformed To is echoed without a tag that might end up inside its quotes', () => {
    const fault = faultOf(request({ To: '"open <sip:bob@dht.example.com>' }))
    if (fault?.partial === undefined) throw new Error('no partial message')
    expect(text(buildResponse(fault.partial, 400, fault.reason, { toTag: 't' }))).toContain(
      'To: "open <sip:bob@dht.example.com>\r\n',
    )
  })
})

describe('buildRequest', () => {
  it('writes headers in order and the length of the body', () => {
    const built = buildRequest({
      method: 'CANCEL',
      uri: 'sip:b@c',
      headers: [
        ['Via', 'SIP/2.0/UDP a'],
        ['CSeq', '1 CANCEL'],
      ],
      body: bytes('xy'),
    })
    expect(text(built)).toBe(
      'CANCEL sip:b@c SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nCSeq: 1 CANCEL\r\nContent-Length: 2\r\n\r\nxy',
    )
  })
})

describe('statelessTag', () => {
  const secret = new Uint8Array(32).fill(1)

  it('S3261-8.2.7-01 is the same for a retransmission, and another for another request, secret or transaction', () => {
    const tag = statelessTag(secret, parsed(request()))
    expect(tag).toMatch(/^[0-9a-f]{16}$/)
    expect(statelessTag(secret, parsed(request()))).toBe(tag)
    const others = [
      statelessTag(secret, parsed(request({ 'Call-ID': 'other' }))),
      statelessTag(secret, parsed(request({ CSeq: '8 INVITE' }))),
      statelessTag(secret, parsed(request({ Via: 'SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK-2' }))),
      statelessTag(new Uint8Array(32), parsed(request())),
    ]
    expect(new Set([tag, ...others]).size).toBe(5)
  })
})

describe('validateRequest', () => {
  it('E06 S-04 the method in CSeq must be the request’s', () => {
    expect(verdict(request({ CSeq: '1 BYE' }))).toBe('400 CSeq Method Mismatch')
    expect(verdict(request({ CSeq: '1 invite' }))).toBe('400 CSeq Method Mismatch')
    const fault = faultOf(request({}, 'NEWMETHOD sip:bob@dht.example.com SIP/2.0'))
    expect(fault).toMatchObject({ status: 501 })
    expect(fault?.headers?.[0]).toEqual(['Allow', expect.stringContaining('INVITE')])
  })

  it('S3261-16.3-01 an unknown method is no fault', () => {
    expect(verdict(request({ CSeq: '1 NEWMETHOD' }, 'NEWMETHOD sip:bob@dht.example.com SIP/2.0'))).toBe('ok')
  })

  it('E14 E15 schemes: unknown ones never, tel: where it can be routed', () => {
    expect(verdict(request({}, 'INVITE mailto:bob@dht.example.com SIP/2.0'))).toBe(
      '416 Unsupported URI Scheme',
    )
    expect(verdict(request({}, 'INVITE tel:+15551234 SIP/2.0'))).toBe('416 Unsupported URI Scheme')
    const tel = parsed(request({}, 'INVITE tel:+15551234 SIP/2.0'))
    expect(validateRequest(tel, { registrar: true, telRouting: true })).toBeUndefined()
    expect(verdict(request({}, 'INVITE sips:bob@dht.example.com SIP/2.0'))).toBe('ok')
  })

  it.each(['z9hG4bK', 'Z9HG4BK'])('E17 a branch that is nothing but the cookie: %s', (branch) => {
    expect(verdict(request({ Via: `SIP/2.0/UDP h;branch=${branch}` }))).toBe('400 Bad Branch')
    expect(verdict(request({ Via: `SIP/2.0/UDP h;branch=${branch}x` }))).toBe('ok')
    expect(verdict(request({ Via: 'SIP/2.0/UDP h' }))).toBe('ok')
  })
})

describe('detached', () => {
  it('is the same text', () => {
    const long = parsed(request({ 'Call-ID': `\xe9${'x'.repeat(100)}` })).callId
    expect(detached(long)).toBe(long)
  })
})

describe('formatDate', () => {
  it.each([
    0, 86_399_999, 951_782_400_000, 951_868_800_000, 1_289_690_940_000, 1_709_164_800_000, 4_102_444_799_999,
    1e13, -1,
  ])('S3261-10.3-16 %d agrees with the calendar of the runtime', (wall) => {
    expect(formatDate(wall)).toBe(new Date(wall).toUTCString())
  })

  it('RFC 3261 s.20.17 example', () => {
    expect(formatDate(Date.UTC(2010, 10, 13, 23, 29, 0))).toBe('Sat, 13 Nov 2010 23:29:00 GMT')
  })
})
