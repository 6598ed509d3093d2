/** Are the ports of a testbed free? Asked before anything is written or started. */
import { createSocket } from 'node:dgram'
import { createServer, isIP } from 'node:net'
import { formatHostPort, parseHostPort, parseSipEndpoint } from '../../app/config/endpoint.ts'
import type { PeerPlan } from './plan.ts'

/** The first address of the plans that cannot be bound, with the system's reason; undefined when all can. */
export async function takenPort(
  plans: readonly PeerPlan[],
): Promise<{ readonly address: string; readonly code: string } | undefined> {
  for (const { listen, admin, reload, application } of plans) {
    const phones = listen.map((url) => {
      const { scheme, host, port } = parseSipEndpoint(url)
      return [formatHostPort({ host, port }), scheme === 'udp' ? 'udp' : 'tcp'] as const
    })
    for (const [address, protocol] of [
      ...phones,
      [admin, 'tcp'],
      [reload, 'tcp'],
      [application, 'tcp'],
    ] as const) {
      const { host, port } = parseHostPort(address, '--base-port')
      const code = await (protocol === 'udp' ? udpFault(host, port) : tcpFault(host, port))
      if (code !== undefined) return { address: `${protocol}://${address}`, code }
    }
  }
  return undefined
}

function udpFault(host: string, port: number): Promise<string | undefined> {
  const socket = createSocket(isIP(host) === 6 ? 'udp6' : 'udp4')
  return new Promise((resolve) => {
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    socket.bind({ address: host, port, exclusive: true }, () => socket.close(() => resolve(undefined)))
  })
}

function tcpFault(host: string, port: number): Promise<string | undefined> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)))
  })
}
