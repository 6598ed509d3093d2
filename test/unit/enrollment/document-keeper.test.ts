import { beforeAll, describe, expect, it } from 'vitest'
import { firstConfiguration, signedDocument } from '../../../src/app/trust/overlay-document.ts'
import { utf8 } from '../../../src/common/bytes.ts'
import { SeededRandom } from '../../../src/common/random.ts'
import type { Now } from '../../../src/common/time.ts'
import {
  DocumentKeeper,
  judgeDocument,
  keptDocument,
  refreshBeforeMs,
  type FetchOutcome,
  type KeeperAction,
  type OverlayDocument,
} from '../../../src/enrollment/index.ts'
import { createAuthority, issueCredential } from '../../../src/enrollment/io/index.ts'
import type { OverlayConfiguration } from '../../../src/reload/config/index.ts'
import { NodeCrypto, type Credential } from '../../../src/reload/security/index.ts'

const OVERLAY = 'example.org'
const WALL = 1_800_000_000_000
const HOUR = 3_600_000
const crypto = new NodeCrypto()
const at = (ms: number): Now => ({ ms, wall: WALL + ms })

interface Site {
  readonly signer: Credential
  readonly configuration: OverlayConfiguration
}

async function aSite(): Promise<Site> {
  const authority = await createAuthority(OVERLAY, WALL)
  const issued = await issueCredential(authority, { userName: `signer@${OVERLAY}` }, WALL)
  if (!issued.ok) throw new Error(issued.error.reason)
  const signer = issued.value.credential
  const { rootCertificate } = authority
  return { signer, configuration: firstConfiguration({ overlayName: OVERLAY, rootCertificate }, signer) }
}

let ours: Site
let theirs: Site
beforeAll(async () => {
  ours = await aSite()
  theirs = await aSite()
})

const document = (change: Partial<OverlayConfiguration> = {}, site = ours): Uint8Array =>
  signedDocument(crypto, { ...site.configuration, ...change }, site.signer)

function judged(bytes: Uint8Array, current?: OverlayDocument, instanceName = OVERLAY) {
  return judgeDocument(crypto, { bytes, instanceName, current, wall: WALL })
}

function adopted(bytes: Uint8Array, current?: OverlayDocument): OverlayDocument {
  const verdict = judged(bytes, current)
  if (verdict.kind !== 'adopt') throw new Error(JSON.stringify(verdict))
  return verdict.document
}

describe('which Configuration Document is believed', () => {
  it('R6940-11.2-05 invalid XML and another instance-name are discarded', () => {
    expect(judged(utf8('<overlay'))).toMatchObject({ kind: 'discard' })
    expect(judged(document(), undefined, 'other.example')).toMatchObject({ kind: 'discard' })
  })

  it('R6940-11.2-06 a newer one replaces the one in force, the same is the same, an older one is discarded', () => {
    const current = adopted(document({ sequence: 5 }))
    expect(judged(document({ sequence: 6 }), current).kind).toBe('adopt')
    expect(judged(current.bytes, current).kind).toBe('same')
    expect(judged(document({ sequence: 4 }), current)).toMatchObject({
      reason: 'sequence 4 is older than 5',
    })
    expect(judged(document({ sequence: 5, initialTtl: 7 }), current).kind).toBe('discard')
  })

  it('a later one must be signed by a configuration-signer of the one in force', () => {
    const current = adopted(document())
    expect(judged(document({ sequence: 1 }, theirs), current).kind).toBe('discard')
    const stranger = signedDocument(crypto, { ...ours.configuration, sequence: 1 }, theirs.signer)
    expect(judged(stranger, current).kind).toBe('discard')
    const text = Buffer.from(document({ sequence: 1 })).toString()
    expect(judged(utf8(text.replace(/<signature>.*<\/signature>/, '')), current).kind).toBe('discard')
    expect(judged(utf8(text.replace('<initial-ttl>20<', '<initial-ttl>21<')), current).kind).toBe('discard')
  })

  it('a first one may be unsigned, but not badly signed', () => {
    const text = Buffer.from(document()).toString()
    expect(judged(utf8(text.replace(/<signature>.*<\/signature>/, ''))).kind).toBe('adopt')
    expect(judged(utf8(text.replace('<initial-ttl>20<', '<initial-ttl>21<'))).kind).toBe('discard')
  })

  it('a first one may come from a signer that it no longer names', () => {
    const rotated = document({ sequence: 9, configurationSigners: [theirs.signer.nodeId] })
    expect(judged(rotated).kind).toBe('adopt')
    expect(keptDocument(rotated, OVERLAY, WALL).ok).toBe(true)
    expect(keptDocument(rotated, 'other.example', WALL).ok).toBe(false)
    expect(keptDocument(document({ expiration: WALL }), OVERLAY, WALL)).toEqual({
      ok: false,
      error: 'has expired',
    })
  })

  it('one that has expired is discarded', () => {
    expect(judged(document({ expiration: WALL - 1 }))).toMatchObject({ reason: 'has expired' })
    expect(judged(document({ expiration: WALL + 1000 })).kind).toBe('adopt')
  })
})

