/** The library cannot bind to port 0, so one that is free for UDP and TCP is looked up first. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'

/** A port that is free for streams is taken for datagrams now and then. */
const PORTS_TRIED = 10

export async function freePort(address: string): Promise<number> {
  for (let tries = 1; ; tries++) {
    const stream = createServer()
    const datagrams = createSocket('udp4')
    try {
      stream.listen(0, address)
      await once(stream, 'listening')
      const { port } = stream.address() as AddressInfo
      datagrams.bind(port, address)
      await once(datagrams, 'listening')
      return port
    } catch (error) {
      if (tries === PORTS_TRIED) throw error
    } finally {
      await Promise.all([stream[Symbol.asyncDispose](), datagrams[Symbol.asyncDispose]()])
    }
  }
}
