import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseMessage, type SipMessage } from '../../../../src/sip/message/index.ts'
import { isBetter, madeHere, type Candidate } from '../../../../src/sip/proxy/best-response.ts'
import { Breadth } from '../../../../src/sip/proxy/breadth.ts'
import { callResult } from '../../../../src/sip/proxy/call-meter.ts'
import { LargeRequests } from '../../../../src/sip/proxy/large-requests.ts'
import { branchOf, isLoop, loopHash } from '../../../../src/sip/proxy/loop.ts'
import { RouteTokens } from '../../../../src/sip/proxy/route-token.ts'
import { requestUriOf } from '../../../../src/sip/proxy/target-kinds.ts'
import { TargetSet, type Target } from '../../../../src/sip/proxy/targets.ts'
import { parseUri } from '../../../../src/sip/message/index.ts'
import { incomingRequest, type Hop } from '../../../../src/sip/transaction/index.ts'

function read(text: string): SipMessage {
  const parsed = parseMessage(Buffer.from(text, 'latin1'))
  if (!parsed.ok) throw new Error(parsed.error.reason)
  return parsed.value
}

function request(
  method = 'INVITE',
  extra = '',
  uri = 'sip:b@x.org',
  via = 'SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1',
): SipMessage {
  return read(
    `${method} ${uri} SIP/2.0\r\nVia: ${via}\r\n${extra}Max-Forwards: 70\r\nFrom: <sip:a@x.org>;tag=1\r\n` +
      `To: <sip:b@x.org>\r\nCall-ID: c\r\nCSeq: 7 ${method}\r\nContent-Length: 0\r\n\r\n`,
  )
}

function best(statuses: readonly number[]): number {
  let chosen: Candidate | undefined
  for (const status of statuses) {
    const candidate = madeHere(status, '')
    if (isBetter(candidate, chosen)) chosen = candidate
  }
  return chosen?.status ?? 0
}

describe('the best response', () => {
  it.each([
    [[486, 603, 200 + 102], 603],
    [[503, 404], 404],
    [[404, 302], 302],
    [[404, 407], 407],
    [[404, 401, 407], 401],
    [[404, 484], 484],
    [[486, 415], 415],
    [[408, 486], 486],
    [[487, 408], 487],
    [[480, 404], 480],
    [[480, 486], 486],
    [[404, 488], 488],
    [[408, 480], 480],
    [[503, 408], 408],
    [[500, 503], 500],
    ...[401, 407, 415, 420, 484].flatMap((status): [number[], number][] => [
      [[486, status], status],
      [[404, status, 482], status],
    ]),
  ])('S3261-16.7-03 of %j is %i', (statuses, expected) => {
    expect(best(statuses)).toBe(expected)
  })

  it.each([
    [200, 'answered'],
    [486, 'busy'],
    [603, 'busy'],
    [487, 'cancelled'],
    [408, 'no_answer'],
    [404, 'not_found'],
    [500, 'failed'],
  ])('a final %i counts as %s', (status, result) => {
    expect(callResult(status)).toBe(result)
  })
})

describe('Max-Breadth', () => {
  it('S5393-5-01 is 60 when absent or larger, and the shares never exceed it', () => {
    expect(new Breadth(request()).take(2, 'nobody')).toEqual([30, 30])
    expect(new Breadth(request('INVITE', 'Max-Breadth: 1000\r\n')).take(1, 'nobody')).toEqual([60])
    expect(new Breadth(request('INVITE', 'Max-Breadth: 7\r\n')).take(3, 'nobody')).toEqual([3, 2, 2])
  })

  it('S5393-5-01 E20 too little makes fewer branches at a time, none makes none', () => {
    const two = new Breadth(request('INVITE', 'Max-Breadth: 2\r\n'))
    expect(two.take(5, 'nobody')).toEqual([1, 1])
    expect(two.take(3, 'nobody')).toEqual([])
    two.giveBack(1)
    expect(two.take(3, 'nobody')).toEqual([1])
    expect(new Breadth(request('INVITE', 'Max-Breadth: 0\r\n')).take(1, 'nobody')).toEqual([])
  })

  it('S3261-16.5-04 S5393-5-01 some is left for phones that register meanwhile, but not for want of those that are there', () => {
    const breadth = new Breadth(request())
    expect(breadth.take(1, 'phones')).toEqual([45])
    expect(breadth.take(1, 'phones')).toEqual([12])
    expect(breadth.take(2, 'phones')).toEqual([2, 1])
    expect(breadth.take(1, 'phones')).toEqual([])
    expect(new Breadth(request('INVITE', 'Max-Breadth: 4\r\n')).take(4, 'phones')).toEqual([1, 1, 1, 1])
    expect(new Breadth(request('INVITE', 'Max-Breadth: 1\r\n')).take(1, 'phones')).toEqual([1])
  })

  it('S5393-5-01 property: what is out plus what is left is what came in', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 100 }),
        fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 8 }),
        fc.constantFrom('targets' as const, 'phones' as const, 'nobody' as const),
        (start, asks, coming) => {
          const breadth = new Breadth(request('INVITE', `Max-Breadth: ${start}\r\n`))
          let out = 0
          for (const ask of asks) out += breadth.take(ask, coming).reduce((sum, share) => sum + share, 0)
          expect(out).toBeLessThanOrEqual(Math.min(start, 60))
        },
      ),
    )
  })
})

