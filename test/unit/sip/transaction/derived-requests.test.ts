import { describe, expect, it } from 'vitest'
import { DEFAULT_PARSE_LIMITS, parseMessage } from '../../../../src/sip/message/index.ts'
import { ackOf, cancelOf } from '../../../../src/sip/transaction/derived-requests.ts'

function bytes(startLine: string, extra: readonly string[] = []): Uint8Array {
  const lines = [
    startLine,
    'Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKours',
    'From: <sip:alice@example.com>;tag=a',
    'To: <sip:bob@example.com>',
    'Call-ID: 1',
    'CSeq: 7 INVITE',
    'Max-Forwards: 69',
    'Route: <sip:192.0.2.2;lr>',
    ...extra,
    'Content-Length: 0',
  ]
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`)
}

const { headersMax, viaMax, headBytesMax } = DEFAULT_PARSE_LIMITS

describe('ACK and CANCEL of an INVITE that this node sent on', () => {
  it.each([
    ['headers', Array.from({ length: headersMax }, (_, index) => `X-Filler: ${index}`)],
    [
      'Vias',
      Array.from({ length: viaMax }, (_, index) => `Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK${index}`),
    ],
    ['bytes', [`X-Filler: ${'x'.repeat(headBytesMax)}`]],
  ])(
    'S3261-9-01 S3261-17.1-01 have its Route, URI and number, and are made although our own header lines took it over the limit of %s',
    (_, extra) => {
      const invite = bytes('INVITE sip:bob@192.0.2.3 SIP/2.0', extra)
      expect(parseMessage(invite).ok).toBe(false)
      const response = parseMessage(bytes('SIP/2.0 486 Busy Here'))
      if (!response.ok) throw new Error(response.error.reason)
      for (const [method, made] of [
        ['ACK', ackOf(invite, response.value)],
        ['CANCEL', cancelOf(invite)],
      ] as const) {
        const text = Buffer.from(made).toString()
        expect(text).toMatch(new RegExp(`^${method} sip:bob@192\\.0\\.2\\.3 SIP/2\\.0\\r\\n`))
        expect(text.match(/^Via: .*$/gm)).toEqual(['Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKours'])
        expect(text).toContain(`CSeq: 7 ${method}\r\n`)
        expect(text).toContain('Route: <sip:192.0.2.2;lr>\r\n')
        expect(text).toContain('To: <sip:bob@example.com>\r\n')
        expect(text).toContain('From: <sip:alice@example.com>;tag=a\r\n')
      }
    },
  )
})
