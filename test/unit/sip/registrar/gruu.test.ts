import { describe, expect, it } from 'vitest'
import { parseMessage, type SipMessage } from '../../../../src/sip/message/index.ts'
import {
  allListeners,
  DOMAIN,
  SipWorld,
  TestAccounts,
  type Phone,
  type RequestInit,
  type SettingsOverride,
  type TestNode,
} from '../../../support/sip-phones.ts'

const AOR = `sip:alice@${DOMAIN}`
const DESK = '"<urn:uuid:desk>"'
const SOFT = '"<urn:uuid:soft>"'

const accounts = (): TestAccounts => new TestAccounts().add('alice').add('bob').add('carol')

interface Gruus {
  readonly pub: string
  readonly temp: string
}

function gruusOf(ok: SipMessage, at = 0): Gruus {
  const contact = ok.values('contact')[at] ?? ''
  return {
    pub: /pub-gruu="([^"]*)"/.exec(contact)?.[1] ?? '',
    temp: /temp-gruu="([^"]*)"/.exec(contact)?.[1] ?? '',
  }
}

/** Registers with an instance-id, as a phone that knows GRUUs. */
function withGruu(phone: Phone, instance: string, init: RequestInit & { more?: string } = {}): Gruus {
  const contact = `${phone.contact};+sip.instance=${instance}${init.more ?? ''}`
  phone.register({ contact, ...init, extra: ['Supported: gruu, outbound', ...(init.extra ?? [])] })
  return gruusOf(phone.last())
}

interface SetUp {
  readonly world: SipWorld
  readonly node: TestNode
  readonly desk: Phone
  readonly soft: Phone
  readonly bob: Phone
}

function setUp(override: SettingsOverride = {}): SetUp {
  const world = new SipWorld()
  const node = world.node('192.0.2.1', { lookup: 'localOnly', ...override }, accounts())
  return {
    world,
    node,
    desk: world.phone('alice', node),
    soft: world.phone('alice', node),
    bob: world.phone('bob', node),
  }
}

describe('GRUUs given out (RFC 5627 s.5)', () => {
  it('S5627-5.2-01 S5627-5.1-02 M-15 pub-gruu is the AOR with gr and adi, temp-gruu is new each time', () => {
    const { desk, node } = setUp()
    const first = withGruu(desk, DESK)
    expect(desk.last().status).toBe(200)
    expect(first.pub).toMatch(new RegExp(`^sip:alice@${DOMAIN};gr=${node.gr};adi=[a-z2-7]{26}$`))
    expect(first.temp).toMatch(new RegExp(`^sip:t~[\\w-]+@${DOMAIN};gr=${node.gr}$`))
    expect(desk.last().values('contact')[0]).toContain(`+sip.instance=${DESK}`)
    const second = withGruu(desk, DESK, { callId: 'other' })
    expect(second.pub).toBe(first.pub)
    expect(second.temp).not.toBe(first.temp)
  })

  it('S5627-5.2-01 two phones have two GRUUs each, two flows of one phone the same', () => {
    const { desk, soft } = setUp()
    const a = withGruu(desk, DESK, { more: ';reg-id=1' })
    withGruu(desk, DESK, { more: ';reg-id=2' })
    expect(gruusOf(desk.last(), 0)).toEqual(gruusOf(desk.last(), 1))
    withGruu(soft, SOFT)
    const [one, two] = [gruusOf(soft.last(), 0), gruusOf(soft.last(), 2)]
    expect(one.pub).toBe(a.pub)
    expect(two.pub).not.toBe(a.pub)
    expect(new Set([one.temp, two.temp, a.temp]).size).toBe(3)
  })

  it('S5627-5.2-01 S5627-5.2-02 only for who says Supported: gruu; the answer itself names no such option', () => {
    const { desk, bob } = setUp()
    desk.register({ contact: `${desk.contact};+sip.instance=${DESK}` })
    expect(desk.last().header('contact')).not.toContain('gruu')
    withGruu(desk, DESK)
    expect(desk.last().values('require')).not.toContain('gruu')
    expect(desk.last().values('supported')).not.toContain('gruu')
    bob.register({ extra: ['Supported: gruu'] })
    expect(bob.last().header('contact')).not.toContain('gruu')
  })

  it('S5627-5.1-02 a phone cannot choose its GRUUs', () => {
    const { desk } = setUp()
    const wish = `;pub-gruu="sip:boss@${DOMAIN};gr=x";temp-gruu="sip:boss@${DOMAIN};gr=y"`
    const given = withGruu(desk, DESK, { more: wish })
    expect(desk.last().header('contact')).not.toContain('boss')
    expect(given.pub).toContain('alice')
    desk.register({ noContact: true })
    expect(desk.last().header('contact')).not.toContain('gruu')
  })

  it('S5627-5.1-01 E30 a Contact with instance that is the AOR, a GRUU of it or no SIP URI is refused', () => {
    const world = new SipWorld()
    const a = world.node('192.0.2.1', {}, accounts())
    const b = world.node('192.0.2.2', {}, accounts())
    const desk = world.phone('alice', a)
    const { pub, temp } = withGruu(desk, DESK)
    const elsewhere = withGruu(world.phone('alice', b), DESK)
    for (const uri of [
      AOR,
      pub,
      temp,
      elsewhere.pub,
      elsewhere.temp,
      'tel:+15551234',
      'mailto:a@b.example',
    ]) {
      desk.register({ contact: `<${uri}>;+sip.instance=${SOFT}` })
      expect(desk.last().status, uri).toBe(403)
    }
    expect(a.core.bindings(`alice@${DOMAIN}`)).toHaveLength(1)
  })
})

