import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { expect, test } from 'vitest'
import { toHex } from '../../src/common/bytes.ts'
import { pkcs8Of, publicKeyInfoOf } from '../../src/reload/security/index.ts'

/** OpenSSL is the oracle. */
function sameAsOpenSsl({ privateKey, publicKey }: { privateKey: KeyObject; publicKey?: KeyObject }): void {
  expect(toHex(pkcs8Of(privateKey))).toBe(privateKey.export({ type: 'pkcs8', format: 'der' }).toString('hex'))
  const spki = toHex(publicKeyInfoOf(privateKey))
  if (publicKey !== undefined) {
    expect(spki).toBe(publicKey.export({ type: 'spki', format: 'der' }).toString('hex'))
    expect(toHex(publicKeyInfoOf(publicKey))).toBe(spki)
  }
}

test('P-256 keys are written byte for byte as OpenSSL writes them', () => {
  // One in 128 has a number that begins with a zero byte.
  for (let i = 0; i < 400; i++) sameAsOpenSsl(generateKeyPairSync('ec', { namedCurve: 'P-256' }))
})

test('so is the smallest secret number, whose leading zeros count', () => {
  const G = {
    x: 'axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY',
    y: 'T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU',
  }
  const d = Buffer.concat([Buffer.alloc(31), Buffer.from([1])]).toString('base64url')
  sameAsOpenSsl({
    privateKey: createPrivateKey({ key: { kty: 'EC', crv: 'P-256', d, ...G }, format: 'jwk' }),
  })
})

test('other keys are written as well: RSA, and curves with and without a JSON Web Key', () => {
  sameAsOpenSsl(generateKeyPairSync('rsa', { modulusLength: 2048 }))
  sameAsOpenSsl(generateKeyPairSync('ec', { namedCurve: 'P-384' }))
  sameAsOpenSsl(generateKeyPairSync('ec', { namedCurve: 'brainpoolP256r1' }))
})
