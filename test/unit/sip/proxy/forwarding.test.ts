import { describe, expect, it } from 'vitest'
import { DOMAIN, SipWorld, TestAccounts, type Phone, type TestNode } from '../../../support/sip-phones.ts'

const BOB = `sip:bob@${DOMAIN}`

function setUp(override: Parameters<SipWorld['node']>[1] = {}, bob: 'udp' | 'tcp' = 'udp') {
  const world = new SipWorld()
  const node: TestNode = world.node('192.0.2.1', override, new TestAccounts().add('alice').add('bob'))
  const phone = (user: string, transport: 'udp' | 'tcp' = 'udp'): Phone => {
    const made = world.phone(user, node, { transport })
    made.register()
    return made
  }
  return { world, node, phone, alice: phone('alice'), bob: phone('bob', bob) }
}

describe('the forwarded request (RFC 3261 s.16.6)', () => {
  it('S3261-16.6-01 S3261-16.3-02 keeps headers, their order, odd ones and the body', () => {
    const { alice, bob } = setUp()
    alice.request('INVITE', BOB, {
      extra: ['Date: not a date', 'X-Odd:   \t value', 'x-oDD: ;;,,', 'Subject: a', ' folded'],
      body: 'v=0\r\n\0binary',
    })
    const invite = bob.requests('INVITE')[0]!
    expect(invite.head.text).toContain(
      'Date: not a date\r\nX-Odd:   \t value\r\nx-oDD: ;;,,\r\nSubject: a\r\n folded\r\n',
    )
    expect(Buffer.from(invite.body).toString('latin1')).toBe('v=0\r\n\0binary')
  })

  it('RFC4475-3.1.2.15 a name without the quotes that it needs is taken as it is meant, and goes on with them', () => {
    const { alice, bob } = setUp()
    alice.sendRaw(
      `INVITE ${BOB} SIP/2.0\r\nVia: ${alice.via('z9hG4bKname')}\r\nf: R&D (lab) <sip:${alice.aor}>;tag=1\r\nTo: Bob @ home <${BOB}>\r\n` +
        'Call-ID: name\r\nCSeq: 1 INVITE\r\nContact: <sip:alice@192.0.2.9>\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n',
    )
    const [invite] = bob.requests('INVITE')
    expect(invite?.header('from')).toBe(`"R&D (lab)" <sip:${alice.aor}>;tag=1`)
    expect(invite?.header('to')).toBe(`"Bob @ home" <${BOB}>`)
    // What is answered here is answered with what was sent.
    expect(alice.last().header('from')).toBe(`R&D (lab) <sip:${alice.aor}>;tag=1`)
    bob.respond(invite!, 486)
    expect(alice.last().status).toBe(486)
    expect(bob.requests('ACK').at(-1)?.header('from')).toBe(`"R&D (lab)" <sip:${alice.aor}>;tag=1`)
  })

  it('S3261-16.6-03 Max-Forwards goes down by one, and 70 is added where there is none', () => {
    const { alice, bob } = setUp()
    alice.request('MESSAGE', BOB, { maxForwards: 12 })
    expect(bob.requests('MESSAGE')[0]!.maxForwards).toBe(11)
    alice.sendRaw(
      `MESSAGE ${BOB} SIP/2.0\r\nVia: ${alice.via('z9hG4bKnomf')}\r\nFrom: <sip:${alice.aor}>;tag=1\r\nTo: <${BOB}>\r\n` +
        'Call-ID: nomf\r\nCSeq: 1 MESSAGE\r\n\r\n',
    )
    expect(bob.requests('MESSAGE')[1]!.maxForwards).toBe(70)
  })

  it('S3261-16.3-04 E19 S-21 Max-Forwards 0 ends in 483, for OPTIONS in a 200', () => {
    const { alice, bob } = setUp()
    alice.request('INVITE', BOB, { maxForwards: 0 })
    expect(alice.last().status).toBe(483)
    alice.request('OPTIONS', BOB, { maxForwards: 0 })
    expect(alice.last().status).toBe(200)
    expect(bob.received.some((message) => message.isRequest)).toBe(false)
  })

  it('S3261-16.3-04 E19 Max-Forwards 0 in a call is 483 for OPTIONS, too: 481 would end the call', () => {
    const { alice, bob } = setUp()
    const sent = alice.request('INVITE', BOB)
    bob.respond(bob.requests('INVITE')[0]!, 200)
    const ok = alice.last()
    for (const method of ['OPTIONS', 'INFO', 'BYE']) {
      alice.inDialog(method, sent, ok, { maxForwards: 0 })
      expect(alice.last().status, method).toBe(483)
      expect(bob.requests(method)).toHaveLength(0)
    }
  })

  it('S3261-16.6-08 Content-Length is added for a stream', () => {
    const { alice, bob } = setUp({}, 'tcp')
    alice.sendRaw(
      `MESSAGE ${BOB} SIP/2.0\r\nVia: ${alice.via('z9hG4bKnocl')}\r\nFrom: <sip:${alice.aor}>;tag=1\r\nTo: <${BOB}>\r\n` +
        'Call-ID: nocl\r\nCSeq: 1 MESSAGE\r\n\r\nhello',
    )
    expect(bob.requests('MESSAGE')[0]!.contentLength).toBe(5)
  })

  it('S3261-16.6-07 S3581-3-01 has a branch of its own with the cookie, and rport', () => {
    const { alice, bob } = setUp()
    alice.request('MESSAGE', BOB)
    alice.request('MESSAGE', BOB)
    const [first, second] = bob.requests('MESSAGE').map((m) => m.topVia)
    expect(first!.branch).toMatch(/^z9hG4bK/)
    expect(first!.branch).not.toBe(second!.branch)
    expect(first!.rport).toBe('empty')
  })

  it('S3261-16.6-04 M-19 Record-Route with lr on INVITE, SUBSCRIBE, REFER, NOTIFY and unknown methods only', () => {
    const { alice, bob } = setUp()
    for (const method of ['INVITE', 'SUBSCRIBE', 'REFER', 'NOTIFY', 'WONDER', 'MESSAGE', 'OPTIONS', 'INFO']) {
      alice.request(method, BOB)
      const routes = bob.requests(method)[0]!.values('record-route')
      const wanted = ['INVITE', 'SUBSCRIBE', 'REFER', 'NOTIFY', 'WONDER'].includes(method)
      expect(routes, method).toHaveLength(wanted ? 2 : 0)
      for (const route of routes) expect(route).toMatch(/;lr>$/)
    }
  })

  it('S3261-16.4-03 S3261-16.6-05 own routes go, a next route without lr gets strict routing', () => {
    const { alice, bob, node } = setUp()
    node.resolveAnswer = () => ({ ok: true, addresses: [{ host: bob.host, port: 5060, transport: 'udp' }] })
    alice.request('MESSAGE', 'sip:x@example.net', {
      extra: ['Route: <sip:192.0.2.1;lr>, <sip:strict.example.net>, <sip:last.example.net;lr>'],
    })
    const sent = bob.requests('MESSAGE')[0]!
    expect(sent.requestUri).toBe('sip:strict.example.net')
    expect(sent.values('route')).toEqual(['<sip:last.example.net;lr>', '<sip:x@example.net>'])
    // Where none of the routes is ours as well.
    alice.request('MESSAGE', 'sip:x@example.net', { extra: ['Route: <sip:strict.example.net>'] })
    const other = bob.requests('MESSAGE')[1]!
    expect(other.requestUri).toBe('sip:strict.example.net')
    expect(other.values('route')).toEqual(['<sip:x@example.net>'])
  })

  it('S3261-16.3-01 a Route that cannot be read is 400 where it would be the next, and nobody passes it over', () => {
    const { alice, bob, node } = setUp()
    node.resolveAnswer = () => ({ ok: true, addresses: [{ host: bob.host, port: 5060, transport: 'udp' }] })
    for (const route of [
      'garbage',
      '<sip:192.0.2.1;lr>, garbage',
      '<sip:192.0.2.1;lr>, <sip:p@@x>, <sip:bob@example.net;lr>',
    ]) {
      alice.request('MESSAGE', BOB, { extra: [`Route: ${route}`] })
      expect(alice.last().status, route).toBe(400)
    }
    expect(bob.requests('MESSAGE')).toHaveLength(0)
    // Behind the next one it is the next one's.
    alice.request('MESSAGE', BOB, { extra: ['Route: <sip:192.0.2.1;lr>, <sip:p.example.net;lr>, garbage'] })
    expect(bob.requests('MESSAGE')[0]!.values('route')).toEqual(['<sip:p.example.net;lr>', 'garbage'])
  })

  it('S3261-16.7-06 S-30 a 302 to a user here is followed, or with recurse3xx off left to the caller', () => {
    for (const recurse3xx of [true, false]) {
      const { alice, bob } = setUp({ recurse3xx })
      alice.request('INVITE', BOB)
      bob.respond(bob.requests('INVITE')[0]!, 302, { contact: `<sip:alice@${DOMAIN}>` })
      expect(alice.requests('INVITE')).toHaveLength(recurse3xx ? 1 : 0)
      if (recurse3xx) alice.respond(alice.requests('INVITE')[0]!, 486)
      expect(alice.last().status).toBe(recurse3xx ? 486 : 302)
      expect(alice.last().values('contact').includes(`<sip:alice@${DOMAIN}>`)).toBe(!recurse3xx)
    }
  })

  it('S3261-16.5-01 S-30 a redirection by another domain is not followed, wherever it leads', () => {
    const { alice, bob, node, phone } = setUp()
    const gateway = phone('gateway')
    node.resolveAnswer = () => ({
      ok: true,
      addresses: [{ host: gateway.host, port: 5060, transport: 'udp' }],
    })
    alice.request('INVITE', 'sip:x@example.net')
    gateway.respond(gateway.requests('INVITE')[0]!, 302, { contact: `<${BOB}>` })
    expect(alice.last().status).toBe(302)
    expect(alice.last().values('contact')).toEqual([`<${BOB}>`])
    expect(bob.requests('INVITE')).toHaveLength(0)
  })

  it('S3261-16.4-01 what a strict router did to a request is repaired', () => {
    const { alice, bob } = setUp()
    const sent = alice.request('INVITE', BOB)
    const invite = bob.requests('INVITE')[0]!
    bob.respond(invite, 200)
    const ok = alice.responses('INVITE', 200)[0]!
    const routes = ok.values('record-route').reverse()
    // The phone put our first route into the Request-URI and its target at the end.
    alice.request('BYE', /<(.*)>/.exec(routes[0]!)![1]!, {
      callId: sent.callId,
      to: ok.header('to')!,
      cseq: 2,
      extra: [`Route: ${routes[1]}`, `Route: ${bob.contact}`],
    })
    expect(bob.requests('BYE')[0]!.requestUri).toBe(bob.contact.slice(1, -1))
    // What is the Request-URI again is no Route any more.
    expect(bob.requests('BYE')[0]!.values('route')).toEqual([])
  })

  it('S3261-16.3-05 E22 an unknown Proxy-Require gets 420, Require is not the proxy’s', () => {
    const { alice, bob } = setUp()
    alice.request('MESSAGE', BOB, { extra: ['Proxy-Require: a, b'] })
    expect(alice.last().status).toBe(420)
    expect(alice.last().values('unsupported')).toEqual(['a', 'b'])
    alice.request('MESSAGE', BOB, { extra: ['Require: wonder'] })
    expect(bob.requests('MESSAGE')[0]!.header('require')).toBe('wonder')
  })

  it('S3261-16.3-01 S3261-16.3-06 unknown methods and merged requests pass', () => {
    const { alice, bob } = setUp()
    alice.request('WONDER', BOB, { callId: 'same' })
    alice.request('WONDER', BOB, { callId: 'same' })
    expect(bob.requests('WONDER')).toHaveLength(2)
  })

  it('S3261-16.3-03 E14 E15 unknown schemes get 416', () => {
    const { alice } = setUp()
    for (const uri of ['nobodyKnowsThisScheme:x', 'tel:+15551234', 'http://example.org/']) {
      alice.request('INVITE', uri)
      expect(alice.last().status, uri).toBe(416)
    }
  })

  it('S5393-4-01 E21 a request that comes back unchanged is 482, changed it is a spiral', () => {
    const { alice, bob } = setUp()
    bob.onMessage = (message) => {
      if (message.method !== 'MESSAGE' || bob.requests('MESSAGE').length > 1) return
      const lines = message.head.text.replace(/^MESSAGE \S+/, `MESSAGE ${BOB}`)
      bob.sendRaw(`${lines.replace('\r\n', `\r\nVia: ${bob.via('z9hG4bKback')}\r\n`)}`)
    }
    alice.request('MESSAGE', BOB)
    expect(bob.last().status).toBe(482)
  })
})

