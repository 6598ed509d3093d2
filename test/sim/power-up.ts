/**
 * A crowd of phones that get their power back at one node, in virtual time: each registers with digest, repeats what is not answered and
 * comes back when it was told to. The overlay behind the node serves so many Stores a second, in order.
 */
import { Deadlines } from '../../src/common/deadlines.ts'
import { SeededRandom, type Random } from '../../src/common/random.ts'
import type { Millis, Now } from '../../src/common/time.ts'
import { NO_TRACE } from '../../src/common/trace.ts'
import { digestHash } from '../../src/sip/auth/index.ts'
import type { Account, SipAction, SipInput, SipSettings } from '../../src/sip/core/contract.ts'
import { SipCore } from '../../src/sip/core/sip-core.ts'
import { parseMessage, type SipMessage } from '../../src/sip/message/index.ts'
import { DOMAIN, testSettings } from '../support/sip-phones.ts'
import { digestAnswer, requestText } from './phone-text.ts'

const T1: Millis = 500
const T2: Millis = 4_000
const TIMER_F: Millis = 32_000
const PORT = 5060

export interface Powered {
  readonly user: string
  readonly host: string
  callId: string
  sequence: number
  /** Of the REGISTER that waits for its answer. */
  branch: string
  text: string
  sentAt: Millis
  pause: Millis
  firstAt: Millis
  registeredAt: Millis | undefined
  /** Statuses of final answers but challenges. */
  readonly answers: number[]
  readonly retryAfters: number[]
  /** How long an attempt took that ended with 200, from its first REGISTER on. */
  tookMs: Millis
  attemptAt: Millis
}

type Work =
  | { readonly kind: 'register'; readonly phone: Powered }
  | { readonly kind: 'repeat'; readonly phone: Powered; readonly branch: string }
  | { readonly kind: 'stored'; readonly id: number }
  | { readonly kind: 'do'; readonly work: () => void }

export interface PowerUpOptions {
  /** Stores a second. */
  readonly storesPerSecond: number
  readonly sip?: Partial<SipSettings>
}

export class PowerUp {
  readonly core: SipCore
  readonly phones: Powered[] = []
  /** Most Stores that waited at one time. */
  mostWaiting = 0
  now: Now = { ms: 1_000, wall: 1_700_000_000_000 }
  /** Messages to hosts that are none of the crowd's. */
  others: (host: string, message: SipMessage) => void = () => undefined
  private readonly byHost = new Map<string, Powered>()
  private readonly accounts = new Map<string, Account>()
  private readonly work = new Deadlines<Work>()
  private readonly random: Random
  private readonly storeMs: Millis
  private readonly known = new Set<string>()
  private storedUntil: Millis = 0
  private waiting = 0

  constructor(seed: string, { storesPerSecond, sip = {} }: PowerUpOptions) {
    this.random = new SeededRandom(seed)
    this.storeMs = 1000 / storesPerSecond
    const { accounts } = this
    const settings = testSettings('192.0.2.1', { auth: 'digest', ...sip })
    this.core = new SipCore(
      {
        accounts: {
          byUsername: (name) => accounts.get(name),
          byAor: (aor) => accounts.get(aor.slice(0, aor.indexOf('@'))),
        },
        random: this.random.fork('core'),
        trace: NO_TRACE,
      },
      settings,
    )
    this.input({ kind: 'overlayAvailable', available: true })
  }

  account(user: string): void {
    const ha1 = new Map([['MD5' as const, digestHash('MD5', user, DOMAIN, `pw-${user}`)]])
    this.accounts.set(user, { username: user, ha1, aors: [`${user}@${DOMAIN}`], delegates: [] })
  }

  /** `count` phones register for the first time, spread evenly over `withinMs`. Each has an address of its own. */
  crowd(count: number, withinMs: Millis): void {
    const first = this.phones.length
    for (let index = first; index < first + count; index++) {
      const user = `u${String(index).padStart(7, '0')}`
      this.account(user)
      const phone: Powered = {
        user,
        host: `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`,
        callId: '',
        sequence: 0,
        branch: '',
        text: '',
        sentAt: 0,
        pause: 0,
        firstAt: 0,
        registeredAt: undefined,
        answers: [],
        retryAfters: [],
        tookMs: 0,
        attemptAt: 0,
      }
      this.phones.push(phone)
      this.byHost.set(phone.host, phone)
      this.at(this.now.ms + (withinMs * (index - first)) / count, { kind: 'register', phone })
    }
  }

  get unregistered(): number {
    return this.phones.reduce((sum, { registeredAt }) => sum + (registeredAt === undefined ? 1 : 0), 0)
  }

  later(inMs: Millis, work: () => void): void {
    this.at(this.now.ms + inMs, { kind: 'do', work })
  }

  run(ms: Millis): void {
    const end = this.now.ms + ms
    for (;;) {
      const due = Math.min(this.work.next(), this.core.nextDeadline())
      if (due > end) break
      this.setTime(Math.max(due, this.now.ms))
      const next = this.work.pop(this.now.ms)
      if (next === undefined) this.input({ kind: 'timeout' })
      else this.perform(next)
    }
    this.setTime(end)
  }

