import { describe, expect, it } from 'vitest'
import { registrationsOnDisk } from './checkers/registrations.ts'
import { Nodes } from './nodes.ts'

const U1 = 'u1@dht.example.com'

/** Three nodes with the accounts u0 to u3. */
function three(seed: string): Nodes {
  return new Nodes(seed).users(4).grow(3)
}

function entries(nodes: Nodes, aor: string): number {
  let most = 0
  for (const count of registrationsOnDisk(nodes, aor).values()) most = Math.max(most, count)
  return most
}

describe('who may register', () => {
  it('E38 S-AU-01 a wrong password never registers anybody', () => {
    const nodes = three('password')
    const phone = nodes.phone('u1', nodes.node(0), { password: 'guess' })
    for (let i = 0; i < 8; i++) expect([401, 403]).toContain(nodes.finished(phone.register()))
    expect(nodes.finished(phone.register())).toBe(403)
    expect(entries(nodes, U1)).toBe(0)
    expect(nodes.node(0).asked('store', nodes.resource(U1))).toBe(0)
    const caller = nodes.registered('u2', 1)
    expect(nodes.finished(caller.call(U1))).toBe(480)
  })

  it('M-07 E28 only a delegate registers for another user', () => {
    const nodes = new Nodes('delegate').users(3)
    nodes.accounts.add('boss', [U1])
    nodes.grow(3)
    const stranger = nodes.phone('u2', nodes.node(0))
    expect(nodes.finished(stranger.register({ aor: U1 }))).toBe(403)
    expect(entries(nodes, U1)).toBe(0)
    const boss = nodes.phone('boss', nodes.node(0))
    expect(nodes.finished(boss.register({ aor: U1 })), nodes.replay()).toBe(200)
    expect(entries(nodes, U1)).toBe(1)
    const caller = nodes.registered('u2', 2)
    expect(nodes.finished(caller.call(U1))).toBe(200)
    expect(boss.rung.length).toBe(1)
  })

  it('E26 a user of nobody is 401 without and 404 or 403 with the credentials of somebody', () => {
    const nodes = three('foreign')
    const phone = nodes.phone('u1', nodes.node(0))
    expect([403, 404]).toContain(nodes.finished(phone.register({ aor: 'nobody@dht.example.com' })))
  })
})

