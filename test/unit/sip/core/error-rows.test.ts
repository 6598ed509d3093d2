import { describe, expect, it } from 'vitest'
import { NO_TRACE, type TraceEvent } from '../../../../src/common/trace.ts'
import { SeededRandom } from '../../../../src/common/random.ts'
import { SipCore } from '../../../../src/sip/core/sip-core.ts'
import {
  DOMAIN,
  SipWorld,
  TestAccounts,
  testSettings,
  type Phone,
  type SettingsOverride,
  type TestNode,
} from '../../../support/sip-phones.ts'

const BOB = `sip:bob@${DOMAIN}`
const SELF = `sip:${DOMAIN}`

function setUp(override: SettingsOverride = {}): {
  world: SipWorld
  node: TestNode
  alice: Phone
  bob: Phone
} {
  const world = new SipWorld()
  const node = world.node('192.0.2.1', override, new TestAccounts().add('alice').add('bob'))
  return { world, node, alice: world.phone('alice', node), bob: world.phone('bob', node) }
}

/** Sends lines of text and gives the status line's parts of what came back, or undefined for silence. */
function raw(phone: Phone, text: string): { status: number; reason: string } | undefined {
  const before = phone.received.length
  phone.sendRaw(text)
  const answer = phone.received[before]
  return answer === undefined ? undefined : { status: answer.status, reason: answer.reasonPhrase }
}

function options(phone: Phone, change: (lines: string[]) => string[]): string {
  const lines = [
    `OPTIONS ${SELF} SIP/2.0`,
    `Via: ${phone.via(`z9hG4bK${phone.unique('raw')}`)}`,
    'Max-Forwards: 70',
    `From: <sip:${phone.aor}>;tag=a`,
    `To: <${SELF}>`,
    `Call-ID: ${phone.unique('raw')}`,
    'CSeq: 1 OPTIONS',
    'Content-Length: 0',
  ]
  return `${change(lines).join('\r\n')}\r\n\r\n`
}

describe('requests that cannot be used', () => {
  it('E09 a datagram that is shorter than it says', () => {
    const { alice } = setUp()
    const text = options(alice, (lines) => [...lines.slice(0, -1), 'Content-Length: 10'])
    expect(raw(alice, text)).toEqual({ status: 400, reason: 'Truncated Body' })
  })

  it('S3261-7.1-02 E13 a Request-URI in angle brackets, with blanks, with control characters or headers', () => {
    const { alice } = setUp()
    for (const uri of [
      `<${SELF}>`,
      `sip:a b@${DOMAIN}`,
      `sip:a\u0007@${DOMAIN}`,
      `${BOB}?Route=%3Csip:evil%3E`,
    ]) {
      const answer = raw(
        alice,
        options(alice, ([, ...rest]) => [`OPTIONS ${uri} SIP/2.0`, ...rest]),
      )
      expect(answer?.status, uri).toBe(400)
    }
  })

  it('E17 a branch that is exactly the cookie is answered without state', () => {
    const { node, alice } = setUp()
    const text = options(alice, ([start, , ...rest]) => [
      start ?? '',
      `Via: ${alice.via('z9hG4bK')}`,
      ...rest,
    ])
    expect(raw(alice, text)).toEqual({ status: 400, reason: 'Bad Branch' })
    expect([...node.core.snapshot().transactions.values()]).toEqual([0, 0, 0, 0])
  })

  it('E42 content that this node does nothing with, in OPTIONS and in REGISTER', () => {
    const { alice } = setUp()
    const xml = { body: '<x/>', extra: ['Content-Type: application/xml'] }
    alice.request('OPTIONS', SELF, xml)
    expect(alice.last().status).toBe(415)
    expect(alice.last().header('accept')).toBe('application/sdp')
    alice.register(xml)
    expect(alice.last().status).toBe(415)
    alice.register({ ...xml, extra: [...xml.extra, 'Content-Disposition: session;handling=optional'] })
    expect(alice.last().status).toBe(200)
    alice.request('OPTIONS', SELF, { body: 'v=0', extra: ['Content-Type: application/sdp'] })
    expect(alice.last().status).toBe(200)
    alice.request('OPTIONS', SELF, {
      body: 'v=0',
      extra: ['Content-Type: application/sdp', 'Content-Encoding: gzip'],
    })
    expect(alice.last().status).toBe(415)
  })

  it('S3261-11-01 OPTIONS is answered whatever the sender takes: the answer has no content', () => {
    const { alice } = setUp()
    for (const accept of ['text/plain', 'application/xml, text/plain;q=0.3', '*/*', '']) {
      alice.request('OPTIONS', SELF, { extra: [`Accept: ${accept}`] })
      expect(alice.last().status, accept).toBe(200)
    }
  })

  it('E51 requests of dialogs and CANCELs that we are no party to', () => {
    const { alice } = setUp()
    for (const method of ['BYE', 'INFO', 'INVITE', 'OPTIONS']) {
      alice.request(method, SELF, { to: `<${SELF}>;tag=gone` })
      expect(alice.last().status, method).toBe(481)
    }
    alice.request('CANCEL', BOB)
    expect(alice.last().status).toBe(481)
  })

  it('E52 events: only registrations of users can be watched, and no phone of ours is a presence agent', () => {
    const { alice, bob } = setUp()
    bob.register()
    for (const [method, uri, packages] of [
      ['SUBSCRIBE', SELF, 'reg'],
      ['PUBLISH', SELF, ''],
      ['PUBLISH', BOB, ''],
    ] as const) {
      alice.request(method, uri, { extra: ['Event: presence'] })
      expect(alice.last().status, method).toBe(489)
      expect(alice.last().header('allow-events'), method).toBe(packages)
    }
    expect(bob.requests('PUBLISH')).toHaveLength(0)
    alice.request('SUBSCRIBE', BOB, { extra: ['Event: presence'] })
    expect(bob.requests('SUBSCRIBE')).toHaveLength(1)
  })

  it('E60 a name is matched exactly: part of one is unknown, never ambiguous', () => {
    const { alice, bob } = setUp()
    bob.register()
    for (const name of ['bo', 'bobb', 'BOB', '%62o']) {
      alice.request('INVITE', `sip:${name}@${DOMAIN}`)
      expect(alice.last().status, name).toBe(404)
    }
    alice.request('INVITE', `sip:%62ob@${DOMAIN}`)
    expect(bob.requests('INVITE')).toHaveLength(1)
  })
})

