import { describe, expect, it } from 'vitest'
import { FlowPool } from '../../../src/adapter/flow-pool.ts'
import { Locator } from '../../../src/adapter/locate.ts'
import { Publisher } from '../../../src/adapter/publish.ts'
import { routeAddress } from '../../../src/adapter/overlay-address.ts'
import type { AdapterParts } from '../../../src/adapter/parts.ts'
import {
  encodeContactPreferences,
  encodeSipRegistration,
  ERROR_CODE,
  KIND,
  type Credential,
  type Destination,
  type FetchResult,
  type KindId,
  type VerifiedValue,
} from '../../../src/reload/index.ts'
import {
  adapterParts,
  ALICE,
  at,
  BOB,
  drained,
  dictionaryEntry,
  fetches,
  nodeCredential,
  nodeId,
  OVERLAY,
  SELF,
  userCredential,
  locateQuestion,
} from './fixture.ts'

const CAROL = 'carol@dht.example.com'
const HERE: readonly Destination[] = [{ kind: 'node', nodeId: SELF }]
const THERE: readonly Destination[] = [{ kind: 'node', nodeId: nodeId(0x0b) }]
const AFAR: readonly Destination[] = [{ kind: 'node', nodeId: nodeId(0x0c) }]

function entry(
  signer: Credential,
  value: Uint8Array,
  over: { exists?: boolean; key?: Uint8Array } = {},
): VerifiedValue {
  return dictionaryEntry(signer, value, 600, over)
}

function route(
  destinations: readonly Destination[],
  contactPrefs: Uint8Array = new Uint8Array(0),
): Uint8Array {
  return encodeSipRegistration({ kind: 'route', contactPrefs, destinations })
}

function uri(text: string): Uint8Array {
  return encodeSipRegistration({ kind: 'uri', uri: text })
}

function result(
  registrations: readonly VerifiedValue[],
  certificates: readonly VerifiedValue[] = [],
): FetchResult {
  const kinds = new Map<KindId, { generation: bigint; values: readonly VerifiedValue[] }>([
    [KIND.sipRegistration, { generation: 1n, values: registrations }],
    [KIND.certificateByUser, { generation: 1n, values: certificates }],
  ])
  return { responsible: nodeId(0x0d), kinds, rejected: 0 }
}

function setUp(): { parts: AdapterParts; locator: Locator } {
  const parts = adapterParts({}, [ALICE])
  const publisher = new Publisher(parts, nodeCredential())
  publisher.setHosted(at(0), [ALICE], new Map([[ALICE, userCredential(ALICE, 0xa1)]]))
  parts.outbox.drain()
  return { parts, locator: new Locator(parts, publisher, new FlowPool(parts)) }
}

/** Asks for Bob and answers each Fetch from a table of AOR to result. */
function located(overlay: ReadonlyMap<string, FetchResult>): unknown {
  const { parts, locator } = setUp()
  locator.locate(at(0), locateQuestion(1, BOB, 10_000))
  const byResource = new Map([...overlay].map(([aor, value]) => [String(parts.resourceOfAor(aor)), value]))
  for (let turn = 0; turn < 50; turn++) {
    const { commands, sip } = drained(parts)
    const answer = sip.find((input) => input.kind === 'located')
    if (answer?.kind === 'located') return answer.outcome
    for (const fetch of fetches(commands)) {
      locator.fetchDone(at(1), fetch.id, {
        ok: true,
        value: byResource.get(String(fetch.resource)) ?? result([]),
      })
    }
  }
  return undefined
}

const BOB_B = userCredential(BOB, 0xb0)
const BOB_C = userCredential(BOB, 0xb1)

