/**
 * A stand-in for a drachtio server: the control protocol, and behind it a small stateful SIP proxy on one UDP socket that does
 * what the real one is known to do. It answers CANCEL itself, removes the first Route, writes the target into the Request-URI only
 * when that named the server, never asks about requests inside dialogs that it has recorded a route for, and takes no Route from the
 * application. No retransmissions: loopback loses nothing.
 */
import { randomUUID } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import {
  buildResponse,
  Edit,
  parseMessage,
  parseUri,
  type HeaderName,
  type SipMessage,
} from '../../src/sip/message/index.ts'
import { incomingRequest } from '../../src/sip/transaction/index.ts'
import { DrachtioControl, type ControlCommand } from './drachtio-control.ts'

interface Origin {
  readonly host: string
  readonly port: number
}

interface Transaction {
  readonly id: string
  readonly request: SipMessage
  readonly origin: Origin
  /** Tag of answers made here. */
  readonly tag: string
  readonly branches: Map<string, Branch>
  waiting: string[]
  best: SipMessage | undefined
  over: boolean
  /** Of the command that forwards it. */
  command: ControlCommand | undefined
  options: { readonly stay: boolean; readonly headers: readonly (readonly [string, string])[] } | undefined
}

interface Branch {
  readonly id: string
  readonly sent: Uint8Array
  readonly to: Origin
  state: 'calling' | 'proceeding' | 'done'
}

export interface StandInInit {
  readonly secret: string
  /** Names of the server besides its address: `dns-names` in its configuration. */
  readonly names: readonly string[]
  readonly version?: string
}

export class DrachtioServer {
  readonly control: DrachtioControl
  /** Requests that it forwarded, as it sent them. */
  readonly forwarded: { readonly to: Origin; readonly message: SipMessage }[] = []
  port = 0
  controlPort = 0
  private readonly init: StandInInit
  private readonly socket: Socket = createSocket('udp4')
  private readonly transactions = new Map<string, Transaction>()

  private constructor(init: StandInInit) {
    this.init = init
    this.control = new DrachtioControl({
      secret: init.secret,
      ...(init.version === undefined ? {} : { version: init.version }),
      addresses: () => `udp/127.0.0.1:${this.port},tcp/127.0.0.1:${this.port}`,
      command: (command) => this.command(command),
    })
    this.socket.on('message', (bytes, { address, port }) => {
      const parsed = parseMessage(bytes)
      if (!parsed.ok) return
      if (parsed.value.isRequest) this.request(received(parsed.value, address, port), { host: address, port })
      else this.response(parsed.value)
    })
  }

  static async open(init: StandInInit): Promise<DrachtioServer> {
    const server = new DrachtioServer(init)
    await new Promise<void>((resolve) => server.socket.bind(0, '127.0.0.1', () => resolve()))
    server.port = server.socket.address().port
    server.controlPort = await server.control.listen()
    return server
  }

  async close(): Promise<void> {
    await this.control.close()
    await new Promise<void>((resolve) => this.socket.close(() => resolve()))
  }

  // SIP in

  private request(request: SipMessage, origin: Origin): void {
    if (request.method === 'CANCEL') {
      this.cancel(request, origin)
      return
    }
    const [first] = request.routes()
    const route = first === undefined ? undefined : parseUri(first.uri)
    const inDialog = request.to.params.has('tag')
    if (inDialog && route !== undefined && this.isLocal(route.host, route.port)) {
      this.byRoute(request)
      return
    }
    if (request.method === 'ACK') return // of a failure, or nobody's
    if (request.method === 'BYE' || request.method === 'UPDATE') {
      this.answer(request, origin, 481, 'Call/Transaction Does Not Exist', 'stand-in')
      return
    }
    if (request.method === 'INVITE') this.answer(request, origin, 100, 'Trying', undefined)
    const transaction: Transaction = {
      id: randomUUID(),
      request,
      origin,
      tag: randomUUID().slice(0, 8),
      branches: new Map(),
      waiting: [],
      best: undefined,
      over: false,
      command: undefined,
      options: undefined,
    }
    this.transactions.set(transaction.id, transaction)
    const asked = this.control.ask(request.method, {
      transaction: transaction.id,
      ...origin,
      localPort: this.port,
      text: textOf(request),
    })
    if (!asked) this.finish(transaction, 503, 'Service Unavailable')
  }

  /** RFC 3261 s.9.2; the application hears of it only while the decision is its own. */
  private cancel(request: SipMessage, origin: Origin): void {
    const branch = request.topVia.branch
    const transaction = [...this.transactions.values()].find(
      (each) => each.request.method === 'INVITE' && each.request.topVia.branch === branch && !each.over,
    )
    if (transaction === undefined) {
      this.answer(request, origin, 481, 'Call/Transaction Does Not Exist', 'stand-in')
      return
    }
    this.answer(request, origin, 200, 'OK', transaction.tag)
    if (transaction.command === undefined) {
      this.control.ask('INVITE', {
        transaction: transaction.id,
        ...origin,
        localPort: this.port,
        text: textOf(request),
      })
    }
    transaction.waiting = []
    this.finish(transaction, 487, 'Request Terminated')
    this.cancelBranches(transaction)
  }

