import { spawn, spawnSync, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { tlsIdentity } from '../../src/app/trust/node-identity.ts'
import type { Credential } from '../../src/reload/index.ts'

/** The benchmark runs compiled, from another folder; its C source and the rivals' files stay here. npm sets the working folder. */
const HERE = join(process.cwd(), 'test', 'bench')
const COMMAND = join(process.cwd(), 'bin', 'ringbridge.mjs')

/** A server under measurement: ours or a rival's. */
export interface Server {
  readonly name: string
  readonly pids: readonly number[]
  /** SIP addresses, one a peer. */
  readonly targets: readonly string[]
  readonly admins: readonly string[]
  /** Where overlay links are accepted, one a peer. */
  readonly links: readonly string[]
  /** Folder of a testbed. */
  readonly folder: string
  stop(): Promise<void>
}

/** `ringbridge testbed`; peers are pinned to CPU 0, the generator runs on CPU 1. */
export async function ringbridge(
  peers: number,
  users: number,
  auth: 'digest' | 'none',
  basePort: number,
): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'ringbridge-bench-'))
  const flags = [
    '--peers',
    String(peers),
    '--users',
    String(users),
    '--auth',
    auth,
    '--base-port',
    String(basePort),
  ]
  const child = run(['-c', '0', process.execPath, COMMAND, 'testbed', '--json', '--data', folder, ...flags])
  const ready: { pid: number; sip: string; admin: string; reload: string; peer: number }[] = []
  await untilLine(child, (line) => {
    if (line.startsWith('{"event":"ready"')) ready.push(JSON.parse(line) as (typeof ready)[number])
    return line.includes('"testbed-ready"')
  })
  ready.sort((a, b) => a.peer - b.peer)
  return {
    name: `ringbridge, ${peers} peer${peers > 1 ? 's' : ''}, ${auth}`,
    pids: ready.map((peer) => peer.pid),
    targets: ready.map((peer) => peer.sip),
    admins: ready.map((peer) => peer.admin),
    links: ready.map((peer) => peer.reload),
    folder,
    stop: async () => {
      await end(child)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Registrar and proxy on npm `sip`. */
export async function npmSip(port: number): Promise<Server> {
  const modules = dirname(dirname(createRequire(import.meta.url).resolve('sip')))
  const child = run(['-c', '0', process.execPath, join(HERE, 'rivals', 'sip-npm-server.cjs'), String(port)], {
    env: { ...process.env, NODE_PATH: modules },
  })
  await listening(port)
  return {
    name: 'npm sip 0.0.6',
    pids: [child.pid ?? 0],
    targets: [`127.0.0.1:${port}`],
    admins: [],
    links: [],
    folder: '',
    stop: () => end(child),
  }
}

/** A server that speaks no SIP and sends back what it gets, over UDP and TCP. */
export async function nodeEcho(port: number): Promise<Server> {
  const child = run(['-c', '0', process.execPath, join(HERE, 'rivals', 'echo.mjs'), String(port)])
  await listening(port)
  return {
    name: 'bare Node echo',
    pids: [child.pid ?? 0],
    targets: [`127.0.0.1:${port}`],
    admins: [],
    links: [],
    folder: '',
    stop: () => end(child),
  }
}

/** The same by two processes that share the port (echo-workers.mjs), and with them on both processors. */
export async function workersEcho(port: number, way: 'alone' | 'before-core'): Promise<Server> {
  const script = join(HERE, 'rivals', 'echo-workers.mjs')
  const child = run(['-c', '0,1', process.execPath, script, String(port), way])
  let pids: readonly number[] = []
  await untilLine(child, (line) => {
    if (line.startsWith('{')) ({ pids } = JSON.parse(line) as { pids: readonly number[] })
    return pids.length > 0
  })
  return {
    name: way === 'alone' ? '2 workers' : '2 workers, 1 core',
    pids,
    targets: [`127.0.0.1:${port}`],
    admins: [],
    links: [],
    folder: '',
    stop: () => end(child),
  }
}

/** Debian's Kamailio with its fast allocator, or undefined where it is not installed. */
export async function kamailio(port: number, auth: boolean): Promise<Server | undefined> {
  if (spawnSync('sh', ['-c', 'command -v kamailio']).status !== 0) return undefined
  const folder = mkdtempSync(join(tmpdir(), 'ringbridge-kamailio-'))
  const child = run([
    ...['-c', '0', 'kamailio', '-f', join(HERE, 'rivals', 'kamailio.cfg'), '-DD', '-E', '-n', '1', '-N', '1'],
    ...[
      '-l',
      `udp:127.0.0.1:${port}`,
      '-l',
      `tcp:127.0.0.1:${port}`,
      '-m',
      '512',
      '-M',
      '16',
      '-x',
      'tlsf',
      '-X',
      'tlsf',
      '-b',
      '4194304',
    ],
    ...['-Y', folder, '-P', join(folder, 'kamailio.pid'), ...(auth ? ['-A', 'WITH_AUTH'] : [])],
  ])
  await listening(port)
  return {
    name: `Kamailio${auth ? ', MD5 digest' : ''}`,
    pids: [child.pid ?? 0],
    targets: [`127.0.0.1:${port}`],
    admins: [],
    links: [],
    folder: '',
    stop: () => end(child),
  }
}

/** node:tls and nothing else, which shows the certificate of `credential`. */
export async function tlsRelay(port: number, credential: Credential): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'ringbridge-relay-'))
  const certificate = join(folder, 'certificate.pem')
  const key = join(folder, 'key.pem')
  const { certificates, privateKey } = tlsIdentity(credential)
  writeFileSync(certificate, certificates)
  writeFileSync(key, privateKey, { mode: 0o600 })
  const script = join(HERE, 'rivals', 'tls-relay.mjs')
  const child = run(['-c', '0', process.execPath, script, String(port), certificate, key])
  await listening(port)
  return {
    name: 'bare node:tls relay',
    pids: [child.pid ?? 0],
    targets: [],
    admins: [],
    links: [`127.0.0.1:${port}`],
    folder,
    stop: async () => {
      await end(child)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function listening(port: number): Promise<void> {
  for (let turn = 0; turn < 100; turn++) {
    const up = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1')
      socket.once('connect', () => resolve(true))
      socket.once('error', () => resolve(false))
      socket.once('close', () => resolve(false))
      socket.once('connect', () => socket.destroy())
    })
    if (up) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`nothing listens on port ${port}`)
}

async function untilLine(child: ChildProcess, seen: (line: string) => boolean): Promise<void> {
  let rest = ''
  let all = ''
  return new Promise((resolve, reject) => {
    const read = (bytes: Buffer): void => {
      all += bytes.toString()
      const lines = (rest + bytes.toString()).split('\n')
      rest = lines.pop() ?? ''
      if (lines.some(seen)) resolve()
    }
    child.stdout?.on('data', read)
    child.stderr?.on('data', (bytes: Buffer) => (all += bytes.toString()))
    child.once('close', () => reject(new Error(`ended before it was ready:\n${all}`)))
  })
}

const started = new Set<ChildProcess>()
// A benchmark that fails half-way must not leave servers behind.
process.on('exit', () => {
  for (const child of started) child.kill('SIGTERM')
})

/** Starts a server under `taskset` with these arguments. */
function run(args: readonly string[], options: SpawnOptions = {}): ChildProcess {
  const child = spawn('taskset', [...args], options)
  started.add(child)
  child.once('close', () => started.delete(child))
  return child
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const closed = once(child, 'close')
  child.kill('SIGTERM')
  await closed
}
