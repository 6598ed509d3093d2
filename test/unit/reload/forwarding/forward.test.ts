import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../../../src/common/random.ts'
import {
  decodeForwardingHeader,
  decodeMessage,
  ERROR_CODE,
  FORWARDING_FLAG,
  HeaderView,
  key,
  MESSAGE_CODE,
  sameId,
  type ForwardingOption,
  type NodeId,
} from '../../../../src/reload/codec/index.ts'
import {
  decide,
  VISITS_MAX,
  type Decision,
  type ForwardingContext,
} from '../../../../src/reload/forwarding/forward.ts'
import { OpaqueIds } from '../../../../src/reload/forwarding/opaque-id.ts'
import { contextOf, letters, message, node, nodeNamed, resource, routes, WILDCARD } from './messages.ts'

const D = contextOf('D')
const FROM_C = nodeNamed('C')

/** Decision of node D about a message from node C. */
function atD(
  bytes: Uint8Array,
  over: Partial<ForwardingContext> = {},
  previousHop: NodeId | undefined = FROM_C,
): Decision {
  return decide(0, bytes, previousHop, { ...D, ...over })
}

function forwarded(decision: Decision): Extract<Decision, { kind: 'forward' }> {
  if (decision.kind !== 'forward') throw new Error(`expected forward, got ${JSON.stringify(decision)}`)
  return decision
}

function sentHeader(decision: Decision) {
  const decoded = decodeMessage(forwarded(decision).bytes)
  if (!decoded.ok) throw new Error(decoded.error.reason)
  return decoded.value.header
}

function withField(bytes: Uint8Array, at: number, ...values: readonly number[]): Uint8Array {
  const copy = bytes.slice()
  copy.set(values, at)
  return copy
}

const IN_RANGE = routes({ responsible: () => true })

describe('receipt', () => {
  const MALFORMED = { kind: 'drop', reason: 'malformed' }

  it('R6940-6.1-01 wrong token, version, length or overlay: discarded', () => {
    expect(atD(withField(message(), 0, 0xd3))).toEqual({ ...MALFORMED, detail: 'header' })
    expect(atD(withField(message(), 10, 0x01))).toEqual({ ...MALFORMED, detail: 'header' })
    expect(atD(withField(message(), 19, 0))).toEqual({ ...MALFORMED, detail: 'header' })
    expect(atD(message().subarray(0, 37))).toEqual({ ...MALFORMED, detail: 'header' })
    expect(atD(message({ overlay: 7 }))).toEqual({ ...MALFORMED, detail: 'otherOverlay' })
  })

  it('R6940-6.1-01 lists that do not fit, or hold what they must not: discarded', () => {
    expect(atD(withField(message(), 32, 0xff, 0xff)).kind).toBe('drop')
    expect(atD(withField(message(), 39, 15))).toEqual({ ...MALFORMED, detail: 'header' })
    const resourceInVia = withField(message({ destinationList: [resource('R')] }), 32, 0, 19, 0, 0)
    expect(atD(resourceInVia)).toEqual({ ...MALFORMED, detail: 'header' })
    expect(atD(message({ destinationList: [] }))).toEqual({ ...MALFORMED, detail: 'noDestination' })
  })

  it('R6940-6.7-01 R6940-6.7-03 a clear high fragment bit: discarded, whatever the other bits say', () => {
    for (const top of [0x00, 0x40, 0x7f]) {
      expect(atD(withField(message(), 12, top))).toEqual({ ...MALFORMED, detail: 'header' })
    }
    expect(forwarded(atD(message())).to).toEqual(nodeNamed('N'))
  })

  it('R6940-6.3.2-08 reserved bits alone make no fragment', () => {
    const decision = atD(withField(message(), 12, 0xff))
    expect(HeaderView.read(forwarded(decision).bytes)?.whole).toBe(true)
  })

  it('R6940-6.3.2-11 R6940-6.3.2-12 a ttl above initial-ttl is refused, an equal one is fine', () => {
    expect(atD(message({ ttl: 100 })).kind).toBe('forward')
    expect(atD(message({ ttl: 101 }))).toMatchObject({
      kind: 'error',
      code: ERROR_CODE.ttlExceeded,
      reason: 'ttl',
      detail: 'ttlAboveInitial',
    })
    expect(atD(message({ ttl: 8 }), { initialTtl: 7 }).kind).toBe('error')
    expect(atD(message({ ttl: 101, destinationList: [node('D')] })).kind).toBe('error')
  })

  it('R6940-13.6.5-01 duplicate destinations of a request: Invalid_Message', () => {
    expect(atD(message({ destinationList: [node('E'), node('F'), node('E')] }))).toMatchObject({
      kind: 'error',
      code: ERROR_CODE.invalidMessage,
      detail: 'duplicateDestination',
    })
    expect(atD(message({ destinationList: [node('E'), node('F')] })).kind).toBe('forward')
    // Long lists are counted in another way than short ones.
    for (const others of ['FGHIJKL', 'FGHIJKLM', 'FGHIJKLMNOPQRS']) {
      const once = [node('E'), ...[...others].map(node)]
      expect(atD(message({ destinationList: once })).kind).toBe('forward')
      expect(atD(message({ destinationList: [...once, node('E')] }))).toMatchObject({
        detail: 'duplicateDestination',
      })
    }
  })

  it('R6940-13.6.5-01 the way back may hold a node as often as the way there could, not more', () => {
    const back = (list: string) => message({ destinationList: [...list].map(node) }, MESSAGE_CODE.pingAns)
    expect(atD(back('XBXBX')).kind).toBe('forward')
    expect(atD(back('XBXBXCX'))).toEqual({ ...MALFORMED, detail: 'duplicateDestination' })
  })

  it('R6940-6.6-01 a message above max-message-size goes no further', () => {
    expect(atD(message(), { maxMessageBytes: message().length - 1 })).toEqual({
      ...MALFORMED,
      detail: 'tooLarge',
    })
  })

  it('errors are answered to requests only', () => {
    for (const code of [MESSAGE_CODE.pingAns, MESSAGE_CODE.error]) {
      expect(atD(message({ ttl: 101 }, code))).toEqual({
        kind: 'drop',
        reason: 'ttl',
        detail: 'ttlAboveInitial',
      })
      expect(atD(message({ ttl: 0 }, code))).toEqual({ kind: 'drop', reason: 'ttl', detail: 'ttlExpired' })
    }
  })
})

