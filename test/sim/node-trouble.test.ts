import { describe, expect, it } from 'vitest'
import { registrationFaults, registrationsOnDisk } from './checkers/registrations.ts'
import { Nodes, type SimNode } from './nodes.ts'

const U1 = 'u1@dht.example.com'
const U2 = 'u2@dht.example.com'

/** The node that stores the registrations of an AOR. */
function owner(nodes: Nodes, aor: string): SimNode {
  const [first] = nodes.dueHolders(nodes.resource(aor))
  if (first === undefined) throw new RangeError('nobody is running')
  return first
}

/** Two nodes other than that one. */
function others(nodes: Nodes, avoided: SimNode): [number, number] {
  const [a, b] = nodes.nodes.flatMap((node, index) => (node === avoided ? [] : [index]))
  if (a === undefined || b === undefined) throw new RangeError('three nodes are needed')
  return [a, b]
}

const SEEDS = Array.from({ length: 20 }, (_, seed) => seed)

describe('the node that stores a registration dies', () => {
  it.each(SEEDS)(
    'contract 5.3 killed: the next call finds the user, and the copies are made again (seed %i)',
    (seed) => {
      const nodes = new Nodes(`owner-dies-${seed}`).users(3).grow(3 + (seed % 3))
      const victim = owner(nodes, U2)
      const [at, there] = others(nodes, victim)
      const caller = nodes.registered('u1', at)
      const callee = nodes.registered('u2', there)
      nodes.crash(victim)
      // Half of the runs call at once, while the others still believe in the dead one.
      if (seed % 2 === 1) nodes.world.run(5_000)
      const call = caller.call(U2)
      expect(nodes.finished(call), nodes.replay()).toBe(200)
      expect(callee.rung.length).toBe(1)
      nodes.until('replicas', () => registrationFaults(nodes, U2).length === 0)
    },
  )

  it.each(SEEDS)(
    'contract 5.2 killed in the moment of the 200: nothing acknowledged is lost (seed %i)',
    (seed) => {
      const nodes = new Nodes(`acknowledged-${seed}`).users(3).grow(3 + (seed % 3))
      const victim = owner(nodes, U2)
      const [at, there] = others(nodes, victim)
      const caller = nodes.registered('u1', at)
      const silent = seed % 4 === 3
      let killed = false
      nodes.lan.watch((_from, to, bytes) => {
        const text = Buffer.from(bytes).toString('latin1')
        if (killed || to.host !== '172.16.0.2' || !text.startsWith('SIP/2.0 200')) return
        killed = true
        nodes.crash(victim, silent)
      })
      const callee = nodes.registered('u2', there)
      expect(killed).toBe(true)
      // A cable that was pulled shows only by silence; the INVITE may be the one to find out and to fail.
      if (silent) nodes.world.run(40_000)
      expect(nodes.finished(caller.call(U2)), nodes.replay()).toBe(200)
      expect(callee.rung.length).toBe(1)
    },
  )

  it('contract 5.3 any one of five nodes dies: every AOR registered elsewhere can be called from everywhere', () => {
    for (let dead = 0; dead < 5; dead++) {
      const nodes = new Nodes(`any-${dead}`).users(15).grow(5)
      for (let user = 0; user < 15; user++) nodes.registered(`u${user}`, user % 5)
      nodes.crash(nodes.node(dead))
      nodes.world.run(3_000)
      const alive = nodes.phones.filter((_, user) => user % 5 !== dead)
      const calls = alive.flatMap((callee, index) => {
        const caller = alive[(index + 1 + (index % 3)) % alive.length]
        return caller === undefined ? [] : [caller.call(callee.aor)]
      })
      nodes.until('calls', () => calls.every(({ done }) => done))
      expect(
        calls.map(({ status }) => status),
        nodes.replay(),
      ).toEqual(calls.map(() => 200))
    }
  })
})

