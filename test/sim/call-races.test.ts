/**
 * Calls in which everything happens at once: phones of one user answer, refuse and are cancelled within the time that a datagram takes, on
 * good and on bad lines, at one node and across several. Whatever wins, all agree on it: who has answered has its ACK and an end at the
 * caller, nobody rings any more, and no node holds on to anything.
 */
import { describe, expect, it } from 'vitest'
import type { Random } from '../../src/common/random.ts'
import { Nodes } from './nodes.ts'
import type { Exchange, Manner, Ringing, SimPhone } from './phones.ts'

/** More with `HOUSES=5000 FIRST=100 npx vitest run --project unit test/sim/call-races.test.ts`. */
const HOUSES = Number(process.env['HOUSES'] ?? 60)
const FIRST = Number(process.env['FIRST'] ?? 0)
const CALLS = 6
const USERS = 4
/** Many at the same time, some as far apart as a datagram takes. */
const ANSWERS_MS = [0, 0, 1, 2, 3, 5, 20, 200, 500, 500, 1_000, 4_000] as const
const REFUSALS = [404, 486, 500, 603] as const
/** All that anybody may hear who has given up. */
const ENDS = [200, 404, 408, 480, 486, 487, 500, 603]

class House {
  readonly faults: string[] = []
  private readonly nodes: Nodes
  private readonly random: Random
  private readonly phones: SimPhone[] = []
  private readonly lossy: boolean

  constructor(number: number) {
    this.nodes = new Nodes(`race ${number}`, {
      lan: { latencyMs: 1 + (number % 5), jitterMs: [0, 1, 5, 20][number % 4] ?? 0, lossChance: 0 },
      adapter: { selfTestIntervalMs: 600_000 },
      sip: number % 2 === 0 ? { verifyCaller: 'reject' } : {},
    }).users(USERS)
    this.random = this.nodes.world.fork('race')
    const count = 1 + this.random.int(3)
    this.nodes.grow(count)
    for (let user = 0; user < USERS; user++) {
      for (let phones = user === 0 ? 1 : 1 + this.random.int(3); phones > 0; phones--) {
        const init = this.random.int(3) === 0 ? ({ transport: 'tcp' } as const) : {}
        this.phones.push(this.nodes.registered(`u${user}`, this.random.int(count), init))
      }
    }
    this.lossy = this.random.int(3) === 0
    this.nodes.lan.faults = { ...this.nodes.lan.faults, lossChance: this.lossy ? 0.1 : 0 }
  }

  run(): void {
    for (let call = 0; call < CALLS; call++) this.call()
    this.nodes.world.run(240_000)
    for (const { name, core } of this.nodes.nodes) {
      const { transactions } = core.sip?.snapshot() ?? { transactions: {} }
      if (Object.keys(transactions).length > 0) this.fault(`${name} keeps ${JSON.stringify(transactions)}`)
    }
  }

  private call(): void {
    const { nodes, random, phones } = this
    const caller = this.pick(phones)
    const callees = phones.filter(({ user }) => user !== caller.user)
    const { user, aor } = this.pick(callees)
    const rung = callees.filter((phone) => phone.user === user)
    for (const phone of rung) phone.manner = this.manner()
    const answers = rung.some(({ manner }) => manner.kind === 'answer')
    const declined = rung.some(({ manner }) => manner.kind === 'refuse' && manner.status >= 600)
    const givesUp =
      random.int(2) === 0 || rung.every(({ manner }) => manner.kind === 'ring' || manner.kind === 'silent')
    const call = caller.call(aor)
    const what = `${caller.host} calls ${rung.map(({ host, manner }) => `${host} ${JSON.stringify(manner)}`).join()}, ${givesUp ? 'gives up' : 'waits'}`
    if (givesUp) this.giveUp(caller, call)
    if (!nodes.world.runUntil(() => call.done, 240_000)) return this.fault(`does not end: ${what}`)
    nodes.world.run(40_000)
    this.judge(caller, call, rung, what)
    if (givesUp) {
      if (!ENDS.includes(call.status)) this.fault(`${call.status}: ${what}`)
    } else if (answers && !declined && !this.lossy) {
      if (call.status !== 200) this.fault(`${call.status}: ${what}`)
    } else if (!answers && call.status === 200) this.fault(`nobody answered: ${what}`)
  }

  private giveUp(caller: SimPhone, call: Exchange): void {
    const { world } = this.nodes
    world.run(this.random.int(2) === 0 ? this.random.int(60) : this.random.int(8_000))
    // Nothing may be cancelled that nobody has heard of (RFC 3261 s.9.1).
    if (world.runUntil(() => call.done || call.statuses.length > 0, 5_000) && !call.done) caller.cancel(call)
  }

  private judge(caller: SimPhone, call: Exchange, rung: readonly SimPhone[], what: string): void {
    const answered: Ringing[] = []
    for (const phone of rung) {
      const rings = phone.rung.filter(({ invite }) => invite.callId === call.callId)
      if (rings.length > 1) this.fault(`${phone.host} rang ${rings.length} times: ${what}`)
      for (const ringing of rings) {
        if (ringing.status === 180) this.fault(`${phone.host} still rings: ${what}`)
        else if (!ringing.acked) this.fault(`${phone.host} has no ACK for ${ringing.status}: ${what}`)
        if (ringing.status === 200) answered.push(ringing)
      }
      phone.rung.length = 0
    }
    const dialogs = caller.dialogsOf(call)
    if (dialogs.length !== answered.length)
      this.fault(`${answered.length} have answered, ${dialogs.length} are known to the caller: ${what}`)
    for (const dialog of dialogs) {
      const bye = caller.bye(dialog)
      this.nodes.world.runUntil(() => bye.done, 40_000)
      if (bye.status !== 200) this.fault(`BYE got ${bye.status}: ${what}`)
    }
    if (answered.some(({ dialog }) => dialog?.ended === false)) this.fault(`one end is still up: ${what}`)
  }

  private manner(): Manner {
    const kind = this.random.int(8)
    if (kind === 0) return { kind: 'ring' }
    if (kind === 1) return { kind: 'silent' }
    if (kind === 2) return { kind: 'refuse', status: this.pick(REFUSALS) }
    return { kind: 'answer', afterMs: this.pick(ANSWERS_MS) }
  }

  private pick<T>(all: readonly T[]): T {
    return all[this.random.int(all.length)] as T
  }

  private fault(text: string): void {
    this.faults.push(`${text}; ${this.nodes.replay()}`)
  }
}

describe('calls in which everything happens at once', () => {
  it(`S3261-16.7-02 S3261-16.7-08 S3261-16.10-01 S6026-7-02 end for all in the same way (${HOUSES} houses)`, () => {
    const faults: string[] = []
    for (let number = FIRST; number < FIRST + HOUSES; number++) {
      const house = new House(number)
      house.run()
      faults.push(...house.faults)
    }
    expect(faults).toEqual([])
  })
})
