/**
 * The parts of an X.509 v3 certificate (RFC 5280) that RELOAD looks at, read strictly. What is not understood and
 * marked critical refuses the certificate, as RFC 5280 s.4.2 demands.
 */
import { bytesEqual, DecodeError } from '../../common/bytes.ts'
import { wallOfCivil } from '../../common/calendar.ts'
import { fail, ok, type Result } from '../../common/errors.ts'
import type { WallTime } from '../../common/time.ts'
import { booleanOf, DerReader, TAG, wholeBytesOf, type DerElement } from './der.ts'
import { KnownOids } from './oid.ts'

/** A GeneralName (RFC 5280 s.4.2.1.6): context tag and content. */
export interface GeneralName {
  readonly tag: number
  readonly content: Uint8Array
}

export const GENERAL_NAME = { rfc822Name: 0x81, uri: 0x86 } as const

export interface X509Fields {
  /** What the issuer signed. */
  readonly tbs: Uint8Array
  readonly signature: Uint8Array
  /** Undefined for algorithms that we do not take from an issuer (SHA-1, MD5, PSS, ...). */
  readonly signedWith:
    { readonly algorithm: 'ecdsa' | 'rsa'; readonly hash: 'sha256' | 'sha384' | 'sha512' } | undefined
  readonly issuer: Uint8Array
  readonly subject: Uint8Array
  readonly notBefore: WallTime
  readonly notAfter: WallTime
  readonly publicKeyInfo: Uint8Array
  readonly keyAlgorithm: 'ecdsa' | 'rsa'
  readonly publicKey: PublicKey
  readonly isCa: boolean
  readonly pathLength: number | undefined
  /** First byte of the KeyUsage bits (digitalSignature 0x80, keyCertSign 0x04); undefined when absent. */
  readonly keyUsage: number | undefined
  readonly altNames: readonly GeneralName[]
}

/** What a SubjectPublicKeyInfo holds (RFC 5480 s.2, RFC 3279 s.2.3.1). */
export type PublicKey =
  /** `point` as it stands there, in whatever form; whether it is on the curve is for OpenSSL to say. */
  | { readonly algorithm: 'ecdsa'; readonly curve: 'P-256' | 'P-384'; readonly point: Uint8Array }
  /** DER RSAPublicKey. */
  | { readonly algorithm: 'rsa'; readonly pkcs1: Uint8Array }

const SIGNED_WITH: ReadonlyMap<string, NonNullable<X509Fields['signedWith']>> = new Map([
  ['1.2.840.113549.1.1.11', { algorithm: 'rsa', hash: 'sha256' }],
  ['1.2.840.113549.1.1.12', { algorithm: 'rsa', hash: 'sha384' }],
  ['1.2.840.113549.1.1.13', { algorithm: 'rsa', hash: 'sha512' }],
  ['1.2.840.10045.4.3.2', { algorithm: 'ecdsa', hash: 'sha256' }],
  ['1.2.840.10045.4.3.3', { algorithm: 'ecdsa', hash: 'sha384' }],
  ['1.2.840.10045.4.3.4', { algorithm: 'ecdsa', hash: 'sha512' }],
])

const RSA_KEY = '1.2.840.113549.1.1.1'
const EC_KEY = '1.2.840.10045.2.1'
const CURVES: ReadonlyMap<string, 'P-256' | 'P-384'> = new Map([
  ['1.2.840.10045.3.1.7', 'P-256'],
  ['1.3.132.0.34', 'P-384'],
])
const RSA_BITS_MIN = 2048
/** Verification time grows with the size of the key, and the key is a stranger's. */
const RSA_BITS_MAX = 8192

const SUBJECT_ALT_NAME = '2.5.29.17'
const BASIC_CONSTRAINTS = '2.5.29.19'
const KEY_USAGE = '2.5.29.15'
const EXTENDED_KEY_USAGE = '2.5.29.37'
const SUBJECT_KEY_IDENTIFIER = '2.5.29.14'
const AUTHORITY_KEY_IDENTIFIER = '2.5.29.35'

