/**
 * Keys as DER. OpenSSL 3 takes longer to write a P-256 key than to sign with it (its encoders are looked up each time), and who certifies
 * thousands of users writes as many: those are put together here, byte for byte as OpenSSL would.
 */
import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { bytesEqual, concatBytes, fromHex } from '../../common/bytes.ts'

/** SubjectPublicKeyInfo of P-256 (RFC 5480 s.2) up to x and y of its uncompressed point. */
const PUBLIC_HEAD = bytesOf('3059301306072a8648ce3d020106082a8648ce3d03010703420004')
/** PrivateKeyInfo with an ECPrivateKey of P-256 (RFC 5958 s.2, RFC 5915 s.3) up to the secret number, and from there to x and y. */
const PRIVATE_HEAD = bytesOf('308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420')
const PRIVATE_MIDDLE = bytesOf('a14403420004')
const NUMBER_BYTES = 32
const X_AT = PRIVATE_HEAD.length + NUMBER_BYTES + PRIVATE_MIDDLE.length
const PRIVATE_BYTES = X_AT + 2 * NUMBER_BYTES

/** DER SubjectPublicKeyInfo of a private or public key. */
export function publicKeyInfoOf(key: KeyObject): Uint8Array {
  const publicKey = key.type === 'public' ? key : createPublicKey(key)
  const p256 = numbersOf(publicKey)
  return p256 === undefined
    ? publicKey.export({ type: 'spki', format: 'der' })
    : p256PublicKeyInfo(concatBytes([numberOf(p256.x), numberOf(p256.y)]))
}

/** DER PrivateKeyInfo of a private key. Secret. */
export function pkcs8Of(privateKey: KeyObject): Uint8Array {
  const p256 = numbersOf(privateKey)
  return p256 === undefined
    ? Uint8Array.from(privateKey.export({ type: 'pkcs8', format: 'der' }))
    : p256Pkcs8(numberOf(p256.d), concatBytes([numberOf(p256.x), numberOf(p256.y)]))
}

/** SubjectPublicKeyInfo of the P-256 key at this point, x and y of 32 bytes each. */
export function p256PublicKeyInfo(point: Uint8Array): Uint8Array {
  return concatBytes([PUBLIC_HEAD, point])
}

/** PrivateKeyInfo of a P-256 key from its secret number of 32 bytes and its point. */
export function p256Pkcs8(secret: Uint8Array, point: Uint8Array): Uint8Array {
  return concatBytes([PRIVATE_HEAD, secret, PRIVATE_MIDDLE, point])
}

/** The key of a DER PrivateKeyInfo. Throws when it cannot be read. */
export function privateKeyOf(pkcs8: Uint8Array): KeyObject {
  const isP256 =
    pkcs8.length === PRIVATE_BYTES && bytesEqual(pkcs8.subarray(0, PRIVATE_HEAD.length), PRIVATE_HEAD)
  if (!isP256) return createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' })
  const number = (at: number): string =>
    Buffer.from(pkcs8.subarray(at, at + NUMBER_BYTES)).toString('base64url')
  const numbers = { d: number(PRIVATE_HEAD.length), x: number(X_AT), y: number(X_AT + NUMBER_BYTES) }
  return createPrivateKey({ key: { kty: 'EC', crv: 'P-256', ...numbers }, format: 'jwk' })
}

/** As a JSON Web Key (RFC 7517), which OpenSSL's encoders have no part in; undefined for any other kind of key. */
function numbersOf(key: KeyObject): JsonWebKey | undefined {
  if (key.asymmetricKeyType !== 'ec') return undefined
  try {
    const numbers = key.export({ format: 'jwk' })
    return numbers.crv === 'P-256' ? numbers : undefined
  } catch {
    // A curve for which there is no JSON Web Key.
    return undefined
  }
}

/** RFC 7518 s.6.2.1.2: of full length. */
function numberOf(text: string | undefined): Uint8Array {
  const bytes = Buffer.from(text ?? '', 'base64url')
  if (bytes.length !== NUMBER_BYTES) throw new RangeError('not a number of a P-256 key')
  return bytes
}

function bytesOf(hex: string): Uint8Array {
  return fromHex(hex) as Uint8Array
}
