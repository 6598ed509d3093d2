import { Socket } from 'node:dgram'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { utf8 } from '../../../../src/common/bytes.ts'
import type { SipInput } from '../../../../src/sip/core/contract.ts'
import { UdpShell } from '../../../../src/sip/io/udp.ts'
import { Inputs } from '../../../support/inputs.ts'

const open: UdpShell[] = []
function shell(): { udp: UdpShell; inputs: Inputs<SipInput> } {
  const inputs = new Inputs<SipInput>()
  const udp = new UdpShell(inputs.sink)
  open.push(udp)
  return { udp, inputs }
}
afterEach(async () => {
  vi.restoreAllMocks()
  await Promise.all(open.splice(0).map((each) => each.close()))
})

describe('UDP shell', () => {
  it('carries datagrams both ways, with listener and source', async () => {
    const a = shell()
    const b = shell()
    const atA = await a.udp.open({ id: 3, host: '127.0.0.1', port: 0 })
    const atB = await b.udp.open({ id: 8, host: '127.0.0.1', port: 0 })
    a.udp.send(3, '127.0.0.1', atB.port, utf8('hello'))
    const got = await b.inputs.next('datagram')
    expect(got).toMatchObject({ listener: 8, host: '127.0.0.1', port: atA.port })
    expect(Buffer.from(got.bytes).toString()).toBe('hello')
    b.udp.send(8, got.host, got.port, utf8('back'))
    expect(Buffer.from((await a.inputs.next('datagram')).bytes).toString()).toBe('back')
  })

  it('speaks IPv6', async () => {
    const a = shell()
    const address = await a.udp.open({ id: 0, host: '::1', port: 0 })
    a.udp.send(0, '::1', address.port, utf8('x'))
    expect(await a.inputs.next('datagram')).toMatchObject({ host: '::1', port: address.port })
  })

  it('on :: answers IPv4 phones too', async () => {
    const a = shell()
    const b = shell()
    const { port } = await a.udp.open({ id: 0, host: '::', port: 0 })
    const phone = await b.udp.open({ id: 0, host: '127.0.0.1', port: 0 })
    b.udp.send(0, '127.0.0.1', port, utf8('ask'))
    expect(await a.inputs.next('datagram')).toMatchObject({ port: phone.port })
    a.udp.send(0, '127.0.0.1', phone.port, utf8('answer'))
    expect(Buffer.from((await b.inputs.next('datagram')).bytes).toString()).toBe('answer')
    expect(a.udp.sendFailures.get('EINVAL')).toBe(0)
  })

  it('what is answered in a turn leaves in its order, once everything that came in it has been handed on', async () => {
    const b = shell()
    const atB = await b.udp.open({ id: 0, host: '127.0.0.1', port: 0 })
    const events: string[] = []
    const udp = new UdpShell((input) => {
      if (input.kind !== 'datagram') return
      const text = Buffer.from(input.bytes).toString()
      events.push(`in ${text}`)
      for (const part of ['first', 'second']) udp.send(0, input.host, input.port, utf8(`${part} of ${text}`))
    })
    open.push(udp)
    const { port } = await udp.open({ id: 0, host: '127.0.0.1', port: 0 })
    const { send } = Socket.prototype
    vi.spyOn(Socket.prototype, 'send').mockImplementation(function (this: Socket, ...args) {
      if ((args as unknown[])[1] === atB.port) events.push('out')
      Reflect.apply(send, this, args)
    })
    // All three are there before the first of them is read.
    for (const text of ['one', 'two', 'three']) b.udp.send(0, '127.0.0.1', port, utf8(text))
    const answers: string[] = []
    for (let count = 1; count <= 6; count++) {
      const got = await b.inputs.next('datagram', count)
      expect(got.port).toBe(port)
      answers.push(Buffer.from(got.bytes).toString())
    }
    expect(answers).toEqual(
      ['one', 'two', 'three'].flatMap((text) => [`first of ${text}`, `second of ${text}`]),
    )
    expect(events).toEqual(['in one', 'in two', 'in three', ...new Array<string>(6).fill('out')])
  })

  it('S-47 what takes longer than its share of a turn waits for the next one, and nothing is lost or changes places', async () => {
    const b = shell()
    await b.udp.open({ id: 0, host: '127.0.0.1', port: 0 })
    let now = 0
    const events: string[] = []
    let turns = 0
    const turn = (): void => {
      events.push('|')
      if (++turns < 40 && events.length < 200) setImmediate(turn)
    }
    const count = 10
    let allIn = (): void => undefined
    const done = new Promise<void>((resolve) => (allIn = resolve))
    const udp = new UdpShell(
      (input) => {
        if (input.kind !== 'datagram') return
        if (events.length === 0) setImmediate(turn)
        // Each takes five of the eight milliseconds that a turn has for them.
        now += 5
        events.push(Buffer.from(input.bytes).toString())
        if (events.filter((each) => each !== '|').length === count) allIn()
      },
      () => now,
    )
    open.push(udp)
    const { port } = await udp.open({ id: 0, host: '127.0.0.1', port: 0 })
    for (let i = 0; i < count; i++) b.udp.send(0, '127.0.0.1', port, utf8(String(i)))
    await done
    expect(events.filter((each) => each !== '|').join('')).toBe('0123456789')
    // At most two in a row between two turns of the loop.
    expect(events.join('')).not.toMatch(/\d{3}/)
  })

  it('what was sent before the close still leaves', async () => {
    const a = shell()
    const b = shell()
    await a.udp.open({ id: 0, host: '127.0.0.1', port: 0 })
    const atB = await b.udp.open({ id: 0, host: '127.0.0.1', port: 0 })
    a.udp.send(0, '127.0.0.1', atB.port, utf8('good-bye'))
    await a.udp.close()
    expect(Buffer.from((await b.inputs.next('datagram')).bytes).toString()).toBe('good-bye')
  })

  it('rejects a taken port', async () => {
    const a = shell()
    const { port } = await a.udp.open({ id: 0, host: '127.0.0.1', port: 0 })
    await expect(shell().udp.open({ id: 0, host: '127.0.0.1', port })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    })
  })

  it('counts what cannot be sent and goes on: no name is ever looked up, no port is trusted', async () => {
    const a = shell()
    const { port } = await a.udp.open({ id: 0, host: '127.0.0.1', port: 0 })
    a.udp.send(0, '127.0.0.1', 0, utf8('x'))
    a.udp.send(0, '127.0.0.1', 70_000, utf8('x'))
    a.udp.send(0, 'example.org', 5060, utf8('x'))
    a.udp.send(7, '127.0.0.1', port, utf8('no such listener'))
    a.udp.send(0, '127.0.0.1', port, utf8('alive'))
    expect(Buffer.from((await a.inputs.next('datagram')).bytes).toString()).toBe('alive')
    expect(a.udp.sendFailures.get('bad_port')).toBe(2)
    expect(a.udp.sendFailures.get('ENOTFOUND')).toBe(1)
  })
})