/** The ones of a certificate of a node or user first. */
const OIDS = new KnownOids([
  SUBJECT_ALT_NAME,
  BASIC_CONSTRAINTS,
  KEY_USAGE,
  SUBJECT_KEY_IDENTIFIER,
  AUTHORITY_KEY_IDENTIFIER,
  EC_KEY,
  ...CURVES.keys(),
  ...SIGNED_WITH.keys(),
  RSA_KEY,
  EXTENDED_KEY_USAGE,
])

/** Extensions and alternative names that one certificate may have; ours have six and two. */
const ENTRIES_MAX = 64

/** Reads one certificate; the reason of a failure is for logs. */
export function readX509(der: Uint8Array): Result<X509Fields, string> {
  try {
    return ok(certificate(der))
  } catch (error) {
    if (error instanceof DecodeError) return fail(`certificate: ${error.message}`)
    throw error
  }
}

/** Algorithm of a DER SubjectPublicKeyInfo whose kind and size we accept. */
export function keyAlgorithmOf(publicKeyInfo: Uint8Array): Result<'ecdsa' | 'rsa', string> {
  try {
    const outer = new DerReader(publicKeyInfo)
    const { algorithm } = publicKeyIn(outer.next(TAG.sequence))
    outer.end()
    return ok(algorithm)
  } catch (error) {
    if (error instanceof DecodeError) return fail(`public key: ${error.message}`)
    throw error
  }
}

function certificate(der: Uint8Array): X509Fields {
  const outer = new DerReader(der)
  const body = outer.enter(TAG.sequence)
  outer.end()
  const tbs = body.next(TAG.sequence)
  const algorithm = body.next(TAG.sequence)
  const signature = wholeBytesOf(body.next(TAG.bitString))
  body.end()

  const fields = tbs.reader()
  const version = fields.enter(0xa0).next(TAG.integer)
  if (version.length !== 1 || version.byte(0) !== 2) throw new DecodeError('not X.509 version 3', 0)
  fields.next(TAG.integer)
  const innerAlgorithm = fields.next(TAG.sequence)
  // RFC 5280 s.4.1.1.2: both places must say the same.
  if (!bytesEqual(algorithm.whole, innerAlgorithm.whole)) throw new DecodeError('two signature algorithms', 0)
  const issuer = fields.next(TAG.sequence).whole
  const validity = fields.enter(TAG.sequence)
  const notBefore = time(validity.next())
  const notAfter = time(validity.next())
  validity.end()
  const subject = fields.next(TAG.sequence).whole
  const publicKeyInfo = fields.next(TAG.sequence)
  fields.optional(0x81)
  fields.optional(0x82)
  const extensions = readExtensions(fields)
  fields.end()
  const publicKey = publicKeyIn(publicKeyInfo)
  return {
    tbs: tbs.whole,
    signature,
    signedWith: SIGNED_WITH.get(OIDS.textOf(algorithm.reader().next(TAG.oid))),
    issuer,
    subject,
    notBefore,
    notAfter,
    publicKeyInfo: publicKeyInfo.whole,
    keyAlgorithm: publicKey.algorithm,
    publicKey,
    ...extensions,
  }
}

interface Extensions {
  isCa: boolean
  pathLength: number | undefined
  keyUsage: number | undefined
  altNames: readonly GeneralName[]
}

function readExtensions(fields: DerReader): Extensions {
  const found: Extensions = { isCa: false, pathLength: undefined, keyUsage: undefined, altNames: [] }
  if (fields.peek() !== 0xa3) return found
  const wrapper = fields.enter(0xa3)
  const list = wrapper.enter(TAG.sequence)
  wrapper.end()
  const seen = new Set<string>()
  while (!list.done) {
    const extension = list.enter(TAG.sequence)
    const oid = OIDS.textOf(extension.next(TAG.oid))
    const flag = extension.optional(TAG.boolean)
    const critical = flag !== undefined && booleanOf(flag)
    const value = extension.next(TAG.octetString).reader()
    extension.end()
    if (seen.has(oid) || seen.size >= ENTRIES_MAX) throw new DecodeError('extension twice, or too many', 0)
    seen.add(oid)
    if (oid === SUBJECT_ALT_NAME) found.altNames = generalNames(value)
    else if (oid === BASIC_CONSTRAINTS) basicConstraints(value, found)
    else if (oid === KEY_USAGE) found.keyUsage = value.next(TAG.bitString).byte(1) ?? 0
    else if (critical && oid !== EXTENDED_KEY_USAGE)
      throw new DecodeError(`unknown critical extension ${oid}`, 0)
  }
  return found
}

