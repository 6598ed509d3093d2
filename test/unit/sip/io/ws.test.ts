import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { connect as connectTcp, type Socket } from 'node:net'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { WebSocket, WebSocketServer, type ClientOptions } from 'ws'
import { utf8 } from '../../../../src/common/bytes.ts'
import type { SipInput } from '../../../../src/sip/core/contract.ts'
import { STREAM_LIMITS, StreamFlows, type StreamLimits } from '../../../../src/sip/io/stream-flows.ts'
import { WebSocketArrivals } from '../../../../src/sip/io/web-socket-arrivals.ts'
import { WebSocketGate, type WebSocketGateInit } from '../../../../src/sip/io/web-socket-gate.ts'
import { WsShell } from '../../../../src/sip/io/ws.ts'
import { Inputs } from '../../../support/inputs.ts'
import { TestAuthority, type TestIdentity } from '../../../support/phone-certificates.ts'

const SECRET = 'a secret of the web application'
let authority: TestAuthority
let ours: TestIdentity
const closing: (() => unknown)[] = []

beforeAll(async () => {
  authority = await TestAuthority.create('phones')
  ours = await authority.issue({
    names: [
      { type: 'url', value: 'sip:dht.example.com' },
      { type: 'dns', value: 'dht.example.com' },
    ],
  })
})
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()))
})

interface Shell {
  readonly ws: WsShell
  readonly flows: StreamFlows
  readonly inputs: Inputs<SipInput>
}

function shell(
  limits: Partial<StreamLimits> = {},
  gate?: WebSocketGateInit,
  arrivals?: WebSocketArrivals,
): Shell {
  const inputs = new Inputs<SipInput>()
  const flows = new StreamFlows(inputs.sink, { ...STREAM_LIMITS, ...limits })
  const settings = { identity: ours, authorities: [authority.root], verifyClients: 'none' as const }
  const ws = new WsShell(flows, settings, gate && new WebSocketGate(gate), arrivals)
  closing.push(() => {
    const closed = ws.close()
    flows.close()
    return closed
  })
  return { ws, flows, inputs }
}

async function listening(made: Shell, transport: 'ws' | 'wss' = 'ws'): Promise<number> {
  return (await made.ws.listen(transport, { id: 5, host: '127.0.0.1', port: 0 })).port
}

function dial(url: string, protocols: string | string[] = 'sip', options: ClientOptions = {}): WebSocket {
  const socket = new WebSocket(url, protocols, options)
  socket.on('error', () => undefined)
  closing.push(() => socket.terminate())
  return socket
}

async function phone(port: number): Promise<WebSocket> {
  const socket = dial(`ws://127.0.0.1:${port}/`)
  await once(socket, 'open')
  return socket
}

/** Status of a handshake that is refused. */
async function refusal(socket: WebSocket): Promise<IncomingMessage> {
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage]
  return response
}

/** The connection under a WebSocket of the test's own. */
function carrierOf(socket: WebSocket): Socket {
  return (socket as unknown as { readonly _socket: Socket })._socket
}

/** The next connection that a phone makes gives its place back. */
function placeGivenBack(flows: StreamFlows): Promise<void> {
  const seat = flows.seat.bind(flows)
  return new Promise((resolve) => {
    vi.spyOn(flows, 'seat').mockImplementationOnce((...from) => {
      const leave = seat(...from)
      return () => {
        leave?.()
        resolve()
      }
    })
  })
}

function closed(socket: Socket | WebSocket): Promise<unknown> {
  socket.on('error', () => undefined)
  return new Promise((resolve) => socket.once('close', resolve))
}

