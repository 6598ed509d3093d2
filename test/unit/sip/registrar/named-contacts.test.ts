/** Contacts whose host is a name: looked up (RFC 3261 s.16.6 item 7, RFC 3263), and what becomes of names that lead nowhere. */
import { describe, expect, it } from 'vitest'
import type { OutsideRules, ResolveOutcome, SipAction } from '../../../../src/sip/core/contract.ts'
import {
  DOMAIN,
  SipWorld,
  TestAccounts,
  type Phone,
  type PhoneInit,
  type SettingsOverride,
  type TestNode,
} from '../../../support/sip-phones.ts'

const BOB = `sip:bob@${DOMAIN}`
const RULES: OutsideRules = {
  routes: [],
  gateway: undefined,
  telContext: undefined,
  dnsAlso: false,
  forwardToForeign: true,
}
const FAR = '10.7.7.7'

interface Stage {
  readonly world: SipWorld
  readonly node: TestNode
  readonly alice: Phone
  /** Has registered. */
  readonly bob: Phone
  /** Where every name leads, unless a test says otherwise. */
  readonly far: Phone
}

function stage(contact: string, settings: SettingsOverride = {}, init: PhoneInit = {}): Stage {
  const world = new SipWorld()
  const accounts = new TestAccounts().add('alice').add('bob').add('carol')
  const node = world.node('192.0.2.1', settings, accounts)
  node.resolveAnswer = () => at(FAR)
  const [alice, bob] = [world.phone('alice', node), world.phone('bob', node, init)]
  const far = world.phone('far', node, { host: FAR })
  bob.register({ contact })
  expect(bob.last().status).toBe(200)
  return { world, node, alice, bob, far }
}

function at(...hosts: readonly string[]): ResolveOutcome {
  return { ok: true, addresses: hosts.map((host) => ({ host, port: 5060, transport: 'udp' })) }
}

function uris(phone: Phone, method = 'INVITE'): string[] {
  return phone.requests(method).map(({ requestUri }) => requestUri)
}

function asked(node: TestNode): string[] {
  return node.actions
    .filter((action): action is Extract<SipAction, { kind: 'resolve' }> => action.kind === 'resolve')
    .map(({ host }) => host)
}

describe('the port of a Contact', () => {
  it('is 0 with phones that do not know theirs: nobody listens there, and they are reached by the way that they came', () => {
    for (const uri of ['sip:bob@192.0.2.50:0', 'sip:bob@10.9.9.9:0', 'sip:bob@example.org:0']) {
      const s = stage(`<${uri}>`)
      s.alice.request('INVITE', BOB)
      expect(asked(s.node)).toEqual([])
      expect(uris(s.bob)).toEqual([uri])
      s.bob.respond(s.bob.requests('INVITE')[0]!, 200)
      expect(s.alice.last().status).toBe(200)
    }
  })
})

describe('the host of a Contact', () => {
  it('S3261-16.6-06 S3263-4.3-01 RFC 3261 s.16.6 item 7: is looked up, and the call goes there with the Contact as its URI', () => {
    for (const uri of ['sip:x@example.org', 'sip:x@sub.lr.example;transport=udp', 'sip:x@example.org:5080']) {
      const s = stage(`<${uri}>`)
      s.alice.request('INVITE', BOB)
      expect(asked(s.node)).toEqual([uri.includes('sub') ? 'sub.lr.example' : 'example.org'])
      expect(uris(s.far)).toEqual([uri])
      expect(uris(s.bob)).toEqual([])
      s.far.respond(s.far.requests('INVITE')[0]!, 200)
      expect(s.alice.last().status).toBe(200)
    }
  })

  it('S3261-16.6-06 is looked up once more after the node has started anew', () => {
    const kept = { persistBindings: true }
    const before = stage('<sip:x@example.org>', kept)
    const world = new SipWorld()
    world.now = before.world.now
    const node = world.node('192.0.2.1', kept, before.node.accounts)
    node.resolveAnswer = () => at(FAR)
    node.input({ kind: 'restored', records: [...before.node.disk] })
    const far = world.phone('far', node, { host: FAR })
    world.phone('alice', node).request('MESSAGE', BOB)
    expect(uris(far, 'MESSAGE')).toEqual(['sip:x@example.org'])
  })

  it('S3261-16.6-06 a static route to its domain is the way, and the only one', () => {
    const routes = [{ domain: 'example.org', to: `sip:${FAR}` }]
    const s = stage('<sip:x@example.org>', { outside: { ...RULES, routes } })
    s.alice.request('INVITE', BOB)
    expect(asked(s.node)).toEqual([])
    expect(uris(s.far)).toEqual(['sip:x@example.org'])
    s.world.advance(33_000)
    expect(uris(s.bob)).toEqual([])
  })
})

