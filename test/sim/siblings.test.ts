import { describe, expect, it } from 'vitest'
import { Nodes, type SimNode } from './nodes.ts'
import type { Dialog, SimPhone } from './phones.ts'

const U2 = 'u2@dht.example.com'
/** Within which a phone with two registrars is reached again (docs/adr/0019). */
const REACHED_MS = 2_000

/** A phone of that user that has registered with both nodes, with the first one first. */
function registeredAt(nodes: Nodes, user: string, at: readonly number[], instance?: string): SimPhone {
  const phone = nodes.phone(user, nodes.node(at[0] ?? 0))
  at.forEach((index, flow) => {
    const parameters = instance === undefined ? '' : `;+sip.instance="<${instance}>";reg-id=${flow + 1}`
    const contact = `${phone.contact}${parameters}`
    const status = nodes.finished(phone.register({ registrar: nodes.node(index).sipHost, contact }))
    if (status !== 200) throw new Error(`REGISTER of ${user} got ${status}; ${nodes.replay()}`)
  })
  return phone
}

/**
 * Three nodes that do not store where that user is, of a ring in which each has a link to each: how soon the overlay routes around a node that is
 * gone without a word is another matter.
 */
function strangers(nodes: Nodes, aor: string): [number, number, number] {
  const [owner] = nodes.dueHolders(nodes.resource(aor))
  const [a, b, c] = nodes.nodes.flatMap((node, index) => (node === owner ? [] : [index]))
  if (a === undefined || b === undefined || c === undefined) throw new RangeError('four nodes are needed')
  return [a, b, c]
}

/** By which of the nodes an INVITE came to the phone. */
function wayOf(nodes: Nodes, phone: SimPhone, index: number): SimNode | undefined {
  const host = phone.rung[index]?.invite.topVia.host
  return nodes.nodes.find(({ sipHost }) => sipHost === host)
}

