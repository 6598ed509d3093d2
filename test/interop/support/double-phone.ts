/**
 * A phone on UDP with two registrars, as makers sell it: it stays registered with both, calls by the first one that takes the call, and answers whoever
 * rings. It sees a request that it has already (RFC 3261 s.8.2.2.2) only where the branch is the same, as simple phones do.
 */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { digest } from '../../support/udp-phones.ts'
import { Watched } from './watched.ts'

const T1_MS = 250
/** A registrar that has said nothing for so long is not waited for. */
const SILENCE_MS = 2_000
const FINAL_MS = 30_000
const LOGINS_MAX = 3

/** A call that came in. */
export interface Rung {
  readonly callId: string
  /** host:port of the peer that brought it. */
  readonly by: string
  ended: 'cancelled' | 'hungUp' | undefined
  acked: boolean
}

/** A call that was made, and is up where `status` is 200. */
export interface Made {
  readonly status: number
  readonly callId: string
  /** Of every attempt, by the peer that it was made by. */
  readonly attempts: readonly string[]
  /** Hangs up; the status of the BYE. */
  hangUp(): Promise<number>
}

interface Message {
  readonly text: string
  readonly from: string
}

export class DoublePhone {
  readonly user: string
  readonly rung: Rung[] = []
  /** Whether calls are answered, after this many milliseconds; undefined: it rings. */
  answersAfterMs: number | undefined = 50
  readonly watched = new Watched()
  private readonly socket: Socket
  private readonly domain: string
  private readonly registrars: readonly string[]
  private readonly answers = new Map<string, Message[]>()
  private readonly replies = new Map<string, string>()
  private readonly sequences = new Map<string, number>()
  private count = 0
  private closed = false

  private constructor(socket: Socket, user: string, domain: string, registrars: readonly string[]) {
    this.socket = socket
    this.user = user
    this.domain = domain
    this.registrars = registrars
    socket.on('message', (bytes, { address, port }) =>
      this.received({ text: bytes.toString('latin1'), from: `${address}:${port}` }),
    )
  }

  static async open(user: string, domain: string, registrars: readonly string[]): Promise<DoublePhone> {
    const socket = createSocket('udp4')
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    return new DoublePhone(socket, user, domain, registrars)
  }

  close(): void {
    this.closed = true
    this.socket.close()
  }

  /** Registers with all its registrars, one after the other; the statuses, 408 where nobody answered. */
  async register(): Promise<number[]> {
    const statuses: number[] = []
    for (const registrar of this.registrars) statuses.push(await this.registerAt(registrar))
    return statuses
  }

  /** Registers with both again and again until it is closed, as phones do. */
  async stayRegistered(everyMs: number, over: () => boolean): Promise<void> {
    while (!over() && !this.closed) {
      await this.register()
      await this.watched.until(() => (over() ? true : undefined), everyMs)
    }
  }

  /** Calls by one registrar and, when that refuses with 5xx or says nothing, by the next. */
  async call(callee: string, registrars: readonly string[] = this.registrars): Promise<Made> {
    const attempts: string[] = []
    let made: Made | undefined
    for (const registrar of registrars) {
      made = await this.invite(callee, registrar, attempts)
      if (made.status !== 408 && made.status < 500) return made
    }
    if (made === undefined) throw new RangeError('a phone without registrars')
    return made
  }

  private async registerAt(registrar: string): Promise<number> {
    const callId = `reg-${this.user}-${registrar}`
    const uri = `sip:${this.domain}`
    const address = `<sip:${this.user}@${this.domain}>`
    const lines = [`Contact: ${this.contact}`, 'Expires: 600']
    const send = (authorization?: string): Promise<Message | undefined> => {
      const sequence = (this.sequences.get(registrar) ?? 0) + 1
      this.sequences.set(registrar, sequence)
      const more = authorization === undefined ? lines : [...lines, `Authorization: ${authorization}`]
      return this.ask('REGISTER', uri, registrar, {
        callId,
        sequence,
        from: `${address};tag=r`,
        to: address,
        more,
      })
    }
    let answer = await send()
    for (let logins = 0; answer !== undefined && isChallenge(answer.text, 401, logins); logins++)
      answer = await send(digest(answer.text, this.user, uri))
    return answer === undefined ? 408 : statusOf(answer.text)
  }

