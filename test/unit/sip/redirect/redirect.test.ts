import { describe, expect, it } from 'vitest'
import { parseRedirectProxy } from '../../../../src/sip/redirect/redirect-proxies.ts'
import { contactHeaders, viaProxy } from '../../../../src/sip/redirect/redirect-contacts.ts'
import { DOMAIN, SipWorld, TestAccounts, type Phone, type TestNode } from '../../../support/sip-phones.ts'

const BOB = `sip:bob@${DOMAIN}`
const REDIRECT = { registrar: true, proxy: false, redirect: true }

function setUp(
  redirectProxies: readonly string[] = ['192.0.2.2:5060;transport=udp'],
  redirectUse305 = false,
): {
  world: SipWorld
  r: TestNode
  p: TestNode
  alice: Phone
} {
  const world = new SipWorld()
  const accounts = (): TestAccounts => new TestAccounts().add('alice').add('bob').add('carol')
  const r = world.node('192.0.2.1', { roles: REDIRECT, redirectProxies, redirectUse305 }, accounts())
  const p = world.node('192.0.2.2', {}, accounts())
  return { world, r, p, alice: world.phone('alice', r) }
}

describe('redirect mode', () => {
  it('S3261-21.3-02 S3261-8.3-04 a phone that others reach directly is named with its expiry', () => {
    const { world, r, alice } = setUp()
    const bob = world.phone('bob', r)
    bob.register({ contact: `${bob.contact};q=0.7`, extra: ['Expires: 100'] })
    world.advance(10_000)
    alice.request('INVITE', BOB)
    expect(alice.last().status).toBe(302)
    expect(alice.last().values('contact')).toEqual([`<sip:bob@${bob.host}:5060>;q=0.7;expires=90`])
    expect(bob.requests('INVITE')).toHaveLength(0)
  })

  it('who comes back with the same request more than five times in 32 s is told of the loop', () => {
    const { world, p, alice } = setUp()
    world.phone('bob', p).register()
    const again = (): number => {
      alice.request('INVITE', BOB, { callId: 'round' })
      return alice.last().status
    }
    expect([again(), again(), again(), again(), again(), again()]).toEqual([302, 302, 302, 302, 302, 482])
    world.advance(33_000)
    expect(again()).toBe(302)
  })

  it('M-27 S3261-8.3-02 a user elsewhere is the same AOR by way of a proxy, and that works', () => {
    const { world, p, alice } = setUp()
    const bob = world.phone('bob', p)
    bob.register()
    const sent = alice.request('INVITE', BOB)
    expect(alice.last().status).toBe(302)
    const contact = alice.last().values('contact')[0]!
    expect(contact).toBe(`<${BOB};maddr=192.0.2.2;transport=udp>;q=1.0;expires=60`)
    alice.inDialog('ACK', sent, alice.last(), { branch: sent.branch })
    // The phone follows it to the proxy, which takes its own maddr off.
    const atProxy = world.phone('alice', p)
    atProxy.request('INVITE', /<([^>]*)>/.exec(contact)![1]!)
    expect(bob.requests('INVITE')).toHaveLength(1)
    expect(bob.requests('INVITE')[0]!.requestUri).not.toContain('maddr')
  })

  it('M-27 S3261-16.4-02 a proxy strips its maddr, port and transport before it sends the request to a peer', () => {
    const { world, r, p } = setUp()
    const third = world.node('192.0.2.3', {}, new TestAccounts().add('bob'))
    const bob = world.phone('bob', third)
    bob.register()
    const alice = world.phone('alice', p)
    alice.request('INVITE', `sip:bob@${DOMAIN}:5070;maddr=192.0.2.2;transport=tcp`)
    expect(bob.requests('INVITE')).toHaveLength(1)
    const sent = p.actions.flatMap((a) =>
      a.kind === 'sendFlow' ? [Buffer.from(a.bytes).toString('latin1')] : [],
    )
    expect(sent.find((text) => text.startsWith('INVITE'))).toContain(`INVITE sip:bob@${DOMAIN} SIP/2.0`)
    expect(r.actions.filter((a) => a.kind === 'locate')).toHaveLength(0)
  })

  it('S3261-8.3-01 E24 S3261-8.3-03 issues no requests, ignores unknown methods and Require', () => {
    const { world, r, p, alice } = setUp()
    world.phone('bob', p).register()
    alice.request('WONDER', BOB, { extra: ['Require: nothing', 'Proxy-Require: nobody'] })
    expect(alice.last().status).toBe(302)
    const sent = r.actions.flatMap((a) =>
      a.kind === 'sendDatagram' ? [Buffer.from(a.bytes).toString('latin1')] : [],
    )
    expect(sent.every((text) => text.startsWith('SIP/2.0 '))).toBe(true)
  })

  it('S3261-8.3-05 S3261-8.3-01 keeps a transaction: repeats get the same answer, CANCEL gets 200, a stray one 481', () => {
    const { r, alice } = setUp()
    r.locateAnswer = () => undefined
    const sent = alice.request('INVITE', BOB, { branch: 'z9hG4bKone', callId: 'one' })
    alice.cancel(sent)
    expect(alice.statuses('CANCEL')).toEqual([200])
    alice.request('CANCEL', BOB)
    expect(alice.statuses('CANCEL')).toEqual([200, 481])
    const id = r.actions.flatMap((a) => (a.kind === 'locate' ? [a.id] : []))[0]!
    r.input({ kind: 'located', id, outcome: { kind: 'found', targets: [], userExists: false, loop: false } })
    alice.world.settle()
    alice.request('INVITE', BOB, { branch: 'z9hG4bKone', callId: 'one' })
    expect(alice.statuses('INVITE')).toEqual([480, 480])
  })

  it('S3261-21.3-02 480 for a user without phones, 404 for nobody and for other domains', () => {
    const { alice } = setUp()
    alice.request('INVITE', BOB)
    expect(alice.last().status).toBe(480)
    alice.request('INVITE', `sip:nobody@${DOMAIN}`)
    expect(alice.last().status).toBe(404)
    alice.request('INVITE', 'sip:x@example.org')
    expect(alice.last().status).toBe(404)
  })

  it('M-27 a user who forwards to another: the phones of that one, or with resolveUri off his name', () => {
    for (const [redirectResolveUri, follow] of [
      [true, undefined],
      [false, false],
    ] as const) {
      const world = new SipWorld()
      const accounts = new TestAccounts().add('alice').add('bob')
      const redirectProxies = ['192.0.2.2:5060']
      const node = world.node('192.0.2.1', { roles: REDIRECT, redirectResolveUri, redirectProxies }, accounts)
      const targets = [{ kind: 'uri', uri: `sip:carol@${DOMAIN}` }] as const
      node.locateAnswer = () => ({ kind: 'found', targets, userExists: true, loop: false })
      const alice = world.phone('alice', node)
      alice.request('INVITE', BOB)
      expect(node.actions.flatMap((a) => (a.kind === 'locate' ? [a.follow] : []))).toEqual([follow])
      expect(alice.last().values('contact')).toEqual([`<sip:carol@${DOMAIN}>;q=1.0;expires=60`])
    }
  })

  it('M-27 whoever has his calls forwarded by REGISTER is named by the phones of the other one alone', () => {
    const { world, r, alice } = setUp()
    const bob = world.phone('bob', r)
    bob.register()
    const carol = world.phone('carol', r)
    carol.register({ contact: `<${BOB}>`, extra: ['Expires: 100'] })
    r.locateAnswer = () => ({
      kind: 'found',
      targets: [{ kind: 'local', aor: `bob@${DOMAIN}` }],
      userExists: true,
      loop: false,
    })
    alice.request('INVITE', `sip:carol@${DOMAIN}`)
    expect(alice.last().values('contact')).toEqual([`<sip:bob@${bob.host}:5060>;q=1.0;expires=3600`])
    // While the overlay says nothing, his own words lead there as well.
    r.locateAnswer = () => ({ kind: 'failed', status: 504, reason: 'Locate Timeout' })
    alice.request('INVITE', `sip:carol@${DOMAIN}`)
    expect(alice.last().values('contact')).toEqual([`<${BOB}>;q=1.0;expires=100`])
  })

  it('S3261-10.3-01 M-27 calls are forwarded to another domain by REGISTER at a redirect server, too', () => {
    const { world, r, alice } = setUp()
    const bob = world.phone('bob', r)
    bob.register({ contact: '<sip:bob@office.example.org>', extra: ['Expires: 100'] })
    expect(bob.last().status).toBe(200)
    alice.request('INVITE', BOB)
    expect(alice.last().values('contact')).toEqual(['<sip:bob@office.example.org>;q=1.0;expires=100'])
    // Behind a NAT a name in the Contact is as good as none: the phone writes it for itself.
    const behind = world.phone('bob', r, { privateHost: '192.168.1.9' })
    behind.register({ contact: '<sip:bob@office.example.org>' })
    expect(behind.last().status).toBe(403)
  })

  it('E44 without any proxy to name a user elsewhere is 480', () => {
    const { world, p, alice } = setUp([])
    world.phone('bob', p).register()
    alice.request('INVITE', BOB)
    expect(alice.last().status).toBe(480)
  })

  it('M-27 a phone that only its own flow reaches needs a proxy peer', () => {
    const { world, r } = setUp()
    const bob = world.phone('bob', r, { privateHost: '192.168.1.9' })
    bob.register()
    expect(bob.last().status).toBe(403)
  })

  it('S3261-22.1-01 challenges with 401', () => {
    const world = new SipWorld()
    const node = world.node(
      '192.0.2.1',
      { roles: REDIRECT, auth: 'digest' },
      new TestAccounts().add('alice').add('bob'),
    )
    const alice = world.phone('alice', node)
    const sent = alice.request('INVITE', BOB)
    expect(alice.last().status).toBe(401)
    alice.authenticate(sent, alice.last())
    expect(alice.last().status).toBe(480)
  })

  it('an in-dialog request is 481', () => {
    const { alice } = setUp()
    alice.request('BYE', BOB, { to: `<${BOB}>;tag=1` })
    expect(alice.last().status).toBe(481)
  })

  it('S3261-21.3-01 305 is sent only when configured', () => {
    const { world, r, p, alice } = setUp()
    world.phone('bob', p).register()
    alice.request('INVITE', BOB)
    expect(alice.last().status).toBe(302)
    expect(r.core.instruments.callAttempts.get('overlay|redirect')).toBe(1)
  })

  it('S3261-21.3-01 305 is for phones of ours, where there is one proxy and no other', () => {
    const one = setUp(['192.0.2.2:5060'], true)
    one.world.phone('bob', one.p).register()
    const stranger = one.world.phone('eve', one.r, { fromDomain: 'example.org' })
    for (const [phone, status] of [
      [one.alice, 305],
      [stranger, 302],
    ] as const) {
      phone.request('INVITE', BOB)
      expect(phone.last().status).toBe(status)
    }
    const two = setUp(['192.0.2.2:5060', '192.0.2.3:5060'], true)
    two.world.phone('bob', two.p).register()
    two.alice.request('INVITE', BOB)
    expect(two.alice.last().status).toBe(302)
    expect(two.alice.last().values('contact')).toHaveLength(2)
  })

  it('S3261-21.3-01 S5630-5.4-01 305 leads from sips to a proxy on TLS only', () => {
    const answers = (proxy: string): [number, string | undefined] => {
      const { world, p, alice } = setUp([proxy], true)
      world.phone('bob', p).register()
      alice.request('INVITE', BOB)
      expect(alice.last().status).toBe(305)
      alice.request('INVITE', `sips:bob@${DOMAIN}`)
      return [alice.last().status, alice.last().header('contact')]
    }
    expect(answers('192.0.2.2:5060;transport=tcp')).toEqual([480, undefined])
    expect(answers('192.0.2.2:5061;transport=tls')).toEqual([305, '<sips:192.0.2.2:5061;lr>'])
  })
})

