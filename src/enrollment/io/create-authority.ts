import type { WallTime } from '../../common/time.ts'
import { NodeCrypto, type GeneratedKey } from '../../reload/security/index.ts'
import { DEFAULT_POLICY, type Authority, type EnrollmentPolicy } from '../authority.ts'
import { NodeIdLedger } from '../node-id-ledger.ts'
import { makeCaCertificate } from './certificates.ts'

/** A new authority in memory: a root with this P-256 key and an empty ledger. authority-store.ts keeps one on disk. */
export async function createAuthority(
  overlayName: string,
  wall: WallTime,
  policy: Partial<EnrollmentPolicy> = {},
  key: GeneratedKey = new NodeCrypto().generateKey('ecdsa'),
): Promise<Authority> {
  const full = { ...DEFAULT_POLICY, ...policy }
  const rootCertificate = await makeCaCertificate(
    { pkcs8: key.pkcs8, algorithm: 'ecdsa', certificate: undefined },
    {
      overlayName,
      publicKeyInfo: key.publicKeyInfo,
      notBefore: wall - full.backdateMs,
      notAfter: wall + full.rootValidityMs,
      // It issues nodes and users, no further authorities.
      pathLength: 0,
    },
  )
  return {
    overlayName,
    rootCertificate,
    rootKey: key.pkcs8,
    policy: full,
    ledger: new NodeIdLedger(),
    persist: () => Promise.resolve(),
  }
}