describe('responsible id', () => {
  it('R6940-6.1.1-01 a responsible Resource-ID that is not the only entry: silent drop', () => {
    // The encoder refuses to write this, so the type of the first of two entries is changed afterwards.
    const bytes = message({
      destinationList: [{ kind: 'opaque', id: nodeNamed('R'), short: false }, node('E')],
    })
    expect(atD(withField(bytes, 38, 2), { routes: IN_RANGE })).toEqual({
      kind: 'drop',
      reason: 'malformed',
      detail: 'header',
    })
  })

  it('R6940-6.1.1-02 a responsible Resource-ID as the only entry is delivered', () => {
    expect(atD(message({ destinationList: [resource('R')] }), { routes: IN_RANGE })).toMatchObject({
      kind: 'deliver',
      target: { kind: 'resource', resourceId: nodeNamed('R') },
    })
  })

  it('R6940-6.1.1-03 the own Node-ID as the only entry is delivered, even with ttl 0', () => {
    const decision = atD(message({ destinationList: [node('D')], ttl: 0 }))
    expect(decision).toMatchObject({ kind: 'deliver', target: { kind: 'node' } })
    expect(decision.kind === 'deliver' && decision.view.transactionId).toBe(0x0123456789abcdefn)
  })

  it('R6940-6.1.1-03 with more entries it is removed and the rest decides', () => {
    const onwards = atD(message({ destinationList: [node('D'), node('E'), resource('R')] }))
    expect(sentHeader(onwards).destinationList).toEqual([node('E'), resource('R')])
    const mine = atD(message({ destinationList: [node('D'), resource('R')] }), { routes: IN_RANGE })
    expect(mine).toMatchObject({ kind: 'deliver', target: { kind: 'resource' } })
    const wild = atD(message({ destinationList: [node('D'), WILDCARD] }))
    expect(wild).toMatchObject({ kind: 'deliver', target: { kind: 'wildcard' } })
  })

  it('R6940-6.1.1-04 a wildcard first is delivered and never forwarded, whatever follows', () => {
    const onlyForward = routes({ connected: () => true })
    for (const list of [[WILDCARD], [WILDCARD, node('E')], [WILDCARD, node('D')]]) {
      expect(atD(message({ destinationList: list }), { routes: onlyForward })).toMatchObject({
        kind: 'deliver',
        target: { kind: 'wildcard' },
      })
    }
  })

  it('R6940-6.1.1-05 a Node-ID in the own range that is not connected: silent drop', () => {
    expect(atD(message(), { routes: IN_RANGE })).toEqual({
      kind: 'drop',
      reason: 'no_route',
      detail: 'absentNode',
    })
  })

  it('R6940-6.6.5-02 an answer goes to a client that is behind with its acks, a request does not', () => {
    const hops = routes({ responsible: () => true, linked: (id) => sameId(id, nodeNamed('J')) })
    const to = { destinationList: [node('J')] }
    expect(forwarded(atD(message(to, MESSAGE_CODE.storeAns), { routes: hops })).to).toEqual(nodeNamed('J'))
    expect(atD(message(to, MESSAGE_CODE.storeReq), { routes: hops })).toMatchObject({ detail: 'absentNode' })
    const elsewhere = { destinationList: [node('E')] }
    expect(atD(message(elsewhere, MESSAGE_CODE.storeAns), { routes: hops })).toMatchObject({
      detail: 'absentNode',
    })
  })

  it('R6940-6.1.1-06 R6940-6.1.2-11 a connected one, client or about to join, gets it', () => {
    const hops = routes({ responsible: () => true, connected: (id) => sameId(id, nodeNamed('J')) })
    const answer = message({ destinationList: [node('D'), node('J')] }, MESSAGE_CODE.attachAns)
    const decision = atD(answer, { routes: hops })
    expect(forwarded(decision).to).toEqual(nodeNamed('J'))
    expect(letters(sentHeader(decision).destinationList)).toBe('J')
  })
})

