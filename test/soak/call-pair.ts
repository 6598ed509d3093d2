/** Two phones on UDP that call each other again and again: how long until the call stands, and what went wrong. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseMessage, type SipMessage } from '../../src/sip/message/index.ts'
import { DOMAIN } from '../interop/support/testbed.ts'
import { digestAnswer, requestText, responseText } from '../sim/phone-text.ts'

const T1_MS = 500
const T2_MS = 4_000
/** A person has hung up by then. */
const PATIENCE_MS = 10_000

export interface Call {
  /** Of the INVITE; 408 when nothing came. */
  readonly status: number
  /** From the first INVITE to its 200. */
  readonly setupMs: number
  /** Of the BYE. */
  readonly byeStatus: number
}

class Line {
  readonly user: string
  private readonly socket: Socket
  private readonly proxy: { readonly host: string; readonly port: number }
  private readonly waiting = new Map<string, (response: SipMessage | undefined) => void>()
  private sent = 0

  private constructor(user: string, socket: Socket, proxy: string) {
    const [host, port] = proxy.split(':') as [string, string]
    this.user = user
    this.socket = socket
    this.proxy = { host, port: Number(port) }
    socket.on('message', (bytes, from) => this.received(bytes, from))
  }

  static async open(user: string, proxy: string): Promise<Line> {
    const socket = createSocket('udp4')
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    return new Line(user, socket, proxy)
  }

  get contact(): string {
    return `<sip:${this.user}@127.0.0.1:${this.socket.address().port}>`
  }

  close(): void {
    this.socket.close()
  }

  async register(): Promise<number> {
    const own = `<sip:${this.user}@${DOMAIN}>`
    const response = await this.asked('REGISTER', `sip:${DOMAIN}`, {
      from: `${own};tag=r`,
      to: own,
      callId: `register-${this.user}-${process.pid}`,
      cseq: 1,
      headers: ['Expires: 3600'],
    })
    return response?.status ?? 408
  }

  async call(callee: string): Promise<Call> {
    const callId = `call-${this.user}-${process.pid}-${++this.sent}`
    const from = `<sip:${this.user}@${DOMAIN}>;tag=c`
    const started = performance.now()
    const uri = `sip:${callee}@${DOMAIN}`
    const answer = await this.asked('INVITE', uri, { from, to: `<${uri}>`, callId, cseq: 1 })
    const setupMs = performance.now() - started
    if (answer?.status !== 200) return { status: answer?.status ?? 408, setupMs, byeStatus: 0 }
    const routes = answer.headers('record-route').toReversed()
    const target = /<([^>]+)>/.exec(answer.header('contact') ?? '')?.[1] ?? uri
    const inDialog = { from, to: answer.header('to') ?? '', callId, routes }
    this.send(this.text('ACK', target, { ...inDialog, cseq: answer.cseq.number }, `ack-${callId}`))
    await sleep(200)
    const bye = await this.transaction('BYE', target, { ...inDialog, cseq: answer.cseq.number + 1 })
    return { status: 200, setupMs, byeStatus: bye?.status ?? 408 }
  }

  /** With the challenge answered. */
  private async asked(method: string, uri: string, request: Wish): Promise<SipMessage | undefined> {
    const first = await this.transaction(method, uri, request)
    if (first?.status !== 401 && first?.status !== 407) return first
    const login = { username: this.user, password: `pw-${this.user}`, algorithm: 'MD5', count: 1 } as const
    const credentials = digestAnswer(first, method, uri, login)
    if (credentials === undefined) return first
    const headers = [...(request.headers ?? []), credentials]
    return this.transaction(method, uri, { ...request, headers, cseq: request.cseq + 1 })
  }

  private transaction(method: string, uri: string, request: Wish): Promise<SipMessage | undefined> {
    const branch = `z9hG4bK${request.callId}-${request.cseq}-${method}`
    const text = this.text(method, uri, request, branch)
    return new Promise((resolve) => {
      let pause = T1_MS
      let timer: NodeJS.Timeout | undefined
      const repeat = (): void => {
        this.send(text)
        timer = setTimeout(repeat, pause)
        pause = Math.min(T2_MS, 2 * pause)
      }
      const end = setTimeout(() => done(undefined), PATIENCE_MS)
      const done = (response: SipMessage | undefined): void => {
        clearTimeout(end)
        clearTimeout(timer)
        // RFC 3261 s.17.1.1.3: the ACK of a failure belongs to the transaction.
        if (method === 'INVITE' && response !== undefined && response.status >= 300)
          this.send(
            this.text('ACK', uri, { ...request, to: response.header('to') ?? '', headers: [] }, branch),
          )
        if (response === undefined || response.status >= 200) {
          this.waiting.delete(branch)
          resolve(response)
        }
      }
      this.waiting.set(branch, (response) => {
        // RFC 3261 s.17.1.1.2: who has got a provisional answer to an INVITE repeats it no more.
        if ((response?.status ?? 0) >= 200) done(response)
        else if (method === 'INVITE') clearTimeout(timer)
      })
      repeat()
    })
  }

  private text(method: string, uri: string, request: Wish, branch: string): string {
    const { from, to, callId, cseq, routes = [], headers = [] } = request
    return requestText({
      method,
      uri,
      via: `SIP/2.0/UDP 127.0.0.1:${this.socket.address().port};branch=${branch};rport`,
      from,
      to,
      callId,
      cseq,
      routes,
      headers: method === 'BYE' || method === 'ACK' ? headers : [`Contact: ${this.contact}`, ...headers],
    })
  }

  private send(text: string): void {
    this.socket.send(text, this.proxy.port, this.proxy.host)
  }

  private received(bytes: Buffer, from: RemoteInfo): void {
    const parsed = parseMessage(bytes)
    if (!parsed.ok) return
    const message = parsed.value
    if (!message.isRequest) {
      this.waiting.get(message.topVia.branch ?? '')?.(message)
      return
    }
    if (message.method === 'ACK') return
    const headers = message.method === 'INVITE' ? [`Contact: ${this.contact}`] : []
    this.socket.send(responseText(message, 200, 'callee', headers), from.port, from.address)
  }
}

interface Wish {
  readonly from: string
  readonly to: string
  readonly callId: string
  readonly cseq: number
  readonly routes?: readonly string[]
  readonly headers?: readonly string[]
}

export class CallPair {
  readonly calls: Call[] = []
  private readonly caller: Line
  private readonly callee: Line

  private constructor(caller: Line, callee: Line) {
    this.caller = caller
    this.callee = callee
  }

  /** Registers both; `callerAt` and `calleeAt` are SIP addresses of peers. Throws when one of them cannot. */
  static async open(
    users: readonly [caller: string, callee: string],
    callerAt: string,
    calleeAt: string,
  ): Promise<CallPair> {
    const lines = await Promise.all([Line.open(users[0], callerAt), Line.open(users[1], calleeAt)])
    for (const line of lines) {
      const status = await line.register()
      if (status !== 200) throw new Error(`${line.user} could not register: ${status}`)
    }
    return new CallPair(...lines)
  }

  /** Calls, with `pauseMs` between the end of one and the next, as long as `on` says. */
  async keepCalling(pauseMs: number, on: () => boolean): Promise<void> {
    while (on()) {
      this.calls.push(await this.caller.call(this.callee.user))
      await sleep(pauseMs)
    }
  }

  close(): void {
    this.caller.close()
    this.callee.close()
  }
}
