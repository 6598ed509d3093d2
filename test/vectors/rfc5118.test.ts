/** The messages of RFC 5118 as far as a parser is concerned, against sip-requirements s.13. */
import { describe, expect, it } from 'vitest'
import {
  Edit,
  canonicalAddress,
  formatUri,
  parseMessage,
  validateRequest,
  type SipMessage,
} from '../../src/sip/message/index.ts'

const REGISTER = (uri: string): string =>
  `REGISTER ${uri} SIP/2.0\r\nTo: sip:user@example.com\r\nFrom: sip:user@example.com;tag=81x2\r\n` +
  'Via: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111\r\nCall-ID: SSG9559905523997077@hlau_4100\r\nMax-Forwards: 70\r\n' +
  'Contact: "Caller" <sip:caller@[2001:db8::1]>\r\nCSeq: 98176 REGISTER\r\nContent-Length: 0\r\n\r\n'

const OPTIONS = (host: string): string =>
  `OPTIONS sip:user@${host} SIP/2.0\r\nTo: sip:user@${host}\r\nFrom: sip:user@example.com;tag=810x2\r\n` +
  'Via: SIP/2.0/UDP lab1.east.example.com;branch=z9hG4bKas3-111\r\nCall-ID: G9559905523997077@hlau_4100\r\n' +
  'CSeq: 689 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n'

const SDP = [
  'v=0',
  'o=assistant 971731711378798081 0 IN IP6 2001:db8::20',
  "s=Live video feed for today's meeting",
  'c=IN IP6 2001:db8::20',
  't=3338481189 3370017201',
  'm=audio 6000 RTP/AVP 2',
  'a=rtpmap:2 G726-32/8000',
  'm=video 6024 RTP/AVP 107',
  'a=rtpmap:107 H263-1998/90000',
  '',
].join('\r\n')

function accepted(text: string): SipMessage {
  const parsed = parseMessage(Buffer.from(text, 'latin1'))
  if (!parsed.ok) throw new Error(parsed.error.reason)
  expect(validateRequest(parsed.value)).toBeUndefined()
  return parsed.value
}

describe('S-03 RFC 5118 IPv6 messages', () => {
  it('4.1 ipv6-good', () => {
    const message = accepted(REGISTER('sip:[2001:db8::10]'))
    expect(message.uri).toMatchObject({ host: '2001:db8::10', port: undefined })
    expect(message.topVia.host).toBe('2001:db8::9:1')
  })

  it('4.2 ipv6-bad: without brackets it is 400', () => {
    const parsed = parseMessage(Buffer.from(REGISTER('sip:2001:db8::10')))
    expect(parsed.ok && validateRequest(parsed.value)).toMatchObject({
      status: 400,
      reason: 'Bad Request-URI',
    })
  })

  it('4.3 port-ambiguous: the port inside the brackets is part of the address', () => {
    expect(accepted(REGISTER('sip:[2001:db8::10:5070]')).uri).toMatchObject({
      host: '2001:db8::10:5070',
      port: undefined,
    })
  })

  it('4.4 port-unambiguous', () => {
    expect(accepted(REGISTER('sip:[2001:db8::10]:5070')).uri).toMatchObject({
      host: '2001:db8::10',
      port: 5070,
    })
  })

  it.each(['[2001:db8::9:255]', '2001:db8::9:255'])('S5118-4-01 4.5 via-received-param %s', (received) => {
    const message = accepted(
      'BYE sip:[2001:db8::10] SIP/2.0\r\nTo: sip:user@example.com;tag=bd76ya\r\nFrom: sip:user@example.com;tag=81x2\r\n' +
        `Via: SIP/2.0/UDP [2001:db8::9:1];received=${received};branch=z9hG4bKas3-111\r\n` +
        'Call-ID: SSG9559905523997077@hlau_4100\r\nMax-Forwards: 70\r\nCSeq: 321 BYE\r\nContent-Length: 0\r\n\r\n',
    )
    expect(message.topVia).toMatchObject({ received: '2001:db8::9:255', branch: 'z9hG4bKas3-111' })
  })

  it('4.6 and 4.8 ipv6-in-sdp, mult-ip-in-sdp: the body is not touched', () => {
    const message = accepted(
      'INVITE sip:user@[2001:db8::10] SIP/2.0\r\nTo: sip:user@[2001:db8::10]\r\nFrom: sip:user@example.com;tag=81x2\r\n' +
        'Via: SIP/2.0/UDP [2001:db8::20];branch=z9hG4bKas3-111\r\nCall-ID: SSG9559905523997077@hlau_4100\r\n' +
        'Contact: "Caller" <sip:caller@[2001:db8::20]>\r\nCSeq: 8612 INVITE\r\nMax-Forwards: 70\r\n' +
        `Content-Type: application/sdp\r\nContent-Length: ${SDP.length}\r\n\r\n${SDP}`,
    )
    const edit = new Edit(message)
    edit.decrementMaxForwards()
    expect(Buffer.from(edit.toBytes()).toString('latin1').endsWith(`\r\n\r\n${SDP}`)).toBe(true)
  })

  it('4.7 mult-ip-in-header: the mix of Vias is kept', () => {
    const message = accepted(
      'BYE sip:user@host.example.net SIP/2.0\r\nVia: SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bKas3-111\r\n' +
        'Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKjhja8781hjuaij65144\r\n' +
        'Via: SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bK451jj;received=192.0.2.200\r\nCall-ID: 997077@lau_4100\r\n' +
        'Max-Forwards: 70\r\nCSeq: 89187 BYE\r\nTo: sip:user@example.net;tag=9817--94\r\n' +
        'From: sip:user@example.com;tag=81x2\r\nContent-Length: 0\r\n\r\n',
    )
    expect(message.vias().map((via) => [via.host, via.port, via.received])).toEqual([
      ['2001:db8::9:1', 6050, undefined],
      ['192.0.2.1', undefined, undefined],
      ['2001:db8::9:255', undefined, '192.0.2.200'],
    ])
  })

  it('4.9 ipv4-mapped-ipv6', () => {
    const message = accepted(
      'INVITE sip:user@example.com SIP/2.0\r\nTo: sip:user@example.com\r\nFrom: sip:user@east.example.com;tag=81x2\r\n' +
        'Via: SIP/2.0/UDP [::ffff:192.0.2.10]:19823;branch=z9hG4bKbh19\r\n' +
        'Via: SIP/2.0/UDP [::ffff:192.0.2.2];branch=z9hG4bKas3-111\r\nCall-ID: SSG9559905523997077@hlau_4100\r\n' +
        'Contact: "T. desk phone" <sip:ted@[::ffff:192.0.2.2]>\r\nCSeq: 612 INVITE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n',
    )
    expect(message.topVia).toMatchObject({ host: '::ffff:192.0.2.10', port: 19823 })
    expect(canonicalAddress(message.topVia.host)).toBe('192.0.2.10')
  })

  it.each(['[2001:db8:::192.0.2.1]', '[2001:db8::192.0.2.1]'])('S5118-4-02 4.10 %s', (host) => {
    const { uri } = accepted(OPTIONS(host))
    expect(uri?.host).toBe('2001:db8::192.0.2.1')
    expect(uri && formatUri(uri)).toBe('sip:user@[2001:db8::192.0.2.1]')
  })
})