describe('REGISTER', () => {
  it('S3261-10.3-06 is challenged, and taken with the right answer only', () => {
    const { alice, node } = setUp({ auth: 'digest' })
    const sent = alice.register()
    expect(alice.last().status).toBe(401)
    const challenge = alice.last()
    alice.authenticate(sent, challenge, { password: 'wrong' })
    expect(alice.last().status).toBe(401)
    expect(node.core.bindings()).toHaveLength(0)
    alice.authenticate(sent, challenge)
    expect(alice.last().status).toBe(200)
  })

  it('E36 a sips Contact needs a sips Request-URI', () => {
    const { alice, node } = setUp()
    alice.register({ contact: `<sips:alice@${alice.host}>` })
    expect(alice.last().status).toBe(400)
    expect(node.core.bindings()).toHaveLength(0)
  })
})

describe('sip and sips', () => {
  it('E47 a sips request where there are only sip contacts', () => {
    const { alice, bob } = setUp()
    bob.register()
    alice.request('INVITE', `sips:bob@${DOMAIN}`)
    expect(alice.last().status).toBe(480)
    expect(alice.last().header('warning')).toMatch(/^380 /)
    expect(bob.requests('INVITE')).toHaveLength(0)
  })

  it('E48 a sip request to somebody who takes sips only', () => {
    const { node, alice } = setUp({ sipToSips: 'reject' })
    const target = { kind: 'peer', address: 'node:00', aor: undefined, secureOnly: true } as const
    node.locateAnswer = () => ({ kind: 'found', targets: [target], userExists: true, loop: false })
    alice.request('INVITE', BOB)
    expect(alice.last().status).toBe(480)
    expect(alice.last().header('warning')).toMatch(/^381 /)
  })
})

