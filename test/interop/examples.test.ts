import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { freePort, Running } from './support/processes.ts'
import { COMMAND, ROOT } from './support/testbed.ts'

const run = promisify(execFile)
const EXAMPLES = join(ROOT, 'deploy', 'examples')

let folder = ''
let nodes: Running[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringbridge-examples-'))
  nodes = []
})
afterEach(async () => {
  await Promise.all(nodes.map((node) => node.stop()))
  rmSync(folder, { recursive: true, force: true })
})

/** A machine of its own: a folder, and an address of the loopback network in the place of the example's addresses. */
interface Machine {
  readonly folder: string
  readonly address: string
  readonly env: NodeJS.ProcessEnv
}

function machine(number: number, env: NodeJS.ProcessEnv = {}): Machine {
  const own = join(folder, `machine-${number}`)
  const address = `127.78.${process.pid % 250}.${number}`
  mkdirSync(own)
  return {
    folder: own,
    address,
    env: {
      ...process.env,
      RINGBRIDGE_SIP__LISTEN: `udp://${address}:5060,tcp://${address}:5060`,
      RINGBRIDGE_SIP__ADVERTISE: address,
      RINGBRIDGE_OVERLAY__LISTEN: `tls://${address}:6084`,
      RINGBRIDGE_OVERLAY__ADVERTISE: address,
      RINGBRIDGE_ADMIN__LISTEN: `${address}:8080`,
      ...env,
    },
  }
}

async function ringbridge({ folder: cwd, env }: Machine, ...args: readonly string[]): Promise<string> {
  return (await run(process.execPath, [COMMAND, ...args], { cwd, env })).stdout
}

async function start({ folder: cwd, env }: Machine, file: string): Promise<void> {
  const node = new Running(process.execPath, [COMMAND, 'start', '--json', '--config', file], { cwd, env })
  nodes.push(node)
  await node.line((line) => line.includes('"event":"ready"'), 'ready')
}

async function user(at: Machine, name: string, file: string): Promise<void> {
  writeFileSync(join(at.folder, 'word'), `pw-${name}\n`)
  await ringbridge(at, 'users', 'add', name, '--config', file, '--password-file', 'word')
}

/** From a phone at one machine to a phone at another. */
async function call(
  caller: readonly [string, Machine],
  callee: readonly [string, Machine],
  domain: string,
): Promise<void> {
  const [from, near] = caller
  const [to, far] = callee
  const tried = new Running(process.execPath, [
    ...[COMMAND, 'phone', 'try', `${from}@${domain}`, to],
    ...['--server', `${near.address}:5060`, '--password', `pw-${from}`],
    ...['--callee-server', `${far.address}:5060`, '--callee-password', `pw-${to}`],
  ])
  expect(await tried.exit(), tried.output).toBe(0)
}

