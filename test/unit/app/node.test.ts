import { createPrivateKey, X509Certificate } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Request } from 'sip'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { loadAccounts, saveAccounts } from '../../../src/app/accounts/account-file.ts'
import { newAccount } from '../../../src/app/accounts/new-account.ts'
import { checkCombinations } from '../../../src/app/config/check.ts'
import { readConfig } from '../../../src/app/config/load.ts'
import type { Config } from '../../../src/app/config/schema.ts'
import { startNode, type RunningNode } from '../../../src/app/node.ts'
import { tlsIdentity } from '../../../src/app/trust/node-identity.ts'
import { Phone } from '../../../src/cli/phone/phone.ts'
import {
  issueCertificate,
  issueCredential,
  loadCredential,
  openAuthority,
} from '../../../src/enrollment/io/index.ts'
import { NodeCrypto } from '../../../src/reload/security/index.ts'
import { NO_TRACE } from '../../../src/common/trace.ts'

let folder = ''
const running = new Set<RunningNode>()
const phones: Phone[] = []

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringbridge-node-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))
afterEach(async () => {
  for (const phone of phones.splice(0)) phone.close()
  await Promise.all([...running].map(stop))
})

/** Everything on loopback and on ports that the system chooses. */
function config(name: string, more: Record<string, Record<string, unknown>> = {}): Config {
  const all = {
    overlay: { listen: ['tls://127.0.0.1:0'], ...more['overlay'] },
    sip: { listen: ['udp://127.0.0.1:0', 'tcp://127.0.0.1:0'], ...more['sip'] },
    admin: { listen: '127.0.0.1:0', ...more['admin'] },
    limits: { ...more['limits'] },
    data: { dir: join(folder, name) },
  }
  const read = readConfig(JSON.stringify(all), 'test', {})
  checkCombinations(read)
  return read
}

async function start(configuration: Config): Promise<RunningNode> {
  const node = await startNode(configuration, NO_TRACE)
  running.add(node)
  await node.ready()
  return node
}

async function stop(node: RunningNode): Promise<void> {
  running.delete(node)
  await node.stop()
}

async function phone(
  node: RunningNode,
  username: string,
  password: string,
  transport: 'udp' | 'tcp',
): Promise<Phone> {
  const listener = node.sip.find((each) => each.transport === transport)
  const opened = await Phone.open({
    aor: `${username}@${node.domain}`,
    username,
    password,
    server: { host: '127.0.0.1', port: listener?.port ?? 0 },
    transport,
  })
  phones.push(opened)
  return opened
}

async function get(node: RunningNode, path: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`http://${node.admin}${path}`)
  return { status: response.status, body: (await response.json()) as unknown }
}

