/** Sofia-SIP, the stack of FreeSWITCH: three phones on UDP, TCP and IPv6 at two peers go through what a call can have. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { freePort, Running } from './support/processes.ts'
import { interop } from './support/require.ts'
import { DOMAIN, ROOT, Testbed, user } from './support/testbed.ts'

let testbed: Testbed
let folder: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ringbridge-sofia-'))
  testbed = await Testbed.start(['--peers', '2', '--users', '10', '--base-port', '22950', '--ipv6'])
})
afterAll(async () => {
  await testbed.stop()
  rmSync(folder, { recursive: true, force: true })
})

function compile(): string {
  const program = join(folder, 'sofia-phone')
  const source = join(ROOT, 'test', 'interop', 'sofia', 'phone.c')
  const flags = ['-I/usr/include/sofia-sip-1.12', source, '-o', program, '-lsofia-sip-ua']
  const { status, stderr } = spawnSync('gcc', flags, { encoding: 'utf8' })
  expect(stderr).toBe('')
  expect(status).toBe(0)
  return program
}

/** A phone that runs, and what it has said since it was last listened to. */
class SofiaPhone {
  readonly uri: string
  private readonly running: Running
  private heard = 0

  private constructor(name: string, running: Running) {
    this.uri = `sip:${name}@${DOMAIN}`
    this.running = running
  }

  static async start(program: string, number: number, server: string, suffix = ''): Promise<SofiaPhone> {
    const name = user(number)
    const host = server.slice(0, server.lastIndexOf(':'))
    const own = `sip:${host}:${await freePort()}${suffix}`
    const words = [name, DOMAIN, `pw-${name}`, `sip:${server}${suffix}`, own]
    const phone = new SofiaPhone(name, new Running(program, words))
    await phone.says('ready')
    return phone
  }

  /** Told something: waits until it has said `answer`. */
  async does(command: string, answer: string): Promise<void> {
    this.tell(command)
    await this.says(answer)
  }

  tell(command: string): void {
    this.running.child.stdin?.write(`${command}\n`)
  }

  /** Waits for a line behind those that were waited for before: it numbers them. */
  async says(text: string): Promise<void> {
    const isNext = (line: string): boolean =>
      line.endsWith(` ${text}`) && Number.parseInt(line, 10) > this.heard
    this.heard = Number.parseInt(await this.running.line(isNext, text, 10_000), 10)
  }

  async stop(): Promise<void> {
    await this.running.stop()
  }
}

/** Until it rings, reliably (RFC 3262). */
async function ring(from: SofiaPhone, to: SofiaPhone): Promise<void> {
  from.tell(`call ${to.uri}`)
  await from.says('nua_r_prack 200')
  await to.says('nua_i_prack 200 OK')
}

async function answer(from: SofiaPhone, to: SofiaPhone): Promise<void> {
  await to.does('answer', 'call ready, audio 3')
  await from.says('call ready, audio 3')
}

async function hangUp(phone: SofiaPhone, other: SofiaPhone): Promise<void> {
  await phone.does('bye', 'nua_r_bye 200')
  await other.says('nua_i_bye 200 Session Terminated')
}

describe('Sofia-SIP', () => {
  interop(
    ['gcc', 'sofia-sip'],
    'calls with reliable ringing, hold by re-INVITE and UPDATE, transfers, cancels, subscribes and writes across two peers',
    async () => {
      const program = compile()
      const alice = await SofiaPhone.start(program, 1, testbed.peer(0).sip)
      const bob = await SofiaPhone.start(program, 2, testbed.peer(1).sip, ';transport=tcp')
      const carol = await SofiaPhone.start(program, 3, testbed.peer(1).sip.replace('127.0.0.1', '[::1]'))
      const phones = [alice, bob, carol]
      try {
        for (const phone of phones) await phone.does('register', 'nua_r_register 200')

        await ring(alice, bob)
        await answer(alice, bob)
        await bob.does('hold', 'call ready, audio 1')
        await alice.says('call ready, audio 2')
        await bob.does('resume', 'call ready, audio 3')
        await alice.says('call ready, audio 3')
        await alice.does('info', 'nua_r_info 200')
        await bob.says('nua_i_info: Signal=5')

        await bob.does(`message ${alice.uri} good morning`, 'nua_r_message 200')
        await alice.says('nua_i_message: good morning')
        await alice.does(`subscribe ${bob.uri}`, 'nua_r_subscribe 202')
        await bob.says('subscribed to presence')
        await bob.does('notify', 'nua_r_notify 200')
        await alice.says('notified of presence: active')
        alice.tell('unsubscribe')
        await alice.says('notified of presence: terminated')

        await alice.does(`refer ${carol.uri}`, 'nua_r_refer 202')
        await carol.says(`referred by ${alice.uri}`)
        await carol.says('nua_i_prack 200 OK')
        await carol.does('answer', 'call ready, audio 3')
        await bob.says('transfer ready, audio 3')
        await hangUp(alice, bob)
        await carol.does('bye', 'nua_r_bye 200')
        await bob.says('transfer terminated, audio 3')

        await ring(carol, alice)
        await carol.does('cancel', 'nua_r_invite 487')
        await alice.says('nua_i_cancel 200 OK')
        for (const phone of phones) await phone.does('unregister', 'nua_r_unregister 200')
      } finally {
        for (const phone of phones) await phone.stop()
      }
    },
  )
})
