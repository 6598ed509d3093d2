import { describe, expect, it } from 'vitest'
import { AdapterCore } from '../../../src/adapter/adapter-core.ts'
import type { AdapterParts } from '../../../src/adapter/parts.ts'
import { KIND, type Credential, type PeerEvent, type VerifiedValue } from '../../../src/reload/index.ts'
import type { TraceEvent } from '../../../src/common/trace.ts'
import { adapterParts, at, drained, fetches, nodeId, SELF, stores, userCredential } from './fixture.ts'

const INTERVAL_MS = 10_000
const LOST = { ok: false, error: { kind: 'timeout' } } as const
const STORED = {
  ok: true,
  value: { responsible: nodeId(0x0b), storageTime: 1n, replicas: [], hops: 1 },
} as const

interface Setting {
  readonly parts: AdapterParts
  readonly core: AdapterCore
  readonly credential: Credential
  readonly events: TraceEvent[]
}

function setUp(): Setting {
  const events: TraceEvent[] = []
  const parts = adapterParts({ selfTestIntervalMs: INTERVAL_MS }, [], (event) => events.push(event))
  const credential = { ...userCredential('peer@dht.example.com', 0x0a), nodeId: SELF }
  const core = new AdapterCore(parts, credential)
  core.start(at(0))
  core.timeout(at(0))
  return { parts, core, credential, events }
}

/** Answers the Fetch under way with our certificate or with nothing. */
function answerFetch({ parts, core, credential }: Setting, ms: number, found: boolean): void {
  const [fetch] = fetches(drained(parts).commands)
  if (fetch === undefined) throw new Error('nothing is fetched')
  const value: VerifiedValue = {
    expiresAt: ms + 600_000,
    signer: credential.certificate,
    signerNodeId: credential.nodeId,
    data: {
      storageTime: 1n,
      lifetime: 600,
      signature: {
        hashAlgorithm: 4,
        signatureAlgorithm: 3,
        identity: { kind: 'none' },
        value: new Uint8Array(0),
      },
      value: { model: 'array', index: 0, value: { exists: true, value: credential.certificate.der } },
    },
  }
  const kinds = new Map([[KIND.certificateByNode, { generation: 1n, values: found ? [value] : [] }]])
  const outcome = { ok: true, value: { responsible: nodeId(0x0b), kinds, rejected: 0 } } as const
  core.event(at(ms), { kind: 'fetchDone', id: fetch.id, outcome })
}

type StoreOutcome = Extract<PeerEvent, { kind: 'storeDone' }>['outcome']

/** Answers the Store under way. */
function answerStore({ parts, core }: Setting, ms: number, outcome: StoreOutcome): void {
  const [store] = stores(drained(parts).commands)
  if (store === undefined) throw new Error('nothing is stored')
  core.event(at(ms), { kind: 'storeDone', id: store.id, outcome })
}

function firstRound(setting: Setting): void {
  answerFetch(setting, 1, false)
  answerStore(setting, 2, STORED)
  answerFetch(setting, 3, true)
}

const ratio = ({ core }: Setting): number => core.snapshot(at(0)).selfTest.successRatio
const names = ({ events }: Setting): string[] => events.map(({ event }) => event)

describe('self-test through the overlay', () => {
  it('looks, stores, and finds what it stored; then a round each interval, whose failure is told once', () => {
    const setting = setUp()
    firstRound(setting)
    expect(setting.core.snapshot(at(3)).selfTest).toEqual({ lastSuccessMs: 3, successRatio: 1 })
    for (const round of [1, 2]) {
      setting.core.timeout(at(round * INTERVAL_MS))
      answerStore(setting, round * INTERVAL_MS + 1, LOST)
    }
    expect(ratio(setting)).toBeCloseTo(1 / 3)
    expect(names(setting)).toEqual(['self_test_failed'])
  })

  it('ends when the node leaves: no round begins, and the one under way gets no verdict', () => {
    const setting = setUp()
    firstRound(setting)
    setting.core.timeout(at(INTERVAL_MS))
    const [store] = stores(drained(setting.parts).commands)
    setting.core.withdraw(at(INTERVAL_MS + 1))
    setting.core.event(at(INTERVAL_MS + 2), {
      kind: 'storeDone',
      id: store!.id,
      outcome: LOST,
    })
    setting.core.setAvailable(at(INTERVAL_MS + 3), false)
    setting.core.timeout(at(2 * INTERVAL_MS))
    setting.core.setAvailable(at(2 * INTERVAL_MS + 1), true)
    setting.core.timeout(at(20 * INTERVAL_MS))
    expect(drained(setting.parts).commands).toEqual([])
    expect(ratio(setting)).toBe(1)
    expect(names(setting)).toEqual([])
  })
})
