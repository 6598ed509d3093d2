/** The real CryptoPort: OpenSSL through node:crypto, everything synchronous. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  hash,
  sign,
  verify,
  type JsonWebKeyInput,
  type KeyObject,
  type PublicKeyInput,
} from 'node:crypto'

import { invariant } from '../../common/assert.ts'
import { latin1Bytes } from '../../common/byte-text.ts'
import { bytesEqual, toHex } from '../../common/bytes.ts'
import { fail, ok, RingbridgeError, type Result } from '../../common/errors.ts'
import { HASH, SIGNATURE, type NodeId } from '../codec/index.ts'
import { BoundedCache } from '../../common/bounded-cache.ts'
import { identitiesOf } from './certificate-identity.ts'
import { privateKeyOf, publicKeyInfoOf } from './key-encoding.ts'
import { generateP256, generateRsa, type GeneratedKey } from './key-generation.ts'
import { PrivateKeys } from './private-keys.ts'
import type { Certificate, Credential, CryptoPort, RawSignature } from './port.ts'
import { GENERAL_NAME, keyAlgorithmOf, readX509, type X509Fields } from './x509.ts'

/** What a certificate's `handle` is here. */
interface Handle {
  readonly keyAlgorithm: KeyAlgorithm
  /** Name of the issuer, in DER. */
  readonly issuer: Uint8Array
  /**
   * Of a CA, which is asked with every certificate below it. A node keeps very many of those: what their dozen views are worth is
   * read again the one time that somebody asks.
   */
  readonly fields: X509Fields | undefined
}

/** `undefined` inside means that OpenSSL refused the key. */
interface ImportedKey {
  readonly key: KeyObject | undefined
}

/**
 * Public keys that stay imported, those used last: one takes 5 kB of OpenSSL's memory, and importing it anew costs about as much as
 * the check that it is wanted for. The keys of users are wanted once in half an hour each.
 */
const IMPORTED_KEYS_MAX = 4_096

export type KeyAlgorithm = 'ecdsa' | 'rsa'

/** KeyUsage bits (RFC 5280 s.4.2.1.3) as they stand in the first byte. */
const DIGITAL_SIGNATURE = 0x80
const KEY_CERT_SIGN = 0x04

/** ECDSA signatures are DER SEQUENCEs (RFC 4492 s.5.4), as TLS 1.2 has them and RFC 6940 s.6.3.4 by reference. */
export class NodeCrypto implements CryptoPort {
  private readonly publicKeys: BoundedCache<ImportedKey>
  private readonly privateKeys: PrivateKeys

  /** How many public keys and how many private ones stay imported. */
  constructor(publicKeysMax = IMPORTED_KEYS_MAX, privateKeysMax?: number) {
    this.publicKeys = new BoundedCache(publicKeysMax)
    this.privateKeys = new PrivateKeys(privateKeysMax)
  }

  hash(algorithm: 'sha1' | 'sha256', parts: readonly Uint8Array[]): Uint8Array {
    // As text first: a Buffer of a digest has memory of its own outside of the heap, which takes longer than the digest, and for good.
    const [only] = parts
    if (only !== undefined && parts.length === 1) return latin1Bytes(hash(algorithm, only, 'binary'))
    const several = createHash(algorithm)
    for (const part of parts) several.update(part)
    return latin1Bytes(several.digest('binary'))
  }

  fingerprint(bytes: Uint8Array): string {
    return hash('sha256', bytes, 'hex')
  }

  parseCertificate(input: Uint8Array, overlayName: string): Result<Certificate, string> {
    // A copy: the input is often a view on a message, which a cached certificate would keep alive.
    const der = new Uint8Array(input)
    const fields = readX509(der)
    if (!fields.ok) return fields
    const x509 = fields.value
    let nodeIds: readonly NodeId[] = []
    let userName = ''
    // A CA needs no identity in the overlay; its other names are nobody's business.
    if (!x509.isCa || x509.altNames.some((name) => name.tag === GENERAL_NAME.uri)) {
      const identities = identitiesOf(x509.altNames, overlayName)
      if (!identities.ok) return identities
      ;({ nodeIds, userName } = identities.value)
      if (!allows(x509, DIGITAL_SIGNATURE)) return fail('certificate must not be used for signatures')
    }
    const sha256 = this.hash('sha256', [der])
    const handle: Handle = {
      keyAlgorithm: x509.keyAlgorithm,
      issuer: x509.issuer,
      fields: x509.isCa ? x509 : undefined,
    }
    return ok({
      der,
      sha256,
      fingerprint: toHex(sha256),
      nodeIds,
      userName,
      notBefore: x509.notBefore,
      notAfter: x509.notAfter,
      publicKeyInfo: x509.publicKeyInfo,
      isCa: x509.isCa && allows(x509, KEY_CERT_SIGN),
      ...(x509.pathLength === undefined ? {} : { pathLength: x509.pathLength }),
      handle,
    })
  }

  issued(issuer: Certificate, certificate: Certificate): boolean {
    const from = fieldsOf(issuer)
    if (!bytesEqual(from.subject, handleOf(certificate).issuer)) return false
    const fields = fieldsOf(certificate)
    const algorithm = fields.signedWith
    if (algorithm === undefined || algorithm.algorithm !== from.keyAlgorithm) return false
    const key = this.publicKeyOf(issuer)
    return key !== undefined && checked(algorithm.hash, fields.tbs, key, fields.signature)
  }

  sign(credential: Credential, data: Uint8Array): RawSignature {
    return {
      hashAlgorithm: HASH.sha256,
      signatureAlgorithm: credential.algorithm === 'rsa' ? SIGNATURE.rsa : SIGNATURE.ecdsa,
      value: plain(sign('sha256', data, this.privateKeys.imported(credential))),
    }
  }