describe('one node with everything embedded', () => {
  it('founds its overlay, serves phones, and is the same node after a restart', async () => {
    const settings = config('single')
    const node = await start(settings)
    expect(node.fresh.map(({ username }) => username)).toEqual(['alice', 'bob'])
    for (const file of ['secret', 'users.jsonl', 'authority/root.pem']) {
      expect(statSync(join(folder, 'single', file)).mode & 0o077, file).toBe(0)
    }
    const [alice] = node.fresh
    const device = await phone(node, 'alice', alice?.password ?? '', 'udp')
    expect((await device.register(600)).status).toBe(200)
    expect((await get(node, '/api/v1/bindings')).body).toMatchObject({
      bindings: [{ aor: 'alice@dht.example.com' }],
    })
    expect((await get(node, '/api/v1/locate?aor=alice@dht.example.com')).body).toMatchObject({
      responsible: node.nodeId,
      entries: [{ target: node.nodeId, type: 'route' }],
    })
    expect((await get(node, '/readyz')).status).toBe(200)
    const metrics = await (await fetch(`http://${node.admin}/metrics`)).text()
    expect(metrics).toMatch(/^p2psip_registrar_bindings\{transport="udp"\} 1$/m)
    expect(metrics).toMatch(/^p2psip_ready\{check="joined"\} 1$/m)
    expect(metrics).toContain(
      `p2psip_node_info{node_id="${node.nodeId}",overlay="dht.example.com",algorithm="CHORD-RELOAD"} 1`,
    )
    await stop(node)

    const again = await start(settings)
    expect(again.nodeId).toBe(node.nodeId)
    expect(again.fresh).toEqual([])
    const back = await phone(again, 'alice', alice?.password ?? '', 'tcp')
    expect((await back.register(600)).status).toBe(200)
  })

  it('a wrong password registers nothing', async () => {
    const node = await start(config('wrong'))
    const device = await phone(node, 'alice', 'guess', 'udp')
    expect((await device.register(600)).status).toBe(401)
    expect((await get(node, '/api/v1/bindings')).body).toMatchObject({ bindings: [] })
  })

  it('accounts made over the API work at once; those taken from the file are gone after a reload', async () => {
    const node = await start(config('accounts'))
    const response = await fetch(`http://${node.admin}/api/v1/users`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username: 'carol', password: 'x' }),
    })
    expect(response.status).toBe(201)
    const carol = await phone(node, 'carol', 'x', 'udp')
    expect((await carol.register(600)).status).toBe(200)
    const changed = await fetch(`http://${node.admin}/api/v1/users/carol/password`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ password: 'y' }),
    })
    expect([changed.status, await changed.json()]).toMatchObject([200, { registered: true }])
    expect((await carol.register(600)).status).toBe(401)
    const told = await phone(node, 'carol', 'y', 'udp')
    expect((await told.register(600)).status).toBe(200)
    const file = join(folder, 'accounts', 'users.jsonl')
    saveAccounts(
      file,
      loadAccounts(file).filter(({ username }) => username !== 'carol'),
    )
    node.reload()
    expect((await told.register(600)).status).not.toBe(200)
    writeFileSync(file, 'nonsense')
    expect(() => node.reload()).toThrow(/users\.jsonl:1/)
    expect((await get(node, '/api/v1/users')).body).toMatchObject({
      users: [{ username: 'alice' }, { username: 'bob' }],
    })
  })

  it('what it holds is limited by limits.storedValues: a REGISTER beyond that is not acknowledged', async () => {
    const node = await start(config('full', { limits: { storedValues: 1 } }))
    const device = await phone(node, 'alice', node.fresh[0]?.password ?? '', 'udp')
    expect((await device.register(600)).status).toBeGreaterThanOrEqual(500)
  })

  it('a configuration read again changes limits while it runs: storage, bindings, wrong passwords', async () => {
    const small = config('limits', { limits: { storedValues: 1 } })
    const node = await start(small)
    const password = node.fresh[0]?.password ?? ''
    const device = await phone(node, 'alice', password, 'udp')
    expect((await device.register(600)).status).toBeGreaterThanOrEqual(500)
    node.reload(config('limits', { sip: { maxBindings: 1 } }))
    expect((await device.register(600)).status).toBe(200)

    const second = await phone(node, 'alice', password, 'udp')
    expect(await second.register(600)).toMatchObject({ status: 403, reason: 'Too Many Bindings' })
    node.reload(config('limits'))
    expect((await second.register(600)).status).toBe(200)
    // What stands stays, even beyond a limit that is lower now.
    node.reload(config('limits', { sip: { maxBindings: 1 }, limits: { authFailures: 1 } }))
    expect((await get(node, '/api/v1/bindings')).body).toMatchObject({ bindings: [{}, {}] })

    const guesser = await phone(node, 'bob', 'guess', 'udp')
    expect((await guesser.register(600)).status).toBe(401)
    expect((await guesser.register(600)).status).toBe(403)
    node.reload(config('limits'))
    expect((await guesser.register(600)).status).toBe(401)
  })

  it('an imported certificate read again is in force at once, if it is of this node', async () => {
    await start(config('imported')).then(stop)
    const at = (...path: string[]): string => join(folder, 'imported', ...path)
    const authority = await openAuthority(at('authority'), 'dht.example.com', Date.now())
    const crypto = new NodeCrypto()
    const stored = await loadCredential(crypto, at('node'), 'dht.example.com')
    if (stored === undefined) throw new Error('no credential')
    const { userName, publicKeyInfo, der } = stored.certificate
    const pem = (bytes: Uint8Array): string => new X509Certificate(bytes).toString()
    writeFileSync(at('node.pem'), pem(der))
    writeFileSync(at('key.pem'), tlsIdentity(stored).privateKey)
    const node = await start(
      config('imported', {
        overlay: {
          credentials: 'import',
          configuration: at('authority', 'configuration.xml'),
          certificate: at('node.pem'),
          privateKey: at('key.pem'),
        },
        sip: { roles: [] },
      }),
    )
    const expiry = async (): Promise<string> =>
      ((await get(node, '/api/v1/peer')).body as { certificateNotAfter: string }).certificateNotAfter
    const before = await expiry()
    const renewed = await issueCertificate(authority, { userName, publicKeyInfo }, Date.now() + 86_400_000)
    if (!renewed.ok) throw new Error(renewed.error.reason)
    writeFileSync(at('node.pem'), pem(renewed.value.certificate))
    node.reload()
    expect(Date.parse(await expiry())).toBeGreaterThan(Date.parse(before))

    const other = await issueCredential(authority, { userName: 'peer-x@dht.example.com' }, Date.now())
    if (!other.ok) throw new Error(other.error.reason)
    writeFileSync(at('node.pem'), pem(other.value.certificate))
    writeFileSync(at('key.pem'), tlsIdentity(other.value.credential).privateKey)
    expect(() => node.reload()).toThrow(/"overlay\.certificate": is of another node/)
    await authority.close()
  })

  it('C3 S-82 users whose certificates the operator has brought are served without any authority; read again at SIGHUP', async () => {
    await start(config('brought')).then(stop)
    const at = (...path: string[]): string => join(folder, 'brought', ...path)
    const authority = await openAuthority(at('authority'), 'dht.example.com', Date.now())
    const stored = await loadCredential(new NodeCrypto(), at('node'), 'dht.example.com')
    if (stored === undefined) throw new Error('no credential')
    const pem = (bytes: Uint8Array): string => new X509Certificate(bytes).toString()
    writeFileSync(at('node.pem'), pem(stored.certificate.der))
    writeFileSync(at('key.pem'), tlsIdentity(stored).privateKey)
    const bringPem = (certificate: Uint8Array, pkcs8: Uint8Array): void => {
      const key = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' })
      const text = pem(certificate) + String(key.export({ type: 'pkcs8', format: 'pem' }))
      writeFileSync(at('bob.pem'), text, { mode: 0o600 })
    }
    const bring = async (
      userName: string,
      from = Date.now(),
    ): Promise<{ pkcs8: Uint8Array; key: Uint8Array }> => {
      const issued = await issueCredential(authority, { userName, validityMs: 3_600_000 }, from)
      if (!issued.ok) throw new Error(issued.error.reason)
      const { credential, pkcs8 } = issued.value
      bringPem(credential.certificate.der, pkcs8)
      return { pkcs8, key: credential.certificate.publicKeyInfo }
    }
    saveAccounts(at('accounts.jsonl'), [newAccount('bob', 'dht.example.com', 'pw-bob')])
    const brought = config('brought', {
      overlay: {
        credentials: 'import',
        configuration: at('authority', 'configuration.xml'),
        certificate: at('node.pem'),
        privateKey: at('key.pem'),
      },
      sip: {
        users: at('accounts.jsonl'),
        hostedUsers: [{ aor: 'bob@dht.example.com', account: 'bob', credentials: at('bob.pem') }],
      },
    })
    await expect(startNode(brought, NO_TRACE)).rejects.toThrow(/bob\.pem: no such file/)
    await bring('carol@dht.example.com')
    await expect(startNode(brought, NO_TRACE)).rejects.toThrow(/is the certificate of carol@/)
    await bring('bob@dht.example.com', Date.now() - 86_400_000)
    await expect(startNode(brought, NO_TRACE)).rejects.toThrow(/has expired at/)
    const { pkcs8, key: publicKeyInfo } = await bring('bob@dht.example.com')
    chmodSync(at('bob.pem'), 0o644)
    await expect(startNode(brought, NO_TRACE)).rejects.toThrow(/has mode 0644/)
    chmodSync(at('bob.pem'), 0o600)

    const node = await start(brought)
    const device = await phone(node, 'bob', 'pw-bob', 'udp')
    const signedUntil = async (): Promise<number | undefined> => {
      for (const expires of [0, 600]) expect((await device.register(expires)).status).toBe(200)
      const { body } = await get(node, '/api/v1/locate?aor=bob@dht.example.com')
      return (body as { entries: { signer: { notAfter: number } }[] }).entries[0]?.signer.notAfter
    }
    const first = (await signedUntil()) ?? NaN
    const userName = 'bob@dht.example.com'
    const wishes = { userName, publicKeyInfo, validityMs: 7_200_000 }
    const renewed = await issueCertificate(authority, wishes, Date.now())
    if (!renewed.ok) throw new Error(renewed.error.reason)
    bringPem(renewed.value.certificate, pkcs8)
    node.reload()
    expect(await signedUntil()).toBeGreaterThan(first + 3_000_000)

    await bring(userName)
    expect(() => node.reload()).toThrow(/the certificate of bob@dht\.example\.com has another key/)
    await authority.close()
  })

  it('shows its state for the log: ring, queues, counters, and no user or secret', async () => {
    const node = await start(config('state'))
    const password = node.fresh[0]?.password ?? ''
    const device = await phone(node, 'alice', password, 'udp')
    expect((await device.register(600)).status).toBe(200)
    const state = await node.state()
    const count = expect.any(Number)
    expect(state).toMatchObject({
      peer: { nodeId: node.nodeId, state: 'joined' },
      ring: { successors: [], connectionsAll: 0 },
      // What it does for itself (certificates it publishes, say) may be under way: only that they are counted.
      queues: { questions: count, journal: count, requests: count, transactions: {} },
      counters: { 'p2psip_registrar_bindings{transport="udp"}': 1 },
    })
    const line = JSON.stringify(state)
    for (const word of [password, 'alice', readFileSync(join(folder, 'state', 'secret'), 'utf8').trim()])
      expect(line).not.toContain(word)
  })

  it('a plain peer has no SIP', async () => {
    const node = await start(config('plain', { sip: { roles: [] } }))
    expect(node.sip).toEqual([])
    expect((await get(node, '/api/v1/peer')).body).toMatchObject({ roles: [], state: 'joined' })
    expect((await get(node, '/api/v1/bindings')).body).toMatchObject({ bindings: [] })
    expect((await fetch(`http://${node.admin}/metrics`)).status).toBe(200)
  })
})