function target(key: string, q: number, instance?: string, registeredAt = 0, regId?: string): Target {
  const hop: Hop = { transport: 'udp', flow: 0, listener: 0, host: '10.0.0.1', port: 5060 }
  return {
    uri: `sip:${key}`,
    routes: [],
    way: { kind: 'hop', hop },
    q,
    key,
    instance,
    regId,
    registeredAt,
    path: 'local',
    line: undefined,
  }
}

describe('the target set', () => {
  it('S3261-16.5-03 takes nothing twice and gives groups of equal q, highest first', () => {
    const set = new TargetSet(10)
    for (const t of [target('a', 500), target('b', 1000), target('c', 500), target('b', 1000)]) set.add(t)
    expect(set.takeGroup(10).map((t) => t.key)).toEqual(['b'])
    expect(set.takeGroup(10).map((t) => t.key)).toEqual(['a', 'c'])
    expect(set.empty).toBe(true)
    expect(set.add(target('a', 900))).toBe(false)
  })

  it('S5626-7-01 of one instance only the newest registration is a target', () => {
    const set = new TargetSet(10)
    set.add(target('old', 1000, 'i', 1))
    set.add(target('new', 1000, 'i', 2))
    set.add(target('older', 1000, 'i', 0))
    expect(set.takeGroup(10).map((t) => t.key)).toEqual(['new'])
    expect(set.addSpareOf(target('new', 1000, 'i', 2))).toBe(false)
  })

  it('S5626-7-02 of the flows of an instance the others are kept, and given out newest first', () => {
    const set = new TargetSet(10)
    set.add(target('old', 1000, 'i', 1, '1'))
    const newest = target('new', 1000, 'i', 3, '2')
    set.add(newest)
    set.add(target('middle', 1000, 'i', 2, '3'))
    set.add(target('other', 1000, 'j', 2, '1'))
    expect(set.takeGroup(10).map((t) => t.key)).toEqual(['new', 'other'])
    expect(set.addSpareOf(newest)).toBe(true)
    expect(set.takeGroup(10).map((t) => t.key)).toEqual(['middle'])
    expect(set.addSpareOf(newest)).toBe(true)
    expect(set.takeGroup(10).map((t) => t.key)).toEqual(['old'])
    expect(set.addSpareOf(newest)).toBe(false)
  })

  it('M-18 gives out no more than its limit', () => {
    const set = new TargetSet(2)
    for (const key of ['a', 'b', 'c']) set.add(target(key, 1000))
    expect(set.takeGroup(10)).toHaveLength(2)
    expect(set.empty).toBe(true)
  })
})

describe('loops', () => {
  it('S5393-4-01 S5393-4-02 the same inputs are a loop, other inputs a spiral; the method does not matter', () => {
    const hash = loopHash(request(), 'south')
    expect(loopHash(request('CANCEL'), 'south')).toBe(hash)
    expect(loopHash(request('INVITE', '', 'sip:c@x.org'), 'south')).not.toBe(hash)
    expect(loopHash(request('INVITE', 'Route: <sip:r;lr>\r\n'), 'south')).not.toBe(hash)
    expect(loopHash(request(), 'north')).not.toBe(hash)
    for (const decides of [
      'Accept-Contact: *;audio',
      'Reject-Contact: *;audio',
      'Request-Disposition: no-fork',
    ])
      expect(loopHash(request('INVITE', `${decides}\r\n`), 'south')).not.toBe(hash)
    // Two requests of one caller to one phone are no loop.
    for (const [from, to] of [
      ['Call-ID: c', 'Call-ID: d'],
      ['CSeq: 7', 'CSeq: 8'],
      ['a@x.org>;tag=1', 'a@x.org>;tag=2'],
      ['To: <sip:b@x.org>', 'To: <sip:b@x.org>;tag=3'],
    ] as const)
      expect(loopHash(read(request().head.text.replace(from, to)), 'south'), to).not.toBe(hash)
    const looped = request('INVITE', `Via: SIP/2.0/UDP 192.0.2.1:5060;branch=${branchOf('u', hash)}\r\n`)
    const own = (via: { host: string }): boolean => via.host === '192.0.2.1'
    expect(isLoop(looped.vias(), hash, own)).toBe(true)
    expect(isLoop(looped.vias(), hash, () => false)).toBe(false)
    expect(isLoop(looped.vias(), loopHash(request('INVITE', '', 'sip:c@x.org'), 'south'), own)).toBe(false)
  })
})

