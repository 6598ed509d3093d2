/** RFC 3263 s.4.3 at work: which of several addresses a request goes to, and what becomes of it when they fail. */
import { describe, expect, it } from 'vitest'
import type { ResolveOutcome, SipAction, Transport } from '../../../../src/sip/core/contract.ts'
import { HeldAddresses } from '../../../../src/sip/proxy/held-addresses.ts'
import type { Hop } from '../../../../src/sip/transaction/index.ts'
import { SipWorld, TestAccounts, type Phone, type TestNode } from '../../../support/sip-phones.ts'

const FRIEND = 'sip:friend@example.net'

interface Stage {
  readonly world: SipWorld
  readonly node: TestNode
  readonly alice: Phone
  /** Hosts of the other domain, in the order in which DNS names them. */
  readonly far: readonly Phone[]
}

function addresses(phones: readonly Phone[], transport?: Transport): ResolveOutcome {
  return {
    ok: true,
    addresses: phones.map((phone) => ({
      host: phone.host,
      port: phone.port,
      transport: transport ?? phone.transport,
    })),
  }
}

function stage(transports: readonly ('udp' | 'tcp')[] = ['udp', 'udp']): Stage {
  const world = new SipWorld()
  const node = world.node('192.0.2.1', {}, new TestAccounts().add('alice'))
  const alice = world.phone('alice', node)
  const far = transports.map((transport) => world.phone('friend', node, { transport }))
  node.resolveAnswer = () => addresses(far)
  return { world, node, alice, far }
}

function taken<K extends SipAction['kind']>(node: TestNode, kind: K): Extract<SipAction, { kind: K }>[] {
  return node.actions.filter((action): action is Extract<SipAction, { kind: K }> => action.kind === kind)
}

const branch = (phone: Phone, index = 0): string => phone.requests('INVITE')[index]?.topVia.branch ?? ''

