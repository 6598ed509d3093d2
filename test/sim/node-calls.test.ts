import { describe, expect, it } from 'vitest'
import { registrationFaults } from './checkers/registrations.ts'
import { Nodes } from './nodes.ts'
import type { SimPhone } from './phones.ts'

const TCP = { transport: 'tcp', algorithm: 'MD5' } as const

/** Calls, talks for a second, hangs up from the given side. */
function wholeCall(nodes: Nodes, caller: SimPhone, callee: SimPhone, by: 'caller' | 'callee'): void {
  const before = callee.rung.length
  const call = caller.call(callee.aor)
  expect(nodes.finished(call), nodes.replay()).toBe(200)
  expect(call.statuses).toEqual([407, 100, 180, 200])
  nodes.world.run(1_000)
  const ringing = callee.rung[before]
  expect(callee.rung.length).toBe(before + 1)
  expect(ringing?.dialog?.confirmed, 'ACK').toBe(true)
  const [hangUp, other] = by === 'caller' ? [caller, callee] : [callee, caller]
  const [own, far] = by === 'caller' ? [call.dialog, ringing?.dialog] : [ringing?.dialog, call.dialog]
  if (own === undefined || far === undefined) throw new Error('no dialog')
  // A request of the other side first, so that both directions of the route set are used.
  expect(nodes.finished(other.inDialog('OPTIONS', far)), nodes.replay()).toBe(200)
  expect(nodes.finished(hangUp.bye(own)), nodes.replay()).toBe(200)
  expect(far.ended).toBe(true)
}

describe('calls across three nodes', () => {
  it.each(['udp', 'tcp'] as const)(
    'M-19 M-25 M-26 R7904-4.1-02 call over %s with 100, 180, 200, ACK, BYE, from either side',
    (transport) => {
      const nodes = new Nodes(`calls-${transport}`).users(3).grow(3)
      const u1 = nodes.registered('u1', 0, transport === 'tcp' ? TCP : {})
      const u2 = nodes.registered('u2', 2, transport === 'tcp' ? TCP : {})
      wholeCall(nodes, u1, u2, 'caller')
      wholeCall(nodes, u1, u2, 'callee')
      wholeCall(nodes, u2, u1, 'caller')
      wholeCall(nodes, u2, u1, 'callee')
      // One flow for both users and both directions.
      expect(nodes.node(0).commands.filter(({ kind }) => kind === 'appAttach').length).toBe(1)
      expect(nodes.node(2).commands.filter(({ kind }) => kind === 'appAttach').length).toBe(0)
    },
  )

  it('phones of different transports reach one another, at one node and across', () => {
    const nodes = new Nodes('mixed').users(4).grow(3)
    const u0 = nodes.registered('u0', 0, TCP)
    const u1 = nodes.registered('u1', 0)
    const u2 = nodes.registered('u2', 1, TCP)
    for (const [caller, callee] of [
      [u0, u1],
      [u1, u0],
      [u1, u2],
      [u2, u1],
      [u2, u0],
    ] as const)
      wholeCall(nodes, caller, callee, 'caller')
  })

  it('S3581-4-01 phones behind a NAT are called the way their REGISTER came, and both sides can hang up', () => {
    const nodes = new Nodes('nat').users(4).grow(3)
    const u1 = nodes.registered('u1', 0, { shownHost: '10.9.9.9' })
    const u2 = nodes.registered('u2', 2, { shownHost: '10.9.9.9', ...TCP })
    wholeCall(nodes, u1, u2, 'caller')
    wholeCall(nodes, u2, u1, 'callee')
    wholeCall(nodes, u2, u1, 'caller')
  })

  it('MESSAGE crosses nodes', () => {
    const nodes = new Nodes('message').users(3).grow(3)
    const u1 = nodes.registered('u1', 0)
    const u2 = nodes.registered('u2', 2)
    expect(nodes.finished(u1.message(u2.aor))).toBe(200)
    expect(u2.requests.map(({ method }) => method)).toEqual(['MESSAGE'])
  })

  it('M-22 the far node names the caller once the overlay has confirmed where the caller is registered', () => {
    const nodes = new Nodes('caller').users(3).grow(3)
    const u1 = nodes.registered('u1', 0)
    const u2 = nodes.registered('u2', 2)
    for (let i = 0; i < 3; i++) expect(nodes.finished(u1.message(u2.aor)), nodes.replay()).toBe(200)
    const asserted = u2.requests.map((request) => request.header('p-asserted-identity'))
    expect(asserted).toEqual([undefined, `<sip:${u1.aor}>`, `<sip:${u1.aor}>`])
  })

  it('contract 5.1 an AOR can be called from every other node at the moment its 200 is there', () => {
    const nodes = new Nodes('pairs').users(12).grow(6)
    let user = 6
    const callers = nodes.nodes.map((_, index) => nodes.registered(`u${index}`, index))
    for (const [at] of nodes.nodes.entries()) {
      const callee = nodes.registered(`u${user++}`, at)
      const calls = callers.map((caller) => caller.call(callee.aor))
      nodes.until('calls', () => calls.every((call) => call.done))
      expect(
        calls.map((call) => call.status),
        nodes.replay(),
      ).toEqual(calls.map(() => 200))
    }
  })

  it('contract 5.2 when the 200 to a first REGISTER leaves, the responsible peer and its replicas have it on disk', () => {
    const nodes = new Nodes('safe').users(30).grow(6)
    const faults: string[] = []
    let seen = 0
    nodes.lan.watch((_from, to, bytes) => {
      const text = Buffer.from(bytes).toString('latin1')
      if (!text.startsWith('SIP/2.0 200') || !text.includes(' REGISTER\r\n')) return
      const phone = nodes.phones.find(({ host }) => host === to.host)
      if (phone === undefined) return
      seen++
      faults.push(...registrationFaults(nodes, phone.aor))
    })
    // The checker sees an empty overlay as one.
    expect(registrationFaults(nodes, 'u0@dht.example.com').length).toBe(3)
    for (let i = 0; i < 30; i++) nodes.registered(`u${i}`, i % 6)
    expect(seen).toBe(30)
    expect(faults).toEqual([])
  })
})

