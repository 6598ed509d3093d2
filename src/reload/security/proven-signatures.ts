import { Writer } from '../../common/bytes.ts'
import { BoundedCache } from '../../common/bounded-cache.ts'
import type { Certificate, CryptoPort, RawSignature } from './port.ts'
import { SeenOnce } from './seen-once.ts'

/** Signatures remembered, some 200 bytes each: two for each of the users whose calls a busy peer carries. Judgement. */
const PROVEN_MAX = 16_384

/**
 * Signatures that were found right, so that a stored value that comes back with every lookup is checked twice and no more. It
 * holds for the same key, the same signature and the same signed bytes only, all of which go into one SHA-256; what was found
 * wrong is not kept. What comes once, as nearly all that is stored here, is not kept either: to keep it costs a quarter of the check.
 * This is the arithmetic alone: validity, bad nodes and policies are looked at every time, elsewhere.
 */
export class ProvenSignatures {
  private readonly crypto: CryptoPort
  private readonly proven: BoundedCache<true>
  private readonly seen = new SeenOnce()

  constructor(crypto: CryptoPort, limit: number = PROVEN_MAX) {
    this.crypto = crypto
    this.proven = new BoundedCache(limit)
  }

  get size(): number {
    return this.proven.size
  }

  /**
   * Whether the key of `certificate` signed one of `forms`, which are readings of the same thing: the others follow from the
   * first, which therefore stands for all of them.
   */
  signedOneOf(
    certificate: Certificate,
    signature: RawSignature,
    forms: readonly [Uint8Array, ...Uint8Array[]],
  ): boolean {
    if (!this.seen.has(signature.value)) {
      const right = this.computed(certificate, signature, forms)
      if (right) this.seen.note(signature.value)
      return right
    }
    const name = this.nameOf(certificate, signature, forms[0])
    if (this.proven.get(name) !== undefined) return true
    if (!this.computed(certificate, signature, forms)) return false
    this.proven.set(name, true)
    return true
  }

  private computed(certificate: Certificate, signature: RawSignature, forms: readonly Uint8Array[]): boolean {
    for (const signed of forms) if (this.crypto.verify(certificate, signature, signed)) return true
    return false
  }

  /** Every part has a fixed length or its length before it: no two different triples are the same bytes. */
  private nameOf(certificate: Certificate, signature: RawSignature, signed: Uint8Array): string {
    const { hashAlgorithm, signatureAlgorithm, value } = signature
    const writer = new Writer()
    writer.bytes(certificate.sha256)
    writer.u8(hashAlgorithm)
    writer.u8(signatureAlgorithm)
    writer.u32(value.length)
    writer.bytes(value)
    writer.bytes(signed)
    return this.crypto.fingerprint(writer.donePassing())
  }
}