describe('the size of a datagram', () => {
  it('S3261-18.1-01 up to 1300 bytes a request goes by UDP, beyond that over TCP where nobody has asked for UDP', () => {
    const [udp, tcp]: readonly Hop[] = (['udp', 'tcp'] as const).map((transport) => ({
      ...{ transport, flow: 0, listener: 0, host: '10.0.0.1', port: 5060 },
    }))
    const way = { kind: 'host', host: 'x.org', domain: 'x.org', port: undefined, secure: false, notUs: false }
    const towards = (transport: 'udp' | undefined) =>
      ({ way: { ...way, kind: 'host', transport }, uri: 'sip:x.org', routes: [] }) as const
    const large = new LargeRequests()
    expect(large.wantsStream(0, 1_300, udp!, towards(undefined))).toBe(false)
    expect(large.wantsStream(0, 1_301, udp!, towards(undefined))).toBe(true)
    expect(large.wantsStream(0, 1_301, udp!, towards('udp'))).toBe(false)
    expect(large.wantsStream(0, 1_301, tcp!, towards(undefined))).toBe(false)
  })
})

describe('route tokens', () => {
  const tokens = new RouteTokens({ secret: new Uint8Array(32), run: new Uint8Array([1, 2, 3, 4]) })
  const hops: Hop[] = [
    { transport: 'udp', flow: 0, listener: 2, host: '2001:db8::1', port: 5080 },
    { transport: 'tcp', flow: 77, listener: 1, host: '10.0.0.1', port: 40_000 },
    { transport: 'peer', flow: 9, listener: 0, host: '00112233445566778899aabbccddeeff', port: 0 },
  ]

  it('S5626-5.2-01 give their hop back, to their own call only', () => {
    for (const hop of hops) {
      const token = tokens.seal(hop, 'call')
      expect(tokens.open(token, 'call')).toEqual({ kind: 'hop', hop, fromThisRun: true, ofCall: true })
      expect(tokens.open(token, 'other')).toEqual({ kind: 'forged' })
      // The same where nothing is known of it yet, and where it has been seen.
      const another = new RouteTokens({ secret: new Uint8Array(32), run: new Uint8Array([1, 2, 3, 4]) })
      for (let time = 0; time < 2; time++) {
        expect(another.open(token, 'other')).toEqual({ kind: 'forged' })
        expect(another.open(token, 'call')).toEqual({ kind: 'hop', hop, fromThisRun: true, ofCall: true })
      }
      expect(parseUri(`sip:${token}@x.org;lr`)?.user).toBe(token)
    }
  })

  it('S5626-5.2-01 say of a flow to a peer what they say after a restart, too', () => {
    const hop: Hop = {
      transport: 'peer',
      flow: -3,
      listener: 0,
      host: '00112233445566778899aabbccddeeff',
      port: 0,
    }
    const another = new RouteTokens({ secret: new Uint8Array(32), run: new Uint8Array([1, 2, 3, 4]) })
    const token = tokens.seal(hop, 'call')
    expect(tokens.open(token, 'call')).toEqual(another.open(token, 'call'))
  })

  it('S5626-5.2-01 tell another run of the same secret apart', () => {
    const later = new RouteTokens({ secret: new Uint8Array(32), run: new Uint8Array([9, 9, 9, 9]) })
    expect(later.open(tokens.seal(hops[1]!, 'call'), 'call')).toMatchObject({
      kind: 'hop',
      fromThisRun: false,
    })
  })

  it.each(['example.net', '10.0.0.1'])(
    'S3261-18.1-04 say after a restart, too, what was asked for when a connection was opened: %s',
    (name) => {
      const init = {
        secret: new Uint8Array(32),
        dialledFor: (flow: number) => (flow === 77 ? name : undefined),
      }
      const first = new RouteTokens({ ...init, run: new Uint8Array([1, 2, 3, 4]) })
      const token = first.seal(hops[1]!, 'call')
      expect(first.open(token, 'call')).toMatchObject({ dialled: name, fromThisRun: true })
      const later = new RouteTokens({ ...init, run: new Uint8Array([9, 9, 9, 9]) })
      expect(later.open(token, 'call')).toMatchObject({ hop: hops[1], dialled: name, fromThisRun: false })
      expect(parseUri(`sip:${token}@x.org;lr`)?.user).toBe(token)
    },
  )

  it('S5626-5.3-01 property: no change of a token is accepted', () => {
    const token = tokens.seal(hops[1]!, 'call')
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.constantFrom(...'ABCabc019+/='), (at, char) => {
        const changed = token.slice(0, at) + char + token.slice(at + 1)
        if (changed !== token) expect(tokens.open(changed, 'call')).toEqual({ kind: 'forged' })
      }),
    )
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(tokens.open(text, 'call')).toEqual({ kind: 'forged' })
      }),
    )
  })
})

