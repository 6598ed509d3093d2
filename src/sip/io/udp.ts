/** UDP sockets of the SIP stack: datagrams in, datagrams out, nothing understood. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { isIP } from 'node:net'
import { Tally } from '../../common/instruments.ts'
import type { ListenerId, SipInput } from '../core/contract.ts'

/** Room for the burst of re-registrations after a power cut; the kernel may grant less. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024
const SEND_BUFFER_BYTES = 1024 * 1024

export interface UdpListenerInit {
  readonly id: ListenerId
  readonly host: string
  /** 0 lets the system choose; `open` answers with the port in use. */
  readonly port: number
}

export class UdpShell {
  /** Datagrams that the system refused, by error code. */
  readonly sendFailures = new Tally()
  private readonly sink: (input: SipInput) => void
  private readonly sockets = new Map<ListenerId, Socket>()
  /** Listeners on ::, which take IPv4 too and answer it in the mapped form (RFC 4291 s.2.5.5.2). */
  private readonly dual = new Set<ListenerId>()

  constructor(sink: (input: SipInput) => void) {
    this.sink = sink
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
      this.sink({ kind: 'datagram', listener: id, host: from.address, port: from.port, bytes })
    })
    this.sockets.set(id, socket)
    if (init.host === '::') this.dual.add(id)
    const bound = socket.address()
    return { host: bound.address, port: bound.port }
  }

  /** Sends one datagram to an IP literal. Failures are counted; UDP gives no other promise. */
  send(listener: ListenerId, host: string, port: number, bytes: Uint8Array): void {
    const socket = this.sockets.get(listener)
    if (socket === undefined) return
    if (port < 1 || port > 65535) {
      this.sendFailures.add('bad_port')
      return
    }
    const mapped = this.dual.has(listener) && !host.includes(':')
    socket.send(bytes, port, mapped ? `::ffff:${host}` : host, this.onSendDone)
  }

  async close(): Promise<void> {
    const sockets = [...this.sockets.values()]
    this.sockets.clear()
    await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))))
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