describe('what a person has to mend', () => {
  it('a taken port, whichever it is, is one line that names address and key; nothing stays open', async () => {
    const node = await start(config('first'))
    const taken = node.sip[0]?.port ?? 0
    for (const [more, expected] of [
      [
        { sip: { listen: [`udp://127.0.0.1:${taken}`, `tcp://127.0.0.1:${taken}`] } },
        /^udp:\/\/127\.0\.0\.1:\d+: the port is in use by another process; see sip\.listen$/,
      ],
      [{ sip: { listen: [`tcp://127.0.0.1:${taken}`] } }, /in use.*sip\.listen$/],
      [{ overlay: { listen: [`tls://127.0.0.1:${node.overlay.overlay.port}`] } }, /in use.*overlay\.listen$/],
      [
        { overlay: { listen: [`tls://127.0.0.1:${node.overlay.application.port - 1}`] } },
        /in use.*see overlay\.listen/,
      ],
      [{ admin: { listen: node.admin } }, /in use.*admin\.listen$/],
    ] as const) {
      const attempt = config('second', more)
      await expect(startNode(attempt, NO_TRACE)).rejects.toThrow(expected)
      await expect(startNode(attempt, NO_TRACE)).rejects.toMatchObject({ code: 'CONFIG' })
    }
    // The first start that works is the one that shows the passwords.
    expect((await start(config('second'))).fresh).toHaveLength(2)
  })

  it('a folder that cannot be written, a folder in use, a damaged file', async () => {
    writeFileSync(join(folder, 'file'), '')
    await expect(startNode(config('file'), NO_TRACE)).rejects.toThrow(
      /file: the folder cannot be written \((?:EEXIST|ENOTDIR)\); see data\.dir/,
    )
    await start(config('busy'))
    await expect(startNode(config('busy'), NO_TRACE)).rejects.toThrow(
      /journal.* is in use by another process/,
    )
    await start(config('bad')).then(stop)
    writeFileSync(join(folder, 'bad', 'authority', 'configuration.xml'), '<overlay/>')
    await expect(startNode(config('bad'), NO_TRACE)).rejects.toThrow(/configuration\.xml: /)
    await start(config('secret')).then(stop)
    writeFileSync(join(folder, 'secret', 'secret'), 'short')
    await expect(startNode(config('secret'), NO_TRACE)).rejects.toThrow(/secret: has to hold 64 hex digits/)
  })

  it('a key log that cannot be made', async () => {
    const keylog = '/proc/nowhere/links.keylog'
    await expect(startNode(config('keylog', { overlay: { keylog } }), NO_TRACE)).rejects.toThrow(
      /links\.keylog: cannot be written; see overlay\.keylog/,
    )
  })

  it('an overlay with ICE, with other links, or with a root certificate that is none', async () => {
    await start(config('other')).then(stop)
    const file = join(folder, 'other', 'authority', 'configuration.xml')
    const document = readFileSync(file, 'utf8')
    for (const [from, to, expected] of [
      [/<no-ice>true</, '<no-ice>false<', /the overlay uses ICE/],
      [/(overlay-link-protocol>)TLS</, '$1DTLS<', /overlay-link-protocol without TLS/],
      [/<root-cert>[^<]*</, '<root-cert>MAMCAQA=<', /root-cert/],
    ] as const) {
      writeFileSync(file, document.replace(from, to))
      const attempt = startNode(config('other'), NO_TRACE)
      await expect(attempt).rejects.toThrow(expected)
      await expect(attempt).rejects.toMatchObject({
        code: 'CONFIG',
        message: /configuration\.xml: / as unknown,
      })
    }
    writeFileSync(file, document)
    await start(config('other'))
  })

  it('accounts of another realm', async () => {
    const users = join(folder, 'other.jsonl')
    saveAccounts(users, [newAccount('alice', 'other.example', 'x')])
    await expect(startNode(config('realm', { sip: { users } }), NO_TRACE)).rejects.toThrow(
      /realm "other\.example"/,
    )
  })
})

