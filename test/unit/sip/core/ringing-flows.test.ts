/** Phones that lose their connection while they ring, and have another one by then. */
import { describe, expect, it } from 'vitest'
import {
  allListeners,
  DOMAIN,
  SipWorld,
  TestAccounts,
  type Phone,
  type PhoneTransport,
  type SentRequest,
  type TestNode,
} from '../../../support/sip-phones.ts'

const HOST = '192.0.2.1'
const BOB = `sip:bob@${DOMAIN}`
const OUTBOUND = ';+sip.instance="<urn:uuid:00000000-0000-1000-8000-00000000000b>";reg-id=1'

interface Ringing {
  readonly world: SipWorld
  readonly node: TestNode
  readonly alice: Phone
  readonly bob: Phone
  readonly sent: SentRequest
  readonly before: number
}

function register(bob: Phone, parameters: string): void {
  const init = { contact: `${bob.contact}${parameters}`, extra: ['Supported: path, outbound'], callId: 'bob' }
  bob.registerFully({ ...init, cseq: bob.received.length + 1 })
  expect(bob.statuses('REGISTER').at(-1)).toBe(200)
}

/** bob rings, and has registered by a new connection; the old one still looks alive. */
function ringing(transport: PhoneTransport, parameters = OUTBOUND): Ringing {
  const world = new SipWorld()
  const accounts = new TestAccounts().add('alice').add('bob').add('carol')
  const node = world.node(HOST, { listeners: allListeners(HOST), lookup: 'localOnly' }, accounts)
  const alice = world.phone('alice', node)
  const bob = world.phone('bob', node, { transport })
  alice.registerFully()
  register(bob, parameters)
  const sent = alice.request('INVITE', BOB)
  bob.respond(bob.requests('INVITE')[0]!, 180)
  const before = bob.flow
  bob.flow = 0
  register(bob, parameters)
  return { world, node, alice, bob, sent, before }
}

/** The old connection ends. */
function breaks({ world, node, before }: Ringing): void {
  world.hangUp(node, before)
  world.settle()
}

describe('a phone that rings and has come back by another connection when the one of its INVITE breaks', () => {
  it.each(['tcp', 'tls', 'wss'] as const)(
    'S5626-7-03 hears the same INVITE by the new one (%s)',
    (transport) => {
      const call = ringing(transport)
      const { alice, bob } = call
      breaks(call)
      const [first, again] = bob.requests('INVITE')
      expect(again?.topVia.branch).toBe(first!.topVia.branch)
      bob.respond(again!, 180)
      bob.respond(again!, 200)
      expect(alice.statuses('INVITE')).toEqual([100, 180, 180, 200])
    },
  )

  it('S5626-7-03 without RFC 5626 as well', () => {
    const call = ringing('tcp', '')
    breaks(call)
    call.bob.respond(call.bob.requests('INVITE')[1]!, 200)
    expect(call.alice.statuses('INVITE')).toEqual([100, 180, 200])
  })

  it('S3261-16.10-01 is cancelled by the new one, also when the caller has given up before', () => {
    const call = ringing('wss')
    breaks(call)
    call.bob.respond(call.bob.requests('INVITE')[1]!, 180)
    call.alice.cancel(call.sent)
    expect(call.bob.requests('CANCEL')).toHaveLength(1)
    const early = ringing('wss')
    early.bob.drop = true
    early.alice.cancel(early.sent)
    early.bob.drop = false
    breaks(early)
    early.bob.respond(early.bob.requests('INVITE')[1]!, 180)
    expect(early.bob.requests('CANCEL')).toHaveLength(1)
  })

  it('S3261-9-01 is cancelled by the new one, though the old one still looks alive', () => {
    const { node, alice, bob, sent, before } = ringing('wss')
    const sentBy = (flow: number): number =>
      node.actions.filter((one) => one.kind === 'sendFlow' && one.flow === flow).length
    const [old, present] = [sentBy(before), sentBy(bob.flow)]
    alice.cancel(sent)
    expect(bob.requests('CANCEL')).toHaveLength(1)
    expect([sentBy(before), sentBy(bob.flow)]).toEqual([old, present + 1])
    const cautious = ringing('wss', '')
    const gone = cautious.before
    cautious.alice.cancel(cautious.sent)
    const last = cautious.node.actions.filter((one) => one.kind === 'sendFlow').at(-1)
    expect(last?.kind === 'sendFlow' && last.flow).toBe(gone)
  })

  it('is given up when one connection after the other breaks', () => {
    const call = ringing('wss')
    const { alice, bob } = call
    let { before } = call
    for (let i = 0; i < 4; i++) {
      breaks({ ...call, before })
      before = bob.flow
      bob.flow = 0
      register(bob, OUTBOUND)
    }
    expect(bob.requests('INVITE')).toHaveLength(4)
    call.world.advance(5_000)
    expect(alice.statuses('INVITE')).toEqual([100, 180, 408])
    expect(call.node.core.snapshot().transactions.get('ict')).toBe(0)
  })
})