describe('faults', () => {
  it('E57 a response that makes no sense is dropped and counted', () => {
    const { node, alice, bob } = setUp()
    bob.register()
    alice.request('INVITE', BOB)
    const invite = bob.requests('INVITE')[0]!
    const via = invite.headers('via').map((each) => `Via: ${each}`)
    const response = (start: string, cseq: string, vias: readonly string[]): string =>
      [
        start,
        ...vias,
        `From: ${invite.header('from')!}`,
        `To: ${invite.header('to')!};tag=x`,
        `Call-ID: ${invite.callId}`,
        `CSeq: ${cseq}`,
        'Content-Length: 0',
        '',
        '',
      ].join('\r\n')
    const counted = (): number => node.core.instruments.sipMalformed.get('syntax|udp')
    const before = counted()
    bob.sendRaw(response('SIP/2.0 700 Odd', '1 INVITE', via))
    bob.sendRaw(response('SIP/2.0 200 OK', '4294967296 INVITE', via))
    bob.sendRaw(response('SIP/2.0 200 OK', '1 INVITE', ['Via: SIP/2.0/UDP']))
    expect(alice.statuses('INVITE')).toEqual([100])
    expect(counted()).toBe(before + 3)
    bob.respond(invite, 200)
    expect(alice.statuses('INVITE')).toEqual([100, 200])
  })

  it('E56 a fault of our own costs one request its answer and is told, the node goes on', () => {
    const events: TraceEvent[] = []
    const accounts = new TestAccounts().add('alice')
    const byAor = accounts.byAor.bind(accounts)
    accounts.byAor = (aor) => {
      if (aor.startsWith('poison')) throw new TypeError('a mistake')
      return byAor(aor)
    }
    const core = new SipCore(
      { accounts, random: new SeededRandom('x'), trace: (event) => events.push(event) },
      testSettings('192.0.2.1'),
    )
    const send = (uri: string, branch: string): string[] => {
      const text = `OPTIONS ${uri} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK${branch}\r\nMax-Forwards: 70\r\nFrom: <sip:x@${DOMAIN}>;tag=1\r\nTo: <${uri}>\r\nCall-ID: ${branch}\r\nCSeq: 1 OPTIONS\r\n\r\n`
      core.step(
        { ms: 1, wall: 1 },
        { kind: 'datagram', listener: 0, host: '192.0.2.9', port: 5060, bytes: Buffer.from(text) },
      )
      return core
        .drain()
        .flatMap((a) =>
          a.kind === 'sendDatagram' ? [Buffer.from(a.bytes).toString('latin1').slice(0, 11)] : [],
        )
    }
    expect(NO_TRACE).toBeTypeOf('function')
    expect(send(`sip:poison@${DOMAIN}`, 'a')).toEqual(['SIP/2.0 500'])
    expect(events).toMatchObject([{ level: 'error', area: 'sip', event: 'internal_error' }])
    expect(send(SELF, 'b')).toEqual(['SIP/2.0 200'])
  })

  it('E56 over a response as well: nothing but the call that it belongs to is lost', () => {
    const accounts = new TestAccounts().add('alice').add('bob')
    const byAor = accounts.byAor.bind(accounts)
    accounts.byAor = (aor) => {
      if (aor.startsWith('poison')) throw new TypeError('a mistake')
      return byAor(aor)
    }
    const world = new SipWorld()
    const node = world.node('192.0.2.1', { recurse3xx: true }, accounts)
    const alice = world.phone('alice', node)
    const bob = world.phone('bob', node)
    bob.register()
    alice.request('INVITE', BOB)
    const invite = bob.requests('INVITE')[0]!
    const before = node.core.instruments.sipMalformed.get('internal|udp')
    bob.respond(invite, 302, { contact: `<sip:poison@${DOMAIN}>` })
    expect(node.core.instruments.sipMalformed.get('internal|udp')).toBe(before + 1)
    expect(alice.statuses('INVITE')).toEqual([100, 500])
    alice.request('INVITE', BOB)
    bob.respond(bob.requests('INVITE').at(-1)!, 486)
    expect(alice.statuses('INVITE').at(-1)).toBe(486)
    world.advance(200_000)
    expect(Object.fromEntries(node.core.snapshot().transactions)).toEqual({
      ict: 0,
      ist: 0,
      nict: 0,
      nist: 0,
    })
  })
})

