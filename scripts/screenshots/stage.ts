/** An overlay with phones and calls, so that there is something to see. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { Running } from '../../test/interop/support/processes.ts'
import { COMMAND, DOMAIN, Testbed, user } from '../../test/interop/support/testbed.ts'

/** Who registers where: phone number and peer; the peer is taken round the ring. */
const PHONES = 5
const CALLER = 8
const TRIES = 6
const READY_WITHIN_MS = 600_000

export class Stage {
  readonly testbed: Testbed
  private readonly phones: Running[] = []
  private readonly later: ChildProcess[] = []

  private constructor(testbed: Testbed) {
    this.testbed = testbed
  }

  static async build(peers: number, basePort: number): Promise<Stage> {
    const flags = ['--peers', String(peers), '--users', '10', '--base-port', String(basePort)]
    const stage = new Stage(await Testbed.start(flags, [], READY_WITHIN_MS))
    try {
      await stage.people()
    } catch (error) {
      await stage.down()
      throw error
    }
    return stage
  }

  /** Two phones at the peer that is looked at, one at each of the next ones; calls that went well, one that did not, one that is up. */
  private async people(): Promise<void> {
    const peers = this.testbed.peers.length
    for (let who = 1; who <= PHONES; who++) {
      const peer = Math.max(0, who - 2) % peers
      const transport = who % 2 === 0 ? 'tcp' : 'udp'
      await this.lasting('answer', who, peer, ['--calls', '20', '--transport', transport], 'status=200')
    }
    await this.call(user(2), '0')
    await this.call(user(9), '0')
    await this.call(user(4), '1')
    await this.lasting('call', CALLER, 0, [`${user(3)}@${DOMAIN}`], 'answer status=200')
  }

  /** A phone that stays; tried again while a busy machine answers with 503. */
  private async lasting(
    verb: string,
    who: number,
    peer: number,
    rest: string[],
    sign: string,
  ): Promise<void> {
    for (let tries = 1; ; tries++) {
      const phone = this.phone(verb, who, peer, ...rest, '--seconds', '1800')
      this.phones.push(phone)
      try {
        await phone.line((line) => line.includes(sign), sign)
        return
      } catch (error) {
        if (tries === TRIES) throw error
      }
    }
  }

  /** Calls from the peer that is looked at; refused calls end with another exit code. */
  private async call(target: string, seconds: string): Promise<void> {
    await this.phone('call', CALLER, 0, `${target}@${DOMAIN}`, '--seconds', seconds).exit()
  }

  private phone(verb: string, who: number, peer: number, ...rest: string[]): Running {
    return new Running(process.execPath, [
      ...[COMMAND, 'phone', verb, `${user(who)}@${DOMAIN}`, ...rest],
      ...['--server', this.testbed.peer(peer).sip, '--password', `pw-${user(who)}`],
    ])
  }

  /** One node more, made like peer 1 and on the ports after the last one. */
  join(): void {
    const { folder, peers } = this.testbed
    const last = peers.at(-1)
    if (last === undefined) return
    const text = readFileSync(join(folder, 'peer-1', 'config.yaml'), 'utf8')
    const like = Number(this.testbed.peer(1).sip.split(':')[1])
    const next = Number(last.sip.split(':')[1]) + 10
    const moved = [0, 1, 2, 3].reduce(
      (config, offset) => config.replaceAll(`:${like + offset}`, `:${next + offset}`),
      text.replaceAll('peer-1/', 'peer-joining/'),
    )
    const home = join(folder, 'peer-joining')
    mkdirSync(home)
    const file = join(home, 'config.yaml')
    writeFileSync(file, stringify(parse(moved)), { mode: 0o600 })
    this.later.push(spawn(process.execPath, [COMMAND, 'start', '--config', file], { stdio: 'ignore' }))
  }

  kill(peer: number): void {
    process.kill(this.testbed.peer(peer).pid, 'SIGKILL')
  }

  async down(): Promise<void> {
    for (const phone of this.phones) await phone.stop('SIGKILL')
    for (const each of this.later) each.kill('SIGKILL')
    await this.testbed.stop()
  }
}