describe('the next address', () => {
  it('S3263-4.3-01 S3261-16.6-06 is tried with a new branch after 503, and what it says goes to the caller', () => {
    const { alice, far } = stage()
    const [first, second] = far as [Phone, Phone]
    alice.request('INVITE', FRIEND)
    expect(second.requests('INVITE')).toHaveLength(0)
    first.respond(first.requests('INVITE')[0]!, 503)
    expect(second.requests('INVITE')).toHaveLength(1)
    expect(branch(second)).not.toBe(branch(first))
    expect(second.requests('INVITE')[0]?.requestUri).toBe(FRIEND)
    second.respond(second.requests('INVITE')[0]!, 200)
    expect(alice.statuses('INVITE')).toEqual([100, 200])
  })

  it.each([180, 0])('S3261-16.10-01 is not tried for a call that was given up (%i before 503)', (early) => {
    const { alice, far } = stage()
    const [first, second] = far as [Phone, Phone]
    const sent = alice.request('INVITE', FRIEND)
    const invite = first.requests('INVITE')[0]!
    if (early > 0) first.respond(invite, early)
    alice.cancel(sent)
    first.respond(invite, 503)
    expect(second.requests('INVITE')).toHaveLength(0)
    expect(alice.statuses('INVITE').at(-1)).toBeGreaterThanOrEqual(480)
  })

  it('S3261-16.6-06 S3263-4.3-01 is none of our own: what came from there would be a stranger to us, and be challenged once more', () => {
    const { alice, node, far } = stage()
    const back = { host: '192.0.2.1', port: 5060, transport: 'udp' } as const
    node.resolveAnswer = () => ({ ok: true, addresses: [back, { ...back, host: far[0]!.host }] })
    alice.request('INVITE', FRIEND)
    expect(far[0]!.requests('INVITE')).toHaveLength(1)
    node.resolveAnswer = () => ({ ok: true, addresses: [back] })
    const route = 'Route: <sip:proxy.example.net;lr>'
    for (const [name, extra] of [['example.net', []] as const, ['proxy.example.net', [route]] as const]) {
      alice.request('INVITE', FRIEND, { extra })
      expect(alice.last().status).toBe(404)
      expect(alice.last().header('warning')).toBe(`399 ringbridge "${name} leads back to this node"`)
    }
  })

  it('S3263-4.3-01 is not tried after any other answer', () => {
    for (const status of [404, 486, 500, 603]) {
      const { alice, far } = stage()
      const [first, second] = far as [Phone, Phone]
      alice.request('INVITE', FRIEND)
      first.respond(first.requests('INVITE')[0]!, status)
      expect(alice.last().status).toBe(status)
      expect(second.requests('INVITE')).toHaveLength(0)
    }
  })

  it('S3263-4.3-01 S3261-16.9-01 is tried at once when a connection is refused', () => {
    const { alice, node, far } = stage(['tcp', 'udp'])
    const [first, second] = far as [Phone, Phone]
    node.resolveAnswer = () => ({
      ok: true,
      addresses: [
        { host: '10.9.9.9', port: 5060, transport: 'tcp' },
        { host: first.host, port: 5060, transport: 'tcp' },
        { host: second.host, port: 5060, transport: 'udp' },
      ],
    })
    alice.request('MESSAGE', FRIEND)
    expect(taken(node, 'openFlow').map(({ host }) => host)).toEqual(['10.9.9.9', first.host])
    first.respond(first.requests('MESSAGE')[0]!, 200)
    expect(alice.statuses('MESSAGE')).toEqual([200])
    expect(second.requests('MESSAGE')).toHaveLength(0)
  })

  it('S3263-4.3-01 is tried after four seconds of silence; who rings after all is cancelled', () => {
    const { world, alice, far } = stage()
    const [first, second] = far as [Phone, Phone]
    alice.request('INVITE', FRIEND)
    world.advance(3_999)
    expect(second.requests('INVITE')).toHaveLength(0)
    world.advance(1)
    expect(second.requests('INVITE')).toHaveLength(1)
    second.respond(second.requests('INVITE')[0]!, 180)
    first.respond(first.requests('INVITE')[0]!, 180)
    expect(first.requests('CANCEL')).toHaveLength(1)
    expect(alice.statuses('INVITE')).toEqual([100, 180])
    first.respond(first.requests('INVITE')[0]!, 487)
    second.respond(second.requests('INVITE')[0]!, 486)
    expect(alice.statuses('INVITE')).toEqual([100, 180, 486])
  })

  it('S3261-16.8-01 who rang too late, was cancelled and says nothing more has no part in the answer', () => {
    const { world, alice, far } = stage()
    const [first, second] = far as [Phone, Phone]
    alice.request('INVITE', FRIEND)
    world.advance(4_000)
    second.respond(second.requests('INVITE')[0]!, 180)
    first.respond(first.requests('INVITE')[0]!, 180)
    expect(first.requests('CANCEL')).toHaveLength(1)
    world.advance(33_000)
    second.respond(second.requests('INVITE')[0]!, 500)
    expect(alice.statuses('INVITE')).toEqual([100, 180, 500])
  })

  it('S3263-4.3-01 a silent address that answers the call after all has it', () => {
    const { world, alice, far } = stage()
    const [first, second] = far as [Phone, Phone]
    alice.request('INVITE', FRIEND)
    world.advance(4_000)
    second.respond(second.requests('INVITE')[0]!, 180)
    first.respond(first.requests('INVITE')[0]!, 200)
    expect(alice.statuses('INVITE')).toEqual([100, 180, 200])
    expect(second.requests('CANCEL')).toHaveLength(1)
  })

  it('S3263-4.3-01 a provisional answer keeps the request where it is', () => {
    const { world, alice, far } = stage()
    const [first, second] = far as [Phone, Phone]
    alice.request('INVITE', FRIEND)
    first.respond(first.requests('INVITE')[0]!, 100)
    world.advance(60_000)
    expect(second.requests('INVITE')).toHaveLength(0)
  })

  it('S3263-4.3-01 serves requests other than INVITE within their 32 s', () => {
    const { world, alice, far } = stage()
    const [, second] = far as [Phone, Phone]
    alice.request('MESSAGE', FRIEND)
    world.advance(4_000)
    second.respond(second.requests('MESSAGE')[0]!, 202)
    expect(alice.statuses('MESSAGE')).toEqual([100, 202])
    world.advance(64_000)
    expect(alice.statuses('MESSAGE')).toEqual([100, 202])
  })
})

describe('a domain that cannot be reached', () => {
  it('S3263-LO-01 has no SIP service: 404 with a warning that names it', () => {
    const { alice, node } = stage()
    node.resolveAnswer = () => ({ ok: false, status: 404, reason: 'No SIP Service at example.net' })
    alice.request('INVITE', FRIEND)
    expect(alice.last().status).toBe(404)
    expect(alice.last().header('warning')).toBe('399 ringbridge "No SIP service at example.net"')
  })

  it('S3263-LO-01 name servers fail or say nothing: 504', () => {
    const { world, alice, node } = stage()
    node.resolveAnswer = () => ({ ok: false, status: 504, reason: 'DNS Failure (SERVFAIL)' })
    alice.request('INVITE', FRIEND)
    expect(alice.last().status).toBe(504)
    alice.request('INVITE', `${FRIEND}-2`.replace('-2@', '@'))
    world.advance(20_000)
    expect(alice.last().status).toBe(504)
  })

  it('S3263-LO-01 every address failed: 408 for INVITE, 500 for a request whose connections were refused', () => {
    const { world, alice, node, far } = stage()
    for (const phone of far) phone.drop = true
    alice.request('INVITE', FRIEND)
    world.advance(40_000)
    expect(new Set(alice.statuses('INVITE'))).toEqual(new Set([100, 408]))
    node.resolveAnswer = () => ({ ok: true, addresses: [{ host: '10.9.9.9', port: 5060, transport: 'tcp' }] })
    alice.request('INVITE', FRIEND)
    expect(alice.last().status).toBe(408)
    alice.request('MESSAGE', FRIEND)
    expect(alice.last().status).toBe(500)
  })

  it('S3261-16.7-04 503 of the last address is 500 to the caller', () => {
    const { alice, far } = stage()
    alice.request('INVITE', FRIEND)
    for (const phone of far) phone.respond(phone.requests('INVITE')[0]!, 503)
    expect(alice.last().status).toBe(500)
  })
})

