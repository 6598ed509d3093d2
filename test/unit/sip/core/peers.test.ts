import { describe, expect, it } from 'vitest'
import { parseUri } from '../../../../src/sip/message/index.ts'
import { DOMAIN, SipWorld, TestAccounts, type Phone, type TestNode } from '../../../support/sip-phones.ts'

const BOB = `sip:bob@${DOMAIN}`
const accounts = (): TestAccounts => new TestAccounts().add('alice').add('bob').add('carol')

interface Pair {
  readonly world: SipWorld
  readonly a: TestNode
  readonly b: TestNode
  readonly alice: Phone
  readonly bob: Phone
}

function pair(bobTransport: 'udp' | 'tcp' = 'udp', auth: 'none' | 'digest' = 'none'): Pair {
  const world = new SipWorld()
  const a = world.node('192.0.2.1', { auth }, accounts())
  const b = world.node('192.0.2.2', { auth }, accounts())
  const alice = world.phone('alice', a)
  const bob = world.phone('bob', b, { transport: bobTransport })
  expect(alice.registerFully().status).toBe(200)
  expect(bob.registerFully().status).toBe(200)
  return { world, a, b, alice, bob }
}

/** A request as the peer `from` would send it to `to`; returns what comes back on that flow. */
function onPeerFlow(p: Pair, text: string): string[] {
  const flows = p.world.join(p.a, p.b)
  const before = p.b.actions.length
  p.b.input({ kind: 'flowData', flow: flows.b, bytes: Buffer.from(text, 'latin1') })
  p.world.settle()
  return p.b.actions
    .slice(before)
    .flatMap((action) => (action.kind === 'sendFlow' && action.flow === flows.b ? [action] : []))
    .map((action) => Buffer.from(action.bytes).toString('latin1'))
}

function peerRequest(p: Pair, method: string, uri: string, extra: readonly string[] = []): string {
  return (
    [
      `${method} ${uri} SIP/2.0`,
      `Via: SIP/2.0/TLS ${p.a.hex}.${DOMAIN};branch=z9hG4bKpeer${method}${uri.length}${extra.length}`,
      'Max-Forwards: 70',
      `From: <sip:alice@${DOMAIN}>;tag=1`,
      `To: <${uri}>`,
      'Call-ID: from-a-peer',
      `CSeq: 1 ${method}`,
      ...extra,
      'Content-Length: 0',
    ].join('\r\n') + '\r\n\r\n'
  )
}