describe('requests to GRUUs (RFC 5627 s.6)', () => {
  it('S5627-6.1-02 reach the one phone, at its Contact: no gr goes there', () => {
    const { desk, soft, bob } = setUp()
    const { pub, temp } = withGruu(desk, DESK)
    withGruu(soft, SOFT)
    for (const gruu of [pub, temp]) bob.request('MESSAGE', gruu)
    expect(soft.requests('MESSAGE')).toHaveLength(0)
    expect(desk.requests('MESSAGE').map((m) => m.requestUri)).toEqual([
      `sip:alice@${desk.host}:5060`,
      `sip:alice@${desk.host}:5060`,
    ])
  })

  it('S5627-6.1-01 S5627-5.3-01 404 for what nobody gave out, 480 while the phone is not registered', () => {
    const { world, desk, bob } = setUp()
    const { pub, temp } = withGruu(desk, DESK)
    const ask = (uri: string): number => {
      bob.request('MESSAGE', uri)
      return bob.last().status
    }
    expect(ask(pub.replace(/adi=./, 'adi=7'))).toBe(404)
    expect(ask(temp.replace('t~', 't~A'))).toBe(404)
    expect(ask(pub.replace('alice', 'bob'))).toBe(404)
    expect(ask(`sip:alice@${DOMAIN};gr`)).toBe(404)
    desk.register({ contact: '*', extra: ['Expires: 0'] })
    expect(ask(pub)).toBe(480)
    expect(ask(temp)).toBe(404)
    // The public one is good again as soon as the phone is back, the temporary one never.
    withGruu(desk, DESK)
    desk.onMessage = (m) => (m.method === 'MESSAGE' ? desk.respond(m, 200) : undefined)
    expect(ask(pub)).toBe(200)
    expect(ask(temp)).toBe(404)
    world.advance(3_601_000)
    expect(ask(pub)).toBe(480)
  })

  it('S5627-5.1-03 another Call-ID ends the temporary GRUUs of that phone and of no other', () => {
    const { desk, soft, bob } = setUp()
    for (const phone of [desk, soft])
      phone.onMessage = (m) => (m.method === 'MESSAGE' ? phone.respond(m, 200) : undefined)
    const ask = (uri: string): number => {
      bob.request('MESSAGE', uri)
      return bob.last().status
    }
    const first = withGruu(desk, DESK, { callId: 'one', cseq: 1 })
    withGruu(soft, SOFT, { callId: 'soft' })
    const others = gruusOf(soft.last(), 1)
    const refreshed = withGruu(desk, DESK, { callId: 'one', cseq: 2 })
    expect([ask(first.temp), ask(refreshed.temp)]).toEqual([200, 200])
    const second = withGruu(desk, DESK, { callId: 'two' })
    expect([ask(first.temp), ask(refreshed.temp), ask(second.temp)]).toEqual([404, 404, 200])
    expect([ask(others.temp), ask(first.pub)]).toEqual([200, 200])
  })

  it('S5627-5.1-03 flows of one phone have Call-IDs of their own; a new one on either ends the GRUUs of both', () => {
    const { desk, bob } = setUp()
    desk.onMessage = (m) => (m.method === 'MESSAGE' ? desk.respond(m, 200) : undefined)
    const ask = (uri: string): number => {
      bob.request('MESSAGE', uri)
      return bob.last().status
    }
    const one = withGruu(desk, DESK, { callId: 'one', more: ';reg-id=1' })
    const two = withGruu(desk, DESK, { callId: 'two', more: ';reg-id=2' })
    expect([ask(one.temp), ask(two.temp)]).toEqual([200, 200])
    withGruu(desk, DESK, { callId: 'three', more: ';reg-id=2' })
    expect([ask(one.temp), ask(two.temp)]).toEqual([404, 404])
  })

  it('S5627-6.1-02 of several registrations the newest is called, the next one on 408 and 430 only', () => {
    const { world, desk, bob, node } = setUp()
    // The phone came back with another address and did not take the old registration away.
    const moved = world.phone('alice', node)
    withGruu(desk, DESK)
    world.advance(1_000)
    const { pub } = withGruu(moved, DESK)
    bob.request('INVITE', pub)
    expect([desk, moved].map((phone) => phone.requests('INVITE').length)).toEqual([0, 1])
    moved.respond(moved.requests('INVITE')[0]!, 486)
    expect(bob.last().status).toBe(486)
    for (const status of [404, 480, 482, 487, 500, 503, 603]) {
      bob.request('INVITE', pub)
      moved.respond(moved.requests('INVITE').at(-1)!, status)
      expect(bob.last().status, String(status)).toBe(status === 503 ? 500 : status)
    }
    expect(desk.requests('INVITE')).toHaveLength(0)
    bob.request('INVITE', pub)
    moved.respond(moved.requests('INVITE').at(-1)!, 430)
    expect(desk.requests('INVITE')).toHaveLength(1)
    desk.respond(desk.requests('INVITE')[0]!, 200)
    expect(bob.last().status).toBe(200)
    moved.drop = true
    bob.request('MESSAGE', pub)
    world.advance(33_000)
    expect(desk.requests('MESSAGE').length).toBeGreaterThan(0)
  })

  it('S5627-6.1-04 nothing is forwarded or followed elsewhere for a GRUU', () => {
    const { world, desk, bob, node } = setUp()
    const carol = world.phone('carol', node)
    carol.register()
    const { pub } = withGruu(desk, DESK)
    desk.register({ contact: `<sip:carol@${DOMAIN}>` })
    bob.request('INVITE', pub)
    expect(carol.requests('INVITE')).toHaveLength(0)
    desk.respond(desk.requests('INVITE')[0]!, 302, { contact: `<sip:carol@${DOMAIN}>` })
    expect(carol.requests('INVITE')).toHaveLength(0)
    expect(bob.last().status).toBe(302)
  })

  it('S5627-6.1-03 M-19 inside a dialog the GRUU is replaced too, and the stored Path does not count', () => {
    const { desk, bob } = setUp()
    const { pub } = withGruu(desk, DESK)
    const sent = bob.request('INVITE', `sip:alice@${DOMAIN}`)
    desk.respond(desk.requests('INVITE')[0]!, 200, { contact: `<${pub}>` })
    const ok = bob.responses('INVITE', 200)[0]!
    bob.inDialog('ACK', sent, ok)
    expect(desk.requests('ACK').map((m) => m.requestUri)).toEqual([`sip:alice@${desk.host}:5060`])
    // Registered again, now with a proxy in front.
    withGruu(desk, DESK, { callId: 'later', extra: [`Path: <sip:edge@${desk.host}:5060;lr>`] })
    bob.inDialog('INFO', sent, ok)
    const plain = desk.requests('INFO')[0]!
    expect(plain.requestUri).toBe(`sip:alice@${desk.host}:5060`)
    expect(plain.values('route')).toEqual([`<sip:edge@${desk.host}:5060;lr>`])
    const routes = ok.values('record-route').reverse()
    bob.request('INFO', pub, {
      to: ok.header('to') ?? '',
      callId: sent.callId,
      cseq: 9,
      extra: [...routes.map((route) => `Route: ${route}`), 'Route: <sip:other@10.0.0.78;lr>'],
    })
    const further = desk.requests('INFO')[1]!
    expect(further.values('route')).toEqual(['<sip:other@10.0.0.78;lr>'])
    expect(further.requestUri).toBe(`sip:alice@${desk.host}:5060`)
  })

  it('S5627-6.1-01 inside a dialog as well a GRUU without a phone gets 480', () => {
    const { desk, bob } = setUp()
    const { pub } = withGruu(desk, DESK)
    const sent = bob.request('INVITE', `sip:alice@${DOMAIN}`)
    desk.respond(desk.requests('INVITE')[0]!, 200, { contact: `<${pub}>` })
    desk.register({ contact: '*', extra: ['Expires: 0'] })
    bob.inDialog('BYE', sent, bob.responses('INVITE', 200)[0]!)
    expect(bob.last().status).toBe(480)
  })

  it('S5627-6.2-01 dialogs are record-routed on both sides; a Contact with the GRUU of another user is refused', () => {
    const world = new SipWorld()
    const node = world.node('192.0.2.1', { lookup: 'localOnly', auth: 'digest' }, accounts())
    const desk = world.phone('alice', node)
    const bob = world.phone('bob', node)
    desk.registerFully({
      contact: `${desk.contact};+sip.instance=${DESK}`,
      extra: ['Supported: gruu', `Path: <sip:edge@${desk.host}:5060;lr>`],
    })
    const alices = gruusOf(desk.last())
    bob.registerFully({ contact: `${bob.contact};+sip.instance=${SOFT}`, extra: ['Supported: gruu'] })
    const bobs = gruusOf(bob.last())
    const extra = ['Record-Route: <sip:10.0.0.50;lr>']
    const call = (contact: string): SipMessage => {
      const sent = bob.request('INVITE', alices.pub, { contact: `<${contact}>`, extra })
      bob.authenticate(sent, bob.last())
      return bob.last()
    }
    call(bobs.temp)
    const invite = desk.requests('INVITE')[0]!
    expect(invite.values('record-route')).toHaveLength(3)
    expect(call(alices.pub).status).toBe(403)
    expect(call(alices.temp).status).toBe(403)
    expect(desk.requests('INVITE')).toHaveLength(1)
  })

  it('S5630-5.2-01 M-16 a phone that registers with sips has sips GRUUs; a spelling of gr that means the same is the same', () => {
    const { world, bob, node } = setUp({ listeners: allListeners('192.0.2.1') })
    const desk = world.phone('alice', node, { transport: 'tls' })
    const contact = `<sips:alice@${desk.host}:5060>;+sip.instance=${DESK}`
    desk.request('REGISTER', `sips:${DOMAIN}`, { to: `<${AOR}>`, contact, extra: ['Supported: gruu'] })
    expect(gruusOf(desk.last()).pub).toMatch(/^sips:alice@/)
    expect(gruusOf(desk.last()).temp).toMatch(/^sips:t~/)
    const soft = withGruu(desk, SOFT)
    const escaped = `%${node.gr.charCodeAt(0).toString(16)}${node.gr.slice(1)}`
    bob.request('MESSAGE', soft.pub.replace(node.gr, escaped))
    expect(desk.requests('MESSAGE')).toHaveLength(1)
  })
})

