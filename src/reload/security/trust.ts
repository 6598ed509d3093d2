/**
 * Which certificates this overlay believes (RFC 6940 s.11.3): those whose chain ends at a root-cert of the
 * Configuration Document, or self-signed ones where it permits them; never one with a bad Node-ID.
 */
import { bytesEqual, lastWord, toHex } from '../../common/bytes.ts'
import { fail, ok, type Result } from '../../common/errors.ts'
import type { WallTime } from '../../common/time.ts'
import {
  CERTIFICATE_X509,
  HASH,
  key,
  sameId,
  type GenericCertificate,
  type NodeId,
  type SignerIdentity,
} from '../codec/index.ts'
import { appended } from '../../common/appended.ts'
import { BoundedCache } from '../../common/bounded-cache.ts'
import type { Certificate, CryptoPort } from './port.ts'
import { ProvenSignatures } from './proven-signatures.ts'
import { selfSignedNodeId } from './self-signed.ts'

/** Who signed, as proven by a signature: the certificate and the one of its Node-IDs that was meant. */
export interface Signer {
  readonly certificate: Certificate
  readonly nodeId: NodeId
}

export interface TrustSettings {
  readonly overlayName: string
  readonly roots: readonly Certificate[]
  /** Digest of self-signed-permitted; undefined when they are not permitted. */
  readonly selfSigned: 'sha1' | 'sha256' | undefined
  readonly badNodes: readonly NodeId[]
  /** Bytes; default 16. */
  readonly nodeIdLength?: number
}

/** Parsed certificates and judged chains kept; about 2 kB each. */
const CACHED_MAX = 4096
/** Certificates looked at in one bucket; 64 kB hold some 100 small ones, a StoreReq of ours has one or two. */
const BUCKET_MAX = 64
/** CA certificates between a leaf and its root. */
const INTERMEDIATES_MAX = 4
/** Issuer signatures checked for one certificate: bounds what a bucket of look-alike CAs can cost. */
const SIGNATURE_CHECKS_MAX = 12

/** A judged chain: valid in the time that all its certificates share. */
interface Standing {
  readonly certificate: Certificate
  readonly notBefore: WallTime
  readonly notAfter: WallTime
}

export class Trust {
  /** What need not be computed again about the signatures of stored values. */
  readonly proven: ProvenSignatures
  private readonly crypto: CryptoPort
  private readonly settings: TrustSettings
  private readonly badNodes: ReadonlySet<string>
  private readonly nodeIdLength: number
  private readonly parsed = new BoundedCache<Certificate>(CACHED_MAX)
  /**
   * The same certificates by the end of their signatures, which is as good as random and compared in full afterwards: nearly every message
   * brings one that was seen before.
   */
  private readonly lastSeen = new BoundedCache<Certificate, number>(CACHED_MAX)
  /** Asked for last: the values in a message are judged by the same certificates as the message. */
  private lastBucket: readonly GenericCertificate[] | undefined
  private lastPool: readonly Certificate[] = []
  private readonly standings = new BoundedCache<Standing>(CACHED_MAX)

  constructor(crypto: CryptoPort, settings: TrustSettings) {
    this.crypto = crypto
    this.proven = new ProvenSignatures(crypto)
    this.settings = settings
    this.badNodes = new Set(settings.badNodes.map(key))
    this.nodeIdLength = settings.nodeIdLength ?? 16
  }

  /**
   * The first of `ders` when it is to be believed at `wall`; the others are CA certificates on the way to a root.
   * This is the check of a TLS handshake's certificates and of an enrolled one.
   */
  accept(ders: readonly Uint8Array[], wall: WallTime): Result<Certificate, string> {
    const leafDer = ders[0]
    if (leafDer === undefined) return fail('no certificate')
    const leaf = this.parse(leafDer)
    if (!leaf.ok) return leaf
    return this.judge(leaf.value, this.parseAll(ders.slice(1)), wall)
  }

  /** A certificate of ours: what comes with it from the wire shall be the same object, and not be kept twice. Proves nothing. */
  remember(certificate: Certificate): void {
    const { der, fingerprint } = certificate
    if (this.lastSeen.get(lastWord(der)) === certificate) return
    this.parsed.set(fingerprint, certificate)
    this.saw(certificate)
  }

