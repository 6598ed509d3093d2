import { describe, expect, it } from 'vitest'
import { CertificatePublisher } from '../../../src/adapter/certificates.ts'
import { certificatePlaces, makeStandInCredential, resourceIdOf } from '../../../src/reload/index.ts'
import { adapterParts, ALICE, at, crypto, drained, fetches, nodeId, OVERLAY, stores } from './fixture.ts'

const LIVES_MS = 240_000

describe('certificates in the overlay', () => {
  it('S-10 those that have come to their end are not kept, however often they are renewed', () => {
    const parts = adapterParts()
    const publisher = new CertificatePublisher(parts)
    let ms = 0
    const work = (): void => {
      for (let due = parts.deadlines.pop(ms); due !== undefined; due = parts.deadlines.pop(ms))
        if (due.part === 'certificates') publisher.timeout(at(ms), due.index)
      for (let left = drained(parts).commands; left.length > 0; left = drained(parts).commands) {
        for (const { id } of fetches(left)) {
          const value = { responsible: nodeId(1), kinds: new Map(), rejected: 0 }
          publisher.fetchDone(at(ms), id, { ok: true, value })
        }
        for (const { id } of stores(left)) publisher.storeDone(at(ms), id, undefined)
      }
    }
    const sizes: number[] = []
    for (let renewal = 0; renewal < 20; renewal++) {
      const credential = makeStandInCredential(nodeId(0xa1), ALICE, OVERLAY, {
        notAfter: at(ms + LIVES_MS).wall,
      })
      publisher.add(
        at(ms),
        credential,
        certificatePlaces(credential.certificate, (name) => resourceIdOf(crypto, name)),
      )
      for (const until = ms + (2 * LIVES_MS) / 3; ms < until; ms += 10_000) work()
      sizes.push(publisher.size)
    }
    expect(Math.max(...sizes)).toBeLessThanOrEqual(4)
    ms += LIVES_MS
    work()
    expect(publisher.size).toBe(0)
  })

  it('while a whole site registers one is begun each 250 ms, when it is over four at once, and none is left', () => {
    const parts = adapterParts()
    const publisher = new CertificatePublisher(parts)
    const begun: number[] = []
    const work = (ms: number): void => {
      for (let due = parts.deadlines.pop(ms); due !== undefined; due = parts.deadlines.pop(ms))
        if (due.part === 'certificates') publisher.timeout(at(ms), due.index)
      for (let left = drained(parts).commands; left.length > 0; left = drained(parts).commands) {
        for (const { id } of fetches(left)) {
          begun.push(ms)
          const value = { responsible: nodeId(1), kinds: new Map(), rejected: 0 }
          publisher.fetchDone(at(ms), id, { ok: true, value })
        }
        for (const { id } of stores(left)) publisher.storeDone(at(ms), id, undefined)
      }
    }
    parts.registersWaiting = 100
    for (let user = 1; user <= 10; user++) {
      const credential = makeStandInCredential(nodeId(user), `u${user}@${OVERLAY}`, OVERLAY, {
        notAfter: at(3_600_000).wall,
      })
      publisher.add(
        at(0),
        credential,
        certificatePlaces(credential.certificate, (name) => resourceIdOf(crypto, name)),
      )
    }
    for (let ms = 0; ms < 1000; ms += 50) work(ms)
    expect(begun).toEqual([0, 250, 500, 750])
    parts.registersWaiting = 0
    work(1000)
    expect(begun).toHaveLength(20)
    expect(publisher.pending).toBe(0)
  })
})
