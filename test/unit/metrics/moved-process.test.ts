import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createSocket } from 'node:dgram'
import { connect as connectTcp, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import type { Request } from 'sip'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { loadAccounts, saveAccounts } from '../../../src/app/accounts/account-file.ts'
import { newAccount } from '../../../src/app/accounts/new-account.ts'
import { checkCombinations } from '../../../src/app/config/check.ts'
import { readConfig } from '../../../src/app/config/load.ts'
import { startNode, type RunningNode } from '../../../src/app/node.ts'
import { UserVault } from '../../../src/app/trust/user-vault.ts'
import { Phone } from '../../../src/cli/phone/phone.ts'
import { utf8 } from '../../../src/common/bytes.ts'
import { NO_TRACE } from '../../../src/common/trace.ts'
import {
  credentialFolderName,
  issueCredential,
  openAuthority,
  saveCredential,
} from '../../../src/enrollment/io/index.ts'
import { NodeCrypto } from '../../../src/reload/security/index.ts'
import { HepSender } from '../../../src/trace/io/hep-sender.ts'
import { Meter } from '../../support/meter.ts'

const DOMAIN = 'dht.example.com'
const HOUR = 3_600_000

let folder = ''
const running = new Set<RunningNode>()
const phones: Phone[] = []

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringbridge-metrics-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))
afterEach(async () => {
  for (const phone of phones.splice(0)) phone.close()
  await Promise.all([...running].map((node) => node.stop()))
  running.clear()
})

/** A node on loopback and on ports that the system chooses; its accounts are ann and ben. */
async function start(name: string, more: Record<string, Record<string, unknown>> = {}): Promise<RunningNode> {
  const users = join(folder, 'users.jsonl')
  if (loadedUsers(users) === 0)
    saveAccounts(
      users,
      ['ann', 'ben'].map((user) => newAccount(user, DOMAIN, `pw-${user}`)),
    )
  const all = {
    overlay: { listen: ['tls://127.0.0.1:0'], ...more['overlay'] },
    sip: {
      listen: ['udp://127.0.0.1:0', 'tcp://127.0.0.1:0'],
      users,
      enrollOnFirstRegister: true,
      ...more['sip'],
    },
    admin: { listen: '127.0.0.1:0' },
    trace: { ...more['trace'] },
    data: { dir: join(folder, name) },
  }
  const config = readConfig(JSON.stringify(all), 'test', {})
  checkCombinations(config)
  const node = await startNode(config, NO_TRACE)
  running.add(node)
  await node.ready()
  return node
}

function loadedUsers(file: string): number {
  try {
    return loadAccounts(file).length
  } catch {
    return 0
  }
}

function meterOf(node: RunningNode): Promise<Meter> {
  return Meter.reading(async () => (await fetch(`http://${node.admin}/metrics`)).text())
}

async function phone(node: RunningNode, user: string, transport: 'udp' | 'tcp' = 'udp'): Promise<Phone> {
  const port = node.sip.find((each) => each.transport === transport)?.port ?? 0
  const opened = await Phone.open({
    aor: `${user}@${DOMAIN}`,
    username: user,
    password: `pw-${user}`,
    server: { host: '127.0.0.1', port },
    transport,
  })
  phones.push(opened)
  expect((await opened.register(600)).status).toBe(200)
  return opened
}

/** The other end has closed it; why does not matter. */
async function closed(socket: Socket): Promise<void> {
  socket.on('error', () => undefined)
  socket.resume()
  await new Promise<void>((resolve) => socket.once('close', () => resolve()))
}

function dial(port: number, options: ConnectionOptions = {}): Socket {
  return connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options })
}

