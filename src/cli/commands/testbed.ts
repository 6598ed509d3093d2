/** `ringbridge testbed`: a whole overlay on loopback, one process a peer. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { checkRoles } from '../../app/config/check.ts'
import { privateFolder } from '../../app/files.ts'
import { saveAccounts } from '../../app/accounts/account-file.ts'
import { newAccount } from '../../app/accounts/new-account.ts'
import { openOverlayFolder } from '../../app/trust/overlay-folder.ts'
import { NodeCrypto } from '../../reload/security/index.ts'
import { EXIT, noneLeft, oneOf, print, readArgs, UsageError, wholeNumber, type Command } from '../command.ts'
import { takenPort } from '../testbed/free-ports.ts'
import { PeerProcess } from '../testbed/peer-process.ts'
import {
  accountsFile,
  authorityFolder,
  DOMAIN,
  EXTRA_TRANSPORTS,
  planPeers,
  rootFile,
  type ExtraTransport,
  type PeerPlan,
  userName,
  type TestbedWishes,
} from '../testbed/plan.ts'
import { ringFaults, type RingView } from './ask.ts'

const HELP = `ringbridge testbed --peers N

A whole overlay on loopback, one process a peer. Peer i (from 0): SIP on UDP and TCP 127.0.0.1:(base + 10 i), admin on +1,
RELOAD on +2, SIP flows of other peers on +3. Domain ${DOMAIN}; accounts u0000000, u0000001, ... with password pw-u0000000, ...,
each able to register at any peer. SIGTERM ends all; a peer that is killed does not end the others.

  --peers N            how many
  --users K            accounts (default 10)
  --auth digest|none   (default digest)
  --roles LIST         of all peers (default registrar,proxy)
  --redirect I,J       peers that redirect instead of proxying
  --transports LIST    for phones, of udp,tcp,tls,ws,wss (default udp,tcp, which are always there): TLS on +4, WebSockets on +5,
                       secure ones on +6; phones that check certificates trust DIR/authority/root-ca.pem
  --ipv6               phones find every peer on [::1] as well, on the same ports
  --base-port PORT     (default 20000)
  --data DIR           folder for everything; kept (default: a temporary one, removed at the end)
  --keylog DIR         NSS key logs of all RELOAD links, one file a peer
  --log-level LEVEL    of the peers (default info)
  --json               one JSON object a line: ready for each peer, then testbed-ready`

const OPTIONS = {
  peers: { type: 'string' },
  users: { type: 'string', default: '10' },
  auth: { type: 'string', default: 'digest' },
  roles: { type: 'string', default: 'registrar,proxy' },
  redirect: { type: 'string', default: '' },
  transports: { type: 'string', default: 'udp,tcp' },
  ipv6: { type: 'boolean', default: false },
  'base-port': { type: 'string', default: '20000' },
  data: { type: 'string' },
  keylog: { type: 'string' },
  'log-level': { type: 'string', default: 'info' },
  json: { type: 'boolean', default: false },
} as const

/** Seconds between Updates and Pings: a testbed wants to see a killed peer soon. */
const UPDATE_INTERVAL_S = 10
const PING_INTERVAL_S = 10
/** Peers that come up at once; more only compete for the processors. */
const STARTING_AT_ONCE = 4
const POLL_MS = 150
const READY_WITHIN_MS = 90_000
const STABLE_WITHIN_MS = 120_000

export const testbed: Command = {
  help: HELP,
  run: async (args) => {
    const { values, positionals } = readArgs(args, OPTIONS)
    noneLeft(positionals, 0)
    if (values.peers === undefined) throw new UsageError('--peers N is needed')
    const temporary = values.data === undefined
    const peers = wholeNumber(values.peers, 'peers', 1, 500)
    const users = wholeNumber(values.users, 'users', 0, 10_000_000)
    const asked: Omit<TestbedWishes, 'folder'> = {
      peers,
      users,
      auth: oneOf(values.auth, 'auth', ['digest', 'none']),
      roles: values.roles
        .split(',')
        .filter((role) => role !== '')
        .map((role) => oneOf(role, 'roles', ['registrar', 'proxy', 'redirect'])),
      redirect: indexes(values.redirect, peers),
      transports: extraTransports(values.transports),
      ipv6: values.ipv6,
      basePort: wholeNumber(values['base-port'], 'base-port', 1024, 65_535 - 10 * peers),
      keylog: values.keylog === undefined ? undefined : resolve(values.keylog),
      logLevel: oneOf(values['log-level'], 'log-level', ['debug', 'info', 'warn', 'error']),
    }
    if (asked.redirect.size < peers) checkTestbedRoles(asked.roles)
    const taken = await takenPort(planPeers({ ...asked, folder: '' }))
    if (taken !== undefined) {
      const reason = taken.code === 'EADDRINUSE' ? 'the port is in use by another process' : taken.code
      throw new UsageError(
        `${taken.address}: ${reason}; --base-port PORT moves all ports (now ${asked.basePort} to ${asked.basePort + 10 * peers - 1})`,
      )
    }
    // Only now, so that wrong arguments leave nothing behind.
    const folder = resolve(values.data ?? mkdtempSync(join(tmpdir(), 'ringbridge-testbed-')))
    try {
      const wishes = { ...asked, folder }
      await prepare(wishes)
      const run = new TestbedRun(wishes, values.json)
      return await run.untilStopped()
    } finally {
      if (temporary) rmSync(folder, { recursive: true, force: true })
    }
  },
}

