/** The way out of the overlay: adapter-mapping s.1.1 (numbers), s.4.6 (other domains), s.4.8 (who may). */
import { describe, expect, it } from 'vitest'
import type { OutsideRules, SipAction } from '../../../../src/sip/core/contract.ts'
import {
  DOMAIN,
  SipWorld,
  TestAccounts,
  type Phone,
  type SettingsOverride,
  type TestNode,
} from '../../../support/sip-phones.ts'

const RULES: OutsideRules = {
  routes: [],
  gateway: undefined,
  telContext: undefined,
  dnsAlso: false,
  forwardToForeign: true,
}
const BOB = `sip:bob@${DOMAIN}`

interface Stage {
  readonly world: SipWorld
  readonly node: TestNode
  readonly alice: Phone
  /** What stands outside at 10.0.0.2 and takes every call. */
  readonly gateway: Phone
}

function stage(rules: Partial<OutsideRules>, settings: SettingsOverride = {}): Stage {
  const world = new SipWorld()
  const accounts = new TestAccounts().add('alice').add('bob').add('+4930123')
  const node = world.node('192.0.2.1', { outside: { ...RULES, ...rules }, ...settings }, accounts)
  const alice = world.phone('alice', node)
  return { world, node, alice, gateway: world.phone('gateway', node) }
}

function uris(phone: Phone, method = 'INVITE'): string[] {
  return phone.requests(method).map(({ requestUri }) => requestUri)
}

function taken<K extends SipAction['kind']>(node: TestNode, kind: K): Extract<SipAction, { kind: K }>[] {
  return node.actions.filter((action): action is Extract<SipAction, { kind: K }> => action.kind === kind)
}

