import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { utf8 } from '../../../../src/common/bytes.ts'
import type { SipInput } from '../../../../src/sip/core/contract.ts'
import { STREAM_LIMITS, StreamFlows, type StreamLimits } from '../../../../src/sip/io/stream-flows.ts'
import { TcpShell } from '../../../../src/sip/io/tcp.ts'
import { T1_MS } from '../../../../src/sip/transaction/timers.ts'
import { Inputs } from '../../../support/inputs.ts'

interface Shell {
  readonly tcp: TcpShell
  readonly flows: StreamFlows
  readonly inputs: Inputs<SipInput>
}

const open: Shell[] = []
const phones: Socket[] = []
function shell(limits: Partial<StreamLimits> = {}, sink?: (input: SipInput) => void): Shell {
  const inputs = new Inputs<SipInput>()
  const flows = new StreamFlows(
    (input) => {
      inputs.sink(input)
      if (sink !== undefined) sink(input)
      // The core closes what it owes nothing to.
      else if (input.kind === 'flowEnded') flows.closeFlow(input.flow)
    },
    { ...STREAM_LIMITS, ...limits },
  )
  const made = { tcp: new TcpShell(flows), flows, inputs }
  open.push(made)
  return made
}
async function close({ tcp, flows }: Shell): Promise<void> {
  const closing = tcp.close()
  flows.close()
  await closing
}
async function phone(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  phones.push(socket)
  await once(socket, 'connect')
  return socket
}
afterEach(async () => {
  vi.useRealTimers()
  for (const socket of phones.splice(0)) socket.destroy()
  await Promise.all(open.splice(0).map(close))
})