describe('other id', () => {
  it('R6940-6.1.2-01 R6940-6.2.1-02 goes to the choice of the topology plug-in', () => {
    const asked: string[] = []
    const hops = routes({
      nextHop: (id) => {
        asked.push(key(id))
        return nodeNamed('M')
      },
    })
    expect(forwarded(atD(message(), { routes: hops })).to).toEqual(nodeNamed('M'))
    expect(forwarded(atD(message({ destinationList: [resource('R')] }), { routes: hops })).to).toEqual(
      nodeNamed('M'),
    )
    expect(asked).toEqual([key(nodeNamed('E')), key(nodeNamed('R'))])
  })

  it('R6940-6.1.2-02 R6940-6.2.1-02 a connected first destination gets it directly', () => {
    const hops = routes({ connected: (id) => sameId(id, nodeNamed('E')) })
    expect(forwarded(atD(message({ destinationList: [node('E'), node('F')] }), { routes: hops })).to).toEqual(
      nodeNamed('E'),
    )
  })

  it('R6940-6.1.2-01 no way known: dropped', () => {
    const nowhere = { kind: 'drop', reason: 'no_route', detail: 'noNextHop' }
    expect(atD(message(), { routes: routes({ nextHop: () => undefined }) })).toEqual(nowhere)
    expect(atD(message(), { routes: routes({ nextHop: () => nodeNamed('D') }) })).toEqual(nowhere)
  })

  it('R6940-6.1.2-03 R6940-6.1.2-04 R6940-6.2-01 D from C with via [A, B] sends via [A, B, C]', () => {
    const header = sentHeader(atD(message({ viaList: [node('A'), node('B')] })))
    expect(letters(header.viaList)).toBe('ABC')
  })

  it('R6940-6.1.2-08 a response gets no via', () => {
    for (const code of [MESSAGE_CODE.pingAns, MESSAGE_CODE.error]) {
      const header = sentHeader(atD(message({ destinationList: [node('D'), node('B'), node('A')] }, code)))
      expect(header.viaList).toEqual([])
      expect(letters(header.destinationList)).toBe('BA')
    }
  })

  it('R6940-6.2.1-01 a message of our own is routed by the same rules and gets no via', () => {
    const own = decide(0, message({ destinationList: [node('B'), resource('R')], ttl: 100 }), undefined, D)
    const header = sentHeader(own)
    expect(header.viaList).toEqual([])
    expect(header.destinationList).toEqual([node('B'), resource('R')])
    expect(header.ttl).toBe(99)
    expect(
      decide(0, message({ destinationList: [resource('R')] }), undefined, { ...D, routes: IN_RANGE }).kind,
    ).toBe('deliver')
  })

  it('R6940-6.3.2-09 the ttl goes down by one with each transmission', () => {
    expect(sentHeader(atD(message({ ttl: 1 }))).ttl).toBe(0)
    expect(sentHeader(atD(message({ ttl: 100 }))).ttl).toBe(99)
  })

  it('R6940-6.3.2-10 ttl 0 and not for us: not propagated, TTL_Exceeded', () => {
    expect(atD(message({ ttl: 0 }))).toMatchObject({
      kind: 'error',
      code: ERROR_CODE.ttlExceeded,
      detail: 'ttlExpired',
    })
    const client = routes({ responsible: () => true, connected: () => true })
    expect(atD(message({ ttl: 0 }), { routes: client }).kind).toBe('error')
  })

  it('everything behind the lists is copied through, options included', () => {
    const options: ForwardingOption[] = [{ type: 77, flags: 0, value: Uint8Array.of(1, 2, 3) }]
    const bytes = message({ options, destinationList: [node('D'), node('E')] })
    const sent = forwarded(atD(bytes)).bytes
    const before = HeaderView.read(bytes) as HeaderView
    const after = HeaderView.read(sent) as HeaderView
    expect(sent.subarray(after.optionsAt)).toEqual(bytes.subarray(before.optionsAt))
    expect(after.length).toBe(sent.length)
    expect(after.transactionId).toBe(before.transactionId)
  })

  it('a via list that makes the message too large for the next hop: Message_Too_Large', () => {
    const bytes = message()
    expect(atD(bytes, { maxMessageBytes: bytes.length + 18 }).kind).toBe('forward')
    expect(atD(bytes, { maxMessageBytes: bytes.length + 17 })).toMatchObject({
      kind: 'error',
      code: ERROR_CODE.messageTooLarge,
    })
  })

  it('a destination of unknown type leads nowhere', () => {
    const list = [{ kind: 'unknown', type: 9, data: Uint8Array.of(1) } as const]
    expect(atD(message({ destinationList: list }))).toEqual({
      kind: 'drop',
      reason: 'no_route',
      detail: 'unknownDestination',
    })
  })
})