describe('telephone numbers (M-04)', () => {
  const GATEWAY = { gateway: 'sip:10.0.0.2:5060' }

  it('M-04 tel and user=phone name the same AOR, whatever separators stand in the number', () => {
    const s = stage(GATEWAY, { telDomain: DOMAIN })
    const desk = s.world.phone('+4930123', s.node)
    desk.register()
    for (const uri of ['tel:+49-30-123', `sip:+49(30)123@${DOMAIN};user=phone`, `sip:+4930123@${DOMAIN}`])
      s.alice.request('INVITE', uri)
    expect(desk.requests('INVITE')).toHaveLength(3)
    expect(s.gateway.requests('INVITE')).toHaveLength(0)
  })

  it('M-04 E15 without a domain for numbers a tel URI is 416', () => {
    const s = stage(GATEWAY)
    s.alice.request('INVITE', 'tel:+49-30-123')
    expect(s.alice.last().status).toBe(416)
  })

  it('M-04 a number that nobody in the overlay has goes to the gateway, and only then', () => {
    const s = stage(GATEWAY, { telDomain: DOMAIN })
    s.node.locateAnswer = () => undefined
    s.alice.request('INVITE', 'tel:+1-555-1234')
    expect(s.gateway.requests('INVITE')).toHaveLength(0)
    const [asked] = taken(s.node, 'locate')
    expect(asked?.aor).toBe(`+15551234@${DOMAIN}`)
    const outcome = { kind: 'found', targets: [], userExists: false, loop: false } as const
    s.node.input({ kind: 'located', id: asked!.id, outcome })
    s.world.settle()
    expect(uris(s.gateway)).toEqual(['sip:+15551234@10.0.0.2:5060;user=phone'])
    s.gateway.respond(s.gateway.requests('INVITE')[0]!, 183)
    s.gateway.respond(s.gateway.requests('INVITE')[0]!, 200)
    expect(s.alice.statuses('INVITE')).toEqual([100, 183, 200])
  })

  it('M-04 a user of the overlay who has that number but no phone is 480, not a call into the telephone network', () => {
    const s = stage(GATEWAY)
    s.alice.request('INVITE', `sip:+4930123@${DOMAIN}`)
    expect(s.alice.last().status).toBe(480)
    expect(s.gateway.requests('INVITE')).toHaveLength(0)
  })

  describe('a number to which a user has his calls forwarded', () => {
    const contact = `sip:+15551234@${DOMAIN}`

    it('M-04 S3261-16.5-02 goes to the gateway when nobody inside has it, by a 302 and by a REGISTER', () => {
      for (const lookup of ['parallel', 'localOnly'] as const) {
        const s = stage(GATEWAY, { lookup })
        const bob = s.world.phone('bob', s.node)
        bob.register()
        s.alice.request('INVITE', BOB)
        bob.respond(bob.requests('INVITE')[0]!, 302, { contact: `<${contact}>` })
        expect(uris(s.gateway)).toEqual(['sip:+15551234@10.0.0.2:5060;user=phone'])
        s.gateway.respond(s.gateway.requests('INVITE')[0]!, 486)
        expect(s.alice.last().status).toBe(486)
        bob.register({ extra: ['Expires: 0'] })
        bob.register({ contact: `<${contact}>` })
        s.alice.request('INVITE', BOB)
        expect(s.gateway.requests('INVITE')).toHaveLength(2)
      }
    })

    it('M-04 rings the user of the overlay who has it', () => {
      const s = stage(GATEWAY)
      const [bob, desk] = [s.world.phone('bob', s.node), s.world.phone('+4930123', s.node)]
      bob.register()
      desk.register()
      s.alice.request('INVITE', BOB)
      bob.respond(bob.requests('INVITE')[0]!, 302, { contact: `<sip:+4930123@${DOMAIN}>` })
      expect(desk.requests('INVITE')).toHaveLength(1)
      desk.register({ extra: ['Expires: 0'] })
      s.alice.request('INVITE', BOB)
      bob.respond(bob.requests('INVITE')[1]!, 302, { contact: `<sip:+4930123@${DOMAIN}>` })
      expect(s.alice.last().status).toBe(480)
      expect(s.gateway.requests('INVITE')).toHaveLength(0)
    })

    it('M-04 is that of a user here whose phones are off: nobody outside', () => {
      const s = stage(GATEWAY, { lookup: 'localOnly' })
      const bob = s.world.phone('bob', s.node)
      bob.register()
      s.alice.request('INVITE', BOB)
      bob.respond(bob.requests('INVITE')[0]!, 302, { contact: `<sip:+4930123@${DOMAIN}>` })
      expect(s.alice.last().status).toBe(480)
      expect(s.gateway.requests('INVITE')).toHaveLength(0)
    })

    it('S-24 M-04 is not for who may not call outside, nor where forwarding leaves nothing outside', () => {
      const followed = (rules: Partial<OutsideRules>, settings: SettingsOverride, from?: string): number => {
        const s = stage({ ...GATEWAY, ...rules }, settings)
        const bob = s.world.phone('bob', s.node)
        bob.register()
        s.alice.request('INVITE', BOB, from === undefined ? {} : { from })
        bob.respond(bob.requests('INVITE')[0]!, 302, { contact: `<${contact}>` })
        expect(s.alice.last().status).toBe(480)
        return s.gateway.requests('INVITE').length
      }
      expect(followed({}, {}, '<sip:carol@example.org>')).toBe(0)
      expect(followed({}, { policy: { callOutside: 'none', strangers: 'allow' } })).toBe(0)
      expect(followed({ forwardToForeign: false }, {})).toBe(0)
    })
  })

  it('M-04 names are no numbers: 404', () => {
    const s = stage(GATEWAY)
    for (const name of ['carol', '+carol', '12a', '+']) {
      s.alice.request('INVITE', `sip:${name}@${DOMAIN}`)
      expect(s.alice.last().status, name).toBe(404)
    }
    expect(s.gateway.requests('INVITE')).toHaveLength(0)
  })

  it('M-04 local numbers: AORs only with telContext, dialled digits reach the gateway all the same', () => {
    const s = stage(GATEWAY, { telDomain: DOMAIN })
    s.alice.request('INVITE', 'tel:7042;phone-context=example.com')
    expect(s.alice.last().status).toBe(404)
    s.alice.request('INVITE', `sip:030123@${DOMAIN}`)
    expect(uris(s.gateway)).toEqual(['sip:030123@10.0.0.2:5060'])
    const t = stage({ ...GATEWAY, telContext: '+49-30' }, { telDomain: DOMAIN })
    t.alice.request('INVITE', 'tel:7042;phone-context=+4930')
    t.alice.request('INVITE', `sip:70-43;phone-context=+49(30)@${DOMAIN};user=phone`)
    t.alice.request('INVITE', 'tel:7044;phone-context=example.com')
    expect(t.alice.last().status).toBe(404)
    expect(uris(t.gateway)).toEqual([
      'sip:7042;phone-context=+49-30@10.0.0.2:5060;user=phone',
      'sip:7043;phone-context=+49-30@10.0.0.2:5060;user=phone',
    ])
  })

  it('RFC 3261 s.19.1.6 extension, subaddress and post-dial digits reach the gateway behind the number, and nothing else does', () => {
    const s = stage({ ...GATEWAY, telContext: '+49-30' }, { telDomain: DOMAIN })
    const cases: [dialled: string, user: string][] = [
      ['tel:+4940-1;ext=2-2', '+49401;ext=22'],
      ['tel:+49401;POSTD=PP22%23;isub=1411', '+49401;isub=1411;postd=pp22%23'],
      [`sip:+49(40)1;ext=22@${DOMAIN};user=phone`, '+49401;ext=22'],
      [`sip:+49401;postd=w1;ext=2@${DOMAIN};user=Phone;ext=9`, '+49401;ext=2;postd=w1'],
      ['tel:7042;postd=p1;phone-context=+4930;isub=5', '7042;isub=5;phone-context=+49-30;postd=p1'],
      ['tel:+49401;tgrp=x;trunk-context=evil.example;rn=+49;npdi;ext=3', '+49401;ext=3'],
      ['tel:+49401;ext=1%3Btgrp%3Dx;postd=1%40evil;isub=1%3b', '+49401'],
      ['tel:+49401;ext;isub=;postd=--', '+49401'],
      [`sip:+49401@${DOMAIN};user=phone;ext=22`, '+49401'],
    ]
    for (const [dialled] of cases) s.alice.request('MESSAGE', dialled)
    expect(uris(s.gateway, 'MESSAGE')).toEqual(
      cases.map(([, user]) => `sip:${user}@10.0.0.2:5060;user=phone`),
    )
  })

  it('M-04 emergency calls do not depend on the overlay: the gateway is tried when it cannot be asked', () => {
    const s = stage(GATEWAY)
    s.node.locateAnswer = () => ({
      kind: 'failed',
      status: 503,
      reason: 'Overlay Unavailable',
      retryAfterS: 30,
    })
    s.alice.request('INVITE', `sip:112@${DOMAIN}`)
    expect(uris(s.gateway)).toEqual(['sip:112@10.0.0.2:5060'])
  })

  it('M-04 routes by prefix come before the gateway, the first that fits; with lr the next hop goes into Route', () => {
    const s = stage({
      gateway: 'sip:10.0.0.99',
      routes: [
        { prefix: '+49', to: 'sip:10.0.0.2:5060;lr' },
        { prefix: '+', to: 'sip:10.0.0.98' },
      ],
    })
    s.alice.request('INVITE', `sip:+4940555@${DOMAIN}`)
    expect(uris(s.gateway)).toEqual([`sip:+4940555@${DOMAIN};user=phone`])
    expect(s.gateway.requests('INVITE')[0]?.values('route')).toEqual(['<sip:10.0.0.2:5060;lr>'])
    const sent = (): string[] => taken(s.node, 'sendDatagram').map(({ host }) => host)
    s.alice.request('INVITE', `sip:+33155@${DOMAIN}`)
    s.alice.request('INVITE', `sip:033155@${DOMAIN}`)
    expect(sent()).toContain('10.0.0.98')
    expect(sent()).toContain('10.0.0.99')
  })

  it('E46 S-24 strangers do not reach the gateway: to them the number is nobody', () => {
    const s = stage(GATEWAY, { telDomain: DOMAIN })
    const stranger = s.world.phone('eve', s.node, { fromDomain: 'evil.example' })
    for (const uri of [`sip:+15551234@${DOMAIN}`, 'tel:+1-555-1234', `sip:+1555@${DOMAIN};user=phone`]) {
      stranger.request('INVITE', uri)
      expect(stranger.last().status).toBe(404)
    }
    expect(s.gateway.requests('INVITE')).toHaveLength(0)
  })

  it('E46 an account that may not call outside does not reach the gateway either', () => {
    const s = stage(GATEWAY, { policy: { callOutside: 'none', strangers: 'allow' } })
    s.alice.request('INVITE', `sip:+15551234@${DOMAIN}`)
    expect(s.alice.last().status).toBe(404)
    expect(s.gateway.requests('INVITE')).toHaveLength(0)
  })
})

