/** A peer that stands in for users whose phones speak SIP only (RFC 6940 app. B.2): their credentials, and what it keeps of them. */
import { describe, expect, it } from 'vitest'
import { AdapterCore } from '../../../src/adapter/adapter-core.ts'
import type { AdapterParts } from '../../../src/adapter/parts.ts'
import { Publisher } from '../../../src/adapter/publish.ts'
import {
  ERROR_CODE,
  key,
  KIND,
  makeStandInCredential,
  makeStandInRoot,
  resourceIdOf,
  type Credential,
  type FetchResult,
} from '../../../src/reload/index.ts'
import { utf8 } from '../../../src/common/bytes.ts'
import {
  adapterParts,
  ALICE,
  at,
  binding,
  BOB,
  crypto,
  drained,
  fetches,
  nodeCredential,
  nodeId,
  OVERLAY,
  SELF,
  stores,
  userCredential,
  publication,
  stored,
} from './fixture.ts'

const HOUR = 3_600_000
const NOTHING: FetchResult = { responsible: nodeId(0x0d), kinds: new Map(), rejected: 0 }

/** The same name and Node-ID, valid until then. */
function until(notAfter: number): Credential {
  return makeStandInCredential(nodeId(0xa1), ALICE, OVERLAY, { issuer: makeStandInRoot(OVERLAY), notAfter })
}

/** Answers every Fetch with nothing and returns the Stores that follow. */
function storesAfterFetches(
  parts: AdapterParts,
  adapter: AdapterCore,
  ms: number,
): ReturnType<typeof stores> {
  const made: ReturnType<typeof stores>[number][] = []
  for (let turn = 0; turn < 20; turn++) {
    const { commands } = drained(parts)
    if (commands.length === 0) return made
    made.push(...stores(commands))
    for (const { id } of fetches(commands))
      adapter.event(at(ms), { kind: 'fetchDone', id, outcome: { ok: true, value: NOTHING } })
    const value = { responsible: nodeId(0x0d), storageTime: 1n, replicas: [], hops: 1 }
    for (const { id } of stores(commands))
      adapter.event(at(ms), { kind: 'storeDone', id, outcome: { ok: true, value } })
  }
  return made
}

describe('the certificates of hosted users', () => {
  it('R6940-8-04 are stored under both Kinds of the Certificate Store, at H(user name) and at H(Node-ID), signed by the user', () => {
    const parts = adapterParts()
    const adapter = new AdapterCore(parts, makeStandInCredential(SELF, `node@${OVERLAY}`, OVERLAY))
    const alice = userCredential(ALICE, 0xa1)
    adapter.setHosted(at(0), [ALICE], new Map([[ALICE, alice]]))
    const made = storesAfterFetches(parts, adapter, 10).filter(
      ({ values }) => values[0]?.kind !== KIND.sipRegistration,
    )
    const places = made.map(({ resource, values }) => [key(resource), values[0]!.kind])
    expect(places).toEqual([
      [key(resourceIdOf(crypto, utf8(ALICE))), KIND.certificateByUser],
      [key(resourceIdOf(crypto, alice.nodeId)), KIND.certificateByNode],
    ])
    for (const { values, credential } of made) {
      expect(values[0]?.value).toEqual(alice.certificate.der)
      expect(credential).toBe(alice)
    }
  })

  it('M-21 those of who is taken away are left to run out, and looking at the accounts again stores nothing once more', () => {
    const parts = adapterParts()
    const adapter = new AdapterCore(parts, makeStandInCredential(SELF, `node@${OVERLAY}`, OVERLAY))
    const known = new Map([
      [ALICE, userCredential(ALICE, 0xa1)],
      [BOB, userCredential(BOB, 0xb0)],
    ])
    const stored = (ms: number): unknown[] =>
      storesAfterFetches(parts, adapter, ms)
        .filter(({ values }) => values[0]?.kind === KIND.certificateByUser)
        .map(({ credential }) => credential?.certificate.userName)
    // Bob is in the folder of an earlier life, and has no account any more.
    adapter.setHosted(at(0), [ALICE], known)
    expect(stored(10)).toEqual([ALICE])
    for (let reload = 1; reload < 5; reload++) {
      adapter.setHosted(at(reload * 100), [ALICE], known)
      expect(stored(reload * 100 + 10)).toEqual([])
    }
    adapter.setHosted(at(1_000), [ALICE, BOB], known)
    expect(stored(1_010)).toEqual([BOB])
    adapter.setHosted(at(2_000), [ALICE], known)
    expect(stored(2_010)).toEqual([])
    adapter.timeout(at(30 * HOUR))
    expect(stored(30 * HOUR)).toEqual([ALICE])
    adapter.setHosted(at(31 * HOUR), [ALICE, BOB], known)
    expect(stored(31 * HOUR + 10)).toEqual([BOB])
  })

  it('M-05 who comes back after the certificate has ended gets another', () => {
    const parts = adapterParts()
    const adapter = new AdapterCore(parts, makeStandInCredential(SELF, `node@${OVERLAY}`, OVERLAY))
    adapter.setHosted(at(2 * HOUR), [ALICE], new Map([[ALICE, until(at(HOUR).wall)]]))
    const asked = drained(parts).all.filter(({ to }) => to === 'shell')
    expect(asked).toMatchObject([{ action: { kind: 'enroll', aor: ALICE } }])
  })

  it('R6940-13.3-02 nothing is stored for longer than the certificate lives; the next one is published, and signs what is stored then', () => {
    const parts = adapterParts()
    const adapter = new AdapterCore(parts, makeStandInCredential(SELF, `node@${OVERLAY}`, OVERLAY))
    const old = until(at(HOUR).wall)
    adapter.setHosted(at(0), [ALICE], new Map([[ALICE, old]]))
    adapter.publisher.register(at(0), publication(1, ALICE, [binding('sip:alice@10.0.0.5', 10 * HOUR)]))
    for (const { values, credential } of storesAfterFetches(parts, adapter, 10)) {
      expect(values[0]?.lifetimeS).toBeLessThanOrEqual(3_600)
      expect(credential).toBe(old)
    }
    // Two thirds through its life it has been renewed.
    const next = until(at(30 * HOUR).wall)
    adapter.enrolled(at((HOUR * 2) / 3), ALICE, { ok: true, credential: next })
    const published = storesAfterFetches(parts, adapter, (HOUR * 2) / 3 + 10)
    expect(published.map(({ values }) => values[0]?.kind).sort()).toEqual(
      [KIND.certificateByNode, KIND.certificateByUser].sort(),
    )
    for (const { values, credential } of published) {
      expect(values[0]?.value).toEqual(next.certificate.der)
      expect(credential).toBe(next)
    }
    const renewed: ReturnType<typeof stores>[number][] = []
    while (parts.deadlines.next() < HOUR) {
      const ms = parts.deadlines.next()
      adapter.timeout(at(ms))
      renewed.push(...storesAfterFetches(parts, adapter, ms))
    }
    const entry = renewed.find(({ values }) => values[0]?.kind === KIND.sipRegistration)
    expect(entry?.credential).toBe(next)
    expect(entry?.values[0]?.lifetimeS).toBeGreaterThan(3_600)
  })
})