describe('proxies on TLS', () => {
  it.each([
    // RFC 5630 s.5.4: who has registered with sip is not named by sips, as nobody could call him so.
    [
      'mirror',
      'sip',
      '<sip:alice@192.0.2.9;transport=tls>',
      false,
      'sip:bob@D:5071;maddr=192.0.2.2;transport=tls',
    ],
    ['mirror', 'sip', '<sip:alice@192.0.2.9>', false, undefined],
    ['sips', 'sip', '<sip:alice@192.0.2.9;transport=tls>', false, undefined],
    ['transport', 'sip', '<sip:alice@192.0.2.9>', false, 'sip:bob@D:5071;maddr=192.0.2.2;transport=tls'],
    ['mirror', 'sip', '<sip:alice@192.0.2.9>', true, 'sips:bob@D:5071;maddr=192.0.2.2'],
    ['mirror', 'sips', '<sips:alice@192.0.2.9>', false, 'sips:bob@D:5071;maddr=192.0.2.2'],
  ] as const)(
    'S5630-5.4-01 M-27 routes %s, a %s request of %s, callee with sips %s: %s',
    (tlsRoutes, scheme, contact, secureOnly, named) => {
      const world = new SipWorld()
      const redirectProxies = ['192.0.2.2:5071;transport=tls']
      const accounts = new TestAccounts().add('alice').add('bob')
      const r = world.node('192.0.2.1', { roles: REDIRECT, redirectProxies, tlsRoutes }, accounts)
      const target = { kind: 'peer' as const, address: 'node:1', aor: undefined, secureOnly }
      r.locateAnswer = () => ({ kind: 'found', targets: [target], userExists: true, loop: false })
      const alice = world.phone('alice', r)
      alice.request('INVITE', `${scheme}:bob@${DOMAIN}`, { contact })
      const uri = named?.replace('D', DOMAIN)
      expect(alice.last().status).toBe(uri === undefined ? 480 : 302)
      expect(alice.last().values('contact')).toEqual(uri === undefined ? [] : [`<${uri}>;q=1.0;expires=60`])
    },
  )
})