describe('other domains', () => {
  it('R7904-4.1-04 static routes come before DNS: by domain, by what lies below one, by all', () => {
    const s = stage({
      routes: [
        { domain: 'Example.net', to: 'sip:10.0.0.2;transport=udp' },
        { domain: '*.example.org', to: 'sip:10.0.0.2' },
      ],
    })
    s.alice.request('INVITE', 'sip:friend@example.net')
    s.alice.request('INVITE', 'sip:friend@pbx.example.org')
    expect(uris(s.gateway)).toEqual(['sip:friend@example.net', 'sip:friend@pbx.example.org'])
    expect(taken(s.node, 'resolve')).toEqual([])
    s.alice.request('INVITE', 'sip:friend@example.org')
    expect(taken(s.node, 'resolve').map(({ host }) => host)).toEqual(['example.org'])
    const all = stage({ routes: [{ domain: '*', to: 'sip:10.0.0.2' }] })
    all.alice.request('INVITE', 'sip:friend@anywhere.example')
    expect(uris(all.gateway)).toEqual(['sip:friend@anywhere.example'])
  })

  it('R7904-4.1-04 a next hop that is an overlay GRUU is a node of the overlay', () => {
    const world = new SipWorld()
    const accounts = (): TestAccounts => new TestAccounts().add('alice')
    const exit = world.node(
      '192.0.2.2',
      { overlayExit: true, outside: { ...RULES, routes: [{ domain: '*', to: 'sip:10.0.0.2' }] } },
      accounts(),
    )
    const node = world.node(
      '192.0.2.1',
      { outside: { ...RULES, routes: [{ domain: '*', to: `sip:exit@${DOMAIN};gr=${exit.gr}` }] } },
      accounts(),
    )
    const alice = world.phone('alice', node)
    const friend = world.phone('friend', exit)
    expect(alice.registerFully().status).toBe(200)
    alice.request('INVITE', 'sip:friend@example.net')
    expect(uris(friend)).toEqual(['sip:friend@example.net'])
    friend.respond(friend.requests('INVITE')[0]!, 200)
    expect(alice.statuses('INVITE')).toEqual([100, 200])
  })

  it('a sips call goes to a route by TLS or not at all', () => {
    const s = stage({
      routes: [
        { domain: 'example.net', to: 'sip:10.0.0.2;transport=udp' },
        { domain: 'example.org', to: 'sip:10.0.0.2' },
      ],
    })
    s.alice.request('INVITE', 'sips:friend@example.net')
    s.alice.request('INVITE', 'sips:friend@example.org')
    expect(s.gateway.requests('INVITE')).toHaveLength(0)
    expect(taken(s.node, 'openFlow').map(({ transport, port }) => `${transport} ${port}`)).toEqual([
      'tls 5061',
    ])
  })

  it('S3261-16.6-02 a method in the URI that is called, or that a user has his calls forwarded to, goes no further, nor do headers', () => {
    const s = stage({ routes: [{ domain: 'example.net', to: 'sip:10.0.0.2:5060' }] })
    s.alice.request('MESSAGE', 'sip:x@example.net;method=INVITE;a=b')
    s.alice.request('MESSAGE', 'sip:x@example.net;method=INVITE', {
      extra: ['Route: <sip:10.0.0.2:5060;lr>'],
    })
    const targets = [{ kind: 'uri' as const, uri: 'sip:y@example.net;method=INVITE?Route=%3Csip:z%3E' }]
    s.node.locateAnswer = () => ({ kind: 'found', targets, userExists: true, loop: false })
    s.alice.request('MESSAGE', BOB)
    expect(uris(s.gateway, 'MESSAGE')).toEqual([
      'sip:x@example.net;a=b',
      'sip:x@example.net',
      'sip:y@example.net',
    ])
  })

  it('a user may have calls forwarded to another domain unless forwardToForeign forbids it', () => {
    for (const [forwardToForeign, rings] of [
      [true, 1],
      [false, 0],
    ] as const) {
      const s = stage({ forwardToForeign, routes: [{ domain: 'example.net', to: 'sip:10.0.0.2' }] })
      const targets = [{ kind: 'uri' as const, uri: 'sip:mobile@example.net' }]
      s.node.locateAnswer = () => ({ kind: 'found', targets, userExists: true, loop: false })
      const stranger = s.world.phone('eve', s.node, { fromDomain: 'example.org' })
      stranger.request('INVITE', BOB)
      expect(s.gateway.requests('INVITE')).toHaveLength(rings)
      if (rings === 0) expect(stranger.last().status).toBe(480)
    }
  })
})

