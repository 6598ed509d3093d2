/** Certificates that this node makes itself, where the overlay permits it (RFC 6940 s.11.3.1). */
import { fail, ok } from '../../common/errors.ts'
import { makeSelfSignedCredential, generateKey } from '../../enrollment/io/index.ts'
import type { OverlayConfiguration } from '../../reload/config/index.ts'
import type { CertificateSource } from './certificate-source.ts'

const DAY_MS = 86_400_000
/** For clocks that are behind. */
const BACKDATE_MS = 3_600_000
/** As long as an authority's: the key is the identity, and the certificate is renewed with it. */
const VALIDITY_MS = 365 * DAY_MS

/** Whether another key holds the name already, as far as the overlay knows; undefined when it cannot be asked. */
export type NameCheck = (userName: string) => Promise<boolean | undefined>

/** `isTaken` is asked for new keys only: the name of a renewed certificate is our own. */
export function selfSignedSource(
  configuration: () => OverlayConfiguration,
  isTaken: NameCheck,
): CertificateSource {
  return {
    certify: async (userName, key) => {
      const { instanceName, selfSigned, nodeIdLength } = configuration()
      if (selfSigned === undefined)
        return fail({ final: false, reason: 'the overlay permits no self-signed certificates' })
      if (key === undefined) {
        // RFC 6940 s.11.3.1: look whether the name is taken. A hosted user cannot pick another one, so it is refused.
        const taken = await isTaken(userName)
        if (taken === undefined)
          return fail({ final: false, reason: 'the overlay cannot be asked whether the name is taken' })
        if (taken) return fail({ final: true, reason: 'another key in the overlay has this user name' })
      }
      const now = Date.now()
      const { credential, pkcs8 } = await makeSelfSignedCredential({
        overlayName: instanceName,
        userName,
        digest: selfSigned,
        nodeIdLength,
        key: key ?? (await generateKey('ecdsa')),
        notBefore: now - BACKDATE_MS,
        notAfter: now + VALIDITY_MS,
      })
      return ok({ credential, pair: { certificate: credential.certificate.der, pkcs8 } })
    },
  }
}
