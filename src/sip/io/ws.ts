/** WebSocket flows of the SIP stack (RFC 7118), plain and over TLS, accepted and opened: one SIP message a WebSocket message. */
import { isUtf8 } from 'node:buffer'
import { createServer as createHttpServer, type IncomingMessage } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { connect, isIP, type Server } from 'node:net'
import { connect as connectTls, createSecureContext, type SecureContext } from 'node:tls'
import type { Duplex } from 'node:stream'
import { WebSocket, WebSocketServer, type RawData } from 'ws'
import { Tally } from '../../common/instruments.ts'
import type { FlowId } from '../core/contract.ts'
import { bindServer, closeServers, type BoundAddress, type StreamListenerInit } from './bind.ts'
import { HandshakeSeats } from './handshake-seats.ts'
import { isReachable } from './socket-flow.ts'
import type { StreamChannel, StreamFlow, StreamFlows } from './stream-flows.ts'
import {
  clientOptions,
  contextOptions,
  HANDSHAKE_FAILURES,
  handshakeFailure,
  type TlsSettings,
} from './tls-context.ts'
import { FRAGMENTS_MAX, piecesMax, WebSocketArrivals } from './web-socket-arrivals.ts'
import { WebSocketGate } from './web-socket-gate.ts'
import { WebSocketPulse } from './web-socket-pulse.ts'

type WsTransport = 'ws' | 'wss'

/** RFC 7118 s.4.1. */
const SUBPROTOCOL = 'sip'
/** A handshake is a few hundred bytes, and cookies. */
const HEADER_BYTES_MAX = 16 * 1024
/**
 * E12: so many times the limit of a message are read, to be answered with 513; a longer one ends the WebSocket. What is read before it is there in
 * whole counts as all unfinished messages do.
 */
const READ_SHARE = 2
/** Compression holds memory for every connection, and SIP messages are short. */
const PLAIN = { perMessageDeflate: false, allowSynchronousEvents: true } as const

export class WsShell {
  /** TLS handshakes that did not end well, by reason. */
  readonly handshakeFailures = new Tally(HANDSHAKE_FAILURES)
  /** Flows given up because no pong came, by transport. */
  readonly keepaliveFailures: Tally
  private readonly flows: StreamFlows
  private readonly gate: WebSocketGate
  private readonly seats: { readonly ws: HandshakeSeats; readonly wss: HandshakeSeats }
  private readonly pulse: WebSocketPulse
  private readonly arrivals: WebSocketArrivals
  private readonly upgrader = new WebSocketServer({
    ...PLAIN,
    noServer: true,
    clientTracking: false,
    maxFragments: FRAGMENTS_MAX,
    handleProtocols: () => SUBPROTOCOL,
  })
  private readonly servers: Server[] = []
  private readonly secureServers: ReturnType<typeof createHttpsServer>[] = []
  private settings: TlsSettings
  private context: SecureContext

  constructor(
    flows: StreamFlows,
    settings: TlsSettings,
    gate: WebSocketGate = new WebSocketGate(),
    arrivals: WebSocketArrivals = new WebSocketArrivals(() => flows.limits),
  ) {
    this.flows = flows
    this.arrivals = arrivals
    this.gate = gate
    this.seats = { ws: new HandshakeSeats(flows, 'ws'), wss: new HandshakeSeats(flows, 'wss') }
    this.pulse = new WebSocketPulse(flows)
    this.keepaliveFailures = this.pulse.failures
    this.settings = settings
    this.context = createSecureContext(contextOptions(settings))
  }

  /** Handshakes from now on use these; connections that are up stay. Throws when certificate and key do not fit together. */
  renew(settings: TlsSettings): void {
    this.context = createSecureContext(contextOptions(settings))
    this.settings = settings
    for (const server of this.secureServers) server.setSecureContext(serverOptions(settings))
  }

