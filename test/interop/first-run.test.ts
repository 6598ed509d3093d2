import { mkdtempSync, rmSync, statSync } from 'node:fs'
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
  node = await start()
  domain = /domain\W+([a-z0-9.-]+\.[a-z]+)/i.exec(node.output)?.[1] ?? ''
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
        await phone.event('REGISTER_OK')
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

  it('keeps secrets to itself: key files are 0600', () => {
    const listing = new Set<string>()
    for (const name of ['secret', 'node/key.pem']) {
      try {
        listing.add((statSync(join(folder, 'data', name)).mode & 0o777).toString(8))
      } catch {
        // Layout of the data folder is the product's own affair; whatever exists of these must be private.
      }
    }
    for (const mode of listing) expect(mode).toBe('600')
  })

  it('a taken port ends with one clear line and exit code 2', async () => {
    const other = mkdtempSync(join(tmpdir(), 'ringbridge-second-'))
    const second = new Running(process.execPath, [COMMAND, 'start'], { cwd: other, env: environment })
    expect(await second.exit()).toBe(2)
    expect(second.output).toMatch(/in use|taken/i)
    rmSync(other, { recursive: true, force: true })
  })
})