describe('loops', () => {
  const LOOP = { kind: 'drop', reason: 'loop', detail: 'routingLoop' }

  it('back unchanged to where it came from is a loop', () => {
    expect(atD(message(), { routes: routes({ nextHop: () => FROM_C }) })).toEqual(LOOP)
  })

  it('unless there is another way', () => {
    const hops = routes({ nextHop: (_, notBackTo) => (notBackTo === undefined ? FROM_C : nodeNamed('N')) })
    expect(forwarded(atD(message(), { routes: hops })).to).toEqual(nodeNamed('N'))
  })

  it('back with the next entry of a source route is none, and neither is the destination itself', () => {
    const hops = routes({ nextHop: () => FROM_C })
    expect(
      forwarded(atD(message({ destinationList: [node('D'), resource('R')] }), { routes: hops })).to,
    ).toEqual(FROM_C)
    const direct = routes({ connected: () => true })
    expect(forwarded(atD(message({ destinationList: [node('C')] }), { routes: direct })).to).toEqual(FROM_C)
  })

  it('passing the same node too often is a loop', () => {
    const passed = (times: number) => message({ viaList: [...'AD'.repeat(times)].map(node) })
    expect(atD(passed(VISITS_MAX - 1)).kind).toBe('forward')
    expect(atD(passed(VISITS_MAX))).toEqual(LOOP)
  })
})

describe('forwarding options', () => {
  const option = (flags: number, type = 77): { options: ForwardingOption[] } => ({
    options: [
      { type: 78, flags: 0, value: new Uint8Array(300) },
      { type, flags, value: Uint8Array.of(1) },
    ],
  })
  const UNSUPPORTED = { kind: 'error', code: ERROR_CODE.unsupportedForwardingOption }

  it('R6940-6.3.2.3-02 FORWARD_CRITICAL and not understood: a forwarder refuses, the destination does not', () => {
    const critical = option(FORWARDING_FLAG.forwardCritical)
    expect(atD(message(critical))).toMatchObject(UNSUPPORTED)
    expect(atD(message({ ...critical, destinationList: [node('D')] })).kind).toBe('deliver')
    expect(atD(message(critical), { understoodOptions: new Set([77]) }).kind).toBe('forward')
  })

  it('R6940-6.3.2.3-03 DESTINATION_CRITICAL and not understood: the destination refuses, a forwarder does not', () => {
    const critical = option(FORWARDING_FLAG.destinationCritical)
    expect(atD(message(critical)).kind).toBe('forward')
    const mine = { ...critical, destinationList: [node('D')] }
    expect(atD(message(mine))).toMatchObject(UNSUPPORTED)
    expect(atD(message(mine), { understoodOptions: new Set([77]) }).kind).toBe('deliver')
  })

  it('R6940-6.3.2.3-05 a response with any flag is discarded', () => {
    for (const flag of Object.values(FORWARDING_FLAG)) {
      expect(atD(message(option(flag), MESSAGE_CODE.pingAns))).toEqual({
        kind: 'drop',
        reason: 'malformed',
        detail: 'forwardingOption',
      })
    }
    expect(atD(message(option(0), MESSAGE_CODE.pingAns)).kind).toBe('forward')
  })
})

