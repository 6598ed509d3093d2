import 'reflect-metadata'
import { createHash } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import { describe, expect, it } from 'vitest'

import { asNodeId, HASH, key, type NodeId } from '../../../../src/reload/codec/index.ts'
import { makeSelfSignedCredential } from '../../../../src/enrollment/io/index.ts'
import {
  NodeCrypto,
  Trust,
  trustOf,
  type Certificate,
  type TrustSettings,
} from '../../../../src/reload/security/index.ts'
import { anOverlay, aTestOverlay, TEST_WALL } from '../../../support/credentials.ts'
import { aNodeId, keys, names, oddCertificate, type Odd } from './odd-certificate.ts'

const crypto = new NodeCrypto()
const DAY_MS = 86_400_000
const USER = 'alice@example.org'
const CA_USAGE = x509.KeyUsageFlags.keyCertSign

function parsed(der: Uint8Array): Certificate {
  const certificate = crypto.parseCertificate(der, 'example.org')
  if (!certificate.ok) throw new Error(certificate.error)
  return certificate.value
}

function trusting(roots: readonly Uint8Array[], changes: Partial<TrustSettings> = {}): Trust {
  return new Trust(crypto, {
    overlayName: 'example.org',
    roots: roots.map(parsed),
    selfSigned: undefined,
    badNodes: [],
    ...changes,
  })
}

interface Ca {
  readonly keys: ReturnType<typeof keys>
  readonly certificate: Uint8Array
}

async function aCa(subject: string, odd: Odd = {}): Promise<Ca> {
  const own = keys('P-256')
  const certificate = await oddCertificate({ subject, keys: own, ca: true, keyUsage: CA_USAGE, ...odd })
  return { keys: own, certificate }
}

const leaf = (issuer: Ca, odd: Odd = {}): Promise<Uint8Array> =>
  oddCertificate({ issuer, names: names([aNodeId()], USER), ...odd })