describe('a call between phones of two nodes', () => {
  for (const transport of ['udp', 'tcp'] as const) {
    it(`M-19 M-20 M-26 goes over one peer flow, both ends may hang up (callee on ${transport})`, () => {
      const p = pair(transport)
      const sent = p.alice.request('INVITE', BOB)
      const invite = p.bob.requests('INVITE')[0]!
      const vias = invite.vias()
      expect(vias).toHaveLength(3)
      expect(vias[1]!.host).toBe(`${p.a.hex}.${DOMAIN}`)
      expect(vias[1]!.transport).toBe('TLS')
      const routes = invite.values('record-route')
      expect(routes).toHaveLength(4)
      const north = parseUri(/<(.*)>/.exec(routes[1]!)![1]!)!
      expect(north.host).toBe(DOMAIN)
      expect(north.params.get('gr')).toBe(p.b.gr)
      expect(p.b.actions.filter((action) => action.kind === 'locate')).toHaveLength(0)

      p.bob.respond(invite, 180)
      p.bob.respond(invite, 200)
      expect(p.alice.statuses('INVITE')).toEqual([100, 180, 200])
      const ok = p.alice.responses('INVITE', 200)[0]!
      p.alice.inDialog('ACK', sent, ok)
      expect(p.bob.requests('ACK')).toHaveLength(1)
      p.bob.fromCallee('INFO', invite)
      p.alice.respond(p.alice.requests('INFO')[0]!, 200)
      expect(p.bob.statuses('INFO')).toEqual([200])
      p.alice.inDialog('BYE', sent, ok)
      p.bob.respond(p.bob.requests('BYE')[0]!, 200)
      expect(p.alice.statuses('BYE')).toEqual([200])
      const opened = [...p.a.actions, ...p.b.actions].filter((action) => action.kind === 'openPeerFlow')
      expect(opened).toHaveLength(1)
      expect(p.a.core.instruments.callResults.get('overlay|answered')).toBe(1)
    })
  }

  it('M-17 a call that rings here and elsewhere is one attempt and one result of one path', () => {
    const p = pair()
    p.world.phone('bob', p.a).registerFully()
    p.alice.request('INVITE', BOB)
    p.bob.respond(p.bob.requests('INVITE')[0]!, 180)
    p.bob.respond(p.bob.requests('INVITE')[0]!, 200)
    const { callAttempts, callResults, callSetup } = p.a.core.instruments
    expect(callAttempts.get('local|proxy')).toBe(1)
    expect(callResults.get('local|answered')).toBe(1)
    expect([...callResults.values.values()].reduce((sum, count) => sum + count)).toBe(1)
    expect(callSetup.series.get('local')?.count).toBe(1)
    expect(callSetup.series.get('overlay')?.count).toBe(0)
  })

  it('M-17 rings the phone here at once and the one elsewhere when the overlay has answered', () => {
    const p = pair()
    const desk = p.world.phone('bob', p.a)
    desk.registerFully()
    p.a.locateAnswer = () => undefined
    p.alice.request('INVITE', BOB)
    expect(desk.requests('INVITE')).toHaveLength(1)
    expect(p.bob.requests('INVITE')).toHaveLength(0)
    desk.respond(desk.requests('INVITE')[0]!, 180)
    const asked = p.a.actions.findLast((action) => action.kind === 'locate')!
    const targets = [{ kind: 'peer' as const, address: `node:${p.b.hex}`, aor: undefined, secureOnly: false }]
    if (asked.kind !== 'locate') throw new Error('not asked')
    expect(asked.budgetMs).toBe(10_000)
    p.a.input({
      kind: 'located',
      id: asked.id,
      outcome: { kind: 'found', targets, userExists: true, loop: false },
    })
    p.world.settle()
    expect(p.bob.requests('INVITE')).toHaveLength(1)
    p.bob.respond(p.bob.requests('INVITE')[0]!, 200)
    expect(desk.requests('CANCEL')).toHaveLength(1)
    expect(p.alice.statuses('INVITE')).toEqual([100, 180, 200])
  })

  it('S3261-16.10-01 a CANCEL follows the INVITE over the peer flow', () => {
    const p = pair()
    const sent = p.alice.request('INVITE', BOB)
    p.bob.respond(p.bob.requests('INVITE')[0]!, 180)
    p.alice.cancel(sent)
    expect(p.bob.requests('CANCEL')).toHaveLength(1)
    p.bob.respond(p.bob.requests('INVITE')[0]!, 487)
    expect(p.alice.statuses('INVITE')).toEqual([100, 180, 487])
  })

  it('S3261-20-01 an answer without Content-Length reaches the caller, and costs nobody the flow between two peers', () => {
    const p = pair()
    const carol = p.world.phone('carol', p.b)
    carol.registerFully()
    p.alice.request('INVITE', `sip:carol@${DOMAIN}`)
    carol.respond(carol.requests('INVITE')[0]!, 180)
    p.alice.request('MESSAGE', BOB)
    const message = p.bob.requests('MESSAGE')[0]!
    // RFC 3261 s.18.3: in a datagram it may be left out.
    const lines = [
      'SIP/2.0 200 OK',
      ...message.headers('via').map((via) => `Via: ${via}`),
      `From: ${message.header('from')}`,
      `To: ${message.header('to')};tag=b`,
      `Call-ID: ${message.callId}`,
      'CSeq: 1 MESSAGE',
      'Content-Type: text/plain',
    ]
    p.bob.sendRaw(`${lines.join('\r\n')}\r\n\r\nyes`)
    const [answer] = p.alice.responses('MESSAGE', 200)
    expect(answer?.header('content-length')).toBe('3')
    expect(Buffer.from(answer!.body).toString()).toBe('yes')
    expect([...p.a.actions, ...p.b.actions].filter(({ kind }) => kind === 'closeFlow')).toEqual([])
    carol.respond(carol.requests('INVITE')[0]!, 200)
    expect(p.alice.statuses('INVITE')).toEqual([100, 180, 200])
  })

  it('S3261-16.5-04 phones that register while a call from another peer rings are rung as well, at either peer', () => {
    const p = pair()
    p.alice.request('INVITE', BOB)
    p.bob.respond(p.bob.requests('INVITE')[0]!, 180)
    const there = p.world.phone('bob', p.b)
    there.registerFully()
    const here = p.world.phone('bob', p.a)
    here.registerFully()
    expect([there, here].map((phone) => phone.requests('INVITE').length)).toEqual([1, 1])
    there.respond(there.requests('INVITE')[0]!, 200)
    expect(p.bob.requests('CANCEL')).toHaveLength(1)
    expect(p.alice.statuses('INVITE')).toEqual([100, 180, 200])
  })

  it('E44 no path to the peer is 480', () => {
    const p = pair()
    p.a.peersReachable = false
    p.alice.request('INVITE', BOB)
    expect(p.alice.last().status).toBe(480)
  })

  it('S6026-7-03 a response whose peer flow has died is sent by a new one to the node in Via', () => {
    const p = pair()
    p.alice.request('INVITE', BOB)
    const flow = p.b.actions.length
    const up = p.b.core.snapshot().connections.get('peer|connected')
    expect(up).toBe(1)
    const opened = p.a.actions.find((action) => action.kind === 'openPeerFlow')!
    expect(opened.kind).toBe('openPeerFlow')
    // Only b notices that the flow is gone.
    for (let id = 2; id < 40; id += 2) p.b.input({ kind: 'flowClosed', flow: id })
    p.bob.respond(p.bob.requests('INVITE')[0]!, 200)
    const again = p.b.actions.slice(flow).find((action) => action.kind === 'openPeerFlow')
    expect(again).toMatchObject({ address: `node:${p.a.hex}` })
    expect(p.alice.statuses('INVITE')).toEqual([100, 200])
  })

  it('S3261-16.9-01 a peer flow that breaks before any answer is opened once more', () => {
    const p = pair()
    p.bob.drop = true
    p.alice.request('MESSAGE', BOB)
    const open = (): number => p.a.actions.filter((action) => action.kind === 'openPeerFlow').length
    expect(open()).toBe(1)
    for (let id = 2; id < 40; id += 2) p.a.input({ kind: 'flowClosed', flow: id })
    p.world.settle()
    expect(open()).toBe(2)
    p.a.peersReachable = false
    for (let id = 2; id < 80; id += 2) p.a.input({ kind: 'flowClosed', flow: id })
    p.world.settle()
    expect(open()).toBe(2)
    expect(p.alice.last().status).toBe(480)
  })
})