function basicConstraints(value: DerReader, found: Extensions): void {
  const body = value.enter(TAG.sequence)
  value.end()
  const ca = body.optional(TAG.boolean)
  found.isCa = ca !== undefined && booleanOf(ca)
  const pathLength = body.optional(TAG.integer)
  body.end()
  if (pathLength === undefined) return
  const most = pathLength.byte(0)
  if (pathLength.length !== 1 || most === undefined || most > 127)
    throw new DecodeError('path length constraint', 0)
  found.pathLength = most
}

function generalNames(value: DerReader): readonly GeneralName[] {
  const list = value.enter(TAG.sequence)
  value.end()
  const names: GeneralName[] = []
  while (!list.done) {
    if (names.length >= ENTRIES_MAX) throw new DecodeError('too many alternative names', 0)
    const { tag, content } = list.next()
    names.push({ tag, content })
  }
  return names
}

function publicKeyIn(publicKeyInfo: DerElement): PublicKey {
  const body = publicKeyInfo.reader()
  const algorithm = body.enter(TAG.sequence)
  const oid = OIDS.textOf(algorithm.next(TAG.oid))
  const key = wholeBytesOf(body.next(TAG.bitString))
  body.end()
  if (oid === EC_KEY) {
    if (algorithm.peek() !== TAG.oid) throw new DecodeError('curve not named', 0)
    const name = OIDS.textOf(algorithm.next(TAG.oid))
    const curve = CURVES.get(name)
    if (curve === undefined) throw new DecodeError(`curve ${name} not accepted`, 0)
    return { algorithm: 'ecdsa', curve, point: key }
  }
  if (oid !== RSA_KEY) throw new DecodeError(`key algorithm ${oid} not accepted`, 0)
  const modulus = new DerReader(key).enter(TAG.sequence).next(TAG.integer).content
  const bits = bitLength(modulus)
  if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
    throw new DecodeError(`RSA key of ${bits} bits not accepted`, 0)
  return { algorithm: 'rsa', pkcs1: key }
}

function bitLength(integer: Uint8Array): number {
  let at = 0
  while (at < integer.length && integer[at] === 0) at++
  return at === integer.length ? 0 : 8 * (integer.length - at) - Math.clz32(integer[at] as number) + 24
}

/** RFC 5280 s.4.1.2.5: `YYMMDDHHMMSSZ` with a century rule, or `YYYYMMDDHHMMSSZ`. */
function time(element: DerElement): WallTime {
  const long = element.tag === TAG.generalizedTime
  if (!long && element.tag !== TAG.utcTime) throw new DecodeError('validity is no time', 0)
  if (element.length !== (long ? 15 : 13) || element.byte(element.length - 1) !== 0x5a) {
    throw new DecodeError('form of validity time', 0)
  }
  const digits = (at: number, count: number): number => {
    let value = 0
    for (let i = at; i < at + count; i++) {
      const digit = (element.byte(i) as number) - 0x30
      if (digit < 0 || digit > 9) throw new DecodeError('validity time is no number', i)
      value = value * 10 + digit
    }
    return value
  }
  const twoDigits = long ? 0 : digits(0, 2)
  const year = long ? digits(0, 4) : twoDigits + (twoDigits >= 50 ? 1900 : 2000)
  const at = long ? 4 : 2
  const wall = wallOfCivil({
    year,
    month: digits(at, 2),
    day: digits(at + 2, 2),
    hour: digits(at + 4, 2),
    minute: digits(at + 6, 2),
    second: digits(at + 8, 2),
    millisecond: 0,
  })
  if (wall === undefined) throw new DecodeError('no such validity time', 0)
  return wall
}