describe('overlay out of reach', () => {
  it.each([
    ['node', 1],
    ['founder', 0],
  ])(
    'R-08 E53 M-28 an isolated %s: REGISTER gets 503 with Retry-After, calls between its phones go on, healing ends it',
    (_, index) => {
      const nodes = new Nodes('isolated', { adapter: { selfTestIntervalMs: 10_000 } }).users(6).grow(3)
      const cut = nodes.node(index)
      const a = nodes.registered('u1', index)
      const b = nodes.registered('u2', index)
      const far = nodes.registered('u3', 2)
      nodes.isolate(cut)
      nodes.until('isolation', () => cut.state === 'isolated', 30_000)
      const newcomer = nodes.phone('u4', cut)
      const register = newcomer.register()
      expect(nodes.finished(register)).toBe(503)
      expect(Number(register.final?.header('retry-after'))).toBeGreaterThan(0)
      expect(nodes.finished(a.call(U2)), nodes.replay()).toBe(200)
      expect(b.rung.length).toBe(1)
      const lost = a.call(far.aor)
      expect([480, 503, 504]).toContain(nodes.finished(lost))
      expect([408, 480]).toContain(nodes.finished(far.call(U1)))
      nodes.network.heal()
      nodes.until('healing', () => cut.state === 'joined', 60_000)
      expect(nodes.finished(newcomer.register()), nodes.replay()).toBe(200)
      nodes.world.run(30_000)
      expect(nodes.finished(far.call(U1)), nodes.replay()).toBe(200)
      expect(nodes.finished(far.call(newcomer.aor)), nodes.replay()).toBe(200)
      expect(nodes.finished(a.call(far.aor)), nodes.replay()).toBe(200)
    },
  )

  it('R-04 a standalone node is cut off for a minute and goes on alone: after healing both sides reach all phones of both', () => {
    const adapter = { selfTestIntervalMs: 10_000, standalone: true }
    const nodes = new Nodes('founder-cut', { adapter }).users(6).grow(4)
    nodes.isolate(nodes.node(0))
    nodes.until('isolation', () => nodes.node(0).state === 'isolated', 30_000)
    const phones = [
      nodes.registered('u1', 0),
      nodes.registered('u2', 0),
      nodes.registered('u3', 2),
      nodes.registered('u4', 3),
    ]
    nodes.world.run(40_000)
    nodes.network.heal()
    const whole = (): boolean => nodes.nodes.every(({ core }) => core.peer.snapshot().successors.length === 3)
    nodes.until('one ring', whole, 60_000)
    nodes.world.run(10_000)
    for (const caller of phones)
      for (const callee of phones)
        if (caller !== callee)
          expect(
            nodes.finished(caller.call(callee.aor)),
            `${caller.aor} ${callee.aor} ${nodes.replay()}`,
          ).toBe(200)
  })

  it('M-08 M-28 while nobody has noticed yet a REGISTER ends by itself in time, and stands later or can be repeated', () => {
    const nodes = new Nodes('unnoticed').users(6).grow(3)
    nodes.isolate(nodes.node(0))
    const phones = ['u1', 'u2', 'u3', 'u4'].map((user) => nodes.phone(user, nodes.node(0)))
    const registers = phones.map((phone) => phone.register())
    nodes.until('answers', () => registers.every(({ done }) => done), 12_000)
    for (const register of registers) {
      expect([200, 503]).toContain(register.status)
      expect(register.tookMs).toBeLessThan(11_000)
    }
    nodes.network.heal()
    nodes.until('healing', () => nodes.node(0).state === 'joined', 120_000)
    nodes.world.run(60_000)
    const caller = nodes.registered('u5', 2)
    for (const phone of phones) {
      expect(nodes.finished(phone.register()), nodes.replay()).toBe(200)
      expect(nodes.finished(caller.call(phone.aor)), nodes.replay()).toBe(200)
    }
  })

  it('a founder alone serves its phones', () => {
    const nodes = new Nodes('alone').users(3).grow(1)
    const a = nodes.registered('u1', 0)
    nodes.registered('u2', 0)
    expect(nodes.finished(a.call(U2))).toBe(200)
    expect(nodes.finished(a.call('u0@dht.example.com'))).toBe(480)
    expect(nodes.finished(a.call('nobody@dht.example.com'))).toBe(404)
  })
})

describe("the callee's node dies", () => {
  it.each([false, true])(
    'its entry is still there: the call ends in time with 408 or 480 (without a word: %s)',
    (silent) => {
      const nodes = new Nodes(`callee-node-${silent}`).users(4).grow(4)
      const caller = nodes.registered('u1', 0)
      nodes.registered('u2', 2)
      nodes.crash(nodes.node(2), silent)
      const call = caller.call(U2)
      nodes.until('end of call', () => call.done, 32_000)
      expect([408, 480], nodes.replay()).toContain(call.status)
      // Asked again at once it is known to be gone.
      const again = caller.call(U2)
      nodes.until('end of call', () => again.done, 32_000)
      expect([408, 480], nodes.replay()).toContain(again.status)
    },
  )

  it.each([false, true])('during the ringing: the caller is told (without a word: %s)', (silent) => {
    const nodes = new Nodes(`ringing-${silent}`).users(4).grow(4)
    const caller = nodes.registered('u1', 0)
    const callee = nodes.registered('u2', 2)
    callee.manner = { kind: 'ring' }
    const call = caller.call(U2)
    nodes.until('ringing', () => call.statuses.includes(180))
    nodes.crash(nodes.node(2), silent)
    // Silence is noticed at the latest by Timer C (RFC 3261 s.16.6 step 11).
    nodes.until('end of call', () => call.done, silent ? 240_000 : 40_000)
    expect([408, 480, 487], nodes.replay()).toContain(call.status)
  })

  it('R-07 a phone registered at two nodes is reached through the other one', () => {
    const nodes = new Nodes('two-registrars').users(4).grow(4)
    const caller = nodes.registered('u1', 0)
    nodes.registered('u2', 2)
    const second = nodes.registered('u2', 3)
    nodes.crash(nodes.node(2))
    const call = caller.call(U2)
    nodes.until('ringing', () => call.statuses.includes(180), 2_000)
    expect(nodes.finished(call), nodes.replay()).toBe(200)
    expect(second.rung.length).toBe(1)
  })

  it('the same node again, phones register anew: calls reach them at once', () => {
    const nodes = new Nodes('back').users(4).grow(4)
    const caller = nodes.registered('u1', 0)
    const callee = nodes.registered('u2', 2)
    expect(nodes.finished(caller.call(U2))).toBe(200)
    nodes.crash(nodes.node(2))
    nodes.finished(caller.call(U2))
    const again = nodes.restart(nodes.node(2))
    nodes.until('rejoin', () => again.state === 'joined', 60_000)
    nodes.world.run(1_000)
    expect(nodes.finished(callee.register()), nodes.replay()).toBe(200)
    expect(nodes.finished(caller.call(U2)), nodes.replay()).toBe(200)
  })

  it('R-07 the same node again: what a call that is up says to its phone arrives, though the node was missing a moment ago', () => {
    const nodes = new Nodes('back-in-a-call').users(4).grow(4)
    const caller = nodes.registered('u1', 0)
    const callee = nodes.registered('u2', 2)
    const call = caller.call(U2)
    expect(nodes.finished(call)).toBe(200)
    const dialog = call.dialog!
    nodes.crash(nodes.node(2))
    expect(nodes.finished(caller.inDialog('UPDATE', dialog))).toBe(480)
    const again = nodes.restart(nodes.node(2))
    nodes.until('rejoin', () => again.state === 'joined', 20_000)
    nodes.world.run(1_000)
    expect(nodes.finished(callee.register()), nodes.replay()).toBe(200)
    expect(nodes.finished(caller.bye(dialog)), nodes.replay()).toBe(200)
  })
})