describe('a phone that is registered at two peers', () => {
  it.each([
    ['that states its instance', '<urn:uuid:00000000-0000-1000-8000-00000000000a>'.slice(1, -1)],
    ['that is known by its Contact alone', undefined],
  ])('M-31 a phone %s rings once, from a third peer and from either of the two', (_, instance) => {
    const nodes = new Nodes('siblings-once').users(4).grow(4)
    const phone = registeredAt(nodes, 'u2', [2, 3], instance)
    for (const [index, at] of [0, 2, 3].entries()) {
      const caller = nodes.registered('u1', at)
      const call = caller.call(U2)
      expect(nodes.finished(call), nodes.replay()).toBe(200)
      nodes.world.run(3_000)
      expect(phone.rung.length).toBe(index + 1)
    }
  })

  it('M-31 M-17 another phone of the user at one of the peers rings beside it, each of them once', () => {
    const nodes = new Nodes('siblings-more').users(4).grow(4)
    const both = registeredAt(nodes, 'u2', [2, 3])
    const others = [nodes.registered('u2', 2), nodes.registered('u2', 3)]
    const caller = nodes.registered('u1', 0)
    for (const phone of [both, ...others]) phone.manner = { kind: 'ring' }
    const call = caller.call(U2)
    nodes.world.run(5_000)
    expect([both, ...others].map((phone) => phone.rung.length)).toEqual([1, 1, 1])
    caller.cancel(call)
    expect(nodes.finished(call)).toBe(487)
    nodes.world.run(1_000)
    expect([both, ...others].map((phone) => phone.rung[0]?.cancelled)).toEqual([true, true, true])
  })

  it('M-31 what the phone itself answers is final: busy is not asked again by the other peer', () => {
    const nodes = new Nodes('siblings-busy').users(4).grow(4)
    const phone = registeredAt(nodes, 'u2', [2, 3])
    phone.manner = { kind: 'refuse', status: 486 }
    const caller = nodes.registered('u1', 0)
    expect(nodes.finished(caller.call(U2))).toBe(486)
    nodes.world.run(3_000)
    expect(phone.rung.length).toBe(1)
  })

  it.each([0, 1])(
    'M-31 R-07 one of the two dies while idle (number %i): a call rings by the other within 2 s',
    (number) => {
      const nodes = new Nodes(`siblings-idle-${number}`).users(4).grow(4)
      const [from, ...two] = strangers(nodes, U2)
      const phone = registeredAt(nodes, 'u2', two)
      const caller = nodes.registered('u1', from)
      const dead = nodes.node(two[number] ?? 0)
      nodes.crash(dead)
      const began = nodes.world.now.ms
      const call = caller.call(U2)
      nodes.until('ringing', () => call.statuses.includes(180), 10_000)
      expect(nodes.world.now.ms - began, nodes.replay()).toBeLessThan(REACHED_MS)
      expect(nodes.finished(call), nodes.replay()).toBe(200)
      nodes.world.run(3_000)
      expect(phone.rung.length).toBe(1)
      expect(wayOf(nodes, phone, 0)).toBe(nodes.node(two[1 - number] ?? 0))
    },
  )

  it('M-31 R-07 nobody is left out of it by a connection that seems to stand still: within 2 s by the other peer', () => {
    const nodes = new Nodes('siblings-flow').users(4).grow(4)
    const [from, ...two] = strangers(nodes, U2)
    const phone = registeredAt(nodes, 'u2', two)
    const caller = nodes.registered('u1', from)
    expect(nodes.finished(caller.call(U2))).toBe(200)
    const by = wayOf(nodes, phone, 0)
    if (by === undefined) throw new Error('rung by nobody')
    nodes.crash(by, true)
    const began = nodes.world.now.ms
    const call = caller.call(U2)
    nodes.until('ringing', () => call.statuses.includes(180), 10_000)
    expect(nodes.world.now.ms - began, nodes.replay()).toBeLessThan(REACHED_MS)
    expect(nodes.finished(call), nodes.replay()).toBe(200)
  })

  it.each([2, 3])(
    'M-31 node %i of the two dies while the phone rings: the call ends or goes on, and the next one rings within 2 s',
    (order) => {
      const nodes = new Nodes(`siblings-ringing-${order}`).users(4).grow(5)
      const phone = registeredAt(nodes, 'u2', order === 2 ? [2, 3] : [3, 2])
      const caller = nodes.registered('u1', 0)
      phone.manner = { kind: 'ring' }
      const call = caller.call(U2)
      nodes.until('ringing', () => call.statuses.includes(180))
      const by = wayOf(nodes, phone, 0)
      if (by === undefined) throw new Error('rung by nobody')
      nodes.crash(by)
      phone.manner = { kind: 'answer', afterMs: 200 }
      // The other peer sends the same request; a phone that does not know it for the same rings, and is answered there.
      nodes.until('the other way', () => phone.rung.length === 2 || call.done, REACHED_MS)
      expect(wayOf(nodes, phone, 1)).not.toBe(by)
      const began = nodes.world.now.ms
      const next = caller.call(U2)
      nodes.until('ringing', () => next.statuses.includes(180), 10_000)
      expect(nodes.world.now.ms - began).toBeLessThan(REACHED_MS)
      expect(nodes.finished(next), nodes.replay()).toBe(200)
    },
  )

  it('M-31 the phone knows the second INVITE for the same call: the caller is told 480 at once', () => {
    const nodes = new Nodes('siblings-merged').users(4).grow(5)
    const phone = registeredAt(nodes, 'u2', [2, 3])
    const caller = nodes.registered('u1', 0)
    phone.manner = { kind: 'ring' }
    const call = caller.call(U2)
    nodes.until('ringing', () => call.statuses.includes(180))
    phone.manner = { kind: 'refuse', status: 482 }
    const by = wayOf(nodes, phone, 0)
    if (by === undefined) throw new Error('rung by nobody')
    const began = nodes.world.now.ms
    nodes.crash(by)
    expect(nodes.finished(call), nodes.replay()).toBe(480)
    expect(nodes.world.now.ms - began).toBeLessThan(REACHED_MS)
  })
})

