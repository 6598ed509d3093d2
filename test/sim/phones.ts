/**
 * Phones as they are sold: SIP UAs with digest, retransmissions, one registrar that is also their outbound proxy. They know
 * nothing of overlays. Written apart from src/sip but for its parser, so that both sides of a test are not the same code.
 */
import type { Millis } from '../../src/common/time.ts'
import { parseMessage, parseUri, type SipMessage } from '../../src/sip/message/index.ts'
import { StreamFramer } from '../../src/sip/transport/index.ts'
import type { Endpoint, Lan, LanStream } from './lan.ts'
import { digestAnswer, requestText, responseText, type RequestText } from './phone-text.ts'
import type { World } from '../../src/sim/world.ts'

const T1: Millis = 500
const T2: Millis = 4_000
/** Timers B, F and H. */
const GIVE_UP: Millis = 32_000

export interface PhoneInit {
  readonly transport?: 'udp' | 'tcp'
  readonly password?: string
  readonly algorithm?: 'MD5' | 'SHA-256'
  /** Who logs in, when not the user himself. */
  readonly username?: string
  /** The address that the phone believes to be its own; a NAT in front of it has another. */
  readonly shownHost?: string
}

/** What the phone does about an INVITE. */
export type Manner =
  | { readonly kind: 'answer'; readonly afterMs: Millis }
  | { readonly kind: 'ring' }
  | { readonly kind: 'refuse'; readonly status: number }
  /** Battery empty: nothing at all. */
  | { readonly kind: 'silent' }

/** A request of this phone, through challenges and redirections, until its final response. */
export class Exchange {
  readonly method: string
  readonly callId: string
  /** Statuses of responses in order, challenges and redirections included; 100 too. */
  readonly statuses: number[] = []
  final: SipMessage | undefined = undefined
  /** No final response came in 32 s. */
  timedOut = false
  request: RequestText
  to: Target
  /** Of the transmission that waits for an answer. */
  branch = ''
  readonly headers: readonly string[]
  readonly began: Millis
  endedAt: Millis | undefined = undefined
  dialog: Dialog | undefined = undefined
  cancelled = false
  logins = 0

  constructor(method: string, request: RequestText, to: Target, began: Millis) {
    this.method = method
    this.request = request
    this.headers = request.headers
    this.callId = request.callId
    this.to = to
    this.began = began
  }

  get done(): boolean {
    return this.final !== undefined || this.timedOut
  }

  /** 0 while there is none, 408 when nobody answered. */
  get status(): number {
    return this.final?.status ?? (this.timedOut ? 408 : 0)
  }

  get tookMs(): Millis {
    return (this.endedAt ?? Number.POSITIVE_INFINITY) - this.began
  }
}

/** Where a request is sent first. */
interface Target extends Endpoint {
  readonly transport: 'udp' | 'tcp'
}

export class Dialog {
  readonly callId: string
  /** Whole From and To of requests that this phone sends. */
  readonly local: string
  readonly remote: string
  readonly target: string
  readonly routes: readonly string[]
  cseq: number
  /** The ACK of the 2xx is there (for the called side). */
  confirmed = false
  ended = false

  constructor(init: {
    callId: string
    local: string
    remote: string
    target: string
    routes: readonly string[]
    cseq: number
  }) {
    this.callId = init.callId
    this.local = init.local
    this.remote = init.remote
    this.target = init.target
    this.routes = init.routes
    this.cseq = init.cseq
  }
}

/** An INVITE that came in. */
export interface Ringing {
  readonly invite: SipMessage
  dialog: Dialog | undefined
  cancelled: boolean
  status: number
  acked: boolean
}

interface Answered {
  text: string
  /** Where the request came from, and came from last when it was repeated. */
  reply: (text: string) => void
}

