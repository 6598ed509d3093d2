import { describe, expect, it } from 'vitest'
import type { SipMessage } from '../../../../src/sip/message/index.ts'
import {
  DOMAIN,
  SipWorld,
  TestAccounts,
  type Phone,
  type SettingsOverride,
  type TestNode,
} from '../../../support/sip-phones.ts'

const ELSEWHERE = 'example.org'
const KEPT: SettingsOverride = { flowTimerS: 120, lookup: 'localOnly' }

const accounts = (): TestAccounts => new TestAccounts().add('alice').add('bob').add('carol')

function setUp(override: SettingsOverride = KEPT): { world: SipWorld; node: TestNode } {
  const world = new SipWorld()
  return { world, node: world.node('192.0.2.1', override, accounts()) }
}

const outboundContact = (phone: Phone): string =>
  `${phone.contact};+sip.instance="<urn:uuid:${phone.host}>";reg-id=1`

function registerOutbound(phone: Phone): SipMessage {
  phone.register({ contact: outboundContact(phone), extra: ['Supported: outbound, path'] })
  return phone.last()
}

describe('phones that show that they are alive (RFC 5626 s.4.4 and s.6)', () => {
  it('S5626-6-07 are told how often, on streams and with outbound', () => {
    const { world, node } = setUp()
    const stream = world.phone('alice', node, { transport: 'tcp' })
    expect(registerOutbound(stream).header('flow-timer')).toBe('120')
    stream.register()
    expect(stream.last().has('flow-timer')).toBe(false)
    expect(registerOutbound(world.phone('alice', node)).has('flow-timer')).toBe(false)
    const off = setUp({ lookup: 'localOnly' })
    const silent = off.world.phone('alice', off.node, { transport: 'tcp' })
    expect(registerOutbound(silent).has('flow-timer')).toBe(false)
  })

  it('S5626-6-07 S5626-7-03 silence beyond timer and grace ends the flow, and the binding with it at once', () => {
    const { world, node } = setUp()
    const phone = world.phone('alice', node, { transport: 'tcp' })
    registerOutbound(phone)
    world.advance(140_000)
    phone.sendRaw('\r\n\r\n')
    world.advance(149_000)
    expect(node.core.bindings(`alice@${DOMAIN}`)).toHaveLength(1)
    expect(phone.closedFlows).toEqual([])
    world.advance(2_000)
    expect(phone.closedFlows).toHaveLength(1)
    expect(node.core.bindings(`alice@${DOMAIN}`)).toHaveLength(0)
    expect(node.core.nextDeadline()).toBe(Number.POSITIVE_INFINITY)
  })

  it('S5626-6-07 whoever has agreed to nothing may be silent for as long as it is registered', () => {
    const { world, node } = setUp()
    const phone = world.phone('alice', node, { transport: 'tcp', privateHost: '192.168.0.1' })
    phone.register()
    world.advance(3_500_000)
    expect(phone.closedFlows).toEqual([])
    expect(node.core.bindings(`alice@${DOMAIN}`)).toHaveLength(1)
  })

  it('S6223-4.4-01 `keep` without a value is answered with one, where it is asked and nowhere else', () => {
    const { world, node } = setUp()
    const stream = world.phone('alice', node, { transport: 'tcp' })
    const keeping = (phone: Phone, more = ''): string => `${phone.via('z9hG4bKx')}${more}`
    const register = (phone: Phone, via: string, cseq: number): string => {
      const text = [
        `REGISTER sip:${DOMAIN} SIP/2.0`,
        `Via: ${via}`,
        'Max-Forwards: 70',
        `From: <sip:${phone.aor}>;tag=1`,
        `To: <sip:${phone.aor}>`,
        `Call-ID: keep-${phone.host}`,
        `CSeq: ${cseq} REGISTER`,
        `Contact: ${phone.contact}`,
        'Content-Length: 0',
      ]
      phone.sendRaw(`${text.join('\r\n')}\r\n\r\n`)
      expect(phone.last().status).toBe(200)
      return phone.last().topVia.raw
    }
    expect(register(stream, keeping(stream, ';keep'), 1)).toContain(';keep=120')
    expect(register(stream, keeping(stream, '2;keep;x=1'), 2)).toContain(';keep=120;x=1')
    expect(register(stream, keeping(stream, '3;keep=7'), 3)).toContain(';keep=7')
    expect(register(stream, keeping(stream, '4;keeper'), 4)).toContain(';keeper')
    expect(register(stream, keeping(stream, '5'), 5)).not.toContain('keep')
    const datagrams = world.phone('alice', node)
    expect(register(datagrams, keeping(datagrams, ';keep'), 1)).toContain(';keep=29')
    world.advance(151_000)
    expect(stream.closedFlows).toHaveLength(1)
  })

  it('S6223-4.4-01 for the time of a call the answer stands in the Via of its INVITE', () => {
    const { world, node } = setUp()
    const alice = world.phone('alice', node)
    const bob = world.phone('bob', node)
    bob.register()
    alice.request('INVITE', `sip:bob@${DOMAIN}`, { branch: 'z9hG4bKcall;keep' })
    bob.respond(bob.requests('INVITE')[0]!, 200)
    const ok = alice.responses('INVITE', 200)[0]!
    expect(ok.topVia.raw).toContain(';keep=29')
  })
})

