import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { checkCombinations } from '../../../../src/app/config/check.ts'
import { readConfig } from '../../../../src/app/config/load.ts'
import type { Config } from '../../../../src/app/config/schema.ts'
import { startNode, type RunningNode } from '../../../../src/app/node.ts'
import { firstConfiguration, signedDocument } from '../../../../src/app/trust/overlay-document.ts'
import { nodeCredential } from '../../../../src/app/trust/node-identity.ts'
import { openOverlay } from '../../../../src/app/trust/overlay.ts'
import { toHex } from '../../../../src/common/bytes.ts'
import { NO_TRACE, type Trace } from '../../../../src/common/trace.ts'
import { loadCredential } from '../../../../src/enrollment/io/index.ts'
import { nextSequence, parseConfiguration } from '../../../../src/reload/config/index.ts'
import { NodeCrypto, selfSignedNodeId } from '../../../../src/reload/security/index.ts'
import { aWorld, OVERLAY, PASSWORD, type World } from '../../../support/enrollment-server.ts'

const crypto = new NodeCrypto()
let folder = ''
let world: World
const running = new Set<RunningNode>()
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ringbridge-remote-'))
  world = await aWorld()
  writeDocument(world, {})
  writeFileSync(join(folder, 'ca.pem'), world.rootPem)
})
afterAll(async () => {
  await world.close()
  rmSync(folder, { recursive: true, force: true })
})
afterEach(async () => {
  for (const node of running) await node.stop()
  running.clear()
})

/** The document of the server, with its own address as enrollment-server. */
function writeDocument(at: World, change: object): void {
  const configuration = { ...at.configuration, enrollmentServers: [at.enrollPlace.url.href], ...change }
  writeFileSync(at.documentPath, signedDocument(crypto, configuration, at.signer))
}

function config(name: string, overlay: Record<string, unknown>): Config {
  const all = {
    overlay: { name: OVERLAY, listen: ['tls://127.0.0.1:0'], ...overlay },
    sip: { listen: ['udp://127.0.0.1:0', 'tcp://127.0.0.1:0'] },
    admin: { listen: '127.0.0.1:0' },
    data: { dir: join(folder, name) },
  }
  const read = readConfig(JSON.stringify(all), 'test', {})
  checkCombinations(read)
  return read
}

const remote = (name: string, change: Record<string, unknown> = {}): Config =>
  config(name, {
    configuration: world.configPlace.url.href,
    ca: join(folder, 'ca.pem'),
    account: 'site-b',
    password: PASSWORD,
    ...change,
  })

const open = (settings: Config, withinMs = 1) =>
  openOverlay(crypto, settings, NO_TRACE, () => Promise.resolve(undefined), { withinMs })

/** What `ringbridge enroll` does. */
async function enrolled(settings: Config) {
  const overlay = await open(settings)
  try {
    const parts = { crypto, source: overlay.source, trace: NO_TRACE }
    const { certificate } = await nodeCredential(parts, settings, overlay.configuration.instanceName)
    return { nodeId: toHex(certificate.nodeIds[0]!), userName: certificate.userName, overlay }
  } finally {
    await overlay.close()
  }
}

async function start(settings: Config): Promise<RunningNode> {
  const node = await startNode(settings, NO_TRACE)
  running.add(node)
  await node.ready()
  return node
}