describe('our own maddr (RFC 3261 s.16.4)', () => {
  /** How the gateway, which is where DNS says that the other domain is, sees what alice has asked for. */
  function seen(uri: string, settings: SettingsOverride = {}, extra: readonly string[] = []): string[] {
    const s = stage({}, settings)
    s.node.resolveAnswer = () => ({
      ok: true,
      addresses: [{ host: s.gateway.host, port: 5060, transport: 'udp' }],
    })
    s.alice.request('MESSAGE', uri, { extra: [...extra] })
    return uris(s.gateway, 'MESSAGE')
  }

  it('S3261-16.4-02 is taken off with its port and transport before another domain is looked up', () => {
    for (const hops of [
      ':5060;maddr=192.0.2.1',
      ':5060;maddr=192.0.2.1;transport=udp',
      ':5060;transport=TCP;maddr=192.0.2.1',
      ';maddr=192.0.2.1',
      `;maddr=${DOMAIN}`,
      `:5060;maddr=${DOMAIN.toUpperCase()};transport=udp`,
    ])
      expect(seen(`sip:friend:word@example.net${hops};x=1`), hops).toEqual([
        'sip:friend:word@example.net;x=1',
      ])
    const wildcard = {
      id: 0,
      transport: 'udp',
      host: '0.0.0.0',
      port: 25_300,
      advertisedHost: '192.0.2.1',
    } as const
    const listeners = { listeners: [wildcard] }
    for (const host of ['127.0.0.1', '192.0.2.1'])
      expect(seen(`sip:friend@example.net:25300;maddr=${host}`, listeners)).toEqual([
        'sip:friend@example.net',
      ])
  })

  it('S3261-16.4-02 is taken off behind a Route of ours as well', () => {
    const route = ['Route: <sip:192.0.2.1;lr>']
    expect(seen('sip:friend@example.net:5060;maddr=192.0.2.1', {}, route)).toEqual(['sip:friend@example.net'])
  })

  it('S3261-16.4-02 stays where its port, transport or host is that of somebody else', () => {
    for (const hops of [':5070;maddr=192.0.2.1', ';maddr=192.0.2.1;transport=tls', ';maddr=10.0.0.2']) {
      const s = stage({})
      s.alice.request('MESSAGE', `sip:friend@example.net${hops}`)
      expect(taken(s.node, 'resolve'), hops).toEqual([])
      const sent = taken(s.node, 'sendDatagram').map(({ bytes }) => Buffer.from(bytes).toString('latin1'))
      const away = sent.some((text) => text.startsWith(`MESSAGE sip:friend@example.net${hops} `))
      expect(away || taken(s.node, 'openFlow').length === 1, hops).toBe(true)
    }
  })
})