describe('requests that came on a peer flow', () => {
  it('M-20 are answered from local bindings alone: 480 without phones, 404 for nobody, never a look-up', () => {
    const p = pair()
    expect(onPeerFlow(p, peerRequest(p, 'MESSAGE', `sip:carol@${DOMAIN}`))[0]).toContain('SIP/2.0 480 ')
    expect(onPeerFlow(p, peerRequest(p, 'MESSAGE', `sip:nobody@${DOMAIN}`))[0]).toContain('SIP/2.0 404 ')
    expect(p.b.actions.filter((action) => action.kind === 'locate')).toHaveLength(0)
  })

  it('S-24 E46 are not relayed to other domains, other nodes or Route targets', () => {
    const p = pair()
    expect(onPeerFlow(p, peerRequest(p, 'MESSAGE', 'sip:x@example.org'))[0]).toContain('SIP/2.0 403 ')
    const routed = ['Route: <sip:10.0.0.9;lr>']
    expect(onPeerFlow(p, peerRequest(p, 'MESSAGE', BOB, routed))[0]).toContain('SIP/2.0 403 ')
    expect(
      p.b.actions.filter((action) => action.kind === 'resolve' || action.kind === 'openPeerFlow'),
    ).toHaveLength(0)
  })

  it('S-72 are never challenged and never count as a phone of ours', () => {
    const p = pair('udp', 'digest')
    const replies = onPeerFlow(p, peerRequest(p, 'INVITE', BOB))
    expect(p.bob.requests('INVITE')).toHaveLength(1)
    expect(replies.some((reply) => reply.includes('407'))).toBe(false)
    expect(
      onPeerFlow(p, peerRequest(p, 'REGISTER', `sip:${DOMAIN}`, ['Contact: <sip:x@10.0.0.9>']))[0],
    ).toContain('SIP/2.0 403 ')
  })

  it('M-15 an overlay GRUU of ours reaches local bindings, another one goes to its node', () => {
    const p = pair()
    onPeerFlow(p, peerRequest(p, 'MESSAGE', `${BOB};gr=${p.b.gr}`))
    expect(p.bob.requests('MESSAGE')).toHaveLength(1)
    p.alice.request('MESSAGE', `${BOB};gr=${p.b.gr}`)
    expect(p.bob.requests('MESSAGE')).toHaveLength(2)
    expect(p.a.actions.some((action) => action.kind === 'locate')).toBe(false)
  })
})

