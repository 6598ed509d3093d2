import { describe, expect, it } from 'vitest'
import { Publisher } from '../../../src/adapter/publish.ts'
import { renewalMarginMs } from '../../../src/adapter/lifetime.ts'
import { NO_TRACE, type TraceEvent } from '../../../src/common/trace.ts'
import { SiblingMarks } from '../../../src/sip/index.ts'
import type { AdapterParts } from '../../../src/adapter/parts.ts'
import { plainEntry } from '../../../src/adapter/desired-entry.ts'
import {
  decodeSipRegistration,
  ERROR_CODE,
  KIND,
  makeStandInCredential,
  type CommandError,
  type Credential,
  type FetchResult,
} from '../../../src/reload/index.ts'
import {
  adapterParts,
  ALICE,
  at,
  binding,
  BOB,
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
const CREDENTIAL = userCredential(ALICE, 0xa1)

function hosted(parts: AdapterParts): Publisher {
  const publisher = new Publisher(parts, nodeCredential())
  publisher.setHosted(at(0), [ALICE, BOB], new Map([[ALICE, CREDENTIAL]]))
  parts.outbox.drain()
  return publisher
}

function reload(code: number): CommandError {
  return { kind: 'reload', code, info: '' }
}

/** Registers one phone and lets the Store succeed. */
function registered(parts: AdapterParts): Publisher {
  const publisher = hosted(parts)
  publisher.register(at(0), publication(1, ALICE, [binding('sip:alice@10.0.0.5', HOUR)]))
  const [store] = stores(drained(parts).commands)
  publisher.storeDone(at(10), stored(store!.id))
  parts.outbox.drain()
  return publisher
}

describe('REGISTER becomes Store', () => {
  it('R6940-7.3.3-02 R6940-7.3.3-03 A6940-7.3-01 M-05 M-06 A7904-3.2-01 R7904-3.2-09 stores [A] under the key of the user certificate, signed by the user', () => {
    const parts = adapterParts()
    const publisher = hosted(parts)
    publisher.register(at(0), publication(7, ALICE, [binding('sip:alice@10.0.0.5', HOUR)]))
    const { commands, sip } = drained(parts)
    expect(sip).toEqual([])
    const [store] = stores(commands)
    expect(store?.credential).toBe(CREDENTIAL)
    const value = store?.values[0]
    expect(value?.key).toEqual(CREDENTIAL.nodeId)
    const decoded = decodeSipRegistration(value!.value)
    expect(decoded.ok && decoded.value.kind === 'route' && decoded.value.destinations).toEqual([
      { kind: 'node', nodeId: SELF },
    ])
    publisher.storeDone(at(10), stored(store!.id))
    expect(drained(parts).sip).toEqual([{ kind: 'published', id: 7, outcome: { ok: true } }])
  })

  it('M-14 lifetime is the longest binding plus a minute, clamped', () => {
    const parts = adapterParts()
    const publisher = hosted(parts)
    publisher.register(
      at(0),
      publication(1, ALICE, [binding('sip:a@10.0.0.5', 60_000), binding('sip:a@10.0.0.6', HOUR)]),
    )
    expect(stores(drained(parts).commands)[0]?.values[0]?.lifetimeS).toBe(3660)
  })

  it('M-12 a second phone of the same user costs no Store: one entry stands for both', () => {
    const parts = adapterParts()
    const publisher = registered(parts)
    publisher.register(
      at(1000),
      publication(2, ALICE, [binding('sip:alice@10.0.0.5', HOUR), binding('sip:alice@10.0.0.6', HOUR)]),
    )
    const { commands, sip } = drained(parts)
    expect(commands).toEqual([])
    expect(sip).toEqual([{ kind: 'published', id: 2, outcome: { ok: true } }])
  })

  it('M-14 a refresh is answered at once and extends the entry in the background when its life runs short', () => {
    const parts = adapterParts()
    const publisher = registered(parts)
    const late = 3_660_000 - 300_000
    publisher.register(at(late), publication(2, ALICE, [binding('sip:alice@10.0.0.5', late + HOUR)]))
    const all = drained(parts)
    expect(all.sip).toEqual([{ kind: 'published', id: 2, outcome: { ok: true } }])
    expect(stores(all.commands)[0]?.values[0]?.exists).toBe(true)
  })

  it('M-14 after three failures in a row a refresh waits for the overlay, until one has succeeded', () => {
    const events: TraceEvent[] = []
    const parts = adapterParts({}, [ALICE, BOB], (event) => events.push(event))
    const publisher = registered(parts)
    const late = 3_660_000 - 300_000
    let id = 1
    /** A refresh, and how the Store ends that comes of it: what the phone is told before and after. */
    const refresh = (error?: CommandError): [string | undefined, string | undefined] => {
      const now = at(late + 100 * ++id)
      publisher.register(now, publication(id, ALICE, [binding('sip:alice@10.0.0.5', now.ms + HOUR)]))
      const before = drained(parts)
      const [store] = stores(before.commands)
      if (store !== undefined) publisher.storeDone(now, stored(store.id, error))
      const told = [before.sip, drained(parts).sip].map(([input]) =>
        input?.kind !== 'published' ? undefined : input.outcome.ok ? 'ok' : String(input.outcome.status),
      )
      return [told[0], told[1]]
    }
    const broken = reload(ERROR_CODE.invalidMessage)
    expect([refresh(broken), refresh(broken)]).toEqual([
      ['ok', undefined],
      ['ok', undefined],
    ])
    expect(events.map(({ level }) => level)).toEqual(['warn', 'warn'])
    expect(refresh(broken)).toEqual(['ok', undefined])
    expect(events.map(({ level }) => level)).toEqual(['warn', 'warn', 'error'])
    expect(refresh(broken)).toEqual([undefined, '500'])
    expect(refresh()).toEqual([undefined, 'ok'])
    expect(refresh()).toEqual(['ok', undefined])
  })

  it('M-14 without any REGISTER the entry is renewed in time while the binding outlives it', () => {
    const parts = adapterParts()
    const publisher = hosted(parts)
    publisher.register(at(0), publication(1, ALICE, [binding('sip:alice@10.0.0.5', 10 * HOUR)]))
    const [store] = stores(drained(parts).commands)
    publisher.storeDone(at(10), stored(store!.id))
    parts.outbox.drain()
    const due = parts.deadlines.next()
    expect(due).toBeGreaterThan(0.9 * 5_400_000 * 0.9)
    const timer = parts.deadlines.pop(due)
    expect(timer).toEqual({ part: 'publish', aor: ALICE, what: 'renew' })
  })

  it('M-14 at the very time of renewal there is a wait, which has an end', () => {
    const parts = adapterParts()
    const publisher = hosted(parts)
    publisher.register(at(0), publication(1, ALICE, [binding('sip:alice@10.0.0.5', 10 * HOUR)]))
    const [first] = stores(drained(parts).commands)
    publisher.storeDone(at(0), stored(first!.id))
    const { lifetimeS } = first!.values[0]!
    const exactly = 1000 * lifetimeS - renewalMarginMs(lifetimeS)
    parts.deadlines.pop(Number.POSITIVE_INFINITY)
    publisher.timeout(at(exactly), ALICE, 'renew')
    expect(stores(drained(parts).commands)).toEqual([])
    const due = parts.deadlines.next()
    expect(due).toBeGreaterThanOrEqual(exactly + 1_000)
    parts.deadlines.pop(due)
    publisher.timeout(at(due), ALICE, 'renew')
    expect(stores(drained(parts).commands)).toHaveLength(1)
  })

  it('R6940-7.4.1.3-01 R6940-7.4.1.3-02 A6940-7.4.1.3-01 A6940-7.4.1.3-02 the last removal stores exists=false that outlives the value', () => {
    const parts = adapterParts()
    const publisher = registered(parts)
    publisher.register(at(1000), publication(2, ALICE, []))
    const [store] = stores(drained(parts).commands)
    expect(store?.values[0]?.exists).toBe(false)
    expect(store?.values[0]?.lifetimeS).toBeGreaterThanOrEqual(3659)
    publisher.storeDone(at(1100), stored(store!.id))
    expect(drained(parts).sip).toEqual([{ kind: 'published', id: 2, outcome: { ok: true } }])
  })

  it('bindings that end by themselves remove the entry without any SIP message', () => {
    const parts = adapterParts()
    const publisher = registered(parts)
    publisher.bindingsEnded(at(1000), ALICE, [])
    expect(stores(drained(parts).commands)[0]?.values[0]?.exists).toBe(false)
  })

  it('M-08 after 10 s the REGISTER gets 503 while the Store goes on, and a late success is undone', () => {
    const parts = adapterParts()
    const publisher = hosted(parts)
    publisher.register(at(0), publication(1, ALICE, [binding('sip:alice@10.0.0.5', HOUR)]))
    const [store] = stores(drained(parts).commands)
    expect(parts.deadlines.next()).toBe(10_000)
    publisher.timeout(at(10_000), ALICE, 'budget')
    const [answer] = drained(parts).sip
    expect(answer).toMatchObject({ kind: 'published', id: 1, outcome: { ok: false, status: 503 } })
    publisher.storeDone(at(12_000), stored(store!.id))
    expect(stores(drained(parts).commands)[0]?.values[0]?.exists).toBe(false)
  })

  it('M-29 an unregister succeeds even if the overlay cannot be told, and the removal is tried again', () => {
    const parts = adapterParts()
    const publisher = registered(parts)
    publisher.register(at(1000), publication(2, ALICE, []))
    const [store] = stores(drained(parts).commands)
    publisher.storeDone(at(1100), stored(store!.id, { kind: 'timeout' }))
    expect(drained(parts).sip).toEqual([{ kind: 'published', id: 2, outcome: { ok: true } }])
    publisher.timeout(at(20_000), ALICE, 'retry')
    expect(stores(drained(parts).commands)[0]?.values[0]?.exists).toBe(false)
  })

  it('M-28 E55 overlay trouble is 503 with Retry-After and nothing is committed', () => {
    const parts = adapterParts()
    const publisher = hosted(parts)
    publisher.register(at(0), publication(1, ALICE, [binding('sip:alice@10.0.0.5', HOUR)]))
    const [store] = stores(drained(parts).commands)
    publisher.storeDone(at(5000), stored(store!.id, { kind: 'timeout' }))
    const [answer] = drained(parts).sip
    expect(answer).toMatchObject({ outcome: { ok: false, status: 503 } })
    expect(
      answer?.kind === 'published' && !answer.outcome.ok && answer.outcome.retryAfterS,
    ).toBeGreaterThanOrEqual(10)
    expect(publisher.user(ALICE)?.committed).toEqual([])
  })

  it('R-06 the log of a refused Store names the peer that refused it: "this peer cannot write to its disk" is one of the others', () => {
    const events: TraceEvent[] = []
    const parts = adapterParts({}, [ALICE], (event) => events.push(event))
    const publisher = hosted(parts)
    const reason = { kind: 'reload', code: ERROR_CODE.requestTimeout, info: 'its disk' } as const
    for (const error of [{ ...reason, from: nodeId(0xb0) }, reason]) {
      publisher.register(at(0), publication(1, ALICE, [binding('sip:alice@10.0.0.5', HOUR)]))
      const [store] = stores(drained(parts).commands)
      publisher.storeDone(at(10), stored(store!.id, error))
    }
    const failed = events.filter(({ event }) => event === 'registration_store_failed')
    expect(failed.map(({ reason, from }) => ({ reason, from }))).toEqual([
      { reason: 'reload error 4 its disk', from: 'b0'.repeat(16) },
      { reason: 'reload error 4 its disk', from: undefined },
    ])
  })

  it('Not_Found is tried once more after a second, then refused', () => {
    const parts = adapterParts()
    const publisher = hosted(parts)
    publisher.register(at(0), publication(1, ALICE, [binding('sip:alice@10.0.0.5', HOUR)]))
    const [first] = stores(drained(parts).commands)
    publisher.storeDone(at(10), stored(first!.id, reload(ERROR_CODE.notFound)))
    expect(drained(parts).all).toEqual([])
    publisher.timeout(at(1010), ALICE, 'retry')
    const [second] = stores(drained(parts).commands)
    publisher.storeDone(at(1020), stored(second!.id, reload(ERROR_CODE.notFound)))
    expect(drained(parts).sip[0]).toMatchObject({ outcome: { ok: false, status: 503, retryAfterS: 10 } })
  })

  it('Data_Too_Large is tried again without contact_prefs', () => {
    const parts = adapterParts()
    const publisher = hosted(parts)
    publisher.register(
      at(0),
      publication(1, ALICE, [binding('sip:a@10.0.0.5', HOUR, { parameters: new Map([['audio', '']]) })]),
    )
    const [first] = stores(drained(parts).commands)
    publisher.storeDone(at(10), stored(first!.id, reload(ERROR_CODE.dataTooLarge)))
    const [second] = stores(drained(parts).commands)
    expect(second!.values[0]!.value.length).toBeLessThan(first!.values[0]!.value.length)
  })

  describe('M-12 M-31 when only marks of phones differ', () => {
    const FIRST = binding('sip:alice@10.0.0.5', HOUR)
    const SECOND = binding('sip:alice@10.0.0.6', HOUR)

    function waiting(): { parts: AdapterParts; publisher: Publisher; store: number } {
      const parts = adapterParts({}, [ALICE, BOB], NO_TRACE, new SiblingMarks(new Uint8Array(32)))
      const publisher = registered(parts)
      publisher.register(at(1_000), publication(2, ALICE, [FIRST, SECOND]))
      const { commands, sip } = drained(parts)
      expect(sip).toEqual([])
      const [store] = stores(commands)
      return { parts, publisher, store: store!.id }
    }

    it('a second phone waits for its mark: until that is there, other peers may take all that is here for rung elsewhere', () => {
      const { parts, publisher, store } = waiting()
      publisher.storeDone(at(1_100), stored(store))
      expect(drained(parts).sip).toEqual([{ kind: 'published', id: 2, outcome: { ok: true } }])
    })

    it('one of two phones that leaves waits as well: until its mark is gone, calls for it come here and not to where it went', () => {
      const { parts, publisher, store } = waiting()
      publisher.storeDone(at(1_100), stored(store))
      parts.outbox.drain()
      publisher.register(at(2_000), publication(3, ALICE, [FIRST]))
      const { commands, sip } = drained(parts)
      expect(sip).toEqual([])
      publisher.storeDone(at(2_100), stored(stores(commands)[0]!.id))
      expect(drained(parts).sip).toEqual([{ kind: 'published', id: 3, outcome: { ok: true } }])
    })

    it('a failure refuses nobody, since calls come here already, and is tried again', () => {
      const { parts, publisher, store } = waiting()
      publisher.storeDone(at(1_100), stored(store, reload(ERROR_CODE.dataTooLarge + 100)))
      expect(drained(parts).sip).toEqual([{ kind: 'published', id: 2, outcome: { ok: true } }])
      expect(publisher.user(ALICE)!.committed).toEqual([FIRST, SECOND])
      expect(parts.deadlines.next()).toBeLessThan(HOUR)
    })

    it('M-08 nor does an overlay that says nothing', () => {
      const { parts, publisher } = waiting()
      publisher.timeout(at(1_000 + parts.settings.storeBudgetMs), ALICE, 'budget')
      expect(drained(parts).sip).toEqual([{ kind: 'published', id: 2, outcome: { ok: true } }])
    })
  })

  it('E53 not joined: 503 with Retry-After 30', () => {
    const parts = adapterParts()
    const publisher = hosted(parts)
    parts.available = false
    publisher.register(at(0), publication(1, ALICE, [binding('sip:alice@10.0.0.5', HOUR)]))
    expect(drained(parts).sip[0]).toMatchObject({ outcome: { ok: false, status: 503, retryAfterS: 30 } })
  })

  it('R-06 with an expired certificate of its own a node takes no REGISTER, not even for an entry that it would keep itself', () => {
    const parts = adapterParts()
    const publisher = new Publisher(parts, nodeCredential(at(HOUR).wall))
    publisher.setHosted(at(0), [ALICE], new Map([[ALICE, CREDENTIAL]]))
    parts.outbox.drain()
    publisher.register(at(HOUR), publication(1, ALICE, [binding('sip:alice@10.0.0.5', 2 * HOUR)]))
    const { commands, sip } = drained(parts)
    expect(stores(commands)).toEqual([])
    expect(sip[0]).toMatchObject({ outcome: { ok: false, status: 503 } })
  })

  it('E26 a user who is not hosted here gets 404', () => {
    const parts = adapterParts()
    const publisher = hosted(parts)
    publisher.register(at(0), publication(1, 'carol@dht.example.com', []))
    expect(drained(parts).sip[0]).toMatchObject({ outcome: { ok: false, status: 404 } })
  })

  it('a REGISTER waits for the enrollment of its user and then stores', () => {
    const parts = adapterParts()
    const publisher = hosted(parts)
    publisher.register(at(0), publication(1, BOB, [binding('sip:bob@10.0.0.7', HOUR)]))
    const asked = drained(parts).all
    expect(asked).toEqual([{ to: 'shell', action: { kind: 'enroll', aor: BOB, urgent: true } }])
    publisher.enrolled(at(50), BOB, { ok: true, credential: userCredential(BOB, 0xb0) })
    expect(stores(drained(parts).commands)).toHaveLength(1)
  })

  it('a refused name is suspended: 403 now and later', () => {
    const parts = adapterParts()
    const publisher = hosted(parts)
    publisher.register(at(0), publication(1, BOB, [binding('sip:bob@10.0.0.7', HOUR)]))
    parts.outbox.drain()
    publisher.enrolled(at(50), BOB, { ok: false, final: true, reason: 'username_not_available' })
    publisher.register(at(100), publication(2, BOB, [binding('sip:bob@10.0.0.7', HOUR)]))
    expect(drained(parts).sip).toMatchObject([
      { id: 1, outcome: { status: 403 } },
      { id: 2, outcome: { status: 403 } },
    ])
  })

  describe('M-05 R-06 a clock that is put forward past the end of a certificate', () => {
    const ends = at(2 * HOUR).wall
    const short = makeStandInCredential(nodeId(0xa1), ALICE, OVERLAY, { notAfter: ends })
    const later = { ms: 20_000, wall: ends + 24 * HOUR }

    function registeredForHours(parts: AdapterParts): Publisher {
      const publisher = new Publisher(parts, nodeCredential())
      publisher.setHosted(at(0), [ALICE], new Map([[ALICE, short]]))
      publisher.register(at(0), publication(1, ALICE, [binding('sip:alice@10.0.0.5', HOUR)]))
      const store = stores(drained(parts).commands).at(-1)
      publisher.storeDone(at(10), stored(store!.id))
      parts.outbox.drain()
      return publisher
    }

    it('the entry is stored again with the renewed one, although it says the same', () => {
      const parts = adapterParts()
      const publisher = registeredForHours(parts)
      publisher.enrolled(later, ALICE, { ok: true, credential: CREDENTIAL })
      expect(stores(drained(parts).commands)).toMatchObject([{ credential: CREDENTIAL }])
    })

    it('in good time nothing is stored', () => {
      const parts = adapterParts()
      const publisher = registeredForHours(parts)
      publisher.enrolled(at(20_000), ALICE, { ok: true, credential: CREDENTIAL })
      expect(stores(drained(parts).commands)).toEqual([])
    })

    it('a phone that refreshes meanwhile has its certificate renewed at once, and its 200 when it can be found again', () => {
      const parts = adapterParts()
      const publisher = registeredForHours(parts)
      publisher.register(later, publication(2, ALICE, [binding('sip:alice@10.0.0.5', 2 * HOUR)]))
      expect(drained(parts).all).toEqual([
        { to: 'shell', action: { kind: 'enroll', aor: ALICE, urgent: true } },
      ])
      expect(publisher.counts(later)).toMatchObject({ aors: 1, missing: 1 })
      publisher.enrolled(later, ALICE, { ok: true, credential: CREDENTIAL })
      const { commands, sip } = drained(parts)
      expect(sip).toEqual([])
      publisher.storeDone(later, stored(stores(commands)[0]!.id))
      expect(drained(parts).sip).toEqual([{ kind: 'published', id: 2, outcome: { ok: true } }])
    })

    it('where it is not to be had the phone is told to come back, and is let go without', () => {
      const parts = adapterParts()
      const publisher = registeredForHours(parts)
      for (const [id, final] of [
        [2, false],
        [3, true],
      ] as const) {
        publisher.register(later, publication(id, ALICE, [binding('sip:alice@10.0.0.5', 2 * HOUR)]))
        publisher.enrolled(later, ALICE, { ok: false, final, reason: 'away' })
        expect(drained(parts).sip).toMatchObject([{ id, outcome: { status: 503, retryAfterS: 60 } }])
      }
      publisher.register(later, publication(4, ALICE, []))
      expect(drained(parts).sip).toEqual([{ kind: 'published', id: 4, outcome: { ok: true } }])
    })
  })

  /** What a Fetch finds at the place of a user: an entry of an earlier life under his key, or nothing. */
  function found(credential: Credential, exists: boolean | undefined, value: Uint8Array): FetchResult {
    const data = {
      storageTime: BigInt(at(0).wall),
      lifetime: 1_000,
      signature: {
        hashAlgorithm: 4,
        signatureAlgorithm: 3,
        identity: { kind: 'none' },
        value: new Uint8Array(0),
      },
      value: { model: 'dictionary', key: credential.nodeId, value: { exists: exists ?? false, value } },
    } as const
    const { certificate: signer, nodeId: signerNodeId } = credential
    const values =
      exists === undefined ? [] : [{ expiresAt: at(0).ms + 1_000_000, signer, signerNodeId, data }]
    return {
      responsible: SELF,
      kinds: new Map([[KIND.sipRegistration, { generation: 1n, values }]]),
      rejected: 0,
    }
  }

  /** Nine users with a credential of an earlier life. */
  function nine(): {
    parts: AdapterParts
    publisher: Publisher
    names: string[]
    credentials: Map<string, Credential>
  } {
    const names = Array.from({ length: 9 }, (_, i) => `user${i}@dht.example.com`)
    const parts = adapterParts({}, names)
    const credentials = new Map(names.map((name, i) => [name, userCredential(name, 0x30 + i)]))
    const publisher = new Publisher(parts, nodeCredential())
    parts.available = false
    publisher.setHosted(at(0), names, credentials)
    parts.available = true
    return { parts, publisher, names, credentials }
  }
  const plain = plainEntry(SELF)

  it('at start own entries of an earlier run are looked at, a few at a time, unless the phone came back first', () => {
    const { parts, publisher, names, credentials } = nine()
    publisher.register(at(1), publication(1, names[8]!, [binding('sip:user8@10.0.0.9', HOUR)]))
    expect(stores(drained(parts).commands).map((store) => store.values[0]!.exists)).toEqual([true])
    publisher.resume(at(2))
    const asked = fetches(drained(parts).commands)
    expect(asked.map(({ resource }) => resource)).toEqual(
      [7, 6, 5, 4, 3, 2, 1].map((i) => parts.resourceOfAor(names[i]!)),
    )
    // One is there, of one only the removal, of one nothing: the first is removed, the others are right already.
    const [standing, removed, never, silent] = asked
    const answer = (fetch: { id: number } | undefined, i: number, exists: boolean | undefined): void => {
      const value = found(credentials.get(names[i]!)!, exists, plain)
      expect(publisher.fetchDone(at(3), fetch!.id, { ok: true, value })).toBe(true)
    }
    answer(standing, 7, true)
    answer(removed, 6, false)
    answer(never, 5, undefined)
    publisher.fetchDone(at(3), silent!.id, { ok: false, error: { kind: 'timeout' } })
    const { commands } = drained(parts)
    const removals = stores(commands)
    expect(removals.map(({ resource }) => resource)).toEqual(
      [7, 4].map((i) => parts.resourceOfAor(names[i]!)),
    )
    expect(removals.map((store) => store.values[0]!.exists)).toEqual([false, false])
    expect(removals[1]!.values[0]!.lifetimeS).toBe(7200)
    // And the next in turn.
    expect(fetches(commands).map(({ resource }) => resource)).toEqual([parts.resourceOfAor(names[0]!)])
  })

  it('who is taken away and back before anybody has looked at the entry of an earlier life keeps the one that is stored then', () => {
    // Who founds an overlay: nobody has looked at anything.
    const parts = adapterParts()
    const publisher = new Publisher(parts, nodeCredential())
    const known = new Map([[ALICE, CREDENTIAL]])
    const asked = (): number[] => fetches(drained(parts).commands).map(({ id }) => id)
    publisher.setHosted(at(0), [ALICE], known)
    expect(asked()).toEqual([])
    publisher.setHosted(at(1), [], known)
    const [look] = asked()
    publisher.setHosted(at(2), [ALICE], known)
    publisher.register(at(3), publication(1, ALICE, [binding('sip:alice@10.0.0.5', HOUR)]))
    const [store, ...others] = stores(drained(parts).commands)
    expect(others).toEqual([])
    expect(store?.values[0]?.exists).toBe(true)
    publisher.storeDone(at(4), stored(store!.id))
    publisher.fetchDone(at(5), look!, { ok: true, value: found(CREDENTIAL, true, plain) })
    const { commands, sip } = drained(parts)
    expect(sip).toMatchObject([{ kind: 'published', id: 1, outcome: { ok: true } }])
    expect(commands).toEqual([])
  })

  it('what one who is taken away has in the overlay from an earlier life is withdrawn, also before anybody has looked', () => {
    const parts = adapterParts({}, [BOB])
    const publisher = new Publisher(parts, nodeCredential())
    const known = new Map([[ALICE, CREDENTIAL]])
    publisher.setHosted(at(0), [ALICE, BOB], known)
    parts.outbox.drain()
    publisher.setHosted(at(1), [BOB], known)
    const [look] = fetches(drained(parts).commands)
    publisher.fetchDone(at(2), look!.id, { ok: true, value: found(CREDENTIAL, true, plain) })
    const [removal] = stores(drained(parts).commands)
    expect(removal?.values[0]).toMatchObject({ exists: false })
    publisher.storeDone(at(3), stored(removal!.id))
    expect(publisher.user(ALICE)).toBeUndefined()
    // Nothing there: the end of it.
    publisher.setHosted(at(4), [ALICE, BOB], known)
    publisher.setHosted(at(5), [BOB], known)
    const [again] = fetches(drained(parts).commands)
    publisher.fetchDone(at(6), again!.id, { ok: true, value: found(CREDENTIAL, undefined, plain) })
    expect(publisher.user(ALICE)).toBeUndefined()
  })

  it('M-14 phones that are back from the journal: their entry is taken over as it stands, or written when it is gone', () => {
    const { parts, publisher, names, credentials } = nine()
    for (const i of [3, 4]) publisher.restored(names[i]!, [binding(`sip:user${i}@10.0.0.9`, HOUR)])
    publisher.resume(at(2))
    const asked = fetches(drained(parts).commands)
    // Those whose phones may be called go first, and nobody is asked about twice.
    expect(asked.map(({ resource }) => resource)).toEqual(
      [4, 3, 8, 7, 6, 5, 2, 1].map((i) => parts.resourceOfAor(names[i]!)),
    )
    publisher.fetchDone(at(3), asked[0]!.id, {
      ok: true,
      value: found(credentials.get(names[4]!)!, true, plain),
    })
    publisher.fetchDone(at(3), asked[1]!.id, {
      ok: true,
      value: found(credentials.get(names[3]!)!, undefined, plain),
    })
    const made = stores(drained(parts).commands)
    expect(made).toMatchObject([{ resource: parts.resourceOfAor(names[3]!), values: [{ exists: true }] }])
    // The one that was taken over is renewed when its time runs short.
    const due = parts.deadlines.next()
    expect(due).toBeGreaterThan(600_000)
    expect(due).toBeLessThan(1_000_000)
  })

  it('R-06 a removal that is refused while leaving is tried again after a pause, not at once and for ever, and holds up no other', () => {
    const parts = adapterParts()
    const publisher = registered(parts)
    publisher.enrolled(at(20), BOB, { ok: true, credential: userCredential(BOB, 0xb0) })
    publisher.register(at(30), publication(2, BOB, [binding('sip:bob@10.0.0.7', HOUR)]))
    publisher.storeDone(at(40), stored(stores(drained(parts).commands)[0]!.id))
    publisher.withdraw(at(5000))
    const [alice, bob] = stores(drained(parts).commands)
    publisher.storeDone(at(5000), stored(alice!.id, reload(ERROR_CODE.requestTimeout)))
    publisher.storeDone(at(5000), stored(bob!.id))
    expect(stores(drained(parts).commands)).toEqual([])
    expect(publisher.withdrawn()).toBe(false)
    publisher.timeout(at(11_000), ALICE, 'retry')
    const [again] = stores(drained(parts).commands)
    publisher.storeDone(at(11_000), stored(again!.id))
    expect(publisher.withdrawn()).toBe(true)
  })

  it('leaving withdraws every own entry and tells when that is done', () => {
    const parts = adapterParts()
    const publisher = registered(parts)
    publisher.withdraw(at(5000))
    expect(publisher.withdrawn()).toBe(false)
    const [store] = stores(drained(parts).commands)
    expect(store?.values[0]?.exists).toBe(false)
    publisher.storeDone(at(5100), stored(store!.id))
    expect(publisher.withdrawn()).toBe(true)
  })
})
