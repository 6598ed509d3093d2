/**
 * A CryptoPort for simulations of thousands of peers: certificates and signatures are keyed hashes that anyone could
 * forge, but as large as real ones and refused for the same reasons. Never used outside tests and the simulator.
 */
import { createHash } from 'node:crypto'

import { latin1Bytes } from '../../common/byte-text.ts'
import { bytesEqual, DecodeError, fromUtf8, Reader, toHex, utf8, Writer } from '../../common/bytes.ts'
import { fail, ok, type Result } from '../../common/errors.ts'
import type { WallTime } from '../../common/time.ts'
import { asNodeId, HASH, isWildcard, isZero, SIGNATURE, type NodeId } from '../codec/index.ts'
import type { Certificate, Credential, CryptoPort, RawSignature } from './port.ts'

const MAGIC = 0x5354_4e44
/** About as long as a P-256 certificate of ours and an ECDSA signature, so that size limits behave alike. */
const CERTIFICATE_BYTES = 448
const SIGNATURE_BYTES = 64
/** Tag and length of a DER SEQUENCE of that size, so that it may stand as a root-cert. */
const DER_HEAD = 0x3082_0000 + CERTIFICATE_BYTES - 4
const FOREVER: WallTime = 253_402_300_799_000

export interface StandInOptions {
  readonly notBefore?: WallTime
  readonly notAfter?: WallTime
  /** Self-signed when undefined; otherwise the fingerprint of this certificate is named as issuer. */
  readonly issuer?: Certificate
  /** Node-IDs beside that of the credential. */
  readonly more?: readonly NodeId[]
}

export class StandInCrypto implements CryptoPort {
  hash(algorithm: 'sha1' | 'sha256', parts: readonly Uint8Array[]): Uint8Array {
    return digest(algorithm, parts)
  }

  fingerprint(bytes: Uint8Array): string {
    return toHex(digest('sha256', [bytes]))
  }

  parseCertificate(der: Uint8Array, overlayName: string): Result<Certificate, string> {
    try {
      return read(new Uint8Array(der), overlayName)
    } catch (error) {
      if (error instanceof DecodeError) return fail(`stand-in certificate: ${error.message}`)
      throw error
    }
  }

  issued(issuer: Certificate, certificate: Certificate): boolean {
    return bytesEqual(issuer.publicKeyInfo, certificate.handle as Uint8Array)
  }

  sign(credential: Credential, data: Uint8Array): RawSignature {
    return {
      hashAlgorithm: HASH.sha256,
      signatureAlgorithm: SIGNATURE.ecdsa,
      value: signatureOf(credential.certificate, data),
    }
  }

  verify(certificate: Certificate, signature: RawSignature, data: Uint8Array): boolean {
    return (
      signature.hashAlgorithm === HASH.sha256 &&
      signature.signatureAlgorithm === SIGNATURE.ecdsa &&
      bytesEqual(signature.value, signatureOf(certificate, data))
    )
  }
}

/** The root of a simulated overlay; the same bytes for the same name. */
export function makeStandInRoot(overlayName: string): Certificate {
  return made(encode([], '', overlayName, true, {}), overlayName)
}

/** A credential below `makeStandInRoot(overlayName)`, unless the options say otherwise. */
export function makeStandInCredential(
  nodeId: NodeId,
  userName: string,
  overlayName: string,
  options: StandInOptions = { issuer: makeStandInRoot(overlayName) },
): Credential {
  const certificate = made(
    encode([nodeId, ...(options.more ?? [])], userName, overlayName, false, options),
    overlayName,
  )
  return { certificate, nodeId, algorithm: 'ecdsa', key: undefined }
}

function made(der: Uint8Array, overlayName: string): Certificate {
  const certificate = read(der, overlayName)
  if (!certificate.ok) throw new RangeError(certificate.error)
  return certificate.value
}

function encode(
  nodeIds: readonly NodeId[],
  userName: string,
  overlayName: string,
  isCa: boolean,
  options: StandInOptions,
): Uint8Array {
  const out = new Writer()
  out.u32(DER_HEAD)
  out.u32(MAGIC)
  out.u8(isCa ? 1 : 0)
  out.prefixed(1, utf8(overlayName))
  out.prefixed(1, utf8(userName))
  out.u8(nodeIds.length)
  for (const nodeId of nodeIds) out.prefixed(1, nodeId)
  out.u64(BigInt(options.notBefore ?? 0))
  out.u64(BigInt(options.notAfter ?? FOREVER))
  const key = keyOf(overlayName, userName, nodeIds)
  out.bytes(key)
  out.bytes(options.issuer?.publicKeyInfo ?? key)
  while (out.length < CERTIFICATE_BYTES - 4) out.u8(0)
  // A real one ends with a signature: with something that others do not end with.
  out.bytes(key.subarray(0, 4))
  return out.done()
}

function read(der: Uint8Array, overlayName: string): Result<Certificate, string> {
  const reader = new Reader(der)
  if (reader.u32() !== DER_HEAD || reader.u32() !== MAGIC) return fail('not a stand-in certificate')
  const isCa = reader.u8() === 1
  if (fromUtf8(reader.bytes(reader.u8())) !== overlayName) return fail('certificate of another overlay')
  const userName = fromUtf8(reader.bytes(reader.u8()))
  const nodeIds: NodeId[] = []
  for (let count = reader.u8(); count > 0; count--) nodeIds.push(asNodeId(reader.bytes(reader.u8())))
  if (nodeIds.some((id) => id.length < 16 || id.length > 20 || isZero(id) || isWildcard(id))) {
    return fail('certificate with an impossible Node-ID')
  }
  const notBefore = Number(reader.u64())
  const notAfter = Number(reader.u64())
  const publicKeyInfo = reader.bytes(16)
  const issuerKey = reader.bytes(16)
  const sha256 = digest('sha256', [der])
  const fingerprint = toHex(sha256)
  return ok({
    der,
    sha256,
    fingerprint,
    nodeIds,
    userName,
    notBefore,
    notAfter,
    publicKeyInfo,
    isCa,
    handle: issuerKey,
  })
}

/** Stands for the key pair: whoever knows the names knows it. */
function keyOf(overlayName: string, userName: string, nodeIds: readonly NodeId[]): Uint8Array {
  return digest('sha256', [utf8(`${overlayName}\0${userName}\0`), ...nodeIds]).slice(0, 16)
}

/** Not even hard to invert, but different for every key and every change of a bit; a tenth of the cost of a digest. */
function signatureOf({ publicKeyInfo }: Certificate, data: Uint8Array): Uint8Array {
  let a = 0x811c9dc5
  let b = 0x9e3779b9
  for (let i = 0; i < publicKeyInfo.length; i++) {
    a = Math.imul(a ^ (publicKeyInfo[i] as number), 0x01000193)
    b = Math.imul(b + (publicKeyInfo[i] as number), 0x85ebca6b) ^ (b >>> 15)
  }
  for (let i = 0; i < data.length; i++) {
    a = Math.imul(a ^ (data[i] as number), 0x01000193)
    b = Math.imul(b + (data[i] as number), 0x85ebca6b) ^ (b >>> 15)
  }
  const value = new Uint8Array(SIGNATURE_BYTES)
  for (let i = 0; i < 4; i++) {
    value[i] = a >>> (8 * i)
    value[i + 4] = b >>> (8 * i)
    // A real one ends with bytes that are as good as random too.
    value[SIGNATURE_BYTES - 4 + i] = value[i] as number
  }
  return value
}

function digest(algorithm: string, parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash(algorithm)
  for (const part of parts) hash.update(part)
  return latin1Bytes(hash.digest('binary'))
}