  private async invite(callee: string, registrar: string, attempts: string[]): Promise<Made> {
    const callId = `call-${this.user}-${++this.count}-${process.pid}`
    const uri = `sip:${callee}@${this.domain}`
    const from = `<sip:${this.user}@${this.domain}>;tag=f${this.count}`
    const shared = { callId, from, to: `<${uri}>` }
    const more = [`Contact: ${this.contact}`]
    let sequence = 1
    let answer = await this.ask('INVITE', uri, registrar, { ...shared, sequence, more })
    for (let logins = 0; answer !== undefined && isChallenge(answer.text, 407, logins); logins++) {
      const credentials = digest(answer.text, this.user, uri, 'INVITE')
      const again = [...more, `Proxy-Authorization: ${credentials}`]
      answer = await this.ask('INVITE', uri, registrar, { ...shared, sequence: ++sequence, more: again })
    }
    const status = answer === undefined ? 408 : statusOf(answer.text)
    attempts.push(`${registrar} ${status}`)
    if (answer === undefined || status !== 200)
      return { status, callId, attempts, hangUp: () => Promise.resolve(status) }
    const { text } = answer
    const routes = values(text, 'record-route').reverse()
    const dialog = {
      callId,
      from,
      to: values(text, 'to')[0] ?? '',
      more: routes.map((route) => `Route: ${route}`),
    }
    const target = uriIn(values(text, 'contact')[0] ?? '')
    const first = hostOf(uriIn(routes[0] ?? '')) || registrar
    this.send(first, this.request('ACK', target, { ...dialog, sequence }, `z9hG4bKack${callId}`))
    const hangUp = async (): Promise<number> => {
      const bye = await this.ask('BYE', target, first, { ...dialog, sequence: sequence + 1 })
      return bye === undefined ? 408 : statusOf(bye.text)
    }
    return { status, callId, attempts, hangUp }
  }

  /** Sends until something answers; the final response, or undefined when nobody said a word. */
  private async ask(method: string, uri: string, to: string, parts: Parts): Promise<Message | undefined> {
    const branch = `z9hG4bK${method}${parts.callId}${parts.sequence}${to}`.replaceAll(/[^A-Za-z0-9]/g, '')
    const text = this.request(method, uri, parts, branch)
    const answers: Message[] = []
    this.answers.set(branch, answers)
    const final = (): Message | undefined => answers.find((answer) => statusOf(answer.text) >= 200)
    let waited = 0
    for (let wait = T1_MS; answers.length === 0 && waited < SILENCE_MS; wait *= 2) {
      this.send(to, text)
      await this.watched.until(() => (answers.length > 0 ? true : undefined), wait)
      waited += wait
    }
    const answer = answers.length === 0 ? undefined : await this.watched.until(final, FINAL_MS)
    this.answers.delete(branch)
    if (answer !== undefined && method === 'INVITE' && statusOf(answer.text) >= 300) {
      const acked = { ...parts, to: values(answer.text, 'to')[0] ?? parts.to, more: [] }
      this.send(to, this.request('ACK', uri, acked, branch))
    }
    return answer
  }

  private request(
    method: string,
    uri: string,
    { callId, sequence, from, to, more = [] }: Parts,
    branch: string,
  ): string {
    return [
      `${method} ${uri} SIP/2.0`,
      `Via: SIP/2.0/UDP ${this.address};branch=${branch};rport`,
      'Max-Forwards: 70',
      `From: ${from}`,
      `To: ${to}`,
      `Call-ID: ${callId}`,
      `CSeq: ${sequence} ${method}`,
      ...more,
      'Content-Length: 0',
      '\r\n',
    ].join('\r\n')
  }

  private received(message: Message): void {
    if (message.text.startsWith('SIP/2.0 ')) {
      this.answers.get(branchOf(message.text))?.push(message)
      this.watched.wake()
      return
    }
    const method = message.text.slice(0, message.text.indexOf(' '))
    const callId = values(message.text, 'call-id')[0] ?? ''
    const call = this.rung.find((one) => one.callId === callId && one.ended === undefined)
    if (method === 'ACK') {
      if (call !== undefined) call.acked = true
    } else if (method === 'INVITE') this.invited(message, callId)
    else {
      if (call !== undefined && method === 'BYE') call.ended = 'hungUp'
      this.reply(message, 200)
      if (method === 'CANCEL') this.cancelled(message, call)
    }
    this.watched.wake()
  }

