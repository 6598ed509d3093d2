/** Phones that send broken messages to a node over every transport, and answer what it sends them just as badly. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { WebSocket } from 'ws'
import type { Random } from '../../src/common/random.ts'
import { SipMutator } from '../support/sip-mutations.ts'
import { responseTo, SEEDS, type SeedFacts } from '../support/sip-seeds.ts'
import { DOMAIN } from '../interop/support/testbed.ts'
import type { WatchedPorts } from './watched-node.ts'

export type Way = 'udp' | 'tcp' | 'tls' | 'ws'
export const WAYS: readonly Way[] = ['udp', 'tcp', 'tls', 'ws']

const STREAMS_A_WAY = 4
const STATUSES: readonly number[] = [
  100, 180, 183, 200, 202, 302, 401, 404, 408, 430, 480, 486, 491, 503, 600, 603,
]
/** A stream whose other end does not read is given up. */
const BACKLOG_MAX = 4 * 1024 * 1024

interface Stream {
  readonly write: (bytes: Buffer) => void
  readonly backlog: () => number
  readonly end: () => void
  open: boolean
}

export interface BrokenPhonesInit {
  readonly random: Random
  /** Messages to be broken besides those of all kinds. */
  readonly torture: readonly string[]
  readonly target: WatchedPorts
  /** Of the phones, UDP and TCP. */
  readonly port: number
}

export class BrokenPhones {
  sent = 0
  /** Connections that the node has closed, as it may. */
  closed = 0
  /** Answers nothing: a broken answer may be a request, which is answered, which may be a request. */
  mute = false
  private readonly random: Random
  private readonly mutator: SipMutator
  private readonly torture: readonly string[]
  private readonly target: WatchedPorts
  private readonly port: number
  private readonly udp: UdpSocket
  private readonly prober: UdpSocket
  private readonly server: Server
  private readonly streams = new Map<Way, Stream[]>()
  private number = 0
  private probes = 0
  private answeredProbe = 0

  private constructor(
    init: BrokenPhonesInit,
    sockets: { readonly udp: UdpSocket; readonly prober: UdpSocket; readonly server: Server },
  ) {
    this.random = init.random
    this.mutator = new SipMutator(init.random)
    this.torture = init.torture
    this.target = init.target
    this.port = init.port
    this.udp = sockets.udp
    this.prober = sockets.prober
    this.server = sockets.server
    this.udp.on('message', (bytes, { port }) =>
      this.answer(bytes, (answer) => this.udp.send(answer, port, '127.0.0.1')),
    )
    this.prober.on('message', (bytes) => {
      const probe = /^Call-ID: probe-(\d+)/m.exec(bytes.toString('latin1'))?.[1]
      if (probe !== undefined) this.answeredProbe = Math.max(this.answeredProbe, Number(probe))
    })
    // The node connects here when it calls a phone by TCP.
    this.server.on('connection', (socket: Socket) => {
      socket.on('error', () => socket.destroy())
      socket.on('data', (bytes) => this.answer(bytes, (answer) => socket.write(answer)))
    })
  }

  static async open(init: BrokenPhonesInit): Promise<BrokenPhones> {
    const udp = createSocket('udp4')
    udp.bind(init.port, '127.0.0.1')
    const prober = createSocket('udp4')
    prober.bind(0, '127.0.0.1')
    const server = createServer()
    server.listen(init.port, '127.0.0.1')
    await Promise.all([once(udp, 'listening'), once(prober, 'listening'), once(server, 'listening')])
    return new BrokenPhones(init, { udp, prober, server })
  }

  /** One broken message by one of the ways. */
  send(ways: readonly Way[]): void {
    const { random, mutator } = this
    const way = mutator.pick(ways)
    const text = random.int(8) === 0 ? mutator.pick(this.torture) : mutator.pick(SEEDS)(this.facts(way))
    const bytes = mutator.mutate(text)
    this.sent++
    if (way === 'udp') this.udp.send(bytes.subarray(0, 60_000), this.target.sip, '127.0.0.1')
    else this.stream(way).write(bytes)
  }