describe('a peer that is slow, while the other one that has the phone is dead', () => {
  /** The first one that is asked stands still for a while; the other has gone without a word, or was killed. */
  function slowAndDead(seed: string, silently: boolean, standsMs: number): ReturnType<SimPhone['call']> {
    const nodes = new Nodes(seed).users(4).grow(4)
    const [from, ...two] = strangers(nodes, U2)
    const phone = registeredAt(nodes, 'u2', two)
    const caller = nodes.registered('u1', from)
    expect(nodes.finished(caller.call(U2))).toBe(200)
    const by = wayOf(nodes, phone, 0)
    const dead = two.map((index) => nodes.node(index)).find((node) => node !== by)
    if (by === undefined || dead === undefined) throw new Error('rung by nobody')
    nodes.crash(dead, silently)
    nodes.world.run(100)
    by.host?.freeze()
    const call = caller.call(U2)
    nodes.world.run(standsMs)
    by.host?.thaw()
    nodes.finished(call)
    nodes.world.run(40_000)
    // Should it ring when nobody waits any more, it is cancelled.
    expect(phone.rung.slice(1).map(({ status }) => status)).toEqual([call.status === 200 ? 200 : 487])
    return call
  }

  it.each([true, false])('M-31 has the call when it is heard of first (silently: %s)', (silently) => {
    const call = slowAndDead(`slow-and-dead ${silently}`, silently, 1_800)
    expect(call.status).toBe(200)
    expect(call.tookMs).toBeLessThan(3_000)
  })

  it('M-31 is not waited for much longer than for the other', () => {
    const call = slowAndDead('slow-for-long', false, 20_000)
    expect([408, 480]).toContain(call.status)
    expect(call.tookMs).toBeLessThan(12_000)
  })
})

describe('the flow to the peer by which such a phone rings breaks', () => {
  it('M-31 docs/adr/0035 the peer lives: it is opened again, and the phone answers the call that it has', () => {
    const nodes = new Nodes('siblings-line').users(4).grow(5)
    const phone = registeredAt(nodes, 'u2', [2, 3])
    const caller = nodes.registered('u1', 0)
    phone.manner = { kind: 'answer', afterMs: 12_000 }
    const call = caller.call(U2)
    nodes.until('ringing', () => call.statuses.includes(180))
    // Whatever else comes for this call it has already (RFC 3261 s.8.2.2.2).
    phone.manner = { kind: 'refuse', status: 482 }
    const by = wayOf(nodes, phone, 0)
    if (by === undefined) throw new Error('rung by nobody')
    nodes.network.reset('n0', by.name)
    expect(nodes.finished(call), nodes.replay()).toBe(200)
    expect(phone.rung.map(({ status }) => status)).toEqual([200])
  })
})