describe('how long a registration stands', () => {
  it('M-14 the phone goes silent: its entry goes when its binding ends', () => {
    const nodes = three('expiry')
    const phone = nodes.phone('u1', nodes.node(0))
    expect(nodes.finished(phone.register({ expiresS: 120 }))).toBe(200)
    const caller = nodes.registered('u2', 2)
    expect(entries(nodes, U1)).toBe(1)
    nodes.world.run(115_000)
    expect(nodes.finished(caller.call(U1))).toBe(200)
    nodes.world.run(10_000)
    expect(entries(nodes, U1), nodes.replay()).toBe(0)
    expect(nodes.finished(caller.call(U1))).toBe(480)
  })

  it.each(['udp', 'tcp'] as const)(
    'M-11 unregister over %s removes the entry, registering again brings it back',
    (transport) => {
      const nodes = three(`again-${transport}`)
      const phone = nodes.registered('u1', 0, { transport })
      const caller = nodes.registered('u2', 2)
      expect(nodes.finished(phone.unregisterAll())).toBe(200)
      expect(entries(nodes, U1)).toBe(0)
      expect(nodes.finished(caller.call(U1))).toBe(480)
      expect(nodes.finished(phone.register())).toBe(200)
      expect(nodes.finished(caller.call(U1))).toBe(200)
      expect(nodes.finished(phone.register({ expiresS: 0 }))).toBe(200)
      expect(entries(nodes, U1)).toBe(0)
      expect(nodes.finished(caller.call(U1))).toBe(480)
    },
  )

  it('M-11 a wildcard at one node leaves the registration at the other alone', () => {
    const nodes = three('wildcard')
    const first = nodes.registered('u1', 0)
    const second = nodes.registered('u1', 1)
    const caller = nodes.registered('u2', 2)
    expect(entries(nodes, U1)).toBe(2)
    expect(nodes.finished(first.unregisterAll())).toBe(200)
    expect(entries(nodes, U1)).toBe(1)
    expect(nodes.finished(caller.call(U1))).toBe(200)
    expect([first.rung.length, second.rung.length]).toEqual([0, 1])
  })

  it('M-14 refreshes cost no Store until the entry runs short, then it is extended in the background', () => {
    const nodes = three('refresh')
    const phone = nodes.registered('u1', 0)
    const caller = nodes.registered('u2', 2)
    const resource = nodes.resource(U1)
    const stores = (): number => nodes.node(0).asked('store', resource)
    const first = stores()
    for (let minute = 0; minute < 45; minute++) {
      nodes.world.run(60_000)
      const refresh = phone.register()
      expect(nodes.finished(refresh)).toBe(200)
      // Two round trips to the phone and nothing else: nobody waits for the overlay.
      expect(refresh.tookMs).toBeLessThan(20)
    }
    expect(stores(), nodes.replay()).toBe(first)
    for (let minute = 0; minute < 40; minute++) {
      nodes.world.run(60_000)
      expect(nodes.finished(phone.register())).toBe(200)
    }
    expect(stores()).toBe(first + 1)
    // The phone is quiet from now on. Its binding outlives the entry, which is renewed without it, and ends on time.
    nodes.world.run(3_500_000)
    expect(stores()).toBe(first + 2)
    expect(nodes.finished(caller.call(U1)), nodes.replay()).toBe(200)
    nodes.world.run(200_000)
    expect(nodes.finished(caller.call(U1)), nodes.replay()).toBe(480)
  })

  it('M-12 a second phone is in the same entry: one Store for its mark, none for its refreshes; the entry stays until the last one is gone', () => {
    const nodes = three('two-phones')
    const desk = nodes.registered('u1', 0)
    const resource = nodes.resource(U1)
    const first = nodes.node(0).asked('store', resource)
    const soft = nodes.registered('u1', 0, { transport: 'tcp' })
    // docs/adr/0019: peers that the same phone registers with have to see that it is the same.
    expect(nodes.node(0).asked('store', resource)).toBe(first + 1)
    nodes.finished(soft.register())
    nodes.finished(desk.register())
    expect(nodes.node(0).asked('store', resource)).toBe(first + 1)
    expect(entries(nodes, U1)).toBe(1)
    const caller = nodes.registered('u2', 2)
    soft.manner = { kind: 'ring' }
    expect(nodes.finished(caller.call(U1))).toBe(200)
    expect([desk.rung.length, soft.rung.length]).toEqual([1, 1])
    nodes.finished(desk.register({ expiresS: 0 }))
    expect(entries(nodes, U1)).toBe(1)
    nodes.finished(soft.register({ expiresS: 0 }))
    expect(entries(nodes, U1)).toBe(0)
  })

  it('S5626-7-03 a phone behind a NAT whose connection broke is not called any more after the grace time', () => {
    const nodes = three('flow-lost')
    const phone = nodes.registered('u1', 0, { transport: 'tcp', shownHost: '10.9.9.9' })
    const caller = nodes.registered('u2', 2)
    expect(nodes.finished(caller.call(U1))).toBe(200)
    phone.unplug()
    nodes.world.run(40_000)
    expect(entries(nodes, U1), nodes.replay()).toBe(0)
    expect(nodes.finished(caller.call(U1))).toBe(480)
  })

  it('a node that comes back with its disk has no bindings: stale entries are found by the first call and removed', () => {
    const nodes = three('came-back')
    nodes.registered('u1', 0)
    const caller = nodes.registered('u2', 2)
    nodes.crash(nodes.node(0))
    nodes.world.run(20_000)
    const again = nodes.restart(nodes.node(0))
    nodes.until('rejoin', () => again.state === 'joined')
    nodes.world.run(5_000)
    const local = nodes.registered('u3', 0)
    expect(nodes.finished(caller.call(U1))).toBe(480)
    expect(nodes.finished(local.call(U1))).toBe(480)
    nodes.world.run(2_000)
    expect(entries(nodes, U1), nodes.replay()).toBe(0)
    const phone = nodes.registered('u1', 0)
    expect(nodes.finished(caller.call(U1))).toBe(200)
    expect(phone.rung.length).toBe(1)
  })
})

