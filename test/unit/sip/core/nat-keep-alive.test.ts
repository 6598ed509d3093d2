import { describe, expect, it } from 'vitest'
import { SipWorld, TestAccounts, type Phone, type TestNode } from '../../../support/sip-phones.ts'

const BEHIND_NAT = { host: '203.0.113.7', port: 40_001, privateHost: '192.168.1.20' } as const

function world(natKeepAliveS = 25): { world: SipWorld; node: TestNode; phone: Phone } {
  const sip = new SipWorld()
  const node = sip.node('192.0.2.1', { natKeepAliveS }, new TestAccounts().add('bob').add('alice'))
  const phone = sip.phone('bob', node, BEHIND_NAT)
  phone.onMessage = (message) => {
    if (message.isRequest && message.method !== 'ACK')
      phone.respond(message, message.method === 'OPTIONS' ? 404 : 200)
  }
  return { world: sip, node, phone }
}

describe('OPTIONS towards phones behind a NAT', () => {
  it('keep the way open while the phone is registered, by the way that its REGISTER came', () => {
    const { world: sip, phone } = world()
    expect(phone.registerFully().status).toBe(200)
    sip.advance(120_000)
    const asked = phone.requests('OPTIONS')
    expect(asked.length).toBeGreaterThanOrEqual(4)
    expect(asked.length).toBeLessThanOrEqual(6)
    expect(asked[0]!.requestUri).toBe('sip:bob@192.168.1.20:40001')
    expect(new Set(asked.map(({ callId }) => callId)).size).toBe(asked.length)
    // Not taken at its word about the address: what it answers does not matter.
    expect(phone.node.core.bindings()).toHaveLength(1)
    phone.register({ extra: ['Expires: 0'] })
    sip.advance(60_000)
    expect(phone.requests('OPTIONS')).toHaveLength(asked.length)
  })

  it('S5626-7-03 a phone that used to answer and misses three is no target any more, then gone', () => {
    const { world: sip, node, phone } = world()
    phone.registerFully()
    sip.advance(60_000)
    phone.drop = true
    sip.advance(150_000)
    expect(node.core.instruments.registrarKeepalive.get('udp')).toBe(1)
    const alice = sip.phone('alice', node)
    alice.registerFully()
    alice.request('MESSAGE', 'sip:bob@dht.example.com')
    expect(alice.last().status).toBe(480)
    sip.advance(31_000)
    expect(node.core.bindings('bob@dht.example.com')).toEqual([])
    expect(node.published.get('bob@dht.example.com')).toBe(0)
    // It was asleep: its next REGISTER brings it back, and it is asked again.
    phone.drop = false
    expect(phone.registerFully().status).toBe(200)
    const before = phone.requests('OPTIONS').length
    sip.advance(60_000)
    expect(phone.requests('OPTIONS').length).toBeGreaterThan(before)
  })

  it('a phone that never answers OPTIONS stays registered', () => {
    const { world: sip, node, phone } = world()
    phone.onMessage = undefined
    phone.registerFully()
    sip.advance(600_000)
    // While one OPTIONS is repeated, the rounds in between are no more than an empty line.
    expect(phone.emptyLines).toBeGreaterThan(5)
    expect(node.core.bindings('bob@dht.example.com')).toHaveLength(1)
    expect(node.core.instruments.registrarKeepalive.get('udp')).toBe(0)
  })

  it.each([
    ['stand on the same network', { host: '10.0.0.9' }, {}],
    ['are on TCP', { ...BEHIND_NAT, transport: 'tcp' }, {}],
    [
      'keep their flow open themselves (RFC 5626)',
      BEHIND_NAT,
      {
        contact: '<sip:bob@192.168.1.20>;+sip.instance="<urn:uuid:1>";reg-id=1',
        extra: ['Supported: path, outbound'],
      },
    ],
    ['are behind another proxy', BEHIND_NAT, { extra: ['Path: <sip:edge.example.org;lr>'] }],
  ] as const)('phones that %s get none', (_name, place, register) => {
    const sip = new SipWorld()
    const node = sip.node('192.0.2.1', { natKeepAliveS: 25 }, new TestAccounts().add('bob'))
    const phone = sip.phone('bob', node, place)
    expect(phone.registerFully(register).status).toBe(200)
    sip.advance(120_000)
    expect(node.actions.filter(({ kind }) => kind === 'sendDatagram' || kind === 'sendFlow')).toHaveLength(1)
  })

  it('none at all with 0', () => {
    const { world: sip, phone } = world(0)
    phone.registerFully()
    sip.advance(120_000)
    expect(phone.requests('OPTIONS')).toEqual([])
  })
})