describe('a process', () => {
  it('p2psip_build_info p2psip_node_info p2psip_start_time_seconds p2psip_certificate_expiry_timestamp_seconds p2psip_user_certificates say what runs since when', async () => {
    const before = Date.now() / 1000
    const node = await start('whole', {
      sip: { listen: ['udp://127.0.0.1:0', 'tcp://127.0.0.1:0', 'tls://127.0.0.1:0'] },
    })
    const meter = await meterOf(node)
    const info = await meter.value(
      `node_info{node_id="${node.nodeId}",overlay="${DOMAIN}",algorithm="CHORD-RELOAD"}`,
    )
    expect(info).toBe(1)
    const text = await (await fetch(`http://${node.admin}/metrics`)).text()
    expect(text).toMatch(/^p2psip_build_info\{version="[^"]+",node="v\d+[^"]+",commit="[^"]+"\} 1$/m)
    expect(meter.at('start_time_seconds')).toBeGreaterThan(before - 1)
    for (const use of ['node', 'sip_tls', 'enrollment_ca'])
      expect(meter.at(`certificate_expiry_timestamp_seconds{use="${use}"}`), use).toBeGreaterThan(before)
    expect(meter.at('user_certificates{state="ok"}')).toBe(0)
    await phone(node, 'ann')
    expect(await meter.moved()).toMatchObject({ 'user_certificates{state="ok"}': 1 })
  })

  it('p2psip_user_certificates of those that are due and those that have ended', async () => {
    await start('issuing')
    await Promise.all([...running].map((node) => node.stop()))
    running.clear()
    const authority = await openAuthority(join(folder, 'issuing', 'authority'), DOMAIN, Date.now())
    const users = join(folder, 'vault')
    for (const [user, age, validityMs] of [
      ['due', 0.9 * HOUR, HOUR],
      ['ended', HOUR, 0.5 * HOUR],
    ] as const) {
      const userName = `${user}@${DOMAIN}`
      const made = await issueCredential(authority, { userName, validityMs }, Date.now() - age)
      if (!made.ok) throw new Error(made.error.reason)
      await saveCredential(join(users, credentialFolderName(userName)), made.value)
    }
    await authority.close()
    const parts = { crypto: new NodeCrypto(), source: undefined, trace: NO_TRACE }
    const vault = new UserVault(parts, { folder: users, overlayName: DOMAIN })
    const meter = await Meter.of({ userCertificates: () => Object.entries(vault.states(() => true)) })
    await vault.load()
    expect(await meter.moved()).toEqual({
      'user_certificates{state="expiring"}': 1,
      'user_certificates{state="expired"}': 1,
    })
    // Of users who are gone nobody has to hear that their certificates have ended.
    expect(vault.states((aor) => aor === `due@${DOMAIN}`)).toEqual({ ok: 0, expiring: 1, expired: 0 })
  })

  it('p2psip_config_last_reload_successful p2psip_config_last_reload_success_timestamp_seconds of a reload that fails and one that works', async () => {
    const node = await start('reloaded')
    const meter = await meterOf(node)
    expect(meter.at('config_last_reload_successful')).toBe(1)
    node.reloaded(false)
    expect(await meter.moved()).toMatchObject({ config_last_reload_successful: -1 })
    node.reloaded(true)
    const moved = await meter.moved()
    expect(moved['config_last_reload_successful']).toBe(1)
    expect(moved['config_last_reload_success_timestamp_seconds']).toBeGreaterThan(0)
  })

  it('p2psip_ready p2psip_draining while a node waits for a call that rings before it leaves', async () => {
    const node = await start('draining')
    const ann = await phone(node, 'ann')
    const ben = await phone(node, 'ben')
    const meter = await meterOf(node)
    for (const check of ['joined', 'selfTest', 'journal', 'certificate', 'draining'])
      expect(meter.at(`ready{check="${check}"}`), check).toBe(1)
    const rings = new Promise<Request>((resolve) => {
      ben.onRequest = (request: Request) => {
        if (request.method !== 'INVITE') return
        ben.respond(request, 180, 'Ringing', 'ben')
        resolve(request)
      }
    })
    const call = ann.invite(`ben@${DOMAIN}`, () => undefined)
    const invite = await rings
    const stopped = node.stop()
    running.delete(node)
    const moved = await meter.moved()
    expect(moved).toMatchObject({ draining: 1, 'ready{check="draining"}': -1 })
    ben.respond(invite, 486, 'Busy Here', 'ben')
    expect((await call).response.status).toBe(486)
    await stopped
  })
})

describe('sockets', () => {
  it('p2psip_sip_connections_opened_total p2psip_sip_connections_closed_total p2psip_sip_tls_handshake_failures_total of phones', async () => {
    const listen = ['tcp://127.0.0.1:0', 'tls://127.0.0.1:0']
    const node = await start('phones', { sip: { listen } })
    const port = (transport: string): number =>
      node.sip.find((each) => each.transport === transport)?.port ?? 0
    const meter = await meterOf(node)
    const plain = connectTcp(port('tcp'), '127.0.0.1')
    await once(plain, 'connect')
    const secure = dial(port('tls'))
    await once(secure, 'secureConnect')
    // Answered, so both are there.
    for (const socket of [plain, secure]) {
      socket.write('\r\n\r\n')
      await once(socket, 'data')
    }
    expect(await meter.moved()).toMatchObject({
      'sip_connections_opened_total{transport="tcp",side="accepted"}': 1,
      'sip_connections_opened_total{transport="tls",side="accepted"}': 1,
    })
    await closed(
      dial(port('tls'), { maxVersion: 'TLSv1.1', minVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' }),
    )
    plain.write('INVITE nobody knows what\r\nContent-Length: -7\r\n\r\n')
    await closed(plain)
    const moved = await meter.moved()
    expect(moved).toMatchObject({
      'sip_tls_handshake_failures_total{reason="protocol"}': 1,
      'sip_connections_closed_total{transport="tcp",reason="local"}': 1,
    })
    secure.destroy()
  })

  it('p2psip_links_active p2psip_link_setup_seconds p2psip_link_failures_total of links to other nodes and of those that are none', async () => {
    const first = await start('first')
    const meter = await meterOf(first)
    const { address, port } = first.overlay.overlay
    const authority = join(folder, 'first', 'authority')
    const second = await start('second', { overlay: { authority, bootstrap: [`${address}:${port}`] } })
    expect((await meter.moved())['links_active{transport="tls"}']).toBeGreaterThanOrEqual(1)
    const far = await meterOf(second)
    expect(far.at('link_setup_seconds_count{transport="tls"}')).toBeGreaterThanOrEqual(1)
    await closed(dial(port))
    const nonsense = connectTcp(port, '127.0.0.1')
    nonsense.write('this is no ClientHello')
    await closed(nonsense)
    expect(await meter.moved()).toMatchObject({
      'link_failures_total{transport="tls",stage="no_certificate"}': 1,
      'link_failures_total{transport="tls",stage="tls"}': 1,
    })
  })

  it('p2psip_hep_packets_total sent to a collector, and dropped when more wait than may', async () => {
    const collector = createSocket('udp4')
    collector.bind(0, '127.0.0.1')
    await once(collector, 'listening')
    const { port } = collector.address()
    const node = await start('hep', { trace: { hep: `udp://127.0.0.1:${port}` } })
    const meter = await meterOf(node)
    const packet = once(collector, 'message')
    await phone(node, 'ann')
    await packet
    const ben = await phone(node, 'ben')
    expect((await ben.message(`nobody@${DOMAIN}`, 'hello')).status).toBe(404)
    expect((await meter.moved())['hep_packets_total{result="sent"}']).toBeGreaterThan(0)
    collector.close()
    const sender = new HepSender<number>({ host: '127.0.0.1', port }, () => utf8('x'))
    const crowded = await Meter.of({ hepPackets: sender.packets })
    sender.open()
    for (let i = 0; i < 2_500; i++) sender.push(i)
    expect((await crowded.moved())['hep_packets_total{result="dropped"}']).toBeGreaterThanOrEqual(500)
    await sender.close()
  })
})