describe('a certificate that is not renewed', () => {
  it('ends without a storm of Stores for what cannot live longer', () => {
    const parts = adapterParts()
    const adapter = new AdapterCore(parts, makeStandInCredential(SELF, `node@${OVERLAY}`, OVERLAY))
    adapter.setHosted(at(0), [ALICE], new Map([[ALICE, until(at(HOUR).wall)]]))
    adapter.publisher.register(at(0), publication(1, ALICE, [binding('sip:alice@10.0.0.5', 10 * HOUR)]))
    const made = storesAfterFetches(parts, adapter, 10)
    for (let ms = parts.deadlines.next(); ms < HOUR; ms = parts.deadlines.next()) {
      adapter.timeout(at(ms))
      made.push(...storesAfterFetches(parts, adapter, ms))
      if (made.length > 100) break
    }
    expect(made.length).toBeLessThan(30)
  })
})

describe('a Store that the overlay could not finish', () => {
  it('R6940-6.3.3.1-04 Error_Request_Timeout is no end: it is sent again later', () => {
    const parts = adapterParts()
    const publisher = new Publisher(parts, nodeCredential())
    publisher.setHosted(at(0), [ALICE], new Map([[ALICE, userCredential(ALICE, 0xa1)]]))
    parts.outbox.drain()
    publisher.restored(ALICE, [binding('sip:alice@10.0.0.5', HOUR)])
    publisher.resume(at(0))
    const [fetch] = fetches(drained(parts).commands)
    publisher.fetchDone(at(1), fetch!.id, { ok: false, error: { kind: 'timeout' } })
    const [first] = stores(drained(parts).commands)
    const error = { kind: 'reload', code: ERROR_CODE.requestTimeout, info: '' } as const
    publisher.storeDone(at(10), stored(first!.id, error))
    expect(stores(drained(parts).commands)).toEqual([])
    const due = parts.deadlines.next()
    expect(due).toBeGreaterThan(1_000)
    expect(parts.deadlines.pop(due)).toEqual({ part: 'publish', aor: ALICE, what: 'retry' })
    publisher.timeout(at(due), ALICE, 'retry')
    const [again] = stores(drained(parts).commands)
    const { key: under, value, exists } = first!.values[0]!
    expect(again?.values).toMatchObject([{ key: under, value, exists }])
  })
})
