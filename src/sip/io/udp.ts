/**
 * UDP sockets of the SIP stack: datagrams in, datagrams out, nothing understood. What arrives in one turn of the event loop is handed
 * on together after the sockets have been read, and what is answered leaves together after that (ADR 23): reading, thinking and writing by
 * turns for each datagram costs a third more, since each finds the processor's caches full of the others.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { isIP } from 'node:net'
import { Tally } from '../../common/instruments.ts'
import type { Millis } from '../../common/time.ts'
import type { ListenerId, SipInput } from '../core/contract.ts'

/** Room for the burst of re-registrations after a power cut; the kernel may grant less. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024
const SEND_BUFFER_BYTES = 1024 * 1024
/**
 * Judgement: no more of a turn for datagrams, then timers and other sockets come first. Where V8 marks a large heap, each of them may bring
 * a step of 10 ms of that with it.
 */
const TURN_MS = 8
/** More that wait than this are dealt with all the same: who floods us must not fill our memory instead of the kernel's buffer. */
const WAITING_MAX = 1_024

export interface UdpListenerInit {
  readonly id: ListenerId
  readonly host: string
  /** 0 lets the system choose; `open` answers with the port in use. */
  readonly port: number
}

interface Outgoing {
  readonly socket: Socket
  readonly host: string
  readonly port: number
  readonly bytes: Uint8Array
}

export class UdpShell {
  /** Datagrams that the system refused, by error code. */
  readonly sendFailures = new Tally()
  private readonly sink: (input: SipInput) => void
  private readonly clock: () => Millis
  private readonly sockets = new Map<ListenerId, Socket>()
  /** Listeners on ::, which take IPv4 too and answer it in the mapped form (RFC 4291 s.2.5.5.2). */
  private readonly dual = new Set<ListenerId>()
  /** Of this turn. The system hands over 32 datagrams of a socket at most before it lets the turn go on. */
  private received: SipInput[] = []
  private outgoing: Outgoing[] = []
  private turnComes = false

  constructor(sink: (input: SipInput) => void, clock: () => Millis = () => performance.now()) {
    this.sink = sink
    this.clock = clock
  }

  /** Binds one listener; rejects with the system's error (EADDRINUSE, EACCES, EADDRNOTAVAIL). */
  async open(init: UdpListenerInit): Promise<{ readonly host: string; readonly port: number }> {
    const socket = createSocket({ type: isIP(init.host) === 6 ? 'udp6' : 'udp4', lookup: literalOnly })
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.bind({ address: init.host, port: init.port, exclusive: true }, () => {
        socket.off('error', reject)
        resolve()
      })
    })
    socket.on('error', this.onSendDone)
    enlargeBuffers(socket)
    const { id } = init
    socket.on('message', (bytes: Buffer, from: RemoteInfo) => {
      this.received.push({ kind: 'datagram', listener: id, host: from.address, port: from.port, bytes })
      this.awaitTurn()
    })
    this.sockets.set(id, socket)
    if (init.host === '::') this.dual.add(id)
    const bound = socket.address()
    return { host: bound.address, port: bound.port }
  }

  /** Sends one datagram to an IP literal, before this turn ends. Failures are counted; UDP gives no other promise. */
  send(listener: ListenerId, host: string, port: number, bytes: Uint8Array): void {
    const socket = this.sockets.get(listener)
    if (socket === undefined) return
    if (port < 1 || port > 65535) {
      this.sendFailures.add('bad_port')
      return
    }
    const mapped = this.dual.has(listener) && !host.includes(':')
    this.outgoing.push({ socket, host: mapped ? `::ffff:${host}` : host, port, bytes })
    this.awaitTurn()
  }

  /** What has been given to `send` still leaves. */
  async close(): Promise<void> {
    this.received = []
    this.write()
    const sockets = [...this.sockets.values()]
    this.sockets.clear()
    await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))))
  }

  private awaitTurn(): void {
    if (this.turnComes) return
    this.turnComes = true
    setImmediate(this.onTurn)
  }

  private readonly onTurn = (): void => {
    const { received } = this
    this.received = []
    const until = this.clock() + TURN_MS
    let handled = 0
    try {
      while (handled < received.length) {
        this.sink(received[handled++] as SipInput)
        if (received.length - handled <= WAITING_MAX && this.clock() >= until) break
      }
    } finally {
      this.turnComes = false
      if (handled < received.length && this.sockets.size > 0) {
        this.received = received.slice(handled)
        this.awaitTurn()
      }
      this.write()
    }
  }

  private write(): void {
    const { outgoing } = this
    if (outgoing.length === 0) return
    this.outgoing = []
    for (const { socket, host, port, bytes } of outgoing) socket.send(bytes, port, host, this.onSendDone)
  }

  private readonly onSendDone = (error: Error | null): void => {
    if (error !== null) this.sendFailures.add((error as NodeJS.ErrnoException).code ?? 'unknown')
  }
}

/** dgram looks up every destination; the core only names IP literals, so answer at once and never ask DNS. */
function literalOnly(
  hostname: string,
  _options: unknown,
  callback: (error: NodeJS.ErrnoException | null, address: string, family: number) => void,
): void {
  const done = (typeof _options === 'function' ? _options : callback) as typeof callback
  const family = isIP(hostname)
  if (family !== 0) done(null, hostname, family)
  else done(Object.assign(new Error(`not an IP address: ${hostname}`), { code: 'ENOTFOUND' }), hostname, 4)
}

function enlargeBuffers(socket: Socket): void {
  try {
    socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES)
    socket.setSendBufferSize(SEND_BUFFER_BYTES)
  } catch (error) {
    // Some systems refuse sizes above their limit instead of clamping them; the default works, it only drops earlier.
    if ((error as NodeJS.ErrnoException).code !== 'ERR_SOCKET_BUFFER_SIZE') throw error
  }
}
