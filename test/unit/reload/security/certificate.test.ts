import 'reflect-metadata'
import { sign } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import { describe, expect, it } from 'vitest'

import { NodeCrypto, pkcs8OfCredential, type Certificate } from '../../../../src/reload/security/index.ts'
import { utf8 } from '../../../../src/common/bytes.ts'
import { asNodeId, HASH, SIGNATURE } from '../../../../src/reload/codec/index.ts'
import { aTestOverlay } from '../../../support/credentials.ts'
import { aNodeId, keys, names, oddCertificate, type Odd } from './odd-certificate.ts'

const crypto = new NodeCrypto()
const nodeId = aNodeId()
const USER = 'alice@example.org'

async function parsed(odd: Odd, overlay = 'example.org'): Promise<Certificate | string> {
  const result = crypto.parseCertificate(await oddCertificate(odd), overlay)
  return result.ok ? result.value : result.error
}

/** A P-256 SubjectPublicKeyInfo with the point as RFC 5480 s.2.2 allows it too: x, and which of the two ys. */
function withCompressedPoint(publicKeyInfo: Uint8Array): Uint8Array {
  const point = publicKeyInfo.subarray(-65)
  const algorithm = publicKeyInfo.subarray(2, -68)
  const odd = (point[64] as number) & 1
  return Uint8Array.of(0x30, algorithm.length + 36, ...algorithm, 3, 34, 0, 2 + odd, ...point.subarray(1, 33))
}

describe('identities of a certificate', () => {
  it('R6940-11.3-01 R6940-11.3-02 A6940-11.3-01 Node-IDs come from reload URIs of the overlay, the user name from the rfc822Name', async () => {
    const other = aNodeId()
    const certificate = await parsed({ names: names([nodeId, other], USER) })
    expect(certificate).toMatchObject({ userName: USER, isCa: false })
    expect((certificate as Certificate).nodeIds.map((id) => [...id])).toEqual([[...nodeId], [...other]])
  })

  it.each([
    ['https', 'https://example.org/'],
    ['another overlay', `reload://0110${'ab'.repeat(16)}@other.org/`],
    ['a resource destination', `reload://021110${'ab'.repeat(16)}@example.org/`],
    ['two destinations', `reload://0110${'ab'.repeat(16)}0110${'cd'.repeat(16)}@example.org/`],
    ['a specifier', `reload://0110${'ab'.repeat(16)}@example.org/00`],
    ['a length byte that lies', `reload://0111${'ab'.repeat(16)}@example.org/`],
    ['15 bytes', `reload://010f${'ab'.repeat(15)}@example.org/`],
    ['all zeros', `reload://0110${'00'.repeat(16)}@example.org/`],
    ['all ones', `reload://0110${'ff'.repeat(16)}@example.org/`],
    ['no hex', 'reload://01zz@example.org/'],
    ['no final slash', `reload://0110${'ab'.repeat(16)}@example.org`],
  ])('R6940-11.3-01 a URI of %s gives no Node-ID and refuses the certificate', async (_, value) => {
    expect(
      await parsed({
        names: [
          { type: 'url', value },
          { type: 'email', value: USER },
        ],
      }),
    ).toMatch(/Node-ID of this overlay/)
  })

  it('R6940-11.3-01 scheme and overlay compare without case, Node-IDs of 20 bytes are read', async () => {
    const uri = `RELOAD://0114${'AB'.repeat(20)}@Example.ORG/`
    const certificate = await parsed({
      names: [
        { type: 'url', value: uri },
        { type: 'email', value: USER },
      ],
    })
    expect((certificate as Certificate).nodeIds.map((id) => id.length)).toEqual([20])
  })

  it.each([
    ['a DNS name', { type: 'dns' as const, value: 'example.org' }],
    ['an IP address', { type: 'ip' as const, value: '192.0.2.1' }],
    ['a second user name', { type: 'email' as const, value: 'bob@example.org' }],
    ['the same Node-ID again', names([nodeId], USER)[0] as x509.JsonGeneralName],
  ])('R6940-11.3-03 %s beside the allowed identities refuses the certificate', async (_, extra) => {
    expect(await parsed({ names: [...names([nodeId], USER), extra] })).toBeTypeOf('string')
  })

  it('R6940-11.3-03 a certificate without user name, without Node-ID or without names at all is refused', async () => {
    expect(await parsed({ names: names([nodeId], USER).slice(0, 1) })).toMatch(/no user name/)
    expect(await parsed({ names: names([], USER) })).toMatch(/no Node-ID/)
    expect(await parsed({})).toMatch(/no user name/)
  })

  it('R6940-11.3-02 a user name with NUL, blank or control characters is refused', async () => {
    for (const value of ['ali\0ce@example.org', 'ali ce@example.org', 'alice@example.org\n']) {
      expect(await parsed({ names: names([nodeId], value) })).toMatch(/illegal characters/)
    }
  })
})

