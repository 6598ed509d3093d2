/** Connections that are still shaking hands: they count against the limits, and end when the listener does. */
import type { Socket } from 'node:net'
import type { StreamFlows, StreamTransport } from './stream-flows.ts'

export class HandshakeSeats {
  private readonly flows: StreamFlows
  private readonly transport: StreamTransport
  /** By address and port of the far end: TLS hands out another socket object than the one that was accepted. */
  private readonly shaking = new Map<string, Socket>()

  constructor(flows: StreamFlows, transport: StreamTransport) {
    this.flows = flows
    this.transport = transport
  }

  /** A connection was made; false, and cut off, when there is no place for it. */
  take(socket: Socket): boolean {
    const leave =
      socket.remoteAddress === undefined ? undefined : this.flows.seat(this.transport, socket.remoteAddress)
    if (leave === undefined) {
      socket.destroy()
      return false
    }
    const key = keyOf(socket)
    this.shaking.set(key, socket)
    socket.once('close', () => {
      if (this.shaking.get(key) === socket) this.shaking.delete(key)
      leave()
    })
    return true
  }

  /** The handshake is over. */
  seated(socket: Socket): void {
    this.shaking.delete(keyOf(socket))
  }

  cut(): void {
    for (const socket of this.shaking.values()) socket.destroy()
    this.shaking.clear()
  }
}

function keyOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress ?? ''} ${remotePort ?? 0} ${localAddress ?? ''} ${localPort ?? 0}`
}
