import { beforeEach, describe, expect, it } from 'vitest'
import { CallerCheck } from '../../../src/adapter/caller-check.ts'
import type { AdapterParts } from '../../../src/adapter/parts.ts'
import { ERROR_CODE, key, KIND, type NodeId, type VerifiedValue } from '../../../src/reload/index.ts'
import {
  adapterParts,
  ALICE,
  at,
  BOB,
  drained,
  fetches,
  found,
  nodeId,
  registered,
  userCredential,
} from './fixture.ts'

const PEER = nodeId(0x0b)
const OTHER = nodeId(0x0c)

let parts: AdapterParts
let check: CallerCheck
beforeEach(() => {
  parts = adapterParts()
  check = new CallerCheck(parts)
})

/** An entry that says Bob is at `node`. */
function entry(node: NodeId, lifetimeS: number, signer = userCredential(BOB, 0xb0)): VerifiedValue {
  const destinations = [{ kind: 'node', nodeId: node } as const]
  return registered({ kind: 'route', contactPrefs: new Uint8Array(0), destinations }, signer, lifetimeS)
}

/** The answer for Bob and `PEER` one second later, when the overlay holds these entries. */
function answered(values: readonly VerifiedValue[]): unknown {
  check.verify(7, BOB, key(PEER), 5_000)
  const [fetch] = fetches(drained(parts).commands)
  expect(check.fetchDone(at(1_000), fetch!.id, { ok: true, value: found(values) })).toBe(true)
  return drained(parts).sip[0]
}

describe('who may name a user as the caller', () => {
  it('M-22 asks for the registrations at H(From AOR), nothing more', () => {
    check.verify(7, BOB, key(PEER), 5_000)
    expect(fetches(drained(parts).commands)).toMatchObject([
      { resource: parts.resourceOfAor(BOB), kinds: [KIND.sipRegistration], timeoutMs: 5_000 },
    ])
  })

  it('M-22 a peer that an entry of the user names may, for five minutes or as long as the entry lives', () => {
    const yes = { kind: 'callerVerified', id: 7, verified: true }
    expect(answered([entry(OTHER, 3600), entry(PEER, 3600)])).toEqual({ ...yes, validMs: 300_000 })
    expect(answered([entry(PEER, 120)])).toEqual({ ...yes, validMs: 119_000 })
  })

  it('M-22 an entry that is nearly over names its peer still: storage_time and what is left of the lifetime are not added', () => {
    const stored = entry(PEER, 3600)
    // What a Fetch brings 50 minutes after the Store: the same storage_time, ten minutes of lifetime.
    const now = at(50 * 60_000)
    const value = { ...stored, data: { ...stored.data, lifetime: 600 }, expiresAt: now.ms + 600_000 }
    check.verify(7, BOB, key(PEER), 5_000)
    const [fetch] = fetches(drained(parts).commands)
    check.fetchDone(now, fetch!.id, { ok: true, value: found([value]) })
    expect(drained(parts).sip[0]).toEqual({ kind: 'callerVerified', id: 7, verified: true, validMs: 300_000 })
  })

  it('M-22 other nodes may not, nor does an entry that somebody else has signed or that has ended', () => {
    const no = { kind: 'callerVerified', id: 7, verified: false, validMs: 30_000 }
    expect(answered([])).toEqual(no)
    expect(answered([entry(OTHER, 3600)])).toEqual(no)
    expect(answered([entry(PEER, 3600, userCredential(ALICE, 0xa1))])).toEqual(no)
    expect(answered([entry(PEER, 1)])).toEqual(no)
  })

  it('M-22 an overlay that does not answer says neither yes nor no, and is asked again soon', () => {
    check.verify(7, BOB, key(PEER), 5_000)
    const [fetch] = fetches(drained(parts).commands)
    const error = { kind: 'reload', code: ERROR_CODE.requestTimeout, info: '' } as const
    expect(check.fetchDone(at(0), fetch!.id, { ok: false, error })).toBe(true)
    expect(check.fetchDone(at(0), fetch!.id, { ok: false, error })).toBe(false)
    expect(drained(parts).sip).toEqual([
      { kind: 'callerVerified', id: 7, verified: undefined, validMs: 5_000 },
    ])
  })
})