describe('Max-Breadth (RFC 5393 s.5.3)', () => {
  const breadths = (phones: readonly Phone[]): number[] =>
    phones.flatMap((phone) =>
      phone.requests('MESSAGE').map((message) => Number(message.header('max-breadth') ?? '-1')),
    )

  it('S5393-5-01 is added where there is none, lowered where it is too large, and shared by the branches', () => {
    const { alice, bob, phone } = setUp({ lookup: 'localOnly' })
    const to = (breadth?: number): void =>
      void alice.request('MESSAGE', BOB, { extra: breadth === undefined ? [] : [`Max-Breadth: ${breadth}`] })
    to()
    to(1_000)
    to(7)
    expect(breadths([bob])).toEqual([60, 60, 7])
    const phones = [bob, phone('bob'), phone('bob')]
    to(7)
    expect(phones.map((each) => breadths([each]).at(-1))).toEqual([3, 2, 2])
  })

  it('S5393-5-01 E20 with too little of it phones ring one after the other, with none at all it is 440', () => {
    const { alice, bob, phone } = setUp({ lookup: 'localOnly' })
    const phones = [bob, phone('bob'), phone('bob')]
    const rung = (): number[] => phones.map((each) => each.requests('INVITE').length)
    alice.request('INVITE', BOB, { extra: ['Max-Breadth: 1'] })
    expect(rung()).toEqual([1, 0, 0])
    phones[0]!.respond(phones[0]!.requests('INVITE')[0]!, 486)
    expect(rung()).toEqual([1, 1, 0])
    phones[1]!.respond(phones[1]!.requests('INVITE')[0]!, 486)
    expect(rung()).toEqual([1, 1, 1])
    phones[2]!.respond(phones[2]!.requests('INVITE')[0]!, 486)
    expect(alice.last().status).toBe(486)
    alice.request('INVITE', BOB, { extra: ['Max-Breadth: 0'] })
    expect(alice.last().status).toBe(440)
    expect(rung()).toEqual([1, 1, 1])
  })
})

