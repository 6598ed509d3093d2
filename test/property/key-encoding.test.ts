import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto'
import { expect, test } from 'vitest'
import { toHex } from '../../src/common/bytes.ts'
import { generateP256, pkcs8Of, privateKeyOf, publicKeyInfoOf } from '../../src/reload/security/index.ts'

/** OpenSSL is the oracle. */
function sameAsOpenSsl(privateKey: KeyObject): void {
  const publicKey = createPublicKey(privateKey)
  expect(toHex(pkcs8Of(privateKey))).toBe(privateKey.export({ type: 'pkcs8', format: 'der' }).toString('hex'))
  const spki = publicKey.export({ type: 'spki', format: 'der' }).toString('hex')
  expect(toHex(publicKeyInfoOf(privateKey))).toBe(spki)
  expect(toHex(publicKeyInfoOf(publicKey))).toBe(spki)
}

function read(pkcs8: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' })
}

/** No KeyObject of the generator's own is exported (src/reload/security/key-generation.ts). */
function generated(curve: string): KeyObject {
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: curve,
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
  })
  return read(privateKey)
}

test('new P-256 keys are what OpenSSL reads and writes, byte for byte', () => {
  // One in 128 has a number that begins with a zero byte.
  for (let i = 0; i < 400; i++) {
    const { pkcs8, publicKeyInfo } = generateP256()
    const key = read(pkcs8)
    sameAsOpenSsl(key)
    expect(toHex(publicKeyInfoOf(key))).toBe(toHex(publicKeyInfo))
    expect(privateKeyOf(pkcs8).equals(key)).toBe(true)
  }
})

test('thousands of them are made, whenever garbage is collected', () => {
  // With keys of generateKeyPair this stood still for ever after some hundreds (Node 20).
  for (let i = 0; i < 4_000; i++) {
    const { pkcs8, publicKeyInfo } = generateP256()
    if (i % 16 > 0) continue
    const key = privateKeyOf(pkcs8)
    expect(toHex(publicKeyInfoOf(key))).toBe(toHex(publicKeyInfo))
    expect(toHex(pkcs8Of(key))).toBe(toHex(pkcs8))
    expect(verify('sha256', pkcs8, createPublicKey(key), sign('sha256', pkcs8, key))).toBe(true)
  }
})

test('so is the smallest secret number, whose leading zeros count', () => {
  const G = {
    x: 'axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY',
    y: 'T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU',
  }
  const d = Buffer.concat([Buffer.alloc(31), Buffer.from([1])]).toString('base64url')
  const key = createPrivateKey({ key: { kty: 'EC', crv: 'P-256', d, ...G }, format: 'jwk' })
  sameAsOpenSsl(key)
  expect(privateKeyOf(pkcs8Of(key)).equals(key)).toBe(true)
})

test('other keys are written and read as well: RSA, and curves with and without a JSON Web Key', () => {
  const rsa = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
  })
  for (const key of [read(rsa.privateKey), generated('P-384'), generated('brainpoolP256r1')]) {
    sameAsOpenSsl(key)
    expect(privateKeyOf(pkcs8Of(key)).equals(key)).toBe(true)
  }
  expect(() => privateKeyOf(new Uint8Array([1, 2, 3]))).toThrow()
})