  /** Parses without believing; cached by fingerprint. */
  parse(der: Uint8Array): Result<Certificate, string> {
    const seen = this.lastSeen.get(lastWord(der))
    if (seen !== undefined && bytesEqual(seen.der, der)) return ok(seen)
    const parsed = this.parseOrRecall(der)
    if (parsed.ok) this.saw(parsed.value)
    return parsed
  }

  private saw(certificate: Certificate): void {
    this.lastSeen.set(lastWord(certificate.der), certificate)
  }

  private parseOrRecall(der: Uint8Array): Result<Certificate, string> {
    // Parsed before it is looked for: its fingerprint is computed there, and nearly always it is not known.
    const parsed = this.crypto.parseCertificate(der, this.settings.overlayName)
    if (!parsed.ok) return parsed
    const { fingerprint } = parsed.value
    const known = this.parsed.get(fingerprint)
    if (known !== undefined) return ok(known)
    this.parsed.set(fingerprint, parsed.value)
    return parsed
  }

  /** All that can be parsed, each once: the pool of `find`. Proves nothing. */
  parseAll(ders: readonly Uint8Array[]): Certificate[] {
    let pool: Certificate[] | undefined
    for (let i = 0; i < ders.length && i < BUCKET_MAX; i++) pool = this.added(pool, ders[i] as Uint8Array)
    return pool ?? []
  }

  /** The pool of a SecurityBlock's bucket; certificates that are not X.509 are left out (RFC 6940 s.6.3.4). */
  poolOf(bucket: readonly GenericCertificate[]): readonly Certificate[] {
    if (bucket === this.lastBucket) return this.lastPool
    let pool: Certificate[] | undefined
    let looked = 0
    for (const { type, certificate } of bucket) {
      if (type !== CERTIFICATE_X509) continue
      if (looked++ >= BUCKET_MAX) break
      pool = this.added(pool, certificate)
    }
    this.lastBucket = bucket
    this.lastPool = pool ?? []
    return this.lastPool
  }

  private added(pool: Certificate[] | undefined, der: Uint8Array): Certificate[] | undefined {
    const parsed = this.parse(der)
    if (!parsed.ok) return pool
    for (const { fingerprint } of pool ?? []) if (fingerprint === parsed.value.fingerprint) return pool
    return appended(pool, parsed.value)
  }

  /**
   * The certificate and Node-ID that `identity` means (RFC 6940 s.6.3.4), looked for in `pool` and among the
   * certificates believed before. Proves nothing: `judge` the result.
   */
  find(identity: SignerIdentity, pool: readonly Certificate[]): Signer | undefined {
    if (identity.kind === 'none' || identity.kind === 'unknown') return undefined
    const algorithm = HASH_NAMES.get(identity.hashAlgorithm)
    if (algorithm === undefined) return undefined
    if (identity.kind === 'certHash') return this.findByHash(algorithm, identity.hash, pool)
    for (const certificate of pool) {
      for (const nodeId of certificate.nodeIds) {
        if (sameId(this.crypto.hash(algorithm, [nodeId, certificate.der]), identity.hash))
          return { certificate, nodeId }
      }
    }
    return undefined
  }

  /** Whether a parsed certificate is to be believed at `wall`. `pool` may hold the CA certificates between. */
  judge(certificate: Certificate, pool: readonly Certificate[], wall: WallTime): Result<Certificate, string> {
    for (const nodeId of certificate.nodeIds) {
      if (nodeId.length !== this.nodeIdLength) return fail('Node-ID of the wrong length')
      // RFC 6940 s.11.1: the only revocation there is; checked at every use, whatever is cached.
      if (this.badNodes.size > 0 && this.badNodes.has(key(nodeId)))
        return fail('Node-ID is listed as bad-node')
    }
    let standing = this.standings.get(certificate.fingerprint)
    if (standing === undefined) {
      const judged = this.standingOf(certificate, pool, wall)
      if (!judged.ok) return judged
      standing = judged.value
      this.standings.set(certificate.fingerprint, standing)
    }
    if (wall < standing.notBefore) return fail('certificate or its issuer is not valid yet')
    // The chain may have been judged through a CA that has run out since; another one may do.
    if (wall > standing.notAfter) {
      this.standings.delete(certificate.fingerprint)
      return fail('certificate or its issuer has expired')
    }
    return ok(standing.certificate)
  }