  /** Binds one listener; rejects with the system's error. */
  async listen(transport: WsTransport, init: StreamListenerInit): Promise<BoundAddress> {
    const { handshakeTimeoutMs } = this.flows.limits
    const options = {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: handshakeTimeoutMs,
      requestTimeout: handshakeTimeoutMs,
      connectionsCheckingInterval: handshakeTimeoutMs / 4,
      noDelay: true,
    }
    const seats = this.seats[transport]
    const server =
      transport === 'ws'
        ? createHttpServer(options)
        : createHttpsServer({
            ...options,
            ...serverOptions(this.settings),
            handshakeTimeout: handshakeTimeoutMs,
          })
    server.on('connection', (socket) => seats.take(socket))
    server.on('tlsClientError', (error: NodeJS.ErrnoException) =>
      this.handshakeFailures.add(handshakeFailure(error.code ?? '')),
    )
    server.on('request', (_request: IncomingMessage, response) => {
      response.writeHead(426, { Upgrade: 'websocket', Connection: 'close' }).end()
    })
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) =>
      this.upgrade(transport, init, { request, socket, head }),
    )
    const bound = await bindServer(server, init)
    server.on('error', () => this.flows.closed.add(`${transport}|error`))
    this.servers.push(server)
    if ('setSecureContext' in server) this.secureServers.push(server)
    return bound
  }

  /** Connects to an IP literal as a SIP WebSocket Client of `domain`; the answer is `flowOpened` or `flowFailed`. */
  connect(id: FlowId, transport: WsTransport, host: string, port: number, domain: string): void {
    const { flows } = this
    const family = isIP(host)
    // No zone in a URL (RFC 6874 was never taken up by it).
    if (!isReachable(port, family) || host.includes('%') || !flows.hasRoom) {
      flows.refuse(id, 'not a reachable address')
      return
    }
    const open =
      transport === 'ws'
        ? () => connect({ host, port, noDelay: true })
        : () => connectTls({ host, port, secureContext: this.context, ...clientOptions(domain) })
    const authority = family === 6 ? `[${host}]:${port}` : `${host}:${port}`
    const socket = new WebSocket(`${transport}://${authority}/`, SUBPROTOCOL, {
      ...PLAIN,
      createConnection: open as typeof connect,
      handshakeTimeout: flows.limits.connectTimeoutMs,
      maxPayload: READ_SHARE * flows.limits.messageBytesMax,
      followRedirects: false,
      headers: { Host: domain },
    })
    const flow = flows.connecting(id, transport, host, this.channel(socket))
    socket.once('open', () => {
      this.pulse.watch(socket, flow)
      flow.connected()
    })
    this.drive(socket, flow)
    socket.once('close', () => {
      if (transport === 'wss' && !flow.open) this.handshakeFailures.add(handshakeFailure(flow.reason))
    })
  }

  /** Stops listening, and cuts off who is still shaking hands. */
  async close(): Promise<void> {
    this.pulse.stop()
    const closing = closeServers(this.servers)
    this.seats.ws.cut()
    this.seats.wss.cut()
    await closing
  }

  private upgrade(
    transport: WsTransport,
    { id: listener }: StreamListenerInit,
    handshake: { readonly request: IncomingMessage; readonly socket: Duplex; readonly head: Buffer },
  ): void {
    const { request, socket, head } = handshake
    // Between here and the WebSocket nobody else listens for trouble.
    socket.on('error', () => socket.destroy())
    const { origin, cookie, authorization } = request.headers
    const refusal = this.gate.refusal({ origin, cookie, authorization }, Date.now())
    if (!offersSip(request)) {
      refuse(socket, '400 Bad Request', [`Sec-WebSocket-Protocol: ${SUBPROTOCOL}`])
      return
    }
    if (refusal !== undefined) {
      refuse(socket, refusal.status === 401 ? '401 Unauthorized' : '403 Forbidden', refusal.headers)
      return
    }
    const { limits } = this.flows
    this.upgrader.options.maxPayload = READ_SHARE * limits.messageBytesMax
    this.upgrader.options.maxBufferedChunks = piecesMax(limits)
    this.upgrader.handleUpgrade(request, socket, head, (webSocket) => {
      const { remoteAddress: host, remotePort: port } = request.socket
      if (host === undefined || port === undefined) {
        webSocket.terminate()
        return
      }
      this.seats[transport].seated(request.socket)
      const flow = this.flows.accepted({ transport, listener, host, port }, this.channel(webSocket))
      this.pulse.watch(webSocket, flow)
      this.drive(webSocket, flow)
      // RFC 6455 s.5.5.1: behind a Close nothing is sent. Its TCP may stay for long, and what is meant for the phone would be lost meanwhile.
      socket.on('data', () => {
        if (webSocket.readyState === WebSocket.CLOSING) flow.gone()
      })
      this.arrivals.watch(webSocket, socket, flow, host)
    })
  }

  private channel(socket: WebSocket): StreamChannel {
    return {
      write: (bytes) => {
        if (socket.readyState !== WebSocket.OPEN) return true
        if (socket.bufferedAmount + bytes.length > this.flows.limits.queueBytesMax) return false
        // RFC 7118 s.4.2: text where it is UTF-8, which scripts read most easily; anything else in binary.
        socket.send(bytes, { binary: !isUtf8(bytes) })
        return true
      },
      waiting: () => socket.bufferedAmount,
      finish: () => socket.close(1000),
      abort: () => socket.terminate(),
    }
  }

  private drive(socket: WebSocket, flow: StreamFlow): void {
    socket.on('message', (data: RawData) => {
      if (data instanceof Buffer) flow.data(data)
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      flow.reason = flow.open ? 'error' : (error.code ?? error.message)
      // What makes no sense is answered with a Close as well.
      if (flow.open) flow.gone()
    })
    socket.on('close', () => flow.gone())
  }
}

/** RFC 7118 s.7: TLS client authentication of browsers is the business of HTTP, and nobody is asked for it here. */
function serverOptions(settings: TlsSettings): ReturnType<typeof contextOptions> {
  return contextOptions({ ...settings, verifyClients: 'none' })
}

function offersSip({ headers }: IncomingMessage): boolean {
  const offered = headers['sec-websocket-protocol'] ?? ''
  // S7118-4.1-01, RFC 6455 s.4.1: names of subprotocols are compared as they are, as the client compares our answer.
  return offered.split(',').some((each) => each.trim() === SUBPROTOCOL)
}

function refuse(socket: Duplex, status: string, headers: readonly string[]): void {
  const lines = [`HTTP/1.1 ${status}`, ...headers, 'Content-Length: 0', 'Connection: close', '', '']
  // S-TR-02: whoever keeps his half open after the answer would keep his place, too.
  socket.once('finish', () => socket.destroy())
  socket.end(lines.join('\r\n'))
}
