/** Where the certificates of this node and of its hosted users come from, whichever way the configuration names. */
import { fail, ok, type Result } from '../../common/errors.ts'
import {
  issueCertificate,
  generateKey,
  type StoredAuthority,
  type StoredKeyPair,
} from '../../enrollment/io/index.ts'
import {
  pkcs8OfCredential,
  type Credential,
  type GeneratedKey,
  type NodeCrypto,
} from '../../reload/security/index.ts'

export interface FreshCredential {
  readonly credential: Credential
  /** What goes to disk. */
  readonly pair: StoredKeyPair
}

export interface SourceFailure {
  /** The answer will be the same next time. */
  readonly final: boolean
  readonly reason: string
  /** The server asked to be left alone so long. */
  readonly waitMs?: number
}

export interface CertificateSource {
  /** `key` undefined: a new one. The same key of the same user keeps its Node-ID. Never rejects. */
  certify(userName: string, key?: GeneratedKey): Promise<Result<FreshCredential, SourceFailure>>
}

/** The authority of this machine. */
export function authoritySource(crypto: NodeCrypto, authority: StoredAuthority): CertificateSource {
  return {
    certify: async (userName, key) => {
      const { pkcs8, publicKeyInfo } = key ?? (await generateKey('ecdsa'))
      try {
        const issued = await issueCertificate(authority, { userName, publicKeyInfo }, Date.now())
        if (!issued.ok) return fail({ final: true, reason: issued.error.reason })
        return ok(freshCredential(crypto, authority.overlayName, issued.value.certificate, pkcs8))
      } catch (error) {
        // The ledger could not be written.
        return fail({ final: false, reason: error instanceof Error ? error.message : String(error) })
      }
    },
  }
}

export function freshCredential(
  crypto: NodeCrypto,
  overlayName: string,
  certificate: Uint8Array,
  pkcs8: Uint8Array,
): FreshCredential {
  return {
    credential: crypto.importCredential(certificate, pkcs8, overlayName),
    pair: { certificate, pkcs8 },
  }
}

/** The key of a credential as it is needed to ask for another certificate. */
export function keyOfCredential(credential: Credential): GeneratedKey {
  return { pkcs8: pkcs8OfCredential(credential), publicKeyInfo: credential.certificate.publicKeyInfo }
}