describe('the examples of deploy/', () => {
  it('small office: site 2 enrolls at site 1, and they call each other', async () => {
    const domain = 'office.example.com'
    const [site1, site2] = [machine(1), machine(2)]
    const https = `${site1.address}:${await freePort()}`
    // The commands that stand in the files, with our addresses.
    for (const [site, file] of [
      [site1, 'site1.yaml'],
      [site2, 'site2.yaml'],
    ] as const) {
      const text = readFileSync(join(EXAMPLES, 'small-office', file), 'utf8')
      const here = text.replace('192.0.2.1:8443', https).replace('0.0.0.0:8443', https)
      writeFileSync(join(site.folder, file), here.replaceAll('192.0.2.1]', `${site1.address}]`))
    }
    const init = ['--enrollment', `https://${https}/enroll`, '--bootstrap', `${site1.address}:6084`]
    await ringbridge(site1, 'overlay', 'init', domain, ...init)
    const added = await ringbridge(
      site1,
      'overlay',
      'accounts',
      'add',
      'site2',
      '--names',
      `*@${domain}`,
      '--json',
    )
    const { password } = JSON.parse(added) as { password: string }
    await user(site1, 'alice', 'site1.yaml')
    await start(site1, 'site1.yaml')
    copyFileSync(join(site1.folder, 'data', 'authority', 'root-ca.pem'), join(site2.folder, 'root-ca.pem'))
    writeFileSync(join(site2.folder, 'password'), `${password}\n`, { mode: 0o600 })
    const other = { ...site2, env: { ...site2.env, RINGBRIDGE_OVERLAY__PASSWORD_FILE: 'password' } }
    await user(other, 'bob', 'site2.yaml')
    await start(other, 'site2.yaml')
    await call(['alice', site1], ['bob', site2], domain)
    await call(['bob', site2], ['alice', site1], domain)
  })

  it('school LAN: three computers with one file and self-signed certificates', async () => {
    const machines = [machine(1), machine(2), machine(3)]
    const [teacher] = machines as [Machine]
    const script = readFileSync(join(EXAMPLES, 'school-lan', 'document.sh'), 'utf8')
    const shell = script.replaceAll('ringbridge overlay', `${process.execPath} ${COMMAND} overlay`)
    await run('sh', ['-c', shell, 'document.sh', teacher.address], { cwd: teacher.folder })
    for (const [index, each] of machines.entries()) {
      copyFileSync(join(EXAMPLES, 'school-lan', 'node.yaml'), join(each.folder, 'node.yaml'))
      if (each !== teacher)
        copyFileSync(join(teacher.folder, 'configuration.xml'), join(each.folder, 'configuration.xml'))
      await user(each, `pupil${index}`, 'node.yaml')
      await start(each, 'node.yaml')
    }
    const [, second, third] = machines as [Machine, Machine, Machine]
    await call(['pupil1', second], ['pupil2', third], 'school.example')
    await call(['pupil2', third], ['pupil0', teacher], 'school.example')
  })

  it('provider edge: two nodes with the file and their own addresses, certificates from an enrollment server', async () => {
    const domain = 'voice.example.net'
    const center = machine(9)
    const https = `${center.address}:${await freePort()}`
    const nodesHere = [machine(1), machine(2)]
    const [first] = nodesHere as [Machine]
    await ringbridge(
      ...([center, 'overlay', 'init', domain, '--enrollment', `https://${https}/enroll`] as const),
      ...['--bootstrap', `${first.address}:6084`],
    )
    const added = await ringbridge(
      center,
      'overlay',
      'accounts',
      'add',
      'edge',
      '--names',
      `*@${domain}`,
      '--json',
    )
    const { password } = JSON.parse(added) as { password: string }
    const serve = ['overlay', 'serve', domain, '--listen', https, '--json']
    const server = new Running(process.execPath, [COMMAND, ...serve], { cwd: center.folder })
    nodes.push(server)
    await server.line((line) => line.includes('"event":"enrollment_served"'), 'the enrollment server')
    for (const [index, each] of nodesHere.entries()) {
      copyFileSync(join(EXAMPLES, 'provider-edge', 'edge.yaml'), join(each.folder, 'edge.yaml'))
      const env = {
        ...each.env,
        RINGBRIDGE_OVERLAY__CONFIGURATION: `https://${https}/.well-known/reload-config`,
        RINGBRIDGE_OVERLAY__CA: join(center.folder, 'data', 'authority', 'root-ca.pem'),
        RINGBRIDGE_OVERLAY__USER_NAME: `edge${index}@${domain}`,
        RINGBRIDGE_OVERLAY__APPLICATION_LISTEN: `tls://${each.address}:6085`,
        RINGBRIDGE_OVERLAY__PASSWORD: password,
        RINGBRIDGE_ADMIN__TOKEN: 'a-token',
        RINGBRIDGE_SIP__SECRET: '5'.repeat(64),
        RINGBRIDGE_DATA__DIR: join(each.folder, 'data'),
      }
      await user({ ...each, env }, `line${index}`, 'edge.yaml')
      await start({ ...each, env }, 'edge.yaml')
    }
    const [, second] = nodesHere as [Machine, Machine]
    await call(['line0', first], ['line1', second], domain)
  })
})