describe('a phone that has abandoned a flow (RFC 5626 s.3.1)', () => {
  /** Bob talks to Alice, who then registers by another connection; who gets his INFO. */
  function whoGets(contactOf: (phone: Phone, by: 'old' | 'new') => string): string[] {
    const { world, node } = setUp()
    const bob = world.phone('bob', node)
    const [before, after] = [0, 1].map(() => world.phone('alice', node, { transport: 'tcp' })) as [
      Phone,
      Phone,
    ]
    const register = (phone: Phone, by: 'old' | 'new'): void => {
      phone.register({ contact: contactOf(phone, by), extra: ['Supported: outbound, path'] })
      expect(phone.last().status).toBe(200)
    }
    register(before, 'old')
    const sent = bob.request('INVITE', `sip:alice@${DOMAIN}`)
    before.respond(before.requests('INVITE')[0]!, 200)
    const ok = bob.last()
    bob.inDialog('ACK', sent, ok)
    register(after, 'new')
    bob.inDialog('INFO', sent, ok)
    return [...before.requests('INFO').map(() => 'old'), ...after.requests('INFO').map(() => 'new')]
  }
  const instance = '+sip.instance="<urn:uuid:1>"'

  it('S3261-16.6-06 what a call sends by way of a proxy of the phone goes to that proxy', () => {
    const { world, node } = setUp()
    const bob = world.phone('bob', node)
    const [proxy, phone] = [0, 1].map(() => world.phone('alice', node, { transport: 'tcp' })) as [
      Phone,
      Phone,
    ]
    const edge = '<sip:token@192.168.1.9;transport=tcp;lr>'
    const register = (by: Phone, more: readonly string[]): void => {
      const extra = ['Supported: outbound, path', ...more]
      by.register({ contact: `<sip:alice@192.168.1.2>;${instance};reg-id=1`, extra })
      expect(by.last().status).toBe(200)
    }
    register(proxy, [`Path: ${edge}`])
    const sent = bob.request('INVITE', `sip:alice@${DOMAIN}`)
    proxy.respond(proxy.requests('INVITE')[0]!, 200)
    const routes = bob.last().values('record-route').reverse()
    register(phone, [])
    bob.request('INFO', 'sip:alice@192.168.1.2', {
      to: bob.last().header('to') ?? '',
      callId: sent.callId,
      cseq: 2,
      extra: [...routes, edge].map((route) => `Route: ${route}`),
    })
    expect([proxy.requests('INFO').length, phone.requests('INFO').length]).toEqual([1, 0])
  })

  it('S5626-6-06 is found by its new one in calls that are up, though the old connection still stands', () => {
    expect(whoGets((phone) => `${phone.contact};${instance};reg-id=1`)).toEqual(['new'])
  })

  it('S5626-6-06 but where it has both flows, is another phone, or has not spoken of flows, the call goes on by the old one', () => {
    expect(whoGets((phone, by) => `${phone.contact};${instance};reg-id=${by === 'old' ? 1 : 2}`)).toEqual([
      'old',
    ])
    expect(whoGets((phone, by) => `${phone.contact};+sip.instance="<urn:uuid:${by}>";reg-id=1`)).toEqual([
      'old',
    ])
    expect(whoGets((phone) => `${phone.contact};${instance}`)).toEqual(['old'])
    expect(whoGets(() => `<sip:alice@192.168.1.2:5060;transport=tcp>`)).toEqual(['old'])
  })
})