describe('redirect contacts', () => {
  it('M-27 proxies are read with UDP as the default', () => {
    expect(parseRedirectProxy('198.51.100.7')).toEqual({ host: '198.51.100.7', port: 5060, transport: 'udp' })
    expect(parseRedirectProxy('198.51.100.7:5070;transport=tcp')).toEqual({
      host: '198.51.100.7',
      port: 5070,
      transport: 'tcp',
    })
    expect(parseRedirectProxy('[2001:db8::1]:5060')).toMatchObject({ host: '2001:db8::1' })
    expect(parseRedirectProxy('<nothing>')).toBeUndefined()
    expect(viaProxy('a b@x.org', '', { host: '2001:db8::1', port: 5070, transport: 'tcp' }, 'none')).toBe(
      'sip:a%20b@x.org:5070;maddr=[2001:db8::1];transport=tcp',
    )
  })

  it('S3261-8.3-02 the Request-URI itself is never named, nothing twice, the most wanted first', () => {
    const contacts = [
      { uri: 'sip:a@x', q: 1000, expiresS: 60 },
      { uri: 'sip:b@x', q: 300, expiresS: 60 },
      { uri: 'sip:c@x', q: 1000, expiresS: 60 },
      { uri: 'sip:c@x', q: 500, expiresS: 60 },
    ]
    expect(contactHeaders(contacts, 'sip:a@x')).toEqual([
      '<sip:c@x>;q=1.0;expires=60',
      '<sip:b@x>;q=0.3;expires=60',
    ])
  })

  it('S3261-8.3-02 nor another spelling of it, which a phone makes that follows a redirection by way of this very server', () => {
    const { world, p, alice } = setUp()
    world.phone('bob', p).register()
    alice.request('INVITE', `sip:bob@${DOMAIN.toUpperCase()};transport=UDP;maddr=192.0.2.2`)
    expect(alice.last().status).toBe(404)
    expect(alice.last().has('contact')).toBe(false)
  })
})

