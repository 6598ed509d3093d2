import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Ladder } from './ladder.ts'
import { Running } from './processes.ts'
import { DOMAIN } from './testbed.ts'

const SCENARIOS = join(dirname(dirname(fileURLToPath(import.meta.url))), 'sipp')

export type SippTransport = 'udp' | 'tcp'

export interface SippRun {
  /** A file of `test/interop/sipp`, or a ladder. */
  readonly scenario: string | Ladder
  readonly target: string
  readonly transport: SippTransport
  /** SIPp's own port; phones that wait for calls need one that was registered. */
  readonly port?: number
  readonly user?: string
  readonly password?: string
  readonly keys?: Readonly<Record<string, string>>
  readonly calls?: number
  /** File for all messages that it sends and gets. */
  readonly messages?: string
  /** Its own address; loopback of IPv4 when not given. */
  readonly address?: string
}

/** Starts SIPp with one of our scenarios, by the command `before`; it ends by itself after its call. */
export function sipp(run: SippRun, before: readonly string[] = []): Running {
  const folder = mkdtempSync(join(tmpdir(), 'ringbridge-sipp-'))
  const csv = join(folder, 'users.csv')
  const name = run.user ?? 'nobody'
  const scenario = run.scenario instanceof Ladder ? join(folder, 'ladder.xml') : join(SCENARIOS, run.scenario)
  if (run.scenario instanceof Ladder) writeFileSync(scenario, run.scenario.xml)
  const parameters = run.transport === 'tcp' ? ';transport=tcp' : ''
  writeFileSync(
    csv,
    `SEQUENTIAL\n${name};[authentication username=${name} password=${run.password ?? `pw-${name}`}];\n`,
  )
  const keys = Object.entries({ domain: DOMAIN, expires: '600', parameters, ...run.keys }).flatMap(
    ([key, value]) => ['-key', key, value],
  )
  const [command, ...first] = [...before, 'sipp']
  return new Running(
    command as string,
    [
      ...first,
      run.target,
      ...['-sf', scenario, '-inf', csv, '-m', String(run.calls ?? 1), '-i', run.address ?? '127.0.0.1'],
      ...[
        '-t',
        run.transport === 'tcp' ? 't1' : 'u1',
        '-nostdin',
        '-timeout',
        '40s',
        '-timeout_error',
        '-trace_err',
        '-error_file',
        join(folder, 'errors.log'),
      ],
      ...(run.port === undefined ? [] : ['-p', String(run.port)]),
      ...(run.messages === undefined ? [] : ['-trace_msg', '-message_file', run.messages]),
      ...keys,
    ],
    { cwd: folder },
  )
}

/** Registers `user` with a Contact on `contactPort`, from another port, and waits for the 200. */
export async function register(
  target: string,
  user: string,
  contactPort: number,
  transport: SippTransport,
  extra: { password?: string; expires?: string; address?: string } = {},
): Promise<number> {
  const run = sipp({
    scenario: 'register.xml',
    target,
    transport,
    user,
    keys: {
      contact: `${bracketed(extra.address ?? '127.0.0.1')}:${contactPort}`,
      expires: extra.expires ?? '600',
    },
    ...(extra.address === undefined ? {} : { address: extra.address }),
    ...(extra.password === undefined ? {} : { password: extra.password }),
  })
  return run.exit()
}

function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address
}