  private findByHash(
    algorithm: 'sha1' | 'sha256',
    hash: Uint8Array,
    pool: readonly Certificate[],
  ): Signer | undefined {
    let found: Certificate | undefined
    if (algorithm === 'sha256') {
      found =
        pool.find((certificate) => sameId(certificate.sha256, hash)) ??
        this.standings.get(toHex(hash))?.certificate
    } else {
      found = pool.find((certificate) => sameId(this.crypto.hash(algorithm, [certificate.der]), hash))
    }
    // A plain hash of a certificate with several Node-IDs does not say which one signed.
    const nodeId = found?.nodeIds[0]
    return found === undefined || nodeId === undefined || found.nodeIds.length !== 1
      ? undefined
      : { certificate: found, nodeId }
  }

  private standingOf(
    certificate: Certificate,
    pool: readonly Certificate[],
    wall: WallTime,
  ): Result<Standing, string> {
    if (certificate.nodeIds.length === 0 || certificate.userName === '')
      return fail('certificate is not one of a node')
    const walk: Walk = { pool, wall, checksLeft: SIGNATURE_CHECKS_MAX }
    const leaf: Standing = { certificate, notBefore: certificate.notBefore, notAfter: certificate.notAfter }
    if (!certificate.isCa) {
      const standing = this.chain(leaf, certificate, 0, walk)
      if (standing !== undefined) return ok(standing)
    }
    const { selfSigned } = this.settings
    if (selfSigned === undefined)
      return fail(walk.outOfTime ?? 'certificate does not chain to a root-cert of the overlay')
    if (!this.crypto.issued(certificate, certificate))
      return fail(walk.outOfTime ?? 'certificate is neither issued by a root-cert nor self-signed')
    const count = certificate.nodeIds.length
    for (const [i, nodeId] of certificate.nodeIds.entries()) {
      const due = selfSignedNodeId(
        this.crypto,
        selfSigned,
        certificate.publicKeyInfo,
        this.nodeIdLength,
        count,
        i + 1,
      )
      if (!sameId(due, nodeId)) return fail('Node-ID is not the digest of the self-signed key')
    }
    return ok(leaf)
  }

  /** RFC 5280 s.6.1 as far as RELOAD needs it: names, signatures, validity, BasicConstraints with path length. */
  private chain(standing: Standing, below: Certificate, depth: number, walk: Walk): Standing | undefined {
    for (const root of this.settings.roots) {
      if (root.isCa && this.links(root, below, depth, walk)) return narrowed(standing, root)
    }
    if (depth >= INTERMEDIATES_MAX) return undefined
    for (const ca of walk.pool) {
      if (!ca.isCa || ca.fingerprint === below.fingerprint || !this.links(ca, below, depth, walk)) continue
      const whole = this.chain(narrowed(standing, ca), ca, depth + 1, walk)
      if (whole !== undefined) return whole
    }
    return undefined
  }

  private links(issuer: Certificate, below: Certificate, depth: number, walk: Walk): boolean {
    if (issuer.pathLength !== undefined && issuer.pathLength < depth) return false
    if (walk.checksLeft-- <= 0) return false
    if (!this.crypto.issued(issuer, below)) return false
    if (walk.wall >= issuer.notBefore && walk.wall <= issuer.notAfter) return true
    // A wrong clock is mended otherwise than a foreign root.
    const when = walk.wall < issuer.notBefore ? 'begins later' : 'has ended'
    walk.outOfTime ??= `the certificate of a CA above it ${when}, by the clock of this machine`
    return false
  }
}

interface Walk {
  readonly pool: readonly Certificate[]
  readonly wall: WallTime
  checksLeft: number
  /** Why a chain that holds otherwise does not count now. */
  outOfTime?: string
}

const HASH_NAMES: ReadonlyMap<number, 'sha1' | 'sha256'> = new Map([
  [HASH.sha1, 'sha1'],
  [HASH.sha256, 'sha256'],
])

function narrowed(standing: Standing, issuer: Certificate): Standing {
  return {
    certificate: standing.certificate,
    notBefore: Math.max(standing.notBefore, issuer.notBefore),
    notAfter: Math.min(standing.notAfter, issuer.notAfter),
  }
}
