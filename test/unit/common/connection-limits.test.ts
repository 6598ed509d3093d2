import { EventEmitter } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { limitConnections } from '../../../src/common/connection-limits.ts'

class Door extends EventEmitter {
  maxConnections = 0
}

class Caller extends EventEmitter {
  destroyed = false
  readonly remoteAddress: string | undefined
  constructor(address?: string) {
    super()
    this.remoteAddress = address
  }
  destroy(): void {
    this.destroyed = true
  }
}

describe('connections of one source', () => {
  it('S-40 have a share; who closes one may open another; nobody else is kept out', () => {
    const door = new Door()
    limitConnections(door, { all: 10, perSource: 2, trusted: (address) => address === '127.0.0.1' })
    expect(door.maxConnections).toBe(10)
    const open = (address?: string): Caller => {
      const caller = new Caller(address)
      door.emit('connection', caller)
      return caller
    }
    const [first, second] = [open('192.0.2.1'), open('::ffff:192.0.2.1')]
    expect(open('192.0.2.1').destroyed).toBe(true)
    expect([first.destroyed, second.destroyed, open('192.0.2.2').destroyed]).toEqual([false, false, false])
    first.emit('close')
    expect(open('192.0.2.1').destroyed).toBe(false)
    expect(open('192.0.2.1').destroyed).toBe(true)
    // One who has a /64 has all of it.
    expect(['::1', '::2', '::3'].map((end) => open(`2001:db8:1:2${end}`).destroyed)).toEqual([
      false,
      false,
      true,
    ])
    expect([1, 2, 3, 4].map(() => open('127.0.0.1').destroyed)).toEqual([false, false, false, false])
    expect(open(undefined).destroyed).toBe(true)
  })

  it('S-40 on sockets: the one too many is closed, and its place is there again when one goes', async () => {
    const server = createServer()
    limitConnections(server, { all: 10, perSource: 1 })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const dial = (from: string): Promise<Socket> =>
      new Promise((resolve) => {
        const socket = connect({ host: '127.0.0.1', port, localAddress: from }, () => resolve(socket))
      })
    const closed = (socket: Socket): Promise<unknown> =>
      new Promise((resolve) => socket.resume().once('close', resolve).once('error', resolve))
    const accepted = (): Promise<Socket> => new Promise((resolve) => server.once('connection', resolve))
    const kept = accepted()
    const first = await dial('127.0.0.1')
    const served = await kept
    await closed(await dial('127.0.0.1'))
    const other = await dial('127.0.0.2')
    expect(first.destroyed).toBe(false)
    const gone = closed(served)
    first.end()
    await gone
    const next = accepted()
    const again = await dial('127.0.0.1')
    expect((await next).destroyed).toBe(false)
    for (const socket of [again, other]) socket.destroy()
    server.close()
  })
})