describe('a connection that several users share, as behind a proxy', () => {
  const as = (user: string): { from: string; to: string } => ({
    from: `<sip:${user}@${DOMAIN}>`,
    to: `<sip:${user}@${DOMAIN}>`,
  })
  const flowOf = (user: string, id: string): { contact: string; extra: string[] } => ({
    contact: `<sip:${user}@192.168.1.2;transport=tcp>;+sip.instance="<urn:uuid:${id}>";reg-id=1`,
    extra: ['Supported: outbound, path'],
  })

  /** Carol is in a call with Bob by a connection that is Alice's as well. */
  function calling(): Record<'edge' | 'elsewhere', Phone> & { info: () => SipMessage; answer: () => void } {
    const { world, node } = setUp()
    const bob = world.phone('bob', node)
    const [edge, elsewhere] = [0, 1].map(() => world.phone('carol', node, { transport: 'tcp' })) as [
      Phone,
      Phone,
    ]
    bob.register()
    for (const user of ['carol', 'alice']) edge.register({ ...as(user), ...flowOf(user, user) })
    const sent = bob.request('INVITE', `sip:carol@${DOMAIN}`)
    edge.respond(edge.requests('INVITE')[0]!, 200)
    const ok = bob.last()
    bob.inDialog('ACK', sent, ok)
    edge.request('MESSAGE', `sip:bob@${DOMAIN}`)
    return {
      edge,
      elsewhere,
      info: () => {
        bob.inDialog('INFO', sent, ok)
        return bob.last()
      },
      answer: () => bob.respond(bob.requests('MESSAGE')[0]!, 200),
    }
  }

  it.each([
    [true, true],
    [true, false],
    [false, true],
    [false, false],
  ])(
    'S5626-6-06 what is for one of them is not got by another who registers elsewhere (connection up: %s, registered: %s)',
    (up, registered) => {
      const { edge, elsewhere, info, answer } = calling()
      if (!registered) edge.register({ ...as('carol'), ...flowOf('carol', 'carol'), extra: ['Expires: 0'] })
      if (!up) edge.disconnect()
      elsewhere.register({ ...as('alice'), ...flowOf('alice', 'alice') })
      expect(elsewhere.last().status).toBe(200)
      const outcome = info()
      answer()
      expect(elsewhere.requests('INFO')).toHaveLength(0)
      expect(elsewhere.responses('MESSAGE')).toHaveLength(0)
      expect(edge.requests('INFO')).toHaveLength(up ? 1 : 0)
      expect(edge.responses('MESSAGE', 200)).toHaveLength(up ? 1 : 0)
      if (!up) expect(outcome.status).toBeGreaterThanOrEqual(400)
    },
  )

  it.each([true, false])('S5626-6-06 who has moved himself is followed (connection up: %s)', (up) => {
    const { edge, elsewhere, info, answer } = calling()
    if (!up) edge.disconnect()
    for (const user of ['carol', 'alice']) elsewhere.register({ ...as(user), ...flowOf(user, user) })
    info()
    answer()
    expect(elsewhere.requests('INFO')).toHaveLength(1)
    expect(elsewhere.responses('MESSAGE', 200)).toHaveLength(up ? 0 : 1)
  })
})

describe('a flow that breaks when a request of a call goes out by it', () => {
  it.each(['INFO', 'BYE', 'INVITE'])('S5626-7-02 %s reaches the phone by its other flow, once', (method) => {
    const { world, node } = setUp()
    const bob = world.phone('bob', node)
    const [spare, used] = [1, 2].map((id) => {
      const phone = world.phone('alice', node, { transport: 'tcp' })
      phone.register({
        contact: `${phone.contact};+sip.instance="<urn:uuid:1>";reg-id=${id}`,
        extra: ['Supported: outbound, path'],
      })
      world.advance(1_000)
      return phone
    }) as [Phone, Phone]
    const sent = bob.request('INVITE', `sip:alice@${DOMAIN}`)
    used.respond(used.requests('INVITE')[0]!, 200)
    const ok = bob.last()
    bob.inDialog('ACK', sent, ok)
    bob.inDialog(method, sent, ok)
    used.disconnect()
    expect(spare.requests(method)).toHaveLength(1)
    spare.respond(spare.requests(method)[0]!, 200)
    expect(bob.last().status).toBe(200)
    // Whoever has lost all of them is not there.
    bob.inDialog('INFO', sent, ok)
    spare.disconnect()
    expect(bob.last().status).toBe(480)
    expect(node.core.callsWaiting).toBe(0)
  })
})