describe('requests too large for a datagram', () => {
  const large = { body: 'x'.repeat(1_400), extra: ['Content-Type: text/plain'] }

  it('S3261-18.1-01 go over TCP with TCP in the Via, and what follows in the dialog is not tied to that connection', () => {
    const { world, node, alice, bob } = setUp()
    bob.register()
    const atTcp = world.phone('bob', node, { transport: 'tcp' })
    Object.defineProperty(atTcp, 'host', { value: bob.host })
    const sent = alice.request('INVITE', BOB, large)
    const invite = atTcp.requests('INVITE')[0]!
    expect(bob.requests('INVITE')).toHaveLength(0)
    expect(invite.topVia.transport).toBe('TCP')
    expect(Buffer.from(invite.body).length).toBe(1_400)
    const via = invite.headers('via').map((each) => `Via: ${each}`)
    const routes = invite.headers('record-route').map((each) => `Record-Route: ${each}`)
    const flow = node.actions.flatMap((a) => (a.kind === 'openFlow' ? [a.flow] : []))[0]!
    const text = [
      'SIP/2.0 200 OK',
      ...via,
      ...routes,
      `From: ${invite.header('from')!}`,
      `To: ${invite.header('to')!};tag=b`,
      `Call-ID: ${invite.callId}`,
      'CSeq: 1 INVITE',
      `Contact: ${bob.contact}`,
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n')
    node.input({ kind: 'flowData', flow, bytes: Buffer.from(text) })
    world.settle()
    expect(alice.last().status).toBe(200)
    expect(node.core.instruments.sipMtuSwitch.get('ok')).toBe(1)
    node.input({ kind: 'flowClosed', flow })
    alice.inDialog('ACK', sent, alice.last())
    alice.inDialog('BYE', sent, alice.responses('INVITE', 200)[0]!)
    expect(bob.requests('ACK')).toHaveLength(1)
    expect(bob.requests('BYE')).toHaveLength(1)
  })

  it('S3261-18.1-02 by UDP after all where nobody takes the connection, the next time at once', () => {
    const { node, alice, bob } = setUp()
    bob.register()
    alice.request('MESSAGE', BOB, large)
    const opened = (): number => node.actions.filter((action) => action.kind === 'openFlow').length
    expect(opened()).toBe(1)
    expect(bob.requests('MESSAGE')).toHaveLength(1)
    expect(bob.requests('MESSAGE')[0]!.topVia.transport).toBe('UDP')
    bob.respond(bob.requests('MESSAGE')[0]!, 200)
    expect(alice.last().status).toBe(200)
    alice.request('MESSAGE', BOB, large)
    expect(opened()).toBe(1)
    expect(bob.requests('MESSAGE')).toHaveLength(2)
    expect(node.core.instruments.sipMtuSwitch.get('failed')).toBe(1)
  })

  it('S3261-18.1-01 but by UDP to who asks for UDP by name or sits behind a NAT', () => {
    const { world, node, alice, bob } = setUp()
    bob.register({ contact: `<sip:bob@${bob.host}:5060;transport=udp>` })
    alice.request('MESSAGE', BOB, large)
    expect(bob.requests('MESSAGE')).toHaveLength(1)
    const natted = world.phone('alice', node, { privateHost: '10.0.0.5' })
    natted.register()
    bob.request('MESSAGE', `sip:alice@${DOMAIN}`, large)
    expect(natted.requests('MESSAGE')).toHaveLength(1)
    expect(node.actions.filter((action) => action.kind === 'openFlow')).toHaveLength(0)
  })
})

describe('an owner that never answers', () => {
  it('7.2 locate: the caller hears 504 one second after the budget, and nothing is left', () => {
    const { world, node, alice } = setUp()
    node.locateAnswer = () => undefined
    alice.request('INVITE', BOB)
    world.advance(10_500)
    expect(alice.last().status).toBe(100)
    world.advance(1_000)
    expect(alice.last().status).toBe(504)
    world.advance(64_000)
    expect([...node.core.snapshot().transactions.values()]).toEqual([0, 0, 0, 0])
    expect(node.core.nextDeadline()).toBe(Infinity)
  })

  it('7.2 locate of a redirect server: 504 too', () => {
    const { world, node, alice } = setUp({ roles: { registrar: true, proxy: false, redirect: true } })
    node.locateAnswer = () => undefined
    alice.request('OPTIONS', BOB)
    world.advance(7_001)
    expect(alice.last().status).toBe(504)
    world.advance(64_000)
    expect(node.core.nextDeadline()).toBe(Infinity)
  })

  it('7.2 a peer flow, an address: the branch ends', () => {
    const { world, node, alice } = setUp()
    const act = world.act.bind(world)
    world.act = (at, action) => {
      if (action.kind !== 'openPeerFlow' && action.kind !== 'resolve') act(at, action)
    }
    const target = { kind: 'peer', address: 'node:00', aor: undefined, secureOnly: false } as const
    node.locateAnswer = () => ({ kind: 'found', targets: [target], userExists: true, loop: false })
    alice.request('INVITE', BOB)
    world.advance(9_001)
    expect(alice.last().status).toBe(480)
    node.locateAnswer = () => ({
      kind: 'found',
      targets: [{ kind: 'uri', uri: 'sip:x@far.example' }],
      userExists: true,
      loop: false,
    })
    alice.request('INVITE', BOB)
    world.advance(13_001)
    expect(alice.last().status).toBe(504)
    world.advance(64_000)
    expect(node.core.nextDeadline()).toBe(Infinity)
  })

  it('an answer that comes after all changes nothing', () => {
    const { world, node, alice } = setUp()
    node.locateAnswer = () => undefined
    alice.request('INVITE', BOB)
    world.advance(11_001)
    const ask = node.actions.find((action) => action.kind === 'locate')
    const count = alice.received.length
    const outcome = { kind: 'found', targets: [], userExists: true, loop: false } as const
    if (ask?.kind === 'locate') node.input({ kind: 'located', id: ask.id, outcome })
    world.settle()
    expect(alice.received).toHaveLength(count)
  })
})

describe('a phone that has a new connection', () => {
  it('S5626-5.3-01 is reached in its dialogs by the binding that it has made since', () => {
    const world = new SipWorld()
    const node = world.node('192.0.2.1', {}, new TestAccounts().add('alice').add('bob'))
    const alice = world.phone('alice', node, { transport: 'tcp', privateHost: '10.0.0.7' })
    const bob = world.phone('bob', node)
    alice.register({ callId: 'reg' })
    bob.register()
    const sent = alice.request('INVITE', BOB)
    const invite = bob.requests('INVITE')[0]!
    bob.respond(invite, 200)
    alice.inDialog('ACK', sent, alice.last())
    alice.disconnect()
    alice.register({ callId: 'reg', cseq: 2, contact: '<sip:alice@10.0.0.7:40001;transport=tcp>' })
    bob.fromCallee('BYE', invite)
    expect(alice.requests('BYE')).toHaveLength(1)
    alice.respond(alice.requests('BYE')[0]!, 200)
    expect(bob.last().status).toBe(200)
  })

  /** Over TCP, with a Contact that shows the port of its connection; `again` makes another connection. */
  const withoutListener = () => {
    const world = new SipWorld()
    const node = world.node('192.0.2.1', {}, new TestAccounts().add('alice').add('bob'))
    const alice = world.phone('alice', node, { transport: 'tcp' })
    const bob = world.phone('bob', node)
    const register = (cseq: number): void => {
      const contact = `<sip:alice@${alice.host}:${alice.sourcePort};transport=tcp>`
      alice.register({ callId: 'reg', cseq, contact })
    }
    const again = (): void => {
      alice.disconnect()
      alice.sourcePort++
      register(2)
    }
    register(1)
    bob.register()
    return { world, node, alice, bob, again }
  }

  it('S5626-5.3-01 a Contact with the port of the connection is no listener: it goes with it, and its calls find the new one', () => {
    const { world, node, alice, bob, again } = withoutListener()
    const sent = alice.request('INVITE', BOB)
    const invite = bob.requests('INVITE')[0]!
    bob.respond(invite, 200)
    alice.inDialog('ACK', sent, alice.last())
    again()
    bob.fromCallee('INFO', invite)
    expect(alice.requests('INFO')).toHaveLength(1)
    world.advance(31_000)
    expect(node.core.bindings(`alice@${DOMAIN}`)).toHaveLength(1)
  })

  it('S3261-18.2-02 the answer to its call reaches the caller by the connection that it has made since', () => {
    const { alice, bob, again } = withoutListener()
    alice.request('INVITE', BOB)
    bob.respond(bob.requests('INVITE')[0]!, 180)
    again()
    bob.respond(bob.requests('INVITE')[0]!, 200)
    expect(alice.statuses('INVITE')).toEqual([100, 180, 200])
  })

  it('a phone that connects from the very port that it listens on is still there', () => {
    const world = new SipWorld()
    const node = world.node('192.0.2.1', {}, new TestAccounts().add('alice'))
    const alice = world.phone('alice', node, { transport: 'tcp' })
    alice.sourcePort = 5060
    alice.register({ contact: `<sip:alice@${alice.host}:5060;transport=tcp>` })
    alice.disconnect()
    world.advance(31_000)
    expect(node.core.bindings(`alice@${DOMAIN}`)).toHaveLength(1)
  })
})

describe('a phone that moves to another network in a call, over UDP', () => {
  const call = () => {
    const world = new SipWorld()
    const node = world.node('192.0.2.1', {}, new TestAccounts().add('alice').add('bob').add('carol'))
    const alice = world.phone('alice', node)
    const bob = world.phone('bob', node)
    alice.register()
    bob.register()
    const sent = alice.request('INVITE', BOB)
    bob.respond(bob.requests('INVITE')[0]!, 200)
    const ok = alice.last()
    alice.inDialog('ACK', sent, ok)
    return { world, node, alice, bob, sent, ok, moved: world.phone('alice', node, { host: '10.9.0.1' }) }
  }

  /** From bob, by the routes of the first INVITE (RFC 3261 s.12.2.1.1). */
  const toCaller = ({ bob }: ReturnType<typeof call>, method: string, contact: string, index = 0): void => {
    const invite = bob.requests('INVITE')[0]!
    bob.request(method, contact.slice(1, -1), {
      from: invite.header('to') ?? '',
      fromTag: `t-bob-${bob.host}`,
      to: invite.header('from') ?? '',
      callId: invite.callId,
      cseq: 2 + index,
      extra: invite.values('record-route').map((route) => `Route: ${route}`),
    })
  }

  it('S3261-16.6-04 is found by its new Contact once it has registered with it', () => {
    const s = call()
    s.moved.register()
    const again = s.moved.inDialog('INVITE', s.sent, s.ok)
    const invite = s.bob.requests('INVITE')[1]!
    s.bob.respond(invite, 200)
    s.moved.inDialog('ACK', again, s.moved.last())
    toCaller(s, 'BYE', s.moved.contact)
    expect(s.moved.requests('BYE')).toHaveLength(1)
    expect(s.alice.requests('BYE')).toHaveLength(0)
  })

  it('S3581-4-02 behind a NAT the hop of the call stands, which may be fresher than the registration', () => {
    const world = new SipWorld()
    const node = world.node('192.0.2.1', {}, new TestAccounts().add('alice').add('bob'))
    const [before, now] = [40_000, 40_001].map((port) =>
      world.phone('alice', node, { host: '203.0.113.1', port, privateHost: '192.168.1.5' }),
    ) as [Phone, Phone]
    const contact = '<sip:alice@192.168.1.5:5060>'
    before.register({ contact })
    const bob = world.phone('bob', node)
    bob.register()
    now.request('INVITE', BOB, { contact })
    const invite = bob.requests('INVITE')[0]!
    bob.respond(invite, 200)
    bob.fromCallee('BYE', invite)
    expect(now.requests('BYE')).toHaveLength(1)
    expect(before.requests('BYE')).toHaveLength(0)
  })

  it('S-24 nobody else is: neither who has not registered, nor another user, nor what stands somewhere else', () => {
    const s = call()
    const carol = s.world.phone('carol', s.node)
    carol.register()
    const targets = [s.moved.contact, carol.contact, '<sip:alice@203.0.113.9>', '<sip:alice@127.0.0.1:8080>']
    for (const [index, target] of targets.entries()) {
      toCaller(s, 'INFO', target, index)
    }
    expect(s.alice.requests('INFO')).toHaveLength(4)
    expect(s.moved.received.length + carol.requests('INFO').length).toBe(0)
  })
})
