/** All stream transports of the SIP stack behind one face: the composition root opens listeners, the loop carries out actions. */
import type { Tally } from '../../common/instruments.ts'
import type { FlowId, SipAction, SipInput } from '../core/contract.ts'
import type { BoundAddress, StreamListenerInit } from './bind.ts'
import { STREAM_LIMITS, StreamFlows, type StreamLimits, type StreamTransport } from './stream-flows.ts'
import { TcpShell } from './tcp.ts'
import type { TlsSettings } from './tls-context.ts'
import { TlsShell } from './tls.ts'
import type { WebSocketGate } from './web-socket-gate.ts'
import { WsShell } from './ws.ts'

export class StreamShells {
  readonly flows: StreamFlows
  private readonly tcp: TcpShell
  private readonly tls: TlsShell
  private readonly ws: WsShell

  constructor(
    sink: (input: SipInput) => void,
    init: {
      readonly limits?: StreamLimits
      readonly tls: TlsSettings
      readonly gate?: WebSocketGate
    },
  ) {
    this.flows = new StreamFlows(sink, init.limits ?? STREAM_LIMITS)
    this.tcp = new TcpShell(this.flows)
    this.tls = new TlsShell(this.flows, init.tls)
    this.ws = new WsShell(this.flows, init.tls, init.gate)
  }

  /** TLS handshakes that did not end well, by reason. */
  get handshakeFailures(): readonly Tally[] {
    return [this.tls.handshakeFailures, this.ws.handshakeFailures]
  }

  /** Flows given up for want of an answer to a ping, by transport. */
  get keepaliveFailures(): Tally {
    return this.ws.keepaliveFailures
  }

  /** Binds one listener; rejects with the system's error. */
  listen(transport: StreamTransport, init: StreamListenerInit): Promise<BoundAddress> {
    switch (transport) {
      case 'tcp':
        return this.tcp.listen(init)
      case 'tls':
        return this.tls.listen(init)
      case 'ws':
      case 'wss':
        return this.ws.listen(transport, init)
    }
  }

  /** The answer is `flowOpened` or `flowFailed`. */
  open({ flow, transport, host, port, domain }: Extract<SipAction, { kind: 'openFlow' }>): void {
    switch (transport) {
      case 'tcp':
        return this.tcp.connect(flow, host, port)
      case 'tls':
        return this.tls.connect(flow, host, port, domain)
      case 'ws':
      case 'wss':
        return this.ws.connect(flow, transport, host, port, domain)
      case 'udp':
        return this.flows.refuse(flow, 'no stream')
    }
  }

  send(flow: FlowId, bytes: Uint8Array): void {
    this.flows.send(flow, bytes)
  }

  closeFlow(flow: FlowId): void {
    this.flows.closeFlow(flow)
  }

  /** From now on; connections that are there stay. */
  limit(limits: Partial<StreamLimits>): void {
    this.flows.limit(limits)
  }

  /** Handshakes from now on show this; connections that are up stay. Throws when certificate and key do not fit together. */
  renew(settings: TlsSettings): void {
    this.tls.renew(settings)
    this.ws.renew(settings)
  }

  /** Closes everything. */
  async close(): Promise<void> {
    const closing = [this.tcp.close(), this.tls.close(), this.ws.close()]
    this.flows.close()
    await Promise.all(closing)
  }
}