describe('responses (RFC 3261 s.16.7)', () => {
  it('S3261-16.7-01 S3261-16.7-07 1xx pass at once, 100 never, To tags untouched', () => {
    const { alice, bob } = setUp()
    alice.request('INVITE', BOB)
    const invite = bob.requests('INVITE')[0]!
    bob.respond(invite, 100)
    bob.respond(invite, 183, { tag: 'early' })
    bob.respond(invite, 180, { tag: 'other' })
    expect(alice.statuses('INVITE')).toEqual([100, 183, 180])
    expect(alice.responses('INVITE').map((m) => m.to.params.get('tag'))).toEqual([
      undefined,
      'early',
      'other',
    ])
  })

  it('S3261-16.7-03 S3261-16.9-01 silence is 408 for INVITE, S-TX-01 a late 100 for the others', () => {
    const { world, alice, bob, node } = setUp()
    bob.drop = true
    alice.request('INVITE', BOB)
    alice.request('MESSAGE', BOB)
    world.advance(32_100)
    expect(alice.statuses('INVITE')).toEqual([100, 408])
    expect(alice.statuses('MESSAGE')).toEqual([100])
    expect(node.core.snapshot().transactions.get('nist')).toBe(0)
    expect(node.core.instruments.callResults.get('local|no_answer')).toBe(1)
  })

  it('S3261-16.7-04 a branch’s 503 becomes 500', () => {
    const { alice, bob } = setUp()
    alice.request('MESSAGE', BOB)
    bob.respond(bob.requests('MESSAGE')[0]!, 503)
    expect(alice.last().status).toBe(500)
  })

  it('S3261-16.7-05 challenges of all branches come together, each in its order', () => {
    const asks = (header: string, ...realms: readonly number[]) => ({
      extra: realms.map((realm) => `${header}: Digest realm="${realm}"`),
    })
    for (const first of [401, 407]) {
      const { alice, bob, phone } = setUp()
      const [desk, soft] = [phone('bob'), phone('bob')]
      alice.request('MESSAGE', BOB)
      const [www, proxy] = [asks('WWW-Authenticate', 2, 1), asks('Proxy-Authenticate', 4, 3)]
      bob.respond(bob.requests('MESSAGE')[0]!, first, first === 401 ? www : proxy)
      desk.respond(desk.requests('MESSAGE')[0]!, first === 401 ? 407 : 401, first === 401 ? proxy : www)
      soft.respond(soft.requests('MESSAGE')[0]!, 401, asks('WWW-Authenticate', 6, 5))
      expect(alice.last().status).toBe(first)
      const realms = (name: string): string[] =>
        alice
          .last()
          .headers(name)
          .map((value) => value.slice(-2, -1))
      expect(realms('www-authenticate')).toEqual(['2', '1', '6', '5'])
      expect(realms('proxy-authenticate')).toEqual(['4', '3'])
    }
  })

  it('S3261-16.6-09 S3261-16.8-01 Timer C cancels a phone that rings too long, each 18x starts it anew', () => {
    const { world, alice, bob, node } = setUp()
    alice.request('INVITE', BOB)
    const invite = bob.requests('INVITE')[0]!
    bob.respond(invite, 180)
    world.advance(170_000)
    bob.respond(invite, 180)
    world.advance(180_000)
    expect(bob.requests('CANCEL')).toHaveLength(0)
    world.advance(20_000)
    expect(bob.requests('CANCEL').length).toBeGreaterThan(0)
    expect(node.core.instruments.sipTransactionTimeouts.get('C')).toBe(1)
    world.advance(40_000)
    expect(alice.last().status).toBe(408)
    expect(node.core.snapshot().transactions.get('ict')).toBe(0)
  })

  it('S3261-16.6-09 a 100 does not start Timer C anew', () => {
    const { world, alice, bob } = setUp()
    alice.request('INVITE', BOB)
    const invite = bob.requests('INVITE')[0]!
    bob.respond(invite, 180)
    world.advance(170_000)
    bob.respond(invite, 100)
    world.advance(20_000)
    expect(bob.requests('CANCEL').length).toBeGreaterThan(0)
  })

  it('S3261-16.9-01 E44 a phone whose connection is gone is 480', () => {
    const { world, alice, bob } = setUp({ lookup: 'localOnly' }, 'tcp')
    alice.request('MESSAGE', BOB)
    bob.disconnect()
    world.settle()
    expect(alice.last().status).toBe(480)
  })

  it('S3261-17.2-02 a retransmitted INVITE is answered from the transaction, not forwarded again', () => {
    const { alice, bob } = setUp()
    const init = { branch: 'z9hG4bKsame', callId: 'same' }
    alice.request('INVITE', BOB, init)
    bob.respond(bob.requests('INVITE')[0]!, 180)
    alice.request('INVITE', BOB, init)
    expect(bob.requests('INVITE')).toHaveLength(1)
    expect(alice.statuses('INVITE')).toEqual([100, 180, 180])
  })

  it('nothing is left when every transaction has ended', () => {
    const { world, alice, bob, node } = setUp()
    const sent = alice.request('INVITE', BOB)
    bob.respond(bob.requests('INVITE')[0]!, 200)
    alice.inDialog('BYE', sent, alice.last())
    bob.respond(bob.requests('BYE')[0]!, 200)
    world.advance(33_000)
    expect([...node.core.snapshot().transactions.values()]).toEqual([0, 0, 0, 0])
  })
})

