/** The command line: finds the subcommand, turns failures into one line and an exit code. */
import { VERSION } from '../app/version.ts'
import { EXIT, print, type Command } from './command.ts'
import { exitCodeOf } from './exit-code.ts'

export interface Entry {
  readonly name: string
  readonly summary: string
  readonly load: () => Promise<Command>
}

/** Every subcommand, in the order of the help. */
export const COMMANDS: readonly Entry[] = [
  { name: 'start', summary: 'run one node', load: async () => (await import('./commands/start.ts')).start },
  {
    name: 'testbed',
    summary: 'a whole overlay on loopback, one process a peer',
    load: async () => (await import('./commands/testbed.ts')).testbed,
  },
  {
    name: 'overlay',
    summary: 'init, sign, serve, accounts: an enrollment authority and its Configuration Document',
    load: async () => (await import('./commands/overlay.ts')).overlay,
  },
  {
    name: 'users',
    summary: 'add, list, remove, import SIP accounts',
    load: async () => (await import('./commands/users.ts')).users,
  },
  {
    name: 'enroll',
    summary: 'fetch the Configuration Document and a certificate from their server',
    load: async () => (await import('./commands/enroll.ts')).enroll,
  },
  {
    name: 'locate',
    summary: 'ask a running node who serves an AOR',
    load: async () => (await import('./commands/ask.ts')).locate,
  },
  {
    name: 'ring',
    summary: 'the ring as running nodes see it',
    load: async () => (await import('./commands/ask.ts')).ring,
  },
  {
    name: 'ping',
    summary: 'ask a running node to ping another over the overlay',
    load: async () => (await import('./commands/ask.ts')).ping,
  },
  {
    name: 'path',
    summary: 'ask a running node which peers a request about an AOR passes',
    load: async () => (await import('./commands/ask.ts')).path,
  },
  {
    name: 'trace',
    summary: 'ask a running node what happened to a call, with what other nodes saw of it',
    load: async () => (await import('./commands/ask.ts')).trace,
  },
  {
    name: 'dump',
    summary: 'RELOAD, STUN or SIP bytes as a tree',
    load: async () => (await import('./commands/dump.ts')).dump,
  },
  {
    name: 'phone',
    summary: 'register, call, answer, message: a small test phone',
    load: async () => (await import('./commands/phone.ts')).phone,
  },
  {
    name: 'sim',
    summary: 'whole overlays in virtual time, with faults, from a seed',
    load: async () => (await import('./commands/sim.ts')).sim,
  },
  {
    name: 'check-config',
    summary: 'validate a configuration file',
    load: async () => (await import('./commands/check-config.ts')).checkConfig,
  },
  {
    name: 'print-dns',
    summary: 'NAPTR, SRV and address records for the domains and listeners of nodes',
    load: async () => (await import('./commands/print-dns.ts')).printDns,
  },
  {
    name: 'phone-config',
    summary: 'settings of a phone in the words of its maker, and QR codes',
    load: async () => (await import('./commands/phone-config.ts')).phoneConfig,
  },
  {
    name: 'health',
    summary: 'is the node on this machine ready: for containers and scripts',
    load: async () => (await import('./commands/health.ts')).health,
  },
]

const HELP = [
  'ringbridge COMMAND [options]',
  '',
  ...COMMANDS.map(({ name, summary }) => `  ${name.padEnd(14)}${summary}`),
  '',
  'ringbridge COMMAND --help says more, ringbridge --version which one this is. Exit codes: 0 done, 1 failed while running, 2 bad usage or configuration.',
].join('\n')

/** Runs one command line; resolves with the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    print(HELP)
    return name === undefined ? EXIT.usage : EXIT.done
  }
  if (name === '--version' || name === '-V' || name === 'version') {
    print(VERSION)
    return EXIT.done
  }
  const entry = COMMANDS.find((each) => each.name === name)
  if (entry === undefined) return complain(`no command "${name}"; ringbridge --help lists them`, EXIT.usage)
  try {
    const command = await entry.load()
    if (rest.includes('--help') || rest.includes('-h')) {
      print(command.help)
      return EXIT.done
    }
    return await command.run(rest)
  } catch (error) {
    return failure(error)
  }
}

function failure(error: unknown): number {
  return complain(error instanceof Error ? error.message : String(error), exitCodeOf(error))
}

function complain(message: string, code: number): number {
  process.stderr.write(`ringbridge: ${message}\n`)
  return code
}