function checkTestbedRoles(roles: readonly string[]): void {
  try {
    checkRoles(roles)
  } catch (error) {
    throw new UsageError((error as Error).message.replace('"sip.roles"', '--roles'))
  }
}

/** Authority, accounts and configuration files; what is there from an earlier run is used again. */
async function prepare(wishes: TestbedWishes): Promise<void> {
  const { folder, users } = wishes
  privateFolder(folder, '--data')
  if (wishes.keylog !== undefined) privateFolder(wishes.keylog, '--keylog')
  const authority = await openOverlayFolder(new NodeCrypto(), authorityFolder(folder), DOMAIN, {
    updateIntervalS: UPDATE_INTERVAL_S,
    pingIntervalS: PING_INTERVAL_S,
  })
  await authority.close()
  const names = Array.from({ length: users }, (_, index) => userName(index))
  saveAccounts(
    accountsFile(folder),
    names.map((name) => newAccount(name, DOMAIN, `pw-${name}`)),
  )
  for (const plan of planPeers(wishes)) {
    privateFolder(plan.folder, '--data')
    writeFileSync(plan.configFile, stringify(plan.config), { mode: 0o600 })
  }
}

class TestbedRun {
  private readonly json: boolean
  private readonly wishes: TestbedWishes
  private readonly processes: PeerProcess[] = []
  private stopping = false
  /** The ring has been stable once. */
  private up = false

  constructor(wishes: TestbedWishes, json: boolean) {
    this.wishes = wishes
    this.json = json
  }

  /** Brings everything up, reports, and waits for a signal. */
  async untilStopped(): Promise<number> {
    let told: () => void = () => undefined
    const signalled = new Promise<void>((done) => (told = done))
    const onSignal = (): void => {
      if (this.stopping) process.exit(EXIT.failed)
      this.stopping = true
      told()
    }
    process.on('SIGTERM', onSignal)
    process.on('SIGINT', onSignal)
    try {
      const fault = await Promise.race([this.bringUp(), signalled.then(() => undefined)])
      if (fault !== undefined) {
        process.stderr.write(`ringbridge: ${fault}\n`)
        return EXIT.failed
      }
      await signalled
      return EXIT.done
    } finally {
      this.stopping = true
      await Promise.all(this.processes.map((each) => each.stop()))
      process.off('SIGTERM', onSignal)
      process.off('SIGINT', onSignal)
    }
  }

  /** Whoever watches should learn why calls to a peer fail; standard output stays what scripts expect. */
  private ended(plan: PeerPlan, how: string): void {
    if (this.up && !this.stopping)
      process.stderr.write(`ringbridge: peer ${plan.index} ended (${how}); the others go on\n`)
  }

  /** Undefined once the ring is stable, else what went wrong. */
  private async bringUp(): Promise<string | undefined> {
    const plans = planPeers(this.wishes)
    // The first one founds the ring; the others need somebody to join.
    if (!this.json) print(`starting ${plans.length} peers ...`)
    const batches = [plans.slice(0, 1)]
    for (let at = 1; at < plans.length; at += STARTING_AT_ONCE)
      batches.push(plans.slice(at, at + STARTING_AT_ONCE))
    for (const batch of batches) {
      if (this.stopping) return undefined
      const started = batch.map((plan) => new PeerProcess(plan, command(), (how) => this.ended(plan, how)))
      this.processes.push(...started)
      const faults = await Promise.all(started.map((each) => this.ready(each)))
      const fault = faults.find((each) => each !== undefined)
      if (fault !== undefined) return fault
    }
    return this.stable()
  }