describe('proxies that say so in the overlay', () => {
  const record = (node: TestNode, ...addresses: readonly string[]) => ({
    kind: 'peer' as const,
    address: `node:${node.hex}`,
    aor: undefined,
    secureOnly: false,
    node: node.hex,
    addresses,
  })

  function staged(addresses: readonly string[]): ReturnType<typeof setUp> & { asked: () => number } {
    const s = setUp([])
    const records = [record(s.p, ...addresses), record(s.r, '192.0.2.9:5060/tcp')]
    const usual = s.r.locateAnswer
    s.r.locateAnswer = (aor) => {
      s.r.locateAnswer = usual
      if (aor !== `_proxy@${DOMAIN}`) throw new Error(`${aor} before the proxies`)
      return { kind: 'found', targets: records, userExists: true, loop: false }
    }
    const asked = (): number =>
      s.r.actions.filter((one) => one.kind === 'locate' && one.aor.startsWith('_proxy@')).length
    return { ...s, asked }
  }

  it('M-30 M-27 the node that serves the callee is named by its own record, for a GRUU any of them; asked for once a minute', () => {
    const s = staged(['192.0.2.2:5060/udp', '192.0.2.2:5060/tcp'])
    s.world.phone('bob', s.p).register()
    s.alice.request('INVITE', BOB)
    expect(s.alice.last().values('contact')).toEqual([
      `<${BOB};maddr=192.0.2.2;transport=udp>;q=1.0;expires=60`,
      `<${BOB};maddr=192.0.2.2;transport=tcp>;q=1.0;expires=60`,
    ])
    s.alice.request('INVITE', `${BOB};gr=${s.p.gr}`)
    expect(s.alice.last().values('contact')).toHaveLength(3)
    expect(s.asked()).toBe(1)
    s.world.advance(61_000)
    s.alice.request('INVITE', BOB)
    expect(s.asked()).toBe(2)
  })

  it('M-30 E44 without any record a user elsewhere cannot be named: 480', () => {
    const s = setUp([])
    s.world.phone('bob', s.p).register()
    s.r.locateAnswer = (aor) =>
      aor.startsWith('_proxy@')
        ? { kind: 'failed', status: 504, reason: 'Locate Timeout' }
        : { kind: 'found', targets: [record(s.p)], userExists: true, loop: false }
    s.alice.request('INVITE', BOB)
    expect(s.alice.last().status).toBe(480)
  })

  it('M-30 an overlay that did not answer is asked again soon, not after a minute', () => {
    const s = setUp([])
    s.world.phone('bob', s.p).register()
    const found = { kind: 'found' as const, userExists: true, loop: false }
    let answers = false
    s.r.locateAnswer = (aor) => {
      if (!aor.startsWith('_proxy@')) return { ...found, targets: [record(s.p)] }
      if (answers) return { ...found, targets: [record(s.p, '192.0.2.2:5060/udp')] }
      return { kind: 'failed', status: 504, reason: 'Locate Timeout' }
    }
    s.alice.request('INVITE', BOB)
    expect(s.alice.last().status).toBe(480)
    answers = true
    s.world.advance(5_000)
    s.alice.request('INVITE', BOB)
    expect(s.alice.last().status).toBe(302)
    // Those that were known are named while nobody can be asked.
    answers = false
    s.world.advance(61_000)
    s.alice.request('INVITE', BOB)
    expect(s.alice.last().status).toBe(302)
  })

  it.each([
    '192.0.2.2',
    '192.0.2.2:0/udp',
    '192.0.2.2:70000/udp',
    '192.0.2.2:5060/ws',
    'a;lr:5060/udp',
    'x>,<sip:evil:5060/udp',
    ':5060/udp',
    '/',
    '',
  ])('M-30 what is no address of a proxy names none: %s', (text) => {
    const s = staged([text])
    s.world.phone('bob', s.p).register()
    s.alice.request('INVITE', BOB)
    // The other record is all there is.
    expect(s.alice.last().values('contact')).toEqual([
      `<${BOB};maddr=192.0.2.9;transport=tcp>;q=1.0;expires=60`,
    ])
  })

  it('M-30 nobody is held up for ever by an overlay that does not answer', () => {
    const s = setUp([])
    s.r.locateAnswer = () => undefined
    s.alice.request('INVITE', BOB)
    s.world.advance(40_000)
    expect(s.alice.statuses('INVITE').at(-1)).toBe(504)
  })
})