export class SimPhone {
  readonly user: string
  readonly aor: string
  readonly host: string
  manner: Manner = { kind: 'answer', afterMs: 200 }
  /** INVITEs that reached this phone, retransmissions not counted. */
  readonly rung: Ringing[] = []
  /** Requests that reached this phone by method, retransmissions not counted. */
  readonly requests: SipMessage[] = []
  off = false
  private readonly world: World
  private readonly lan: Lan
  private readonly domain: string
  private readonly proxy: Target
  private readonly init: PhoneInit
  private readonly clients = new Map<string, { readonly exchange: Exchange; readonly request: RequestText }>()
  private readonly servers = new Map<string, Answered>()
  private readonly dialogs: Dialog[] = []
  private readonly streams = new Map<string, LanStream | 'opening'>()
  private readonly waiting = new Map<string, string[]>()
  private counter = 0
  private registerCseq = 0
  private readonly registerCallIds = new Map<string, string>()

  constructor(
    world: World,
    lan: Lan,
    init: PhoneInit & {
      readonly user: string
      readonly domain: string
      readonly host: string
      readonly proxy: string
    },
  ) {
    this.world = world
    this.lan = lan
    this.init = init
    this.user = init.user
    this.domain = init.domain
    this.aor = `${init.user}@${init.domain}`
    this.host = init.host
    this.proxy = { host: init.proxy, port: 5060, transport: init.transport ?? 'udp' }
    lan.bind({ host: this.host, port: 5060 }, (from, bytes) => {
      const parsed = parseMessage(bytes)
      if (!parsed.ok) throw new Error(`${this.user} was sent something unreadable: ${parsed.error.reason}`)
      this.take(parsed.value, (text) => this.lan.datagram(this.self, from, latin1(text)))
    })
  }

  get contact(): string {
    return `<sip:${this.user}@${this.shownHost}:5060${this.proxy.transport === 'tcp' ? ';transport=tcp' : ''}>`
  }

  private get shownHost(): string {
    return this.init.shownHost ?? this.host
  }

  private get self(): Endpoint {
    return { host: this.host, port: 5060 }
  }

  register(
    init: {
      expiresS?: number
      contact?: string
      aor?: string
      from?: string
      /** Another registrar than the outbound proxy, by its address. */
      registrar?: string
    } = {},
  ): Exchange {
    const { registrar = this.proxy.host } = init
    const callId = this.registerCallIds.get(registrar) ?? this.unique('reg')
    this.registerCallIds.set(registrar, callId)
    const address = `<sip:${init.aor ?? this.aor}>`
    const request: RequestText = {
      method: 'REGISTER',
      uri: `sip:${this.domain}`,
      via: '',
      from: `<sip:${init.from ?? this.aor}>;tag=${this.unique('f')}`,
      to: address,
      callId,
      cseq: ++this.registerCseq,
      routes: [],
      headers: [`Contact: ${init.contact ?? this.contact}`, `Expires: ${init.expiresS ?? 3600}`],
    }
    return this.begin(
      new Exchange('REGISTER', request, { ...this.proxy, host: registrar }, this.world.now.ms),
    )
  }

  /** Ends all registrations of this user at this node. */
  unregisterAll(): Exchange {
    return this.register({ expiresS: 0, contact: '*' })
  }

  call(aor: string): Exchange {
    return this.outside('INVITE', `sip:${aor}`, [`Contact: ${this.contact}`])
  }

  message(aor: string): Exchange {
    return this.outside('MESSAGE', `sip:${aor}`, [])
  }

  /** Gives up a call that rings. */
  cancel(call: Exchange): void {
    call.cancelled = true
    const request = { ...call.request, method: 'CANCEL', headers: [] }
    const exchange = new Exchange('CANCEL', request, call.to, this.world.now.ms)
    exchange.branch = call.branch
    this.clients.set(`${call.branch} CANCEL`, { exchange, request })
    this.transmit(exchange, requestText(request), T1)
  }

  bye(dialog: Dialog): Exchange {
    dialog.ended = true
    return this.inDialog('BYE', dialog)
  }

  inDialog(method: string, dialog: Dialog): Exchange {
    const { target, local, remote, callId, routes } = dialog
    const request: RequestText = {
      method,
      uri: target,
      via: '',
      from: local,
      to: remote,
      callId,
      cseq: ++dialog.cseq,
      routes,
      headers: method === 'INVITE' ? [`Contact: ${this.contact}`] : [],
    }
    return this.begin(new Exchange(method, request, this.firstHop(routes), this.world.now.ms))
  }

  /** With all that have answered this call of it, also those that answered at the same time. */
  dialogsOf({ callId }: Exchange): readonly Dialog[] {
    return this.dialogs.filter((dialog) => dialog.callId === callId)
  }