describe('addresses that are left alone', () => {
  it('S3263-4.3-01 503 with Retry-After keeps requests away for that time', () => {
    const { world, alice, far } = stage()
    const [first, second] = far as [Phone, Phone]
    const call = (): void => {
      alice.request('MESSAGE', FRIEND)
    }
    call()
    first.respond(first.requests('MESSAGE')[0]!, 503, { extra: ['Retry-After: 20 (busy);duration=9'] })
    second.respond(second.requests('MESSAGE')[0]!, 200)
    call()
    expect(first.requests('MESSAGE')).toHaveLength(1)
    expect(second.requests('MESSAGE')).toHaveLength(2)
    second.respond(second.requests('MESSAGE')[1]!, 503, { extra: ['Retry-After: 5'] })
    expect(alice.last().status).toBe(500)
    // Both wish to be left alone: nothing is sent at all.
    call()
    expect(alice.last().status).toBe(500)
    expect([first, second].map((phone) => phone.requests('MESSAGE').length)).toEqual([1, 2])
    world.advance(20_000)
    call()
    expect(first.requests('MESSAGE')).toHaveLength(2)
  })

  it('S3263-4.3-01 who was silent a moment ago is tried last, until he is heard again or half a minute is over', () => {
    const { world, alice, far } = stage()
    const [first, second] = far as [Phone, Phone]
    first.drop = true
    const answered = (): void => {
      const requests = second.requests('MESSAGE')
      second.respond(requests.at(-1)!, 200)
    }
    alice.request('MESSAGE', FRIEND)
    world.advance(4_000)
    answered()
    alice.request('MESSAGE', FRIEND)
    answered()
    expect(alice.statuses('MESSAGE')).toEqual([100, 200, 200])
    first.drop = false
    world.advance(30_000)
    alice.request('MESSAGE', FRIEND)
    first.respond(first.requests('MESSAGE').at(-1)!, 200)
    expect(alice.statuses('MESSAGE')).toEqual([100, 200, 200, 200])
  })

  it('are remembered in bounds, and Retry-After is believed in bounds', () => {
    const held = new HeldAddresses()
    const hop = (n: number): Hop => ({
      transport: 'udp',
      flow: 0,
      listener: 0,
      host: `10.0.${n >> 8}.${n & 255}`,
      port: 5060,
    })
    for (let n = 0; n < 5_000; n++) held.failed(0, hop(n))
    expect(held.size).toBe(4_096)
    expect(held.usable(1, [hop(4_999), hop(0)])).toEqual([hop(0), hop(4_999)])
  })
})

describe('who is connected to', () => {
  it('S5922-7.3-01 over TLS has to prove the domain that was called, not the host that DNS named', () => {
    const { alice, node } = stage()
    node.resolveAnswer = () => ({ ok: true, addresses: [{ host: '10.9.9.9', port: 5061, transport: 'tls' }] })
    alice.request('INVITE', 'sip:friend@example.net;transport=tls')
    alice.request('INVITE', 'sip:friend@example.org;transport=tls')
    const opened = taken(node, 'openFlow').map(({ transport, domain, flow }) => ({ transport, domain, flow }))
    expect(opened.map(({ transport, domain }) => `${transport} ${domain}`)).toEqual([
      'tls example.net',
      'tls example.org',
    ])
    // RFC 5922 s.7.3: one connection is not good for two domains.
    expect(new Set(opened.map(({ flow }) => flow)).size).toBe(2)
  })

  it('S3263-4.1-01 a number is taken as it is: UDP, or TLS for sips; with sips there is no UDP', () => {
    const { alice, node } = stage()
    const numeric = (uri: string): string => {
      const before = node.actions.length
      alice.request('MESSAGE', uri)
      const action = node.actions
        .slice(before)
        .find(
          (each) => each.kind === 'openFlow' || (each.kind === 'sendDatagram' && each.host === '10.8.8.8'),
        )
      if (action?.kind === 'openFlow') return `${action.transport} ${action.host} ${action.port}`
      return action?.kind === 'sendDatagram' ? `udp ${action.host} ${action.port}` : 'none'
    }
    expect(numeric('sip:x@10.8.8.8')).toBe('udp 10.8.8.8 5060')
    expect(numeric('sip:x@10.8.8.8:5070')).toBe('udp 10.8.8.8 5070')
    expect(numeric('sip:x@10.8.8.8;transport=tcp')).toBe('tcp 10.8.8.8 5060')
    expect(numeric('sips:x@10.8.8.8')).toBe('tls 10.8.8.8 5061')
    expect(numeric('sips:x@10.8.8.8;transport=udp')).toBe('none')
    expect(taken(node, 'resolve')).toHaveLength(0)
  })
})
