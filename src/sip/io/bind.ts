/** Binding of the servers that the stream shells have. */
import type { Server } from 'node:net'
import type { ListenerId } from '../core/contract.ts'

export interface StreamListenerInit {
  readonly id: ListenerId
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
}

export interface BoundAddress {
  readonly host: string
  readonly port: number
}

/** Resolves with the address in use; rejects with the system's error. */
export async function bindServer(server: Server, { host, port }: StreamListenerInit): Promise<BoundAddress> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('listener without an address')
  return { host: bound.address, port: bound.port }
}

/** Stops listening; connections are somebody else's business. */
export async function closeServers(servers: Server[]): Promise<void> {
  await Promise.all(
    servers.splice(0).map((server) => new Promise<void>((resolve) => server.close(() => resolve()))),
  )
}