describe('the only phone of a user that comes back after its connection broke while it rang', () => {
  function broken(): Ringing {
    const call = ringing('wss')
    call.bob.disconnect()
    breaks(call)
    return call
  }

  it('S5626-7-03 hears the same INVITE within five seconds, and is heard', () => {
    const { world, alice, bob } = broken()
    world.advance(4_000)
    expect(alice.statuses('INVITE')).toEqual([100, 180])
    register(bob, OUTBOUND)
    const [first, again] = bob.requests('INVITE')
    expect(again?.topVia.branch).toBe(first!.topVia.branch)
    bob.respond(again!, 180)
    world.advance(10_000)
    bob.respond(again!, 200)
    expect(alice.statuses('INVITE')).toEqual([100, 180, 180, 200])
  })

  it('the caller who does not wait for it is told at once', () => {
    const { alice, sent } = broken()
    alice.cancel(sent)
    expect(alice.statuses('INVITE')).toEqual([100, 180, 487])
  })

  it('nothing is left when it does not come', () => {
    const { world, node, alice } = broken()
    world.advance(5_000)
    expect(alice.statuses('INVITE')).toEqual([100, 180, 408])
    world.advance(40_000)
    expect(node.core.snapshot().transactions.get('ist')).toBe(0)
  })
})

/** The port of its connection stands in its Contact, as with many softphones. */
function registerFrom(bob: Phone, port: number, callId = 'bob'): void {
  bob.flow = 0
  bob.sourcePort = port
  const contact = `<sip:${bob.user}@${bob.host}:${port};transport=tcp>`
  bob.registerFully({ contact, callId, cseq: bob.received.length + 1 })
  expect(bob.statuses('REGISTER').at(-1)).toBe(200)
}

/** A call to a phone that states no instance, and to one on the desk. */
function calledFrom(port: number) {
  const world = new SipWorld()
  const accounts = new TestAccounts().add('alice').add('bob')
  const node = world.node(HOST, { listeners: allListeners(HOST), lookup: 'localOnly' }, accounts)
  const alice = world.phone('alice', node)
  const desk = world.phone('bob', node)
  const bob = world.phone('bob', node, { transport: 'tcp' })
  alice.registerFully()
  desk.registerFully({ callId: 'desk' })
  registerFrom(bob, port)
  alice.request('INVITE', BOB)
  desk.respond(desk.requests('INVITE')[0]!, 180)
  return { world, node, alice, bob }
}

