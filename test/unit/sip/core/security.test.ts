import { describe, expect, it } from 'vitest'
import type { SipMessage } from '../../../../src/sip/message/index.ts'
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

function digestNode(override: SettingsOverride = {}): {
  world: SipWorld
  node: TestNode
  alice: Phone
  bob: Phone
} {
  const world = new SipWorld()
  const accounts = new TestAccounts()
    .add('alice')
    .add('bob')
    .add('boss', { delegates: [`bob@${DOMAIN}`] })
  const node = world.node('192.0.2.1', { auth: 'digest', ...override }, accounts)
  const alice = world.phone('alice', node)
  const bob = world.phone('bob', node)
  expect(alice.registerFully().status).toBe(200)
  expect(bob.registerFully().status).toBe(200)
  return { world, node, alice, bob }
}

/** A node with two phones, and what comes to it from two other peers by hand. */
function fromPeers(override: SettingsOverride = {}) {
  const { world, node, alice, bob } = digestNode({ auth: 'none', ...override })
  const flows = ['198.51.100.1', '198.51.100.2'].map((host) => {
    const peer = world.node(host)
    return { hex: peer.hex, flow: world.join(node, peer).a }
  })
  const by =
    (which: 0 | 1) =>
    (serial: number, method: string, body: string): void => {
      const { hex, flow } = flows[which]!
      const lines = [
        `${method} ${BOB} SIP/2.0`,
        `Via: SIP/2.0/TLS ${hex}.${DOMAIN};branch=z9hG4bK${method}${serial}`,
        'Max-Forwards: 70',
        `From: <sip:eve@${DOMAIN}>;tag=${serial}`,
        `To: <${BOB}>`,
        `Call-ID: ${serial}-${which}`,
        `CSeq: 1 ${method}`,
        'Content-Type: text/plain',
        `Content-Length: ${body.length}`,
      ]
      node.input({ kind: 'flowData', flow, bytes: Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`) })
      world.settle()
    }
  /** 503 with Retry-After that went back to the first of them. */
  const refused = (): number =>
    node.actions.filter((action) => {
      if (action.kind !== 'sendFlow' || action.flow !== flows[0]!.flow) return false
      const text = Buffer.from(action.bytes).toString('latin1')
      return text.startsWith('SIP/2.0 503 ') && text.includes('\r\nRetry-After: ')
    }).length
  return { world, node, alice, bob, mallory: by(0), honest: by(1), refused }
}

describe('no open relay', () => {
  it('S-24 E46 a stranger reaches hosted users, but neither other domains nor Route or maddr targets', () => {
    const s = digestNode()
    const stranger = s.world.phone('eve', s.node, { fromDomain: 'example.org' })
    stranger.request('MESSAGE', BOB)
    expect(s.bob.requests('MESSAGE')).toHaveLength(1)
    stranger.request('MESSAGE', 'sip:x@example.net')
    expect(stranger.last().status).toBe(403)
    stranger.request('MESSAGE', BOB, { extra: ['Route: <sip:10.0.0.99;lr>'] })
    expect(stranger.last().status).toBe(403)
    stranger.request('MESSAGE', 'sip:x@10.0.0.99')
    expect(stranger.last().status).toBe(403)
    stranger.request('MESSAGE', 'tel:+15551234')
    expect(stranger.last().status).toBe(416)
    stranger.request('MESSAGE', `${BOB};maddr=10.0.0.99;transport=tcp`)
    expect(s.bob.requests('MESSAGE')).toHaveLength(2)
    expect(s.node.actions.filter((a) => a.kind === 'resolve' || a.kind === 'openFlow')).toHaveLength(0)
    const hosts = s.node.actions.flatMap((a) => (a.kind === 'sendDatagram' ? [a.host] : []))
    expect(hosts).not.toContain('10.0.0.99')
  })

  it('E46 S3261-16.5-01 a phone of ours is challenged first, then the Request-URI is the only target', () => {
    const s = digestNode()
    const sent = s.alice.request('MESSAGE', 'sip:friend@example.net')
    expect(s.alice.last().status).toBe(407)
    s.node.resolveAnswer = () => ({
      ok: true,
      addresses: [{ host: '10.0.0.2', port: 5060, transport: 'udp' }],
    })
    s.alice.authenticate(sent, s.alice.last())
    const forwarded = s.bob.requests('MESSAGE')[0]!
    expect(forwarded.requestUri).toBe('sip:friend@example.net')
    expect(s.node.actions.some((a) => a.kind === 'locate')).toBe(false)
  })

  it('S3263-4.3-01 S3261-16.6-06 the next address is tried with a new branch when one does not answer', () => {
    const s = digestNode()
    const sent = s.alice.request('MESSAGE', 'sip:friend@example.net')
    s.bob.drop = true
    const other = s.world.phone('other', s.node)
    s.node.resolveAnswer = () => ({
      ok: true,
      addresses: [
        { host: s.bob.host, port: 5060, transport: 'udp' },
        { host: other.host, port: 5060, transport: 'udp' },
      ],
    })
    s.alice.authenticate(sent, s.alice.last())
    s.world.advance(3_900)
    expect(other.requests('MESSAGE')).toHaveLength(0)
    s.world.advance(100)
    expect(other.requests('MESSAGE').length).toBeGreaterThan(0)
    const branches = s.node.actions.flatMap((a) => {
      const text = a.kind === 'sendDatagram' ? Buffer.from(a.bytes).toString('latin1') : ''
      return text.startsWith('MESSAGE') ? [/branch=([^;\s]+)/.exec(text)![1]!] : []
    })
    expect(new Set(branches).size).toBe(2)
  })

  it('E49 S5626-5.3-01 S5626-5.2-01 a forged or foreign route token is refused with 403', () => {
    const s = digestNode()
    const sent = s.alice.request('INVITE', BOB)
    s.alice.authenticate(sent, s.alice.last())
    const invite = s.bob.requests('INVITE')[0]!
    const route = invite.values('record-route')[0]!
    const token = /sip:([^@]+)@/.exec(route)![1]!
    const flipped = (token.startsWith('A') ? 'B' : 'A') + token.slice(1)
    s.bob.request('BYE', 'sip:x@10.0.0.99', {
      callId: invite.callId,
      extra: [`Route: ${route.replace(token, flipped)}`],
    })
    expect(s.bob.last().status).toBe(403)
    // A true token, taken into another call.
    s.bob.request('BYE', 'sip:x@10.0.0.99', { callId: 'another', extra: [`Route: ${route}`] })
    expect(s.bob.last().status).toBe(403)
  })

  it('E50 S5626-5.3-01 a token of a flow that is gone gets 430', () => {
    const world = new SipWorld()
    const node = world.node('192.0.2.1', {}, new TestAccounts().add('alice').add('bob'))
    const alice = world.phone('alice', node, { transport: 'tcp', privateHost: '10.0.0.7' })
    const bob = world.phone('bob', node)
    alice.registerFully()
    bob.registerFully()
    alice.request('INVITE', BOB)
    const invite = bob.requests('INVITE')[0]!
    bob.respond(invite, 200)
    alice.disconnect()
    bob.fromCallee('BYE', invite)
    expect(bob.last().status).toBe(430)
  })
})

describe('credentials', () => {
  it('S-22 S-23 whatever the method and the tags, who speaks for our domain is challenged', () => {
    const s = digestNode()
    for (const method of [
      'INVITE',
      'MESSAGE',
      'SUBSCRIBE',
      'NOTIFY',
      'REFER',
      'INFO',
      'PUBLISH',
      'OPTIONS',
      'FOO',
    ]) {
      s.alice.request(method, BOB)
      expect(s.alice.last().status, method).toBe(407)
      s.alice.request(method, BOB, { to: `<${BOB}>;tag=made-up` })
      expect(s.alice.last().status, method).toBe(407)
    }
    expect(s.bob.received.filter((message) => message.isRequest)).toHaveLength(0)
  })

  it('S-25 S3261-10.3-07 E28 a right password does not let alice register bob', () => {
    const s = digestNode()
    const sent = s.alice.register({ to: `<sip:bob@${DOMAIN}>` })
    s.alice.authenticate(sent, s.alice.last())
    expect(s.alice.last().status).toBe(403)
    const asBob = s.alice.register({ to: `<sip:bob@${DOMAIN}>`, from: `<sip:bob@${DOMAIN}>` })
    s.alice.authenticate(asBob, s.alice.last())
    expect(s.alice.last().status).toBe(403)
    // Nor does she ask where he is, end what he has, or speak for herself in his name.
    for (const init of [
      { to: `<sip:bob@${DOMAIN}>`, noContact: true },
      { to: `<sip:bob@${DOMAIN}>`, contact: '*', extra: ['Expires: 0'] },
      { from: `<sip:bob@${DOMAIN}>` },
    ]) {
      const asked = s.alice.register(init)
      s.alice.authenticate(asked, s.alice.last())
      expect(s.alice.last().status, JSON.stringify(init)).toBe(403)
      expect(s.alice.last().has('contact')).toBe(false)
    }
    expect(s.node.core.bindings(`bob@${DOMAIN}`)).toHaveLength(1)
    expect(s.node.core.bindings(`bob@${DOMAIN}`)[0]!.contact).toContain(s.bob.host)
  })

  it('M-07 a delegate may register for another', () => {
    const s = digestNode()
    const boss = s.world.phone('boss', s.node)
    const sent = boss.register({ to: `<sip:bob@${DOMAIN}>` })
    boss.authenticate(sent, boss.last())
    expect(boss.last().status).toBe(200)
    expect(s.node.core.bindings(`bob@${DOMAIN}`)).toHaveLength(2)
  })

  it('S-AU-02 a From that is not the account’s own is 403', () => {
    const s = digestNode()
    const sent = s.alice.request('INVITE', BOB, { from: `<sip:bob@${DOMAIN}>` })
    s.alice.authenticate(sent, s.alice.last())
    expect(s.alice.last().status).toBe(403)
  })

  it('S-25 S-45 S-AU-01 an unknown user and a wrong password look the same', () => {
    const s = digestNode()
    const known = s.alice.register()
    s.alice.authenticate(known, s.alice.last(), { password: 'wrong' })
    const wrong = s.alice.last()
    const ghost = s.world.phone('ghost', s.node)
    const unknown = ghost.register()
    ghost.authenticate(unknown, ghost.last())
    expect([wrong.status, ghost.last().status]).toEqual([401, 401])
    expect(ghost.last().header('www-authenticate')?.includes('stale')).toBe(false)
    expect(wrong.header('www-authenticate')?.includes('stale')).toBe(false)
  })

  it('E39 S-AU-01 after five failures in a minute even the right password gets 403, for 60 s', () => {
    const s = digestNode()
    for (let i = 0; i < 5; i++) {
      const sent = s.alice.register()
      s.alice.authenticate(sent, s.alice.last(), { password: 'wrong' })
      expect(s.alice.last().status).toBe(401)
    }
    const sent = s.alice.register()
    const challenge = s.alice.last()
    s.alice.authenticate(sent, challenge)
    expect(s.alice.last().status).toBe(403)
    expect(s.node.core.instruments.authAttempts.get('blocked|MD5')).toBe(1)
    expect(s.node.core.instruments.rateLimits.get('auth')).toBe(1)
    s.world.advance(61_000)
    const later = s.alice.register()
    s.alice.authenticate(later, s.alice.last())
    expect(s.alice.last().status).toBe(200)
  })

  it('S-AU-01 S-45 answers to challenges that nobody sent are no guesses: they lock nobody out', () => {
    const s = digestNode()
    const forged = `Digest username="alice", realm="${DOMAIN}", nonce="made-up", uri="sip:x", response="${'0'.repeat(32)}"`
    for (let i = 0; i < 50; i++) s.alice.register({ extra: [`Authorization: ${forged}`] })
    expect(s.alice.statuses('REGISTER').slice(-50)).toEqual(new Array(50).fill(401))
    expect(s.alice.registerFully().status).toBe(200)
  })

  it('S-AU-01 S-25 S-45 guesses with challenges that were sent to others end that way only, and tell nothing', () => {
    const s = digestNode()
    const eve = s.world.phone('alice', s.node, { host: '203.0.113.9' })
    const before = s.node.core.instruments.authAttempts.get('ok|MD5')
    // What eve sends with the address of alice for a source.
    const asAlice = (password: string): string | undefined => {
      eve.register()
      const challenge = eve.last()
      s.alice.authenticate(s.alice.register(), challenge, { password, nc: 1 })
      return s.alice.last().header('www-authenticate')
    }
    for (let i = 0; i < 5; i++) expect(asAlice('wrong')).not.toContain('stale')
    for (const password of ['wrong', 'pw-alice', 'wrong']) expect(asAlice(password)).toContain('stale=true')
    expect(s.node.core.instruments.authAttempts.get('ok|MD5')).toBe(before)
    expect(s.alice.registerFully().status).toBe(200)
  })

  it('S-AU-01 S-25 a guess is counted whatever stands before it', () => {
    const beside = [
      'Authorization: Digest broken',
      `Authorization: Digest username="alice", realm="${DOMAIN}", nonce="made-up", uri="sip:x", response="${'0'.repeat(32)}"`,
      `Authorization: Digest username="bob", realm="${DOMAIN}", nonce="made-up", uri="sip:x", response="${'0'.repeat(32)}"`,
    ]
    for (const other of beside) {
      const s = digestNode()
      for (let i = 0; i < 5; i++) {
        const sent = s.alice.register({ extra: [other] })
        s.alice.authenticate(sent, s.alice.last(), { password: 'wrong' })
        expect(s.alice.last().status).toBe(401)
      }
      expect(s.alice.registerFully().status, other).toBe(403)
    }
  })

  it('S-AU-01 no crowd of names drives out who is refused', () => {
    const allowed = { perSecond: 1e6, burst: 1e6 }
    const limits = {
      ...testSettings('').limits,
      authFailuresMax: 5,
      perSource: { requests: allowed, strangers: allowed },
    }
    const s = digestNode({ limits })
    const guess = (username: string): number => {
      s.alice.authenticate(s.alice.register(), s.alice.last(), { password: 'wrong', username })
      return s.alice.last().status
    }
    for (let i = 0; i < 5; i++) guess('alice')
    for (let i = 0; i < 10_050; i++) guess(`n${i}`)
    expect(guess('alice')).toBe(403)
  })

  it('S-AU-01 beside an answer of its own a guess with a challenge sent elsewhere tells nothing either', () => {
    const s = digestNode()
    const eve = s.world.phone('alice', s.node, { host: '203.0.113.9' })
    const shown = (
      phone: Phone,
      password: string,
      username: string,
      challenge: SipMessage,
      extra: string[] = [],
    ): SipMessage => {
      phone.authenticate({ ...phone.register(), init: { extra } }, challenge, { password, username, nc: 1 })
      return phone.last()
    }
    const own = (username: string, challenge: SipMessage): string => {
      const nonce = /nonce="([^"]*)"/.exec(challenge.header('www-authenticate') ?? '')?.[1] ?? ''
      return `Authorization: Digest username="${username}", realm="${DOMAIN}", nonce="${nonce}", uri="sip:${DOMAIN}", response="${'0'.repeat(32)}", qop=auth, nc=00000001, cnonce="c"`
    }
    const fetch = (phone: Phone): SipMessage => {
      phone.register()
      return phone.last()
    }
    for (let i = 0; i < 5; i++) shown(s.alice, 'wrong', 'alice', fetch(eve))
    const answers = ['wrong', 'pw-alice'].map((password, index) => {
      const decoy = own(`decoy${index}`, fetch(s.alice))
      return shown(s.alice, password, 'alice', fetch(eve), [decoy]).header('www-authenticate')
    })
    for (const answer of answers) expect(answer).toContain('stale=true')
  })

  it('S-AU-01 all addresses of an IPv6 network of 64 bits are one who guesses', () => {
    const s = digestNode()
    const guess = (host: string): number => {
      const phone = s.world.phone('alice', s.node, { host })
      phone.authenticate(phone.register(), phone.last(), { password: 'wrong' })
      return phone.last().status
    }
    for (let i = 1; i <= 5; i++) expect(guess(`2001:db8::${i}`)).toBe(401)
    expect(guess('2001:db8::6')).toBe(403)
    expect(guess('2001:db8:0:1::6')).toBe(401)
  })

  it('S7616-3.3-01 S-25 replayed credentials are stale, an old nonce too', () => {
    const s = digestNode()
    s.world.advance(1_000)
    const sent = s.alice.register()
    const challenge = s.alice.last()
    s.alice.authenticate(sent, challenge, { nc: 1 })
    expect(s.alice.last().status).toBe(200)
    s.alice.authenticate(s.alice.register(), challenge, { nc: 1 })
    expect(s.alice.last().header('www-authenticate')).toContain('stale=true')
    s.world.advance(121_000)
    s.alice.authenticate(s.alice.register(), challenge, { nc: 2 })
    expect(s.alice.last().header('www-authenticate')).toContain('stale=true')
  })

  it('S3261-22-04 Basic is no credential', () => {
    const s = digestNode()
    s.alice.register({ extra: ['Authorization: Basic YWxpY2U6cHctYWxpY2U='] })
    const challenges = s.alice.last().headers('www-authenticate')
    expect(s.alice.last().status).toBe(401)
    expect(challenges.every((text) => text.startsWith('Digest '))).toBe(true)
  })

  it('S8760-2.3-01 one challenge per algorithm, strongest first where the operator says so', () => {
    const world = new SipWorld()
    const accounts = new TestAccounts().add('alice')
    const override = { auth: 'digest', digestAlgorithms: ['SHA-256', 'MD5'] } as const
    const alice = world.phone('alice', world.node('192.0.2.1', override, accounts))
    alice.register()
    const challenges = alice.last().headers('www-authenticate')
    expect(challenges.map((text) => /algorithm=([\w-]+)/.exec(text)![1])).toEqual(['SHA-256', 'MD5'])
  })

  it('S-25 MD5 credentials are refused where the operator offers SHA-256 only', () => {
    const world = new SipWorld()
    const accounts = new TestAccounts().add('alice')
    const override = { auth: 'digest', digestAlgorithms: ['SHA-256'] } as const
    const alice = world.phone('alice', world.node('192.0.2.1', override, accounts))
    const sent = alice.register()
    const nonce = /nonce="([^"]*)"/.exec(alice.last().header('www-authenticate')!)![1]!
    alice.authenticate(sent, alice.last(), { algorithm: 'MD5', nonce })
    expect(alice.last().status).toBe(401)
  })

  it('S3261-22-02 neither ACK nor CANCEL is challenged', () => {
    const s = digestNode()
    s.alice.request('ACK', BOB)
    s.alice.request('CANCEL', BOB)
    expect(s.alice.statuses('ACK')).toEqual([])
    expect(s.alice.statuses('CANCEL')).toEqual([481])
    // Those of a call pass without credentials: the ones of its INVITE count for them.
    const call = (): ReturnType<Phone['request']> => {
      const sent = s.alice.request('INVITE', BOB)
      return s.alice.authenticate(sent, s.alice.last())
    }
    const answered = call()
    s.bob.respond(s.bob.requests('INVITE')[0]!, 200)
    s.alice.inDialog('ACK', answered, s.alice.last())
    expect(s.bob.requests('ACK')).toHaveLength(1)
    const given = call()
    s.bob.respond(s.bob.requests('INVITE')[1]!, 180)
    s.alice.cancel(given)
    expect(s.alice.statuses('CANCEL')).toEqual([481, 200])
    expect(s.bob.requests('CANCEL')).toHaveLength(1)
  })

  it('S-26 a challenge of the callee is relayed, not answered', () => {
    const s = digestNode()
    const sent = s.alice.request('MESSAGE', BOB)
    s.alice.authenticate(sent, s.alice.last())
    s.bob.respond(s.bob.requests('MESSAGE')[0]!, 401, {
      extra: ['WWW-Authenticate: Digest realm="b", nonce="1"'],
    })
    expect(s.alice.last().status).toBe(401)
    expect(s.alice.last().header('www-authenticate')).toContain('realm="b"')
    expect(s.bob.requests('MESSAGE')).toHaveLength(1)
  })
})

describe('bounds', () => {
  it('E54 a full transaction table answers 503 with Retry-After', () => {
    const world = new SipWorld()
    const accounts = new TestAccounts().add('alice').add('bob')
    const base = {
      headBytesMax: 65_536,
      headersMax: 256,
      viaMax: 70,
      bodyBytesMax: 1_000,
      flowsMax: 10,
      authFailuresMax: 5,
    }
    const node = world.node('192.0.2.1', { limits: { ...base, transactionsMax: 4 } }, accounts)
    const bob = world.phone('bob', node)
    bob.registerFully()
    const alice = world.phone('alice', node)
    bob.drop = true
    for (let i = 0; i < 5; i++) alice.request('MESSAGE', BOB)
    expect(alice.last().status).toBe(503)
    expect(Number(alice.last().header('retry-after'))).toBeGreaterThanOrEqual(5)
    expect(node.core.snapshot().transactions.get('nist')).toBeLessThanOrEqual(4)
  })

  it('E54 with the table full of calls that ring, those that are up can still be ended', () => {
    const s = digestNode({ auth: 'none', limits: { ...testSettings('').limits, transactionsMax: 40 } })
    const sent = s.alice.request('INVITE', BOB)
    const invite = s.bob.requests('INVITE')[0]!
    s.bob.respond(invite, 200)
    const ok = s.alice.last()
    s.alice.inDialog('ACK', sent, ok)
    s.world.advance(40_000)
    for (let i = 0; i < 40; i++) s.alice.request('INVITE', BOB)
    expect(s.alice.last().status).toBe(503)
    s.alice.inDialog('INFO', sent, ok, { cseq: 3 })
    s.bob.respond(s.bob.requests('INFO')[0]!, 200)
    expect(s.alice.statuses('INFO')).toEqual([200])
    s.bob.fromCallee('BYE', invite)
    expect(s.alice.requests('BYE')).toHaveLength(1)
  })

  describe('of what one address may ask for', () => {
    const allowed = (perSecond: number, burst: number) => ({
      limits: {
        ...testSettings('').limits,
        authFailuresMax: 1_000,
        perSource: { requests: { perSecond, burst }, strangers: { perSecond: 5, burst: 20 } },
      },
    })

    it('S-TR-02 E54 a flood of strangers gets 503 with Retry-After, then silence, and others are served', () => {
      const s = digestNode(allowed(10, 500))
      const eve = s.world.phone('eve', s.node, { fromDomain: 'example.org' })
      const silent = s.world.phone('friend', s.node, { fromDomain: 'example.org' })
      s.bob.onMessage = (message) => {
        if (message.method === 'INVITE') s.bob.respond(message, 486)
      }
      for (let i = 0; i < 1_000; i++) eve.request('INVITE', BOB)
      expect(s.bob.requests('INVITE')).toHaveLength(20)
      const refused = eve.responses('INVITE', 503)
      expect(refused).toHaveLength(100)
      expect(Number(refused[0]!.header('retry-after'))).toBeGreaterThanOrEqual(5)
      expect(s.node.core.instruments.rateLimits.get('source')).toBe(980)
      silent.request('MESSAGE', BOB)
      expect(s.bob.requests('MESSAGE')).toHaveLength(1)
      s.world.advance(1_000)
      eve.request('INVITE', BOB)
      expect(s.bob.requests('INVITE')).toHaveLength(21)
    })

    it('S-TR-02 phones that show their credentials never run dry, however many share an address', () => {
      const s = digestNode(allowed(1, 4))
      for (let i = 0; i < 50; i++) {
        expect(s.alice.registerFully().status).toBe(200)
        const sent = s.alice.request('INVITE', BOB)
        const authenticated = s.alice.authenticate(sent, s.alice.last())
        s.bob.respond(s.bob.requests('INVITE')[i]!, 200)
        const ok = s.alice.last()
        expect(ok.status).toBe(200)
        s.alice.inDialog('ACK', authenticated, ok)
        for (let j = 0; j < 5; j++) {
          s.alice.inDialog('INFO', authenticated, ok, { cseq: 10 + j })
          s.bob.respond(s.bob.requests('INFO').at(-1)!, 200)
          expect(s.alice.last().status).toBe(200)
        }
      }
      expect(s.node.core.instruments.rateLimits.get('source')).toBe(0)
    })

    it('S-TR-02 S-44 the route of a call does not let a stranger flood the phone behind it, and the calls of others go on', () => {
      const s = digestNode()
      const eve = s.world.phone('eve', s.node, { fromDomain: 'example.org' })
      const invited = eve.request('INVITE', BOB)
      const [invite] = s.bob.requests('INVITE')
      s.bob.respond(invite!, 180)
      const ringing = eve.last()
      expect(ringing.has('record-route')).toBe(true)
      for (let i = 0; i < 5_000; i++) eve.inDialog('MESSAGE', invited, ringing, { cseq: 2 + i })
      expect(s.bob.requests('MESSAGE').length).toBeGreaterThan(500)
      expect(s.bob.requests('MESSAGE').length).toBeLessThanOrEqual(1_500)
      expect(s.node.core.instruments.scannerDropped.get('source')).toBeGreaterThan(0)
      for (let i = 0; i < 5_000; i++) eve.inDialog('ACK', invited, ringing)
      for (let i = 0; i < 5_000; i++) eve.inDialog('CANCEL', invited, ringing)
      expect(s.bob.requests('ACK').length + s.bob.requests('CANCEL').length).toBe(0)
      // Somebody else's call, meanwhile.
      const sent = s.alice.request('INVITE', BOB)
      const authenticated = s.alice.authenticate(sent, s.alice.last())
      s.bob.respond(s.bob.requests('INVITE').at(-1)!, 200)
      const ok = s.alice.last()
      s.alice.inDialog('ACK', authenticated, ok)
      expect(s.bob.requests('ACK')).toHaveLength(1)
      s.alice.inDialog('BYE', authenticated, ok)
      s.bob.respond(s.bob.requests('BYE')[0]!, 200)
      expect(s.alice.last().status).toBe(200)
      // What comes back is as much as before: a call that is given time goes on.
      s.world.advance(20_000)
      eve.inDialog('INFO', invited, ringing, { cseq: 9_000 })
      expect(s.bob.requests('INFO')).toHaveLength(1)
    })

    it('S-TR-02 S-44 sources that the operator vouches for send inside of calls what they want', () => {
      const world = new SipWorld()
      const trusted = [{ networks: ['10.9.0.0/16'], mayCallOutside: true }]
      const node = world.node('192.0.2.1', { trusted }, new TestAccounts().add('bob'))
      const bob = world.phone('bob', node)
      bob.registerFully()
      const gateway = world.phone('gw', node, { host: '10.9.0.1', fromDomain: 'example.org' })
      const invited = gateway.request('INVITE', BOB)
      bob.respond(bob.requests('INVITE')[0]!, 180)
      const ringing = gateway.last()
      for (let i = 0; i < 2_000; i++) gateway.inDialog('INFO', invited, ringing, { cseq: 2 + i })
      expect(bob.requests('INFO')).toHaveLength(2_000)
    })

    it('S-44 E54 long requests of strangers that nobody answers take no more than their room; phones of ours are served', () => {
      const limits = { ...testSettings('').limits, transactionsMax: 200 }
      const s = digestNode({ limits })
      const body = 'x'.repeat(10_000)
      const init = { body, extra: ['Content-Type: text/plain'] }
      const eves = [1, 2, 3].map((i) =>
        s.world.phone('eve', s.node, { host: `10.8.0.${i}`, fromDomain: 'example.org', transport: 'tcp' }),
      )
      for (const eve of eves) for (let i = 0; i < 20; i++) eve.request('MESSAGE', BOB, init)
      // 200 KiB of them are under way.
      expect(s.bob.requests('MESSAGE')).toHaveLength(20)
      const [eve] = eves as [Phone]
      expect(eves.flatMap((each) => each.statuses('MESSAGE'))).toEqual(new Array(40).fill(503))
      expect(Number(eves[2]!.last().header('retry-after'))).toBeGreaterThanOrEqual(5)
      const sent = s.alice.request('MESSAGE', BOB, init)
      s.alice.authenticate(sent, s.alice.last())
      expect(s.bob.requests('MESSAGE')).toHaveLength(21)
      s.bob.respond(s.bob.requests('MESSAGE')[20]!, 200)
      expect(s.alice.last().status).toBe(200)
      for (const request of s.bob.requests('MESSAGE').slice(0, 20)) s.bob.respond(request, 200)
      eve.request('MESSAGE', BOB, init)
      expect(s.bob.requests('MESSAGE')).toHaveLength(22)
    })

    it('S-44 S-72 E54 long requests of a peer that nobody answers take no more than their room; phones and calls of other peers are served', () => {
      const limits = { ...testSettings('').limits, transactionsMax: 200 }
      const p = fromPeers({ limits })
      const body = 'x'.repeat(10_000)
      for (let i = 0; i < 40; i++) p.mallory(i, 'MESSAGE', body)
      // 200 KiB of them are under way.
      expect(p.bob.requests('MESSAGE')).toHaveLength(20)
      expect(p.refused()).toBe(20)
      p.honest(0, 'INVITE', 'v=0')
      expect(p.bob.requests('INVITE')).toHaveLength(1)
      p.alice.request('MESSAGE', BOB, { body, extra: ['Content-Type: text/plain'] })
      expect(p.bob.requests('MESSAGE')).toHaveLength(21)
      for (const request of p.bob.requests('MESSAGE')) p.bob.respond(request, 200)
      p.mallory(41, 'MESSAGE', body)
      expect(p.bob.requests('MESSAGE')).toHaveLength(22)
    })

    it('S-44 E54 nor do those of phones of ours take all memory', () => {
      const limits = { ...testSettings('').limits, transactionsMax: 200 }
      const s = digestNode({ limits, auth: 'none' })
      const init = { body: 'x'.repeat(10_000), extra: ['Content-Type: text/plain'] }
      for (let i = 0; i < 60; i++) s.alice.request('MESSAGE', BOB, init)
      expect(s.bob.requests('MESSAGE')).toHaveLength(40)
      expect(s.alice.last().status).toBe(503)
      s.alice.request('INVITE', BOB)
      expect(s.bob.requests('INVITE')).toHaveLength(1)
    })

    it('S-44 S-72 E54 calls of a peer that nobody answers take half of the room at most: other peers and phones of ours call', () => {
      const limits = { ...testSettings('').limits, transactionsMax: 100 }
      const p = fromPeers({ limits })
      for (let i = 0; i < 80; i++) p.mallory(i, 'INVITE', '')
      const rung = p.bob.requests('INVITE').length
      expect(rung).toBeLessThanOrEqual(26)
      expect(p.refused()).toBe(80 - rung)
      for (let i = 0; i < 10; i++) p.honest(i, 'INVITE', '')
      p.alice.request('INVITE', BOB)
      expect(p.bob.requests('INVITE')).toHaveLength(rung + 11)
    })

    it('S-TR-02 with auth none phones of ours never run dry either', () => {
      const s = digestNode({ ...allowed(1, 4), auth: 'none' })
      for (let i = 0; i < 50; i++) expect(s.alice.registerFully().status).toBe(200)
      for (let i = 0; i < 50; i++) s.alice.request('MESSAGE', BOB)
      expect(s.bob.requests('MESSAGE')).toHaveLength(50)
    })

    it('S-TR-02 S-44 a registered phone is served while others behind its address flood, but may not flood itself', () => {
      const s = digestNode(allowed(1, 10))
      const eve = s.world.phone('eve', s.node, { host: s.bob.host, port: 6_000 })
      for (let i = 0; i < 300; i++) eve.register()
      expect(s.node.core.instruments.scannerDropped.get('source')).toBeGreaterThan(0)
      s.bob.request('OPTIONS', `sip:${DOMAIN}`)
      expect(s.bob.last().status).toBe(200)
      const impostor = s.world.phone('bob', s.node, { host: s.bob.host, port: 6_001 })
      impostor.request('OPTIONS', `sip:${DOMAIN}`)
      expect(impostor.received).toHaveLength(0)
      for (let i = 0; i < 200; i++) s.bob.request('OPTIONS', `sip:${DOMAIN}`)
      expect(s.bob.responses('OPTIONS', 200).length).toBeLessThanOrEqual(100)
    })

    it('S-TR-02 takes other limits while it runs', () => {
      const s = digestNode(allowed(10, 500))
      const eve = s.world.phone('eve', s.node, { fromDomain: 'example.org' })
      const { limits } = allowed(1, 500)
      const strangers = { perSecond: 1, burst: 2 }
      s.node.input({
        kind: 'limits',
        limits: {
          maxForks: 10,
          maxBindings: 10,
          limits: { ...limits, perSource: { ...limits.perSource, strangers } },
        },
      })
      for (let i = 0; i < 10; i++) eve.request('MESSAGE', BOB)
      expect(s.bob.requests('MESSAGE')).toHaveLength(2)
    })

    it('S-TR-02 S-AU-01 unauthenticated REGISTERs and guesses do', () => {
      const s = digestNode(allowed(1, 10))
      const guesser = s.world.phone('alice', s.node)
      for (let i = 0; i < 20; i++) {
        const sent = guesser.register()
        if (guesser.last().status === 401) guesser.authenticate(sent, guesser.last(), { password: 'wrong' })
      }
      expect(guesser.last().status).toBe(503)
      expect(s.node.core.instruments.registrarRequests.get('overload')).toBeGreaterThan(0)
    })
  })

  it('S-43 somebody whose address is forged gets one answer to a request, no repetitions, and no more than the budget of an address', () => {
    const s = digestNode()
    for (const [index, method] of ['INVITE', 'MESSAGE', 'REGISTER', 'OPTIONS'].entries()) {
      const victim = s.world.phone('alice', s.node, { host: `198.51.100.${index + 1}` })
      victim.request(method, method === 'REGISTER' ? `sip:${DOMAIN}` : BOB)
      s.world.advance(60_000)
      // A 401 or 407 with its nonce, once: whoever did not send the request does not get it again and again (RFC 3261 s.26.3.2.4).
      expect(victim.received, method).toHaveLength(1)
    }
    const refused: [string, string, string[]][] = [
      ['an unknown user at our address', 'sip:nobody@192.0.2.1', []],
      ['our address alone', 'sip:192.0.2.1', []],
      ['a scheme that we do not know', 'urn:service:sos', []],
      ['a Route that leads nowhere', BOB, ['Route: <tel:1>']],
      ['a GRUU of nobody', `sip:nobody@${DOMAIN};gr=${s.node.gr}`, []],
    ]
    for (const [index, [name, uri, extra]] of refused.entries()) {
      const init = { host: `198.51.100.${index + 11}`, fromDomain: 'example.org' }
      const victim = s.world.phone('eve', s.node, init)
      victim.request('INVITE', uri, { extra })
      s.world.advance(60_000)
      expect(victim.received, name).toHaveLength(1)
      expect(victim.last().status, name).toBeGreaterThanOrEqual(400)
    }
    const victim = s.world.phone('alice', s.node, { host: '198.51.100.99' })
    for (let i = 0; i < 3_000; i++) victim.request('INVITE', BOB)
    s.world.advance(60_000)
    expect(victim.responses('INVITE', 407)).toHaveLength(1_000)
    expect(victim.received).toHaveLength(1_100)
  })

  it('S-43 a redirect server answers a stranger once, too, and a phone that has shown its credentials until it says ACK', () => {
    const roles = { registrar: true, proxy: false, redirect: true }
    const s = digestNode({ roles })
    const asked: [string, string, number][] = [
      ['a user who is here', BOB, 302],
      ['a user who is not here', `sip:boss@${DOMAIN}`, 480],
      ['nobody', `sip:nobody@${DOMAIN}`, 404],
      ['another domain', 'sip:bob@example.net', 404],
    ]
    for (const [index, [name, uri, status]] of asked.entries()) {
      const init = { host: `198.51.100.${index + 1}`, fromDomain: 'example.org' }
      const victim = s.world.phone('eve', s.node, init)
      const sent = victim.request('INVITE', uri)
      s.world.advance(5_000)
      expect(victim.statuses('INVITE'), name).toEqual([status])
      // Lost, and asked for again.
      victim.request('INVITE', uri, { branch: sent.branch, callId: sent.callId })
      s.world.advance(60_000)
      expect(victim.statuses('INVITE'), name).toEqual([status, status])
      expect(victim.last().header('to'), name).toBe(victim.received[0]!.header('to'))
    }
    const inCall = s.world.phone('eve', s.node, { host: '198.51.100.50', fromDomain: 'example.org' })
    inCall.request('INVITE', BOB, { to: `<${BOB}>;tag=1` })
    s.world.advance(60_000)
    expect(inCall.statuses('INVITE')).toEqual([481])
    const sent = s.alice.request('INVITE', BOB)
    s.alice.authenticate(sent, s.alice.last())
    s.world.advance(60_000)
    expect(s.alice.responses('INVITE', 302)).toHaveLength(11)
    expect(s.node.core.snapshot().transactions.get('ist')).toBe(0)
  })

  it('S-20 stray responses, ACKs and CANCELs leave nothing behind', () => {
    const s = digestNode()
    s.world.advance(60_000)
    for (let i = 0; i < 200; i++) {
      s.alice.request('ACK', BOB)
      s.alice.request('CANCEL', BOB)
      s.alice.sendRaw(
        `SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK${i}\r\nVia: SIP/2.0/UDP 10.0.0.2;branch=z9hG4bK1\r\n` +
          `From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: ${i}\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n`,
      )
    }
    const { transactions } = s.node.core.snapshot()
    expect([...transactions.values()].reduce((sum, count) => sum + count, 0)).toBe(0)
    expect(s.bob.received.filter((message) => message.isRequest)).toHaveLength(0)
  })

  it('S3261-18.1-05 S6026-7-04 a response whose top Via is not ours is dropped', () => {
    const s = digestNode()
    const before = s.alice.received.length
    s.bob.sendRaw(
      'SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 198.51.100.9:5060;branch=z9hG4bK1\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1\r\n' +
        'From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n',
    )
    expect(s.alice.received).toHaveLength(before)
  })

  it('S3261-18.1-05 S6026-7-04 neither its branch nor its sent-by alone makes a response ours', () => {
    const s = digestNode({ auth: 'none' })
    s.alice.request('MESSAGE', BOB)
    const message = s.bob.requests('MESSAGE')[0]!
    const [top = '', below = ''] = message.values('via')
    const answer = (via: string): void =>
      s.bob.sendRaw(
        `SIP/2.0 200 OK\r\nVia: ${via}\r\nVia: ${below}\r\nFrom: ${message.header('from')}\r\nTo: ${message.header('to')};tag=2\r\n` +
          `Call-ID: ${message.callId}\r\nCSeq: ${message.cseq.number} MESSAGE\r\nContent-Length: 0\r\n\r\n`,
      )
    for (const [from, to] of [
      ['192.0.2.1:5060', '192.0.2.99:5060'],
      ['192.0.2.1:5060', '192.0.2.1:5070'],
      ['z9hG4bK', 'z9hG4bKx'],
    ] as const) {
      expect(top).toContain(from)
      answer(top.replace(from, to))
      expect(s.alice.statuses('MESSAGE'), to).toEqual([])
    }
    answer(top)
    expect(s.alice.statuses('MESSAGE')).toEqual([200])
    // Long over: nobody passes it on without a transaction.
    s.world.advance(40_000)
    answer(top)
    expect(s.alice.statuses('MESSAGE')).toEqual([200])
  })

  it('E53 while draining new calls and REGISTERs get 503, a call under way ends normally', () => {
    const world = new SipWorld()
    const node = world.node('192.0.2.1', {}, new TestAccounts().add('alice').add('bob'))
    const alice = world.phone('alice', node)
    const bob = world.phone('bob', node)
    alice.registerFully()
    bob.registerFully()
    const sent = alice.request('INVITE', BOB)
    bob.respond(bob.requests('INVITE')[0]!, 200)
    const ok = alice.last()
    node.input({ kind: 'drain' })
    alice.request('INVITE', BOB)
    expect(alice.last().status).toBe(503)
    alice.register()
    expect(alice.last().status).toBe(503)
    expect(alice.last().has('retry-after')).toBe(true)
    alice.inDialog('BYE', sent, ok)
    bob.respond(bob.requests('BYE')[0]!, 200)
    expect(alice.last().status).toBe(200)
  })
})

describe('challenges of one moment', () => {
  it('S7616-3.3-01 a REGISTER and an INVITE of one phone that are challenged together are both let in at the first answer', () => {
    const s = digestNode()
    const registered = s.alice.register({ callId: 'refresh' })
    const refusedRegister = s.alice.last()
    const invited = s.alice.request('INVITE', BOB)
    const refusedInvite = s.alice.last()
    expect([refusedRegister.status, refusedInvite.status]).toEqual([401, 407])
    // Each of its parts counts for itself, as phones do that keep one set of credentials for registering and one for a call.
    s.alice.authenticate(registered, refusedRegister, { nc: 1 })
    expect(s.alice.last().status).toBe(200)
    s.alice.authenticate(invited, refusedInvite, { nc: 1 })
    expect(s.bob.requests('INVITE')).toHaveLength(1)
    expect(s.alice.statuses('INVITE')).not.toContain(403)
    expect(s.alice.responses('INVITE', 407)).toHaveLength(1)
  })
})
