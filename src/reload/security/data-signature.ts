/** Signature of one stored value (RFC 6940 s.7.1), which outlives the message that carried it. */
import { Writer } from '../../common/bytes.ts'
import { fail, ok, type Result } from '../../common/errors.ts'
import type { WallTime } from '../../common/time.ts'
import {
  type KindId,
  type ResourceId,
  type SignerIdentity,
  type StoredData,
  type StoredDataValue,
  writeSignerIdentity,
  writeStoredDataValue,
} from '../codec/index.ts'
import type { Certificate, Credential, CryptoPort } from './port.ts'
import { signerIdentityOf } from './signer-identity.ts'
import type { Signer, Trust } from './trust.ts'

export interface DataToSign {
  readonly resource: ResourceId
  readonly kind: KindId
  /** Milliseconds since 1970. */
  readonly storageTime: bigint
  /** Seconds. Not covered by the signature. */
  readonly lifetime: number
  readonly value: StoredDataValue
}

export interface DataToVerify {
  readonly resource: ResourceId
  readonly kind: KindId
  readonly data: StoredData
  /** Certificates that came with the value (`Trust.poolOf`). */
  readonly pool: readonly Certificate[]
}

/**
 * RFC 6940 s.7.1 does not say whether resource_id is meant with its length byte. We sign the encoded field, as every
 * other item is one, and take both when verifying.
 */
const RESOURCE_ID_FORM: 'encoded' | 'raw' = 'encoded'

/** A StoredData signed by `credential`. */
export function signStoredData(crypto: CryptoPort, credential: Credential, toSign: DataToSign): StoredData {
  const { resource, kind, storageTime, lifetime, value } = toSign
  const identity = signerIdentityOf(crypto, credential.certificate, credential.nodeId)
  const encoded = encodedForm(resource, kind, storageTime, value, identity)
  const input = RESOURCE_ID_FORM === 'raw' ? rawForm(encoded) : encoded
  return { storageTime, lifetime, value, signature: { ...crypto.sign(credential, input), identity } }
}

/**
 * Who signed a stored value. Its access policy is another question (access-control.ts). A signature that was found right
 * before is not computed again; whether its certificate is to be believed now is asked every time.
 */
export function verifyStoredData(
  trust: Trust,
  toVerify: DataToVerify,
  wall: WallTime,
): Result<Signer, string> {
  const { resource, kind, data, pool } = toVerify
  const { signature } = data
  // Identity `none` stands on values made up by a storing peer (RFC 6940 s.7.4.2.2); nobody answers for them.
  if (signature.identity.kind === 'none') return fail('value is not signed')
  const signer = trust.find(signature.identity, pool)
  if (signer === undefined) return fail('no certificate fits the signer identity of the value')
  // RFC 6940 s.7.1: a value is no longer valid than its signer's certificate.
  const judged = trust.judge(signer.certificate, pool, wall)
  if (!judged.ok) return judged
  const encoded = encodedForm(resource, kind, data.storageTime, data.value, signature.identity)
  return trust.proven.signedOneOf(signer.certificate, signature, [encoded, rawForm(encoded)])
    ? ok(signer)
    : fail('signature of the value is wrong')
}

/** What is signed: resource_id with its length, kind, storage_time, StoredDataValue, SignerIdentity. */
function encodedForm(
  resource: ResourceId,
  kind: KindId,
  storageTime: bigint,
  value: StoredDataValue,
  identity: SignerIdentity,
): Uint8Array {
  const writer = new Writer()
  writer.u8(resource.length)
  writer.bytes(resource)
  writer.u32(kind)
  writer.u64(storageTime)
  // The array index is zeroed: an append does not know its index yet.
  writeStoredDataValue(writer, value.model === 'array' ? { ...value, index: 0 } : value)
  writeSignerIdentity(writer, identity)
  return writer.donePassing()
}

/** Both forms differ in nothing but the length byte at the front. */
function rawForm(encoded: Uint8Array): Uint8Array {
  return encoded.subarray(1)
}