describe('received and rport', () => {
  const source: Hop = { transport: 'udp', flow: 0, listener: 0, host: '203.0.113.7', port: 61_000 }
  it.each([
    [
      'SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1;rport',
      'SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1;rport=61000;received=203.0.113.7',
      61_000,
    ],
    [
      'SIP/2.0/UDP 203.0.113.7:61000;rport;branch=z9hG4bK1',
      'SIP/2.0/UDP 203.0.113.7:61000;rport=61000;branch=z9hG4bK1;received=203.0.113.7',
      61_000,
    ],
    [
      'SIP/2.0/UDP 10.0.0.1:5060;rport=;branch=z9hG4bK1;x=',
      'SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1;x;received=203.0.113.7;rport=61000',
      61_000,
    ],
    [
      'SIP/2.0/UDP host.example.org;branch=z9hG4bK1',
      'SIP/2.0/UDP host.example.org;branch=z9hG4bK1;received=203.0.113.7',
      5060,
    ],
    // RFC 3261 s.8.2.6.2: otherwise as it came.
    [
      'SIP / 2.0 / udp  Host.Example.ORG : 5070;Branch=z9hG4bK1;x=1 ; x=2;hidden',
      'SIP / 2.0 / udp  Host.Example.ORG : 5070;Branch=z9hG4bK1;x=1 ; x=2;hidden;received=203.0.113.7',
      5070,
    ],
    [
      'SIP/2.0/UDP 10.0.0.1:5070;received=1.2.3.4;branch=z9hG4bK1',
      'SIP/2.0/UDP 10.0.0.1:5070;branch=z9hG4bK1;received=203.0.113.7',
      5070,
    ],
    // A stranger would have answers sent to whom he likes.
    [
      'SIP/2.0/UDP 10.0.0.1:5070;maddr=192.0.2.66;branch=z9hG4bK1',
      'SIP/2.0/UDP 10.0.0.1:5070;maddr=192.0.2.66;branch=z9hG4bK1;received=203.0.113.7',
      5070,
    ],
  ])('S3581-4-01 S3261-18.2-01 S3261-18.2-03 S3261-8.2.6-01 %s', (via, expected, port) => {
    const incoming = incomingRequest(request('MESSAGE', '', 'sip:b@x.org', via), source, 0)
    expect(incoming.topVia).toBe(expected)
    expect(incoming.replyTo).toMatchObject({ host: '203.0.113.7', port })
  })

  it('S3261-18.2-01 a Via that shows its source stays as it is', () => {
    const incoming = incomingRequest(
      request('MESSAGE', '', 'sip:b@x.org', 'SIP/2.0/UDP 203.0.113.7:5080;branch=z9hG4bK1'),
      source,
      0,
    )
    expect(incoming.topVia).toBeUndefined()
    expect(incoming.replyTo.port).toBe(5080)
  })
})

describe('Request-URI from a Contact', () => {
  it('S3261-16.6-02 S3261-19.1-03 loses headers and method, nothing else', () => {
    expect(requestUriOf(parseUri('sip:a@h:5070;x=1?Route=%3Csip:evil%3E')!)).toBe('sip:a@h:5070;x=1')
    expect(requestUriOf(parseUri('sip:a@h;method=INVITE;lr')!)).toBe('sip:a@h;lr')
    expect(requestUriOf(parseUri('sip:a;method=x@h;%6Dethod=INVITE?Subject=a@b?c')!)).toBe('sip:a;method=x@h')
  })
})