describe('chains', () => {
  it('R6940-11.3-04 R6940-13.3-01 accepts what a root-cert issued and nothing else', async () => {
    const root = await aCa('CN=root')
    const stranger = await aCa('CN=root')
    const trust = trusting([root.certificate])
    expect(trust.accept([await leaf(root)], TEST_WALL)).toMatchObject({ ok: true, value: { userName: USER } })
    expect(trust.accept([await leaf(stranger)], TEST_WALL)).toMatchObject({ ok: false })
    expect(trust.accept([await leaf(stranger), stranger.certificate], TEST_WALL)).toMatchObject({ ok: false })
    expect(trust.accept([], TEST_WALL)).toMatchObject({ ok: false })
  })

  it('R6940-11.3-04 walks over intermediate CAs and minds BasicConstraints, path length and key usage', async () => {
    const root = await aCa('CN=root')
    const ca = await aCa('CN=ca', { issuer: root })
    const below = await aCa('CN=below', { issuer: ca })
    const trust = trusting([root.certificate])
    expect(trust.accept([await leaf(below), ca.certificate, below.certificate], TEST_WALL).ok).toBe(true)
    expect(trust.accept([await leaf(below), below.certificate], TEST_WALL).ok).toBe(false)

    const own = keys('P-256')
    const asNode = { subject: 'CN=user', keys: own, issuer: root, names: names([aNodeId()], USER) }
    for (const odd of [asNode, { ...asNode, ca: false }]) {
      const node: Ca = { keys: own, certificate: await oddCertificate(odd) }
      expect(trust.accept([node.certificate], TEST_WALL).ok).toBe(true)
      expect(trust.accept([await leaf(node), node.certificate], TEST_WALL).ok).toBe(false)
    }
    const mayNotSign = await aCa('CN=crl', { issuer: root, keyUsage: x509.KeyUsageFlags.cRLSign })
    expect(trust.accept([await leaf(mayNotSign), mayNotSign.certificate], TEST_WALL).ok).toBe(false)

    const short = await aCa('CN=short', { issuer: root, pathLength: 0 })
    const tooDeep = await aCa('CN=deep', { issuer: short })
    expect(trust.accept([await leaf(short), short.certificate], TEST_WALL).ok).toBe(true)
    expect(trust.accept([await leaf(tooDeep), short.certificate, tooDeep.certificate], TEST_WALL).ok).toBe(
      false,
    )
  })

  it('R6940-11.3-04 a CA certificate is no node, and a node is no CA', async () => {
    const root = await aCa('CN=root')
    const ca = await aCa('CN=ca', { issuer: root, names: names([aNodeId()], USER), keyUsage: CA_USAGE | 1 })
    const trust = trusting([root.certificate])
    expect(trust.accept([root.certificate], TEST_WALL).ok).toBe(false)
    expect(trust.accept([ca.certificate], TEST_WALL).ok).toBe(false)
  })

  it('R6940-7.1-02 minds the validity of certificate and issuers at every use, cached or not', async () => {
    const root = await aCa('CN=root', { notAfter: TEST_WALL + 10 * DAY_MS })
    const trust = trusting([root.certificate])
    const der = await leaf(root, { notBefore: TEST_WALL, notAfter: TEST_WALL + 5 * DAY_MS })
    const long = await leaf(root, { notAfter: TEST_WALL + 50 * DAY_MS })
    expect(trust.accept([der], TEST_WALL - 1)).toEqual({
      ok: false,
      error: expect.stringMatching(/not valid yet/),
    })
    expect(trust.accept([der], TEST_WALL).ok).toBe(true)
    expect(trust.accept([der], TEST_WALL + 5 * DAY_MS).ok).toBe(true)
    expect(trust.accept([der], TEST_WALL + 5 * DAY_MS + 1)).toEqual({
      ok: false,
      error: expect.stringMatching(/expired/),
    })
    expect(trust.accept([long], TEST_WALL).ok).toBe(true)
    expect(trust.accept([long], TEST_WALL + 11 * DAY_MS).ok).toBe(false)
  })

  it('R6940-7.1-02 tells a clock that is off from a CA that is not one of the overlay', async () => {
    const root = await aCa('CN=root', { notBefore: TEST_WALL, notAfter: TEST_WALL + 10 * DAY_MS })
    const der = await leaf(root, { notBefore: TEST_WALL - DAY_MS, notAfter: TEST_WALL + 50 * DAY_MS })
    const told = (wall: number, roots = [root.certificate]) => trusting(roots).accept([der], wall)
    expect(told(TEST_WALL - 1)).toEqual({
      ok: false,
      error: expect.stringMatching(/begins later, by the clock/),
    })
    expect(told(TEST_WALL + 11 * DAY_MS)).toEqual({
      ok: false,
      error: expect.stringMatching(/has ended, by/),
    })
    const other = await aCa('CN=root', { notBefore: TEST_WALL })
    for (const wall of [TEST_WALL - 1, TEST_WALL + 1])
      expect(told(wall, [other.certificate])).toEqual({
        ok: false,
        error: expect.stringMatching(/does not chain to a root-cert/),
      })
  })

  it('R6940-11.1-02 a bad-node is refused in every role, whatever was believed before', async () => {
    const root = await aCa('CN=root')
    const nodeId = aNodeId()
    const der = await leaf(root, { names: names([aNodeId(), nodeId], USER) })
    expect(trusting([root.certificate]).accept([der], TEST_WALL).ok).toBe(true)
    const trust = trusting([root.certificate], { badNodes: [nodeId] })
    expect(trust.accept([der], TEST_WALL)).toEqual({ ok: false, error: expect.stringMatching(/bad-node/) })
    expect(trust.judge(parsed(der), [], TEST_WALL).ok).toBe(false)
  })

  it('refuses Node-IDs that are not as long as those of the overlay', async () => {
    const root = await aCa('CN=root')
    const long = asNodeId(new Uint8Array(20).fill(7))
    const der = await leaf(root, { names: names([long], USER) })
    expect(trusting([root.certificate]).accept([der], TEST_WALL).ok).toBe(false)
    expect(trusting([root.certificate], { nodeIdLength: 20 }).accept([der], TEST_WALL).ok).toBe(true)
  })

  it('bounds the signatures checked for one certificate', async () => {
    let checks = 0
    class Counting extends NodeCrypto {
      override issued(issuer: Certificate, certificate: Certificate): boolean {
        checks++
        return super.issued(issuer, certificate)
      }
    }
    const root = await aCa('CN=root')
    const lookAlikes = await Promise.all(Array.from({ length: 40 }, () => aCa('CN=ca')))
    const counting = new Counting()
    const trust = new Trust(counting, {
      overlayName: 'example.org',
      roots: [parsed(root.certificate)],
      selfSigned: undefined,
      badNodes: [],
    })
    const der = await leaf(await aCa('CN=ca'))
    expect(trust.accept([der, ...lookAlikes.map((ca) => ca.certificate)], TEST_WALL).ok).toBe(false)
    expect(checks).toBeLessThanOrEqual(12)
  })

  it('trustOf takes the roots of a configuration and refuses those that are none', async () => {
    const root = await aCa('CN=root')
    const der = await leaf(root)
    const trust = trustOf(crypto, anOverlay('example.org', { rootCerts: [root.certificate] }))
    expect(trust.ok && trust.value.accept([der], TEST_WALL).ok).toBe(true)
    expect(trustOf(crypto, anOverlay('example.org', { rootCerts: [der] })).ok).toBe(false)
    expect(trustOf(crypto, anOverlay('example.org', { rootCerts: [Uint8Array.of(0x30, 0)] })).ok).toBe(false)
  })
})