describe('WebSocket shell, accepting', () => {
  it('S7118-4.1-01 speaks the subprotocol sip and refuses a handshake without it', async () => {
    const made = shell()
    const port = await listening(made)
    const socket = dial(`ws://127.0.0.1:${port}/any/path?x=1`, ['xmpp', 'sip'])
    const [response] = (await once(socket, 'upgrade')) as [IncomingMessage]
    expect(response.headers['sec-websocket-protocol']).toBe('sip')
    expect(await made.inputs.next('flowAccepted')).toMatchObject({ flow: 2, listener: 5, host: '127.0.0.1' })
    for (const offered of [[], ['xmpp'], ['SIP'], ['sip2', 'Sip']]) {
      const { statusCode } = await refusal(dial(`ws://127.0.0.1:${port}/`, offered))
      expect(statusCode).toBe(400)
    }
    expect(made.inputs.seen.filter(({ kind }) => kind === 'flowAccepted')).toHaveLength(1)
  })

  it('S7118-4.2-01 takes text and binary, and sends binary what is not UTF-8', async () => {
    const made = shell()
    const socket = await phone(await listening(made))
    const { flow } = await made.inputs.next('flowAccepted')
    socket.send('OPTIONS ü')
    socket.send(Buffer.from([0x4f, 0xff]), { binary: true })
    expect(Buffer.from((await made.inputs.next('flowData')).bytes).toString()).toBe('OPTIONS ü')
    expect([...(await made.inputs.next('flowData', 2)).bytes]).toEqual([0x4f, 0xff])

    const received: [string, boolean][] = []
    const three = new Promise<void>((resolve) => {
      socket.on('message', (data: Buffer, binary: boolean) => {
        if (received.push([data.toString('latin1'), binary]) === 3) resolve()
      })
    })
    made.flows.send(flow, utf8('plain'))
    made.flows.send(flow, utf8('ü'))
    made.flows.send(flow, Uint8Array.of(0xff, 0xfe))
    await three
    expect(received).toEqual([
      ['plain', false],
      [Buffer.from('ü').toString('latin1'), false],
      ['\xff\xfe', true],
    ])
  })

  it('S7118-6-01 answers pings, and gives up who does not answer ours', async () => {
    const made = shell({ pingIntervalMs: 20 })
    const port = await listening(made)
    const socket = await phone(port)
    socket.ping('are you there')
    expect(String((await once(socket, 'pong'))[0])).toBe('are you there')
    await once(socket, 'ping')

    const deaf = dial(`ws://127.0.0.1:${port}/`, 'sip', { autoPong: false })
    await closed(deaf)
    expect(await made.inputs.next('flowClosed')).toEqual({ kind: 'flowClosed', flow: 4 })
    expect(made.flows.closed.get('ws|idle')).toBe(1)
    expect(made.ws.keepaliveFailures.get('ws')).toBe(1)
    expect(socket.readyState).toBe(WebSocket.OPEN)
  })

  it('S-02 closes a WebSocket whose message does not come to its end, whatever is said in between', async () => {
    const arrivals = new WebSocketArrivals(() => STREAM_LIMITS, { completeMs: 100 })
    const made = shell({}, undefined, arrivals)
    const port = await listening(made)
    const slow = await phone(port)
    slow.send('whole')
    await made.inputs.next('flowData')
    expect(arrivals.bytes).toBe(0)
    slow.send('a frame of a message', { fin: false })
    const pings = setInterval(() => slow.ping('I am here', undefined, () => undefined), 10)
    await closed(slow)
    clearInterval(pings)
    expect(await made.inputs.next('flowClosed')).toEqual({ kind: 'flowClosed', flow: 2 })
    expect(made.flows.closed.get('ws|idle')).toBe(1)
    expect(arrivals.bytes).toBe(0)
  })

  it('S-02 bounds what all WebSockets hold of messages that are not complete; who holds most goes', async () => {
    const arrivals = new WebSocketArrivals(() => STREAM_LIMITS, { bytesMax: 25_000 })
    const made = shell({}, undefined, arrivals)
    const port = await listening(made)
    const [little, much] = [await phone(port), await phone(port)]
    little.send('x'.repeat(5_000), { fin: false })
    // Half of a frame: its length, a mask of zeros, and what follows.
    const frame = Buffer.alloc(8 + 18_000, 'x')
    frame.set([0x81, 0xfe, 60_000 >> 8, 60_000 & 0xff, 0, 0, 0, 0])
    carrierOf(much).write(frame)
    await closed(much)
    expect(await made.inputs.next('flowClosed')).toEqual({ kind: 'flowClosed', flow: 4 })
    little.send('and its end')
    expect((await made.inputs.next('flowData')).bytes).toHaveLength(5_000 + 'and its end'.length)
    expect(arrivals.bytes).toBe(0)
  })

  it('S-02 a message in very many pieces is not taken, and each piece counts with what it keeps in memory', async () => {
    const arrivals = new WebSocketArrivals(() => STREAM_LIMITS)
    const made = shell({}, undefined, arrivals)
    const port = await listening(made)
    const crumbs = await phone(port)
    for (let i = 0; i < 200; i++) crumbs.send('x', { fin: false })
    await closed(crumbs)
    expect(await made.inputs.next('flowClosed')).toEqual({ kind: 'flowClosed', flow: 2 })

    const pins = await phone(port)
    // A frame of one byte that is not the last, and pongs that came in the same piece and stay with it.
    const crumb = Buffer.from([0x01, 0x81, 0, 0, 0, 0, 0x78])
    const pong = Buffer.from([0x8a, 0xfd, ...new Uint8Array(4 + 125)])
    carrierOf(pins).write(Buffer.concat([crumb, ...new Array<Buffer>(20).fill(pong)]))
    pins.ping('did it come?')
    await once(pins, 'pong')
    expect(arrivals.bytes).toBeGreaterThan(2_000)
    pins.terminate()
    await made.inputs.next('flowClosed', 2)
    expect(arrivals.bytes).toBe(0)
  })

  it('S-40 closes a WebSocket on which nothing is said', async () => {
    const made = shell({ pingIntervalMs: 10, firstBytesTimeoutMs: 30 })
    await phone(await listening(made))
    await made.inputs.next('flowClosed')
    expect(made.flows.closed.get('ws|idle')).toBe(1)
    expect(made.ws.keepaliveFailures.get('ws')).toBe(0)
  })

  it('E12 hands on a message of up to twice the limit, to be answered with 513', async () => {
    const made = shell({ messageBytesMax: 1_000 })
    const socket = await phone(await listening(made))
    socket.send('x'.repeat(2_000))
    expect((await made.inputs.next('flowData')).bytes).toHaveLength(2_000)
    socket.send('and goes on')
    expect(Buffer.from((await made.inputs.next('flowData', 2)).bytes).toString()).toBe('and goes on')
  })

  it('closes a message that is far too long, and text that is none, before the core sees it', async () => {
    const made = shell({ messageBytesMax: 1_000 })
    const port = await listening(made)
    const long = await phone(port)
    const gone = closed(long)
    long.send('x'.repeat(2_001))
    expect(await gone).toBe(1009)
    const bad = await phone(port)
    const alsoGone = closed(bad)
    bad.send(Buffer.from([0xff, 0xff]), { binary: false })
    expect(await alsoGone).toBe(1007)
    await made.inputs.next('flowClosed', 2)
    expect(made.inputs.seen.some(({ kind }) => kind === 'flowData')).toBe(false)
  })

  it('S-46 cuts off a phone that does not read', async () => {
    const made = shell({ queueBytesMax: 64 * 1024 })
    const socket = await phone(await listening(made))
    socket.pause()
    const { flow } = await made.inputs.next('flowAccepted')
    for (let i = 0; i < 4_000 && made.flows.active > 0; i++) {
      made.flows.send(flow, new Uint8Array(32 * 1024))
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await made.inputs.next('flowClosed')).toEqual({ kind: 'flowClosed', flow })
    expect(made.flows.closed.get('ws|stuck')).toBe(1)
  })

  it('S-40 S-TR-02 counts who has not finished the handshake, and gives the place back', async () => {
    const made = shell({ flowsPerSourceMax: 1, handshakeTimeoutMs: 40 })
    const port = await listening(made)
    const idle = connectTcp(port, '127.0.0.1')
    await once(idle, 'connect')
    await closed(connectTcp(port, '127.0.0.1'))
    expect(made.flows.refused.get('ws|source')).toBe(1)
    await closed(idle.resume())
    await phone(port)
    expect(await made.inputs.next('flowAccepted')).toMatchObject({ flow: 2 })
  })

  it.each([
    ['400', 'xmpp', undefined],
    ['401', 'sip', { origins: [], ticket: { cookie: 'session', secret: SECRET } }],
    ['403', 'sip', { origins: ['https://phone.example.com'], ticket: undefined }],
  ])(
    'S-TR-02 a handshake refused with %s gives its place back, also where the client does not close',
    async (status, subprotocol, gate) => {
      const made = shell({ flowsPerSourceMax: 1 }, gate)
      const port = await listening(made)
      for (let i = 0; i < 2; i++) {
        const free = placeGivenBack(made.flows)
        const idle = connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true })
        closing.push(() => idle.destroy())
        idle.write(
          'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
            `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: ${subprotocol}\r\n\r\n`,
        )
        const [answer] = (await once(idle, 'data')) as [Buffer]
        expect(answer.toString()).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
        await once(idle, 'end')
        await free
      }
      expect(made.flows.refused.get('ws|source')).toBe(0)
    },
  )

  it('a flow that the core closes ends with a close frame and says no more', async () => {
    const made = shell()
    const socket = await phone(await listening(made))
    const { flow } = await made.inputs.next('flowAccepted')
    made.flows.send(flow, utf8('bye'))
    made.flows.closeFlow(flow)
    expect(String((await once(socket, 'message'))[0])).toBe('bye')
    expect(await closed(socket)).toBe(1000)
    expect(made.inputs.seen.map(({ kind }) => kind)).toEqual(['flowAccepted'])
  })

  it('S5626-7-03 who has said Close, or was told it, is gone at once, though his TCP stays', async () => {
    const made = shell()
    const port = await listening(made)
    const frames = { parting: [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8], unmasked: [0x81, 0x01, 0x61] }
    for (const [count, frame] of [
      [1, frames.parting],
      [2, frames.unmasked],
    ] as const) {
      let carried = true
      void placeGivenBack(made.flows).then(() => (carried = false))
      const socket = await phone(port)
      // It neither answers a Close nor ends its side.
      const carrier = carrierOf(socket)
      carrier.removeAllListeners('data').removeAllListeners('end')
      carrier.allowHalfOpen = true
      carrier.write(Buffer.from(frame))
      expect(await made.inputs.next('flowClosed', count)).toEqual({ kind: 'flowClosed', flow: 2 * count })
      expect(carried).toBe(true)
      expect(made.flows.active).toBe(0)
    }
    expect([made.flows.closed.get('ws|remote'), made.flows.closed.get('ws|error')]).toEqual([1, 1])
  })

  it('tells a browser that looks what the port is for', async () => {
    const port = await listening(shell())
    const [response] = (await once(request({ port, host: '127.0.0.1' }).end(), 'response')) as [
      IncomingMessage,
    ]
    response.resume()
    expect(response.statusCode).toBe(426)
    expect(response.headers.upgrade).toBe('websocket')
  })

  it('speaks over TLS, and shows another certificate from the next handshake on', async () => {
    const made = shell()
    const port = await listening(made, 'wss')
    const options = { ca: authority.root, servername: 'dht.example.com' } as ClientOptions
    const socket = dial(`wss://127.0.0.1:${port}/`, 'sip', options)
    await once(socket, 'open')
    expect(await made.inputs.next('flowAccepted')).toMatchObject({ flow: 2, host: '127.0.0.1' })
    const next = await authority.issue({ names: [{ type: 'dns', value: 'other.example.com' }] })
    made.ws.renew({ identity: next, authorities: undefined, verifyClients: 'none' })
    await closed(dial(`wss://127.0.0.1:${port}/`, 'sip', options))
    const again = dial(`wss://127.0.0.1:${port}/`, 'sip', {
      ...options,
      servername: 'other.example.com',
    } as ClientOptions)
    await once(again, 'open')
    socket.send('still here')
    expect(Buffer.from((await made.inputs.next('flowData')).bytes).toString()).toBe('still here')
  })
})

