import { describe, expect, it } from 'vitest'
import {
  DOMAIN,
  SipWorld,
  TestAccounts,
  type Phone,
  type RequestInit,
  type TestNode,
} from '../../../support/sip-phones.ts'

const AOR = `alice@${DOMAIN}`

function setUp(override: Parameters<SipWorld['node']>[1] = {}): {
  world: SipWorld
  node: TestNode
  alice: Phone
} {
  const world = new SipWorld()
  const node = world.node('192.0.2.1', override, new TestAccounts().add('alice').add('bob'))
  return { world, node, alice: world.phone('alice', node) }
}

const c = (host: string, rest = ''): string => `<sip:alice@${host}>${rest}`

describe('REGISTER (RFC 3261 s.10.3)', () => {
  it('S3261-10.3-16 S3261-10.3-11 lists every binding with its expiry, and Date', () => {
    const { alice, node } = setUp()
    alice.register({ contact: `${c('10.0.0.1')}, ${c('10.0.0.7', ';expires=120')}` })
    const ok = alice.last()
    expect(ok.status).toBe(200)
    expect(ok.values('contact')).toEqual([`${c('10.0.0.1')};expires=3600`, `${c('10.0.0.7')};expires=120`])
    expect(ok.header('date')).toBe('Tue, 14 Nov 2023 22:13:20 GMT')
    expect(node.core.bindings(AOR)).toHaveLength(2)
  })

  it('S3261-10.3-11 Contact expires outranks the header, the header the default; the maximum caps both', () => {
    const { alice } = setUp()
    alice.register({ contact: c('10.0.0.1'), extra: ['Expires: 600'] })
    expect(alice.last().values('contact')[0]).toContain('expires=600')
    alice.register({ contact: c('10.0.0.1', ';expires=90'), extra: ['Expires: 600'] })
    expect(alice.last().values('contact')[0]).toContain('expires=90')
    alice.register({ contact: c('10.0.0.1', ';expires=999999') })
    expect(alice.last().values('contact')[0]).toContain('expires=7200')
  })

  it('S3261-10.3-13 S3261-10.2-01 S-28 odd expiry values are read as the RFC says', () => {
    const { alice } = setUp()
    alice.register({ contact: c('10.0.0.1', ';expires=soon') })
    expect(alice.last().values('contact')[0]).toContain('expires=3600')
    alice.register({ contact: c('10.0.0.1', ';expires') })
    expect(alice.last().values('contact')[0]).toContain('expires=3600')
    alice.register({ contact: c('10.0.0.1', ';expires=4294967296') })
    expect(alice.last().values('contact')[0]).toContain('expires=7200')
  })

  it('S3261-10.3-12 E31 a short wish gets 423 with Min-Expires, an hour never does', () => {
    const { alice, node } = setUp({ minExpiresS: 4_000 })
    alice.register({ contact: c('10.0.0.1', ';expires=59') })
    expect(alice.last().status).toBe(423)
    expect(alice.last().header('min-expires')).toBe('4000')
    expect(node.core.bindings(AOR)).toHaveLength(0)
    alice.register({ contact: c('10.0.0.1', ';expires=3600') })
    expect(alice.last().status).toBe(200)
  })

  it('S3261-10.2-03 M-09 without Contact it is a query: nothing changes, nothing is published', () => {
    const { alice, node } = setUp()
    alice.register({ contact: c('10.0.0.1') })
    const published = node.actions.filter((action) => action.kind === 'publish').length
    alice.register({ noContact: true })
    expect(alice.last().values('contact')).toHaveLength(1)
    expect(node.actions.filter((action) => action.kind === 'publish')).toHaveLength(published)
  })

  it('S3261-10.3-09 E29 S-27 a wildcard needs Expires 0 and stands alone', () => {
    const { alice, node } = setUp()
    alice.register({ contact: c('10.0.0.1') })
    alice.register({ contact: '*' })
    expect(alice.last().status).toBe(400)
    alice.register({ contact: '*', extra: ['Expires: 60'] })
    expect(alice.last().status).toBe(400)
    alice.register({ contact: `*, ${c('10.0.0.1')}`, extra: ['Expires: 0'] })
    expect(alice.last().status).toBe(400)
    expect(node.core.bindings(AOR)).toHaveLength(1)
  })

  it('S3261-10.3-10 S-28 a wildcard removes all, but not with an old CSeq of the same Call-ID', () => {
    const { alice, node } = setUp()
    alice.register({ contact: c('10.0.0.1'), callId: 'r', cseq: 5 })
    alice.register({ contact: '*', extra: ['Expires: 0'], callId: 'r', cseq: 5, branch: 'z9hG4bKagain' })
    expect(alice.last().status).toBe(500)
    expect(node.core.bindings(AOR)).toHaveLength(1)
    alice.register({ contact: '*', extra: ['Expires: 0'], callId: 'r', cseq: 6 })
    expect(alice.last().status).toBe(200)
    expect(alice.last().has('contact')).toBe(false)
    expect(node.core.bindings(AOR)).toHaveLength(0)
  })

  it('S3261-10.3-14 E33 a CSeq that does not rise fails and changes nothing; URIs are compared by s.19.1.4', () => {
    const { alice, node } = setUp()
    alice.register({ contact: c('10.0.0.1:5060;transport=udp'), callId: 'r', cseq: 5 })
    alice.register({ contact: c('10.0.0.1:5060;transport=UDP', ';expires=0'), callId: 'r', cseq: 4 })
    expect(alice.last().status).toBe(500)
    expect(alice.last().has('retry-after')).toBe(true)
    alice.register({ contact: c('10.0.0.1:5060;transport=UDP', ';expires=200'), callId: 'r', cseq: 6 })
    expect(alice.last().values('contact')).toHaveLength(1)
    expect(node.core.instruments.registrarReplaced.get()).toBe(1)
  })

  it('S3261-10.3-15 S3261-8.2-02 several contacts are all or nothing', () => {
    const { alice, node } = setUp()
    alice.register({ contact: c('10.0.0.1'), callId: 'r', cseq: 5 })
    alice.register({
      contact: `${c('10.0.0.2')}, ${c('10.0.0.1')}`,
      callId: 'r',
      cseq: 5,
      branch: 'z9hG4bKx',
    })
    expect(alice.last().status).toBe(500)
    expect(node.core.bindings(AOR)).toHaveLength(1)
    alice.register({ contact: `${c('10.0.0.2')}, ${c('10.0.0.3', ';expires=5')}` })
    expect(alice.last().status).toBe(423)
    expect(node.core.bindings(AOR)).toHaveLength(1)
    alice.register({ contact: `${c('10.0.0.2')}, ${c('10.0.0.1', ';expires=0')}` })
    expect(alice.last().values('contact')).toEqual([`${c('10.0.0.2')};expires=3600`])
  })

  it('S3261-10.3-11 no more seconds are granted than were asked for, at whatever fraction of a millisecond', () => {
    const { alice, world } = setUp()
    for (let i = 0; i < 200; i++) {
      world.now = { ...world.now, ms: 1_000_000 + i * 1234.567 }
      alice.register({ contact: c('10.0.0.1', ';expires=7200') })
      expect(alice.last().values('contact')).toEqual([`${c('10.0.0.1')};expires=7200`])
    }
  })

  it('E32 S5626-7-03 bindings that have lost their connection make room for the phone that comes back', () => {
    const { world, node, alice } = setUp()
    alice.register()
    for (let i = 1; i <= 12; i++) {
      const page = world.phone('alice', node, { transport: 'tcp' })
      page.register({ contact: `<sip:alice@${i}.invalid;transport=ws>` })
      expect(page.last().status, String(i)).toBe(200)
      page.disconnect()
    }
    expect(node.core.bindings(AOR).filter(({ flow }) => flow !== 'lost')).toHaveLength(1)
    expect(node.core.bindings(AOR)).toHaveLength(10)
  })

  it('E32 S-27 the eleventh binding is refused', () => {
    const { alice } = setUp()
    for (let i = 1; i <= 10; i++) alice.register({ contact: c(`10.0.1.${i}`) })
    expect(alice.last().status).toBe(200)
    alice.register({ contact: c('10.0.1.11') })
    expect(alice.last().status).toBe(403)
    const many = Array.from({ length: 1_000 }, (_, i) => c(`10.1.${i >> 8}.${i & 255}`)).join(',')
    alice.register({ contact: many })
    expect(alice.last().status).toBe(403)
    expect(alice.node.core.bindings(AOR)).toHaveLength(10)
  })

  it('S3261-10.3-08 E26 E27 the AOR must be a hosted user in a hosted domain', () => {
    const { alice } = setUp()
    alice.register({ to: `<sip:nobody@${DOMAIN}>` })
    expect(alice.last().status).toBe(404)
    alice.register({ to: '<sip:alice@example.org>' })
    expect(alice.last().status).toBe(404)
    alice.register({ to: '<tel:+15551234>' })
    expect(alice.last().status).toBe(400)
    alice.register({ to: `<sip:%61lice@${DOMAIN.toUpperCase()};x=1>` })
    expect(alice.last().status).toBe(200)
    alice.request('REGISTER', 'sip:example.org', { to: '<sip:alice@example.org>' })
    expect(alice.last().status).toBe(403)
  })

  it('E30 S-27 a Contact that is the AOR itself, our own address or no address at all is refused', () => {
    const { alice, node } = setUp()
    for (const contact of [
      `<sip:${AOR}>`,
      `<sip:${AOR};gr=${node.gr}>`,
      c('192.0.2.1:5060'),
      c('192.0.2.1'),
    ]) {
      alice.register({ contact })
      expect(alice.last().status, contact).toBe(403)
    }
    alice.register({ contact: '<javascript:alert(1)>' })
    expect(alice.last().status).toBe(400)
  })

  it('S-27 a Contact at a multicast or link-local address never makes us send there', () => {
    const { world, alice, node } = setUp()
    for (const host of ['239.1.2.3', '169.254.169.254', '0.0.0.0', '255.255.255.255', '[ff02::1]']) {
      alice.register({ contact: c(host) })
    }
    // What listens on this machine for itself: only phones on it may name such an address.
    for (const host of ['127.0.0.1:6379;transport=tcp', '127.9.9.9']) alice.register({ contact: c(host) })
    const bob = world.phone('bob', node)
    bob.request('MESSAGE', `sip:${AOR}`)
    const hosts = node.actions.flatMap((a) => (a.kind === 'sendDatagram' ? [a.host] : []))
    expect(new Set(hosts)).toEqual(new Set([alice.host]))
    expect(node.actions.filter(({ kind }) => kind === 'openFlow')).toEqual([])
  })

  it('S-27 nor does one in any spelling of IPv6', () => {
    const world = new SipWorld()
    const node = world.node('2001:db8::1', {}, new TestAccounts().add('alice').add('bob'))
    const alice = world.phone('alice', node, { host: '2001:db8::a' })
    const away = '[2001:db8::99]'
    for (const host of [
      away,
      '[::1]',
      '[::ffff:127.0.0.1]',
      '[::ffff:7f00:1]',
      '[0::0]',
      '[fe80::1]',
      '[FF02::1]',
    ])
      alice.register({ contact: c(host) })
    const bob = world.phone('bob', node, { host: '2001:db8::b' })
    bob.request('MESSAGE', `sip:${AOR}`)
    const hosts = node.actions.flatMap((a) => (a.kind === 'sendDatagram' ? [a.host] : []))
    expect(new Set(hosts)).toEqual(new Set([alice.host, '2001:db8::99']))
  })

  it('S3261-10.3-05 S3261-8.2.2-03 E23 unknown Require gets 420 with exactly those tags', () => {
    const { alice } = setUp()
    alice.register({ extra: ['Require: path, wonder', 'Require: other'] })
    expect(alice.last().status).toBe(420)
    expect(alice.last().values('unsupported')).toEqual(['wonder', 'other'])
  })

  it('S3261-10.3-05 E23 path, outbound and gruu may be required; GRUUs are for who asks for them', () => {
    const { alice } = setUp()
    alice.register({ extra: ['Require: path, outbound', 'Supported: path, outbound'] })
    expect(alice.last().status).toBe(200)
    const contact = `${c('10.0.0.1')};+sip.instance="<urn:uuid:1>"`
    alice.register({ contact })
    expect(alice.last().status).toBe(200)
    expect(alice.last().header('contact')).not.toContain('gruu')
    alice.register({ contact, extra: ['Require: gruu', 'Supported: gruu'] })
    expect(alice.last().status).toBe(200)
    expect(alice.last().values('contact')[1]).toContain('pub-gruu="')
  })

  it('S5626-7-01 S5626-7-02 a phone with two flows is called by the newest, by the other one when that has failed', () => {
    const { world, alice, node } = setUp()
    const other = world.phone('alice', node)
    const bob = world.phone('bob', node)
    const flow = (id: number): RequestInit => ({
      contact: `${c(`10.0.0.${id}`)};+sip.instance="<urn:uuid:1>";reg-id=${id}`,
      extra: ['Supported: outbound, path'],
    })
    alice.register(flow(1))
    world.advance(1_000)
    other.register(flow(2))
    expect(other.last().values('contact')).toHaveLength(2)

    bob.request('INVITE', `sip:${AOR}`)
    expect(alice.requests('INVITE')).toHaveLength(0)
    other.respond(other.requests('INVITE')[0]!, 430)
    expect(alice.requests('INVITE')).toHaveLength(1)
    alice.respond(alice.requests('INVITE')[0]!, 486)
    expect(bob.last().status).toBe(486)
    // Busy is the phone's own word, and holds for all of its flows, as does any other but the two that tell of a flow.
    for (const status of [486, 404, 480, 482, 487, 500, 503, 603]) {
      bob.request('INVITE', `sip:${AOR}`)
      other.respond(other.requests('INVITE').at(-1)!, status)
      expect(bob.last().status, String(status)).toBe(status === 503 ? 500 : status)
    }
    expect(alice.requests('INVITE')).toHaveLength(1)
    // When every flow has failed the caller hears what he can understand.
    bob.request('INVITE', `sip:${AOR}`)
    other.respond(other.requests('INVITE').at(-1)!, 430)
    alice.respond(alice.requests('INVITE')[1]!, 430)
    expect(bob.last().status).toBe(480)
  })

  it('S5626-7-02 a flow that breaks when a request is sent by it has failed, whether or not the phone has said a word', () => {
    for (const method of ['INVITE', 'MESSAGE']) {
      for (const rings of [true, false]) {
        const { world, alice, node } = setUp()
        const other = world.phone('alice', node, { transport: 'tcp' })
        const bob = world.phone('bob', node)
        const flow = (id: number): RequestInit => ({
          contact: `${c(`10.0.0.${id}`)};+sip.instance="<urn:uuid:1>";reg-id=${id}`,
          extra: ['Supported: outbound, path'],
        })
        alice.register(flow(1))
        world.advance(1_000)
        other.register(flow(2))
        bob.request(method, `sip:${AOR}`)
        if (rings) other.respond(other.requests(method)[0]!, method === 'INVITE' ? 180 : 100)
        expect(alice.requests(method)).toHaveLength(0)
        other.disconnect()
        expect(alice.requests(method)).toHaveLength(1)
        alice.respond(alice.requests(method)[0]!, 200)
        expect(bob.last().status).toBe(200)
        // Without another flow the caller hears what he can understand.
        alice.register({ contact: '*', extra: ['Expires: 0'] })
        other.register(flow(2))
        bob.request('INVITE', `sip:${AOR}`)
        other.disconnect()
        expect(bob.last().status).toBe(480)
      }
    }
  })

  it('S5626-7-02 a phone that knows the call already when it comes by the other flow: the caller hears that it is away, not of a loop', () => {
    const { world, alice, node } = setUp()
    const other = world.phone('alice', node, { transport: 'tcp' })
    const bob = world.phone('bob', node)
    const flow = (id: number): RequestInit => ({
      contact: `${c(`10.0.0.${id}`)};+sip.instance="<urn:uuid:1>";reg-id=${id}`,
      extra: ['Supported: outbound, path'],
    })
    alice.register(flow(1))
    world.advance(1_000)
    other.register(flow(2))
    bob.request('INVITE', `sip:${AOR}`)
    other.respond(other.requests('INVITE')[0]!, 180)
    other.disconnect()
    alice.respond(alice.requests('INVITE')[0]!, 482)
    world.advance(5_000)
    expect(bob.last().status).toBe(480)
  })

  it('S3327-5.3-01 S3327-5.4-01 S3261-16.6-06 Path is stored, echoed, becomes Route, and is where requests go', () => {
    const { world, alice, node } = setUp()
    const edge = world.phone('edge', node)
    node.resolveAnswer = (host) => {
      expect(host).toBe('edge1.example.org')
      return { ok: true, addresses: [{ host: edge.host, port: 5060, transport: 'udp' }] }
    }
    alice.register({
      extra: ['Supported: path', 'Path: <sip:edge1.example.org;lr>, <sip:edge2.example.org;lr>'],
    })
    expect(alice.last().values('path')).toEqual(['<sip:edge1.example.org;lr>', '<sip:edge2.example.org;lr>'])
    const bob = world.phone('bob', node)
    bob.request('MESSAGE', `sip:${AOR}`)
    expect(edge.requests('MESSAGE')[0]!.values('route')).toEqual([
      '<sip:edge1.example.org;lr>',
      '<sip:edge2.example.org;lr>',
    ])
    expect(alice.requests('MESSAGE')).toHaveLength(0)
  })

  it('S3327-5.4-01 the connection of an edge proxy may end: its phones are reached by their Path', () => {
    const { world, node } = setUp()
    const edge = world.phone('alice', node)
    const connection = world.phone('alice', node, { transport: 'tcp' })
    connection.register({
      contact: '<sip:alice@192.168.7.7>',
      extra: ['Supported: path', `Path: <sip:${edge.host}:5060;lr>`],
    })
    connection.disconnect()
    world.advance(60_000)
    const bob = world.phone('bob', node)
    bob.request('MESSAGE', `sip:${AOR}`)
    expect(edge.requests('MESSAGE')[0]!.requestUri).toBe('sip:alice@192.168.7.7')
  })

  it.each([
    '<sip:127.0.0.1:5090;lr>',
    '<sip:[::1];lr>',
    '<sip:224.0.1.75;lr>',
    '<sip:a.invalid;lr>',
    '<tel:+1>',
    '<sip:10.0.0.250;transport=ws;lr>',
  ])('S3327-5.4-01 with Path: %s requests go where the REGISTER came from', (path) => {
    const { world, alice, node } = setUp()
    alice.register({ extra: ['Supported: path', `Path: ${path}`] })
    world.phone('bob', node).request('MESSAGE', `sip:${AOR}`)
    expect(alice.requests('MESSAGE')).toHaveLength(1)
  })

  it.each([['127.0.0.1'], ['224.0.1.75'], ['192.0.2.1'], ['']])(
    'S3327-5.4-01 a Path by a name that leads to %j is none: the way of the REGISTER is left',
    (host) => {
      const { world, alice, node } = setUp()
      node.resolveAnswer = () =>
        host === ''
          ? { ok: false, status: 404, reason: 'No Such Domain' }
          : { ok: true, addresses: [{ host, port: 5060, transport: 'udp' }] }
      alice.register({ extra: ['Supported: path', 'Path: <sip:edge.example.org;lr>'] })
      world.phone('bob', node).request('MESSAGE', `sip:${AOR}`)
      expect(alice.requests('MESSAGE')).toHaveLength(1)
    },
  )

  it('S3327-5.4-01 S-24 whoever may not call outside is reached by the way that he came, whatever Path says', () => {
    const { world, alice, node } = setUp({
      auth: 'digest',
      policy: { callOutside: 'none', strangers: 'allow' },
    })
    const edge = world.phone('edge', node)
    alice.registerFully({ extra: ['Supported: path', `Path: <sip:${edge.host}:5060;lr>`] })
    const bob = world.phone('bob', node)
    const sent = bob.request('MESSAGE', `sip:${AOR}`)
    bob.authenticate(sent, bob.last())
    expect(alice.requests('MESSAGE')).toHaveLength(1)
    expect(edge.received).toHaveLength(0)
  })

  it('S3261-16.6-06 maddr of a Contact says where requests go', () => {
    const { world, alice, node } = setUp()
    const other = world.phone('alice', node)
    alice.register({ contact: `<sip:alice@10.77.0.1:5060;maddr=${other.host}>` })
    world.phone('bob', node).request('MESSAGE', `sip:${AOR}`)
    expect(other.requests('MESSAGE')).toHaveLength(1)
  })

  it.each(['224.0.1.75', '127.0.0.1', '169.254.1.1'])('S3261-16.6-06 maddr=%s aims at nobody', (maddr) => {
    const { world, alice, node } = setUp()
    alice.register({ contact: `<sip:alice@${alice.host}:5060;maddr=${maddr}>` })
    world.phone('bob', node).request('MESSAGE', `sip:${AOR}`)
    expect(alice.requests('MESSAGE')).toHaveLength(1)
  })

  it('S3261-10.3-15 the limit of bindings is for what comes out, in whatever order Contacts stand', () => {
    const { alice } = setUp({ maxBindings: 3 })
    alice.register({ contact: [1, 2, 3].map((n) => c(`10.0.1.${n}`)).join(', ') })
    alice.register({ contact: `${c('10.0.1.4')}, ${c('10.0.1.1', ';expires=0')}` })
    expect(alice.last().status).toBe(200)
    expect(alice.last().values('contact')).toHaveLength(3)
    alice.register({ contact: `${c('10.0.1.2', ';expires=0')}, ${c('10.0.1.5')}, ${c('10.0.1.6')}` })
    expect(alice.last().status).toBe(403)
    alice.register({ contact: Array.from({ length: 50 }, (_, n) => c(`10.0.2.${n}`)).join(', ') })
    expect(alice.last().status).toBe(403)
  })

  it('S5626-6-04 a reg-id is a number from 1 to 2^31 - 1, however it is written; anything else counts as none', () => {
    const { alice, node } = setUp()
    const register = (regId: string): void =>
      void alice.register({
        contact: `${c('10.0.0.1')};+sip.instance="<urn:uuid:1>";reg-id=${regId}`,
        extra: ['Supported: outbound'],
      })
    register('7')
    register('007')
    expect(node.core.bindings(AOR)).toHaveLength(1)
    for (const bad of ['0', 'abc', '2147483648', '99999999999999999999', '-1']) register(bad)
    // An ordinary binding of the same URI beside it.
    expect(node.core.bindings(AOR)).toHaveLength(2)
    expect(alice.last().has('require')).toBe(false)
  })

  it('S5626-6-05 a Contact without an instance takes away the binding of its URI, however that was made', () => {
    const { alice, node } = setUp()
    alice.register({
      contact: `${c('10.0.0.1')};+sip.instance="<urn:uuid:1>";reg-id=1`,
      extra: ['Supported: outbound'],
    })
    alice.register({ contact: c('10.0.0.1', ';expires=0') })
    expect(alice.last().values('contact')).toHaveLength(0)
    expect(node.core.bindings(AOR)).toHaveLength(0)
  })

  it('S3840-6-01 S3261-10.3-02 feature parameters come back, Record-Route does not', () => {
    const { alice } = setUp()
    alice.register({
      contact: `${c('10.0.0.1')};audio;+sip.x="<a,b>";q=0.5`,
      extra: ['Record-Route: <sip:x;lr>'],
    })
    const ok = alice.last()
    expect(ok.values('contact')).toEqual([`${c('10.0.0.1')};audio;+sip.x="<a,b>";q=0.5;expires=3600`])
    expect(ok.has('record-route')).toBe(false)
  })

  it('S5626-6-04 neither the instance alone nor the reg-id alone is the key, and the Contact kept is the latest', () => {
    const { world, alice, node } = setUp()
    const register = (host: string, phone: number, regId: number): string[] => {
      const contact = `${c(host)};+sip.instance="<urn:uuid:${phone}>";reg-id=${regId};audio`
      alice.register({
        contact,
        extra: ['Supported: outbound, path', `Path: <sip:${host}-edge.example.org;lr>`],
      })
      return alice
        .last()
        .values('contact')
        .map((each) => each.slice(0, each.indexOf(';reg-id') + 9))
    }
    const kept = (host: string, phone: number, regId: number): string =>
      `${c(host)};+sip.instance="<urn:uuid:${phone}>";reg-id=${regId}`
    register('10.0.0.1', 1, 1)
    expect(register('10.0.0.1', 2, 1)).toEqual([kept('10.0.0.1', 1, 1), kept('10.0.0.1', 2, 1)])
    expect(register('10.0.0.1', 1, 2)).toHaveLength(3)
    expect(register('10.0.0.9', 2, 1)).toEqual([
      kept('10.0.0.1', 1, 1),
      kept('10.0.0.9', 2, 1),
      kept('10.0.0.1', 1, 2),
    ])
    // The Path as well: one flow of each phone is called, by the way that its last REGISTER has named.
    world.phone('bob', node).request('MESSAGE', `sip:${AOR}`)
    const asked = node.actions.flatMap((a) => (a.kind === 'resolve' ? [a.host] : []))
    expect(new Set(asked)).toEqual(new Set(['10.0.0.1-edge.example.org', '10.0.0.9-edge.example.org']))
  })

  it('S5626-6-04 S5626-6-05 S5626-6-06 instance and reg-id are the key, the flow follows the latest REGISTER', () => {
    const { world, alice, node } = setUp()
    const init = {
      contact: `${c('10.0.0.1')};+sip.instance="<urn:uuid:1>";reg-id=1`,
      extra: ['Supported: outbound, path'],
    }
    alice.register(init)
    expect(alice.last().header('require')).toBe('outbound')
    const moved = world.phone('alice', node, { transport: 'tcp' })
    moved.register({ ...init, contact: `${c('10.9.9.9')};+sip.instance="<urn:uuid:1>";reg-id=1` })
    expect(moved.last().values('contact')).toHaveLength(1)
    world.phone('bob', node).request('MESSAGE', `sip:${AOR}`)
    expect(moved.requests('MESSAGE')).toHaveLength(1)
    expect(alice.requests('MESSAGE')).toHaveLength(0)
  })

  it('E34 E35 S5626-6-01 S5626-6-03 reg-id behind another hop gets 439, several live contacts with reg-id 400', () => {
    const { alice } = setUp()
    const id = '+sip.instance="<urn:uuid:1>"'
    alice.register({
      contact: `${c('10.0.0.1')};${id};reg-id=1`,
      extra: ['Supported: outbound', 'Via: SIP/2.0/UDP 10.9.9.9;branch=z9hG4bKz'],
    })
    expect(alice.last().status).toBe(439)
    const throughAnEdge = (path: string) => {
      alice.register({
        contact: `${c('10.0.0.1')};${id};reg-id=1`,
        extra: ['Supported: outbound, path', 'Via: SIP/2.0/UDP 10.9.9.9;branch=z9hG4bKz', `Path: ${path}`],
      })
      return alice.last()
    }
    expect(throughAnEdge('<sip:edge.example.org;lr>').status).toBe(439)
    expect(throughAnEdge('<sip:edge.example.org;lr;object>').status).toBe(439)
    // It is the URI that says so, and the first one.
    for (const path of [
      '<sip:edge.example.org;lr>;ob',
      '<sip:a;ob@edge.example.org;lr>',
      '<sip:core.example.org;lr>, <sip:edge.example.org;lr;ob>',
    ])
      expect(throughAnEdge(path).status, path).toBe(439)
    expect(throughAnEdge('<sip:core.example.org;lr;ob>, <sip:edge.example.org;lr>').status).toBe(200)
    const edge = throughAnEdge('<sip:edge.example.org;lr;ob>')
    expect([edge.status, edge.header('require')]).toEqual([200, 'outbound'])
    alice.register({
      contact: `${c('10.0.0.1')};${id};reg-id=1, ${c('10.0.0.2')};${id};reg-id=2`,
      extra: ['Supported: outbound'],
    })
    expect(alice.last().status).toBe(400)
    for (const contact of [
      `${c('10.0.0.1')};${id};reg-id=1, ${c('10.0.0.2')}`,
      `${c('10.0.0.2')}, ${c('10.0.0.1')};${id};reg-id=1`,
    ]) {
      alice.register({ contact, extra: ['Supported: outbound'] })
      expect(alice.last().status, contact).toBe(400)
    }
    // One that goes and one that stays are no two flows.
    alice.register({
      contact: `${c('10.0.0.1')};${id};reg-id=1;expires=0, ${c('10.0.0.2')};${id};reg-id=2`,
      extra: ['Supported: outbound'],
    })
    expect(alice.last().status).toBe(200)
  })

  it('S5626-6-01 S5626-6-02 a reg-id of a phone that does not ask for outbound, or without an instance, is no key', () => {
    const { alice } = setUp()
    const id = '+sip.instance="<urn:uuid:1>"'
    const register = (contact: string, extra: readonly string[]) => {
      alice.register({ contact, extra: [...extra] })
      expect([alice.last().status, alice.last().has('require')]).toEqual([200, false])
      return alice.last().values('contact').length
    }
    // Behind another hop, too: without outbound there is nothing that it could lack.
    expect(register(`${c('10.0.0.1')};${id};reg-id=1`, ['Via: SIP/2.0/UDP 10.9.9.9;branch=z9hG4bKz'])).toBe(1)
    expect(register(`${c('10.0.0.2')};reg-id=2`, ['Supported: outbound'])).toBe(2)
    // Were the reg-id a key, this one would take the place of the one before.
    expect(register(`${c('10.0.0.3')};reg-id=2`, ['Supported: outbound'])).toBe(3)
  })

  it('S3261-10.3-01 a redirect-only or plain proxy node refuses REGISTER with 405', () => {
    const { alice } = setUp({ roles: { registrar: false, proxy: true, redirect: false } })
    alice.register()
    expect(alice.last().status).toBe(405)
    expect(alice.last().has('allow')).toBe(true)
  })
})

