import 'reflect-metadata'
import { webcrypto, X509Certificate, createPublicKey } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { asNodeId } from '../../src/reload/codec/index.ts'
import { formatNodeUri, NodeCrypto } from '../../src/reload/index.ts'
import { makeCaCertificate, makeNodeCertificate, type Issuer } from '../../src/enrollment/io/index.ts'

const crypto = new NodeCrypto()
const OVERLAY = 'dht.example.com'
const subject = crypto.generateKey('ecdsa')
const rsa = crypto.generateKey('rsa')
const ALGORITHM = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
const DAY_MS = 86_400_000

async function issuerWith(
  key: { pkcs8: Uint8Array; publicKeyInfo: Uint8Array },
  algorithm: 'rsa' | 'ecdsa',
): Promise<Issuer> {
  const alone: Issuer = { pkcs8: key.pkcs8, algorithm, certificate: undefined }
  const { publicKeyInfo } = key
  const certificate = await makeCaCertificate(alone, {
    overlayName: OVERLAY,
    publicKeyInfo,
    notBefore: 0,
    notAfter: 4e12,
  })
  return { ...alone, certificate }
}

const validity = fc
  // To 2060: on both sides of 2050, where the form of a time changes.
  .tuple(
    fc.integer({ min: 0, max: 33_000 }),
    fc.integer({ min: 1, max: 800 }),
    fc.integer({ min: 0, max: 999 }),
  )
  .map(([day, days, ms]) => ({ notBefore: day * DAY_MS + ms, notAfter: (day + days) * DAY_MS + ms }))
const userName = fc
  .string({ unit: fc.constantFrom(...'abcXYZ019.-_+~!%&=/?'), minLength: 1, maxLength: 200 })
  .map((name) => `${name}@${OVERLAY}`)
const nodeIds = fc
  .array(fc.uint8Array({ minLength: 16, maxLength: 16 }), { minLength: 1, maxLength: 16 })
  .map((all) => all.map((bytes) => asNodeId(bytes)))

/** The same by the library, with a key whose signatures are the same each time. */
async function byLibrary(
  issuer: Issuer,
  der: Uint8Array,
  template: Parameters<typeof makeNodeCertificate>[1],
): Promise<Uint8Array> {
  const above = new x509.X509Certificate(issuer.certificate as Uint8Array<ArrayBuffer>)
  const names: x509.JsonGeneralNames = template.nodeIds.map((nodeId) => ({
    type: 'url',
    value: formatNodeUri(nodeId, OVERLAY),
  }))
  names.push({ type: 'email', value: template.userName })
  const made = await x509.X509CertificateGenerator.create(
    {
      serialNumber: new x509.X509Certificate(der as Uint8Array<ArrayBuffer>).serialNumber,
      subject: '',
      issuer: above.subjectName,
      notBefore: new Date(template.notBefore),
      notAfter: new Date(template.notAfter),
      publicKey: new x509.PublicKey(template.publicKeyInfo as Uint8Array<ArrayBuffer>),
      signingKey: await webcrypto.subtle.importKey(
        'pkcs8',
        issuer.pkcs8 as Uint8Array<ArrayBuffer>,
        ALGORITHM,
        false,
        ['sign'],
      ),
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.SubjectAlternativeNameExtension(names, true),
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([
          x509.ExtendedKeyUsage.serverAuth,
          x509.ExtendedKeyUsage.clientAuth,
        ]),
        await x509.AuthorityKeyIdentifierExtension.create(above.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  )
  return new Uint8Array(made.rawData)
}

test('R6940-11.3-15 R6940-11.3-16 A certificate of a node is byte for byte what the X.509 library makes of the same', async () => {
  const issuer = await issuerWith(rsa, 'rsa')
  await fc.assert(
    fc.asyncProperty(userName, nodeIds, validity, async (name, ids, times) => {
      const template = {
        overlayName: OVERLAY,
        userName: name,
        nodeIds: ids,
        publicKeyInfo: subject.publicKeyInfo,
        ...times,
      }
      const der = await makeNodeCertificate(issuer, template)
      expect(Buffer.from(der).toString('hex')).toBe(
        Buffer.from(await byLibrary(issuer, der, template)).toString('hex'),
      )
    }),
    { numRuns: 60 },
  )
})

test('R6940-11.3-01 R6940-11.3-02 With a P-256 authority OpenSSL takes it for signed by that, and we read from it what was to stand in it', async () => {
  const key = crypto.generateKey('ecdsa')
  const issuer = await issuerWith(key, 'ecdsa')
  const authority = createPublicKey({ key: Buffer.from(key.publicKeyInfo), format: 'der', type: 'spki' })
  await fc.assert(
    fc.asyncProperty(userName, nodeIds, validity, async (name, ids, times) => {
      fc.pre(
        new Set(ids.map(String)).size === ids.length &&
          ids.every((id) => id.some((byte) => byte !== 0 && byte !== 0xff)),
      )
      const der = await makeNodeCertificate(issuer, {
        overlayName: OVERLAY,
        userName: name,
        nodeIds: ids,
        publicKeyInfo: subject.publicKeyInfo,
        ...times,
      })
      const read = new X509Certificate(der)
      expect(read.verify(authority)).toBe(true)
      expect(new Date(read.validTo).getTime()).toBe(times.notAfter - (times.notAfter % 1000))
      expect(crypto.parseCertificate(der, OVERLAY)).toMatchObject({
        ok: true,
        value: { userName: name, nodeIds: ids },
      })
    }),
    { numRuns: 60 },
  )
})
