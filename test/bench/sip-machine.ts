/**
 * What one message costs in the whole node machine (SIP core, adapter, peer core) without sockets: a founder peer in virtual time,
 * users that are registered, then REGISTERs or calls through `step` and `drain` as the loop drives them. Garbage collection on
 * other threads is in the CPU time, as it is in a real process.
 */
import { hash } from 'node:crypto'
import type { CallObserver, NodeAction, NodeCore, NodeInput } from '../../src/adapter/index.ts'
import type { Now } from '../../src/common/time.ts'
import { coreWithUsers, DOMAIN, userName } from './core-with-users.ts'

const WALL = 1_700_000_000_000

export interface MachineOptions {
  readonly users: number
  /** Virtual messages a second: decides how many transactions are remembered at a time. */
  readonly perSecond: number
  /** Phones are asked for their passwords. */
  readonly auth?: 'none' | 'digest'
  /** Takes notes of every message, as a node does that keeps traces. */
  readonly calls?: CallObserver
}

export class SipMachine {
  private readonly core: NodeCore
  private ms = 1_000
  private readonly stepMs: number
  private readonly users: number
  private serial = 0
  private sent: Uint8Array[] = []
  /** Spent in the machine, and not in the phones. */
  busyMs = 0

  constructor({ users, perSecond, calls, auth }: MachineOptions) {
    this.users = users
    this.stepMs = 1000 / perSecond
    const { core, aors } = coreWithUsers({ users, calls, ...(auth === undefined ? {} : { auth }) })
    this.core = core
    this.feed({ kind: 'peer', input: { kind: 'start' } })
    this.feed({ kind: 'hostedUsers', aors })
    for (let turn = 0; turn < 200; turn++) this.wait(100)
  }

  get messages(): number {
    return this.serial
  }

  /** One datagram of a phone in; what the node sends back is in `sent`. */
  datagram(text: Uint8Array): void {
    this.ms += this.stepMs
    this.sent = []
    const began = performance.now()
    this.feed({
      kind: 'sip',
      input: { kind: 'datagram', listener: 0, host: '127.0.0.1', port: 5090, bytes: text },
    })
    if (this.core.nextDeadline() <= this.ms) this.feed({ kind: 'timeout' })
    this.busyMs += performance.now() - began
  }