  /** A request inside a dialog that went through here: its Route says where it goes on. */
  private byRoute(request: SipMessage): void {
    const edit = new Edit(request)
    edit.removeFirst('route')
    const [, next] = request.routes()
    edit.prepend('via', this.via(`z9hG4bK-route-${randomUUID()}`))
    this.sendTo(next?.uri ?? request.requestUri, edit.toBytes())
  }

  private response(response: SipMessage): void {
    const { branch } = response.topVia
    for (const transaction of this.transactions.values()) {
      const found = transaction.branches.get(branch ?? '')
      if (found === undefined) continue
      if (response.cseq.method !== 'CANCEL') this.branchAnswered(transaction, found, response)
      return
    }
    // Of a request that went by its Route.
    if (branch?.startsWith('z9hG4bK-route-') === true) this.upstream(response)
  }

  private branchAnswered(transaction: Transaction, branch: Branch, response: SipMessage): void {
    const { status } = response
    if (status < 200) {
      branch.state = 'proceeding'
      if (transaction.over) this.cancelBranches(transaction)
      else if (status > 100) this.upstream(response)
      return
    }
    branch.state = 'done'
    this.full(transaction, response)
    if (status < 300) {
      const first = !transaction.over
      transaction.over = true
      transaction.waiting = []
      if (first || response.cseq.method === 'INVITE') this.upstream(response)
      this.cancelBranches(transaction)
      transaction.command?.reply('OK', 'done')
      return
    }
    if (response.cseq.method === 'INVITE') this.acknowledge(branch, response)
    if (transaction.best === undefined || status < transaction.best.status) transaction.best = response
    if (this.startNext(transaction)) return
    if ([...transaction.branches.values()].some(({ state }) => state !== 'done') || transaction.over) return
    transaction.over = true
    this.upstream(transaction.best)
    transaction.command?.reply('OK', 'done')
  }

  /** Every final response of a branch is told to the application. */
  private full(transaction: Transaction, response: SipMessage): void {
    const text = textOf(response)
    transaction.command?.reply(
      ...['OK', 'network', String(text.length), 'udp', '127.0.0.1', '0', '00:00:00.000000', '', ''],
      `continue\r\n${text}`,
    )
  }

  // Commands

  private command(command: ControlCommand): void {
    const [id = ''] = command.fields
    const transaction = this.transactions.get(id)
    if (transaction === undefined || transaction.over || transaction.command !== undefined) {
      command.reply('NOK', `Unknown transaction id: ${id}`)
      return
    }
    if (command.kind === 'sip') this.respond(transaction, command)
    else if (command.kind === 'proxy') this.proxy(transaction, command)
  }

  private respond(transaction: Transaction, command: ControlCommand): void {
    const [line = '', ...rest] = command.text.split('\r\n')
    const status = Number(line.slice('SIP/2.0 '.length, 'SIP/2.0 200'.length))
    const reason = line.slice('SIP/2.0 200 '.length)
    const headers = allowed(rest, ['from', 'to', 'call-id', 'cseq'])
    const text = this.finish(transaction, status, reason, headers)
    command.reply(
      'OK',
      'application',
      String(text.length),
      'udp',
      '127.0.0.1',
      '0',
      '',
      transaction.id,
      '',
      `Msg sent:|\r\n${text}`,
    )
  }

  private proxy(transaction: Transaction, command: ControlCommand): void {
    const [, stay, , , launch, , , ...targets] = command.fields
    transaction.command = command
    const [, ...lines] = command.text.split('\r\n')
    transaction.options = { stay: stay === 'remainInDialog', headers: allowed(lines, []) }
    transaction.waiting = targets
    let started = this.startNext(transaction)
    while (launch === 'simultaneous' && transaction.waiting.length > 0)
      started = this.startNext(transaction) || started
    if (started) return
    command.reply('NOK', 'error proxying request to ')
    this.finish(transaction, 500, 'Internal Server Error')
  }

