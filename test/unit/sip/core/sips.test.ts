import { describe, expect, it } from 'vitest'
import type { SipMessage } from '../../../../src/sip/message/index.ts'
import {
  allListeners,
  DOMAIN,
  SipWorld,
  TestAccounts,
  type Phone,
  type PhoneInit,
  type RequestInit,
  type SettingsOverride,
  type TestNode,
} from '../../../support/sip-phones.ts'

const HOST = '192.0.2.1'
const BOB = `sip:bob@${DOMAIN}`
const BOB_SECURE = `sips:bob@${DOMAIN}`

const accounts = (): TestAccounts => new TestAccounts().add('alice').add('bob').add('carol')

interface Stage {
  readonly world: SipWorld
  readonly node: TestNode
  readonly alice: Phone
  readonly bob: Phone
}

function stage(alice: PhoneInit, bob: PhoneInit, override: SettingsOverride = {}): Stage {
  const world = new SipWorld()
  const node = world.node(HOST, { listeners: allListeners(HOST), ...override }, accounts())
  return { world, node, alice: world.phone('alice', node, alice), bob: world.phone('bob', node, bob) }
}

/** A Contact that wants TLS all the way. */
function sipsContact(phone: Phone): string {
  return `<sips:${phone.user}@${phone.host}:${phone.port}>`
}

function registerSips(phone: Phone, extra: readonly string[] = []): SipMessage {
  phone.request('REGISTER', `sips:${DOMAIN}`, {
    to: `<sips:${phone.aor}>`,
    contact: sipsContact(phone),
    extra,
  })
  return phone.last()
}

const TLS: PhoneInit = { transport: 'tls' }

describe('registering with sips (RFC 5630 s.5.2)', () => {
  it('S5630-5.2-01 sip and sips are one AOR', () => {
    const { node, alice } = stage(TLS, TLS)
    alice.register()
    expect(registerSips(alice).status).toBe(200)
    expect(alice.last().values('contact')).toHaveLength(2)
    expect(node.core.bindings(`alice@${DOMAIN}`)).toHaveLength(2)
    alice.request('REGISTER', `sip:${DOMAIN}`, { to: `<sip:${alice.aor}>`, noContact: true })
    expect(alice.last().values('contact')).toHaveLength(2)
  })

  it('E36 S5630-5.2-01 a sips Contact only where Request-URI and every Path are sips', () => {
    const { node, alice } = stage(TLS, TLS)
    alice.register({ contact: sipsContact(alice) })
    expect(alice.last().status).toBe(400)
    for (const path of ['Path: <sip:edge.example.com;lr>', 'Path: <sips:a.example;lr>, <sip:b.example;lr>']) {
      expect(registerSips(alice, [path]).status).toBe(400)
    }
    expect(node.core.bindings()).toHaveLength(0)
    expect(registerSips(alice, ['Path: <sips:edge.example.com;lr>']).status).toBe(200)
  })

  it('S3608-6.3-01 S5630-5.2-01 no Service-Route binds a phone on TLS to sips; one on TCP is told where to send', () => {
    const { alice, bob } = stage(TLS, { transport: 'tcp' })
    alice.register({ contact: `<sip:alice@${alice.host}:5061>` })
    expect(alice.last().has('service-route')).toBe(false)
    expect(registerSips(alice).has('service-route')).toBe(false)
    bob.register()
    expect(bob.last().values('service-route')).toEqual([`<sip:${HOST}:5060;transport=tcp;lr>`])
  })

  it('S3608-6.3-01 a query is answered with the same Service-Route, which the phone would take for gone otherwise', () => {
    const { alice, bob } = stage(TLS, { transport: 'tcp' })
    const contact = `<sip:alice@${alice.host}:5061;transport=tls>`
    const routes = (phone: Phone, init: RequestInit): string[] => {
      phone.register(init)
      return phone.last().values('service-route')
    }
    expect(routes(alice, { contact })).toEqual([`<sip:${HOST}:5061;transport=tls;lr>`])
    expect(routes(alice, { noContact: true })).toEqual([`<sip:${HOST}:5061;transport=tls;lr>`])
    expect(routes(bob, { noContact: true })).toEqual(routes(bob, {}))
  })
})

