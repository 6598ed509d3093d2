import { beforeEach, describe, expect, it } from 'vitest'
import { ForeignContacts } from '../../../src/adapter/foreign-contacts.ts'
import { encodeGr, listTo } from '../../../src/adapter/overlay-address.ts'
import type { AdapterParts } from '../../../src/adapter/parts.ts'
import type { encodeSipRegistration } from '../../../src/reload/index.ts'
import { ERROR_CODE, type VerifiedValue } from '../../../src/reload/index.ts'
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
  SELF,
  userCredential,
} from './fixture.ts'

const OTHER = nodeId(0x0c)

let parts: AdapterParts
let foreign: ForeignContacts
beforeEach(() => {
  parts = adapterParts()
  foreign = new ForeignContacts(parts)
})

/** An entry of Bob. */
function entry(
  registration: Parameters<typeof encodeSipRegistration>[0],
  lifetimeS = 600,
  signer = userCredential(BOB, 0xb0),
): VerifiedValue {
  return registered(registration, signer, lifetimeS)
}

const route = (node: Uint8Array): Parameters<typeof encodeSipRegistration>[0] => ({
  kind: 'route',
  contactPrefs: new Uint8Array(0),
  destinations: listTo(node),
})

function answered(values: readonly VerifiedValue[]): unknown {
  foreign.find(7, BOB, 5_000)
  const [fetch] = fetches(drained(parts).commands)
  expect(foreign.fetchDone(at(1_000), fetch!.id, { ok: true, value: found(values) })).toBe(true)
  const [input] = drained(parts).sip
  return input?.kind === 'foreignContacts' ? input.contacts : input
}

describe('registrations of a user at other nodes', () => {
  it('M-09 M-15 are overlay GRUUs and forwardings, with the time they have left', () => {
    expect(answered([entry(route(OTHER)), entry({ kind: 'uri', uri: ALICE }, 60)])).toEqual([
      { uri: `sip:${BOB};gr=${encodeGr(listTo(OTHER))}`, expiresS: 599 },
      { uri: `sip:${ALICE}`, expiresS: 59 },
    ])
    expect(answered([entry({ kind: 'uri', uri: 'sips:bob@example.org' })])).toMatchObject([
      { uri: 'sips:bob@example.org' },
    ])
  })

  it('M-09 without what this node stands for, what somebody else has signed, and what has ended', () => {
    expect(
      answered([
        entry(route(SELF)),
        entry(route(OTHER), 600, userCredential(ALICE, 0xa1)),
        entry(route(OTHER), 1),
      ]),
    ).toEqual([])
  })

  it('M-09 an overlay that does not answer says nothing', () => {
    foreign.find(7, BOB, 5_000)
    const [fetch] = fetches(drained(parts).commands)
    const error = { kind: 'reload', code: ERROR_CODE.requestTimeout, info: '' } as const
    expect(foreign.fetchDone(at(0), fetch!.id, { ok: false, error })).toBe(true)
    expect(foreign.fetchDone(at(0), fetch!.id, { ok: false, error })).toBe(false)
    expect(drained(parts).sip).toEqual([{ kind: 'foreignContacts', id: 7, contacts: undefined }])
  })
})