  /** Power off: what comes in goes nowhere; streams break. */
  unplug(): void {
    this.off = true
    this.lan.remove(this.host)
  }

  /** The router in front of it starts anew: its connections are gone, and what was under way on them. */
  drop(): void {
    for (const stream of this.streams.values()) if (stream !== 'opening') stream.close()
    this.streams.clear()
  }

  private outside(method: string, uri: string, headers: readonly string[]): Exchange {
    const request: RequestText = {
      method,
      uri,
      via: '',
      from: `<sip:${this.aor}>;tag=${this.unique('f')}`,
      to: `<${uri}>`,
      callId: this.unique('call'),
      cseq: 1,
      routes: [],
      headers,
    }
    return this.begin(new Exchange(method, request, this.proxy, this.world.now.ms))
  }

  private begin(exchange: Exchange): Exchange {
    const branch = `z9hG4bK${this.unique('b')}`
    exchange.branch = branch
    exchange.request = { ...exchange.request, via: this.via(branch, exchange.to) }
    this.clients.set(`${branch} ${exchange.method}`, { exchange, request: exchange.request })
    this.transmit(exchange, requestText(exchange.request), T1)
    this.world.after(GIVE_UP, () => {
      if (exchange.done || exchange.branch !== branch) return
      if (exchange.method === 'INVITE' && exchange.statuses.some((status) => status < 200)) return
      exchange.timedOut = true
      exchange.endedAt = this.world.now.ms
      this.clients.delete(`${branch} ${exchange.method}`)
    })
    return exchange
  }

  private via(branch: string, to: Target): string {
    return `SIP/2.0/${to.transport.toUpperCase()} ${this.shownHost}:5060;branch=${branch};rport`
  }

  /** Sends, and again until something answers (timers A and E), over UDP. */
  private transmit(exchange: Exchange, text: string, interval: Millis): void {
    if (this.off) return
    this.send(exchange.to, text)
    if (exchange.to.transport !== 'udp') return
    const { branch } = exchange
    const invite = exchange.method === 'INVITE'
    const seen = exchange.statuses.length
    this.world.after(interval, () => {
      if (exchange.done || exchange.branch !== branch) return
      if (invite && exchange.statuses.length > seen) return
      if (this.world.now.ms - exchange.began > 10 * GIVE_UP) return
      this.transmit(exchange, text, invite ? 2 * interval : Math.min(2 * interval, T2))
    })
  }

  private send(to: Target, text: string): void {
    const bytes = latin1(text)
    if (to.transport === 'udp') return this.lan.datagram(this.self, to, bytes)
    const name = `${to.host}:${to.port}`
    const stream = this.streams.get(name)
    if (stream !== undefined && stream !== 'opening') return stream.send(bytes)
    const queue = this.waiting.get(name)
    if (queue !== undefined) {
      queue.push(text)
      return
    }
    this.waiting.set(name, [text])
    this.lan.connect(this.host, to, (opened) => this.connected(name, opened))
  }

  private connected(name: string, stream: LanStream | undefined): void {
    const queue = this.waiting.get(name) ?? []
    this.waiting.delete(name)
    if (stream === undefined) return
    this.streams.set(name, stream)
    const framer = new StreamFramer()
    stream.onData = (bytes) => {
      for (const output of framer.push(bytes, this.world.now.ms)) {
        if (output.kind === 'fault') throw new Error(`${this.user}: ${output.fault.reason}`)
        if (output.kind === 'message') this.take(output.message, (text) => stream.send(latin1(text)))
      }
    }
    stream.onClose = () => {
      if (this.streams.get(name) === stream) this.streams.delete(name)
    }
    for (const text of queue) stream.send(latin1(text))
  }

  private take(message: SipMessage, reply: (text: string) => void): void {
    if (this.off) return
    if (message.isRequest) this.request(message, reply)
    else this.response(message)
  }

  // Client side