describe('a node elsewhere', () => {
  it('R6940-11.2-04 R6940-11.3-05 fetches the document, enrolls, joins, and starts again while the server is away', async () => {
    const away = await aWorld()
    writeDocument(away, {})
    writeFileSync(join(folder, 'away.pem'), away.rootPem)
    const settings = remote('away', {
      configuration: away.configPlace.url.href,
      ca: join(folder, 'away.pem'),
    })
    const node = await start(settings)
    const response = await fetch(`http://${node.admin}/api/v1/peer`)
    expect(await response.json()).toMatchObject({ userName: `site-b@${OVERLAY}`, state: 'joined' })
    await node.stop()
    running.delete(node)
    await away.close()
    const again = await start(settings)
    expect(again.nodeId).toBe(node.nodeId)
  })

  it('R6940-6.3.2.1-05 takes no part before it has a document: it opens nothing and asks nobody', async () => {
    const nowhere = remote('without', { configuration: 'https://127.0.0.1:1/.well-known/reload-config' })
    await expect(open(nowhere)).rejects.toThrow('no Configuration Document')
    const file = join(folder, 'none.xml')
    const noFile = config('without', { configuration: file, account: 'a', password: 'b' })
    await expect(startNode(noFile, NO_TRACE)).rejects.toThrow(/none\.xml/)
    expect(existsSync(join(folder, 'without', 'node'))).toBe(false)
  })

  it('whoever stops it while it waits for a document or a certificate does not wait with it', async () => {
    const stop = new AbortController()
    const noDocument = remote('stopped', { configuration: 'https://127.0.0.1:1/.well-known/reload-config' })
    const trace: Trace = ({ event }) => void (event === 'configuration_not_fetched' && stop.abort('SIGTERM'))
    const stopped = { code: 'STOPPED' }
    await expect(startNode(noDocument, trace, stop.signal)).rejects.toMatchObject(stopped)
    await expect(startNode(noDocument, NO_TRACE, stop.signal)).rejects.toMatchObject(stopped)

    const atDesk = new AbortController()
    const serve = world.desk.serve.bind(world.desk)
    let served: unknown
    const desk = vi.spyOn(world.desk, 'serve').mockImplementation((post) => {
      atDesk.abort('SIGTERM')
      const answer = serve(post)
      served = answer
      return answer
    })
    await expect(startNode(remote('stopped'), NO_TRACE, atDesk.signal)).rejects.toMatchObject(stopped)
    desk.mockRestore()
    await served
  })

  it('a certificate that is there is not asked for again; a second node of the account is another node (trap 89)', async () => {
    const settings = remote('kept')
    const before = world.desk.results.get('issued')
    const first = await enrolled(settings)
    expect(await enrolled(settings)).toMatchObject({ nodeId: first.nodeId })
    expect(world.desk.results.get('issued')).toBe(before + 1)
    const other = await enrolled(remote('other'))
    expect(other.nodeId).not.toBe(first.nodeId)
    expect(other.userName).toBe(first.userName)
  })

  it('R6940-11.2-05 R6940-11.2-06 a newer document is taken and kept, an older or foreign one is not', async () => {
    const settings = remote('rolled')
    writeDocument(world, { sequence: 7 })
    expect((await enrolled(settings)).overlay.configuration.sequence).toBe(7)
    writeDocument(world, { sequence: 6 })
    expect((await enrolled(settings)).overlay.configuration.sequence).toBe(7)
    writeDocument(world, { sequence: 8 })
    expect((await enrolled(settings)).overlay.configuration.sequence).toBe(8)
    writeFileSync(world.documentPath, '<html>we are down</html>')
    expect((await enrolled(settings)).overlay.configuration.sequence).toBe(8)
    writeDocument(world, {})
  })

  it('a running node asks the server at SIGHUP and does not wait for its next round', async () => {
    writeDocument(world, { sequence: 11 })
    const node = await start(remote('hangup'))
    writeDocument(world, { sequence: 12 })
    node.reload()
    const sequence = async (): Promise<number> => {
      const peer = (await (await fetch(`http://${node.admin}/api/v1/peer`)).json()) as object
      return (peer as { configurationSequence: number }).configurationSequence
    }
    await vi.waitFor(async () => expect(await sequence()).toBe(12), { timeout: 20_000 })
    writeDocument(world, {})
  })

  it.each([
    [
      'a wrong password',
      { password: 'guess' },
      'failed_authentication; the server does not know overlay.account',
    ],
    [
      'a user name of somebody else',
      { account: 'alice', userName: `bob@${OVERLAY}` },
      `username_not_available; the account may not enroll bob@${OVERLAY}`,
    ],
    ['no CA for the server', { ca: undefined }, 'overlay.ca has to hold the CA of this server'],
    ['a document of another overlay', { name: 'other.example' }, 'no configuration of the wanted overlay'],
  ])('%s is one clear line', async (what, change, reason) => {
    await expect(enrolled(remote(`bad ${what}`, change))).rejects.toThrow(reason)
  })

  it('S-82 a CA file without a certificate is named before anybody is asked', async () => {
    const ca = join(folder, 'no-ca.pem')
    writeFileSync(ca, 'nonsense')
    await expect(open(remote('no-ca', { ca }))).rejects.toThrow(
      `${ca}: holds no PEM certificate; see overlay.ca`,
    )
  })

  it('R6940-11.2-07 a document out of band: its enrollment-server is believed by its root-cert', async () => {
    const file = join(folder, 'given.xml')
    cpSync(world.documentPath, file)
    const settings = config('given', { configuration: file, account: 'site-b', password: PASSWORD })
    expect((await enrolled(settings)).userName).toBe(`site-b@${OVERLAY}`)
  })

  it('documents that this node cannot follow are refused by name', async () => {
    const file = join(folder, 'refused.xml')
    const document = (change: object): Config => {
      const configuration = { ...world.configuration, enrollmentServers: [], ...change }
      writeFileSync(file, signedDocument(crypto, configuration, world.signer))
      return config('refused', { configuration: file, account: 'a', password: 'b' })
    }
    await expect(open(document({ sharedSecret: 'x' }))).rejects.toThrow('shared secret')
    await expect(open(document({}))).rejects.toThrow('no enrollment-server')
    const selfSigned = config('refused', { configuration: file, credentials: 'self-signed' })
    await expect(open(selfSigned)).rejects.toThrow('permits no self-signed')
  })

  it('a document brought by a peer or by overlay sign comes into force in a running node and is kept', async () => {
    const file = join(folder, 'live.xml')
    cpSync(world.documentPath, file)
    const settings = config('live', { configuration: file, account: 'site-b', password: PASSWORD })
    const node = await start(settings)
    const parsed = parseConfiguration(readFileSync(file), OVERLAY)
    if (!parsed.ok) throw new Error(parsed.error.reason)
    const before = parsed.value.configuration
    const next = { ...before, sequence: nextSequence(before.sequence) }
    writeFileSync(file, signedDocument(crypto, next, world.signer))
    node.reload()
    const peer = (await (await fetch(`http://${node.admin}/api/v1/peer`)).json()) as object
    expect(peer).toMatchObject({ configurationSequence: next.sequence })
    // The file goes back to what it was; the node does not.
    writeFileSync(file, signedDocument(crypto, before, world.signer))
    await node.stop()
    running.delete(node)
    const overlay = await open(settings)
    expect(overlay.configuration.sequence).toBe(next.sequence)
    await overlay.close()
  })
})

