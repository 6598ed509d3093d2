import type { Certificate } from '../security/port.ts'
import type { JournalOperation } from './journal.ts'
import { certificateKey, certificateRecord } from './records.ts'

interface Place {
  readonly certificate: Certificate
  /** The certificate alone: all that most of the values need, and one list for all of them. */
  readonly alone: readonly [Certificate]
  /** Values that need it. */
  references: number
}

/**
 * The certificates that stored values were signed with, each held once however many values need it: they go out with
 * Fetch answers and replica Stores (RFC 6940 s.6.3.4) and are dropped with the last value.
 */
export class CertificateShelf {
  private readonly places = new Map<string, Place>()

  get size(): number {
    return this.places.size
  }

  find(fingerprint: string): Certificate | undefined {
    return this.places.get(fingerprint)?.certificate
  }

  /** The same certificates, each as the one object that everybody shares. */
  retain(certificates: readonly Certificate[], batch: JournalOperation[]): readonly Certificate[] {
    const [leaf] = certificates
    if (leaf !== undefined && certificates.length === 1) return this.retainOne(leaf, batch).alone
    return certificates.map((certificate) => this.retainOne(certificate, batch).certificate)
  }

  release(certificates: readonly Certificate[], batch: JournalOperation[]): void {
    for (const certificate of certificates) {
      const place = this.places.get(certificate.fingerprint)
      if (place === undefined || --place.references > 0) continue
      this.places.delete(certificate.fingerprint)
      batch.push({ kind: 'delete', key: certificateKey(certificate.fingerprint) })
    }
  }

  private retainOne(certificate: Certificate, batch: JournalOperation[]): Place {
    const { fingerprint, der } = certificate
    const place = this.places.get(fingerprint)
    if (place !== undefined) {
      place.references++
      return place
    }
    const added: Place = { certificate, alone: [certificate], references: 1 }
    this.places.set(fingerprint, added)
    const key = certificateKey(fingerprint)
    batch.push({ kind: 'put', key, value: certificateRecord(key, der) })
    return added
  }
}