  verify(certificate: Certificate, signature: RawSignature, data: Uint8Array): boolean {
    if (signature.hashAlgorithm !== HASH.sha256) return false
    const wanted = handleOf(certificate).keyAlgorithm === 'rsa' ? SIGNATURE.rsa : SIGNATURE.ecdsa
    if (signature.signatureAlgorithm !== wanted) return false
    const key = this.publicKeyOf(certificate)
    return key !== undefined && checked('sha256', data, key, signature.value)
  }

  /**
   * A certificate with its private key, parsed or PKCS#8 as DER or PEM. Throws `RingbridgeError` with code
   * `credential_invalid` when either cannot be read or they do not belong together. `chain` are CA certificates below the
   * root.
   */
  importCredential(
    certificateDer: Uint8Array,
    privateKey: KeyObject | Uint8Array | string,
    overlayName: string,
    chain: readonly Uint8Array[] = [],
  ): Credential {
    const certificate = this.parsedOrThrown(certificateDer, overlayName)
    const nodeId = certificate.nodeIds[0]
    if (nodeId === undefined)
      throw new RingbridgeError('credential_invalid', 'the certificate names no Node-ID')
    const key = isKeyObject(privateKey) ? privateKey : readPrivateKey(privateKey)
    if (!bytesEqual(acceptedKeyInfoOf(key), certificate.publicKeyInfo)) {
      throw new RingbridgeError('credential_invalid', 'the private key does not belong to the certificate')
    }
    return {
      certificate,
      nodeId,
      algorithm: handleOf(certificate).keyAlgorithm,
      key: this.privateKeys.keep(key, privateKey instanceof Uint8Array ? privateKey : undefined),
      chain: chain.map((der) => this.parsedOrThrown(der, overlayName)),
    }
  }

  /** A new key pair: P-256, or RSA of 2048 bits (about 100 ms). */
  generateKey(algorithm: KeyAlgorithm): GeneratedKey {
    return algorithm === 'rsa' ? generateRsa() : generateP256()
  }

  private publicKeyOf(certificate: Certificate): KeyObject | undefined {
    const { fingerprint } = certificate
    let known = this.publicKeys.get(fingerprint)
    if (known === undefined) {
      known = { key: imported(fieldsOf(certificate)) }
      this.publicKeys.set(fingerprint, known)
    }
    return known.key
  }

  private parsedOrThrown(der: Uint8Array, overlayName: string): Certificate {
    const certificate = this.parseCertificate(der, overlayName)
    if (!certificate.ok) throw new RingbridgeError('credential_invalid', certificate.error)
    return certificate.value
  }
}

/** RFC 5280 s.4.2.1.3: an absent KeyUsage allows everything. */
function allows(x509: X509Fields, usage: number): boolean {
  return x509.keyUsage === undefined || (x509.keyUsage & usage) !== 0
}

function handleOf(certificate: Certificate): Handle {
  return certificate.handle as Handle
}

function fieldsOf(certificate: Certificate): X509Fields {
  const { fields } = handleOf(certificate)
  if (fields !== undefined) return fields
  const read = readX509(certificate.der)
  invariant(read.ok, 'a certificate that was read can be read')
  return read.value
}

/** A plain Uint8Array on the same memory: Buffer's `slice` and `toString` mean other things. */
function plain(bytes: Buffer): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** OpenSSL throws on a point off its curve and the like; such a key verifies nothing. */
function imported(fields: X509Fields): KeyObject | undefined {
  try {
    return createPublicKey(importForm(fields))
  } catch {
    return undefined
  }
}

/** OpenSSL 3 looks for the right decoder of a SubjectPublicKeyInfo for longer than a signature takes; these it need not guess. */
function importForm({ publicKey, publicKeyInfo }: X509Fields): PublicKeyInput | JsonWebKeyInput {
  if (publicKey.algorithm === 'rsa')
    return { key: Buffer.from(publicKey.pkcs1), format: 'der', type: 'pkcs1' }
  const { curve, point } = publicKey
  const coordinateBytes = COORDINATE_BYTES[curve]
  // RFC 5480 s.2.2: a compressed point has its x alone.
  if (point[0] !== UNCOMPRESSED || point.length !== 1 + 2 * coordinateBytes)
    return { key: Buffer.from(publicKeyInfo), format: 'der', type: 'spki' }
  const x = base64url(point.subarray(1, 1 + coordinateBytes))
  const y = base64url(point.subarray(1 + coordinateBytes))
  return { key: { kty: 'EC', crv: curve, x, y }, format: 'jwk' }
}

const UNCOMPRESSED = 0x04
const COORDINATE_BYTES = { 'P-256': 32, 'P-384': 48 } as const

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url')
}

/** False for anything that OpenSSL cannot read as a signature. */
function checked(hash: string, data: Uint8Array, key: KeyObject, signature: Uint8Array): boolean {
  try {
    return verify(hash, data, key, signature)
  } catch {
    return false
  }
}

function isKeyObject(key: KeyObject | Uint8Array | string): key is KeyObject {
  return typeof key !== 'string' && !(key instanceof Uint8Array)
}

function readPrivateKey(input: Uint8Array | string): KeyObject {
  try {
    return typeof input === 'string' ? createPrivateKey(input) : privateKeyOf(input)
  } catch (cause) {
    throw new RingbridgeError('credential_invalid', 'the private key cannot be read as PKCS#8', { cause })
  }
}

function acceptedKeyInfoOf(key: KeyObject): Uint8Array {
  const publicKeyInfo = publicKeyInfoOf(key)
  const algorithm = keyAlgorithmOf(publicKeyInfo)
  if (!algorithm.ok) throw new RingbridgeError('credential_invalid', algorithm.error)
  return publicKeyInfo
}
