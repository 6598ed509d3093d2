import { describe, expect, it } from 'vitest'
import { DOMAIN, SipWorld, TestAccounts, type Phone, type TestNode } from '../../../support/sip-phones.ts'

const OPEN = { auth: 'none', callOutside: 'all' } as const
const BOB = `sip:bob@${DOMAIN}`

interface Scene {
  readonly world: SipWorld
  readonly a: TestNode
  readonly b: TestNode
  readonly alice: Phone
  readonly bob: Phone
}

/** Alice calls Bob, whose phone rings; he is at another node, or at her own. */
function ringing(elsewhere: boolean, gruu = false): Scene {
  const world = new SipWorld()
  const accounts = (): TestAccounts => new TestAccounts().add('alice').add('bob')
  const a = world.node('192.0.2.1', OPEN, accounts())
  const b = world.node('192.0.2.2', OPEN, accounts())
  const alice = world.phone('alice', a)
  const bob = world.phone('bob', elsewhere ? b : a)
  expect(alice.registerFully().status).toBe(200)
  bob.register({ contact: `${bob.contact};+sip.instance="<urn:uuid:1>"`, extra: ['Supported: gruu'] })
  const named = /pub-gruu="([^"]+)"/.exec(bob.last().header('contact') ?? '')?.[1]
  alice.request('INVITE', gruu ? named! : BOB)
  bob.respond(bob.requests('INVITE')[0]!, 180)
  return { world, a, b, alice, bob }
}

function leaves(world: SipWorld, node: TestNode): void {
  node.input({ kind: 'drain' })
  node.input({ kind: 'leave' })
  world.settle()
}

describe('calls that nobody has answered when a node goes', () => {
  it('E53 the caller at this node gets 503 with Retry-After, and the phone stops ringing', () => {
    for (const elsewhere of [false, true]) {
      const s = ringing(elsewhere)
      leaves(s.world, s.a)
      expect(s.alice.statuses('INVITE')).toEqual([100, 180, 503])
      expect(Number(s.alice.last().header('retry-after'))).toBeGreaterThan(0)
      expect(s.bob.requests('CANCEL')).toHaveLength(1)
      s.bob.respond(s.bob.requests('INVITE')[0]!, 487)
      expect(s.bob.requests('ACK')).toHaveLength(1)
      expect(s.a.core.callsWaiting).toBe(0)
    }
  })

  it('E53 a call to one phone by its GRUU ends likewise, at whatever node', () => {
    for (const elsewhere of [false, true]) {
      const s = ringing(elsewhere, true)
      expect(s.a.core.callsWaiting).toBe(1)
      leaves(s.world, s.a)
      expect(s.alice.statuses('INVITE')).toEqual([100, 180, 503])
      expect(s.bob.requests('CANCEL')).toHaveLength(1)
      expect(s.a.core.callsWaiting).toBe(0)
    }
  })

  it('E53 so does one that leaves for another domain', () => {
    const { world, a, alice, bob } = ringing(false)
    bob.respond(bob.requests('INVITE')[0]!, 200)
    expect(a.core.callsWaiting).toBe(0)
    alice.request('INVITE', 'sip:carol@198.51.100.7')
    expect(a.core.callsWaiting).toBe(1)
    leaves(world, a)
    expect(alice.statuses('INVITE')).toEqual([100, 180, 200, 100, 503])
    expect(a.core.callsWaiting).toBe(0)
  })

  it('E44 the caller at another node gets 480, and the phone stops ringing', () => {
    const s = ringing(true)
    leaves(s.world, s.b)
    expect(s.alice.statuses('INVITE')).toEqual([100, 180, 480])
    expect(s.bob.requests('CANCEL')).toHaveLength(1)
    expect(s.a.core.callsWaiting).toBe(0)
  })

  it('E53 a call that is up is left alone', () => {
    const s = ringing(false)
    s.bob.respond(s.bob.requests('INVITE')[0]!, 200)
    leaves(s.world, s.a)
    expect(s.alice.statuses('INVITE')).toEqual([100, 180, 200])
    expect(s.bob.requests('CANCEL')).toHaveLength(0)
  })
})