describe('a hosted domain that is in DNS as well (dnsAlso)', () => {
  function also(settings: SettingsOverride = {}): Stage {
    const s = stage({ dnsAlso: true }, settings)
    s.node.resolveAnswer = () => ({
      ok: true,
      addresses: [
        { host: '192.0.2.1', port: 5060, transport: 'udp' },
        { host: s.gateway.host, port: 5060, transport: 'udp' },
      ],
    })
    return s
  }

  it('R7904-4.1-05 a user whom the overlay does not know is looked for there, but never here again', () => {
    const s = also()
    s.alice.request('INVITE', `sip:carol@${DOMAIN}`)
    expect(taken(s.node, 'resolve').map(({ host }) => host)).toEqual([DOMAIN])
    expect(uris(s.gateway)).toEqual([`sip:carol@${DOMAIN}`])
    s.node.resolveAnswer = () => ({
      ok: true,
      addresses: [{ host: '192.0.2.1', port: 5060, transport: 'udp' }],
    })
    s.alice.request('INVITE', `sip:dora@${DOMAIN}`)
    expect(s.alice.last().status).toBe(404)
  })

  it('a user of the overlay is not, nor anybody for a stranger, nor when the overlay could not be asked', () => {
    const s = also()
    s.alice.request('INVITE', BOB)
    expect(s.alice.last().status).toBe(480)
    s.world.phone('eve', s.node, { fromDomain: 'evil.example' }).request('INVITE', `sip:carol@${DOMAIN}`)
    s.node.locateAnswer = () => ({ kind: 'failed', status: 504, reason: 'Overlay Timeout' })
    s.alice.request('INVITE', `sip:carol@${DOMAIN}`)
    expect(s.alice.last().status).toBe(504)
    expect(taken(s.node, 'resolve')).toEqual([])
  })
})

