/** Messages of a simulated phone as text, and its answers to digest challenges. */
import { createHash } from 'node:crypto'
import type { SipMessage } from '../../src/sip/message/index.ts'

export interface RequestText {
  readonly method: string
  readonly uri: string
  readonly via: string
  readonly from: string
  readonly to: string
  readonly callId: string
  readonly cseq: number
  readonly routes: readonly string[]
  readonly headers: readonly string[]
}

export function requestText(request: RequestText): string {
  return [
    `${request.method} ${request.uri} SIP/2.0`,
    `Via: ${request.via}`,
    ...request.routes.map((route) => `Route: ${route}`),
    'Max-Forwards: 70',
    `From: ${request.from}`,
    `To: ${request.to}`,
    `Call-ID: ${request.callId}`,
    `CSeq: ${request.cseq} ${request.method}`,
    ...request.headers,
    'Content-Length: 0\r\n\r\n',
  ].join('\r\n')
}

export function responseText(
  request: SipMessage,
  status: number,
  tag: string,
  headers: readonly string[] = [],
): string {
  const to = request.header('to') ?? ''
  return [
    `SIP/2.0 ${status} ${status === 200 ? 'OK' : 'Answer'}`,
    ...request.headers('via').map((via) => `Via: ${via}`),
    ...request.headers('record-route').map((route) => `Record-Route: ${route}`),
    `From: ${request.header('from') ?? ''}`,
    `To: ${to}${request.to.params.has('tag') ? '' : `;tag=${tag}`}`,
    `Call-ID: ${request.callId}`,
    `CSeq: ${request.header('cseq') ?? ''}`,
    ...headers,
    'Content-Length: 0\r\n\r\n',
  ].join('\r\n')
}

export interface DigestLogin {
  readonly username: string
  readonly password: string
  readonly algorithm: 'MD5' | 'SHA-256'
  /** Requests made with this nonce so far. */
  readonly count: number
}

/** The header that answers a 401 or 407; undefined when it offers nothing that this phone can do. */
export function digestAnswer(
  challenge: SipMessage,
  method: string,
  uri: string,
  login: DigestLogin,
): string | undefined {
  const proxy = challenge.status === 407
  const offers = challenge.headers(proxy ? 'proxy-authenticate' : 'www-authenticate')
  const offer = offers.find((text) => text.includes(`algorithm=${login.algorithm},`))
  if (offer === undefined) return undefined
  const realm = quoted(offer, 'realm')
  const nonce = quoted(offer, 'nonce')
  const hash = (text: string): string =>
    createHash(login.algorithm === 'MD5' ? 'md5' : 'sha256')
      .update(text)
      .digest('hex')
  const ha1 = hash(`${login.username}:${realm}:${login.password}`)
  const nc = login.count.toString(16).padStart(8, '0')
  const response = hash(`${ha1}:${nonce}:${nc}:c0ffee:auth:${hash(`${method}:${uri}`)}`)
  return (
    `${proxy ? 'Proxy-Authorization' : 'Authorization'}: Digest username="${login.username}", realm="${realm}", ` +
    `nonce="${nonce}", uri="${uri}", response="${response}", algorithm=${login.algorithm}, ` +
    `qop=auth, nc=${nc}, cnonce="c0ffee"`
  )
}

function quoted(text: string, name: string): string {
  const at = text.indexOf(`${name}="`)
  if (at < 0) return ''
  const start = at + name.length + 2
  return text.slice(start, text.indexOf('"', start))
}
