import { describe, expect, it } from 'vitest'
import { capture } from '../../../src/trace/capture.ts'

function bytes(...lines: string[]): Uint8Array {
  return new TextEncoder().encode(lines.join('\r\n'))
}

function shown(message: Uint8Array): string {
  return new TextDecoder().decode(capture(message)?.bytes)
}

const INVITE = [
  'INVITE sip:bob@dht.example.com SIP/2.0',
  'Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKabc;rport',
  'From: "Alice" <sip:alice@dht.example.com>;tag=1',
  'To: <sip:bob@dht.example.com>',
  'Call-ID: 1234@10.0.0.5',
  'CSeq: 1 INVITE',
]

describe('capture', () => {
  it('keeps Call-ID, method, status and length; what is shown parses as the same message', () => {
    const message = bytes(...INVITE, 'Content-Length: 0', '', '')
    expect(capture(message)).toMatchObject({
      callId: '1234@10.0.0.5',
      method: 'INVITE',
      status: 0,
      omitted: 0,
    })
    expect(shown(message)).toBe(new TextDecoder().decode(message))
    const response = bytes(
      'SIP/2.0 486 Busy Here',
      'v: SIP/2.0/UDP x',
      'i:   ab ',
      'CSeq: 7 INVITE',
      'l: 0',
      '',
      '',
    )
    expect(capture(response)).toMatchObject({ callId: 'ab', method: 'INVITE', status: 486 })
  })

  it('S-81 covers credentials, proofs, passwords in URIs, push tokens, routing tokens and headers that nobody knows', () => {
    const message = bytes(
      'INVITE sip:bob:hunter2@dht.example.com;pn-prid=PUSH1?X=HDR1 SIP/2.0',
      ...INVITE.slice(1),
      'Authorization: Digest username="alice", response="RESP1"',
      'proxy-authorization : Digest username="alice",',
      ' response="RESP2"',
      'Authentication-Info: rspauth="RESP3"',
      'Route: <sip:TOKEN1@10.0.0.1;lr>, <sip:10.0.0.2;lr>',
      'Record-Route: <sip:TOKEN2@10.0.0.1;lr>',
      'Contact: <sip:alice:PASS1@10.0.0.5:5060;pn-provider=apns;PN-PRID=PUSH2;pn-param=PUSH3;token=TOKEN3>',
      'm: sip:TOKENLESS@10.0.0.5;password=PASS2',
      'X-Api-Key: SECRET1',
      'Authorization: response="RESP4", Digest username=x',
      'Refer-To: <sip:carol@x?Authorization=SECRET2>',
      'broken line SECRET3',
      'Identity: SECRET4',
      'Content-Type: application/sdp',
      '',
      'v=0',
      'k=clear:KEY1',
      'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:KEY2',
      'a=ice-pwd:KEY3',
      'a=rtpmap:0 PCMU/8000',
      '',
    )
    const text = shown(message)
    expect(text.length).toBe(message.length)
    expect(text).not.toMatch(/hunter2|PUSH\d|HDR1|RESP\d|TOKEN\d|PASS\d|SECRET\d|KEY\d/)
    expect(text).toContain('INVITE sip:bob:*******@dht.example.com;pn-prid=*****?****** SIP/2.0')
    expect(text).toContain('Authorization: Digest ***')
    expect(text).toContain('Route: <sip:******@10.0.0.1;lr>, <sip:10.0.0.2;lr>')
    expect(text).toContain('pn-provider=apns')
    expect(text).toContain('X-Api-Key: *******')
    expect(text).toContain('sip:TOKENLESS@10.0.0.5')
    expect(text).toContain('a=rtpmap:0 PCMU/8000')
    expect(text).toContain('a=crypto:***')
  })

  it('never touches the message itself, be it a Buffer or a part of one', () => {
    const text =
      'INVITE sip:a:b@c SIP/2.0\r\nRoute: <sip:TOKEN@10.0.0.1;lr>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n\r\n'
    const message = Buffer.from(`..${text}`).subarray(2)
    expect(shown(message)).not.toContain('TOKEN')
    expect(message.toString()).toBe(text)
  })

  it('leaves out what people write to each other, and says how much of it', () => {
    const message = bytes(
      'MESSAGE sip:bob@x SIP/2.0',
      ...INVITE.slice(1, 5),
      'CSeq: 1 MESSAGE',
      'Content-Type: text/plain',
      '',
      'see you at nine',
    )
    const captured = capture(message)
    expect(captured?.omitted).toBe('see you at nine'.length)
    expect(shown(message)).not.toContain('nine')
    expect((captured?.bytes.length ?? 0) + (captured?.omitted ?? 0)).toBe(message.length)
  })

  it('S-10 takes no message without Call-ID or with an endless one, no keep-alive and no STUN', () => {
    expect(capture(bytes(...INVITE.slice(0, 4), 'CSeq: 1 INVITE', '', ''))).toBeUndefined()
    expect(capture(bytes(...INVITE.slice(0, 4), `Call-ID: ${'x'.repeat(300)}`, '', ''))).toBeUndefined()
    expect(capture(bytes('', ''))).toBeUndefined()
    expect(capture(new Uint8Array(0))).toBeUndefined()
    expect(capture(Uint8Array.of(0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, ...new Uint8Array(12)))).toBeUndefined()
    const large = capture(bytes(...INVITE, `User-Agent: ${'x'.repeat(20_000)}`, '', ''))
    expect(large?.bytes.length).toBeLessThan(17_000)
    expect(large?.omitted).toBeGreaterThan(3_000)
  })
})