describe('self-signed', () => {
  it('R6940-11.3.1-02 R6940-11.3.1-03 R6940-11.3.1-04 the Node-ID is the digest of the key, and the certificate is in the overlay', async () => {
    const file = join(folder, 'self.xml')
    const wishes = { overlayName: OVERLAY, rootCertificate: world.authority.rootCertificate }
    writeFileSync(
      file,
      signedDocument(
        crypto,
        firstConfiguration({ ...wishes, selfSigned: 'sha256' }, world.signer),
        world.signer,
      ),
    )
    const settings = config('self', { configuration: file, credentials: 'self-signed' })
    const node = await start(settings)
    const credential = await loadCredential(crypto, join(folder, 'self', 'node'), OVERLAY)
    if (credential === undefined) throw new Error('no credential')
    const due = selfSignedNodeId(crypto, 'sha256', credential.certificate.publicKeyInfo, 16)
    expect(node.nodeId).toBe(toHex(due))
    // Ready means that the self-test has stored and fetched it: CERTIFICATE_BY_NODE of this node.
    expect((await fetch(`http://${node.admin}/readyz`)).status).toBe(200)
    expect(existsSync(join(folder, 'self', 'authority'))).toBe(false)
  })

  it('R6940-11.3.1-05 R6940-11.3.1-06 a name that another key holds is not taken', async () => {
    const file = join(folder, 'self.xml')
    const settings = config('named', { configuration: file, credentials: 'self-signed' })
    const certify = async (taken: boolean | undefined) => {
      const overlay = await openOverlay(crypto, settings, NO_TRACE, () => Promise.resolve(taken))
      const made = await overlay.source!.certify(`alice@${OVERLAY}`)
      await overlay.close()
      return made
    }
    expect(await certify(true)).toMatchObject({ ok: false, error: { final: true } })
    expect(await certify(undefined)).toMatchObject({ ok: false, error: { final: false } })
    expect(await certify(false)).toMatchObject({ ok: true })
  })
})
