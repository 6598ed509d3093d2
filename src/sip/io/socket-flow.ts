/** A flow on a socket: the same for TCP and for TLS over it. */
import type { Socket } from 'node:net'
import type { StreamChannel, StreamFlow, StreamFlows } from './stream-flows.ts'

/** For servers and connections alike. Half-open, so that a tool which closes its half still reads its answers. */
export const SOCKET_OPTIONS = {
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: 60_000,
  allowHalfOpen: true,
}

export function socketChannel(flows: StreamFlows, socket: Socket): StreamChannel {
  return {
    write: (bytes) => flows.writer.write(socket, bytes),
    waiting: () => socket.writableLength,
    finish: () => {
      socket.end()
      // S-TR-02: by the clock, for a far end that goes on sending is never idle.
      const limit = setTimeout(() => socket.destroy(), flows.limits.connectTimeoutMs).unref()
      socket.once('close', () => clearTimeout(limit))
    },
    abort: () => socket.destroy(),
  }
}

/** Hands on what the socket says; `flow` is its record. */
export function drive(socket: Socket, flow: StreamFlow): void {
  socket.on('data', (bytes: Buffer) => flow.data(bytes))
  // A far end that says no more serves no request any more: its phone is from now on called at the address it registered. What it has
  // asked is still answered here (S3261-18.2-02), for tools that send one request and close their half.
  socket.on('end', () => {
    if (flow.ended() || socket.writableEnded) return
    flow.gone('remote')
    flow.channel.finish()
  })
  socket.on('timeout', () => {
    flow.reason = flow.open ? 'idle' : 'timeout'
    socket.destroy()
  })
  socket.on('error', (error: NodeJS.ErrnoException) => {
    flow.reason = flow.open ? 'error' : (error.code ?? 'error')
  })
  socket.on('close', () => flow.gone())
}

/** Time limits of a connection that a phone made: a word soon, and then one now and again. */
export function expectBytes(flows: StreamFlows, socket: Socket): void {
  socket.setTimeout(flows.limits.firstBytesTimeoutMs)
  socket.once('data', () => socket.setTimeout(flows.limits.idleTimeoutMs))
}

/** Whether a connection can be made there at all. */
export function isReachable(port: number, family: number): boolean {
  return family !== 0 && port >= 1 && port <= 65535
}