  private response(response: SipMessage): void {
    const client = this.clients.get(`${response.topVia.branch ?? ''} ${response.cseq.method}`)
    if (client === undefined) return
    const { exchange, request } = client
    const { status } = response
    if (exchange.final !== undefined || exchange.request.via !== request.via) {
      // A repeated final response of this transaction or of one before the challenge: its ACK was lost.
      if (exchange.method === 'INVITE' && status >= 200) this.acknowledge(exchange, request, response)
      return
    }
    exchange.statuses.push(status)
    if (status < 200) return
    if (exchange.method === 'INVITE') this.acknowledge(exchange, request, response)
    if ((status === 401 || status === 407) && exchange.logins < 2 && this.login(exchange, response)) return
    if (status === 302 && exchange.method === 'INVITE' && this.follow(exchange, response)) return
    exchange.final = response
    exchange.endedAt = this.world.now.ms
  }

  private login(exchange: Exchange, challenge: SipMessage): boolean {
    const { method, request } = exchange
    const header = digestAnswer(challenge, method, request.uri, {
      username: this.init.username ?? this.user,
      password: this.init.password ?? `pw-${this.init.username ?? this.user}`,
      algorithm: this.init.algorithm ?? 'SHA-256',
      count: 1,
    })
    if (header === undefined) return false
    exchange.logins++
    const cseq = method === 'REGISTER' ? ++this.registerCseq : request.cseq + 1
    exchange.request = { ...request, cseq, headers: [...exchange.headers, header] }
    this.begin(exchange)
    return true
  }

  /** RFC 3261 s.8.1.3.4: the first Contact becomes the Request-URI, its maddr the place to send to. */
  private follow(exchange: Exchange, response: SipMessage): boolean {
    const contacts = response.contacts()
    const first = contacts.ok && contacts.value !== '*' ? contacts.value[0] : undefined
    const uri = first === undefined ? undefined : parseUri(first.uri)
    if (first === undefined || uri === undefined) return false
    exchange.logins = 0
    exchange.to = {
      host: uri.params.get('maddr') ?? uri.host,
      port: uri.port ?? 5060,
      transport: uri.params.get('transport') === 'tcp' ? 'tcp' : 'udp',
    }
    const { request } = exchange
    exchange.request = { ...request, uri: first.uri, cseq: request.cseq + 1, headers: exchange.headers }
    this.begin(exchange)
    return true
  }

  private acknowledge(exchange: Exchange, request: RequestText, response: SipMessage): void {
    const to = response.header('to') ?? request.to
    if (response.status >= 300) {
      const { via } = request
      const text = requestText({ ...request, method: 'ACK', via, to, headers: [] })
      return this.send(exchange.to, text)
    }
    const dialog = this.dialogOf(exchange, response)
    exchange.dialog ??= dialog
    const first = this.firstHop(dialog.routes)
    const via = this.via(`z9hG4bK${this.unique('ack')}`, first)
    const { target: uri, routes } = dialog
    this.send(first, requestText({ ...request, method: 'ACK', uri, via, to, routes, headers: [] }))
  }

  private dialogOf(exchange: Exchange, response: SipMessage): Dialog {
    const remote = response.header('to') ?? ''
    const known = this.dialogs.find((dialog) => dialog.callId === exchange.callId && dialog.remote === remote)
    if (known !== undefined) return known
    const dialog = new Dialog({
      callId: exchange.callId,
      local: exchange.request.from,
      remote,
      target: contactOf(response),
      routes: response.values('record-route').reverse(),
      cseq: exchange.request.cseq,
    })
    this.dialogs.push(dialog)
    return dialog
  }

  private firstHop(routes: readonly string[]): Target {
    const text = routes[0] ?? ''
    const uri = parseUri(text.slice(text.indexOf('<') + 1, text.indexOf('>')))
    if (uri === undefined) return this.proxy
    return {
      host: uri.params.get('maddr') ?? uri.host,
      port: uri.port ?? 5060,
      transport: uri.params.get('transport') === 'tcp' ? 'tcp' : 'udp',
    }
  }

  // Server side

  private request(request: SipMessage, reply: (text: string) => void): void {
    const branch = request.topVia.branch ?? ''
    if (request.method === 'ACK') return this.ack(request)
    const known = this.servers.get(`${branch} ${request.method}`)
    if (known !== undefined) {
      known.reply = reply
      return reply(known.text)
    }
    this.requests.push(request)
    if (this.manner.kind === 'silent') return
    if (request.method === 'INVITE') return this.invited(request, reply)
    const status = request.method === 'CANCEL' ? this.cancelled(branch) : this.inside(request)
    this.respond(request, status, reply, [])
  }

