/** Faults of our own: what is broken off by one waits for nothing any more. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Proxy } from '../../../../src/sip/proxy/index.ts'
import { ResponseContext } from '../../../../src/sip/proxy/response-context.ts'
import type { Transactions } from '../../../../src/sip/transaction/index.ts'
import { DOMAIN, SipWorld, TestAccounts, type Phone, type TestNode } from '../../../support/sip-phones.ts'

const BOB = `sip:bob@${DOMAIN}`
const DAY_MS = 24 * 3_600_000

afterEach(() => vi.restoreAllMocks())

interface Parts {
  readonly proxy: Proxy
  readonly transactions: Transactions<unknown, unknown>
}

function setUp(): { world: SipWorld; node: TestNode; parts: Parts; alice: Phone; bob: Phone; desk: Phone } {
  const world = new SipWorld()
  const node = world.node('192.0.2.1', {}, new TestAccounts().add('alice').add('bob'))
  const alice = world.phone('alice', node)
  const bob = world.phone('bob', node)
  const desk = world.phone('bob', node, { port: 5070 })
  bob.register()
  desk.register()
  const { parts } = node.core as unknown as { parts: Parts }
  return { world, node, parts, alice, bob, desk }
}

function fail(): never {
  throw new TypeError('a mistake')
}

/** The calls of others go on, and a day later nothing is left of this one. */
function goesOn({ world, node, parts, alice, bob, desk }: ReturnType<typeof setUp>): void {
  vi.restoreAllMocks()
  alice.request('MESSAGE', BOB)
  for (const phone of [bob, desk]) phone.respond(phone.requests('MESSAGE').at(-1)!, 200)
  expect(alice.last().status).toBe(200)
  world.advance(DAY_MS)
  expect(parts.transactions.size).toBe(0)
  expect(node.core.callsWaiting).toBe(0)
}

describe('a fault of our own', () => {
  it('E56 over a request that has its transaction already: 500, and the transaction ends', () => {
    const s = setUp()
    vi.spyOn(s.parts.proxy, 'forward').mockImplementation(fail)
    for (const method of ['INVITE', 'MESSAGE', 'INVITE', 'MESSAGE']) {
      s.alice.request(method, BOB)
      expect(s.alice.last().status, method).toBe(500)
    }
    expect(s.node.core.instruments.sipMalformed.get('internal|udp')).toBe(4)
    goesOn(s)
  })

  it('E56 over a call that rings at one phone and not yet at the other: 500, and what rings is cancelled', () => {
    const s = setUp()
    const { transactions } = s.parts
    const start = transactions.start.bind(transactions)
    let started = 0
    vi.spyOn(transactions, 'start').mockImplementation((...call) =>
      call[2] === 'INVITE' && ++started > 1 ? fail() : start(...call),
    )
    s.alice.request('INVITE', BOB)
    expect(s.alice.statuses('INVITE')).toEqual([100, 500])
    const ringing = [s.bob, s.desk].filter((phone) => phone.requests('INVITE').length > 0)
    expect(ringing).toHaveLength(1)
    const [phone] = ringing as [Phone]
    phone.respond(phone.requests('INVITE')[0]!, 180)
    expect(phone.requests('CANCEL')).toHaveLength(1)
    phone.respond(phone.requests('CANCEL')[0]!, 200)
    phone.respond(phone.requests('INVITE')[0]!, 487)
    expect(phone.requests('ACK')).toHaveLength(1)
    goesOn(s)
  })

  it('E56 over a response: the request that waits for it gets 500, an INVITE and any other', () => {
    const s = setUp()
    for (const method of ['INVITE', 'MESSAGE']) {
      s.alice.request(method, BOB)
      const spy = vi.spyOn(ResponseContext.prototype, 'responded').mockImplementation(fail)
      s.bob.respond(s.bob.requests(method)[0]!, 486)
      expect(s.alice.last().status, method).toBe(500)
      spy.mockRestore()
      s.desk.respond(s.desk.requests(method)[0]!, 486)
    }
    goesOn(s)
  })

  it('E56 over a CANCEL: the call ends with 500', () => {
    const s = setUp()
    const sent = s.alice.request('INVITE', BOB)
    for (const phone of [s.bob, s.desk]) phone.respond(phone.requests('INVITE')[0]!, 180)
    vi.spyOn(ResponseContext.prototype, 'cancel').mockImplementation(fail)
    s.alice.cancel(sent)
    expect(s.alice.statuses('CANCEL')).toEqual([200])
    expect(s.alice.last().status).toBe(500)
    for (const phone of [s.bob, s.desk]) expect(phone.requests('CANCEL')).toHaveLength(1)
    goesOn(s)
  })

  it('E56 and another one over what is to be done about it: nothing escapes, and nothing is left either', () => {
    const s = setUp()
    const { transactions } = s.parts
    const answer = transactions.answer.bind(transactions)
    vi.spyOn(transactions, 'answer').mockImplementation((...call) =>
      call[2] >= 200 ? fail() : answer(...call),
    )
    s.alice.request('INVITE', BOB)
    s.bob.respond(s.bob.requests('INVITE')[0]!, 486)
    s.desk.respond(s.desk.requests('INVITE')[0]!, 486)
    vi.spyOn(s.parts.proxy, 'forward').mockImplementation(fail)
    s.alice.request('MESSAGE', BOB)
    expect(s.alice.statuses('INVITE')).toEqual([100])
    expect(s.alice.statuses('MESSAGE')).toEqual([])
    goesOn(s)
  })
})
