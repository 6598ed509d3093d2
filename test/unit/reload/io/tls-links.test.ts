import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { connect as connectTcp, createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { tlsIdentity } from '../../../../src/app/trust/node-identity.ts'
import { utf8 } from '../../../../src/common/bytes.ts'
import type { TlsIdentity } from '../../../../src/reload/io/tls-identity.ts'
import { TLS_LIMITS, TlsLinks, type TlsLimits } from '../../../../src/reload/io/tls-links.ts'
import type { PeerInput } from '../../../../src/reload/peer/contract.ts'
import type { Credential } from '../../../../src/reload/security/index.ts'
import { aTestOverlay } from '../../../support/credentials.ts'
import { Inputs } from '../../../support/inputs.ts'

const open: TlsLinks[] = []
const sockets: (Socket | TLSSocket)[] = []
let folder = ''
let alice: { credential: Credential; identity: TlsIdentity }
let bob: { credential: Credential; identity: TlsIdentity }

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ringbridge-tls-'))
  const overlay = await aTestOverlay()
  alice = identityOf(await overlay.credential('alice@dht.example.com'))
  bob = identityOf(await overlay.credential('bob@dht.example.com', 'rsa'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await Promise.all(open.splice(0).map((each) => each.close()))
})

function identityOf(credential: Credential): { credential: Credential; identity: TlsIdentity } {
  return {
    credential,
    identity: tlsIdentity(credential),
  }
}

function links(
  identity: TlsIdentity,
  limits: Partial<TlsLimits> = {},
  keyLogFile?: string,
): { tls: TlsLinks; inputs: Inputs<PeerInput> } {
  const inputs = new Inputs<PeerInput>()
  const tls = new TlsLinks(inputs.sink, identity, { limits: { ...TLS_LIMITS, ...limits }, keyLogFile })
  open.push(tls)
  return { tls, inputs }
}

async function pair(limits: Partial<TlsLimits> = {}) {
  const server = links(alice.identity, limits)
  const client = links(bob.identity, limits)
  const at = await server.tls.listen('overlay', '127.0.0.1', 0)
  client.tls.open(1, 'overlay', at)
  const opened = await client.inputs.next('channelOpened')
  const accepted = await server.inputs.next('channelOpened')
  return { server, client, at, opened, accepted }
}

describe('TLS links', () => {
  it('R6940-13.2-01 both ends show their certificate; the raw DER reaches the core', async () => {
    const { opened, accepted, at } = await pair()
    expect(opened).toMatchObject({ channel: 1, purpose: 'overlay', role: 'client', remote: at })
    expect(accepted).toMatchObject({ channel: 2, purpose: 'overlay', role: 'server' })
    expect(Buffer.from(opened.certificates[0] as Uint8Array)).toEqual(
      Buffer.from(alice.credential.certificate.der),
    )
    expect(Buffer.from(accepted.certificates[0] as Uint8Array)).toEqual(
      Buffer.from(bob.credential.certificate.der),
    )
  })

  it('R6940-13.2-01 R6940-6.5.1.13-02 who shows no certificate gets no channel', async () => {
    const { tls, inputs } = links(alice.identity)
    const { port } = await tls.listen('application', '127.0.0.1', 0)
    const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false })
    socket.on('error', () => undefined)
    sockets.push(socket)
    await once(socket, 'close')
    expect(tls.failures.get('tls|no_certificate')).toBe(1)
    expect(inputs.seen).toEqual([])
  })

  it('R6940-1.2-01 TLS 1.2 is spoken and nothing older', async () => {
    const { tls, inputs } = links(alice.identity)
    const { port } = await tls.listen('overlay', '127.0.0.1', 0)
    const credentials = { cert: bob.identity.certificates, key: bob.identity.privateKey }
    const good = connectTls({
      host: '127.0.0.1',
      port,
      rejectUnauthorized: false,
      maxVersion: 'TLSv1.2',
      ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256',
      ...credentials,
    })
    sockets.push(good)
    await inputs.next('channelOpened')
    expect(good.getProtocol()).toBe('TLSv1.2')
    const old = connectTls({
      host: '127.0.0.1',
      port,
      rejectUnauthorized: false,
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
      ...credentials,
    })
    sockets.push(old)
    const [error] = (await once(old, 'error')) as [NodeJS.ErrnoException]
    expect(error.code).toMatch(/PROTOCOL_VERSION|NO_PROTOCOLS|UNSUPPORTED/)
  })

  it('carries bytes both ways and joins the writes of one turn', async () => {
    const { server, client } = await pair()
    client.tls.send(1, utf8('one '))
    client.tls.send(1, utf8('two'))
    expect((await server.inputs.bytesOf('channelData', 7)).toString()).toBe('one two')
    // One record: it comes out of the far end's TLS in one piece.
    expect(server.inputs.seen.filter(({ kind }) => kind === 'channelData')).toHaveLength(1)
    server.tls.send(2, utf8('answer'))
    expect((await client.inputs.bytesOf('channelData', 6)).toString()).toBe('answer')
    client.tls.closeChannel(1)
    expect(await server.inputs.next('channelClosed')).toEqual({ kind: 'channelClosed', channel: 2 })
    expect(client.inputs.seen.some((input) => input.kind === 'channelClosed')).toBe(false)
    expect(client.tls.active).toBe(0)
  })

  it('says why a channel did not come up', async () => {
    const { tls, inputs } = links(alice.identity)
    const refusing = createServer()
    refusing.listen(0, '127.0.0.1')
    await once(refusing, 'listening')
    const { port } = refusing.address() as AddressInfo
    refusing.close()
    await once(refusing, 'close')
    tls.open(1, 'overlay', { address: '127.0.0.1', port })
    expect(await inputs.next('channelFailed')).toEqual({
      kind: 'channelFailed',
      channel: 1,
      reason: 'ECONNREFUSED',
    })
    tls.open(3, 'overlay', { address: 'peer.example.org', port: 6084 })
    expect(await inputs.next('channelFailed', 2)).toMatchObject({ channel: 3 })
    expect(tls.failures.get('tls|tcp')).toBe(1)
  })

  it('gives up a handshake that does not end, on both sides', async () => {
    const silent = createServer((socket) => sockets.push(socket))
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    const { tls, inputs } = links(alice.identity, { handshakeTimeoutMs: 30 })
    tls.open(1, 'overlay', { address: '127.0.0.1', port })
    expect(await inputs.next('channelFailed')).toMatchObject({
      channel: 1,
      reason: 'no TLS handshake in time',
    })
    expect(tls.failures.get('tls|tls')).toBe(1)

    const at = await tls.listen('overlay', '127.0.0.1', 0)
    const mute = connectTcp(at.port, '127.0.0.1')
    mute.on('error', () => undefined)
    sockets.push(mute)
    await once(mute, 'close')
    expect(tls.failures.get('tls|tls')).toBe(2)
    silent.close()
  })

  it('has so many places and no more, also for those who never finish', async () => {
    const { tls } = links(alice.identity, { connectionsPerSourceMax: 1 })
    const { port } = await tls.listen('overlay', '127.0.0.1', 0)
    const first = connectTcp(port, '127.0.0.1')
    first.on('error', () => undefined)
    await once(first, 'connect')
    const second = connectTcp(port, '127.0.0.1')
    second.on('error', () => undefined)
    sockets.push(first, second)
    await once(second, 'close')
    expect(tls.failures.get('tls|limit')).toBe(1)
  })

  it('cuts off a far end that does not read', async () => {
    const { server, client } = await pair({ queueBytesMax: 256 * 1024 })
    const chunk = new Uint8Array(200 * 1024)
    server.tls.send(2, chunk)
    server.tls.send(2, chunk)
    expect(await server.inputs.next('channelClosed')).toEqual({ kind: 'channelClosed', channel: 2 })
    expect(server.tls.failures.get('tls|stuck')).toBe(1)
    expect(await client.inputs.next('channelClosed')).toMatchObject({ channel: 1 })
  })

  it('writes an NSS key log of both roles when asked to, for its owner only', async () => {
    const serverLog = join(folder, 'server.keylog')
    const clientLog = join(folder, 'client.keylog')
    const server = links(alice.identity, {}, serverLog)
    const client = links(bob.identity, {}, clientLog)
    client.tls.open(1, 'overlay', await server.tls.listen('overlay', '127.0.0.1', 0))
    await server.inputs.next('channelOpened')
    await client.inputs.next('channelOpened')
    for (const file of [serverLog, clientLog]) {
      expect(readFileSync(file, 'utf8')).toMatch(
        /^(CLIENT_RANDOM|CLIENT_HANDSHAKE_TRAFFIC_SECRET|SERVER_HANDSHAKE) ?/m,
      )
      expect(statSync(file).mode & 0o777).toBe(0o600)
    }
    // Whoever reads along finds one frame in a record.
    client.tls.send(1, utf8('one '))
    client.tls.send(1, utf8('two'))
    expect((await server.inputs.bytesOf('channelData', 7)).toString()).toBe('one two')
    expect(server.inputs.seen.filter(({ kind }) => kind === 'channelData')).toHaveLength(2)
  })
})