describe('one user at two nodes', () => {
  it('M-05 M-12 M-17 M-20 S3261-16.7-08 rings at both, the answer cancels the other, and no callee node looks the AOR up again', () => {
    const nodes = new Nodes('forked').users(3).grow(3)
    const caller = nodes.registered('u1', 0)
    const here = nodes.registered('u2', 0)
    const second = nodes.registered('u2', 1)
    const third = nodes.registered('u2', 2)
    const twin = nodes.registered('u2', 2, TCP)
    for (const phone of [here, second, twin]) phone.manner = { kind: 'ring' }
    third.manner = { kind: 'answer', afterMs: 1_500 }
    const resource = nodes.resource(here.aor)
    const before = nodes.nodes.map((one) => one.asked('fetch', resource))
    const call = caller.call(here.aor)
    expect(nodes.finished(call), nodes.replay()).toBe(200)
    nodes.world.run(2_000)
    for (const phone of [here, second, twin]) {
      expect(
        phone.rung.map(({ cancelled }) => cancelled),
        phone.host,
      ).toEqual([true])
      expect(phone.rung[0]?.acked, `ACK of 487 at ${phone.host}`).toBe(true)
    }
    expect(third.rung.map(({ cancelled, acked }) => ({ cancelled, acked }))).toEqual([
      { cancelled: false, acked: true },
    ])
    const after = nodes.nodes.map((one, index) => one.asked('fetch', resource) - (before[index] ?? 0))
    expect(after).toEqual([1, 0, 0])
  })

  it('S3261-16.10-01 the caller gives up and every phone stops ringing', () => {
    const nodes = new Nodes('cancelled').users(3).grow(3)
    const caller = nodes.registered('u1', 0)
    const phones = [nodes.registered('u2', 1), nodes.registered('u2', 2, TCP)]
    for (const phone of phones) phone.manner = { kind: 'ring' }
    const call = caller.call('u2@dht.example.com')
    nodes.until('ringing', () => phones.every((phone) => phone.rung.length === 1))
    nodes.world.run(500)
    caller.cancel(call)
    expect(nodes.finished(call)).toBe(487)
    nodes.world.run(1_000)
    expect(phones.map((phone) => phone.rung[0]?.cancelled)).toEqual([true, true])
  })

  it('S3261-16.7-02 S3261-16.7-03 busy at one node, answered at the other: the caller hears the answer', () => {
    const nodes = new Nodes('busy').users(3).grow(3)
    const caller = nodes.registered('u1', 0)
    const busy = nodes.registered('u2', 1)
    nodes.registered('u2', 2)
    busy.manner = { kind: 'refuse', status: 486 }
    expect(nodes.finished(caller.call(busy.aor))).toBe(200)
    busy.manner = { kind: 'refuse', status: 603 }
    expect(nodes.finished(caller.call(busy.aor)), '6xx ends the search').toBe(603)
  })
})