describe('a call over TLS', () => {
  it('S3261-26-01 S3261-16.6-04 S5922-7.5-01 with sips: TLS on both hops, sips in all that we add', () => {
    const { alice, bob } = stage(TLS, TLS)
    registerSips(bob)
    const sent = alice.request('INVITE', BOB_SECURE, { contact: sipsContact(alice), body: 'v=0' })
    const invite = bob.requests('INVITE')[0]!
    expect(invite.requestUri).toBe(`sips:bob@${bob.host}:5060`)
    expect(invite.topVia.transport).toBe('TLS')
    expect(invite.values('record-route')).toHaveLength(2)
    for (const route of invite.values('record-route'))
      expect(route).toMatch(/^<sips:[\w-]+@192\.0\.2\.1:5061;lr>$/)
    bob.respond(invite, 180)
    bob.respond(invite, 200, { contact: sipsContact(bob) })
    alice.inDialog('ACK', sent, alice.responses('INVITE', 200)[0]!)
    expect(bob.requests('ACK')).toHaveLength(1)
    bob.fromCallee('BYE', invite)
    const bye = alice.requests('BYE')[0]!
    expect(bye.requestUri).toMatch(/^sips:alice@/)
    alice.respond(bye, 200)
    expect(bob.statuses('BYE')).toEqual([200])
  })

  for (const [aliceVia, bobVia] of [
    ['tls', 'tls'],
    ['tls', 'udp'],
    ['udp', 'tls'],
    ['tcp', 'tls'],
  ] as const) {
    it(`S5630-3.1-01 with sip from ${aliceVia} to ${bobVia}: the Request-URI stays sip, and nothing says transport=tls that has not before`, () => {
      const { node, alice, bob } = stage({ transport: aliceVia }, { transport: bobVia })
      const plain = (phone: Phone): string => `<sip:${phone.user}@${phone.host}:${phone.port}>`
      bob.register({ contact: plain(bob) })
      const sent = alice.request('INVITE', BOB, { contact: plain(alice) })
      const invite = bob.requests('INVITE')[0]!
      expect(invite.uri?.scheme).toBe('sip')
      bob.respond(invite, 200, { contact: plain(bob) })
      const ok = alice.responses('INVITE', 200)[0]!
      alice.inDialog('ACK', sent, ok, { contact: plain(alice) })
      expect(bob.requests('ACK')).toHaveLength(1)
      bob.fromCallee('BYE', invite, { contact: plain(bob) })
      alice.respond(alice.requests('BYE')[0]!, 200, { contact: plain(alice) })
      expect(bob.statuses('BYE')).toEqual([200])
      for (const action of node.actions) {
        if ('bytes' in action)
          expect(Buffer.from(action.bytes).toString('latin1').toLowerCase()).not.toContain('transport=tls')
      }
      // Who came over TLS is brought back over TLS.
      const [nearBob = '', nearAlice = ''] = invite.values('record-route')
      expect(nearBob.startsWith('<sips:')).toBe(bobVia === 'tls')
      expect(nearAlice.startsWith('<sips:')).toBe(aliceVia === 'tls')
    })
  }

  it('S5630-3.1-01 transport=tls is read, in Contact, Route and Request-URI', () => {
    const { alice, bob } = stage(TLS, TLS)
    bob.register()
    expect(bob.last().status).toBe(200)
    alice.request('INVITE', `${BOB};transport=tls`, { extra: [`Route: <sip:${HOST}:5061;transport=tls;lr>`] })
    expect(bob.requests('INVITE')[0]!.requestUri).toContain('transport=tls')
  })

  /** Routes for bob's side and alice's, and the Service-Route; bob's Contact says transport=tls, and alice's does not. */
  function routesIn(tlsRoutes: 'mirror' | 'sips' | 'transport'): string[] {
    const { alice, bob } = stage(TLS, TLS, { tlsRoutes })
    bob.register()
    const service = bob.last().values('service-route')
    alice.request('INVITE', BOB, { contact: `<sip:alice@${alice.host}:5061>` })
    const routes = bob.requests('INVITE')[0]!.values('record-route')
    return [...routes, ...service].map((route) => route.replace(/:[^:@]*@/, ':TOKEN@'))
  }

  it('to phones that write transport=tls themselves routes say so too, to others they say sips', () => {
    expect(routesIn('mirror')).toEqual([
      `<sip:TOKEN@${HOST}:5061;transport=tls;lr>`,
      `<sips:TOKEN@${HOST}:5061;lr>`,
      `<sip:${HOST}:5061;transport=tls;lr>`,
    ])
  })

  it('S5630-3.1-01 never where the operator wants it so, and always where he wants that', () => {
    expect(routesIn('sips')).toEqual([`<sips:TOKEN@${HOST}:5061;lr>`, `<sips:TOKEN@${HOST}:5061;lr>`])
    expect(routesIn('transport')).toEqual([
      `<sip:TOKEN@${HOST}:5061;transport=tls;lr>`,
      `<sip:TOKEN@${HOST}:5061;transport=tls;lr>`,
      `<sip:${HOST}:5061;transport=tls;lr>`,
    ])
  })

  it('S5630-3.1-01 S3261-16.6-04 a sips request has sips routes, whatever the phone writes', () => {
    const { alice, bob } = stage(TLS, TLS)
    bob.request('REGISTER', `sips:${DOMAIN}`, {
      to: `<sips:${bob.aor}>`,
      contact: `<sips:bob@${bob.host};transport=tls>`,
    })
    alice.request('INVITE', BOB_SECURE)
    for (const route of bob.requests('INVITE')[0]!.values('record-route')) expect(route).toMatch(/^<sips:/)
  })
})

