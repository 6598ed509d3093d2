/** Phones that ring for a peer whose flow is gone (docs/adr/0036). */
import { describe, expect, it } from 'vitest'
import { requestText } from '../../../sim/phone-text.ts'
import { allListeners, DOMAIN, SipWorld, TestAccounts, type Phone } from '../../../support/sip-phones.ts'

const HOST = '192.0.2.1'

/** bob rings here for a peer whose flow has broken since. `sentBy` shows in its Via. */
function ringing(scheme: 'sip' | 'sips', sentBy?: string) {
  const world = new SipWorld()
  const settings = { listeners: allListeners(HOST), lookup: 'localOnly' } as const
  const node = world.node(HOST, settings, new TestAccounts().add('bob'))
  const peer = world.node('192.0.2.2')
  const bob: Phone = world.phone('bob', node, { transport: 'tls' })
  const contact = `<${scheme}:bob@${bob.host}:5061;transport=tls>`
  bob.request('REGISTER', `${scheme}:${DOMAIN}`, { to: `<sip:${bob.aor}>`, contact })
  const uri = `${scheme}:bob@${DOMAIN}`
  const { a: flow } = world.join(node, peer, scheme === 'sips')
  const text = requestText({
    method: 'INVITE',
    uri,
    via: `SIP/2.0/TLS ${sentBy ?? `${peer.hex}.${DOMAIN}`};branch=z9hG4bKfar`,
    from: `<${scheme}:alice@${DOMAIN}>;tag=a`,
    to: `<${uri}>`,
    callId: 'call',
    cseq: 1,
    routes: [],
    headers: [`Contact: <${scheme}:alice@far.invalid>`],
  })
  const invite = (by: number): void => {
    node.input({ kind: 'flowData', flow: by, bytes: Buffer.from(text, 'latin1') })
    world.settle()
  }
  invite(flow)
  bob.respond(bob.requests('INVITE')[0]!, 180, { contact })
  world.cutPeerFlows()
  const sought = () => node.actions.filter((action) => action.kind === 'openPeerFlow')
  return { world, node, peer, bob, contact, invite, sought }
}

describe('phones that ring for a peer whose flow is gone', () => {
  it.each(['sip', 'sips'] as const)('it is opened again, one of sips as one of sips (%s)', (scheme) => {
    const { world, peer, sought } = ringing(scheme)
    world.advance(11_000)
    expect(sought()).toMatchObject([{ address: `node:${peer.hex}`, secure: scheme === 'sips' }])
  })

  it('are cancelled when it is there and does not want its answer', () => {
    const { world, bob, sought } = ringing('sip')
    world.advance(35_000)
    expect(bob.requests('CANCEL')).toHaveLength(0)
    world.advance(6_000)
    expect(bob.requests('CANCEL')).toHaveLength(1)
    expect(sought()).toHaveLength(1)
  })

  it('ring on when it has sent the INVITE again', () => {
    const { world, node, peer, bob, contact, invite } = ringing('sip')
    invite(world.join(node, peer).a)
    world.advance(100_000)
    expect(bob.requests('CANCEL')).toHaveLength(0)
    bob.respond(bob.requests('INVITE')[0]!, 200, { contact })
    expect(bob.requests('INVITE')).toHaveLength(1)
  })

  it('ring on for one that is no adapter: nothing says that it would send it again', () => {
    const { world, bob, sought } = ringing('sip', 'far.invalid')
    world.advance(100_000)
    expect(bob.requests('CANCEL')).toHaveLength(0)
    expect(sought()).toHaveLength(1)
  })

  it('leave nothing behind when they are answered while it is sought', () => {
    const { world, node, bob, contact } = ringing('sip')
    node.peersReachable = false
    world.advance(9_999)
    bob.respond(bob.requests('INVITE')[0]!, 200, { contact })
    world.advance(60_000)
    expect(bob.requests('CANCEL')).toHaveLength(0)
    expect(node.core.callsWaiting).toBe(0)
  })
})