describe('requests for this node itself', () => {
  it('S3261-11-01 OPTIONS to the domain or our address is answered with what we can', () => {
    const { alice } = setUp()
    for (const uri of [`sip:${DOMAIN}`, 'sip:192.0.2.1:5060']) {
      alice.request('OPTIONS', uri)
      const ok = alice.last()
      expect(ok.status).toBe(200)
      for (const name of ['allow', 'accept', 'accept-encoding', 'accept-language', 'supported'])
        expect(ok.has(name), name).toBe(true)
      expect(ok.values('supported')).toEqual(['path', 'outbound', 'gruu'])
    }
  })

  it('S3261-8.2.1-01 E40 E41 known methods get 405 with Allow, unknown ones 501', () => {
    const { alice } = setUp()
    alice.request('INVITE', `sip:${DOMAIN}`)
    expect(alice.last().status).toBe(405)
    expect(alice.last().has('allow')).toBe(true)
    alice.request('WONDER', `sip:${DOMAIN}`)
    expect(alice.last().status).toBe(501)
    expect(alice.last().has('allow')).toBe(true)
  })

  it('S3261-11-01 claims only what is there: outbound needs registrar and proxy', () => {
    const world = new SipWorld()
    const roles = { registrar: true, proxy: false, redirect: true }
    const node = world.node('192.0.2.1', { roles }, new TestAccounts().add('alice'))
    const alice = world.phone('alice', node)
    alice.request('OPTIONS', `sip:${DOMAIN}`)
    expect(alice.last().values('supported')).toEqual(['path', 'gruu'])
    alice.register({ extra: ['Require: outbound, path, gruu'] })
    expect(alice.last().status).toBe(420)
    expect(alice.last().values('unsupported')).toEqual(['outbound'])
  })

  it('S3261-8.2-01 S3261-8.2.2-03 the method is looked at before Require', () => {
    const { alice } = setUp()
    alice.request('INVITE', `sip:${DOMAIN}`, { extra: ['Require: wonder'] })
    expect(alice.last().status).toBe(405)
    alice.request('OPTIONS', `sip:${DOMAIN}`, { extra: ['Require: wonder'] })
    expect(alice.last().status).toBe(420)
  })

  it('S3261-8.2.6-01 a response copies Via, From, To, Call-ID and CSeq and adds a To tag', () => {
    const { alice } = setUp()
    const sent = alice.request('OPTIONS', `sip:${DOMAIN}`, {
      extra: ['Via: SIP/2.0/UDP 10.9.9.9;branch=z9hG4bKlower'],
    })
    const ok = alice.last()
    expect(ok.viaCount).toBe(2)
    expect(ok.callId).toBe(sent.callId)
    expect(ok.from.params.get('tag')).toBe('from')
    expect(ok.to.params.has('tag')).toBe(true)
  })

  it('S3261-8.2.7-01 stateless answers repeat their To tag and keep no transaction', () => {
    const world = new SipWorld()
    const node = world.node('192.0.2.1', { auth: 'digest' }, new TestAccounts().add('alice'))
    const alice = world.phone('alice', node)
    const init = { branch: 'z9hG4bKsame', callId: 'same' }
    alice.register(init)
    alice.register(init)
    const [first, second] = alice.responses('REGISTER')
    expect(first!.header('to')).toBe(second!.header('to'))
    expect(node.core.snapshot().transactions.get('nist')).toBe(0)
  })

  it('S3261-8.2.2-01 a user at our bare address is nobody', () => {
    const { alice } = setUp()
    alice.request('INVITE', 'sip:bob@192.0.2.1')
    expect(alice.last().status).toBe(404)
  })

  it('S5626-5.4-01 double CRLF on a stream is answered with one', () => {
    const { bob, node } = setUp({}, 'tcp')
    const before = node.actions.length
    bob.sendRaw('\r\n\r\n')
    const sent = node.actions
      .slice(before)
      .flatMap((a) => (a.kind === 'sendFlow' ? [Buffer.from(a.bytes).toString()] : []))
    expect(sent).toEqual(['\r\n'])
  })

  it('S5626-5.4-01 a STUN Binding request to the SIP port is answered from there, to where it came from', () => {
    const { bob, node } = setUp()
    bob.drop = true
    const before = node.actions.length
    bob.sendRaw(Buffer.from('000100002112a442b7e7a701bc34d686fa87dfae', 'hex'))
    bob.sendRaw(Buffer.from('001100002112a442b7e7a701bc34d686fa87dfae', 'hex'))
    const sent = node.actions.slice(before).flatMap((a) => (a.kind === 'sendDatagram' ? [a] : []))
    expect(sent).toMatchObject([{ listener: 0, host: bob.host, port: bob.port }])
    expect(Buffer.from(sent[0]!.bytes).toString('hex').startsWith('0101000c2112a442')).toBe(true)
    expect(node.core.instruments.sipMalformed.get('syntax|udp')).toBe(0)
  })

  it('E10 E11 a stream without framing is closed, one that stalls too', () => {
    const { world, node, bob } = setUp({}, 'tcp')
    const other = world.phone('alice', node, { transport: 'tcp' })
    other.sendRaw(
      `OPTIONS sip:${DOMAIN} SIP/2.0\r\nVia: ${other.via('z9hG4bK1')}\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n`,
    )
    expect(other.last().status).toBe(400)
    expect(other.closedFlows).toHaveLength(1)
    bob.sendRaw('OPTIONS sip:x SIP/2.0\r\n')
    world.advance(40_000)
    expect(bob.closedFlows).toHaveLength(1)
    expect(node.core.snapshot().connections.size).toBe(0)
  })

  it('S3261-18.1-04 a phone that registered a TCP contact over UDP is dialled once', () => {
    const world = new SipWorld()
    const node = world.node('192.0.2.1', {}, new TestAccounts().add('alice').add('bob'))
    const alice = world.phone('alice', node)
    const bob = world.phone('bob', node, { transport: 'tcp' })
    const registrant = world.phone('bob', node)
    registrant.register({ contact: `<sip:bob@${bob.host}:5060;transport=tcp>` })
    alice.request('MESSAGE', BOB)
    alice.request('MESSAGE', BOB)
    expect(bob.requests('MESSAGE')).toHaveLength(2)
    expect(node.actions.filter((a) => a.kind === 'openFlow')).toHaveLength(1)
    expect(node.actions.find((a) => a.kind === 'openFlow')).toMatchObject({ flow: 1, transport: 'tcp' })
  })

  it('S3261-16.9-01 a connection that cannot be opened fails the branch', () => {
    const world = new SipWorld()
    const node = world.node('192.0.2.1', { lookup: 'localOnly' }, new TestAccounts().add('alice').add('bob'))
    const alice = world.phone('alice', node)
    const bob = world.phone('bob', node)
    bob.register({ contact: '<sip:bob@10.0.0.77:5060;transport=tcp>' })
    alice.request('MESSAGE', BOB)
    expect(alice.last().status).toBe(480)
  })
})