describe('self-signed certificates', () => {
  const make = (digest: 'sha1' | 'sha256', count = 1): ReturnType<typeof makeSelfSignedCredential> =>
    makeSelfSignedCredential({
      overlayName: 'example.org',
      userName: USER,
      digest,
      count,
      notBefore: TEST_WALL - DAY_MS,
      notAfter: TEST_WALL + DAY_MS,
    })

  it.each(['sha1', 'sha256'] as const)(
    'R6940-11.3.1-01 R6940-11.1-01 accepted under %s only when permitted with that digest',
    async (digest) => {
      const { credential } = await make(digest)
      const der = credential.certificate.der
      expect(trusting([], { selfSigned: digest }).accept([der], TEST_WALL).ok).toBe(true)
      expect(
        trusting([], { selfSigned: digest === 'sha1' ? 'sha256' : 'sha1' }).accept([der], TEST_WALL).ok,
      ).toBe(false)
      expect(trusting([]).accept([der], TEST_WALL).ok).toBe(false)
    },
  )

  it('R6940-11.3.1-02 one Node-ID is the digest of the key, several that of index and key', async () => {
    const one = (await make('sha1')).credential.certificate
    const digestOf = (...parts: Uint8Array[]): string => {
      const hash = createHash('sha1')
      for (const part of parts) hash.update(part)
      return hash.digest('hex').slice(0, 32)
    }
    expect(one.nodeIds.map(key)).toEqual([digestOf(one.publicKeyInfo)])
    const three = (await make('sha1', 3)).credential.certificate
    const index = (i: number): Uint8Array => Uint8Array.of(0, 0, 0, i)
    expect(three.nodeIds.map(key)).toEqual([1, 2, 3].map((i) => digestOf(index(i), three.publicKeyInfo)))
    expect(trusting([], { selfSigned: 'sha1' }).accept([three.der], TEST_WALL).ok).toBe(true)
  })

  it('R6940-11.3.1-01 a Node-ID that is not the digest of the key is theft', async () => {
    const own = keys('P-256')
    const der = await oddCertificate({ keys: own, names: names([aNodeId()], USER) })
    const stolen = (await make('sha256')).credential.nodeId
    const theft = await oddCertificate({ keys: own, names: names([stolen], USER) })
    const trust = trusting([], { selfSigned: 'sha256' })
    expect(trust.accept([der], TEST_WALL).ok).toBe(false)
    expect(trust.accept([theft], TEST_WALL).ok).toBe(false)
  })

  it('R6940-11.3.1-01 the right Node-ID under a signature of another key is refused', async () => {
    const own = keys('P-256')
    const nodeId = asNodeId(crypto.hash('sha256', [own.publicKeyInfo]).slice(0, 16))
    const other = await aCa('')
    const der = await oddCertificate({ keys: own, issuer: other, names: names([nodeId], USER) })
    expect(trusting([], { selfSigned: 'sha256' }).accept([der], TEST_WALL).ok).toBe(false)
  })
})