  /** A good OPTIONS: false when it is not answered within five seconds. */
  async probe(): Promise<boolean> {
    const probe = ++this.probes
    for (let tries = 0; tries < 50; tries++) {
      const { port } = this.prober.address()
      const text = [
        `OPTIONS sip:${DOMAIN} SIP/2.0`,
        `Via: SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bK-probe-${probe}-${tries};rport`,
        'Max-Forwards: 70',
        `From: <sip:prober@example.org>;tag=${tries}`,
        `To: <sip:${DOMAIN}>`,
        `Call-ID: probe-${probe}`,
        'CSeq: 1 OPTIONS',
        'Content-Length: 0',
      ]
      this.prober.send(`${text.join('\r\n')}\r\n\r\n`, this.target.sip, '127.0.0.1')
      for (let wait = 0; wait < 20; wait++) {
        if (this.answeredProbe >= probe) return true
        await sleep(5)
      }
    }
    return false
  }

  /** Ends every connection. */
  hangUp(): void {
    for (const streams of this.streams.values()) for (const stream of streams) stream.end()
    this.streams.clear()
  }

  close(): void {
    this.hangUp()
    this.udp.close()
    this.prober.close()
    this.server.close()
  }

  private facts(way: Way): SeedFacts {
    const { random, mutator } = this
    const [from, to] = random.int(2) === 0 ? (['alice', 'bob'] as const) : (['bob', 'alice'] as const)
    if (random.int(4) > 0) this.number++
    const transport = random.int(10) === 0 ? mutator.pick(['UDP', 'TCP', 'TLS', 'WS']) : way.toUpperCase()
    return { domain: DOMAIN, host: '127.0.0.1', port: this.port, transport, number: this.number, from, to }
  }

  private answer(bytes: Buffer, send: (answer: Buffer) => void): void {
    const text = bytes.toString('latin1')
    if (this.mute || text.startsWith('SIP/2.0') || text.trim() === '' || this.random.int(3) === 0) return
    const answer = responseTo(text, this.mutator.pick(STATUSES), this.sent)
    send(
      this.random.int(2) === 0
        ? Buffer.from(answer, 'latin1')
        : this.mutator.mutate(answer).subarray(0, 60_000),
    )
  }

  private stream(way: Exclude<Way, 'udp'>): Stream {
    const streams = (this.streams.get(way) ?? []).filter(({ open }) => open)
    if (streams.length < STREAMS_A_WAY) streams.push(this.dial(way))
    this.streams.set(way, streams)
    const stream = this.mutator.pick(streams)
    if (stream.backlog() > BACKLOG_MAX) stream.end()
    return stream
  }

  private dial(way: Exclude<Way, 'udp'>): Stream {
    return way === 'ws' ? this.dialWebSocket() : this.dialSocket(way)
  }

  private dialSocket(way: 'tcp' | 'tls'): Stream {
    const { sip, tls } = this.target
    const socket =
      way === 'tcp'
        ? connect(sip, '127.0.0.1')
        : connectTls({ port: tls, host: '127.0.0.1', rejectUnauthorized: false })
    const stream: Stream = {
      write: (bytes) => socket.write(bytes),
      backlog: () => socket.writableLength,
      end: () => socket.destroy(),
      open: true,
    }
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.gone(stream))
    socket.on('data', (bytes: Buffer) => this.answer(bytes, stream.write))
    return stream
  }

  private dialWebSocket(): Stream {
    const socket = new WebSocket(`ws://127.0.0.1:${this.target.ws}`, 'sip')
    const early: Buffer[] = []
    const stream: Stream = {
      write: (bytes) => {
        if (socket.readyState === WebSocket.CONNECTING) early.push(bytes)
        else if (socket.readyState === WebSocket.OPEN)
          socket.send(bytes, { binary: this.random.int(2) === 0 })
      },
      backlog: () => socket.bufferedAmount,
      end: () => socket.terminate(),
      open: true,
    }
    socket.on('open', () => early.splice(0).forEach(stream.write))
    socket.on('error', () => socket.terminate())
    socket.on('close', () => this.gone(stream))
    socket.on('message', (data) => this.answer(data as Buffer, stream.write))
    return stream
  }

  private gone(stream: Stream): void {
    if (stream.open) this.closed++
    stream.open = false
  }
}