describe('a client', () => {
  it('serves phones as a peer does and owns nothing; without a peer to hang on it does not start', async () => {
    const authority = join(folder, 'with-client')
    const users = join(folder, 'with-client.jsonl')
    saveAccounts(
      users,
      ['ann', 'ben'].map((name) => newAccount(name, 'dht.example.com', `pw-${name}`)),
    )
    const sip = { users, enrollOnFirstRegister: true }
    expect(() => config('client-alone', { overlay: { authority, role: 'client' }, sip })).toThrow(
      /"overlay\.bootstrap": a client needs a peer/,
    )
    const peer = await start(config('client-peer', { overlay: { authority }, sip }))
    const { address, port } = peer.overlay.overlay
    const bootstrap = [`${address}:${port}`]
    const client = await start(config('client', { overlay: { authority, bootstrap, role: 'client' }, sip }))
    expect((await get(client, '/api/v1/peer')).body).toMatchObject({ role: 'client', state: 'joined' })
    expect((await get(peer, '/api/v1/ring')).body).toMatchObject({ successors: [], predecessors: [] })
    const ann = await phone(peer, 'ann', 'pw-ann', 'udp')
    const ben = await phone(client, 'ben', 'pw-ben', 'tcp')
    for (const each of [ann, ben]) {
      expect((await each.register(600)).status).toBe(200)
      each.onRequest = (request: Request) => each.respond(request, 200, 'OK')
    }
    expect((await get(client, '/api/v1/storage')).body).toMatchObject({ kinds: [] })
    expect((await ann.message('ben@dht.example.com', 'to the client')).status).toBe(200)
    expect((await ben.message('ann@dht.example.com', 'from the client')).status).toBe(200)
    ben.close()
    phones.splice(phones.indexOf(ben), 1)
    await stop(client)
    expect((await ann.message('ben@dht.example.com', 'gone')).status).toBe(480)
  })
})