describe('leaving', () => {
  it('drain withdraws own entries, hands values over and leaves; calls between other nodes go on', () => {
    const nodes = new Nodes('drain').users(6).grow(4)
    nodes.registered('u1', 0)
    const stays = nodes.registered('u2', 2)
    const caller = nodes.registered('u3', 3)
    const leaving = nodes.node(0)
    const talk = caller.call(U2)
    expect(nodes.finished(talk)).toBe(200)
    leaving.input({ kind: 'drain' })
    const late = nodes.phone('u4', leaving)
    const refused = late.register()
    const during = caller.call(U2)
    nodes.until('left', () => leaving.left, 20_000)
    expect(registrationsOnDisk(nodes, U1).size).toBe(0)
    expect(nodes.finished(during), nodes.replay()).toBe(200)
    nodes.until('answer', () => refused.done)
    expect([408, 503]).toContain(refused.status)
    nodes.world.run(2_000)
    expect(registrationFaults(nodes, U2)).toEqual([])
    expect(nodes.finished(caller.call(U1))).toBe(480)
    expect(nodes.finished(caller.call(stays.aor)), nodes.replay()).toBe(200)
    if (talk.dialog === undefined) throw new Error('no dialog')
    expect(nodes.finished(caller.bye(talk.dialog))).toBe(200)
  })

  it('R-05 a phone that rings is answered by way of the node that leaves, and it leaves in time when nobody answers', () => {
    for (const answers of [true, false]) {
      const nodes = new Nodes(`drain-ringing-${answers}`).users(4).grow(4)
      const callee = nodes.registered('u2', 2)
      const caller = nodes.registered('u1', 0)
      callee.manner = answers ? { kind: 'answer', afterMs: 3_000 } : { kind: 'ring' }
      const call = caller.call(U2)
      nodes.until('ringing', () => call.statuses.includes(180))
      const leaving = nodes.node(2)
      const began = nodes.world.now.ms
      leaving.input({ kind: 'drain' })
      nodes.until('left', () => leaving.left, 20_000)
      expect(nodes.world.now.ms - began, nodes.replay()).toBeLessThan(10_000)
      nodes.until('told', () => call.status > 0, 1_000)
      expect(call.status, nodes.replay()).toBe(answers ? 200 : 480)
      if (answers) expect(callee.rung[0]?.acked).toBe(true)
      else expect(callee.rung[0]?.cancelled, nodes.replay()).toBe(true)
    }
  })

  it.each(SEEDS.slice(0, 8))(
    'R-05 the nodes leave one after the other: no AOR of those that stay is lost (seed %i)',
    (seed) => {
      const nodes = new Nodes(`leaving-${seed}`).users(6).grow(5)
      const phones = [3, 4].map((at, index) => nodes.registered(`u${index}`, at))
      for (const at of [0, 1, 2]) {
        nodes.node(at).input({ kind: 'drain' })
        nodes.until('left', () => nodes.node(at).left, 20_000)
        const [a, b] = phones
        if (a === undefined || b === undefined) throw new Error('two phones')
        expect(nodes.finished(a.call(b.aor)), nodes.replay()).toBe(200)
        expect(nodes.finished(b.call(a.aor)), nodes.replay()).toBe(200)
      }
    },
  )
})
