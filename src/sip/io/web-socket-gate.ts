/**
 * Who may open a WebSocket (RFC 7118 s.7): the pages that scripts may come from, and the ticket that the web application gave its
 * user. Whatever is decided here, digest still decides who registers and calls.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'

export interface WebSocketGateInit {
  /** Allowed values of Origin; empty: any, and none at all. */
  readonly origins: readonly string[]
  /** Name of the session cookie and the secret that its value is signed with; undefined: nobody is asked for a ticket. */
  readonly ticket: { readonly cookie: string; readonly secret: string } | undefined
}

/** What is looked at of a handshake. */
export interface Handshake {
  readonly origin: string | undefined
  readonly cookie: string | undefined
  readonly authorization: string | undefined
}

export interface HandshakeRefusal {
  readonly status: 401 | 403
  readonly headers: readonly string[]
}

/** Longest ticket read. */
const TICKET_CHARS_MAX = 1024
const CHALLENGE = 'WWW-Authenticate: Basic realm="sip"'

export class WebSocketGate {
  private readonly init: WebSocketGateInit

  constructor(init: WebSocketGateInit = { origins: [], ticket: undefined }) {
    this.init = init
  }

  /** Undefined when the handshake may go on. `wallMs`: milliseconds since 1970. */
  refusal(handshake: Handshake, wallMs: number): HandshakeRefusal | undefined {
    const { origins, ticket } = this.init
    if (origins.length > 0 && !origins.includes(handshake.origin ?? '')) return { status: 403, headers: [] }
    if (ticket === undefined) return undefined
    const shown = [cookieValue(handshake.cookie, ticket.cookie), basicPassword(handshake.authorization)]
    if (shown.some((text) => text !== undefined && isTicket(text, ticket.secret, wallMs))) return undefined
    return { status: 401, headers: [CHALLENGE] }
  }
}

/**
 * `TEXT.EXPIRES.MAC`: any text without a dot, seconds since 1970, and base64url(HMAC-SHA256(secret, "TEXT.EXPIRES")). What the text
 * says is the web application's business.
 */
function isTicket(text: string, secret: string, wallMs: number): boolean {
  if (text.length > TICKET_CHARS_MAX) return false
  const [who, expires, mac, ...rest] = text.split('.')
  if (who === undefined || expires === undefined || mac === undefined || rest.length > 0) return false
  if (!/^\d{1,12}$/.test(expires) || Number(expires) * 1000 <= wallMs) return false
  const right = createHmac('sha256', secret).update(`${who}.${expires}`).digest()
  const shown = Buffer.from(mac, 'base64url')
  return shown.length === right.length && timingSafeEqual(shown, right)
}

function cookieValue(header: string | undefined, name: string): string | undefined {
  for (const pair of header?.split(';') ?? []) {
    const equals = pair.indexOf('=')
    if (equals > 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim()
  }
  return undefined
}

function basicPassword(header: string | undefined): string | undefined {
  if (header === undefined || !/^basic /i.test(header)) return undefined
  const text = Buffer.from(header.slice('basic '.length), 'base64').toString('latin1')
  const colon = text.indexOf(':')
  return colon < 0 ? undefined : text.slice(colon + 1)
}
