import { describe, expect, it } from 'vitest'
import { Branch } from '../../../../src/sip/proxy/branch.ts'
import { DOMAIN, SipWorld, TestAccounts, type Phone, type TestNode } from '../../../support/sip-phones.ts'

const BOB = `sip:bob@${DOMAIN}`

function accounts(): TestAccounts {
  return new TestAccounts().add('alice').add('bob').add('carol')
}

function twoPhones(
  transports: { alice: 'udp' | 'tcp'; bob: 'udp' | 'tcp' },
  auth: 'none' | 'digest' = 'none',
): { world: SipWorld; node: TestNode; alice: Phone; bob: Phone } {
  const world = new SipWorld()
  const node = world.node('192.0.2.1', { auth }, accounts())
  const alice = world.phone('alice', node, { transport: transports.alice })
  const bob = world.phone('bob', node, { transport: transports.bob })
  expect(alice.registerFully().status).toBe(200)
  expect(bob.registerFully().status).toBe(200)
  return { world, node, alice, bob }
}

describe('a call between two phones of one node', () => {
  for (const alice of ['udp', 'tcp'] as const) {
    for (const bob of ['udp', 'tcp'] as const) {
      it(`M-19 S3261-16.6-04 S3261-16.7-01 rings, is answered and ends from either side over ${alice} and ${bob}`, () => {
        const s = twoPhones({ alice, bob })
        const sent = s.alice.request('INVITE', BOB, { body: 'v=0' })
        const invite = s.bob.requests('INVITE')[0]!
        expect(s.alice.statuses('INVITE')).toEqual([100])
        expect(invite.maxForwards).toBe(69)
        expect(Buffer.from(invite.body).toString()).toBe('v=0')
        expect(invite.values('record-route')).toHaveLength(2)
        expect(invite.requestUri).toBe(s.bob.contact.slice(1, -1))

        s.bob.respond(invite, 180)
        s.bob.respond(invite, 200)
        expect(s.alice.statuses('INVITE')).toEqual([100, 180, 200])
        const ok = s.alice.responses('INVITE', 200)[0]!
        expect(ok.viaCount).toBe(1)
        s.alice.inDialog('ACK', sent, ok)
        expect(s.bob.requests('ACK')).toHaveLength(1)
        expect(s.bob.requests('ACK')[0]!.has('route')).toBe(false)

        s.alice.inDialog('INFO', sent, ok)
        const info = s.bob.requests('INFO')[0]!
        s.bob.respond(info, 200)
        expect(s.alice.statuses('INFO')).toEqual([200])

        s.bob.fromCallee('BYE', invite)
        const bye = s.alice.requests('BYE')[0]!
        s.alice.respond(bye, 200)
        expect(s.bob.statuses('BYE')).toEqual([200])
      })
    }
  }

  it('RFC 3261 s.16.11 each copy of an ACK has the branch of the first; that of another ACK has another', () => {
    const s = twoPhones({ alice: 'udp', bob: 'udp' })
    const sent = s.alice.request('INVITE', BOB)
    s.bob.respond(s.bob.requests('INVITE')[0]!, 200)
    const ok = s.alice.last()
    const { branch } = s.alice.inDialog('ACK', sent, ok)
    s.alice.inDialog('ACK', sent, ok, { branch })
    s.alice.inDialog('ACK', sent, ok)
    const branches = s.bob.requests('ACK').map(({ topVia }) => topVia.branch)
    expect(branches).toEqual([branches[0], branches[0], expect.stringMatching(/^z9hG4bK/)])
    expect(branches[2]).not.toBe(branches[0])
    expect(branches[0]).not.toContain(branch)
  })

  it('M-03 S3261-10.3-08 a dot that ends the domain makes no other user, in REGISTER, From and Request-URI', () => {
    const world = new SipWorld()
    const node = world.node('192.0.2.1', { auth: 'digest' }, accounts())
    const alice = world.phone('alice', node)
    const bob = world.phone('bob', node, { fromDomain: `${DOMAIN}.` })
    expect(alice.registerFully().status).toBe(200)
    expect(bob.registerFully().status).toBe(200)
    expect(node.core.bindings(`bob@${DOMAIN}`)).toHaveLength(1)
    const first = alice.request('MESSAGE', `sip:bob@${DOMAIN}.`)
    alice.authenticate(first, alice.last())
    expect(bob.requests('MESSAGE')).toHaveLength(1)
    // Who writes our domain with a dot speaks for it all the same.
    bob.request('MESSAGE', `sip:alice@${DOMAIN}`)
    expect(bob.last().status).toBe(407)
  })

  it('S3261-22-01 S-AU-02 registers and calls with digest, 401 and 407', () => {
    const s = twoPhones({ alice: 'udp', bob: 'udp' }, 'digest')
    expect(s.alice.statuses('REGISTER')).toEqual([401, 200])
    const sent = s.alice.request('INVITE', BOB)
    expect(s.alice.statuses('INVITE')).toEqual([407])
    s.alice.inDialog('ACK', sent, s.alice.last(), { branch: sent.branch })
    s.alice.authenticate(sent, s.alice.responses('INVITE', 407)[0]!)
    const invite = s.bob.requests('INVITE')[0]!
    expect(invite.has('proxy-authorization')).toBe(false)
    s.bob.respond(invite, 200)
    expect(s.alice.statuses('INVITE')).toEqual([407, 100, 200])
  })

  it('S3261-16.10-01 S3261-9-01 a cancelled call ends with 200 to CANCEL and 487 to INVITE', () => {
    const s = twoPhones({ alice: 'udp', bob: 'udp' })
    const sent = s.alice.request('INVITE', BOB)
    const invite = s.bob.requests('INVITE')[0]!
    s.bob.respond(invite, 180)
    s.alice.cancel(sent)
    expect(s.alice.statuses('CANCEL')).toEqual([200])
    const cancel = s.bob.requests('CANCEL')[0]!
    expect(cancel.topVia.branch).toBe(invite.topVia.branch)
    expect(cancel.viaCount).toBe(1)
    expect(cancel.requestUri).toBe(invite.requestUri)
    expect(cancel.cseq.number).toBe(invite.cseq.number)
    s.bob.respond(cancel, 200)
    s.bob.respond(invite, 487)
    expect(s.alice.statuses('INVITE')).toEqual([100, 180, 487])
    expect(s.bob.requests('ACK')).toHaveLength(1)
    expect(s.node.core.instruments.callResults.get('local|cancelled')).toBe(1)
  })

  it('S3261-9-01 a CANCEL is held back until a provisional response has come', () => {
    const s = twoPhones({ alice: 'udp', bob: 'udp' })
    const sent = s.alice.request('INVITE', BOB)
    s.alice.cancel(sent)
    expect(s.bob.requests('CANCEL')).toHaveLength(0)
    s.bob.respond(s.bob.requests('INVITE')[0]!, 180)
    expect(s.bob.requests('CANCEL')).toHaveLength(1)
  })

  it('S3261-9-02 S-29 a CANCEL that matches nothing, or comes from elsewhere, gets 481 and ends no call', () => {
    const s = twoPhones({ alice: 'udp', bob: 'udp' })
    const carol = s.world.phone('carol', s.node)
    const sent = s.alice.request('INVITE', BOB)
    s.bob.respond(s.bob.requests('INVITE')[0]!, 180)
    const via = s.alice.via(sent.branch)
    carol.sendRaw(
      `CANCEL ${BOB} SIP/2.0\r\nVia: ${via}\r\nMax-Forwards: 70\r\nFrom: <sip:${s.alice.aor}>;tag=from\r\nTo: <${BOB}>\r\n` +
        `Call-ID: ${sent.callId}\r\nCSeq: 1 CANCEL\r\nContent-Length: 0\r\n\r\n`,
    )
    expect(carol.statuses('CANCEL')).toEqual([481])
    expect(s.bob.requests('CANCEL')).toHaveLength(0)
    carol.request('CANCEL', BOB)
    expect(carol.statuses('CANCEL')).toEqual([481, 481])
  })

  it('S3261-16.10-01 a CANCEL that matches nothing goes on where a Route of a call says where to, and nowhere else', () => {
    const s = twoPhones({ alice: 'udp', bob: 'udp' })
    const sent = s.alice.request('INVITE', BOB)
    s.bob.respond(s.bob.requests('INVITE')[0]!, 200)
    const ok = s.alice.last()
    s.alice.inDialog('CANCEL', sent, ok)
    const [cancel] = s.bob.requests('CANCEL')
    expect(cancel!.maxForwards).toBe(69)
    expect(cancel!.viaCount).toBe(2)
    expect(cancel!.has('route')).toBe(false)
    expect(s.alice.statuses('CANCEL')).toEqual([])
    for (const route of ['<sip:10.0.0.99;lr>', `<sip:forged@${s.node.host}:5060;lr>`]) {
      s.alice.request('CANCEL', BOB, { extra: [`Route: ${route}`] })
      expect(s.alice.last().status, route).toBe(481)
    }
    expect(s.bob.requests('CANCEL')).toHaveLength(1)
    expect(s.node.actions.some((a) => a.kind === 'sendDatagram' && a.host === '10.0.0.99')).toBe(false)
  })

  it('S3261-9-02 S-29 a CANCEL counts by another connection from there when that of its INVITE is gone, and not before', () => {
    const s = twoPhones({ alice: 'tcp', bob: 'udp' })
    const neighbor = s.world.phone('alice', s.node, { transport: 'tcp', host: s.alice.host })
    const stranger = s.world.phone('alice', s.node, { transport: 'tcp' })
    const sent = s.alice.request('INVITE', BOB)
    s.bob.respond(s.bob.requests('INVITE')[0]!, 180)
    const byOther = (phone: Phone): number => {
      phone.sendRaw(
        `CANCEL ${BOB} SIP/2.0\r\nVia: ${s.alice.via(sent.branch)}\r\nMax-Forwards: 70\r\nFrom: <sip:${s.alice.aor}>;tag=from\r\n` +
          `To: <${BOB}>\r\nCall-ID: ${sent.callId}\r\nCSeq: 1 CANCEL\r\nContent-Length: 0\r\n\r\n`,
      )
      return phone.last().status
    }
    expect(byOther(neighbor)).toBe(481)
    s.alice.disconnect()
    expect(byOther(stranger)).toBe(481)
    expect(s.bob.requests('CANCEL')).toHaveLength(0)
    expect(byOther(neighbor)).toBe(200)
    expect(s.bob.requests('CANCEL')).toHaveLength(1)
  })

  it('S3261-17.1-01 a busy phone is acknowledged hop by hop and the caller hears 486', () => {
    const s = twoPhones({ alice: 'udp', bob: 'udp' })
    s.alice.request('INVITE', BOB)
    s.bob.respond(s.bob.requests('INVITE')[0]!, 486)
    expect(s.alice.statuses('INVITE')).toEqual([100, 486])
    const ack = s.bob.requests('ACK')[0]!
    expect(ack.viaCount).toBe(1)
    expect(ack.topVia.branch).toBe(s.bob.requests('INVITE')[0]!.topVia.branch)
    expect(s.node.core.instruments.callResults.get('local|busy')).toBe(1)
  })

  it('S3261-16.5-02 M-21 says 404 for nobody and 480 for a user without phones', () => {
    const s = twoPhones({ alice: 'udp', bob: 'udp' })
    s.alice.request('INVITE', `sip:nobody@${DOMAIN}`)
    expect(s.alice.last().status).toBe(404)
    s.alice.request('INVITE', `sip:carol@${DOMAIN}`)
    expect(s.alice.last().status).toBe(480)
    s.node.locateAnswer = () => ({ kind: 'found', targets: [], userExists: true, loop: false })
    s.alice.request('MESSAGE', `sip:elsewhere@${DOMAIN}`)
    expect(s.alice.last().status).toBe(480)
  })

  it('E55 an overlay that does not answer makes 504, with a phone here it does not matter', () => {
    const s = twoPhones({ alice: 'udp', bob: 'udp' })
    s.node.locateAnswer = () => ({ kind: 'failed', status: 504, reason: 'Overlay Timeout' })
    s.alice.request('MESSAGE', `sip:carol@${DOMAIN}`)
    expect(s.alice.last().status).toBe(504)
    s.alice.request('MESSAGE', BOB)
    s.bob.respond(s.bob.requests('MESSAGE')[0]!, 200)
    expect(s.alice.last().status).toBe(200)
  })

  it('S3581-4-01 S3581-4-02 S5626-7-03 a phone behind a NAT is reached by the way it came', () => {
    const world = new SipWorld()
    const node = world.node('192.0.2.1', {}, accounts())
    const alice = world.phone('alice', node)
    const bob = world.phone('bob', node, { privateHost: '192.168.1.5', port: 61_234 })
    bob.register({ contact: '<sip:bob@192.168.1.5:5060>' })
    const via = bob.last().topVia
    expect(via.received).toBe(bob.host)
    expect(via.rport).toBe(61_234)
    alice.request('INVITE', BOB)
    expect(bob.requests('INVITE')[0]!.requestUri).toBe('sip:bob@192.168.1.5:5060')
  })

  it('S5626-5.3-02 a dialog begun over an outbound flow comes back by that very flow', () => {
    const world = new SipWorld()
    const node = world.node('192.0.2.1', {}, accounts())
    const alice = world.phone('alice', node, { transport: 'tcp', privateHost: '192.168.1.5' })
    const bob = world.phone('bob', node)
    bob.registerFully()
    alice.request('INVITE', BOB, { extra: ['Route: <sip:192.0.2.1;transport=tcp;lr;ob>'] })
    const invite = bob.requests('INVITE')[0]!
    bob.respond(invite, 200)
    bob.fromCallee('BYE', invite)
    expect(alice.requests('BYE')).toHaveLength(1)
    expect(node.actions.some((action) => action.kind === 'openFlow')).toBe(false)
  })

  it('S3261-18.2-03 without rport a response goes to the port of sent-by', () => {
    const world = new SipWorld()
    const node = world.node('192.0.2.1', {}, accounts())
    const alice = world.phone('alice', node, { noRport: true })
    const odd = world.phone('bob', node, { noRport: true })
    odd.sendRaw(
      `OPTIONS sip:${DOMAIN} SIP/2.0\r\nVia: SIP/2.0/UDP ${odd.host}:5060;branch=z9hG4bKx\r\nFrom: <sip:x@example.org>;tag=1\r\n` +
        `To: <sip:${DOMAIN}>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n`,
    )
    expect(odd.last().status).toBe(200)
    expect(alice.received).toHaveLength(0)
  })
})