describe('publication', () => {
  it('R7904 S3261-10.3-03 the 200 waits for it, and REGISTERs of one AOR are taken one after the other', () => {
    const { alice, node } = setUp()
    node.publishAnswer = () => undefined
    alice.register({ contact: c('10.0.0.1') })
    alice.register({ contact: c('10.0.0.2') })
    expect(alice.statuses('REGISTER')).toEqual([])
    const asked = (): number[] => node.actions.flatMap((a) => (a.kind === 'publish' ? [a.id] : []))
    expect(asked()).toHaveLength(1)
    node.input({ kind: 'published', id: asked()[0]!, outcome: { ok: true } })
    alice.world.settle()
    expect(alice.statuses('REGISTER')).toEqual([200])
    expect(asked()).toHaveLength(2)
    expect(alice.last().values('contact')).toHaveLength(1)
    node.input({ kind: 'published', id: asked()[1]!, outcome: { ok: true } })
    alice.world.settle()
    expect(alice.last().values('contact')).toHaveLength(2)
  })

  it('S3261-10.3-03 in the order in which they came, however many wait', () => {
    const { alice, node } = setUp()
    node.publishAnswer = () => undefined
    for (const cseq of [1, 2, 3, 4]) {
      const contact = c('10.0.0.1', `;expires=${100 * cseq}`)
      alice.register({ contact, callId: 'r', cseq, branch: `z9hG4bKr${cseq}` })
    }
    for (let done = 0; done < 4; done++) {
      const ids = node.actions.flatMap((a) => (a.kind === 'publish' ? [a.id] : []))
      expect(ids).toHaveLength(done + 1)
      node.input({ kind: 'published', id: ids[done]!, outcome: { ok: true } })
      alice.world.settle()
    }
    expect(alice.responses('REGISTER').map((m) => [m.cseq.number, m.status])).toEqual([
      [1, 200],
      [2, 200],
      [3, 200],
      [4, 200],
    ])
    expect(alice.last().values('contact')).toEqual([c('10.0.0.1', ';expires=400')])
  })

  it('M-28 S3261-10.3-15 a failure leaves the old bindings and answers 503 with Retry-After', () => {
    const { alice, node } = setUp()
    alice.register({ contact: c('10.0.0.1') })
    node.publishAnswer = () => ({ ok: false, status: 503, reason: 'Overlay Trouble', retryAfterS: 10 })
    alice.register({ contact: c('10.0.0.2') })
    expect(alice.last().status).toBe(503)
    expect(alice.last().header('retry-after')).toBe('10')
    expect(node.core.bindings(AOR)).toHaveLength(1)
    expect(node.core.instruments.registrarRequests.get('store_failed')).toBe(1)
  })

  it('M-08 after 10 s without an answer it is 503, and the late answer changes nothing', () => {
    const { world, alice, node } = setUp()
    node.publishAnswer = () => undefined
    alice.register()
    world.advance(9_900)
    expect(alice.statuses('REGISTER')).toEqual([100])
    world.advance(200)
    expect(alice.last().status).toBe(503)
    expect(Number(alice.last().header('retry-after'))).toBeGreaterThanOrEqual(10)
    const id = node.actions.flatMap((a) => (a.kind === 'publish' ? [a.id] : []))[0]!
    node.input({ kind: 'published', id, outcome: { ok: true } })
    expect(node.core.bindings(AOR)).toHaveLength(0)
  })

  it('M-29 an unregister succeeds here even when the overlay does not', () => {
    const { alice, node } = setUp()
    alice.register()
    node.publishAnswer = () => ({ ok: false, status: 503, reason: 'Overlay Trouble' })
    alice.register({ contact: '*', extra: ['Expires: 0'] })
    expect(alice.last().status).toBe(200)
    expect(node.core.bindings(AOR)).toHaveLength(0)
  })

  it('E53 without an overlay REGISTER gets 503 with Retry-After 30, a query and an unregister still work', () => {
    const { alice, node } = setUp()
    alice.register({ contact: c('10.0.0.1') })
    node.input({ kind: 'overlayAvailable', available: false })
    alice.register({ contact: c('10.0.0.2') })
    expect(alice.last().status).toBe(503)
    expect(alice.last().header('retry-after')).toBe('30')
    alice.register({ noContact: true })
    expect(alice.last().status).toBe(200)
    alice.register({ contact: '*', extra: ['Expires: 0'] })
    expect(alice.last().status).toBe(200)
  })

  it('S3261-8.2.7-01 a repeated REGISTER is absorbed while it waits and gets the same answer after', () => {
    const { alice, node } = setUp()
    node.publishAnswer = () => undefined
    const init = { callId: 'r', branch: 'z9hG4bKsame' }
    alice.register(init)
    alice.register(init)
    const ids = node.actions.flatMap((a) => (a.kind === 'publish' ? [a.id] : []))
    expect(ids).toHaveLength(1)
    node.input({ kind: 'published', id: ids[0]!, outcome: { ok: true } })
    alice.world.settle()
    alice.register(init)
    expect(alice.statuses('REGISTER')).toEqual([200, 200])
    expect(alice.responses('REGISTER')[0]!.header('to')).toBe(alice.responses('REGISTER')[1]!.header('to'))
  })
})

