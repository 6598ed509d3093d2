/** Where links are accepted: TLS servers, how many sockets each takes, and how many of one address. */
import { createServer, type SecureContextOptions, type Server, type TLSSocket } from 'node:tls'
import type { Tally } from '../../common/instruments.ts'
import { PerSource } from '../../common/per-source.ts'
import type { Millis } from '../../common/time.ts'
import type { ChannelPurpose, TransportAddress } from '../peer/contract.ts'

export interface TlsLimits {
  /** Bytes waiting for one far end before it is cut off. */
  readonly queueBytesMax: number
  /** Sockets of one listener, those still shaking hands included. */
  readonly connectionsMax: number
  /** Sockets from one source address, so that one host cannot take all places. */
  readonly connectionsPerSourceMax: number
  readonly handshakeTimeoutMs: number
}

export const TLS_LIMITS: TlsLimits = {
  queueBytesMax: 4 * 1024 * 1024,
  connectionsMax: 4_096,
  connectionsPerSourceMax: 512,
  handshakeTimeoutMs: 8_000,
}

interface Accepted {
  /** The handshake is over, and took so long. */
  secured(purpose: ChannelPurpose, socket: TLSSocket, handshakeMs: Millis | undefined): void
  keylog(line: Buffer): void
}

export class TlsListeners {
  private readonly servers: Server[] = []
  private limits: TlsLimits
  private readonly failures: Tally
  private readonly accepted: Accepted
  private readonly perSource: PerSource
  /** Sockets that were accepted, by address and port: since when. */
  private readonly shaking = new Map<string, Millis>()

  constructor(limits: TlsLimits, failures: Tally, accepted: Accepted) {
    this.limits = limits
    this.failures = failures
    this.accepted = accepted
    this.perSource = new PerSource(limits.connectionsPerSourceMax)
  }

  renew(secureOptions: SecureContextOptions): void {
    for (const server of this.servers) server.setSecureContext(secureOptions)
  }

  limit(limits: Pick<TlsLimits, 'connectionsMax' | 'connectionsPerSourceMax'>): void {
    this.limits = { ...this.limits, ...limits }
    this.perSource.limit(limits.connectionsPerSourceMax)
    for (const server of this.servers) server.maxConnections = limits.connectionsMax
  }

  async listen(
    secureOptions: SecureContextOptions,
    purpose: ChannelPurpose,
    host: string,
    port: number,
  ): Promise<TransportAddress> {
    const server = createServer({
      ...secureOptions,
      requestCert: true,
      // RFC 6940 s.6.6.1: trust in the overlay's roots, not in those of the system; the core decides.
      rejectUnauthorized: false,
      handshakeTimeout: this.limits.handshakeTimeoutMs,
      noDelay: true,
      keepAlive: true,
    })
    server.maxConnections = this.limits.connectionsMax
    server.on('drop', () => this.failures.add('tls|limit'))
    server.on('connection', (socket) => {
      const source = socket.remoteAddress ?? ''
      if (!this.perSource.admits(source)) {
        this.failures.add('tls|limit')
        socket.destroy()
        return
      }
      this.perSource.add(source)
      const name = `${source} ${socket.remotePort ?? 0}`
      this.shaking.set(name, performance.now())
      socket.once('close', () => {
        this.perSource.remove(source)
        this.shaking.delete(name)
      })
    })
    server.on('secureConnection', (socket) => this.secured(purpose, socket))
    server.on('tlsClientError', (_error, socket) => {
      this.failures.add('tls|tls')
      socket.destroy()
    })
    server.on('keylog', (line: Buffer) => this.accepted.keylog(line))
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host, port }, () => {
        server.off('error', reject)
        resolve()
      })
    })
    server.on('error', () => this.failures.add('tls|tcp'))
    this.servers.push(server)
    const bound = server.address()
    if (bound === null || typeof bound === 'string') throw new Error('TLS listener without an address')
    return { address: bound.address, port: bound.port }
  }

  /** No more are accepted; resolves when the last socket is closed. */
  async close(): Promise<void> {
    const closing = this.servers
      .splice(0)
      .map((server) => new Promise<void>((resolve) => server.close(() => resolve())))
    await Promise.all(closing)
  }

  private secured(purpose: ChannelPurpose, socket: TLSSocket): void {
    const began = this.shaking.get(`${socket.remoteAddress ?? ''} ${socket.remotePort ?? 0}`)
    this.accepted.secured(purpose, socket, began === undefined ? undefined : performance.now() - began)
  }
}
