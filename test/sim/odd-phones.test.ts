/** Phones of many makers, none of which writes as another does: each registers, calls, holds, hangs up, gives up and writes messages. */
import { describe, expect, it } from 'vitest'
import { Nodes } from './nodes.ts'
import { handwriting, written, type Handwriting } from './odd-writing.ts'
import type { SimPhone } from './phones.ts'

/** More with `OFFICES=2000 FIRST=100 npx vitest run --project unit test/sim/odd-phones.test.ts`. */
const OFFICES = Number(process.env['OFFICES'] ?? 40)
const FIRST = Number(process.env['FIRST'] ?? 0)

/** Two or three nodes and three phones, which call one another in a circle. */
function office(number: number): void {
  const nodes = new Nodes(`odd ${number}`, { adapter: { selfTestIntervalMs: 600_000 } }).users(3)
  const random = nodes.world.fork('odd')
  nodes.grow(1 + random.int(2))
  const hands = new Map<string, Handwriting>()
  nodes.lan.rewrite = (from, bytes, datagram) => {
    const hand = hands.get(from)
    return hand === undefined
      ? bytes
      : Buffer.from(written(Buffer.from(bytes).toString('latin1'), hand, datagram), 'latin1')
  }
  const phones = [0, 1, 2].map((user) => {
    const init = random.int(3) === 0 ? ({ transport: 'tcp' } as const) : {}
    const phone = nodes.phone(`u${user}`, nodes.node(random.int(nodes.nodes.length)), init)
    hands.set(phone.host, handwriting(random))
    return phone
  })
  const say = (phone: SimPhone): string =>
    `${phone.user}, ${JSON.stringify(hands.get(phone.host))}, ${nodes.replay()}`
  for (const phone of phones) expect(nodes.finished(phone.register()), say(phone)).toBe(200)
  for (const [at, caller] of phones.entries()) {
    const callee = phones[(at + 1) % phones.length] as SimPhone
    talk(nodes, caller, callee, say)
    giveUp(nodes, caller, callee, say)
    expect(nodes.finished(caller.message(callee.aor)), say(caller)).toBe(200)
  }
  for (const phone of phones) expect(nodes.finished(phone.register({ expiresS: 0 })), say(phone)).toBe(200)
}

function talk(nodes: Nodes, caller: SimPhone, callee: SimPhone, say: (phone: SimPhone) => string): void {
  for (const phone of [caller, callee]) phone.manner = { kind: 'answer', afterMs: 50 }
  const call = caller.call(callee.aor)
  expect(nodes.finished(call), say(caller)).toBe(200)
  nodes.world.run(1_000)
  const { acked, dialog: theirs } = callee.rung.at(-1) ?? {}
  expect(acked, say(caller)).toBe(true)
  const { dialog: ours } = call
  if (ours === undefined || theirs === undefined) throw new Error(`no dialog: ${say(caller)}`)
  for (const method of ['INFO', 'INVITE']) {
    expect(nodes.finished(caller.inDialog(method, ours)), `${method} of ${say(caller)}`).toBe(200)
    expect(nodes.finished(callee.inDialog(method, theirs)), `${method} of ${say(callee)}`).toBe(200)
    nodes.world.run(500)
  }
  expect(nodes.finished(callee.bye(theirs)), say(callee)).toBe(200)
  expect(ours.ended, say(callee)).toBe(true)
}

function giveUp(nodes: Nodes, caller: SimPhone, callee: SimPhone, say: (phone: SimPhone) => string): void {
  callee.manner = { kind: 'ring' }
  const call = caller.call(callee.aor)
  nodes.until('ringing', () => call.statuses.includes(180))
  caller.cancel(call)
  expect(nodes.finished(call), say(caller)).toBe(487)
  expect(callee.rung.at(-1)?.cancelled, say(caller)).toBe(true)
}

describe('phones that write as they like', () => {
  it(`S3261-7.1-01 S3261-7.3-01 S3261-7.3-02 S3261-7.3-03 S3261-19.1-02 are understood, whoever calls whom (${OFFICES} offices)`, () => {
    for (let number = FIRST; number < FIRST + OFFICES; number++) office(number)
  })
})