describe('calls of peers (adapter-mapping s.4.8)', () => {
  interface Peers {
    readonly world: SipWorld
    readonly a: TestNode
    readonly b: TestNode
    readonly bob: Phone
    readonly gateway: Phone
    /** Sends a request to `b` on a peer flow of `a`; what comes back on it. */
    send(method: string, uri: string, from?: string): string[]
  }

  function peers(settings: SettingsOverride): Peers {
    const world = new SipWorld()
    const accounts = (): TestAccounts => new TestAccounts().add('alice').add('bob')
    const a = world.node('192.0.2.1', {}, accounts())
    const b = world.node('192.0.2.2', settings, accounts())
    const bob = world.phone('bob', b)
    const gateway = world.phone('gateway', b)
    bob.register()
    let calls = 0
    const send = (method: string, uri: string, from = `alice@${DOMAIN}`): string[] => {
      const flows = world.join(a, b)
      const before = b.actions.length
      const lines = [
        `${method} ${uri} SIP/2.0`,
        `Via: SIP/2.0/TLS ${a.hex}.${DOMAIN};branch=z9hG4bKexit${++calls}`,
        'Max-Forwards: 70',
        `From: <sip:${from}>;tag=1`,
        `To: <${uri}>`,
        `Call-ID: exit-${calls}`,
        `CSeq: 1 ${method}`,
        'Content-Length: 0',
      ]
      b.input({
        kind: 'flowData',
        flow: flows.b,
        bytes: Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'),
      })
      world.settle()
      return b.actions
        .slice(before)
        .flatMap((action) => (action.kind === 'sendFlow' && action.flow === flows.b ? [action] : []))
        .map((action) => Buffer.from(action.bytes).toString('latin1').slice(8, 11))
    }
    return { world, a, b, bob, gateway, send }
  }

  const EXIT: SettingsOverride = {
    overlayExit: true,
    outside: { ...RULES, gateway: 'sip:10.0.0.2', routes: [{ domain: '*', to: 'sip:10.0.0.2' }] },
  }

  it('M-22 S-24 leave here for other domains and numbers only with overlayExit, and only when the overlay confirms the caller', () => {
    const p = peers(EXIT)
    p.b.callerAnswer = (aor) => ({ verified: aor === `alice@${DOMAIN}`, validMs: 60_000 })
    expect(p.send('INVITE', 'sip:friend@example.net')).toEqual(['100', '100'])
    expect(p.send('MESSAGE', `sip:+4940555@${DOMAIN}`)).toEqual([])
    expect(uris(p.gateway)).toEqual(['sip:friend@example.net'])
    expect(uris(p.gateway, 'MESSAGE')).toEqual(['sip:+4940555@10.0.0.2;user=phone'])
    expect(p.send('MESSAGE', 'sip:friend@example.net', `bob@${DOMAIN}`)).toEqual(['403'])
    expect(p.send('MESSAGE', `sip:+4940555@${DOMAIN}`, `bob@${DOMAIN}`)).toEqual(['404'])
    expect(p.send('MESSAGE', 'sip:friend@example.net', 'eve@evil.example')).toEqual(['403'])
    expect(p.gateway.requests('MESSAGE')).toHaveLength(1)
    const closed = peers({ ...EXIT, overlayExit: false })
    expect(closed.send('MESSAGE', 'sip:friend@example.net')).toEqual(['403'])
    expect(closed.send('MESSAGE', `sip:+4940555@${DOMAIN}`)).toEqual(['404'])
  })

  it('M-22 wait for the answer of the overlay with a transaction of their own, and can be cancelled meanwhile', () => {
    const p = peers(EXIT)
    p.b.callerAnswer = () => undefined
    expect(p.send('INVITE', 'sip:friend@example.net')).toEqual(['100'])
    expect(p.gateway.requests('INVITE')).toHaveLength(0)
    const [asked] = taken(p.b, 'verifyCaller')
    expect(asked).toMatchObject({ aor: `alice@${DOMAIN}`, peer: p.a.hex })
    p.b.input({ kind: 'callerVerified', id: asked!.id, verified: true, validMs: 1_000 })
    p.world.settle()
    expect(p.gateway.requests('INVITE')).toHaveLength(1)
  })

  it('M-22 nobody answers: the caller is not confirmed, and not refused for good either', () => {
    const p = peers({ ...EXIT, verifyCaller: 'reject' })
    p.b.callerAnswer = () => undefined
    const before = p.b.actions.length
    p.send('MESSAGE', BOB)
    p.world.advance(8_000)
    const answers = p.b.actions
      .slice(before)
      .flatMap((action) => (action.kind === 'sendFlow' ? [Buffer.from(action.bytes).toString('latin1')] : []))
    expect(answers.map((text) => text.slice(8, 11))).toEqual(['480'])
    expect(p.bob.requests('MESSAGE')).toHaveLength(0)
  })

  it('M-22 verifyCaller: reject lets in whom the overlay confirms, and callers of other domains; the rest is 403', () => {
    const p = peers({ verifyCaller: 'reject' })
    p.b.callerAnswer = (aor) => ({ verified: aor === `alice@${DOMAIN}`, validMs: 60_000 })
    expect(p.send('MESSAGE', BOB)).toEqual([])
    expect(p.send('MESSAGE', BOB, `carol@${DOMAIN}`)).toEqual(['403'])
    expect(p.send('MESSAGE', BOB, 'friend@example.net')).toEqual([])
    expect(p.bob.requests('MESSAGE')).toHaveLength(2)
    // The answer is known by now: no further question.
    p.send('MESSAGE', BOB)
    expect(taken(p.b, 'verifyCaller').map(({ aor }) => aor)).toEqual([`alice@${DOMAIN}`, `carol@${DOMAIN}`])
  })
})