describe('edge proxy towards another registrar (RFC 5626 s.5)', () => {
  function edge(override: SettingsOverride = {}): { world: SipWorld; node: TestNode; registrar: Phone } {
    const { world, node } = setUp({ ...KEPT, relayRegister: [ELSEWHERE], auth: 'digest', ...override })
    const registrar = world.phone('registrar', node)
    node.resolveAnswer = () => ({
      ok: true,
      addresses: [{ host: registrar.host, port: 5060, transport: 'udp' }],
    })
    return { world, node, registrar }
  }
  /** The status of the answer; 0 while there is none. */
  const register = (phone: Phone, extra: readonly string[], contact = outboundContact(phone)): number => {
    phone.request('REGISTER', `sip:${ELSEWHERE}`, { to: `<sip:alice@${ELSEWHERE}>`, contact, extra })
    return phone.received.at(-1)?.status ?? 0
  }

  it.each(['udp', 'tcp'] as const)(
    'S5626-5.1-01 S3261-10.3-04 S3327-5.2-01 over %s: Path with a flow token and ob, and calls come back by it',
    (transport) => {
      const { world, node, registrar } = edge()
      const phone = world.phone('alice', node, {
        transport,
        privateHost: '192.168.7.7',
        fromDomain: ELSEWHERE,
      })
      register(phone, ['Supported: path, outbound'])
      const relayed = registrar.requests('REGISTER')[0]!
      const path = relayed.values('path')
      expect(path).toHaveLength(1)
      expect(path[0]).toMatch(/^<sip:[^@]+@192\.0\.2\.1:5060(;transport=tcp)?;lr;ob>$/)
      expect(relayed.has('record-route')).toBe(false)
      expect(relayed.vias()).toHaveLength(2)
      registrar.respond(relayed, 200, { extra: [`Path: ${path[0]}`, 'Require: outbound'] })
      expect(phone.last().status).toBe(200)
      // A call for the phone, from the registrar, by the Path that it has stored.
      registrar.request('INVITE', `sip:alice@${phone.shownHost}:5060`, {
        from: '<sip:carol@example.org>',
        extra: [`Route: ${path[0]}`],
      })
      const invite = phone.requests('INVITE')[0]!
      expect(invite.requestUri).toBe(`sip:alice@${phone.shownHost}:5060`)
      expect(invite.values('record-route').length).toBeGreaterThan(0)
      phone.respond(invite, 200)
      expect(registrar.responses('INVITE', 200)).toHaveLength(1)
    },
  )

  it('S5626-5.3-01 the flow is gone: the registrar is told 430; a token of somebody else is refused', () => {
    const { world, node, registrar } = edge()
    const phone = world.phone('alice', node, { transport: 'tcp', fromDomain: ELSEWHERE })
    register(phone, ['Supported: path, outbound'])
    const [path] = registrar.requests('REGISTER')[0]!.values('path')
    phone.disconnect()
    const call = (route: string): number => {
      registrar.request('INVITE', 'sip:alice@192.168.7.7', {
        from: '<sip:carol@example.org>',
        extra: [`Route: ${route}`],
      })
      return registrar.last().status
    }
    expect(call(path!)).toBe(430)
    expect(call(path!.replace('<sip:', '<sip:A'))).toBe(403)
  })

  it('E25 S3327-5.2-01 421 where Path is needed and the phone does not know it; without need none is added', () => {
    const { world, node, registrar } = edge()
    const hidden = world.phone('alice', node, { privateHost: '192.168.7.7', fromDomain: ELSEWHERE })
    expect(register(hidden, [], hidden.contact)).toBe(421)
    expect(hidden.last().header('require')).toBe('path')
    const open = world.phone('alice', node, { fromDomain: ELSEWHERE })
    expect(register(open, ['Supported: outbound'])).toBe(421)
    register(open, [], open.contact)
    expect(registrar.requests('REGISTER')).toHaveLength(1)
    expect(registrar.requests('REGISTER')[0]!.has('path')).toBe(false)
  })

  it('S5626-5.1-01 not being the first hop it adds nothing', () => {
    const { world, node, registrar } = edge()
    const phone = world.phone('alice', node, { fromDomain: ELSEWHERE })
    register(phone, ['Supported: path, outbound', 'Via: SIP/2.0/UDP 10.9.9.9;branch=z9hG4bKbelow'])
    expect(registrar.requests('REGISTER')[0]!.has('path')).toBe(false)
  })

  it('S3261-10.3-04 E46 nowhere but to the domains that are named: 403, and no Route leads further', () => {
    const { world, node, registrar } = edge()
    const phone = world.phone('alice', node, { fromDomain: 'example.net' })
    phone.request('REGISTER', 'sip:example.net', { to: '<sip:alice@example.net>' })
    expect(phone.last().status).toBe(403)
    expect(register(phone, ['Supported: path', 'Route: <sip:10.0.0.200;lr>'])).toBe(403)
    phone.request('REGISTER', `sip:${ELSEWHERE}`, { to: `<sip:alice@${ELSEWHERE}>`, maxForwards: 0 })
    expect(phone.last().status).toBe(483)
    expect(registrar.received).toHaveLength(0)
  })
})
