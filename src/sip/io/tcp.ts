/** TCP flows of the SIP stack, accepted and opened: bytes in, bytes out, nothing understood. */
import { connect, createServer, isIP, type Server, type Socket } from 'node:net'
import type { FlowId, ListenerId } from '../core/contract.ts'
import { bindServer, closeServers, type BoundAddress, type StreamListenerInit } from './bind.ts'
import { drive, expectBytes, isReachable, SOCKET_OPTIONS, socketChannel } from './socket-flow.ts'
import type { StreamFlows } from './stream-flows.ts'

export class TcpShell {
  private readonly flows: StreamFlows
  private readonly servers: Server[] = []

  constructor(flows: StreamFlows) {
    this.flows = flows
  }

  /** Binds one listener; rejects with the system's error. */
  async listen(init: StreamListenerInit): Promise<BoundAddress> {
    const server = createServer(SOCKET_OPTIONS, (socket) => this.accept(init.id, socket))
    const bound = await bindServer(server, init)
    server.on('error', () => this.flows.closed.add('tcp|error'))
    this.servers.push(server)
    return bound
  }

  /** Connects to an IP literal; the answer is `flowOpened` or `flowFailed`. */
  connect(id: FlowId, host: string, port: number): void {
    const { flows } = this
    if (!isReachable(port, isIP(host)) || !flows.hasRoom) {
      flows.refuse(id, 'not a reachable address')
      return
    }
    const socket = connect({ host, port, ...SOCKET_OPTIONS })
    const flow = flows.connecting(id, 'tcp', host, socketChannel(flows, socket))
    socket.setTimeout(flows.limits.connectTimeoutMs)
    socket.once('connect', () => {
      socket.setTimeout(flows.limits.idleTimeoutMs)
      flow.connected()
    })
    drive(socket, flow)
  }

  /** Stops listening. */
  async close(): Promise<void> {
    await closeServers(this.servers)
  }

  private accept(listener: ListenerId, socket: Socket): void {
    const { flows } = this
    const { remoteAddress: host, remotePort: port } = socket
    const leave = host === undefined ? undefined : flows.seat('tcp', host)
    if (host === undefined || port === undefined || leave === undefined) {
      socket.destroy()
      return
    }
    socket.once('close', leave)
    expectBytes(flows, socket)
    const flow = flows.accepted({ transport: 'tcp', listener, host, port }, socketChannel(flows, socket))
    drive(socket, flow)
  }
}
