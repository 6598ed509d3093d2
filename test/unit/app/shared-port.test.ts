import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { sharedPort } from '../../../src/app/shared-port.ts'

describe('a port for UDP and TCP', () => {
  it('can be had by both, and is none that only one of them holds', async () => {
    const held: Socket[] = []
    for (let round = 0; round < 30; round++) {
      const port = await sharedPort('127.0.0.1')
      const server = createServer().listen({ host: '127.0.0.1', port })
      await once(server, 'listening')
      server.close()
      // Stays taken on UDP alone: TCP may choose it again, which must not be the end of it.
      const socket = createSocket('udp4').bind({ address: '127.0.0.1', port, exclusive: true })
      await once(socket, 'listening')
      held.push(socket)
    }
    expect(new Set(held.map((socket) => socket.address().port)).size).toBe(30)
    for (const socket of held) socket.close()
  })

  it('an address of another machine is said so', async () => {
    await expect(sharedPort('192.0.2.1')).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' })
  })
})
