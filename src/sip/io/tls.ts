/** TLS flows of the SIP stack (RFC 3261 s.26.3.1, RFC 5922), accepted and opened. */
import { isIP } from 'node:net'
import {
  connect,
  createSecureContext,
  createServer,
  type SecureContext,
  type Server,
  type TLSSocket,
} from 'node:tls'
import { Tally } from '../../common/instruments.ts'
import type { FlowId, ListenerId } from '../core/contract.ts'
import { bindServer, closeServers, type BoundAddress, type StreamListenerInit } from './bind.ts'
import { HandshakeSeats } from './handshake-seats.ts'
import { drive, expectBytes, isReachable, SOCKET_OPTIONS, socketChannel } from './socket-flow.ts'
import type { StreamFlows } from './stream-flows.ts'
import {
  clientIdentities,
  clientOptions,
  contextOptions,
  HANDSHAKE_FAILURES,
  handshakeFailure,
  type TlsSettings,
} from './tls-context.ts'

export class TlsShell {
  /** Handshakes that did not end well, by reason. */
  readonly handshakeFailures = new Tally(HANDSHAKE_FAILURES)
  private readonly flows: StreamFlows
  private readonly seats: HandshakeSeats
  private readonly servers: Server[] = []
  private settings: TlsSettings
  /** For connections that we open: made once, because reading keys costs more than the rest of a handshake. */
  private context: SecureContext

  constructor(flows: StreamFlows, settings: TlsSettings) {
    this.flows = flows
    this.seats = new HandshakeSeats(flows, 'tls')
    this.settings = settings
    this.context = createSecureContext(contextOptions(settings))
  }

  /** Handshakes from now on use these; connections that are up stay. Throws when certificate and key do not fit together. */
  renew(settings: TlsSettings): void {
    const options = contextOptions(settings)
    this.context = createSecureContext(options)
    this.settings = settings
    for (const server of this.servers) server.setSecureContext(options)
  }

  /** Binds one listener; rejects with the system's error. */
  async listen(init: StreamListenerInit): Promise<BoundAddress> {
    const { verifyClients } = this.settings
    const server = createServer({
      ...contextOptions(this.settings),
      ...SOCKET_OPTIONS,
      // Nobody waits for an answer before his handshake is over: who hangs up by then would keep his place until it has timed out.
      allowHalfOpen: false,
      requestCert: verifyClients !== 'none',
      rejectUnauthorized: verifyClients === 'require',
      handshakeTimeout: this.flows.limits.handshakeTimeoutMs,
    })
    server.on('connection', (socket) => this.seats.take(socket))
    server.on('secureConnection', (socket) => this.accept(init.id, socket))
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
      // A client that is refused for its certificate looks like one that hung up, but for this field.
      const refused = Boolean(socket.authorizationError)
      this.handshakeFailures.add(refused ? 'untrusted' : handshakeFailure(error.code ?? ''))
      socket.destroy()
    })
    const bound = await bindServer(server, init)
    server.on('error', () => this.flows.closed.add('tls|error'))
    this.servers.push(server)
    return bound
  }

  /** Connects to an IP literal and makes sure that it speaks for `domain`; the answer is `flowOpened` or `flowFailed`. */
  connect(id: FlowId, host: string, port: number, domain: string): void {
    const { flows } = this
    if (!isReachable(port, isIP(host)) || !flows.hasRoom) {
      flows.refuse(id, 'not a reachable address')
      return
    }
    const socket = connect({
      ...SOCKET_OPTIONS,
      host,
      port,
      secureContext: this.context,
      ...clientOptions(domain),
    })
    const flow = flows.connecting(id, 'tls', host, socketChannel(flows, socket))
    let connected = false
    socket.setTimeout(flows.limits.connectTimeoutMs)
    socket.once('connect', () => (connected = true))
    socket.once('secureConnect', () => {
      socket.setTimeout(flows.limits.idleTimeoutMs)
      flow.connected()
    })
    drive(socket, flow)
    socket.once('close', () => {
      if (connected && !flow.open) this.handshakeFailures.add(handshakeFailure(flow.reason))
    })
  }

  /** Stops listening, and cuts off who is still shaking hands. */
  async close(): Promise<void> {
    const closing = closeServers(this.servers)
    this.seats.cut()
    await closing
  }

  private accept(listener: ListenerId, socket: TLSSocket): void {
    const { flows } = this
    const { remoteAddress: host, remotePort: port } = socket
    if (host === undefined || port === undefined) {
      socket.destroy()
      return
    }
    this.seats.seated(socket)
    socket.allowHalfOpen = SOCKET_OPTIONS.allowHalfOpen
    expectBytes(flows, socket)
    const identities = clientIdentities(socket)
    const flow = flows.accepted(
      {
        transport: 'tls',
        listener,
        host,
        port,
        ...(identities.length === 0 ? {} : { identities }),
      },
      socketChannel(flows, socket),
    )
    drive(socket, flow)
  }
}