describe('signer identities', () => {
  async function many(): Promise<{ trust: Trust; certificate: Certificate; nodeIds: readonly NodeId[] }> {
    const root = await aCa('CN=root')
    const nodeIds = [aNodeId(), aNodeId()]
    return {
      trust: trusting([root.certificate]),
      certificate: parsed(await leaf(root, { names: names(nodeIds, USER) })),
      nodeIds,
    }
  }

  it('R6940-6.3.4-08 resolves by hashing the certificates of the bucket with the stated algorithm', async () => {
    const overlay = await aTestOverlay()
    const alice = (await overlay.credential(USER)).certificate
    const bob = (await overlay.credential('bob@example.org')).certificate
    for (const [hashAlgorithm, name] of [
      [HASH.sha1, 'sha1'],
      [HASH.sha256, 'sha256'],
    ] as const) {
      const hash = crypto.hash(name, [bob.der])
      const found = overlay.trust.find({ kind: 'certHash', hashAlgorithm, hash }, [alice, bob])
      expect(found?.certificate.userName).toBe('bob@example.org')
      expect(found?.nodeId).toEqual(bob.nodeIds[0])
      expect(
        overlay.trust.find({ kind: 'certHash', hashAlgorithm, hash: hash.slice(1) }, [alice, bob]),
      ).toBeUndefined()
    }
    expect(
      overlay.trust.find({ kind: 'certHash', hashAlgorithm: HASH.sha512, hash: alice.sha256 }, [alice]),
    ).toBeUndefined()
    expect(overlay.trust.find({ kind: 'none' }, [alice])).toBeUndefined()
  })

  it('R6940-6.3.4-08 cert_hash_node_id names the Node-ID; a plain cert_hash of several Node-IDs is ambiguous', async () => {
    const { trust, certificate, nodeIds } = await many()
    for (const nodeId of nodeIds) {
      const hash = crypto.hash('sha256', [nodeId, certificate.der])
      expect(
        trust.find({ kind: 'certHashNodeId', hashAlgorithm: HASH.sha256, hash }, [certificate])?.nodeId,
      ).toEqual(nodeId)
    }
    const foreign = crypto.hash('sha256', [aNodeId(), certificate.der])
    expect(
      trust.find({ kind: 'certHashNodeId', hashAlgorithm: HASH.sha256, hash: foreign }, [certificate]),
    ).toBeUndefined()
    const plain = { kind: 'certHash', hashAlgorithm: HASH.sha256, hash: certificate.sha256 } as const
    expect(trust.find(plain, [certificate])).toBeUndefined()
    trust.judge(certificate, [], TEST_WALL)
    expect(trust.find(plain, [certificate])).toBeUndefined()
  })

  it('R6940-6.3.4-22 certificates of one key are told apart by their hash', async () => {
    const root = await aCa('CN=root')
    const shared = keys('P-256')
    const trust = trusting([root.certificate])
    const users = ['alice@example.org', 'bob@example.org', 'carol@example.org']
    const pool: Certificate[] = []
    for (const user of users)
      pool.push(parsed(await leaf(root, { keys: shared, names: names([aNodeId()], user) })))
    for (const [index, certificate] of pool.entries()) {
      const identity = { kind: 'certHash', hashAlgorithm: HASH.sha256, hash: certificate.sha256 } as const
      expect(trust.find(identity, pool)).toMatchObject({
        certificate: { userName: users[index] },
        nodeId: certificate.nodeIds[0],
      })
      expect(
        trust.find(
          identity,
          pool.filter((other) => other !== certificate),
        ),
      ).toBeUndefined()
    }
  })

  it('R6940-6.3.4-12 only X.509 entries of a bucket are looked at', async () => {
    const overlay = await aTestOverlay()
    const { der } = (await overlay.credential(USER)).certificate
    expect(overlay.trust.poolOf([{ type: 0, certificate: der }])).toHaveLength(1)
    expect(overlay.trust.poolOf([{ type: 1, certificate: der }])).toHaveLength(0)
    expect(
      overlay.trust.poolOf([
        { type: 0, certificate: Uint8Array.of(1, 2, 3) },
        { type: 0, certificate: der },
        { type: 0, certificate: der },
      ]),
    ).toHaveLength(1)
  })
})