describe('two nodes of one overlay', () => {
  it('a phone at one is called from a phone at the other; the second leaves and the first goes on', async () => {
    const authority = join(folder, 'shared')
    const users = join(folder, 'shared.jsonl')
    saveAccounts(
      users,
      ['ann', 'ben'].map((name) => newAccount(name, 'dht.example.com', `pw-${name}`)),
    )
    const sip = { users, enrollOnFirstRegister: true }
    const first = await start(config('one', { overlay: { authority }, sip }))
    const { address, port } = first.overlay.overlay
    const second = await start(
      config('two', { overlay: { authority, bootstrap: [`${address}:${port}`] }, sip }),
    )
    expect(readFileSync(join(authority, 'secret'), 'utf8')).toMatch(/^[0-9a-f]{64}\n$/)
    expect((await get(first, '/api/v1/ring')).body).toMatchObject({
      successors: [second.nodeId],
      predecessors: [second.nodeId],
    })
    expect((await get(first, `/api/v1/ping?node=${second.nodeId}`)).body).toMatchObject({
      responder: second.nodeId,
    })

    // Who joins makes no sample accounts: their names may be taken in the overlay.
    const third = await start(config('three', { overlay: { authority, bootstrap: [`${address}:${port}`] } }))
    expect(third).toMatchObject({ fresh: [], accounts: 0 })
    expect((await get(third, '/api/v1/users')).body).toEqual({ users: [] })
    third.reload()
    await stop(third)

    const ann = await phone(first, 'ann', 'pw-ann', 'udp')
    const ben = await phone(second, 'ben', 'pw-ben', 'tcp')
    expect((await ann.register(600)).status).toBe(200)
    expect((await ben.register(600)).status).toBe(200)
    const ended = new Promise<void>((resolve) => {
      ben.onRequest = (request: Request) => {
        if (request.method === 'ACK') return
        ben.respond(request, 200, 'OK', 'tag-of-ben')
        if (request.method === 'BYE') resolve()
      }
    })
    const { response, dialog } = await ann.invite('ben@dht.example.com', () => undefined)
    expect(response.status).toBe(200)
    if (dialog === undefined) throw new Error('no dialog')
    expect((await ann.bye(dialog)).status).toBe(200)
    await ended
    expect((await ann.message('ben@dht.example.com', 'hello')).status).toBe(200)
    const metrics = await (await fetch(`http://${first.admin}/metrics`)).text()
    expect(metrics).toMatch(/^p2psip_call_results_total\{path="overlay",result="answered"\} 1$/m)

    ben.close()
    phones.splice(phones.indexOf(ben), 1)
    await stop(second)
    expect((await ann.register(600)).status).toBe(200)
    expect((await ann.message('ben@dht.example.com', 'still there?')).status).toBe(480)
  })
})