describe('form of a certificate', () => {
  it('refuses curves other than P-256 and P-384 and RSA keys below 2048 bits', async () => {
    const regular = { names: names([nodeId], USER) }
    expect(await parsed({ ...regular, keys: keys('P-384') })).toMatchObject({ userName: USER })
    expect(await parsed({ ...regular, keys: keys('P-521') })).toMatch(/curve/)
    expect(await parsed({ ...regular, keys: keys(1024) })).toMatch(/RSA key of 1024 bits/)
    expect(await parsed({ ...regular, keys: keys(2048) })).toMatchObject({ userName: USER })
  })

  it('takes a key in every form that is accepted, and none that is not on its curve', async () => {
    const data = utf8('something to sign')
    const pair = keys('P-256')
    const [compressed, offCurve] = [pair.publicKeyInfo.slice(), pair.publicKeyInfo.slice()]
    offCurve[offCurve.length - 1] = (offCurve.at(-1) as number) ^ 1
    const forms = [
      { made: pair, publicKeyInfo: pair.publicKeyInfo, right: true },
      { made: pair, publicKeyInfo: withCompressedPoint(compressed), right: true },
      { made: pair, publicKeyInfo: offCurve, right: false },
      ...(['P-384', 2048] as const).map((kind) => {
        const made = keys(kind)
        return { made, publicKeyInfo: made.publicKeyInfo, right: true }
      }),
    ]
    for (const { made, publicKeyInfo, right } of forms) {
      const certificate = await parsed({ keys: { ...made, publicKeyInfo }, names: names([nodeId], USER) })
      const signature = {
        hashAlgorithm: HASH.sha256,
        signatureAlgorithm: made.rsa ? SIGNATURE.rsa : SIGNATURE.ecdsa,
        value: sign('sha256', data, { key: Buffer.from(made.pkcs8), format: 'der', type: 'pkcs8' }),
      }
      expect(crypto.verify(certificate as Certificate, signature, data)).toBe(right)
      expect(crypto.verify(certificate as Certificate, signature, utf8('another thing'))).toBe(false)
    }
  })

  it('refuses unknown critical extensions and a KeyUsage without digitalSignature', async () => {
    const regular = { names: names([nodeId], USER) }
    const unknown = (critical: boolean): x509.Extension =>
      new x509.Extension('1.2.3.4', critical, new Uint8Array([5, 0]))
    expect(await parsed({ ...regular, extensions: [unknown(false)] })).toMatchObject({ userName: USER })
    expect(await parsed({ ...regular, extensions: [unknown(true)] })).toMatch(/critical extension 1\.2\.3\.4/)
    expect(await parsed({ ...regular, keyUsage: x509.KeyUsageFlags.keyEncipherment })).toMatch(/signatures/)
  })

  it('agrees with OpenSSL on fingerprint, key and validity', async () => {
    const { X509Certificate } = await import('node:crypto')
    const { credential } = await aTestOverlay()
    for (const algorithm of ['ecdsa', 'rsa'] as const) {
      const { certificate } = await credential(USER, algorithm)
      const theirs = new X509Certificate(certificate.der)
      expect(theirs.fingerprint256.replaceAll(':', '').toLowerCase()).toBe(certificate.fingerprint)
      expect(new Uint8Array(theirs.publicKey.export({ type: 'spki', format: 'der' }))).toEqual(
        certificate.publicKeyInfo,
      )
      expect([Date.parse(theirs.validFrom), Date.parse(theirs.validTo)]).toEqual([
        certificate.notBefore,
        certificate.notAfter,
      ])
    }
  })

  it('reads dates on both sides of the year 2050, where their form changes', async () => {
    const late = await parsed({ names: names([nodeId], USER), notAfter: Date.UTC(2060, 1, 29, 23, 59, 59) })
    expect(late).toMatchObject({ notAfter: Date.UTC(2060, 1, 29, 23, 59, 59) })
    const early = await parsed({ names: names([nodeId], USER), notBefore: Date.UTC(1999, 11, 31) })
    expect(early).toMatchObject({ notBefore: Date.UTC(1999, 11, 31) })
  })

  it('never throws and never takes a certificate with a changed byte for one of the same fingerprint', async () => {
    const { credential } = await aTestOverlay()
    const { certificate } = await credential(USER)
    for (let at = 0; at < certificate.der.length; at++) {
      for (const flip of [0x01, 0x80, 0xff]) {
        const der = Uint8Array.from(certificate.der)
        der[at] = (der[at] as number) ^ flip
        const result = crypto.parseCertificate(der, 'example.org')
        if (result.ok) expect(result.value.fingerprint).not.toBe(certificate.fingerprint)
      }
      expect(crypto.parseCertificate(certificate.der.subarray(0, at), 'example.org').ok).toBe(false)
    }
    expect(crypto.parseCertificate(Uint8Array.from([...certificate.der, 0]), 'example.org').ok).toBe(false)
  })

  it('does not keep the message alive that a certificate came in', async () => {
    const { credential } = await aTestOverlay()
    const { certificate } = await credential(USER)
    const message = new Uint8Array(10_000)
    message.set(certificate.der, 100)
    const result = crypto.parseCertificate(message.subarray(100, 100 + certificate.der.length), 'example.org')
    message.fill(0)
    expect(result.ok && result.value.der).toEqual(certificate.der)
    expect(result.ok && result.value.der.buffer.byteLength).toBe(certificate.der.length)
  })

  it('imports a credential only when key and certificate belong together', async () => {
    const { crypto: port, authority, credential } = await aTestOverlay()
    const { certificate } = await credential(USER)
    expect(() => port.importCredential(certificate.der, keys('P-256').pkcs8, 'example.org')).toThrow(
      /does not belong/,
    )
    expect(() => port.importCredential(certificate.der, 'nonsense', 'example.org')).toThrow(/PKCS#8/)
    expect(() => port.importCredential(authority.rootCertificate, authority.rootKey, 'example.org')).toThrow(
      /no Node-ID/,
    )
    expect(asNodeId(certificate.nodeIds[0] as Uint8Array)).toHaveLength(16)
  })

  it('signs with the right one of more keys than stay imported, P-256 and RSA', async () => {
    const { credential } = await aTestOverlay()
    const port = new NodeCrypto(1, 1)
    const credentials = await Promise.all([
      credential(USER),
      credential('bob@example.org', 'rsa'),
      credential('carol@example.org'),
    ])
    const own = credentials.map((made) =>
      port.importCredential(made.certificate.der, pkcs8OfCredential(made), 'example.org'),
    )
    const data = utf8('signed')
    for (let round = 0; round < 2; round++) {
      for (const each of own) {
        const signature = port.sign(each, data)
        expect(own.map(({ certificate }) => port.verify(certificate, signature, data))).toEqual(
          own.map((other) => other === each),
        )
      }
    }
  })
})