describe('a name in a Contact that leads nowhere', () => {
  it('RFC 3263 s.4 nobody knows it, name servers fail, or it leads to this node or machine: the phone is where it registered', () => {
    for (const answer of [
      { ok: false, status: 404, reason: 'No Such Domain' },
      { ok: false, status: 504, reason: 'DNS Timeout' },
      at('192.0.2.1'),
      at('127.0.0.1'),
      at('127.0.1.1', '224.0.1.75', '169.254.1.1'),
      at('10.0.0.2'),
    ] as const) {
      const s = stage('<sip:bob@phone.example.org>')
      s.node.resolveAnswer = () => answer
      s.alice.request('INVITE', BOB)
      expect(uris(s.bob)).toEqual(['sip:bob@phone.example.org'])
      s.bob.respond(s.bob.requests('INVITE')[0]!, 200)
      expect(s.alice.last().status).toBe(200)
      s.world.advance(5_000)
      expect(uris(s.bob)).toHaveLength(1)
    }
  })

  it('RFC 3263 s.4 name servers that say nothing are waited for no longer than five seconds', () => {
    const s = stage('<sip:bob@phone.example.org>')
    const act = s.world.act.bind(s.world)
    s.world.act = (node, action) => {
      if (action.kind !== 'resolve') act(node, action)
    }
    s.alice.request('INVITE', BOB)
    s.world.advance(4_999)
    expect(uris(s.bob)).toEqual([])
    s.world.advance(1)
    expect(uris(s.bob)).toEqual(['sip:bob@phone.example.org'])
  })

  it('S3263-4.3-01 nobody answers there: after four seconds, and at once the next time', () => {
    const s = stage('<sip:bob@example.org>')
    s.far.drop = true
    s.alice.request('INVITE', BOB)
    s.world.advance(3_999)
    expect(uris(s.bob)).toEqual([])
    s.world.advance(1)
    expect(uris(s.bob)).toEqual(['sip:bob@example.org'])
    s.bob.respond(s.bob.requests('INVITE')[0]!, 200)
    expect(s.alice.last().status).toBe(200)
    s.alice.request('INVITE', BOB)
    expect(uris(s.bob)).toHaveLength(2)
  })

  it('S3261-18.1-01 large requests go there by UDP, as they came', () => {
    const s = stage('<sip:bob@phone.example.org>')
    s.node.resolveAnswer = () => ({ ok: false, status: 404, reason: 'No Such Domain' })
    s.alice.request('MESSAGE', BOB, { body: 'x'.repeat(1_400) })
    expect(s.node.actions.filter(({ kind }) => kind === 'openFlow')).toEqual([])
    expect(uris(s.bob, 'MESSAGE')).toHaveLength(1)
  })
})

