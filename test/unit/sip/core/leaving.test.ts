import { describe, expect, it } from 'vitest'
import { DOMAIN, SipWorld, TestAccounts, type Phone, type TestNode } from '../../../support/sip-phones.ts'

const BOB = `sip:bob@${DOMAIN}`

interface Scene {
  readonly world: SipWorld
  readonly a: TestNode
  readonly b: TestNode
  readonly alice: Phone
  readonly bob: Phone
}

/** Alice calls Bob, whose phone rings; he is at another node, or at her own. */
function ringing(elsewhere: boolean): Scene {
  const world = new SipWorld()
  const accounts = (): TestAccounts => new TestAccounts().add('alice').add('bob')
  const a = world.node('192.0.2.1', { auth: 'none' }, accounts())
  const b = world.node('192.0.2.2', { auth: 'none' }, accounts())
  const alice = world.phone('alice', a)
  const bob = world.phone('bob', elsewhere ? b : a)
  for (const phone of [alice, bob]) expect(phone.registerFully().status).toBe(200)
  alice.request('INVITE', BOB)
  bob.respond(bob.requests('INVITE')[0]!, 180)
  return { world, a, b, alice, bob }
}

function leaves({ world }: Scene, node: TestNode): void {
  node.input({ kind: 'drain' })
  node.input({ kind: 'leave' })
  world.settle()
}

describe('calls that nobody has answered when a node goes', () => {
  it('E53 the caller at this node gets 503 with Retry-After, and the phone stops ringing', () => {
    for (const elsewhere of [false, true]) {
      const s = ringing(elsewhere)
      leaves(s, s.a)
      expect(s.alice.statuses('INVITE')).toEqual([100, 180, 503])
      expect(Number(s.alice.last().header('retry-after'))).toBeGreaterThan(0)
      expect(s.bob.requests('CANCEL')).toHaveLength(1)
      s.bob.respond(s.bob.requests('INVITE')[0]!, 487)
      expect(s.bob.requests('ACK')).toHaveLength(1)
      expect(s.a.core.callsWaiting).toBe(0)
    }
  })

  it('E44 the caller at another node gets 480, and the phone stops ringing', () => {
    const s = ringing(true)
    leaves(s, s.b)
    expect(s.alice.statuses('INVITE')).toEqual([100, 180, 480])
    expect(s.bob.requests('CANCEL')).toHaveLength(1)
    expect(s.a.core.callsWaiting).toBe(0)
  })

  it('E53 a call that is up is left alone', () => {
    const s = ringing(false)
    s.bob.respond(s.bob.requests('INVITE')[0]!, 200)
    leaves(s, s.a)
    expect(s.alice.statuses('INVITE')).toEqual([100, 180, 200])
    expect(s.bob.requests('CANCEL')).toHaveLength(0)
  })
})
