import { describe, expect, it } from 'vitest'
import { DOMAIN, SipWorld, TestAccounts } from '../../../support/sip-phones.ts'

describe('phones on the link-local addresses of IPv6', () => {
  it.each([[true], [false]])(
    'are called and call, and no zone leaves the node (rport left out: %s)',
    (noRport) => {
      const world = new SipWorld()
      const node = world.node('2001:db8::1', { auth: 'digest' }, new TestAccounts().add('alice').add('bob'))
      const alice = world.phone('alice', node, { host: 'fe80::a%eth0', privateHost: 'fe80::a', noRport })
      const bob = world.phone('bob', node, { host: 'fe80::b%eth1', privateHost: 'fe80::b', noRport })
      expect(alice.registerFully().status).toBe(200)
      expect(bob.registerFully().status).toBe(200)
      const invite = alice.authenticate(alice.request('INVITE', `sip:bob@${DOMAIN}`), alice.last())
      bob.respond(bob.requests('INVITE')[0]!, 200)
      const ok = alice.last()
      expect(ok.status).toBe(200)
      alice.inDialog('ACK', invite, ok)
      expect(bob.requests('ACK')).toHaveLength(1)
      alice.inDialog('INFO', invite, ok, { cseq: 9 })
      bob.respond(bob.requests('INFO')[0]!, 200)
      expect(alice.last().status).toBe(200)
      for (const message of [...alice.received, ...bob.received])
        expect(Buffer.from(message.wire).toString()).not.toMatch(/(?:received=|[@[])[^\r\n;>]*%eth/)
    },
  )
})