/** The transactions of a node, which it shows to nobody else. */
function tables(node: TestNode): {
  readonly servers: ReadonlyMap<string, { readonly user: unknown }>
  readonly clients: ReadonlyMap<string, { readonly user: unknown }>
} {
  const { transactions } = node.core['parts']
  // The latest one takes its place among the others when somebody counts them.
  expect(transactions.size).toBeGreaterThan(0)
  return { servers: transactions['servers']['byKey'], clients: transactions['clients']['byKey'] }
}

describe('forking', () => {
  it('S3261-16.7-08 M-12 rings both phones of a user, the first answer wins and the other is cancelled', () => {
    const s = twoPhones({ alice: 'udp', bob: 'udp' })
    const desk = s.world.phone('bob', s.node, { transport: 'tcp' })
    expect(desk.registerFully().values('contact')).toHaveLength(2)
    s.alice.request('INVITE', BOB)
    const first = s.bob.requests('INVITE')[0]!
    const second = desk.requests('INVITE')[0]!
    s.bob.respond(first, 180)
    desk.respond(second, 180)
    desk.respond(second, 200)
    const cancel = s.bob.requests('CANCEL')[0]!
    s.bob.respond(cancel, 200)
    s.bob.respond(first, 487)
    expect(s.alice.statuses('INVITE')).toEqual([100, 180, 180, 200])
    expect(s.bob.requests('ACK')).toHaveLength(1)
    expect(s.node.core.instruments.callForkBranches.series.get('')?.sum).toBe(2)
  })

  it('S6026-7-01 nothing of a call is kept for late answers but the way back, once every phone has had its say', () => {
    const s = twoPhones({ alice: 'udp', bob: 'udp' })
    const desk = s.world.phone('bob', s.node)
    desk.registerFully()
    const kept = (): number => {
      const { servers, clients } = tables(s.node)
      const contexts = [...servers.values()].filter(({ user }) => user !== undefined)
      return contexts.length + [...clients.values()].filter(({ user }) => user instanceof Branch).length
    }
    s.alice.request('INVITE', BOB)
    const ringing = s.bob.requests('INVITE')[0]!
    s.bob.respond(ringing, 180)
    desk.respond(desk.requests('INVITE')[0]!, 200)
    s.bob.respond(s.bob.requests('CANCEL')[0]!, 200)
    expect(kept()).toBe(3)
    s.bob.respond(ringing, 487)
    expect(kept()).toBe(0)
    desk.respond(desk.requests('INVITE')[0]!, 200)
    expect(s.alice.statuses('INVITE')).toEqual([100, 180, 200, 200])
  })

  it('S6026-7-01 S6026-7-02 a second 2xx is passed on as well', () => {
    const s = twoPhones({ alice: 'udp', bob: 'udp' })
    const desk = s.world.phone('bob', s.node)
    desk.registerFully()
    s.alice.request('INVITE', BOB)
    s.bob.respond(s.bob.requests('INVITE')[0]!, 200)
    desk.respond(desk.requests('INVITE')[0]!, 200)
    s.bob.respond(s.bob.requests('INVITE')[0]!, 200)
    expect(s.alice.statuses('INVITE')).toEqual([100, 200, 200, 200])
  })

  it('S3261-16.7-02 a 603 cancels the others and is what the caller hears', () => {
    const s = twoPhones({ alice: 'udp', bob: 'udp' })
    const desk = s.world.phone('bob', s.node)
    desk.registerFully()
    s.alice.request('INVITE', BOB)
    const ringing = desk.requests('INVITE')[0]!
    desk.respond(ringing, 180)
    s.bob.respond(s.bob.requests('INVITE')[0]!, 603)
    expect(s.alice.statuses('INVITE')).toEqual([100, 180])
    desk.respond(desk.requests('CANCEL')[0]!, 200)
    desk.respond(ringing, 487)
    expect(s.alice.statuses('INVITE')).toEqual([100, 180, 603])
  })

  it('S3261-16.7-08 a phone that rang and then declined for all is not sent a CANCEL', () => {
    const s = twoPhones({ alice: 'udp', bob: 'udp' })
    s.alice.request('INVITE', BOB)
    const invite = s.bob.requests('INVITE')[0]!
    s.bob.respond(invite, 180)
    s.bob.respond(invite, 603)
    s.world.advance(40_000)
    expect(s.bob.requests('CANCEL')).toHaveLength(0)
    expect(s.bob.requests('ACK').length).toBeGreaterThan(0)
    expect(s.alice.statuses('INVITE').at(-1)).toBe(603)
  })

  it('S3261-16.9-01 what fits into no datagram is refused at once, and the next phone rings', () => {
    const s = twoPhones({ alice: 'tcp', bob: 'udp' })
    s.alice.request('INVITE', BOB, { body: 'x'.repeat(65_400), extra: ['Content-Type: text/plain'] })
    s.world.advance(100)
    expect(s.alice.statuses('INVITE').at(-1)).toBe(513)
    const desk = s.world.phone('bob', s.node, { transport: 'tcp' })
    desk.register({ contact: `${desk.contact};q=0.1` })
    s.alice.request('INVITE', BOB, { body: 'x'.repeat(65_400), extra: ['Content-Type: text/plain'] })
    s.world.advance(100)
    expect(desk.requests('INVITE')).toHaveLength(1)
  })

  it('S3261-16.6-10 M-10 lower q is tried when the higher group has failed', () => {
    const s = twoPhones({ alice: 'udp', bob: 'udp' })
    const voicemail = s.world.phone('bob', s.node)
    voicemail.register({ contact: `${voicemail.contact};q=0.3` })
    s.alice.request('INVITE', BOB)
    expect(voicemail.requests('INVITE')).toHaveLength(0)
    s.bob.respond(s.bob.requests('INVITE')[0]!, 486)
    expect(voicemail.requests('INVITE')).toHaveLength(1)
    voicemail.respond(voicemail.requests('INVITE')[0]!, 200)
    expect(s.alice.statuses('INVITE')).toEqual([100, 200])
  })

  it('S3261-16.6-10 a group that only rings gives way to the next after 20 s', () => {
    const s = twoPhones({ alice: 'udp', bob: 'udp' })
    const later = s.world.phone('bob', s.node)
    later.register({ contact: `${later.contact};q=0.5` })
    s.alice.request('INVITE', BOB)
    s.bob.respond(s.bob.requests('INVITE')[0]!, 180)
    s.world.advance(19_000)
    expect(later.requests('INVITE')).toHaveLength(0)
    s.world.advance(2_000)
    expect(later.requests('INVITE').length).toBeGreaterThan(0)
  })

  it('M-18 at most maxForks branches are started', () => {
    const world = new SipWorld()
    const node = world.node('192.0.2.1', { maxForks: 3 }, accounts())
    const alice = world.phone('alice', node)
    const bobs = [1, 2, 3, 4, 5].map(() => world.phone('bob', node))
    for (const bob of bobs) bob.registerFully()
    alice.request('INVITE', BOB)
    expect(bobs.filter((bob) => bob.requests('INVITE').length > 0)).toHaveLength(3)
  })

  it('M-23 SUBSCRIBE is tried at one phone after the other', () => {
    const s = twoPhones({ alice: 'udp', bob: 'udp' })
    const desk = s.world.phone('bob', s.node)
    desk.registerFully()
    s.alice.request('SUBSCRIBE', BOB)
    expect(s.bob.requests('SUBSCRIBE').length + desk.requests('SUBSCRIBE').length).toBe(1)
    s.bob.respond(s.bob.requests('SUBSCRIBE')[0]!, 489)
    expect(desk.requests('SUBSCRIBE')).toHaveLength(1)
  })
})
