import { once } from 'node:events'
import {
  connect as connectTcp,
  createServer as createTcpServer,
  type AddressInfo,
  type Socket,
} from 'node:net'
import { connect, createServer, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { utf8 } from '../../../../src/common/bytes.ts'
import type { SipInput } from '../../../../src/sip/core/contract.ts'
import { STREAM_LIMITS, StreamFlows, type StreamLimits } from '../../../../src/sip/io/stream-flows.ts'
import type { TlsSettings } from '../../../../src/sip/io/tls-context.ts'
import { TlsShell } from '../../../../src/sip/io/tls.ts'
import { Inputs } from '../../../support/inputs.ts'
import { TestAuthority, type TestIdentity } from '../../../support/phone-certificates.ts'

let authority: TestAuthority
let strangers: TestAuthority
let ours: TestIdentity
const closing: (() => unknown)[] = []

beforeAll(async () => {
  authority = await TestAuthority.create('phones')
  strangers = await TestAuthority.create('strangers')
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
  readonly tls: TlsShell
  readonly flows: StreamFlows
  readonly inputs: Inputs<SipInput>
}

function shell(
  settings: Partial<TlsSettings> = {},
  limits: Partial<StreamLimits> = {},
  // The core closes what it owes nothing to.
  react: (input: SipInput, flows: StreamFlows) => void = (input, flows) => {
    if (input.kind === 'flowEnded') flows.closeFlow(input.flow)
  },
): Shell {
  const inputs = new Inputs<SipInput>()
  const flows: StreamFlows = new StreamFlows(
    (input) => {
      inputs.sink(input)
      react(input, flows)
    },
    { ...STREAM_LIMITS, ...limits },
  )
  const tls = new TlsShell(flows, {
    identity: ours,
    authorities: [authority.root],
    verifyClients: 'none',
    ...settings,
  })
  closing.push(() => {
    const closed = tls.close()
    flows.close()
    return closed
  })
  return { tls, flows, inputs }
}

async function listening(made: Shell, id = 3): Promise<number> {
  return (await made.tls.listen({ id, host: '127.0.0.1', port: 0 })).port
}

function dial(port: number, options: ConnectionOptions = {}): TLSSocket {
  const socket = connect({
    host: '127.0.0.1',
    port,
    ca: authority.root,
    servername: 'dht.example.com',
    ...options,
  })
  socket.on('error', () => undefined)
  closing.push(() => socket.destroy())
  return socket
}

async function phone(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = dial(port, options)
  await once(socket, 'secureConnect')
  return socket
}

/** `once` gives up on an error, which is what these tests are about. */
function closed(socket: Socket): Promise<void> {
  socket.on('error', () => undefined)
  return new Promise((resolve) => socket.once('close', () => resolve()))
}

/** A SIP server elsewhere that shows `identity`. */
async function server(identity: TestIdentity): Promise<number> {
  const listener = createServer({ cert: identity.certificates, key: identity.privateKey }, (socket) => {
    socket.on('error', () => undefined)
    socket.pipe(socket)
  })
  listener.on('tlsClientError', () => undefined)
  listener.listen(0, '127.0.0.1')
  closing.push(() => listener.close())
  await once(listener, 'listening')
  return (listener.address() as AddressInfo).port
}

describe('TLS shell, accepting', () => {
  it('shows its certificate and carries bytes both ways; an old protocol is refused', async () => {
    const made = shell()
    const port = await listening(made)
    const socket = await phone(port)
    expect(socket.authorized).toBe(true)
    const accepted = await made.inputs.next('flowAccepted')
    expect(accepted).toEqual({
      kind: 'flowAccepted',
      flow: 2,
      listener: 3,
      host: '127.0.0.1',
      port: socket.localPort,
    })
    socket.write('REGISTER')
    expect((await made.inputs.bytesOf('flowData', 8)).toString()).toBe('REGISTER')
    made.flows.send(2, utf8('200'))
    expect(String((await once(socket, 'data'))[0])).toBe('200')
    socket.destroy()
    expect(await made.inputs.next('flowEnded')).toEqual({ kind: 'flowEnded', flow: 2 })

    const old = dial(port, { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })
    await closed(old)
    expect(made.tls.handshakeFailures.get('protocol')).toBe(1)
    expect(made.inputs.seen.filter(({ kind }) => kind === 'flowAccepted')).toHaveLength(1)
  })

  it('S-41 verifyClients none asks nobody; optional tells who has proven a name, and believes nobody else', async () => {
    const trunk = await authority.issue({ names: [{ type: 'url', value: 'sip:trunk.example.com' }] })
    const liar = await strangers.issue({ names: [{ type: 'url', value: 'sip:trunk.example.com' }] })
    const show = ({ certificates, privateKey }: TestIdentity): ConnectionOptions => ({
      cert: certificates,
      key: privateKey,
    })
    const open = shell()
    await phone(await listening(open), show(trunk))
    expect((await open.inputs.next('flowAccepted')).identities).toBeUndefined()

    const asking = shell({ verifyClients: 'optional' })
    const port = await listening(asking)
    await phone(port, show(trunk))
    expect((await asking.inputs.next('flowAccepted')).identities).toEqual(['trunk.example.com'])
    await phone(port, show(liar))
    expect((await asking.inputs.next('flowAccepted', 2)).identities).toBeUndefined()
    await phone(port)
    expect((await asking.inputs.next('flowAccepted', 3)).identities).toBeUndefined()
  })

  it('S-41 verifyClients require refuses who shows nothing or what cannot be verified', async () => {
    const made = shell({ verifyClients: 'require' })
    const port = await listening(made)
    const liar = await strangers.issue({ names: [{ type: 'url', value: 'sip:trunk.example.com' }] })
    await closed(dial(port))
    await closed(dial(port, { cert: liar.certificates, key: liar.privateKey }))
    const friend = await authority.issue({ names: [{ type: 'dns', value: 'trunk.example.com' }] })
    await phone(port, { cert: friend.certificates, key: friend.privateKey })
    expect((await made.inputs.next('flowAccepted')).identities).toEqual(['trunk.example.com'])
    expect(made.inputs.seen).toHaveLength(1)
    expect(made.tls.handshakeFailures.get('no_certificate')).toBe(1)
    expect(made.tls.handshakeFailures.get('untrusted')).toBe(1)
  })

  it('shows another certificate from the next handshake on and drops nobody', async () => {
    const made = shell()
    const port = await listening(made)
    const before = await phone(port)
    const { flow } = await made.inputs.next('flowAccepted')
    const next = await authority.issue({
      names: [
        { type: 'url', value: 'sip:dht.example.com' },
        { type: 'dns', value: 'dht.example.com' },
      ],
      commonName: 'second',
    })
    made.tls.renew({ identity: next, authorities: [authority.root], verifyClients: 'none' })
    const after = await phone(port)
    expect(after.getPeerCertificate().subject.CN).toBe('second')
    made.flows.send(flow, utf8('still here'))
    expect(String((await once(before, 'data'))[0])).toBe('still here')
    expect(() =>
      made.tls.renew({
        identity: { certificates: next.certificates, privateKey: ours.privateKey },
        authorities: undefined,
        verifyClients: 'none',
      }),
    ).toThrow()
    expect((await phone(port)).getPeerCertificate().subject.CN).toBe('second')
  })

  it('S-40 S-TR-02 who shakes hands and says no more counts, and is cut off in time', async () => {
    const made = shell({}, { flowsPerSourceMax: 2, handshakeTimeoutMs: 50 })
    const port = await listening(made)
    const idle = [connectTcp(port, '127.0.0.1'), connectTcp(port, '127.0.0.1')]
    await Promise.all(idle.map((socket) => once(socket, 'connect')))
    const third = connectTcp(port, '127.0.0.1')
    await closed(third)
    expect(made.flows.refused.get('tls|source')).toBe(1)
    await Promise.all(idle.map((socket) => closed(socket.resume())))
    expect(made.tls.handshakeFailures.get('timeout')).toBe(2)
    await phone(port)
    expect(await made.inputs.next('flowAccepted')).toMatchObject({ flow: 2 })
  })

  it('S-40 who hangs up before his handshake is over leaves his place at once', async () => {
    const made = shell({}, { flowsPerSourceMax: 1 })
    const port = await listening(made)
    for (const said of [new Uint8Array(), await clientHello()]) {
      const socket = connectTcp(port, '127.0.0.1')
      await once(socket, 'connect')
      socket.end(said)
      await closed(socket.resume())
    }
    await phone(port)
    expect(await made.inputs.next('flowAccepted')).toMatchObject({ flow: 2 })
    expect(made.tls.handshakeFailures.get('timeout')).toBe(0)
  })

  it('S3261-18.2-02 the connection of a tool that closes its half behind its request stays until the core closes it', async () => {
    const made = shell({}, {}, () => undefined)
    const port = await listening(made)
    const socket = await phone(port)
    const { flow } = await made.inputs.next('flowAccepted')
    socket.end('REGISTER')
    await made.inputs.next('flowEnded')
    // A whole handshake later it would be gone.
    await phone(port)
    await made.inputs.next('flowAccepted', 2)
    expect(made.flows.active).toBe(2)
    expect(made.inputs.seen).not.toContainEqual({ kind: 'flowClosed', flow })
  })

  it('S-41 a handshake that breaks off after any byte does no harm', async () => {
    const made = shell({}, { handshakeTimeoutMs: 40 })
    const port = await listening(made)
    const hello = await clientHello()
    for (let length = 1; length < hello.length; length += 37) {
      const socket = connectTcp(port, '127.0.0.1')
      await once(socket, 'connect')
      socket.end(hello.subarray(0, length))
      await closed(socket.resume())
    }
    const plain = connectTcp(port, '127.0.0.1')
    plain.write('OPTIONS sip:dht.example.com SIP/2.0\r\n\r\n')
    await closed(plain.resume())
    await phone(port)
    expect(await made.inputs.next('flowAccepted')).toMatchObject({ flow: 2 })
    expect(made.tls.handshakeFailures.get('protocol')).toBe(1)
  })

  it('S-41 a client that begins the handshake anew is not listened to', async () => {
    const made = shell()
    const port = await listening(made)
    const socket = await phone(port, { maxVersion: 'TLSv1.2' })
    const refused = new Promise<Error | null>((resolve) => {
      socket.once('error', resolve)
      socket.renegotiate({}, resolve)
    })
    expect(String(await refused)).toContain('no renegotiation')
    expect(made.inputs.seen.filter(({ kind }) => kind === 'flowAccepted')).toHaveLength(1)
  })

  it('S-46 cuts off a phone that does not read', async () => {
    const made = shell({}, { queueBytesMax: 64 * 1024 })
    const port = await listening(made)
    const socket = await phone(port)
    socket.pause()
    const { flow } = await made.inputs.next('flowAccepted')
    for (let i = 0; i < 4; i++) made.flows.send(flow, new Uint8Array(32 * 1024))
    expect(await made.inputs.next('flowClosed')).toEqual({ kind: 'flowClosed', flow })
    expect(made.flows.closed.get('tls|stuck')).toBe(1)
  })
})

describe('TLS shell, connecting', () => {
  it('S5922-7.3-01 opens a flow to whom the certificate names, for the domain asked for and no other', async () => {
    const port = await server(await authority.issue({ names: [{ type: 'url', value: 'sip:example.org' }] }))
    const made = shell()
    made.tls.connect(1, '127.0.0.1', port, 'example.org')
    expect(await made.inputs.next('flowOpened')).toEqual({ kind: 'flowOpened', flow: 1 })
    made.flows.send(1, utf8('echo'))
    expect((await made.inputs.bytesOf('flowData', 4)).toString()).toBe('echo')
    made.tls.connect(3, '127.0.0.1', port, 'sip1.example.org')
    expect(await made.inputs.next('flowFailed')).toMatchObject({ flow: 3 })
    expect(made.tls.handshakeFailures.get('identity')).toBe(1)
  })

  it('S5922-7.2-01 S5922-7.3-01 neither a wildcard nor a stranger of the right name will do', async () => {
    const wild = await server(await authority.issue({ names: [{ type: 'dns', value: '*.example.org' }] }))
    const stranger = await server(
      await strangers.issue({ names: [{ type: 'url', value: 'sip:sip.example.org' }] }),
    )
    const made = shell()
    made.tls.connect(1, '127.0.0.1', wild, 'sip.example.org')
    await made.inputs.next('flowFailed')
    made.tls.connect(3, '127.0.0.1', stranger, 'sip.example.org')
    await made.inputs.next('flowFailed', 2)
    expect(made.tls.handshakeFailures.get('identity')).toBe(1)
    expect(made.tls.handshakeFailures.get('untrusted')).toBe(1)
    expect(made.inputs.seen.some(({ kind }) => kind === 'flowOpened')).toBe(false)
  })

  it('shows its own certificate to a server that asks', async () => {
    const far = shell({ verifyClients: 'require' })
    const port = await listening(far)
    const made = shell()
    made.tls.connect(1, '127.0.0.1', port, 'dht.example.com')
    await made.inputs.next('flowOpened')
    expect((await far.inputs.next('flowAccepted')).identities).toEqual(['dht.example.com'])
  })

  it('S3261-18.4-01 says so when nobody listens, nobody speaks TLS, or the address is none', async () => {
    const silent = createTcpServer((socket) => socket.on('error', () => undefined))
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    closing.push(() => silent.close())
    const made = shell({}, { connectTimeoutMs: 50 })
    made.tls.connect(1, '127.0.0.1', (silent.address() as AddressInfo).port, 'a.example')
    expect(await made.inputs.next('flowFailed')).toMatchObject({ flow: 1, reason: 'timeout' })
    const port = await server(ours)
    made.tls.connect(3, 'dht.example.com', port, 'dht.example.com')
    expect(await made.inputs.next('flowFailed', 2)).toMatchObject({ flow: 3 })
    const gone = createTcpServer()
    gone.listen(0, '127.0.0.1')
    await once(gone, 'listening')
    const free = (gone.address() as AddressInfo).port
    gone.close()
    await once(gone, 'close')
    made.tls.connect(5, '127.0.0.1', free, 'a.example')
    expect(await made.inputs.next('flowFailed', 3)).toMatchObject({ flow: 5, reason: 'ECONNREFUSED' })
  })
})

/** The first bytes of a TLS client, as they go over the wire. */
async function clientHello(): Promise<Buffer> {
  const catcher = createTcpServer()
  catcher.listen(0, '127.0.0.1')
  await once(catcher, 'listening')
  const bytes = new Promise<Buffer>((resolve) => {
    catcher.once('connection', (socket) => {
      socket.on('error', () => undefined)
      socket.once('data', (data: Buffer) => {
        resolve(data)
        socket.destroy()
      })
    })
  })
  const socket = connect({ port: (catcher.address() as AddressInfo).port, host: '127.0.0.1' })
  socket.on('error', () => undefined)
  const hello = await bytes
  socket.destroy()
  catcher.close()
  await once(catcher, 'close')
  return hello
}
