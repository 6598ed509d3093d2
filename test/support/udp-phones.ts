/** Many phones on one UDP socket, as far as REGISTER goes: digest, retransmissions, and how long an answer took. */
import { createHash } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'

export interface Registered {
  /** 408 when no answer came. */
  readonly status: number
  readonly ms: number
  /** Retry-After of the answer, in seconds. */
  readonly retryAfterS: number | undefined
}

interface Answer {
  readonly status: number
  readonly text: string
}

const T1_MS = 500
const T2_MS = 4_000
const TIMER_F_MS = 32_000

export class UdpPhones {
  private readonly socket: Socket
  private readonly domain: string
  private readonly waiting = new Map<string, (answer: Answer) => void>()
  private readonly label: string
  private sent = 0

  private constructor(socket: Socket, domain: string) {
    this.socket = socket
    this.domain = domain
    this.label = `${process.pid}-${socket.address().port}`
    socket.on('message', (bytes) => this.received(bytes.toString('latin1')))
  }

  /** `host`: the loopback address of all these phones. */
  static async open(domain: string, host = '127.0.0.1'): Promise<UdpPhones> {
    const socket = createSocket('udp4')
    socket.bind(0, host)
    await once(socket, 'listening')
    return new UdpPhones(socket, domain)
  }

  /** Registers (or with `expires` 0 takes back) a Contact on this socket; never rejects. `target` is host:port. */
  async register(user: string, target: string, expires = 600, patienceMs = TIMER_F_MS): Promise<Registered> {
    const started = performance.now()
    const callId = `${this.label}-${user}-${++this.sent}`
    const withinMs = () => patienceMs - (performance.now() - started)
    let answer = await this.transaction(user, target, { callId, expires, sequence: 1 }, withinMs())
    if (answer.status === 401) {
      const authorization = digest(answer.text, user, `sip:${this.domain}`)
      answer = await this.transaction(
        user,
        target,
        { callId, expires, sequence: 2, authorization },
        withinMs(),
      )
    }
    const retryAfter = /^Retry-After:\s*(\d+)/im.exec(answer.text)?.[1]
    return {
      status: answer.status,
      ms: performance.now() - started,
      retryAfterS: retryAfter === undefined ? undefined : Number(retryAfter),
    }
  }

  close(): void {
    this.socket.close()
  }

  private transaction(
    user: string,
    target: string,
    request: {
      readonly callId: string
      readonly expires: number
      readonly sequence: number
      readonly authorization?: string
    },
    withinMs: number,
  ): Promise<Answer> {
    const { callId, expires, sequence, authorization } = request
    const { address, port } = this.socket.address()
    const branch = `z9hG4bK${callId}-${sequence}`
    const text = [
      `REGISTER sip:${this.domain} SIP/2.0`,
      `Via: SIP/2.0/UDP ${address}:${port};branch=${branch};rport`,
      'Max-Forwards: 70',
      `From: <sip:${user}@${this.domain}>;tag=${callId}`,
      `To: <sip:${user}@${this.domain}>`,
      `Call-ID: ${callId}`,
      `CSeq: ${sequence} REGISTER`,
      `Contact: <sip:${user}@${address}:${port}>`,
      `Expires: ${expires}`,
      ...(authorization === undefined ? [] : [`Authorization: ${authorization}`]),
      'Content-Length: 0',
      '\r\n',
    ].join('\r\n')
    const [host, targetPort] = target.split(':') as [string, string]
    return new Promise((resolve) => {
      let wait = T1_MS
      let timer: NodeJS.Timeout | undefined
      const done = (answer: Answer): void => {
        clearTimeout(timer)
        clearTimeout(end)
        this.waiting.delete(branch)
        resolve(answer)
      }
      const end = setTimeout(() => done({ status: 408, text: '' }), Math.max(0, withinMs))
      const send = (): void => {
        this.socket.send(text, Number(targetPort), host)
        timer = setTimeout(send, wait)
        wait = Math.min(T2_MS, 2 * wait)
      }
      this.waiting.set(branch, done)
      send()
    })
  }

  private received(text: string): void {
    const status = Number(text.slice('SIP/2.0 '.length, 'SIP/2.0 200'.length))
    const branch = /^Via:.*;branch=([^;\s]+)/im.exec(text)?.[1] ?? ''
    if (status >= 200) this.waiting.get(branch)?.({ status, text })
  }
}

/** RFC 2617 with qop=auth and MD5; passwords as the testbed makes them. */
export function digest(challenge: string, user: string, uri: string, method = 'REGISTER'): string {
  const field = (name: string): string => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1] ?? ''
  const md5 = (text: string): string => createHash('md5').update(text).digest('hex')
  const [realm, nonce] = [field('realm'), field('nonce')]
  const secret = md5(`${user}:${realm}:pw-${user}`)
  const response = md5(`${secret}:${nonce}:00000001:ringbridge:auth:${md5(`${method}:${uri}`)}`)
  return (
    `Digest username="${user}", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}", ` +
    'algorithm=MD5, qop=auth, nc=00000001, cnonce="ringbridge"'
  )
}