  /** A REGISTER that is challenged, and the one that answers. */
  digest(): void {
    const user = userName((this.serial + 1) % this.users)
    this.datagram(this.registerOf())
    const nonce = /nonce="([^"]*)"/.exec(this.last('SIP/2.0 401'))?.[1] ?? ''
    const md5 = (text: string): string => hash('md5', text)
    const ha2 = md5(`REGISTER:sip:${DOMAIN}`)
    const response = md5(`${md5(`${user}:${DOMAIN}:pw-${user}`)}:${nonce}:00000001:0a4f113b:auth:${ha2}`)
    this.serial--
    this.datagram(
      this.registerOf(
        `Authorization: Digest username="${user}",realm="${DOMAIN}",nonce="${nonce}",uri="sip:${DOMAIN}",response="${response}",algorithm=MD5,qop=auth,nc=00000001,cnonce="0a4f113b"\r\n`,
      ),
    )
    this.last('SIP/2.0 200')
  }

  registerOf(more = ''): Uint8Array {
    const n = ++this.serial
    const user = userName(n % this.users)
    const second = more === '' ? 0 : 1
    return Buffer.from(
      `REGISTER sip:${DOMAIN} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5090;branch=z9hG4bK1-${n}-${second};rport\r\nMax-Forwards: 70\r\n` +
        `From: <sip:${user}@${DOMAIN}>;tag=f${n}\r\nTo: <sip:${user}@${DOMAIN}>\r\nCall-ID: 1.${n}.77@127.0.0.1\r\nCSeq: ${2 * n + second} REGISTER\r\n` +
        `${more}Contact: <sip:${user}@127.0.0.1:5090>\r\nExpires: 3600\r\nUser-Agent: sipload/1\r\nContent-Length: 0\r\n\r\n`,
      'latin1',
    )
  }

  /** One whole call as two phones make it: INVITE, 180, 200, ACK, BYE, 200. */
  call(): void {
    const n = ++this.serial
    const user = userName(n % this.users)
    const head = `Max-Forwards: 70\r\nFrom: "Caller" <sip:caller@${DOMAIN}>;tag=f${n}\r\nTo: <sip:${user}@${DOMAIN}>`
    const rest = `Call-ID: 1.${n}.77@127.0.0.1\r\nCSeq: `
    const via = `Via: SIP/2.0/UDP 127.0.0.1:6000;branch=z9hG4bK1-${n}`
    this.datagram(
      Buffer.from(
        `INVITE sip:${user}@${DOMAIN} SIP/2.0\r\n${via}-i;rport\r\n${head}\r\n${rest}1 INVITE\r\nContact: <sip:caller@127.0.0.1:6000>\r\n` +
          'Allow: INVITE, ACK, CANCEL, OPTIONS, BYE\r\nSupported: 100rel, replaces\r\nUser-Agent: sipload/1\r\nContent-Type: application/sdp\r\n' +
          `Content-Length: ${SDP.length}\r\n\r\n${SDP}`,
        'latin1',
      ),
    )
    const invite = this.last('INVITE ')
    const answerHead = headerBlock(invite, ['Via:', 'Record-Route:', 'From:'])
    const to = `To: <sip:${user}@${DOMAIN}>;tag=uas1\r\n${rest}1 INVITE\r\nContact: <sip:callee@127.0.0.1:5090>\r\n`
    this.datagram(Buffer.from(`SIP/2.0 180 Ringing\r\n${answerHead}${to}Content-Length: 0\r\n\r\n`, 'latin1'))
    this.datagram(
      Buffer.from(
        `SIP/2.0 200 OK\r\n${answerHead}${to}Content-Type: application/sdp\r\nContent-Length: ${SDP.length}\r\n\r\n${SDP}`,
        'latin1',
      ),
    )
    const ok = this.last('SIP/2.0 200')
    const routes = headerBlock(ok, ['Record-Route:']).split('\r\n').filter(Boolean).reverse()
    const route = routes.map((line) => line.replace('Record-Route:', 'Route:') + '\r\n').join('')
    for (const method of ['ACK', 'BYE']) {
      this.datagram(
        Buffer.from(
          `${method} sip:callee@127.0.0.1:5090 SIP/2.0\r\n${via}-${method};rport\r\n${route}${head};tag=uas1\r\n${rest}${method === 'ACK' ? 1 : 2} ${method}\r\nContent-Length: 0\r\n\r\n`,
          'latin1',
        ),
      )
    }
    const bye = this.last('BYE ')
    this.datagram(
      Buffer.from(
        `SIP/2.0 200 OK\r\n${headerBlock(bye, ['Via:', 'From:', 'To:', 'Call-ID:', 'CSeq:'])}Content-Length: 0\r\n\r\n`,
        'latin1',
      ),
    )
    this.last('SIP/2.0 200')
  }

  /** The message just sent that begins so. */
  private last(start: string): string {
    for (const bytes of this.sent) {
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
      if (text.startsWith(start)) return text
    }
    throw new Error(`no ${start} among ${this.sent.map((bytes) => Buffer.from(bytes).toString()).join('\n')}`)
  }

  private wait(ms: number): void {
    this.ms += ms
    if (this.core.nextDeadline() <= this.ms) this.feed({ kind: 'timeout' })
  }

  private feed(input: NodeInput): void {
    const inputs: NodeInput[] = [input]
    for (let at = 0; at < inputs.length; at++) {
      this.core.step({ ms: this.ms, wall: WALL + this.ms } satisfies Now, inputs[at] as NodeInput)
      for (const action of this.core.drain()) this.perform(action, inputs)
    }
  }

  private perform(action: NodeAction, inputs: NodeInput[]): void {
    if (action.kind === 'sip' && action.action.kind === 'sendDatagram') this.sent.push(action.action.bytes)
    else if (action.kind === 'peer' && action.action.kind === 'persist')
      inputs.push({ kind: 'peer', input: { kind: 'persisted', token: action.action.token } })
  }
}

const SDP =
  'v=0\r\no=- 3724394400 3724394405 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0 8 101\r\n' +
  'a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n'

function headerBlock(text: string, names: readonly string[]): string {
  let block = ''
  for (const line of text.split('\r\n'))
    if (names.some((each) => line.startsWith(each))) block += `${line}\r\n`
  return block
}