describe('the end of bindings', () => {
  it('S3261-10.3-11 ends with its time, tells the overlay, and counts', () => {
    const { world, alice, node } = setUp()
    alice.register({ contact: c('10.0.0.1', ';expires=60') })
    alice.register({ contact: c('10.0.0.2', ';expires=120') })
    world.advance(61_000)
    expect(node.core.bindings(AOR).map((b) => b.contact)).toEqual(['sip:alice@10.0.0.2'])
    const last = node.actions.findLast((action) => action.kind === 'publish')
    expect(last).toMatchObject({ cause: 'expired', aor: AOR })
    world.advance(60_000)
    expect(node.core.snapshot().aors).toBe(0)
    expect(node.core.instruments.registrarExpired.get()).toBe(2)
    expect(node.core.nextDeadline()).toBe(Number.POSITIVE_INFINITY)
  })

  it('a refresh in time keeps the binding', () => {
    const { world, alice, node } = setUp()
    alice.register({ contact: c('10.0.0.1', ';expires=60') })
    world.advance(50_000)
    alice.register({ contact: c('10.0.0.1', ';expires=60') })
    world.advance(50_000)
    expect(node.core.bindings(AOR)).toHaveLength(1)
    world.advance(11_000)
    expect(node.core.bindings(AOR)).toHaveLength(0)
  })

  it('S5626-7-03 a closed flow makes no target at once and no binding after the grace time', () => {
    const world = new SipWorld()
    const node = world.node('192.0.2.1', { lookup: 'localOnly' }, new TestAccounts().add('alice').add('bob'))
    const alice = world.phone('alice', node, { transport: 'tcp', privateHost: '192.168.1.5' })
    const bob = world.phone('bob', node)
    alice.register()
    alice.disconnect()
    bob.request('MESSAGE', `sip:${AOR}`)
    expect(bob.last().status).toBe(480)
    expect(node.core.bindings(AOR)[0]!.flow).toBe('lost')
    world.advance(29_000)
    expect(node.core.bindings(AOR)).toHaveLength(1)
    world.advance(2_000)
    expect(node.core.bindings(AOR)).toHaveLength(0)
    expect(node.actions.findLast((action) => action.kind === 'publish')).toMatchObject({ cause: 'flowLost' })
    expect(node.core.instruments.registrarFlowLost.get()).toBe(1)
  })

  it('a phone that comes back on a new flow within the grace time keeps its binding', () => {
    const { world, node } = setUp()
    const alice = world.phone('alice', node, { transport: 'tcp' })
    const init = { contact: '<sip:alice@10.0.0.2:5060;transport=tcp>' }
    alice.register(init)
    alice.disconnect()
    alice.register(init)
    expect(alice.last().status).toBe(200)
    world.advance(60_000)
    expect(node.core.bindings(AOR)).toHaveLength(1)
    world.phone('bob', node).request('MESSAGE', `sip:${AOR}`)
    expect(alice.requests('MESSAGE')).toHaveLength(1)
  })

  it('a flow that closes while the publication is under way counts as lost', () => {
    const { world, node } = setUp()
    node.publishAnswer = () => undefined
    const alice = world.phone('alice', node, { transport: 'tcp', privateHost: '192.168.1.5' })
    alice.register()
    alice.disconnect()
    const id = node.actions.flatMap((a) => (a.kind === 'publish' ? [a.id] : []))[0]!
    node.input({ kind: 'published', id, outcome: { ok: true } })
    expect(node.core.bindings(AOR)[0]!.flow).toBe('lost')
  })

  it('S3261-18.2-02 a phone that can be connected to keeps its binding without its connection and is dialled', () => {
    const { world, node } = setUp()
    const alice = world.phone('alice', node, { transport: 'tcp' })
    alice.register()
    alice.disconnect()
    world.advance(60_000)
    expect(node.core.bindings(AOR)).toMatchObject([{ flow: 'address' }])
    world.phone('bob', node).request('MESSAGE', `sip:${AOR}`)
    expect(alice.requests('MESSAGE')).toHaveLength(1)
    expect(node.actions.filter((action) => action.kind === 'openFlow')).toHaveLength(1)
  })
})