describe('WebSocket shell, who may connect', () => {
  const soon = String(Math.floor(Date.now() / 1000) + 600)

  function ticket(text: string, secret = SECRET): string {
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
  }

  it('S7118-7-01 asks for a ticket in a cookie or as a password, with 401, where it is told to', async () => {
    const made = shell({}, { origins: [], ticket: { cookie: 'session', secret: SECRET } })
    const port = await listening(made)
    const open = (headers: Record<string, string>): WebSocket =>
      dial(`ws://127.0.0.1:${port}/`, 'sip', { headers })
    const bare = await refusal(open({}))
    expect(bare.statusCode).toBe(401)
    expect(bare.headers['www-authenticate']).toMatch(/^Basic /)
    for (const value of [
      ticket(`alice.${soon}`, 'another secret altogether'),
      ticket('alice.1000'),
      `alice.${soon}.`,
      'nonsense',
    ]) {
      expect((await refusal(open({ cookie: `session=${value}` }))).statusCode).toBe(401)
    }
    await once(open({ cookie: `a=b; session=${ticket(`alice.${soon}`)}; c=d` }), 'open')
    const basic = Buffer.from(`alice:${ticket(`alice.${soon}`)}`).toString('base64')
    await once(open({ authorization: `Basic ${basic}` }), 'open')
    await made.inputs.next('flowAccepted', 2)
  })

  it('S7118-7-01 lets in the pages that it is told of', async () => {
    const made = shell({}, { origins: ['https://phone.example.com'], ticket: undefined })
    const port = await listening(made)
    const from = (origin: string): WebSocket => dial(`ws://127.0.0.1:${port}/`, 'sip', { origin })
    expect((await refusal(from('https://evil.example'))).statusCode).toBe(403)
    await once(from('https://phone.example.com'), 'open')
  })
})

