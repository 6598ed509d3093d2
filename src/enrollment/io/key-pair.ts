import { generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'

import {
  generateP256,
  privateKeyOf,
  RSA_2048,
  type GeneratedKey,
  type KeyAlgorithm,
} from '../../reload/security/index.ts'
import { pem } from './pem.ts'

const generate = promisify(generateKeyPair)

/** Parsing a private key costs OpenSSL as much as ten signatures; the bytes of one are read once. */
const KEYS = new WeakMap<Uint8Array, KeyObject>()

/** The key of a PKCS#8 DER that this process made or has read before. Throws when it cannot be read. */
export function keyOf(pkcs8: Uint8Array): KeyObject {
  let key = KEYS.get(pkcs8)
  if (key === undefined) {
    key = privateKeyOf(pkcs8)
    KEYS.set(pkcs8, key)
  }
  return key
}

/** A new P-256 or RSA-2048 key pair; RSA is made off the main thread, since it takes about 100 ms. */
export async function generateKey(algorithm: KeyAlgorithm): Promise<GeneratedKey> {
  if (algorithm !== 'rsa') return generateP256()
  const { privateKey, publicKey } = await generate('rsa', RSA_2048)
  return { pkcs8: Uint8Array.from(privateKey), publicKeyInfo: publicKey }
}

/** PKCS#8 in PEM, encrypted when a passphrase is given (PBES2 with AES-256). */
export function keyPem(pkcs8: Uint8Array, passphrase?: string): string {
  if (passphrase === undefined) return pem('PRIVATE KEY', pkcs8)
  return keyOf(pkcs8).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase }).toString()
}