  private startNext(transaction: Transaction): boolean {
    const target = transaction.waiting.shift()
    if (target === undefined || transaction.over) return false
    const { request, options } = transaction
    const to = addressOf(target)
    // Like the real one, which takes no mangled URI either.
    if (to === undefined) return false
    const id = `z9hG4bK-${randomUUID()}`
    const edit = new Edit(request)
    const uri = request.uri
    if (uri !== undefined && this.isLocal(uri.host, uri.port)) edit.requestUri(target)
    edit.decrementMaxForwards()
    edit.removeFirst('route')
    for (const [name, value] of options?.headers ?? []) edit.append(name as HeaderName, value)
    if (options?.stay === true) edit.prepend('record-route', `<sip:127.0.0.1:${this.port};lr>`)
    edit.prepend('via', this.via(id))
    const bytes = edit.toBytes()
    transaction.branches.set(id, { id, sent: bytes, to, state: 'calling' })
    this.socket.send(bytes, to.port, to.host)
    const parsed = parseMessage(bytes)
    if (parsed.ok) this.forwarded.push({ to, message: parsed.value })
    return true
  }

  // SIP out

  private finish(
    transaction: Transaction,
    status: number,
    reason: string,
    headers: readonly (readonly [string, string])[] = [],
  ): string {
    transaction.over = true
    const { request, origin, tag } = transaction
    return this.answer(request, origin, status, reason, tag, headers)
  }

  private answer(
    request: SipMessage,
    origin: Origin,
    status: number,
    reason: string,
    toTag: string | undefined,
    headers: readonly (readonly [string, string])[] = [],
  ): string {
    const bytes = buildResponse(request, status, reason, { toTag, headers })
    this.socket.send(bytes, origin.port, origin.host)
    return Buffer.from(bytes).toString('latin1')
  }

  private upstream(response: SipMessage): void {
    const edit = new Edit(response)
    edit.removeFirst('via')
    const next = response.nextVia
    if (next === undefined) return
    const port = typeof next.rport === 'number' ? next.rport : (next.port ?? 5060)
    this.socket.send(edit.toBytes(), port, next.received ?? next.host)
  }

  private acknowledge(branch: Branch, response: SipMessage): void {
    this.sendSame(branch, 'ACK', response.header('to'))
  }

  private cancelBranches(transaction: Transaction): void {
    for (const branch of transaction.branches.values()) {
      if (branch.state !== 'proceeding') continue
      branch.state = 'done'
      this.sendSame(branch, 'CANCEL', undefined)
    }
  }

  /** ACK of a failure or CANCEL: the request's own Via, Call-ID, From and CSeq number. */
  private sendSame(branch: Branch, method: string, to: string | undefined): void {
    const parsed = parseMessage(branch.sent)
    if (!parsed.ok) return
    const { value: sent } = parsed
    const lines = [
      `${method} ${sent.requestUri} SIP/2.0`,
      `Via: ${sent.headers('via')[0] ?? ''}`,
      'Max-Forwards: 70',
      `From: ${sent.header('from') ?? ''}`,
      `To: ${to ?? sent.header('to') ?? ''}`,
      `Call-ID: ${sent.callId}`,
      `CSeq: ${sent.cseq.number} ${method}`,
      'Content-Length: 0',
    ]
    this.socket.send(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), branch.to.port, branch.to.host)
  }

  private sendTo(uri: string, bytes: Uint8Array): void {
    const to = addressOf(uri)
    if (to !== undefined) this.socket.send(bytes, to.port, to.host)
  }

  private via(branch: string): string {
    return `SIP/2.0/UDP 127.0.0.1:${this.port};branch=${branch};rport`
  }

  private isLocal(host: string, port: number | undefined): boolean {
    if (host === '127.0.0.1') return (port ?? 5060) === this.port
    return this.init.names.includes(host) && port === undefined
  }
}

/** Headers of the application that the server takes: never Via, Route, Record-Route or Content-Length. */
function allowed(lines: readonly string[], not: readonly string[]): [string, string][] {
  const refused = new Set(['via', 'route', 'rseq', 'record-route', 'content-length', ...not])
  return lines.flatMap((line): [string, string][] => {
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(0, colon))
    return colon <= 0 || refused.has(name.toLowerCase()) ? [] : [[name, line.slice(colon + 1).trim()]]
  })
}

/** With `received` and `rport` filled in, as the server passes it on. */
function received(request: SipMessage, host: string, port: number): SipMessage {
  const source = { transport: 'udp' as const, flow: 0, listener: 0, host, port }
  const { topVia } = incomingRequest(request, source, 0)
  if (topVia === undefined) return request
  const edit = new Edit(request)
  edit.replaceTopVia(topVia)
  const parsed = parseMessage(edit.toBytes())
  return parsed.ok ? parsed.value : request
}

function addressOf(text: string): Origin | undefined {
  const uri = parseUri(text)
  if (uri === undefined || uri.scheme !== 'sip') return undefined
  return { host: uri.params.get('maddr') ?? uri.host, port: uri.port ?? 5060 }
}

function textOf(message: SipMessage): string {
  const { bytes, start, bodyEnd } = message as unknown as {
    bytes: Uint8Array
    start: number
    bodyEnd: number
  }
  return Buffer.from(bytes).toString('latin1', start, bodyEnd)
}