describe('users who cannot be reached', () => {
  it('M-21 E44 E45 unregistered is 480, unknown is 404', () => {
    const nodes = new Nodes('absent').users(3).grow(3)
    const caller = nodes.registered('u1', 0)
    expect(nodes.finished(caller.call('u2@dht.example.com'))).toBe(480)
    expect(nodes.finished(caller.call('nobody@dht.example.com'))).toBe(404)
  })

  it('M-21 a user hosted only elsewhere and not registered is 480, because his certificate is in the overlay', () => {
    const nodes = new Nodes('certificate')
    nodes.users(2)
    const elsewhere = new Nodes('accounts').users(0).accounts.add('far')
    nodes.start()
    nodes.start({ accounts: elsewhere })
    nodes.start()
    nodes.grow(3)
    const caller = nodes.registered('u1', 0)
    expect(nodes.finished(caller.call('far@dht.example.com'))).toBe(480)
    expect(nodes.finished(caller.call('nobody@dht.example.com'))).toBe(404)
  })

  it('a phone that is switched off: 408 or 480 at the latest when its transaction ends', () => {
    const nodes = new Nodes('dead').users(3).grow(3)
    const caller = nodes.registered('u1', 0)
    const callee = nodes.registered('u2', 2)
    callee.unplug()
    const call = caller.call(callee.aor)
    nodes.until('end of call', () => call.done, 45_000)
    expect([408, 480]).toContain(call.status)
  })
})

describe('redirect servers', () => {
  const proxies = ['192.168.0.2:5060;transport=udp']
  const redirect = { roles: { registrar: true, proxy: false, redirect: true }, redirectProxies: proxies }

  it("M-27 the caller's node redirects to a proxy, which finds the user", () => {
    const nodes = new Nodes('redirected').users(3)
    nodes.start({ sip: redirect })
    nodes.grow(3)
    const caller = nodes.registered('u1', 0)
    const callee = nodes.registered('u2', 2)
    const call = caller.call(callee.aor)
    expect(nodes.finished(call), nodes.replay()).toBe(200)
    expect(call.statuses).toEqual([401, 302, 407, 100, 180, 200])
    nodes.world.run(500)
    expect(callee.rung[0]?.acked).toBe(true)
    expect(nodes.finished(caller.call('nobody@dht.example.com'))).toBe(404)
    expect(nodes.finished(caller.call('u0@dht.example.com'))).toBe(480)
  })

  it("M-27 the callee's node redirects: the caller's proxy follows to the phone's own address", () => {
    const nodes = new Nodes('redirecting').users(3)
    nodes.start()
    nodes.start()
    nodes.start({ sip: redirect })
    nodes.grow(3)
    const caller = nodes.registered('u1', 0)
    const callee = nodes.registered('u2', 2)
    const call = caller.call(callee.aor)
    nodes.until('call', () => call.done)
    nodes.world.run(1_000)
    expect([call.status, callee.rung.length], `${nodes.replay()} ${call.statuses.join()}`).toEqual([200, 1])
  })
})