  /** A datagram of somebody at `host`. */
  send(host: string, text: string): void {
    this.input({ kind: 'datagram', listener: 0, host, port: PORT, bytes: Buffer.from(text, 'latin1') })
  }

  /** REGISTER of a user at `host`, with credentials once a challenge is known. */
  registerText(user: string, host: string, callId: string, cseq: number, challenge?: SipMessage): string {
    const uri = `sip:${DOMAIN}`
    const login = { username: user, password: `pw-${user}`, algorithm: 'MD5', count: 1 } as const
    const answer = challenge === undefined ? undefined : digestAnswer(challenge, 'REGISTER', uri, login)
    return requestText({
      method: 'REGISTER',
      uri,
      via: `SIP/2.0/UDP ${host}:${PORT};branch=z9hG4bK${callId}-${cseq};rport`,
      from: `<sip:${user}@${DOMAIN}>;tag=${callId}`,
      to: `<sip:${user}@${DOMAIN}>`,
      callId,
      cseq,
      routes: [],
      headers: [
        `Contact: <sip:${user}@${host}:${PORT}>`,
        'Expires: 3600',
        ...(answer === undefined ? [] : [answer]),
      ],
    })
  }

  private at(ms: Millis, work: Work): void {
    this.work.set(ms, work)
  }

  private setTime(ms: Millis): void {
    this.now = { ms, wall: this.now.wall + (ms - this.now.ms) }
  }

  private input(input: SipInput): void {
    this.core.step(this.now, input)
    for (const action of this.core.drain()) this.act(action)
  }

  private perform(work: Work): void {
    switch (work.kind) {
      case 'register':
        return this.begin(work.phone)
      case 'repeat':
        return this.repeat(work.phone, work.branch)
      case 'stored':
        this.waiting--
        return this.input({ kind: 'published', id: work.id, outcome: { ok: true } })
      case 'do':
        return work.work()
    }
  }

  private act(action: SipAction): void {
    if (action.kind === 'publish') {
      // What the overlay says already is answered at once, as the adapter does.
      if (this.known.has(action.aor)) {
        this.input({ kind: 'published', id: action.id, outcome: { ok: true } })
        return
      }
      this.known.add(action.aor)
      this.waiting++
      this.mostWaiting = Math.max(this.mostWaiting, this.waiting)
      this.storedUntil = Math.max(this.storedUntil, this.now.ms) + this.storeMs
      this.at(this.storedUntil, { kind: 'stored', id: action.id })
    } else if (action.kind === 'locate') {
      const outcome = { kind: 'found', targets: [], userExists: true, loop: false } as const
      this.input({ kind: 'located', id: action.id, outcome })
    } else if (action.kind === 'sendDatagram') {
      const parsed = parseMessage(action.bytes)
      if (!parsed.ok) throw new Error('the node sends what cannot be read')
      const phone = this.byHost.get(action.host)
      if (phone === undefined) this.others(action.host, parsed.value)
      else this.answered(phone, parsed.value)
    }
  }

  private begin(phone: Powered): void {
    if (phone.firstAt === 0) phone.firstAt = this.now.ms
    phone.attemptAt = this.now.ms
    phone.callId ||= `c-${phone.user}`
    this.transmit(phone, undefined)
  }

  private transmit(phone: Powered, challenge: SipMessage | undefined): void {
    phone.sequence++
    phone.branch = `z9hG4bK${phone.callId}-${phone.sequence}`
    phone.text = this.registerText(phone.user, phone.host, phone.callId, phone.sequence, challenge)
    phone.sentAt = this.now.ms
    phone.pause = T1
    this.at(this.now.ms + T1, { kind: 'repeat', phone, branch: phone.branch })
    this.send(phone.host, phone.text)
  }

  private repeat(phone: Powered, branch: string): void {
    if (phone.branch !== branch) return
    if (this.now.ms - phone.sentAt >= TIMER_F) {
      phone.answers.push(408)
      return this.begin(phone)
    }
    phone.pause = Math.min(T2, 2 * phone.pause)
    this.at(this.now.ms + phone.pause, { kind: 'repeat', phone, branch })
    this.send(phone.host, phone.text)
  }

  private answered(phone: Powered, response: SipMessage): void {
    if (response.isRequest || response.status < 200 || response.topVia.branch !== phone.branch) return
    phone.branch = ''
    if (response.status === 401) return this.transmit(phone, response)
    phone.answers.push(response.status)
    if (response.status === 200) {
      phone.registeredAt = this.now.ms
      phone.tookMs = this.now.ms - phone.attemptAt
      return
    }
    const seconds = Number(response.header('retry-after') ?? '60')
    phone.retryAfters.push(seconds)
    this.at(this.now.ms + 1000 * seconds, { kind: 'register', phone })
  }
}