describe('WebSocket shell, connecting', () => {
  async function server(protocol: string): Promise<number> {
    const far = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => protocol })
    far.on('connection', (socket) => {
      socket.on('message', (data: Buffer, binary) => socket.send(data, { binary }))
    })
    closing.push(() => {
      for (const client of far.clients) client.terminate()
      far.close()
    })
    await once(far, 'listening')
    const address = far.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  it('opens a flow to a SIP WebSocket Server and names the domain as its host', async () => {
    const made = shell()
    const port = await server('sip')
    made.ws.connect(1, 'ws', '127.0.0.1', port, 'example.org')
    expect(await made.inputs.next('flowOpened')).toEqual({ kind: 'flowOpened', flow: 1 })
    made.flows.send(1, utf8('echo'))
    expect(Buffer.from((await made.inputs.next('flowData')).bytes).toString()).toBe('echo')
  })

  it('S7118-4.1-01 does not speak to a server that answers another subprotocol', async () => {
    const made = shell()
    made.ws.connect(1, 'ws', '127.0.0.1', await server('xmpp'), 'example.org')
    expect(await made.inputs.next('flowFailed')).toMatchObject({ flow: 1 })
  })

  it('S5922-7.3-01 over TLS only to whom the certificate names', async () => {
    const far = shell()
    const port = await listening(far, 'wss')
    const made = shell()
    made.ws.connect(1, 'wss', '127.0.0.1', port, 'dht.example.com')
    expect(await made.inputs.next('flowOpened')).toEqual({ kind: 'flowOpened', flow: 1 })
    made.ws.connect(3, 'wss', '127.0.0.1', port, 'example.org')
    expect(await made.inputs.next('flowFailed')).toMatchObject({ flow: 3 })
    expect(made.ws.handshakeFailures.get('identity')).toBe(1)
    made.ws.connect(5, 'ws', 'example.org', port, 'example.org')
    expect(await made.inputs.next('flowFailed', 2)).toMatchObject({ flow: 5 })
  })
})