describe('users who have moved', () => {
  const moved = new Map([[`bob@${DOMAIN}`, 'sip:bob@example.net;transport=tcp']])

  it.each([
    ['redirect server', REDIRECT],
    ['proxy', { registrar: true, proxy: true, redirect: false }],
  ])('S3261-21.3-02 a %s answers 301 with where they are now, without asking the overlay', (_, roles) => {
    const world = new SipWorld()
    const accounts = new TestAccounts().add('alice').add('bob').add('carol')
    const node = world.node('192.0.2.1', { roles, moved }, accounts)
    const [alice, bob] = [world.phone('alice', node), world.phone('bob', node)]
    bob.register()
    for (const method of ['INVITE', 'MESSAGE']) {
      alice.request(method, BOB)
      expect(alice.last().status).toBe(301)
      expect(alice.last().values('contact')).toEqual(['<sip:bob@example.net;transport=tcp>'])
    }
    expect(bob.requests('INVITE')).toHaveLength(0)
    expect(node.actions.some(({ kind }) => kind === 'locate')).toBe(false)
    alice.request('INVITE', `sip:carol@${DOMAIN}`)
    expect(alice.last().status).toBe(480)
  })

  it('S3261-22-01 who has to show credentials does so first', () => {
    const world = new SipWorld()
    const accounts = new TestAccounts().add('alice').add('bob')
    const node = world.node('192.0.2.1', { auth: 'digest', moved }, accounts)
    const alice = world.phone('alice', node)
    const sent = alice.request('INVITE', BOB)
    expect(alice.last().status).toBe(407)
    alice.authenticate(sent, alice.last())
    expect(alice.last().status).toBe(301)
  })
})