describe('a phone without an instance whose Contact shows the port of its connection', () => {
  const branches = (bob: Phone) => new Set(bob.requests('INVITE').map(({ topVia }) => topVia.branch))

  it('S3261-16.5-04 hears of one call, when it has come back before its connection breaks', () => {
    const { world, node, alice, bob } = calledFrom(40_001)
    bob.respond(bob.requests('INVITE')[0]!, 180)
    const before = bob.flow
    registerFrom(bob, 40_002)
    world.hangUp(node, before)
    world.settle()
    expect(branches(bob).size).toBe(1)
    bob.respond(bob.requests('INVITE').at(-1)!, 200)
    expect(alice.responses('INVITE', 200)).toHaveLength(1)
  })

  it('S3261-16.5-04 … and after that', () => {
    const { alice, bob } = calledFrom(40_001)
    bob.respond(bob.requests('INVITE')[0]!, 180)
    bob.disconnect()
    registerFrom(bob, 40_002)
    expect(bob.requests('INVITE')).toHaveLength(2)
    expect(branches(bob).size).toBe(1)
    bob.respond(bob.requests('INVITE').at(-1)!, 200)
    expect(alice.responses('INVITE', 200)).toHaveLength(1)
  })

  it('S3261-16.5-04 is rung by the new connection when the old one has not brought it the call, or it is another phone', () => {
    const { bob } = calledFrom(40_001)
    registerFrom(bob, 40_002)
    expect(branches(bob).size).toBe(2)
    const other = calledFrom(40_001).bob
    other.respond(other.requests('INVITE')[0]!, 180)
    registerFrom(other, 40_002, 'started anew')
    expect(branches(other).size).toBe(2)
  })
})

describe('a phone that comes back after its connection broke while another one of the user rings', () => {
  it.each(['tcp', 'wss'] as const)('S3261-16.5-04 hears the same INVITE, and is heard (%s)', (transport) => {
    const { world, node, alice } = ringing(transport)
    const desk = world.phone('carol', node)
    const bob = world.phone('carol', node, { transport })
    desk.registerFully({ callId: 'desk' })
    register(bob, OUTBOUND)
    alice.request('INVITE', `sip:carol@${DOMAIN}`, { callId: 'both' })
    desk.respond(desk.requests('INVITE')[0]!, 180)
    bob.respond(bob.requests('INVITE')[0]!, 180)
    bob.disconnect()
    register(bob, OUTBOUND)
    const [first, again] = bob.requests('INVITE')
    expect(again?.topVia.branch).toBe(first!.topVia.branch)
    expect(bob.requests('INVITE')).toHaveLength(2)
    bob.respond(again!, 200)
    expect(alice.responses('INVITE', 200)).toHaveLength(1)
    expect(desk.requests('CANCEL')).toHaveLength(1)
  })

  it('S3261-16.5-04 also one that could not be connected to by its Contact meanwhile', () => {
    const { world, node, alice } = ringing('tcp')
    const desk = world.phone('carol', node)
    const bob = world.phone('carol', node, { transport: 'tcp' })
    const contact = `<sip:carol@${bob.host}:5070;transport=tcp>`
    desk.registerFully({ callId: 'desk' })
    bob.registerFully({ contact, callId: 'bob' })
    alice.request('INVITE', `sip:carol@${DOMAIN}`, { callId: 'both' })
    desk.respond(desk.requests('INVITE')[0]!, 180)
    bob.respond(bob.requests('INVITE')[0]!, 180)
    bob.disconnect()
    expect(node.actions.filter(({ kind }) => kind === 'openFlow')).toHaveLength(1)
    bob.registerFully({ contact, callId: 'bob', cseq: 2 })
    const [first, again] = bob.requests('INVITE')
    expect(again?.topVia.branch).toBe(first!.topVia.branch)
    bob.respond(again!, 200)
    expect(alice.responses('INVITE', 200)).toHaveLength(1)
  })

  it('E44 not when the call is over', () => {
    const call = ringing('wss')
    call.bob.disconnect()
    breaks(call)
    call.world.advance(5_000)
    expect(call.alice.statuses('INVITE')).toEqual([100, 180, 408])
    register(call.bob, OUTBOUND)
    expect(call.bob.requests('INVITE')).toHaveLength(1)
  })
})