describe('sip and sips do not become each other (RFC 5630 s.5.3)', () => {
  it('E47 S5630-5.3-01 a sips request goes to the sips Contacts alone; 480 and 380 when there are none', () => {
    const { world, node, alice, bob } = stage(TLS, TLS)
    bob.register()
    alice.request('INVITE', BOB_SECURE)
    expect(alice.last().status).toBe(480)
    expect(alice.last().header('warning')).toMatch(/^380 /)
    const safe = world.phone('bob', node, TLS)
    registerSips(safe)
    alice.request('INVITE', BOB_SECURE)
    expect(safe.requests('INVITE')).toHaveLength(1)
    expect(bob.requests('INVITE')).toHaveLength(0)
  })

  it('S5630-5.3-01 S3261-26-01 a sip request to a sips Contact stays sip and goes over TLS', () => {
    const { alice, bob } = stage({}, TLS)
    registerSips(bob)
    alice.request('INVITE', BOB)
    const invite = bob.requests('INVITE')[0]!
    expect(invite.requestUri).toBe(`sip:bob@${bob.host}:5060`)
    expect(invite.topVia.transport).toBe('TLS')
  })

  it('E48 S5630-5.3-01 or gets 480 and 381 where that is the policy', () => {
    const { alice, bob } = stage({}, TLS, { sipToSips: 'reject' })
    registerSips(bob)
    alice.request('INVITE', BOB)
    expect(alice.last().status).toBe(480)
    expect(alice.last().header('warning')).toMatch(/^381 /)
    expect(bob.requests('INVITE')).toHaveLength(0)
  })

  it('S5630-5.3-01 S5922-7.3-01 a sips Contact that was registered without TLS is connected to with TLS, or not at all', () => {
    const { node, alice, bob } = stage({}, {})
    expect(registerSips(bob).status).toBe(200)
    for (const uri of [BOB, BOB_SECURE]) {
      alice.request('INVITE', uri)
      expect(alice.last().status).toBe(480)
    }
    expect(bob.requests('INVITE')).toHaveLength(0)
    const opened = node.actions.filter((action) => action.kind === 'openFlow')
    expect(opened[0]).toMatchObject({ transport: 'tls', host: bob.host, port: 5060, domain: bob.host })
  })

  it('S5630-5.3-01 S3261-16.7-06 a 3xx is followed in its own scheme only', () => {
    const { world, node, alice, bob } = stage(TLS, TLS)
    const carol = world.phone('carol', node, TLS)
    carol.register()
    registerSips(carol)
    registerSips(bob)
    const redirected = (uri: string, contact: string): number => {
      alice.request('INVITE', uri)
      bob.respond(bob.requests('INVITE').at(-1)!, 302, { contact: `<${contact}>` })
      return alice.last().status
    }
    expect(redirected(BOB_SECURE, `sip:carol@${DOMAIN}`)).toBe(302)
    expect(redirected(BOB, `sips:carol@${DOMAIN}`)).toBe(302)
    expect(carol.requests('INVITE')).toHaveLength(0)
    expect(redirected(BOB_SECURE, `sips:carol@${DOMAIN}`)).toBe(100)
    expect(carol.requests('INVITE')).toHaveLength(1)
  })

  it('S3261-26-01 a sips request does not leave by a route that has no TLS', () => {
    const { node, alice } = stage(TLS, TLS, { auth: 'none' })
    node.resolveAnswer = () => ({
      ok: true,
      addresses: [{ host: '203.0.113.1', port: 5061, transport: 'tls' }],
    })
    alice.request('INVITE', 'sips:someone@example.org')
    expect(node.actions.filter(({ kind }) => kind === 'resolve')[0]).toMatchObject({ secure: true })
    expect(node.actions.filter(({ kind }) => kind === 'openFlow')[0]).toMatchObject({
      transport: 'tls',
      domain: 'example.org',
    })
    const before = node.actions.length
    alice.request('INVITE', 'sips:someone@203.0.113.9;transport=udp')
    expect(node.actions.slice(before).some(({ kind }) => kind === 'sendDatagram')).toBe(false)
  })

  it('S3261-26-01 S3261-16.6-04 a sips request that came without TLS is answered with routes that have it', () => {
    const { alice, bob } = stage({}, TLS)
    registerSips(bob)
    alice.request('INVITE', BOB_SECURE)
    const invite = bob.requests('INVITE')[0]!
    for (const route of invite.values('record-route'))
      expect(route).toMatch(/^<sips:[^>]*@192\.0\.2\.1:5061;lr>$/)
    // Back over the hop without TLS nothing goes that says sips.
    bob.respond(invite, 200, { contact: sipsContact(bob) })
    bob.request('BYE', `sips:alice@${alice.host}:5060`, {
      callId: invite.callId,
      extra: invite.values('record-route').map((route) => `Route: ${route}`),
      from: invite.header('to') ?? '',
      to: invite.header('from') ?? '',
    })
    expect(bob.last().status).toBe(480)
    expect(bob.last().header('warning')).toMatch(/^380 /)
    expect(alice.requests('BYE')).toHaveLength(0)
  })
})

