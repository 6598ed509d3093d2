/** A phone behind a router that translates addresses calls and is called: over UDP with rport, and over TCP. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { saveAccounts } from '../../src/app/accounts/account-file.ts'
import { newAccount } from '../../src/app/accounts/new-account.ts'
import { NatNetwork, NODE_ADDRESS, PHONE_ADDRESS, type Place } from './support/nat-network.ts'
import { Running } from './support/processes.ts'
import { available, interop, type Tool } from './support/require.ts'
import { COMMAND, DOMAIN } from './support/testbed.ts'

const TOOLS: readonly Tool[] = ['ip', 'nft', 'baresip']
const SIP = `${NODE_ADDRESS}:5060`
const USERS = ['home', 'office']

let network: NatNetwork
let node: Running

beforeAll(async () => {
  if (TOOLS.some((tool) => !available(tool))) return
  network = NatNetwork.make()
  const folder = mkdtempSync(join(tmpdir(), 'ringbridge-nat-'))
  const users = join(folder, 'users.jsonl')
  saveAccounts(
    users,
    USERS.map((name) => newAccount(name, DOMAIN, `pw-${name}`)),
  )
  const config = join(folder, 'config.yaml')
  writeFileSync(
    config,
    JSON.stringify({
      overlay: { name: DOMAIN, listen: ['tls://127.0.0.1:6084'] },
      sip: { listen: [`udp://${SIP}`, `tcp://${SIP}`], users },
      data: { dir: join(folder, 'data') },
      log: { format: 'json' },
    }),
  )
  node = at('public', [process.execPath, COMMAND, 'start', '--config', config])
  await node.line((line) => line.includes('"event":"ready"'), 'ready')
})
afterAll(async () => {
  await node?.stop()
  network?.remove()
})

function at(place: Place, command: readonly string[], cwd?: string): Running {
  const [program, ...args] = network.at(place, command)
  return new Running(program, args, cwd === undefined ? {} : { cwd })
}

/** `ringbridge phone` in the public network. */
function office(verb: string, ...args: readonly string[]): Running {
  const phone = [process.execPath, COMMAND, 'phone', verb, `office@${DOMAIN}`, ...args]
  return at('public', [...phone, '--server', SIP, '--password', 'pw-office'])
}

/** baresip at home, which knows nothing of the router: it names its private address everywhere, and picks up by itself. */
function homePhone(transport: 'udp' | 'tcp', commands: readonly string[] = []): Running {
  const folder = mkdtempSync(join(tmpdir(), 'ringbridge-home-'))
  const modules = ['account', 'menu', 'stdio', 'g711', 'aubridge']
  const config = [
    `sip_listen ${PHONE_ADDRESS}:5070`,
    'audio_player aubridge,nil',
    'audio_source aubridge,nil',
    'audio_alert aubridge,nil',
    'module_path /usr/lib/baresip/modules',
    ...modules.map((name) => `${name === 'menu' || name === 'account' ? 'module_app' : 'module'} ${name}.so`),
  ]
  const account =
    `<sip:home@${DOMAIN};transport=${transport}>;auth_pass=pw-home` +
    `;outbound="sip:${SIP};transport=${transport}";regint=600;answermode=auto`
  writeFileSync(join(folder, 'config'), `${config.join('\n')}\n`)
  writeFileSync(join(folder, 'accounts'), `${account}\n`)
  writeFileSync(join(folder, 'contacts'), '')
  return at('home', ['baresip', '-f', folder, '-v', ...commands.flatMap((each) => ['-e', each])], folder)
}

async function registered(phone: Running): Promise<void> {
  await phone.line((line) => /200 OK .*\[\d+ binding/.test(line), 'registration', 30_000)
}

describe('a phone behind NAT', () => {
  for (const transport of ['udp', 'tcp'] as const) {
    interop(
      TOOLS,
      `S3581-4-01 S3581-4-02 S5626-7-03 over ${transport}: it is called at the address of its router and hangs up`,
      async () => {
        const phone = homePhone(transport)
        try {
          await registered(phone)
          // Nothing in the public network knows a way to its own address, so only the way of its REGISTER leads there.
          const calling = office('call', 'home', '--seconds', '1')
          expect(await calling.exit(), `${calling.output}\n${phone.output}`).toBe(0)
          await phone.line((line) => /Call established/.test(line), 'the call at home')
          await phone.line((line) => /terminated|Call with .* closed/.test(line), 'its end at home')
        } finally {
          await phone.stop()
        }
      },
    )

    interop(TOOLS, `over ${transport}: it calls, and the far end hangs up through the router`, async () => {
      const answering = office('answer', '--calls', '1', '--seconds', '30')
      await answering.line((line) => line.includes('status=200'), 'office registered')
      const phone = homePhone(transport, [`/dial sip:office@${DOMAIN}`])
      try {
        await phone.line((line) => /Call established/.test(line), 'the call at home')
      } finally {
        await phone.stop()
      }
      // The phone says BYE when it is ended.
      expect(await answering.exit(), answering.output).toBe(0)
    })
  }
})
