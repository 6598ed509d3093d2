/** Well-formed messages for tests to bend. */
import {
  parseMessage,
  validateRequest,
  type ParseFault,
  type SipMessage,
} from '../../../../src/sip/message/index.ts'

export function bytes(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}

export function text(message: Uint8Array): string {
  return Buffer.from(message).toString('latin1')
}

/** Header lines by name; undefined leaves one out, several values make several lines. */
export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

const DEFAULTS: Headers = {
  Via: 'SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK-1;rport',
  'Max-Forwards': '70',
  From: '"Alice" <sip:alice@dht.example.com>;tag=a1',
  To: '<sip:bob@dht.example.com>',
  'Call-ID': 'c1@192.0.2.1',
  CSeq: '7 INVITE',
  'Content-Length': '0',
}

/** A request with these headers changed. */
export function request(
  headers: Headers = {},
  startLine = 'INVITE sip:bob@dht.example.com SIP/2.0',
  body = '',
): Buffer {
  let head = `${startLine}\r\n`
  for (const [name, value] of Object.entries({ ...DEFAULTS, ...headers })) {
    if (value === undefined) continue
    for (const one of typeof value === 'string' ? [value] : value) head += `${name}: ${one}\r\n`
  }
  return bytes(`${head}\r\n${body}`)
}

export function response(headers: Headers = {}, startLine = 'SIP/2.0 200 OK'): Buffer {
  return request(headers, startLine)
}

export function parsed(message: Uint8Array): SipMessage {
  const result = parseMessage(message)
  if (!result.ok) throw new Error(result.error.reason)
  return result.value
}

/** What `parseMessage`, then `validateRequest`, say against a message; undefined when nothing. */
export function faultOf(message: Uint8Array): ParseFault | undefined {
  const result = parseMessage(message)
  if (!result.ok) return result.error
  return result.value.isRequest ? validateRequest(result.value) : undefined
}

/** `400 Bad To`, `drop`, or `ok`; `+close` when a stream must be closed. */
export function verdict(message: Uint8Array): string {
  const fault = faultOf(message)
  if (fault === undefined) return 'ok'
  return `${fault.status === undefined ? 'drop' : `${fault.status} ${fault.reason}`}${fault.close ? ' +close' : ''}`
}