describe('an ACK of a call that another peer has had (docs/adr/0024)', () => {
  function acknowledged(...hosts: readonly string[]): Stage {
    const s = stage('<sip:bob@example.org>')
    s.node.resolveAnswer = () => at(...hosts)
    const { a } = s.world.join(s.node, s.world.node('192.0.2.2'))
    const lines = [
      'ACK sip:bob@example.org SIP/2.0',
      `Via: SIP/2.0/TLS x.${DOMAIN};branch=z9hG4bKack`,
      'Max-Forwards: 70',
      `From: <sip:alice@${DOMAIN}>;tag=1`,
      `To: <${BOB}>;tag=2`,
      'Call-ID: up',
      'CSeq: 1 ACK',
      'Content-Length: 0',
    ]
    s.node.input({ kind: 'flowData', flow: a, bytes: Buffer.from(`${lines.join('\r\n')}\r\n\r\n`) })
    s.world.settle()
    return s
  }

  it('RFC 3261 s.16.11 goes to both places, as nobody says which of them has missed it, and never back to us', () => {
    const both = acknowledged(FAR)
    expect([uris(both.bob, 'ACK'), uris(both.far, 'ACK')]).toEqual([
      ['sip:bob@example.org'],
      ['sip:bob@example.org'],
    ])
    const back = acknowledged('192.0.2.1')
    const sent = back.node.actions.filter(
      (action) => action.kind === 'sendDatagram' && action.host === '192.0.2.1',
    )
    expect(sent).toEqual([])
    expect(uris(back.bob, 'ACK')).toHaveLength(1)
  })
})

describe('nobody is asked where a phone is', () => {
  function isReachedAtSource(s: Stage): void {
    s.alice.request('INVITE', BOB)
    expect(uris(s.bob)).toHaveLength(1)
    expect(uris(s.far)).toEqual([])
    expect(asked(s.node)).toEqual([])
  }

  it.each([
    'df7jal23.invalid',
    'localhost',
    'phone-7',
    'phone.local',
    'phone.localdomain',
    'x.localhost',
    `${DOMAIN}:5070`,
  ])('RFC 2606 RFC 6761 RFC 6762 that names itself %s', (host) => {
    isReachedAtSource(stage(`<sip:bob@${host}>`))
  })

  it('RFC 3581 behind a NAT, on a connection, or when calls may not be sent elsewhere', () => {
    const contact = '<sip:bob@example.org>'
    isReachedAtSource(stage(contact, {}, { privateHost: '192.168.1.7' }))
    isReachedAtSource(stage(contact, {}, { transport: 'tcp' }))
    isReachedAtSource(stage(contact, { policy: { callOutside: 'none', strangers: 'allow' } }))
    isReachedAtSource(stage(contact, { outside: { ...RULES, forwardToForeign: false } }))
  })

  it('S5626-7-01 RFC 5626 whose registration is for a flow, or RFC 3327 has a Path', () => {
    const flow = stage('<sip:other@192.168.1.9>')
    const instance = '+sip.instance="<urn:uuid:00000000-0000-1000-8000-00000000000a>"'
    flow.bob.register({ contact: '*', extra: ['Expires: 0'], callId: 'all' })
    flow.bob.register({
      contact: `<sip:bob@example.org;ob>;${instance};reg-id=1`,
      extra: ['Supported: outbound, path'],
    })
    expect(flow.bob.last().header('require')).toBe('outbound')
    isReachedAtSource(flow)
    const path = stage('<sip:other@192.168.1.9>')
    path.bob.register({ contact: '*', extra: ['Expires: 0'], callId: 'all' })
    path.bob.register({ contact: '<sip:bob@example.org>', extra: [`Path: <sip:${path.bob.host};lr>`] })
    isReachedAtSource(path)
  })
})

describe('a Contact that is an AOR with the port of SIP', () => {
  it('M-02 is that AOR: its phones ring', () => {
    for (const port of [5060, 5061]) {
      const s = stage(`<sip:carol@${DOMAIN}:${port}>`)
      const carol = s.world.phone('carol', s.node)
      carol.register()
      s.alice.request('INVITE', BOB)
      expect(uris(carol)).toHaveLength(1)
      expect(uris(s.bob)).toEqual([])
    }
  })

  it('M-02 with another port, or the own AOR with a port, it is the phone itself', () => {
    for (const uri of [`sip:carol@${DOMAIN}:5070`, `sip:bob@${DOMAIN}:5060`]) {
      const s = stage(`<${uri}>`)
      s.alice.request('INVITE', BOB)
      expect(uris(s.bob)).toEqual([uri])
      expect(asked(s.node)).toEqual([])
    }
  })
})
