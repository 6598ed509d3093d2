import { describe, expect, it } from 'vitest'
import { utf8 } from '../../../../../src/common/bytes.ts'
import type { Now } from '../../../../../src/common/time.ts'
import { KIND, type StoredDataValue } from '../../../../../src/reload/codec/index.ts'
import {
  makeStandInCredential,
  resourceIdOf,
  signStoredData,
} from '../../../../../src/reload/security/index.ts'
import type { Credential } from '../../../../../src/reload/security/index.ts'
import {
  certificatePlaces,
  certificateSchedule,
  certificateValue,
  type CertificatePlace,
} from '../../../../../src/reload/usages/certificate-store/certificate-values.ts'
import {
  after,
  alice,
  bob,
  crypto,
  nodeId,
  OVERLAY,
  peer,
  request,
  root,
  T0,
  values,
  WALL,
  type Peer,
} from '../../storage/fixture.ts'

const hash = (name: Uint8Array): ReturnType<typeof resourceIdOf> => resourceIdOf(crypto, name)

function arrayOf(...ders: (Uint8Array | undefined)[]): StoredDataValue[] {
  return ders.flatMap((der, index) =>
    der === undefined ? [] : [{ model: 'array', index, value: { exists: true, value: der } } as const],
  )
}

/** What a node does at start and at every refresh: look, then store. */
function publish(here: Peer, who: Credential, place: CertificatePlace, now: Now): boolean {
  const present = values(here.storage, place.resource, place.kind, now).map(({ value }) => value)
  const { index, value } = certificateValue(place.kind, who.certificate.der, present, 600)
  const data = signStoredData(crypto, who, {
    ...place,
    storageTime: BigInt(now.wall),
    lifetime: 600,
    value: { model: 'array', index: index ?? 0, value: { exists: true, value } },
  })
  return here.send(request(place.resource, [[place.kind, data]]), who, now).ok
}

describe('Certificate Store usage', () => {
  it('R6940-8-01 R6940-8-02 a certificate belongs under its user name and under each of its Node-IDs', () => {
    expect(certificatePlaces(alice.certificate, hash)).toEqual([
      { resource: hash(utf8(`alice@${OVERLAY}`)), kind: 0x10 },
      { resource: hash(alice.nodeId), kind: 3 },
    ])
    const several = { userName: '', nodeIds: [nodeId(1), nodeId(2)] }
    expect(certificatePlaces(several, hash).map(({ kind }) => kind)).toEqual([3, 3])
  })

  it('R6940-8-01 R6940-8-02 storing peers accept both from the owner and nothing of the kind from others', () => {
    const here = peer()
    for (const place of certificatePlaces(alice.certificate, hash)) {
      expect(publish(here, bob, place, T0)).toBe(false)
      expect(publish(here, alice, place, T0)).toBe(true)
      const [stored] = values(here.storage, place.resource, place.kind)
      expect(stored?.value.value.value).toEqual(alice.certificate.der)
    }
  })

  it('R6940-8-03 R6940-7.4.2.2-08 is renewed where it stands; a new certificate is appended beside the old one', () => {
    const here = peer()
    const [place] = certificatePlaces(alice.certificate, hash)
    if (place === undefined) throw new Error('no place')
    const renewed = makeStandInCredential(alice.nodeId, `alice@${OVERLAY}`, OVERLAY, {
      issuer: root,
      notAfter: WALL + 1e9,
    })
    for (const [i, who] of [alice, alice, renewed, alice, renewed].entries()) {
      expect(publish(here, who, place, after(i * 1000))).toBe(true)
    }
    const stored = values(here.storage, place.resource, place.kind, after(5000)).map(
      ({ value }) => value.value.value,
    )
    expect(stored).toEqual([alice.certificate.der, renewed.certificate.der])
  })

  it('begins again in the gaps of an array that has grown to its end', () => {
    const der = utf8('certificate')
    const old = utf8('old')
    const kind = KIND.certificateByNode
    expect(certificateValue(kind, der, [], 600).index).toBe(0xffffffff)
    expect(certificateValue(kind, der, arrayOf(old, der), 600).index).toBe(1)
    const full = [
      ...arrayOf(old, undefined, old),
      { model: 'array', index: 1023, value: { exists: true, value: old } } as const,
    ]
    expect(certificateValue(kind, der, full, 600).index).toBe(1)
  })

  it('R6940-7.4.2.2-08 is stored again in time, and never for longer than it is valid', () => {
    expect(certificateSchedule({ notAfter: WALL + 1e9 }, WALL, 86_400)).toEqual({
      lifetimeS: 86_400,
      refreshAfterS: 43_200,
    })
    expect(certificateSchedule({ notAfter: WALL + 10_500 }, WALL, 86_400)).toEqual({
      lifetimeS: 10,
      refreshAfterS: 5,
    })
    expect(certificateSchedule({ notAfter: WALL - 1 }, WALL, 86_400)).toEqual({
      lifetimeS: 0,
      refreshAfterS: 0,
    })
  })
})