describe('sip.siblings: serial', () => {
  const sip = { siblings: 'serial' as const }

  it('M-31 the newest peer first, the others only after 408, 430 and 480', () => {
    const nodes = new Nodes('serial', { sip }).users(4).grow(4)
    const older = nodes.registered('u2', 2)
    nodes.world.run(1_000)
    const newer = nodes.registered('u2', 3)
    const caller = nodes.registered('u1', 0)
    expect(nodes.finished(caller.call(U2))).toBe(200)
    expect([older.rung.length, newer.rung.length]).toEqual([0, 1])
    for (const [status, expected] of [
      [486, 486],
      [603, 603],
      [480, 200],
      [430, 200],
      [408, 200],
    ] as const) {
      const before = older.rung.length
      newer.manner = { kind: 'refuse', status }
      expect(nodes.finished(caller.call(U2)), String(status)).toBe(expected)
      expect(older.rung.length - before, String(status)).toBe(expected === 200 ? 1 : 0)
    }
  })

  it('M-31 a peer that leaves answers 503 and is passed over', () => {
    const nodes = new Nodes('serial-leaving', { sip }).users(4).grow(4)
    const older = nodes.registered('u2', 2)
    nodes.world.run(1_000)
    nodes.registered('u2', 3)
    const caller = nodes.registered('u1', 0)
    expect(nodes.finished(caller.call(U2))).toBe(200)
    const call = caller.call(U2)
    nodes.node(3).input({ kind: 'drain' })
    expect(nodes.finished(call), nodes.replay()).toBe(200)
    expect(older.rung.length).toBe(1)
  })

  it('M-31 a dead peer is passed over within 2 s', () => {
    const nodes = new Nodes('serial-dead', { sip }).users(4).grow(4)
    const [from, one, other] = strangers(nodes, U2)
    const older = nodes.registered('u2', one)
    nodes.world.run(1_000)
    nodes.registered('u2', other)
    const caller = nodes.registered('u1', from)
    nodes.crash(nodes.node(other), true)
    const began = nodes.world.now.ms
    const call = caller.call(U2)
    nodes.until('ringing', () => call.statuses.includes(180), 10_000)
    expect(nodes.world.now.ms - began).toBeLessThan(REACHED_MS)
    expect(older.rung.length).toBe(1)
  })
})

describe('a call that is up when the peer of one of its phones dies', () => {
  /** u1 at one peer has called u2, who is registered at two others; the one that the call goes by is gone. */
  function upAndLost(
    seed: string,
    silently: boolean,
  ): { nodes: Nodes; caller: SimPhone; callee: SimPhone; dialog: Dialog } {
    const nodes = new Nodes(seed).users(4).grow(4)
    const [from, ...two] = strangers(nodes, U2)
    const callee = registeredAt(nodes, 'u2', two)
    const caller = nodes.registered('u1', from)
    const call = caller.call(U2)
    expect(nodes.finished(call)).toBe(200)
    nodes.world.run(1_000)
    expect(callee.rung[0]?.acked).toBe(true)
    const by = wayOf(nodes, callee, 0)
    const { dialog } = call
    if (by === undefined || dialog === undefined) throw new Error('no call')
    nodes.crash(by, silently)
    return { nodes, caller, callee, dialog }
  }

  it.each([
    ['killed', false],
    ['cut off', true],
  ])(
    'M-31 R-07 the peer is %s: re-INVITE, INFO and BYE of the other side go by the peer where the phone is registered, too',
    (how, silently) => {
      const { nodes, caller, callee, dialog } = upAndLost(`siblings-up-${how}`, silently)
      const again = caller.inDialog('INVITE', dialog)
      expect(nodes.finished(again), nodes.replay()).toBe(200)
      expect(again.tookMs).toBeLessThan(5_000)
      nodes.world.run(1_000)
      // The ACK, whose route names the dead peer as well.
      expect(callee.rung.at(-1)?.acked).toBe(true)
      const info = caller.inDialog('INFO', dialog)
      expect(nodes.finished(info), nodes.replay()).toBe(200)
      // The way is known by now.
      expect(info.tookMs).toBeLessThan(500)
      expect(nodes.finished(caller.bye(dialog)), nodes.replay()).toBe(200)
      expect(callee.rung[0]?.dialog?.ended).toBe(true)
    },
  )

  it.each([
    ['killed', false],
    ['cut off', true],
  ])('M-31 R-07 the peer is %s: hanging up at once ends the call at both phones', (how, silently) => {
    const { nodes, caller, callee, dialog } = upAndLost(`siblings-bye-${how}`, silently)
    const bye = caller.bye(dialog)
    expect(nodes.finished(bye), nodes.replay()).toBe(200)
    expect(bye.tookMs).toBeLessThan(12_000)
    expect(callee.requests.filter(({ method }) => method === 'BYE')).toHaveLength(1)
    expect(callee.rung[0]?.dialog?.ended).toBe(true)
  })
})