describe('sip.alwaysProxy', () => {
  /** `inside` lets nobody out itself; `exit` has a record and does. */
  function between(): { world: SipWorld; inside: TestNode; exit: TestNode; alice: Phone; far: Phone } {
    const world = new SipWorld()
    const accounts = (): TestAccounts => new TestAccounts().add('alice')
    const inside = world.node('192.0.2.1', { alwaysProxy: true, outside: RULES }, accounts())
    const exit = world.node('192.0.2.2', { overlayExit: true, outside: RULES }, accounts())
    const alice = world.phone('alice', inside)
    alice.register()
    const far = world.phone('far', exit)
    const found = [{ host: far.host, port: 5060, transport: 'udp' as const }]
    for (const node of [inside, exit]) node.resolveAnswer = () => ({ ok: true, addresses: found })
    const plain = { kind: 'peer' as const, aor: undefined, secureOnly: false }
    const targets = [
      { ...plain, address: 'node:00' },
      { ...plain, address: `node:${exit.hex}`, exit: true },
    ]
    inside.locateAnswer = (aor) => {
      expect(aor).toBe(`_proxy@${DOMAIN}`)
      return { kind: 'found', targets, userExists: true, loop: false }
    }
    return { world, inside, exit, alice, far }
  }

  it('M-30 a call to another domain leaves by a proxy of the own domain that is an exit, as it came', () => {
    const s = between()
    s.alice.request('INVITE', 'sip:x@example.net:5070')
    expect(uris(s.far)).toEqual(['sip:x@example.net:5070'])
    expect(taken(s.inside, 'resolve')).toHaveLength(0)
    expect(taken(s.exit, 'resolve').map(({ host }) => host)).toEqual(['example.net'])
    s.far.respond(s.far.requests('INVITE')[0]!, 486)
    // Whoever was reached has spoken.
    expect(s.alice.statuses('INVITE').at(-1)).toBe(486)
    expect(taken(s.inside, 'resolve')).toHaveLength(0)
  })

  it.each([408, 480, 503])(
    'M-30 what somebody outside says is final, a %i as well: he is not called again by another way',
    (status) => {
      const s = between()
      s.alice.request('INVITE', 'sip:x@example.net')
      s.far.respond(s.far.requests('INVITE')[0]!, status)
      expect(s.far.requests('INVITE')).toHaveLength(1)
      expect(taken(s.inside, 'resolve')).toHaveLength(0)
      // RFC 3261 s.16.7 item 6: a 503 of somebody behind us is none of ours.
      expect(s.alice.statuses('INVITE').at(-1)).toBe(status === 503 ? 500 : status)
    },
  )

  it('M-30 by DNS when the exit cannot be reached, or is silent for a second', () => {
    const s = between()
    s.world.dead.add(s.exit)
    s.alice.request('INVITE', 'sip:x@example.net')
    expect(taken(s.inside, 'resolve')).toHaveLength(1)
    expect(s.far.requests('INVITE')).toHaveLength(1)
    s.world.dead.clear()
    const listen = s.exit.input.bind(s.exit)
    s.exit.input = (input) => {
      if (input.kind === 'timeout') listen(input)
    }
    s.alice.request('INVITE', 'sip:y@example.net')
    s.world.advance(900)
    expect(taken(s.inside, 'resolve')).toHaveLength(1)
    s.world.advance(200)
    expect(taken(s.inside, 'resolve')).toHaveLength(2)
  })

  it('M-30 a route of the operator comes before it, and without the key nobody looks', () => {
    const s = between()
    const other = s.world.node('192.0.2.3', { outside: RULES })
    const carol = s.world.phone('carol', other)
    carol.request('INVITE', 'sip:x@example.net')
    expect(taken(other, 'locate')).toHaveLength(0)
    const routes = [{ domain: 'example.net', to: 'sip:10.0.0.77' }]
    const routed = s.world.node('192.0.2.4', { alwaysProxy: true, outside: { ...RULES, routes } })
    s.world.phone('dave', routed).request('INVITE', 'sip:x@example.net')
    expect(taken(routed, 'locate')).toHaveLength(0)
  })
})