describe('what the overlay is asked for', () => {
  it('R7904-2-01 R7904-7-02 is the bare AOR, with whatever scheme and escapes a phone writes it', () => {
    for (const form of [BOB, `sip:b%6Fb@${DOMAIN}`, `sip:%62ob@${DOMAIN.toUpperCase()};user=phone`]) {
      const world = new SipWorld()
      const node = world.node('192.0.2.1', {}, accounts())
      const [alice, bob] = [world.phone('alice', node), world.phone('bob', node)]
      bob.register({ to: `<${form}>` })
      alice.request('INVITE', form)
      alice.request('INVITE', form.replace('sip:', 'sips:'))
      const aors = node.actions.flatMap((action) =>
        action.kind === 'publish' || action.kind === 'locate' ? [`${action.kind} ${action.aor}`] : [],
      )
      expect(new Set(aors), form).toEqual(new Set([`publish bob@${DOMAIN}`, `locate bob@${DOMAIN}`]))
    }
  })
})

describe('forwardings', () => {
  it('S5393-4-01 E21 two users who forward to each other end in 482', () => {
    const world = new SipWorld()
    const node = world.node('192.0.2.1', { lookup: 'localOnly' }, accounts())
    const alice = world.phone('alice', node)
    const bob = world.phone('bob', node)
    const carol = world.phone('carol', node)
    bob.register({ contact: `<sip:carol@${DOMAIN}>` })
    carol.register({ contact: `<${BOB}>` })
    alice.request('INVITE', BOB)
    expect(alice.last().status).toBe(482)
  })

  it('M-12 a forwarding binding rings the phones of the other AOR', () => {
    const world = new SipWorld()
    const node = world.node('192.0.2.1', {}, accounts())
    const alice = world.phone('alice', node)
    const bob = world.phone('bob', node)
    const carol = world.phone('carol', node)
    bob.register({ contact: `<sip:carol@${DOMAIN}>` })
    carol.register()
    alice.request('INVITE', BOB)
    expect(carol.requests('INVITE')).toHaveLength(1)
  })

  it('E21 no forwarding is followed beyond recursion.depth, and no more is asked than recursion.fetches allows', () => {
    for (const [settings, asked] of [
      [{ recursionDepth: 0 }, 1],
      [{ recursionLocates: 1 }, 1],
      [{ recursionLocates: 0 }, 0],
    ] as const) {
      const world = new SipWorld()
      const node = world.node('192.0.2.1', settings, accounts())
      const alice = world.phone('alice', node)
      const bob = world.phone('bob', node)
      bob.register({ contact: `<sip:carol@${DOMAIN}>` })
      alice.request('INVITE', BOB)
      expect(alice.last().status).toBe(482)
      expect(node.actions.filter(({ kind }) => kind === 'locate')).toHaveLength(asked)
    }
  })

  it('S3261-16.7-06 S-30 a 302 to a hosted AOR is followed, one to elsewhere is the caller’s to decide', () => {
    const world = new SipWorld()
    const node = world.node('192.0.2.1', {}, accounts())
    const alice = world.phone('alice', node)
    const bob = world.phone('bob', node)
    const carol = world.phone('carol', node)
    bob.register()
    carol.register()
    alice.request('INVITE', BOB)
    bob.respond(bob.requests('INVITE')[0]!, 302, { contact: `<sip:carol@${DOMAIN}>` })
    expect(carol.requests('INVITE')).toHaveLength(1)
    carol.respond(carol.requests('INVITE')[0]!, 486)
    expect(alice.last().status).toBe(486)
    alice.request('INVITE', BOB)
    bob.respond(bob.requests('INVITE')[1]!, 302, { contact: '<sip:evil@example.org>' })
    expect(alice.last().status).toBe(302)
    expect(node.actions.some((action) => action.kind === 'resolve')).toBe(false)
  })

  it('S3261-16.7-06 S5627-6.1-01 a 302 to the GRUU of one phone is the caller’s to follow: the others of that user do not ring', () => {
    const world = new SipWorld()
    const node = world.node('192.0.2.1', {}, new TestAccounts().add('alice').add('bob').add('carol'))
    const [alice, bob, desk, soft] = ['alice', 'bob', 'carol', 'carol'].map((user) => world.phone(user, node))
    for (const phone of [alice, bob, soft]) phone!.registerFully()
    const instance = ';+sip.instance="<urn:uuid:00000000-0000-1000-8000-00000000000c>"'
    desk!.registerFully({ contact: `${desk!.contact}${instance}`, extra: ['Supported: gruu'] })
    const gruu = /pub-gruu="([^"]*)"/.exec(desk!.last().headers('contact').join())?.[1] ?? ''
    expect(gruu).toContain(node.gr)
    alice!.request('INVITE', `sip:bob@${DOMAIN}`)
    bob!.respond(bob!.requests('INVITE')[0]!, 302, { contact: `<${gruu}>` })
    expect(alice!.last().status).toBe(302)
    expect(alice!.last().header('contact')).toBe(`<${gruu}>`)
    for (const phone of [desk, soft]) expect(phone!.requests('INVITE')).toHaveLength(0)
    alice!.request('INVITE', gruu)
    expect(desk!.requests('INVITE')).toHaveLength(1)
    expect(soft!.requests('INVITE')).toHaveLength(0)
  })

  describe('a 302 with q', () => {
    const people = (): TestAccounts => accounts().add('erin')
    const contact = `<sip:carol@${DOMAIN}>;q=0.2, <sip:erin@${DOMAIN}>;q=0.9`

    it('S3261-16.6-10 rings those whom it names one after the other, the most wanted first', () => {
      const world = new SipWorld()
      const node = world.node('192.0.2.1', {}, people())
      const phone = (user: string): Phone => world.phone(user, node)
      const [alice, bob, carol, erin, erinsOther] = ['alice', 'bob', 'carol', 'erin', 'erin'].map(phone)
      for (const callee of [bob, carol, erin]) callee!.register()
      erinsOther!.register({ contact: `${erinsOther!.contact};q=0.1` })
      const rung = (): number[] => [erin, erinsOther, carol].map((p) => p!.requests('INVITE').length)
      alice!.request('INVITE', BOB)
      bob!.respond(bob!.requests('INVITE')[0]!, 302, { contact })
      expect(rung()).toEqual([1, 0, 0])
      erin!.respond(erin!.requests('INVITE')[0]!, 486)
      // The phones of a user are ordered by that user's own q.
      expect(rung()).toEqual([1, 1, 0])
      erinsOther!.respond(erinsOther!.requests('INVITE')[0]!, 486)
      expect(rung()).toEqual([1, 1, 1])
      carol!.respond(carol!.requests('INVITE')[0]!, 200)
      expect(alice!.statuses('INVITE')).toEqual([100, 200])
    })

    it('S3261-16.6-10 S3261-16.7-06 lets the less wanted wait while the overlay is asked for the most wanted', () => {
      const world = new SipWorld()
      const node = world.node('192.0.2.1', {}, people())
      const far = world.node('192.0.2.2', {}, people())
      const [alice, bob, carol] = ['alice', 'bob', 'carol'].map((user) => world.phone(user, node))
      const erin = world.phone('erin', far)
      for (const callee of [bob!, carol!, erin]) callee.register()
      const none = { kind: 'found' as const, targets: [], userExists: true, loop: false }
      node.locateAnswer = (aor) => (aor.startsWith('erin@') ? undefined : none)
      alice!.request('INVITE', BOB)
      bob!.respond(bob!.requests('INVITE')[0]!, 302, { contact })
      const asked = node.actions.find((action) => action.kind === 'locate' && action.aor.startsWith('erin@'))
      if (asked?.kind !== 'locate') throw new Error('not asked')
      expect(carol!.requests('INVITE')).toHaveLength(0)
      const target = { kind: 'peer' as const, address: `node:${far.hex}`, aor: undefined, secureOnly: false }
      node.input({ kind: 'located', id: asked.id, outcome: { ...none, targets: [target] } })
      world.settle()
      expect(erin.requests('INVITE')).toHaveLength(1)
      expect(carol!.requests('INVITE')).toHaveLength(0)
      erin.respond(erin.requests('INVITE')[0]!, 486)
      expect(carol!.requests('INVITE')).toHaveLength(1)
    })

    it('S3261-16.6-10 nobody waits longer than the overlay has time to answer', () => {
      const world = new SipWorld()
      const node = world.node('192.0.2.1', {}, people())
      const [alice, bob, carol] = ['alice', 'bob', 'carol'].map((user) => world.phone(user, node))
      for (const callee of [bob!, carol!]) callee.register()
      node.locateAnswer = () => undefined
      alice!.request('INVITE', BOB)
      bob!.respond(bob!.requests('INVITE')[0]!, 302, { contact })
      expect(carol!.requests('INVITE')).toHaveLength(0)
      world.advance(12_000)
      expect(carol!.requests('INVITE').length).toBeGreaterThan(0)
    })
  })
})