describe('GRUUs across the overlay', () => {
  it('M-15 M-20 S5627-6.1-02 a phone elsewhere calls one phone by its GRUU, without any lookup', () => {
    const world = new SipWorld()
    const a = world.node('192.0.2.1', {}, accounts())
    const b = world.node('192.0.2.2', {}, accounts())
    const desk = world.phone('alice', a)
    const soft = world.phone('alice', a)
    const bob = world.phone('bob', b)
    const { pub } = withGruu(desk, DESK)
    withGruu(soft, SOFT)
    const { temp } = gruusOf(soft.last(), 0)
    const before = b.actions.filter((action) => action.kind === 'locate').length
    bob.request('INVITE', pub)
    expect(desk.requests('INVITE')).toHaveLength(1)
    desk.respond(desk.requests('INVITE')[0]!, 200)
    expect(bob.last().status).toBe(200)
    bob.request('MESSAGE', temp)
    bob.request('MESSAGE', pub.replace(/adi=./, 'adi=7'))
    expect(bob.last().status).toBe(404)
    expect([desk.requests('MESSAGE').length, soft.requests('MESSAGE').length]).toEqual([1, 0])
    expect(b.actions.filter((action) => action.kind === 'locate')).toHaveLength(before)
    expect(a.actions.some((action) => action.kind === 'locate')).toBe(false)
  })

  it('S5627-5.3-01 a node that was started again knows the public GRUUs it has given out', () => {
    const first = setUp()
    const { pub } = withGruu(first.desk, DESK)
    const { bob, desk } = setUp()
    bob.request('MESSAGE', pub)
    expect(bob.last().status).toBe(480)
    withGruu(desk, DESK)
    bob.request('MESSAGE', pub)
    expect(desk.requests('MESSAGE')).toHaveLength(1)
  })

  it('S5627-6.1-04 M-27 a redirect server passes the GRUU on to a proxy with all that belongs to it', () => {
    const world = new SipWorld()
    const roles = { registrar: true, proxy: false, redirect: true }
    const r = world.node(
      '192.0.2.1',
      { roles, redirectProxies: ['192.0.2.2:5060;transport=udp'] },
      accounts(),
    )
    const p = world.node('192.0.2.2', {}, accounts())
    const desk = world.phone('alice', r)
    const bob = world.phone('bob', r)
    desk.register({ contact: `${desk.contact};+sip.instance=${DESK}`, extra: ['Supported: gruu'] })
    const { pub } = gruusOf(desk.last())
    bob.request('INVITE', pub)
    expect(bob.last().status).toBe(302)
    const target = /<([^>]*)>/.exec(bob.last().values('contact')[0]!)![1]!
    expect(target).toBe(`${pub};maddr=192.0.2.2;transport=udp`)
    // At the proxy it is a GRUU of the other node, which names the phone: that phone, and nobody else, is called.
    const atProxy = world.phone('bob', p)
    atProxy.request('INVITE', target)
    const sent = p.actions.flatMap((action) =>
      action.kind === 'sendFlow' ? [parseMessage(action.bytes)] : [],
    )
    const forwarded = sent.find((each) => each.ok && each.value.method === 'INVITE')
    expect(forwarded?.ok === true && forwarded.value.requestUri).toBe(pub)
    expect(atProxy.last().status).toBe(302)
    expect(atProxy.last().values('contact')[0]).toContain(`sip:alice@${desk.host}`)
    bob.request('INVITE', pub.replace(/adi=./, 'adi=7'))
    expect(bob.last().status).toBe(404)
    desk.register({ contact: '*', extra: ['Expires: 0'] })
    bob.request('INVITE', pub)
    expect(bob.last().status).toBe(480)
  })
})