describe('enrollment', () => {
  it('a REGISTER that waits for its certificate gets it, when the name is enrolled on first use', () => {
    const nodes = new Nodes('lazy', { adapter: { enrollOnFirstRegister: true }, enrollMs: 500 }).users(3)
    for (let i = 0; i < 3; i++) nodes.start()
    nodes.until('ring', () => nodes.running.every(({ state }) => state === 'joined'))
    nodes.world.run(3_000)
    const phone = nodes.phone('u1', nodes.node(0))
    const register = phone.register()
    expect(nodes.finished(register), nodes.replay()).toBe(200)
    expect(register.tookMs).toBeGreaterThan(500)
    const caller = nodes.registered('u2', 2)
    expect(nodes.finished(caller.call(U1))).toBe(200)
  })

  it('enrollment server out of reach: 503 with Retry-After, and it works when it is back', () => {
    const nodes = new Nodes('no-enrollment').users(3)
    nodes.enrollmentUp = false
    for (let i = 0; i < 3; i++) nodes.start()
    nodes.until('ring', () => nodes.running.every(({ state }) => state === 'joined'))
    nodes.world.run(3_000)
    const phone = nodes.phone('u1', nodes.node(0))
    const refused = phone.register()
    expect(nodes.finished(refused)).toBe(503)
    expect(Number(refused.final?.header('retry-after'))).toBeGreaterThan(0)
    nodes.enrollmentUp = true
    expect(nodes.finished(phone.register()), nodes.replay()).toBe(200)
  })
})

describe('bindings that are kept (persistBindings)', () => {
  it('contract 5.1 a node is killed and started again: its phones on UDP are called at once, and no entry is stored again', () => {
    const sip = { persistBindings: true }
    const nodes = new Nodes('kept', { sip }).users(6).grow(3)
    const phones = ['u1', 'u2', 'u3'].map((user) => nodes.registered(user, 0))
    const caller = nodes.registered('u4', 2)
    nodes.crash(nodes.node(0))
    nodes.world.run(4_000)
    const again = nodes.restart(nodes.node(0))
    nodes.until('join', () => again.state === 'joined')
    nodes.world.run(2_000)
    for (const phone of phones) {
      expect(nodes.finished(caller.call(phone.aor)), nodes.replay()).toBe(200)
      expect(phone.rung.length).toBe(1)
      expect(again.asked('store', nodes.resource(phone.aor)), phone.aor).toBe(0)
      expect(again.asked('fetch', nodes.resource(phone.aor)), phone.aor).toBe(1)
    }
    // Without a refresh they end when they were said to.
    nodes.world.run(3_700_000)
    expect(entries(nodes, U1)).toBe(0)
  })

  it('who has unregistered stays so, and an entry that the overlay has lost meanwhile is stored again', () => {
    const sip = { persistBindings: true }
    const nodes = new Nodes('kept-changes', { sip }).users(6).grow(3)
    const gone = nodes.registered('u1', 0)
    const kept = nodes.registered('u2', 0)
    expect(nodes.finished(gone.unregisterAll())).toBe(200)
    expect(nodes.finished(kept.register({ expiresS: 7_000 }))).toBe(200)
    // A refresh is written within two seconds.
    nodes.world.run(2_500)
    nodes.crash(nodes.node(0))
    // The entry of the first REGISTER ends before the binding does.
    nodes.world.run(4_000_000)
    expect(entries(nodes, kept.aor), nodes.replay()).toBe(0)
    const again = nodes.restart(nodes.node(0))
    nodes.until('join', () => again.state === 'joined')
    nodes.world.run(3_000)
    expect(entries(nodes, kept.aor), nodes.replay()).toBe(1)
    expect(entries(nodes, gone.aor)).toBe(0)
    const caller = nodes.registered('u4', 2)
    expect(nodes.finished(caller.call(kept.aor)), nodes.replay()).toBe(200)
    expect(nodes.finished(caller.call(gone.aor)), nodes.replay()).toBe(480)
  })
})
