import { describe, expect, it } from 'vitest'
import { concatBytes, utf8 } from '../../../../src/common/bytes.ts'
import {
  makeStandInCredential,
  NodeCrypto,
  asNodeId,
  asResourceId,
  signStoredData,
  StandInCrypto,
  trustOf,
  verifyStoredData,
  type Certificate,
  type RawSignature,
  type StoredData,
  type Trust,
} from '../../../../src/reload/index.ts'
import { ProvenSignatures } from '../../../../src/reload/security/proven-signatures.ts'
import { aTestOverlay, TEST_WALL } from '../../../support/credentials.ts'

const OVERLAY_NAME = 'example.org'

/** The stand-in, which counts how often it is asked to check a signature. */
class CountingStandIn extends StandInCrypto {
  checks = 0

  override verify(certificate: Certificate, signature: RawSignature, data: Uint8Array): boolean {
    this.checks++
    return super.verify(certificate, signature, data)
  }
}

class CountingNodeCrypto extends NodeCrypto {
  checks = 0

  override verify(certificate: Certificate, signature: RawSignature, data: Uint8Array): boolean {
    this.checks++
    return super.verify(certificate, signature, data)
  }
}

function credentialOf(user: string, id: number): ReturnType<typeof makeStandInCredential> {
  return makeStandInCredential(asNodeId(new Uint8Array(16).fill(id)), `${user}@${OVERLAY_NAME}`, OVERLAY_NAME)
}

/** `bytes` with one byte changed, once for every place. */
function* changed(bytes: Uint8Array): Iterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at++) {
    const copy = bytes.slice()
    copy[at] = (copy[at] as number) ^ 1
    yield copy
  }
}

describe('signatures that were found right before', () => {
  const alice = credentialOf('alice', 1)
  const bob = credentialOf('bob', 2)
  const signed = utf8('what alice signed')

  it('R6940-7.1-01 the same key, signature and bytes are computed twice and no more; anything else is computed anew', () => {
    const crypto = new CountingStandIn()
    const proven = new ProvenSignatures(crypto)
    const signature = crypto.sign(alice, signed)
    const ask = (certificate: Certificate, given: RawSignature, bytes: Uint8Array): [boolean, number] => {
      const before = crypto.checks
      return [proven.signedOneOf(certificate, given, [bytes]), crypto.checks - before]
    }
    expect(ask(alice.certificate, signature, signed)).toEqual([true, 1])
    expect(proven.size).toBe(0)
    expect(ask(alice.certificate, signature, signed)).toEqual([true, 1])
    expect(ask(alice.certificate, signature, signed.slice())).toEqual([true, 0])
    for (const bytes of changed(signed)) expect(ask(alice.certificate, signature, bytes)).toEqual([false, 1])
    for (const value of changed(signature.value))
      expect(ask(alice.certificate, { ...signature, value }, signed)).toEqual([false, 1])
    expect(ask(bob.certificate, signature, signed)).toEqual([false, 1])
    expect(ask(alice.certificate, { ...signature, hashAlgorithm: 2 }, signed)).toEqual([false, 1])
    expect(ask(alice.certificate, { ...signature, signatureAlgorithm: 1 }, signed)).toEqual([false, 1])
    // A byte moved from the signed bytes to the end of the signature is the same row of bytes in another reading.
    const moved = { ...signature, value: concatBytes([signature.value, signed.subarray(0, 1)]) }
    expect(ask(alice.certificate, moved, signed.subarray(1))).toEqual([false, 1])
    expect(ask(alice.certificate, signature, signed)).toEqual([true, 0])
  })

  it('what was found wrong is not kept, and of what was right only the latest used', () => {
    const crypto = new CountingStandIn()
    const proven = new ProvenSignatures(crypto, 2)
    const texts = ['a', 'b', 'c'].map(utf8)
    const check = (bytes: Uint8Array): number => {
      const before = crypto.checks
      expect(proven.signedOneOf(alice.certificate, crypto.sign(alice, bytes), [bytes])).toBe(true)
      return crypto.checks - before
    }
    expect(proven.signedOneOf(bob.certificate, crypto.sign(alice, signed), [signed])).toBe(false)
    expect(proven.size).toBe(0)
    const [a, b, c] = texts as [Uint8Array, Uint8Array, Uint8Array]
    expect(texts.map(check)).toEqual([1, 1, 1])
    expect(proven.size).toBe(0)
    expect([check(a), check(b), check(a), check(c)]).toEqual([1, 1, 0, 1])
    expect(proven.size).toBe(2)
    expect([check(a), check(b)]).toEqual([0, 1])
  })
})

describe('a stored value that comes back', () => {
  const resource = asResourceId(new Uint8Array(16).fill(9))

  function checkedBy(trust: Trust, data: StoredData, certificate: Certificate, wall = TEST_WALL): boolean {
    return verifyStoredData(trust, { resource, kind: 1, data, pool: [certificate] }, wall).ok
  }

  it('R6940-7.1-01 R6940-7.1-02 R6940-7.4.2.2-06 is computed twice and no more, and its certificate is judged every time', async () => {
    const crypto = new CountingNodeCrypto()
    const overlay = await aTestOverlay()
    const credential = await overlay.credential('alice@example.org')
    const { certificate } = credential
    const made = trustOf(crypto, overlay.configuration)
    if (!made.ok) throw new Error(made.error)
    const trust = made.value
    const data = signStoredData(crypto, credential, {
      resource,
      kind: 1,
      storageTime: 1_768_478_400_123n,
      lifetime: 3600,
      value: {
        model: 'dictionary',
        key: Uint8Array.of(1, 2, 3),
        value: { exists: true, value: utf8('route') },
      },
    })
    for (let time = 0; time < 4; time++) expect(checkedBy(trust, data, certificate)).toBe(true)
    expect(crypto.checks).toBe(2)
    expect(checkedBy(trust, data, certificate, certificate.notAfter + 1)).toBe(false)
    expect(checkedBy(trust, data, certificate, certificate.notBefore - 1)).toBe(false)
    expect(crypto.checks).toBe(2)
    for (const value of changed(data.signature.value)) {
      expect(checkedBy(trust, { ...data, signature: { ...data.signature, value } }, certificate)).toBe(false)
    }
    expect(crypto.checks).toBeGreaterThan(data.signature.value.length)
    // Another overlay of the same nodes that has put the signer on its list of bad nodes.
    const without = trustOf(crypto, { ...overlay.configuration, badNodes: [credential.nodeId] })
    expect(without.ok && checkedBy(without.value, data, certificate)).toBe(false)
  })
})