describe('subscriptions', () => {
  it('RFC 6665 s.4.3 NOTIFYs are record-routed as their SUBSCRIBE was, and a refresh finds its way by that', () => {
    const { alice, bob } = pair()
    const sent = alice.request('SUBSCRIBE', BOB, { extra: ['Event: dialog'] })
    const subscribe = bob.requests('SUBSCRIBE')[0]!
    expect(subscribe.values('record-route')).toHaveLength(4)
    bob.respond(subscribe, 200)
    bob.fromCallee('NOTIFY', subscribe, { extra: ['Event: dialog', 'Subscription-State: active'] })
    const notify = alice.requests('NOTIFY')[0]!
    expect(notify.values('record-route')).toHaveLength(4)
    // RFC 6665 s.4.4.1: the route comes from the NOTIFY.
    alice.request('SUBSCRIBE', bob.contact.slice(1, -1), {
      to: notify.header('from') ?? '',
      callId: sent.callId,
      fromTag: sent.fromTag,
      cseq: sent.cseq + 1,
      extra: ['Event: dialog', ...notify.values('record-route').map((route) => `Route: ${route}`)],
    })
    expect(bob.requests('SUBSCRIBE')).toHaveLength(2)
    // One that came by no route of ours stays without.
    bob.request('NOTIFY', `sip:alice@${DOMAIN}`, {
      to: `<sip:alice@${DOMAIN}>;tag=x`,
      extra: ['Event: dialog'],
    })
    expect(alice.requests('NOTIFY')[1]?.values('record-route')).toEqual([])
  })
})
