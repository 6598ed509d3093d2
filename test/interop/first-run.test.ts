import { createPrivateKey } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Baresip } from './support/baresip.ts'
import { freePort, Running } from './support/processes.ts'
import { interop } from './support/require.ts'
import { sipp } from './support/sipp.ts'
import { COMMAND } from './support/testbed.ts'

/** The first node of a fresh folder, as `npm start` makes it, on ports of its own so that tests can share a machine. */
let node: Running
/** The same, in its first run. */
let firstRun: Running
let folder = ''
let sip = ''
let admin = ''
let accounts: { user: string; password: string }[] = []
let domain = ''
let environment: NodeJS.ProcessEnv = {}

async function start(): Promise<Running> {
  const running = new Running(process.execPath, [COMMAND, 'start'], { cwd: folder, env: environment })
  await running.line((line) => /ready/i.test(line) && !/not ready/i.test(line), 'ready')
  return running
}

function filesUnder(parent: string): string[] {
  return readdirSync(parent, { withFileTypes: true }).flatMap((entry) => {
    const path = join(parent, entry.name)
    return entry.isDirectory() ? filesUnder(path) : [path]
  })
}

const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----([^-]+)-----END/g
const DIGEST_HASH = /"(?:MD5|SHA-256)":\s*"([0-9a-f]{32,64})"/g
const HEX_SECRET = /^[0-9a-f]{64}\n?$/

/** Private keys (PEM or DER), digest hashes and shared secrets in a file, as text that would give them away. */
function secretsOf(file: string): string[] {
  const bytes = readFileSync(file)
  const text = bytes.toString('latin1')
  const found = [...text.matchAll(DIGEST_HASH)].map((match) => match[1] ?? '')
  for (const [, body] of text.matchAll(PRIVATE_KEY)) {
    // A line in the middle: the first ones are the same for all keys of one algorithm.
    const lines = (body ?? '').trim().split(/\r?\n/)
    found.push(lines[Math.floor(lines.length / 2)] ?? '')
  }
  if (HEX_SECRET.test(text)) found.push(text.trim())
  if (isKeyInDer(bytes)) found.push(bytes.toString('base64'), bytes.toString('hex'))
  return found.filter((secret) => secret !== '')
}

function isKeyInDer(bytes: Buffer): boolean {
  try {
    createPrivateKey({ key: bytes, format: 'der', type: 'pkcs8' })
    return true
  } catch {
    return false
  }
}

function holdsSecret(file: string): boolean {
  return secretsOf(file).length > 0
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ringbridge-first-'))
  const sipPort = await freePort()
  const adminPort = await freePort()
  const overlayPort = await freePort()
  sip = `127.0.0.1:${sipPort}`
  admin = `127.0.0.1:${adminPort}`
  environment = {
    ...process.env,
    RINGBRIDGE_SIP__LISTEN: `udp://127.0.0.1:${sipPort},tcp://127.0.0.1:${sipPort}`,
    RINGBRIDGE_ADMIN__LISTEN: admin,
    RINGBRIDGE_OVERLAY__LISTEN: `tls://127.0.0.1:${overlayPort}`,
  }
  firstRun = node = await start()
  domain = /^ *domain\b.* ([a-z0-9.-]+\.[a-z]+)$/im.exec(node.output)?.[1] ?? ''
  accounts = [...node.output.matchAll(/user name\W+(\w+)\W+password\W+(\S+)/gi)].map((match) => ({
    user: match[1] ?? '',
    password: match[2] ?? '',
  }))
})
afterAll(async () => {
  await node.stop()
  rmSync(folder, { recursive: true, force: true })
})

describe('npm start on a fresh checkout', () => {
  it('prints what to type into a phone', () => {
    expect(accounts.length, node.output).toBe(2)
    expect(domain, node.output).not.toBe('')
  })

  interop(
    ['baresip', 'sipp'],
    'baresip and SIPp register with the printed settings and call each other',
    async () => {
      const [first, second] = accounts
      if (first === undefined || second === undefined) throw new Error(node.output)
      const phone = await Baresip.start({ ...first, target: sip, transport: 'udp', domain })
      try {
        await phone.registered()
        const port = await freePort()
        const answering = sipp({ scenario: 'uas.xml', target: sip, transport: 'tcp', port })
        const registering = sipp({
          ...{
            scenario: 'register.xml',
            target: sip,
            transport: 'tcp',
            user: second.user,
            password: second.password,
          },
          keys: { domain, contact: `127.0.0.1:${port}` },
        })
        expect(await registering.exit(), registering.output).toBe(0)
        phone.dial(`sip:${second.user}@${domain}`)
        await phone.event('CALL_ESTABLISHED')
        phone.command('hangup')
        expect(await answering.exit(), answering.output).toBe(0)
      } finally {
        await phone.stop()
      }
    },
  )

  it('is ready, and a second start reuses what the first made', async () => {
    const before = (await (await fetch(`http://${admin}/api/v1/peer`)).json()) as { nodeId: string }
    expect((await fetch(`http://${admin}/readyz`)).status).toBe(200)
    await node.stop()
    expect(node.child.exitCode).toBe(0)
    node = await start()
    const after = (await (await fetch(`http://${admin}/api/v1/peer`)).json()) as { nodeId: string }
    expect(after.nodeId).toBe(before.nodeId)
    expect(node.output).not.toContain(accounts[0]?.password)
  })

  it('keeps secrets to itself: no file with a key or a password hash can be read by others, and no output holds any', () => {
    const files = filesUnder(join(folder, 'data'))
    const exposed = files.filter((file) => holdsSecret(file) && (statSync(file).mode & 0o077) !== 0)
    expect(exposed).toEqual([])
    // Keys of the authority, its signer and the node, the shared secret, the accounts.
    expect(files.filter(holdsSecret).length).toBeGreaterThanOrEqual(5)

    for (const { output } of [firstRun, node])
      for (const secret of files.flatMap(secretsOf)) expect(output.includes(secret), output).toBe(false)
    // A password stands where it is shown to be typed in, once, and nowhere in the files.
    for (const { password } of accounts) {
      expect(firstRun.output.split(password)).toHaveLength(2)
      expect(node.output).not.toContain(password)
      for (const file of files) expect(readFileSync(file).includes(password), file).toBe(false)
    }
  })

  it('a taken port ends with one clear line and exit code 2', async () => {
    const other = mkdtempSync(join(tmpdir(), 'ringbridge-second-'))
    const second = new Running(process.execPath, [COMMAND, 'start'], { cwd: other, env: environment })
    expect(await second.exit()).toBe(2)
    expect(second.output).toMatch(/in use|taken/i)
    rmSync(other, { recursive: true, force: true })
  })
})
