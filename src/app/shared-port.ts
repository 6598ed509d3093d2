/** One port for UDP and TCP, where the configuration leaves the choice to the system (`udp://…:0` and `tcp://…:0` of one address). */
import { createSocket } from 'node:dgram'
import { createServer, isIP } from 'node:net'

/** Judgement: the system gives any of thousands; that all of so many are taken by the other protocol does not happen. */
const ATTEMPTS = 20

/** A port of that address that neither protocol uses at this moment. Rejects with the error of the system when there is none. */
export async function sharedPort(host: string): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await freePort(host)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || attempt === ATTEMPTS) throw error
    }
  }
}

/** One that the system chooses for TCP, if UDP can have it too. */
async function freePort(host: string): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port: 0, exclusive: true }, resolve)
  })
  const { port } = server.address() as { readonly port: number }
  const socket = createSocket(isIP(host) === 6 ? 'udp6' : 'udp4')
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.bind({ address: host, port, exclusive: true }, resolve)
    })
    return port
  } finally {
    await Promise.all([new Promise((done) => server.close(done)), closed(socket)])
  }
}

function closed(socket: ReturnType<typeof createSocket>): Promise<void> {
  return new Promise((resolve) => socket.close(resolve))
}