  private invited(invite: SipMessage, reply: (text: string) => void): void {
    const ringing: Ringing = { invite, dialog: undefined, cancelled: false, status: 0, acked: false }
    const { manner } = this
    this.rung.push(ringing)
    if (manner.kind === 'refuse') return this.finish(ringing, manner.status, reply)
    ringing.status = 180
    this.respond(invite, 180, reply, [`Contact: ${this.contact}`])
    if (manner.kind !== 'answer') return
    this.world.after(manner.afterMs, () => {
      if (ringing.status === 180 && !this.off) this.answer(ringing, reply)
    })
  }

  private answer(ringing: Ringing, reply: (text: string) => void): void {
    const { invite } = ringing
    const server = this.servers.get(`${invite.topVia.branch ?? ''} INVITE`)
    ringing.dialog = new Dialog({
      callId: invite.callId,
      local: `${invite.header('to') ?? ''};tag=${this.tag(invite)}`,
      remote: invite.header('from') ?? '',
      target: contactOf(invite),
      routes: invite.values('record-route'),
      cseq: 1,
    })
    this.dialogs.push(ringing.dialog)
    this.finish(ringing, 200, server?.reply ?? reply)
  }

  /** Final responses to INVITE are sent until the ACK is there (RFC 3261 s.13.3.1.4, timer G). */
  private finish(ringing: Ringing, status: number, reply: (text: string) => void): void {
    ringing.status = status
    const headers = status === 200 ? [`Contact: ${this.contact}`] : []
    const text = this.respond(ringing.invite, status, reply, headers)
    const began = this.world.now.ms
    const again = (interval: Millis): void => {
      this.world.after(interval, () => {
        if (ringing.acked || this.off || this.world.now.ms - began > GIVE_UP) return
        reply(text)
        again(Math.min(2 * interval, T2))
      })
    }
    again(T1)
  }

  private ack(request: SipMessage): void {
    for (const ringing of this.rung) {
      const { invite, dialog } = ringing
      if (invite.callId !== request.callId || invite.cseq.number !== request.cseq.number) continue
      if (ringing.status >= 300 && request.topVia.branch !== invite.topVia.branch) continue
      if (ringing.status < 200) continue
      ringing.acked = true
      if (dialog !== undefined) dialog.confirmed = true
    }
  }

  private cancelled(branch: string): number {
    const ringing = this.rung.find(({ invite }) => invite.topVia.branch === branch)
    const server = this.servers.get(`${branch} INVITE`)
    if (ringing === undefined || server === undefined) return 481
    if (ringing.status < 200) {
      ringing.cancelled = true
      this.finish(ringing, 487, server.reply)
    }
    return 200
  }

  private inside(request: SipMessage): number {
    if (!request.to.params.has('tag')) return 200
    const from = request.from.params.get('tag') ?? ''
    const dialog = this.dialogs.find(
      (one) => one.callId === request.callId && one.remote.endsWith(`;tag=${from}`),
    )
    if (dialog === undefined) return 481
    if (request.method === 'BYE') dialog.ended = true
    return 200
  }

  private respond(
    request: SipMessage,
    status: number,
    reply: (text: string) => void,
    headers: readonly string[],
  ): string {
    const text = responseText(request, status, this.tag(request), headers)
    this.servers.set(`${request.topVia.branch ?? ''} ${request.method}`, { text, reply })
    reply(text)
    return text
  }

  /** One tag a call and phone. */
  private tag(request: SipMessage): string {
    return `t${this.host.replaceAll('.', '-')}-${request.callId.length}`
  }

  private unique(prefix: string): string {
    return `${prefix}-${this.user}-${this.host.replaceAll('.', '-')}-${++this.counter}`
  }
}

function contactOf(message: SipMessage): string {
  const contacts = message.contacts()
  return contacts.ok && contacts.value !== '*' ? (contacts.value[0]?.uri ?? '') : ''
}

function latin1(text: string): Uint8Array {
  return Buffer.from(text, 'latin1')
}