describe('sips across two peers', () => {
  function pair(): { world: SipWorld; a: TestNode; b: TestNode; alice: Phone; bob: Phone } {
    const world = new SipWorld()
    const a = world.node(HOST, { listeners: allListeners(HOST) }, accounts())
    const b = world.node('192.0.2.2', { listeners: allListeners('192.0.2.2') }, accounts())
    return { world, a, b, alice: world.phone('alice', a, TLS), bob: world.phone('bob', b, TLS) }
  }

  it('S3261-26-01 goes over a flow of application 5061, with sips in the routes of that side', () => {
    const { a, alice, bob } = pair()
    registerSips(bob)
    const sent = alice.request('INVITE', BOB_SECURE, { contact: sipsContact(alice) })
    expect(a.actions.filter(({ kind }) => kind === 'openPeerFlow')[0]).toMatchObject({ secure: true })
    const invite = bob.requests('INVITE')[0]!
    expect(invite.values('record-route')).toHaveLength(4)
    for (const route of invite.values('record-route')) expect(route).toMatch(/^<sips:/)
    bob.respond(invite, 200, { contact: sipsContact(bob) })
    alice.inDialog('ACK', sent, alice.responses('INVITE', 200)[0]!, { contact: sipsContact(alice) })
    expect(bob.requests('ACK')).toHaveLength(1)
    bob.fromCallee('BYE', invite)
    expect(alice.requests('BYE')).toHaveLength(1)
  })

  it('S3261-26-01 a sips dialog does not fall back on a flow of 5060', () => {
    const { world, a, b, alice, bob } = pair()
    registerSips(bob)
    alice.request('INVITE', BOB_SECURE, { contact: sipsContact(alice) })
    const invite = bob.requests('INVITE')[0]!
    bob.respond(invite, 200, { contact: sipsContact(bob) })
    // The flow of the call is lost, and another one of sip is there.
    world.cutPeerFlows()
    world.join(a, b)
    const before = b.actions.length
    bob.fromCallee('BYE', invite)
    const asked = b.actions.slice(before).filter(({ kind }) => kind === 'openPeerFlow')
    expect(asked[0]).toMatchObject({ secure: true })
  })

  it('S5630-5.3-01 a sip request to who registered with sips elsewhere goes over 5061 and stays sip', () => {
    const { a, alice, bob } = pair()
    registerSips(bob)
    alice.request('INVITE', BOB)
    expect(a.actions.filter(({ kind }) => kind === 'openPeerFlow')[0]).toMatchObject({ secure: true })
    expect(bob.requests('INVITE')[0]!.requestUri).toBe(`sip:bob@${bob.host}:5060`)
  })
})

describe('redirecting sips', () => {
  const REDIRECT = { registrar: true, proxy: false, redirect: true }

  it('S5630-5.4-01 names no sip Contact for a sips request: 480 and 380', () => {
    const { alice, bob } = stage({}, {}, { roles: REDIRECT })
    bob.register()
    alice.request('INVITE', BOB_SECURE)
    expect(alice.last().status).toBe(480)
    expect(alice.last().header('warning')).toMatch(/^380 /)
    alice.request('INVITE', BOB)
    expect(alice.last().status).toBe(302)
  })

  it('S5630-5.4-01 S5630-3.1-01 names sips Contacts, and a proxy on TLS without transport=tls', () => {
    const world = new SipWorld()
    const r = world.node(
      HOST,
      { roles: REDIRECT, redirectProxies: ['192.0.2.2:5061;transport=tls'] },
      accounts(),
    )
    const p = world.node('192.0.2.2', {}, accounts())
    const alice = world.phone('alice', r)
    const bob = world.phone('bob', r)
    registerSips(bob)
    alice.request('INVITE', BOB_SECURE)
    expect(alice.last().values('contact')[0]).toMatch(new RegExp(`^<sips:bob@${bob.host}:5060>`))
    world.phone('carol', p).register()
    alice.request('INVITE', `sips:carol@${DOMAIN}`)
    expect(alice.last().values('contact')[0]).toMatch(
      new RegExp(`^<sips:carol@${DOMAIN};maddr=192\\.0\\.2\\.2>`),
    )
  })
})