describe('the keeper of the document', () => {
  function aKeeper(current?: OverlayDocument, etag?: string, seed = 'keeper'): DocumentKeeper {
    const keeper = new DocumentKeeper(
      { crypto, random: new SeededRandom(seed) },
      { instanceName: OVERLAY, current, etag },
    )
    keeper.step(at(0), { kind: 'start' })
    return keeper
  }

  function answer(keeper: DocumentKeeper, ms: number, outcome: FetchOutcome): KeeperAction[] {
    keeper.drain()
    keeper.step(at(ms), { kind: 'fetched', outcome })
    return keeper.drain()
  }

  /** When it asks next. */
  function nextFetch(keeper: DocumentKeeper, until = 100 * HOUR): number {
    for (let ms = keeper.nextDeadline(); ms <= until; ms = keeper.nextDeadline()) {
      keeper.step(at(ms), { kind: 'timeout' })
      if (keeper.drain().some(({ kind }) => kind === 'fetch')) return ms
    }
    throw new Error('never')
  }

  const got = (bytes: Uint8Array, etag?: string): FetchOutcome => ({ kind: 'document', bytes, etag })

  it('R6940-11.2-04 asks at start, takes the first document, and asks again with its entity tag', () => {
    const keeper = aKeeper()
    expect(keeper.drain()).toEqual([{ kind: 'fetch', etag: undefined }])
    expect(answer(keeper, 10, got(document(), '"1"'))).toMatchObject([{ kind: 'adopted', etag: '"1"' }])
    const next = nextFetch(keeper)
    expect(next).toBeGreaterThan(4 * HOUR)
    expect(next).toBeLessThan(8 * HOUR)
    expect(answer(keeper, next, { kind: 'unchanged' })).toEqual([{ kind: 'confirmed' }])
  })

  it('starts with the document of the last run and keeps it while the server is away, asking less and less often', () => {
    const current = adopted(document())
    const keeper = aKeeper(current, '"1"')
    expect(keeper.drain()).toEqual([{ kind: 'fetch', etag: '"1"' }])
    let ms = 0
    const waits: number[] = []
    for (let failures = 1; failures <= 12; failures++) {
      expect(answer(keeper, ms, { kind: 'failed', reason: 'away' })).toEqual([
        { kind: 'failed', reason: 'away', failures },
      ])
      const next = nextFetch(keeper)
      waits.push(next - ms)
      ms = next
    }
    expect(waits[0]).toBeLessThan(3000)
    expect(waits.at(-1)).toBeGreaterThan(10 * 60_000)
    expect(waits.at(-1)).toBeLessThan(20 * 60_000)
    expect(keeper.current).toBe(current)
  })

  it('R6940-11.2-05 R6940-11.2-06 what is not believed changes nothing, what is newer does', () => {
    const keeper = aKeeper(adopted(document({ sequence: 3 })))
    expect(answer(keeper, 0, got(document({ sequence: 2 })))).toMatchObject([{ kind: 'failed' }])
    expect(keeper.current?.parsed.configuration.sequence).toBe(3)
    nextFetch(keeper)
    expect(answer(keeper, HOUR, got(document({ sequence: 4 })))).toMatchObject([{ kind: 'adopted' }])
    expect(keeper.current?.parsed.configuration.sequence).toBe(4)
  })

  it('R6940-11.1-09 asks at a random time before the document expires', () => {
    const times = Array.from({ length: 20 }, (_, seed) => {
      const keeper = aKeeper(undefined, undefined, `keeper ${seed}`)
      answer(keeper, 0, got(document({ expiration: WALL + 3 * HOUR })))
      return nextFetch(keeper)
    })
    expect(Math.min(...times)).toBeGreaterThanOrEqual(HOUR)
    expect(Math.max(...times)).toBeLessThanOrEqual(2 * HOUR)
    expect(new Set(times).size).toBe(20)
    expect(refreshBeforeMs(90 * 60_000, 0)).toBe(HOUR / 2)
    expect(refreshBeforeMs(90 * 60_000, 0.999_999_9)).toBeLessThanOrEqual(HOUR)
    expect(refreshBeforeMs(10, 0.5)).toBe(60_000)
  })

  it('what others offer is judged the same and does not change how often the server is asked', () => {
    const keeper = aKeeper(adopted(document()))
    answer(keeper, 0, { kind: 'unchanged' })
    const due = keeper.nextDeadline()
    for (let i = 0; i < 50; i++) keeper.step(at(1), { kind: 'offered', bytes: utf8('<junk/>') })
    expect(keeper.nextDeadline()).toBe(due)
    keeper.drain()
    keeper.step(at(2), { kind: 'offered', bytes: document({ sequence: 1 }) })
    expect(keeper.drain()).toMatchObject([{ kind: 'adopted' }])
  })

  it('"not modified" of a document never fetched is a failure, not a crash', () => {
    expect(answer(aKeeper(), 0, { kind: 'unchanged' })).toMatchObject([{ kind: 'failed' }])
  })
})