  private async ready(peer: PeerProcess): Promise<string | undefined> {
    const deadline = performance.now() + READY_WITHIN_MS
    while (!this.stopping) {
      if (!peer.alive) return `peer ${peer.plan.index} ended:\n${peer.lastLines(5)}`
      const nodeId = await peer.readyNodeId()
      if (nodeId !== undefined) {
        const { index, sip, admin, reload, extra } = peer.plan
        const { pid } = peer
        const others = Object.fromEntries(extra)
        if (this.json)
          print(JSON.stringify({ event: 'ready', peer: index, pid, nodeId, sip, admin, reload, ...others }))
        else {
          const more = extra.map(([transport, address]) => `  ${transport.toUpperCase()} ${address}`).join('')
          print(
            `peer ${index}  SIP ${sip}${more}  admin http://${admin}/  RELOAD ${reload}  pid ${pid}  ${nodeId}`,
          )
        }
        return undefined
      }
      if (performance.now() > deadline) return `peer ${peer.plan.index} is not ready:\n${peer.lastLines(5)}`
      await pause()
    }
    return undefined
  }

  private get hasTls(): boolean {
    return this.wishes.transports?.some((transport) => transport !== 'ws') === true
  }

  /** What to do with it, for somebody who has a phone at hand. */
  private welcome(peers: number): string {
    const { auth, users, folder } = this.wishes
    const first = this.processes[0]?.plan.sip ?? ''
    const secret = auth === 'none' ? 'any password' : `password pw-${userName(0)}`
    const lines = [
      '',
      `Ready: ${peers} peers make one telephone system. A phone may use the SIP address of any of them as its server.`,
    ]
    if (users > 0) lines.push(`  phone 1   server ${first}, domain ${DOMAIN}, user ${userName(0)}, ${secret}`)
    if (users > 1)
      lines.push(
        `  phone 2   another peer, user ${userName(1)}, and so on; dial ${userName(0)} to call phone 1`,
      )
    if (this.hasTls) lines.push(`  TLS       phones that check certificates trust ${rootFile(folder)}`)
    lines.push(`  logs      ${folder}/peer-N/log.jsonl`, '  Ctrl-C ends all.')
    return lines.join('\n')
  }

  /** Waits until the views of all living peers make one ring. */
  private async stable(): Promise<string | undefined> {
    const deadline = performance.now() + STABLE_WITHIN_MS
    while (!this.stopping) {
      const living = this.processes.filter((each) => each.alive)
      const views = (await Promise.all(living.map((each) => each.ring()))).filter(
        (view): view is RingView => view !== undefined,
      )
      const faults = views.length === living.length ? ringFaults(views) : ['a peer does not answer']
      if (faults.length === 0) {
        this.up = true
        const ca = this.hasTls ? { ca: rootFile(this.wishes.folder) } : {}
        const ready = { event: 'testbed-ready', peers: living.length, domain: DOMAIN, ...ca }
        if (this.json) print(JSON.stringify(ready))
        else print(this.welcome(living.length))
        return undefined
      }
      if (performance.now() > deadline) return `the ring is not stable: ${faults.slice(0, 5).join('; ')}`
      await pause()
    }
    return undefined
  }
}

/** How a child runs this program: the same entry file, and the same loader when it runs from source. */
function command(): readonly string[] {
  const entry = fileURLToPath(new URL('../main.js', import.meta.url))
  return import.meta.url.endsWith('.ts') ? [...process.execArgv, entry.replace(/\.js$/, '.ts')] : [entry]
}

function indexes(text: string, peers: number): ReadonlySet<number> {
  const list = text.split(',').filter((each) => each !== '')
  const found = new Set(list.map((each) => wholeNumber(each, 'redirect', 0, peers - 1)))
  if (found.size === peers) throw new UsageError('--redirect: at least one peer has to proxy')
  return found
}

function extraTransports(text: string): ExtraTransport[] {
  const known = ['udp', 'tcp', ...Object.keys(EXTRA_TRANSPORTS)]
  const asked = text.split(',').filter((each) => each !== '')
  for (const each of asked) oneOf(each, 'transports', known)
  return (Object.keys(EXTRA_TRANSPORTS) as ExtraTransport[]).filter((each) => asked.includes(each))
}

function pause(): Promise<void> {
  return new Promise((done) => setTimeout(done, POLL_MS))
}
