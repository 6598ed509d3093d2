/**
 * Keeps a trunk registered at its other side (RFC 3261 s.10.2): REGISTER with digest, refreshed in time, tried again when it fails.
 * Does no I/O.
 */
import type { Trace } from '../../common/trace.ts'
import type { Millis } from '../../common/time.ts'
import { NEVER } from '../../common/time.ts'
import {
  bracketed,
  buildRequest,
  displayName,
  escapeUser,
  parseUri,
  type SipMessage,
} from '../message/index.ts'
import { isSamePlace, type Credentials } from '../proxy/index.ts'
import type { Hop } from '../transaction/index.ts'
import type { Line } from './line.ts'
import type { TrunkRegistrationWish } from './trunk.ts'

/** RFC 5626 s.4.5: pause after a failure, doubled each time up to the most. */
const RETRY_MS: Millis = 30_000
const RETRY_MS_MAX: Millis = 600_000
/** What was refused for good is asked for again after this time: somebody may have mended it. Judgement. */
const REFUSED_RETRY_MS: Millis = 600_000
/** Part of the granted time after which it is asked for again. Judgement. */
const REFRESH_FRACTION = 0.9
/** Longest interval that a 423 may ask for. */
const EXPIRES_S_MAX = 86_400
/** Challenges answered for one REGISTER: one, and one more when its nonce was too old. */
const TRIES_MAX = 2

/** `registered` is also said while it is refreshed. */
export type TrunkState = 'registering' | 'registered' | 'failed' | 'removed'

export interface RegisterMessage {
  readonly method: 'REGISTER'
  readonly uri: string
  /** The request with this value as its top Via and this Contact. */
  bytes(via: string, contactHostPort: string): Uint8Array
}

export interface RegistrationHost {
  /** Answered by `done`. `first`: the server to ask first, where there are several. */
  register(now: Millis, line: Line, message: RegisterMessage, first: Hop | undefined): void
  hex(bytes: number): string
  readonly trace: Trace
  /** Uniform in [0, 1). */
  jitter(): number
}

export class TrunkRegistration {
  readonly line: Line
  state: TrunkState = 'registering'
  /** When something is to be done. */
  at: Millis = 0
  private readonly host: RegistrationHost
  private readonly wish: TrunkRegistrationWish
  private readonly aor: string
  private readonly callId: string
  private sequence = 0
  private expiresS: number
  private failures = 0
  private tries = 0
  private removing = false
  private credentials: Credentials | undefined = undefined
  /** Who has challenged it last. Each server of a provider may have nonces of its own. */
  private challenger: Hop | undefined = undefined
  /** URI of the Contact that was sent last. */
  private contact = ''

  constructor(host: RegistrationHost, line: Line, wish: TrunkRegistrationWish) {
    this.host = host
    this.line = line
    this.wish = wish
    this.expiresS = wish.expiresS
    this.aor = `sip:${escapeUser(wish.user)}@${bracketed(line.uri.host)}`
    this.callId = `${host.hex(12)}@ringbridge`
  }

  /** Asks for another registration; when leaving, for none. */
  begin(now: Millis): void {
    this.tries = 0
    this.challenger = undefined
    this.credentials = this.line.credentials(this.requestLine())
    this.send(now)
  }

  /** This node leaves: whoever calls shall hear at once that nobody is there. */
  remove(now: Millis): void {
    if (this.removing) return
    this.removing = true
    if (this.state === 'registered') this.begin(now)
    else this.at = NEVER
  }

  /** `undefined`: nobody has answered. */
  done(now: Millis, response: SipMessage | undefined, hop: Hop | undefined): void {
    const status = response?.status ?? 408
    if (response !== undefined && (status === 401 || status === 407) && this.authenticate(now, response, hop))
      return
    if (response !== undefined && status === 423 && this.lengthen(now, response)) return
    if (this.removing) {
      this.state = 'removed'
      this.at = NEVER
    } else if (response !== undefined && status >= 200 && status < 300) this.granted(now, response)
    else this.failed(now, status, response)
  }

  private authenticate(now: Millis, response: SipMessage, hop: Hop | undefined): boolean {
    if (this.tries >= TRIES_MAX) return false
    // RFC 3261 s.22.1: only who has asked before says by asking again that the credentials are wrong.
    const { challenger } = this
    const again = challenger !== undefined && (hop === undefined || isSamePlace(hop, challenger))
    const credentials = this.line.answer(response, this.requestLine(), again ? this.tries : 0)
    if (credentials === undefined) return false
    this.tries++
    this.challenger = hop
    this.credentials = credentials
    this.send(now)
    return true
  }