describe('TCP shell', () => {
  it('S3261-18-02 keeps a silent connection far longer than 64*T1', () => {
    expect(STREAM_LIMITS.idleTimeoutMs).toBeGreaterThan(64 * T1_MS)
    expect(STREAM_LIMITS.firstBytesTimeoutMs).toBeGreaterThanOrEqual(64 * T1_MS)
  })

  it('accepts a phone under an even id and carries bytes both ways', async () => {
    const { tcp, flows, inputs } = shell()
    const { port } = await tcp.listen({ id: 4, host: '127.0.0.1', port: 0 })
    const socket = await phone(port)
    const accepted = await inputs.next('flowAccepted')
    expect(accepted).toMatchObject({ flow: 2, listener: 4, host: '127.0.0.1', port: socket.localPort })
    socket.write('REGISTER')
    expect((await inputs.bytesOf('flowData', 8)).toString()).toBe('REGISTER')
    flows.send(2, utf8('one '))
    flows.send(2, utf8('two'))
    const [first] = (await once(socket, 'data')) as [Buffer]
    // Both writes of one turn left in one piece.
    expect(first.toString()).toBe('one two')
    socket.destroy()
    expect(await inputs.next('flowEnded')).toEqual({ kind: 'flowEnded', flow: 2 })
    expect(flows.active).toBe(0)
  })

  it('opens flows that the core named, and says when that fails', async () => {
    const far = shell()
    const { port } = await far.tcp.listen({ id: 0, host: '127.0.0.1', port: 0 })
    const { tcp, flows, inputs } = shell()
    tcp.connect(1, '127.0.0.1', port)
    expect(await inputs.next('flowOpened')).toEqual({ kind: 'flowOpened', flow: 1 })
    flows.send(1, utf8('hello'))
    expect((await far.inputs.bytesOf('flowData', 5)).toString()).toBe('hello')
    await close(far)
    expect(await inputs.next('flowEnded')).toEqual({ kind: 'flowEnded', flow: 1 })
    tcp.connect(3, '127.0.0.1', port)
    expect(await inputs.next('flowFailed')).toEqual({ kind: 'flowFailed', flow: 3, reason: 'ECONNREFUSED' })
    tcp.connect(5, 'example.org', 5060)
    expect(await inputs.next('flowFailed', 2)).toMatchObject({ flow: 5 })
  })

  it('a flow that the core closes says no more', async () => {
    const { tcp, flows, inputs } = shell()
    const { port } = await tcp.listen({ id: 0, host: '127.0.0.1', port: 0 })
    const socket = await phone(port)
    const { flow } = await inputs.next('flowAccepted')
    flows.send(flow, utf8('bye'))
    flows.closeFlow(flow)
    const [bytes] = (await once(socket, 'data')) as [Buffer]
    expect(bytes.toString()).toBe('bye')
    await once(socket, 'close')
    expect(inputs.seen.map((input) => input.kind)).toEqual(['flowAccepted'])
    expect(flows.closed.get('tcp|local')).toBe(1)
  })

  it('S-TR-02 E08 E10 E11 a flow that the core closes ends in time, however much the far end goes on sending', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { tcp, flows, inputs } = shell({ connectTimeoutMs: 4_000 })
    const { port } = await tcp.listen({ id: 0, host: '127.0.0.1', port: 0 })
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    phones.push(socket)
    socket.on('error', () => undefined)
    const { flow } = await inputs.next('flowAccepted')
    flows.closeFlow(flow)
    await once(socket.resume(), 'end')
    for (let i = 0; i < 3; i++) {
      vi.advanceTimersByTime(1_300)
      await new Promise((resolve) => socket.write('more', resolve))
      expect(socket.destroyed).toBe(false)
    }
    const gone = new Promise((resolve) => socket.once('close', resolve))
    vi.advanceTimersByTime(200)
    // Only a write tells that the far end is gone for good.
    const writing = setInterval(() => socket.write('more'), 1)
    await gone
    clearInterval(writing)
  })

  it('a tool that closes its half still reads what is answered at once', async () => {
    const { tcp, flows, inputs } = shell({}, (input) => {
      if (input.kind === 'flowData') flows.send(input.flow, utf8('200'))
      if (input.kind === 'flowEnded') flows.closeFlow(input.flow)
    })
    const { port } = await tcp.listen({ id: 0, host: '127.0.0.1', port: 0 })
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    phones.push(socket)
    socket.end('OPTIONS')
    const [bytes] = (await once(socket, 'data')) as [Buffer]
    expect(bytes.toString()).toBe('200')
    await once(socket, 'close')
    expect(inputs.seen.map((input) => input.kind)).toEqual(['flowAccepted', 'flowData', 'flowEnded'])
    expect(flows.closed.get('tcp|remote')).toBe(1)
    expect(flows.active).toBe(0)
  })

  it('S3261-18.2-02 a tool that closes its half reads what is answered later, until the core closes', async () => {
    const { tcp, flows, inputs } = shell({}, () => undefined)
    const { port } = await tcp.listen({ id: 0, host: '127.0.0.1', port: 0 })
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    phones.push(socket)
    socket.end('REGISTER')
    const { flow } = await inputs.next('flowEnded')
    for (const answer of ['100', '200']) {
      flows.send(flow, utf8(answer))
      const [bytes] = (await once(socket, 'data')) as [Buffer]
      expect(bytes.toString()).toBe(answer)
    }
    flows.closeFlow(flow)
    await once(socket, 'close')
    expect(inputs.seen.some((input) => input.kind === 'flowClosed')).toBe(false)
    expect(flows.closed.get('tcp|remote')).toBe(1)
  })

  it('S3261-18.2-02 that a far end had closed altogether shows when something is written behind the answer', async () => {
    const { tcp, flows, inputs } = shell({}, () => undefined)
    const { port } = await tcp.listen({ id: 0, host: '127.0.0.1', port: 0 })
    const socket = await phone(port)
    const { flow } = await inputs.next('flowAccepted')
    socket.destroy()
    await inputs.next('flowEnded')
    // Each waits for the next turn of the loop, where the refusal of the one before has come.
    for (let i = 0; i < 100 && flows.active > 0; i++) {
      flows.send(flow, utf8('200'))
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await inputs.next('flowClosed')).toEqual({ kind: 'flowClosed', flow })
  })

  it('cuts off a far end that does not read', async () => {
    const { tcp, flows, inputs } = shell({ queueBytesMax: 64 * 1024 })
    const { port } = await tcp.listen({ id: 0, host: '127.0.0.1', port: 0 })
    const socket = await phone(port)
    socket.pause()
    const { flow } = await inputs.next('flowAccepted')
    const chunk = new Uint8Array(32 * 1024)
    for (let i = 0; i < 4; i++) flows.send(flow, chunk)
    expect(await inputs.next('flowClosed')).toEqual({ kind: 'flowClosed', flow })
    expect(flows.closed.get('tcp|stuck')).toBe(1)
  })

  it('has a place for so many flows and no more, in all and per source; a place that is freed is used again', async () => {
    const { tcp, flows, inputs } = shell({ flowsPerSourceMax: 2 })
    const { port } = await tcp.listen({ id: 0, host: '127.0.0.1', port: 0 })
    const first = await phone(port)
    await phone(port)
    await inputs.next('flowAccepted', 2)
    const third = await phone(port)
    await once(third, 'close')
    expect(flows.refused.get('tcp|source')).toBe(1)
    first.destroy()
    await inputs.next('flowEnded')
    await phone(port)
    expect(await inputs.next('flowAccepted', 3)).toMatchObject({ flow: 6 })

    const small = shell({ flowsMax: 1 })
    const at = await small.tcp.listen({ id: 0, host: '127.0.0.1', port: 0 })
    await phone(at.port)
    await small.inputs.next('flowAccepted')
    await once(await phone(at.port), 'close')
    expect(small.flows.refused.get('tcp|flows')).toBe(1)
  })

  it('closes a connection on which nothing is said', async () => {
    const { tcp, flows, inputs } = shell({ firstBytesTimeoutMs: 20 })
    const { port } = await tcp.listen({ id: 0, host: '127.0.0.1', port: 0 })
    await phone(port)
    const { flow } = await inputs.next('flowAccepted')
    expect(await inputs.next('flowClosed')).toEqual({ kind: 'flowClosed', flow })
    expect(flows.closed.get('tcp|idle')).toBe(1)
  })

  it('rejects a taken port', async () => {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    await expect(shell().tcp.listen({ id: 0, host: '127.0.0.1', port })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    })
    server.close()
    await once(server, 'close')
  })
})
