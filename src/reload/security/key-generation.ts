/**
 * New key pairs, as bytes only. With Node 20 a KeyObject that `generateKeyPair` has made must not be exported as a JSON Web Key: that holds the
 * lock of the key while it allocates, and if the garbage collector comes by just then and ends the job which made the key, it waits for the same
 * lock, for ever.
 */
import { createECDH, generateKeyPairSync } from 'node:crypto'
import { p256Pkcs8, p256PublicKeyInfo } from './key-encoding.ts'

export interface GeneratedKey {
  /** DER PrivateKeyInfo. Secret. */
  readonly pkcs8: Uint8Array
  /** DER SubjectPublicKeyInfo. */
  readonly publicKeyInfo: Uint8Array
}

const NUMBER_BYTES = 32
/** What `generateKeyPair` wants for RSA. */
export const RSA_2048 = {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'der' },
  privateKeyEncoding: { type: 'pkcs8', format: 'der' },
} as const

/** Some 25 microseconds. */
export function generateP256(): GeneratedKey {
  const ecdh = createECDH('prime256v1')
  ecdh.generateKeys()
  const number = ecdh.getPrivateKey()
  // Without its leading zeros.
  const secret = new Uint8Array(NUMBER_BYTES)
  secret.set(number, NUMBER_BYTES - number.length)
  // Behind the byte that says that it is not compressed.
  const point = ecdh.getPublicKey().subarray(1)
  return { pkcs8: p256Pkcs8(secret, point), publicKeyInfo: p256PublicKeyInfo(point) }
}

/** About 100 ms. */
export function generateRsa(): GeneratedKey {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', RSA_2048)
  return { pkcs8: Uint8Array.from(privateKey), publicKeyInfo: publicKey }
}