describe('AOR to targets', () => {
  it('R7904-4.2-01 R7904-4.2-02 R7904-4.1-02 A7904-4.2-01 R6940-7.4.2.1-06 fetches both Kinds at H(AOR) with one request and no keys', () => {
    const { parts, locator } = setUp()
    locator.locate(at(0), locateQuestion(1, BOB, 10_000))
    const [fetch] = fetches(drained(parts).commands)
    expect(Buffer.from(fetch!.resource).toString('hex')).toBe('6c1cfd6d5d9e35557d66a1b05f9e2247')
    expect(fetch?.kinds).toEqual([KIND.sipRegistration, KIND.certificateByUser])
    expect(fetch?.timeoutMs).toBe(10_000)
  })

  it('M-27 a forwarding entry is an answer and not followed when the asker wants to name it', () => {
    const { parts, locator } = setUp()
    locator.locate(at(0), { ...locateQuestion(1, BOB, 10_000), follow: false })
    const [fetch] = fetches(drained(parts).commands)
    locator.fetchDone(at(1), fetch!.id, { ok: true, value: result([entry(BOB_B, uri(CAROL))]) })
    const { commands, sip } = drained(parts)
    expect(commands).toEqual([])
    expect(sip.map((input) => (input.kind === 'located' ? input.outcome : undefined))).toEqual([
      { kind: 'found', userExists: true, loop: false, targets: [{ kind: 'uri', uri: `sip:${CAROL}` }] },
    ])
  })

  it('M-20 a node that stands for the user and for one to whom he forwards is a target for each', () => {
    const carol = userCredential(CAROL, 0xc0)
    const outcome = located(
      new Map([
        [BOB, result([entry(BOB_B, route(THERE)), entry(BOB_C, uri(CAROL))])],
        [CAROL, result([entry(carol, route(THERE))])],
      ]),
    ) as { targets: { kind: string; aor: string | undefined }[] }
    expect(outcome.targets.map(({ kind, aor }) => `${kind} ${aor ?? ''}`)).toEqual(['peer ', `peer ${CAROL}`])
  })

  it('a route becomes a peer target, and several entries several targets', () => {
    expect(
      located(new Map([[BOB, result([entry(BOB_B, route(THERE)), entry(BOB_C, route(AFAR))])]])),
    ).toEqual({
      kind: 'found',
      userExists: true,
      loop: false,
      targets: [
        {
          kind: 'peer',
          address: routeAddress(THERE),
          aor: undefined,
          secureOnly: false,
          storedAt: 1_700_000_000_000,
          node: '0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b',
        },
        {
          kind: 'peer',
          address: routeAddress(AFAR),
          aor: undefined,
          secureOnly: false,
          storedAt: 1_700_000_000_000,
          node: '0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c',
        },
      ],
    })
  })

  it('R7904-1-02 the domain of the AOR plays no part in where its entry leads', () => {
    const { parts, locator } = setUp()
    const targets = [BOB, 'bob@another.example'].map((aor, index) => {
      locator.locate(at(0), locateQuestion(index, aor, 10_000))
      const [fetch] = fetches(drained(parts).commands)
      const registered = result([entry(userCredential(aor, 0xb0 + index), route(THERE))])
      locator.fetchDone(at(1), fetch!.id, { ok: true, value: registered })
      const [answer] = drained(parts).sip
      return answer?.kind === 'located' && answer.outcome.kind === 'found' ? answer.outcome.targets : []
    })
    expect(targets[0]).toEqual([
      {
        kind: 'peer',
        address: routeAddress(THERE),
        aor: undefined,
        secureOnly: false,
        storedAt: 1_700_000_000_000,
        node: '0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b',
      },
    ])
    expect(targets[1]).toEqual(targets[0])
  })

  it('R7904-4.2-04 two entries that lead to one node are one target', () => {
    const outcome = located(
      new Map([[BOB, result([entry(BOB_B, route(THERE)), entry(BOB_C, route([...AFAR, ...THERE]))])]]),
    )
    expect(outcome).toMatchObject({ targets: [{ address: routeAddress(THERE) }] })
  })

  it('an entry that leads to this adapter is skipped: its bindings are known', () => {
    expect(located(new Map([[BOB, result([entry(BOB_B, route(HERE))])]]))).toMatchObject({
      targets: [],
      userExists: true,
    })
  })

  it('S-63 an entry signed by somebody else, or under a foreign key, is not believed', () => {
    const mallory = userCredential('mallory@dht.example.com', 0xee)
    const outcome = located(
      new Map([
        [BOB, result([entry(mallory, route(AFAR)), entry(BOB_B, route(THERE), { key: nodeId(0xcc) })])],
      ]),
    )
    expect(outcome).toMatchObject({ targets: [], userExists: false })
  })

  it('a removed entry is no target but shows that the user exists', () => {
    const outcome = located(new Map([[BOB, result([entry(BOB_B, new Uint8Array(0), { exists: false })])]]))
    expect(outcome).toMatchObject({ targets: [], userExists: true })
  })

  it('R7904-3.2-06 SIPS only in contact_prefs makes a secure target', () => {
    const prefs = encodeContactPreferences(
      new Map([['sip.schemes', [{ filter: { kind: 'token', value: 'SIPS' }, negated: false }]]]),
    )
    expect(located(new Map([[BOB, result([entry(BOB_B, route(THERE, prefs))])]]))).toMatchObject({
      targets: [{ secureOnly: true }],
    })
  })

  it('R7904-4.2-03 R7904-3.1-04 R7904-3.2-04 forwarding to an AOR is followed and replaces the Request-URI', () => {
    const outcome = located(
      new Map([
        [BOB, result([entry(BOB_B, uri(CAROL))])],
        [CAROL, result([entry(userCredential(CAROL, 0xc1), route(THERE))])],
      ]),
    )
    expect(outcome).toMatchObject({
      targets: [{ kind: 'peer', address: routeAddress(THERE), aor: CAROL }],
      loop: false,
    })
  })

  it('forwarding to a user who is hosted here becomes a local target', () => {
    expect(located(new Map([[BOB, result([entry(BOB_B, uri(ALICE))])]]))).toMatchObject({
      targets: [{ kind: 'local', aor: ALICE }],
    })
  })

  it('E21 bob to carol to bob is cut and said', () => {
    const outcome = located(
      new Map([
        [BOB, result([entry(BOB_B, uri(CAROL))])],
        [CAROL, result([entry(userCredential(CAROL, 0xc1), uri(BOB))])],
      ]),
    )
    expect(outcome).toMatchObject({ targets: [], loop: true })
  })

  it('a long chain of forwardings ends at the depth limit', () => {
    const chain = new Map<string, FetchResult>()
    const names = Array.from({ length: 12 }, (_, i) => `hop${i}@${OVERLAY}`)
    chain.set(BOB, result([entry(BOB_B, uri(names[0]!))]))
    names.forEach((name, i) =>
      chain.set(name, result([entry(userCredential(name, 0x20 + i), uri(names[i + 1] ?? ALICE))])),
    )
    expect(located(chain)).toMatchObject({ kind: 'found', targets: [] })
  })

  it('a foreign URI is handed on as it is', () => {
    expect(located(new Map([[BOB, result([entry(BOB_B, uri('sip:bob@example.net'))])]]))).toMatchObject({
      targets: [{ kind: 'uri', uri: 'sip:bob@example.net' }],
    })
  })

  it('M-21 a certificate under the name shows that an unregistered user exists', () => {
    expect(located(new Map([[BOB, result([], [entry(BOB_B, BOB_B.certificate.der)])]]))).toMatchObject({
      userExists: true,
    })
    expect(located(new Map())).toMatchObject({ userExists: false, targets: [] })
  })

  it('M-21 S-63 nothing that another user has signed shows it, nor a certificate that was taken away', () => {
    const others = userCredential(CAROL, 0xc0)
    const gone = { exists: false }
    for (const values of [
      result([], [entry(others, others.certificate.der)]),
      result([], [entry(BOB_B, new Uint8Array(0), gone)]),
      result([entry(others, new Uint8Array(0), gone)]),
      result([entry(others, route(THERE))]),
    ])
      expect(located(new Map([[BOB, values]]))).toMatchObject({ userExists: false, targets: [] })
    // His own registration that has ended does.
    expect(located(new Map([[BOB, result([entry(BOB_B, new Uint8Array(0), gone)])]]))).toMatchObject({
      userExists: true,
      targets: [],
    })
  })

  it.each([
    [{ kind: 'timeout' } as const, { kind: 'failed', status: 504 }],
    [{ kind: 'notJoined' } as const, { kind: 'failed', status: 503, retryAfterS: 30 }],
    [
      { kind: 'reload', code: ERROR_CODE.notFound, info: '' } as const,
      { kind: 'found', targets: [], userExists: false },
    ],
    [{ kind: 'reload', code: ERROR_CODE.forbidden, info: '' } as const, { kind: 'failed', status: 500 }],
    [{ kind: 'reload', code: ERROR_CODE.unknownKind, info: '' } as const, { kind: 'failed', status: 503 }],
  ])('E55 Fetch failure %j is %j', (error, outcome) => {
    const { parts, locator } = setUp()
    locator.locate(at(0), locateQuestion(1, BOB, 10_000))
    const [fetch] = fetches(drained(parts).commands)
    locator.fetchDone(at(1), fetch!.id, { ok: false, error })
    expect(drained(parts).sip[0]).toMatchObject({ kind: 'located', id: 1, outcome })
  })
})