  private invited(message: Message, callId: string): void {
    const branch = branchOf(message.text)
    const known = this.replies.get(branch)
    if (known !== undefined) return this.send(message.from, known)
    const call: Rung = { callId, by: message.from, ended: undefined, acked: false }
    this.rung.push(call)
    this.reply(message, 180)
    const { answersAfterMs } = this
    if (answersAfterMs === undefined) return
    setTimeout(() => {
      if (call.ended === undefined) this.answer(message, call, T1_MS)
    }, answersAfterMs)
  }

  /** Until the ACK is there (RFC 3261 s.13.3.1.4). */
  private answer(message: Message, call: Rung, wait: number): void {
    if (call.acked || this.closed || call.ended !== undefined || wait > 8_000) return
    this.reply(message, 200)
    setTimeout(() => this.answer(message, call, 2 * wait), wait)
  }

  private cancelled(message: Message, call: Rung | undefined): void {
    if (call === undefined) return
    call.ended = 'cancelled'
    const invite = message.text.replace(/^CSeq:\s*(\d+) CANCEL/im, 'CSeq: $1 INVITE')
    this.reply({ ...message, text: invite }, 487)
  }

  private reply({ text, from }: Message, status: number): void {
    if (this.closed) return
    const to = values(text, 'to')[0] ?? ''
    const reply = [
      `SIP/2.0 ${status} Test`,
      ...values(text, 'via').map((via) => `Via: ${via}`),
      ...values(text, 'record-route').map((route) => `Record-Route: ${route}`),
      `From: ${values(text, 'from')[0] ?? ''}`,
      `To: ${to.includes(';tag=') ? to : `${to};tag=t${this.user}`}`,
      `Call-ID: ${values(text, 'call-id')[0] ?? ''}`,
      `CSeq: ${values(text, 'cseq')[0] ?? ''}`,
      `Contact: ${this.contact}`,
      'Content-Length: 0',
      '\r\n',
    ].join('\r\n')
    if (text.startsWith('INVITE')) this.replies.set(branchOf(text), reply)
    this.send(from, reply)
  }

  private send(to: string, text: string): void {
    if (this.closed) return
    const colon = to.lastIndexOf(':')
    this.socket.send(Buffer.from(text, 'latin1'), Number(to.slice(colon + 1)), to.slice(0, colon))
  }

  private get address(): string {
    const { address, port } = this.socket.address()
    return `${address}:${port}`
  }

  private get contact(): string {
    return `<sip:${this.user}@${this.address}>`
  }
}

interface Parts {
  readonly callId: string
  readonly sequence: number
  readonly from: string
  readonly to: string
  readonly more?: readonly string[]
}

function statusOf(text: string): number {
  return Number(text.slice('SIP/2.0 '.length, 'SIP/2.0 200'.length))
}

/** To be answered: the first one, and what is only too old (RFC 7616 s.3.3). */
function isChallenge(text: string, status: number, logins: number): boolean {
  if (statusOf(text) !== status) return false
  return logins === 0 || (logins < LOGINS_MAX && /stale=true/i.test(text))
}

/** One value a line: the node writes no lists where these are read. */
function values(text: string, name: string): string[] {
  const head = text.slice(0, text.indexOf('\r\n\r\n')).split('\r\n')
  const prefix = `${name}:`
  return head
    .filter((line) => line.toLowerCase().startsWith(prefix))
    .map((line) => line.slice(prefix.length).trim())
}

function branchOf(text: string): string {
  return /;branch=([^;\s,]+)/.exec(values(text, 'via')[0] ?? '')?.[1] ?? ''
}

function uriIn(value: string): string {
  return /<([^>]*)>/.exec(value)?.[1] ?? value
}

function hostOf(uri: string): string {
  return /@([^;>]+)/.exec(uri)?.[1] ?? ''
}