  /** RFC 3261 s.10.2.8. */
  private lengthen(now: Millis, response: SipMessage): boolean {
    const least = Number.parseInt(response.header('min-expires') ?? '', 10)
    if (this.removing || !(least > this.expiresS) || least > EXPIRES_S_MAX) return false
    this.expiresS = least
    this.begin(now)
    return true
  }

  private granted(now: Millis, response: SipMessage): void {
    const seconds = this.grantedS(response)
    if (this.state !== 'registered' || this.failures > 0)
      this.tell('info', 'trunk_registered', { expiresS: seconds })
    this.state = 'registered'
    this.failures = 0
    this.at = now + 1000 * seconds * REFRESH_FRACTION
  }

  /** RFC 3261 s.10.2.4: of our Contact, else of the whole answer. */
  private grantedS(response: SipMessage): number {
    const contacts = response.contacts()
    const list = contacts.ok && contacts.value !== '*' ? contacts.value : []
    const ours = parseUri(this.contact)
    const ofLine = list.filter(({ uri }) => parseUri(uri)?.user === ours?.user)
    const own = ofLine.filter(({ uri }) => {
      const other = parseUri(uri)
      return other?.host === ours?.host && other?.port === ours?.port
    })
    // Others may have registered the same line. Where ours cannot be told from theirs, since it was rewritten on the way, it may be any of them.
    const granted = own.length > 0 ? own : ofLine
    const asked = response.header('expires') ?? ''
    const texts = granted.length > 0 ? granted.map(({ params }) => params.get('expires') ?? asked) : [asked]
    const seconds = texts.map((text) => Number.parseInt(text, 10)).filter((each) => each > 0)
    return seconds.length > 0 ? Math.min(...seconds, EXPIRES_S_MAX) : this.expiresS
  }

  private failed(now: Millis, status: number, response: SipMessage | undefined): void {
    this.failures++
    this.state = 'failed'
    const lasting = status >= 400 && status < 500 && status !== 408
    const asked = 1000 * (Number.parseInt(response?.header('retry-after') ?? '', 10) || 0)
    const pause = lasting ? REFUSED_RETRY_MS : Math.min(RETRY_MS * 2 ** (this.failures - 1), RETRY_MS_MAX)
    // Half of it at least, so that trunks that fell together do not come back together.
    this.at = now + Math.max(asked, pause * (0.5 + 0.5 * this.host.jitter()))
    this.tell(this.failures === 1 ? 'error' : 'warn', 'trunk_registration_failed', {
      status,
      reason: response?.reasonPhrase ?? 'nobody answers',
      failures: this.failures,
    })
  }

  private tell(level: 'info' | 'warn' | 'error', event: string, more: Record<string, string | number>): void {
    this.host.trace({ level, area: 'sip', event, trunk: this.line.trunk.name, ...more })
  }

  private send(now: Millis): void {
    this.at = NEVER
    const { credentials } = this
    const { uri } = this.requestLine()
    const sequence = ++this.sequence
    const tag = this.host.hex(6)
    const user = escapeUser(this.wish.user)
    const expires = String(this.removing ? 0 : this.expiresS)
    const message: RegisterMessage = {
      method: 'REGISTER',
      uri,
      bytes: (via, hostPort) => {
        this.contact = `sip:${user}@${hostPort}`
        return buildRequest({
          method: 'REGISTER',
          uri,
          headers: [
            ['Via', via],
            ['Max-Forwards', '70'],
            ['From', `<${this.aor}>;tag=${tag}`],
            ['To', `<${this.aor}>`],
            ['Call-ID', this.callId],
            ['CSeq', `${sequence} REGISTER`],
            ['Contact', `<${this.contact}>`],
            ['Expires', expires],
            ...(credentials === undefined
              ? []
              : [[displayName(credentials.header), credentials.value] as const]),
          ],
        })
      },
    }
    this.host.register(now, this.line, message, this.challenger)
  }

  private requestLine(): { readonly method: string; readonly uri: string } {
    const { scheme, host } = this.line.uri
    return { method: 'REGISTER', uri: `${scheme}:${bracketed(host)}` }
  }
}