describe('opaque ids', () => {
  function ids(slots?: number): OpaqueIds {
    const random = new SeededRandom('opaque')
    return new OpaqueIds({ random }, slots === undefined ? { keepMs: 15_000 } : { keepMs: 15_000, slots })
  }

  it('R6940-6.1.3-01 R6940-6.1.2-06 D packs [A, B, C] away; [D, I] unpacks to [C, B, A]', () => {
    const opaqueIds = ids()
    const packed = opaqueIds.issue(0, [node('A'), node('B'), node('C')])
    if (packed === undefined) throw new Error('expected an id')
    const answer = message({ destinationList: [node('D'), packed] }, MESSAGE_CODE.pingAns)
    expect(letters(sentHeader(atD(answer, { opaqueIds })).destinationList)).toBe('CBA')
    // A compression that leaves out our own Node-ID works just as well.
    const short = message({ destinationList: [packed, node('Z')] }, MESSAGE_CODE.pingAns)
    expect(letters(sentHeader(atD(short, { opaqueIds })).destinationList)).toBe('CBAZ')
  })

  it('R6940-6.3.2.2-06 stale, foreign and expired ids: silent drop', () => {
    const opaqueIds = ids(1)
    const stale = { kind: 'drop', reason: 'no_route', detail: 'staleOpaqueId' }
    const first = opaqueIds.issue(0, [node('A')])
    const second = opaqueIds.issue(15_000, [node('B')])
    if (first === undefined || second === undefined) throw new Error('expected ids')
    const to = (entry: typeof first) => message({ destinationList: [entry] }, MESSAGE_CODE.pingAns)
    expect(decide(15_000, to(first), FROM_C, { ...D, opaqueIds })).toEqual(stale)
    expect(decide(15_000, to(second), FROM_C, { ...D, opaqueIds }).kind).toBe('forward')
    expect(decide(30_000, to(second), FROM_C, { ...D, opaqueIds })).toEqual(stale)
    expect(
      decide(15_000, to({ kind: 'opaque', id: Uint8Array.of(1, 2, 3), short: false }), FROM_C, {
        ...D,
        opaqueIds,
      }),
    ).toEqual(stale)
    expect(atD(to(second))).toEqual(stale)
  })

  it('R6940-6.3.2.2-07 twelve bits of slot, three of generation from a random start; slots go round', () => {
    const opaqueIds = ids(2)
    const [a, b, full] = [1, 2, 3].map(() => opaqueIds.issue(0, [node('A')]))
    const value = (entry: typeof a) =>
      entry?.kind === 'opaque' ? ((entry.id[0] ?? 0) << 8) | (entry.id[1] ?? 0) : 0
    expect([value(a) & 0x8000, value(b) & 0x8000]).toEqual([0x8000, 0x8000])
    expect([(value(a) >> 3) & 0xfff, (value(b) >> 3) & 0xfff]).toEqual([0, 1])
    expect(full).toBeUndefined()
    const again = opaqueIds.issue(15_000, [node('A')])
    expect(value(again)).toBe((value(a) & ~7) | ((value(a) + 1) & 7))
    const starts = new Set(
      Array.from(
        'abcdefgh',
        (seed) => value(new OpaqueIds({ random: new SeededRandom(seed) }, { keepMs: 1 }).issue(0, [])) & 7,
      ),
    )
    expect(starts.size).toBeGreaterThan(1)
  })

  it('R6940-6.1.3-01 an id that unpacks to itself ends', () => {
    const packed = { kind: 'opaque', id: Uint8Array.of(0x80, 1), short: true } as const
    const opaqueIds = { resolve: () => [packed] }
    expect(atD(message({ destinationList: [packed] }), { opaqueIds })).toMatchObject({
      detail: 'staleOpaqueId',
    })
  })
})

it('what a refused request says is enough to answer it', () => {
  const decision = atD(message({ ttl: 0, viaList: [node('A'), node('B')] }))
  if (decision.kind !== 'error') throw new Error('expected an error')
  expect(letters(decision.view.viaList())).toBe('AB')
  const header = decodeForwardingHeader(message({ ttl: 0 }))
  expect(header.ok && header.value.transactionId).toBe(decision.view.transactionId)
})
