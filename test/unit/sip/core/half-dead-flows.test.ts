/** Flows between peers that one of them knows to be broken, and the other one does not yet (docs/adr/0035). */
import { describe, expect, it } from 'vitest'
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

interface Pair {
  readonly world: SipWorld
  readonly a: TestNode
  readonly b: TestNode
  readonly alice: Phone
  readonly bob: Phone
}

function pair(ofB: SettingsOverride = {}): Pair {
  const world = new SipWorld()
  const accounts = (): TestAccounts => new TestAccounts().add('alice').add('bob')
  const a = world.node('192.0.2.1', {}, accounts())
  const b = world.node('192.0.2.2', ofB, accounts())
  const alice = world.phone('alice', a)
  const bob = world.phone('bob', b)
  for (const phone of [alice, bob]) phone.register()
  return { world, a, b, alice, bob }
}

/** The caller's peer learns that the flow is gone by which it has sent first; to the other one it seems to be up. */
function breaks({ world, a }: Pair): void {
  const sent = a.actions.find((action) => action.kind === 'sendFlow')
  if (sent?.kind !== 'sendFlow') throw new Error('nothing was sent to a peer')
  world.later(() => world.hangUp(a, sent.flow))
}

describe('a flow that is gone for the caller’s peer alone', () => {
  it('adapter-mapping 7.2 what the phone says goes by the flow by which the INVITE came again', () => {
    const p = pair()
    p.alice.request('INVITE', BOB)
    const [invite] = p.bob.requests('INVITE')
    p.bob.respond(invite!, 180)
    breaks(p)
    p.world.settle()
    p.bob.respond(invite!, 200)
    expect(p.bob.requests('INVITE')).toHaveLength(1)
    expect(p.alice.statuses('INVITE').at(-1)).toBe(200)
  })

  it('adapter-mapping 7.2 the caller who gives up is heard of', () => {
    const p = pair()
    const sent = p.alice.request('INVITE', BOB)
    p.bob.respond(p.bob.requests('INVITE')[0]!, 180)
    breaks(p)
    p.alice.cancel(sent)
    p.world.settle()
    expect(p.bob.requests('CANCEL')).toHaveLength(1)
    p.bob.respond(p.bob.requests('CANCEL')[0]!, 200)
    p.bob.respond(p.bob.requests('INVITE')[0]!, 487)
    expect(p.alice.statuses('INVITE').at(-1)).toBe(487)
  })

  it('adapter-mapping 7.2 what the phone has answered is not brought to it a second time', () => {
    const p = pair()
    p.alice.request('MESSAGE', BOB)
    const [message] = p.bob.requests('MESSAGE')
    // Before the answer, which is lost.
    breaks(p)
    p.bob.respond(message!, 200)
    expect(p.bob.requests('MESSAGE')).toHaveLength(1)
    expect(p.alice.statuses('MESSAGE')).toEqual([200])
  })

  it('S3261-8.2.2-02 a phone that rings for a peer that has begun anew is said to be away', () => {
    const p = pair()
    p.alice.request('INVITE', BOB)
    p.bob.respond(p.bob.requests('INVITE')[0]!, 180)
    breaks(p)
    p.world.nodes.splice(p.world.nodes.indexOf(p.b), 1)
    Object.assign(p.bob, { node: p.world.node(p.b.host, {}, p.b.accounts) })
    p.bob.register()
    p.bob.respond(p.bob.requests('INVITE')[1]!, 482)
    expect(p.alice.statuses('INVITE').at(-1)).toBe(480)
  })

  it('adapter-mapping 7.2 a peer that has no room for new calls still knows one that rings there', () => {
    const { limits } = testSettings('192.0.2.2')
    const p = pair({ limits: { ...limits, transactionsMax: 2 } })
    const first = p.alice.request('INVITE', BOB)
    p.bob.respond(p.bob.requests('INVITE')[0]!, 180)
    p.alice.request('INVITE', BOB)
    expect(p.alice.statuses('INVITE').at(-1)).toBe(500)
    breaks(p)
    p.world.settle()
    p.bob.respond(p.bob.requests('INVITE')[0]!, 200)
    expect(p.alice.responses('INVITE').at(-1)).toMatchObject({ callId: first.callId, status: 200 })
  })

  it('adapter-mapping 7.2 a flow that does not last is opened three times', () => {
    const p = pair()
    p.alice.request('INVITE', BOB)
    p.bob.respond(p.bob.requests('INVITE')[0]!, 180)
    for (let time = 0; time < 3; time++) {
      p.world.cutPeerFlows()
      p.world.settle()
      expect(p.alice.statuses('INVITE').at(-1)).toBe(180)
    }
    p.world.cutPeerFlows()
    p.world.settle()
    expect(p.alice.statuses('INVITE').at(-1)).toBe(408)
  })
})
