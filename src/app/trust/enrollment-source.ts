/** Certificates from the overlay's enrollment server (RFC 6940 s.11.3), one POST for each name. */
import { X509Certificate } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { fail, ok } from '../../common/errors.ts'
import { backOffMs, enrollPlace, type HttpsPlace, type Login } from '../../enrollment/index.ts'
import { enroll, type HttpsTrust } from '../../enrollment/http/index.ts'
import { generateKey } from '../../enrollment/io/index.ts'
import { publicKeyAlgorithm, trustOf, type NodeCrypto } from '../../reload/security/index.ts'
import type { OverlayConfiguration } from '../../reload/config/index.ts'
import { CryptoRandom } from '../crypto-random.ts'
import { freshCredential, type CertificateSource } from './certificate-source.ts'

/** A REGISTER may be waiting: a server that is busy for longer is asked again at the next one. */
const TRIES_MAX = 3
const BACK_OFF = { firstMs: 1_000, mostMs: 4_000 }
const PATIENCE_MS = 10_000

export interface EnrollmentSourceInit {
  /** The document in force: it says where the servers are and which roots count. */
  readonly configuration: () => OverlayConfiguration
  readonly login: Login
  /** PEM of `overlay.ca`. */
  readonly authorities: string | undefined
}

export function enrollmentSource(crypto: NodeCrypto, init: EnrollmentSourceInit): CertificateSource {
  const random = new CryptoRandom()
  return {
    certify: async (userName, key) => {
      const configuration = init.configuration()
      const trust = trustOf(crypto, configuration)
      if (!trust.ok) return fail({ final: false, reason: trust.error })
      const { pkcs8, publicKeyInfo } = key ?? (await generateKey('ecdsa'))
      const algorithm = publicKeyAlgorithm(publicKeyInfo)
      if (!algorithm.ok) return fail({ final: true, reason: algorithm.error })
      const server = {
        places: placesOf(configuration),
        https: httpsTrust(init.authorities, configuration),
        trust: trust.value,
      }
      const question = {
        login: init.login,
        userName,
        key: { pkcs8, publicKeyInfo, algorithm: algorithm.value },
      }
      for (let tries = 1; ; tries++) {
        const got = await enroll(server, question, random, Date.now)
        if (got.ok) return ok(freshCredential(crypto, configuration.instanceName, got.value.der, pkcs8))
        const { error } = got
        if (error.kind === 'denied') return fail({ final: isFinal(error.token), reason: error.reason })
        const wait = error.retryAfterMs ?? backOffMs(BACK_OFF, tries, random.float())
        if (tries === TRIES_MAX || wait > PATIENCE_MS)
          return fail({ final: false, reason: error.reason, waitMs: wait })
        await sleep(wait)
      }
    },
  }
}

/** What is said of the name stays said; what is said of the login or the server may be mended by its operator. */
function isFinal(token: string | undefined): boolean {
  return token === 'username_not_available' || token === 'Node-IDs_not_available'
}

function placesOf({ instanceName, enrollmentServers }: OverlayConfiguration): HttpsPlace[] {
  const places: HttpsPlace[] = []
  for (const url of enrollmentServers) {
    const place = enrollPlace(instanceName, url)
    if (place.ok) places.push(place.value)
  }
  return places
}

/**
 * Whom to believe on HTTPS: the CA file or the public CAs, and the root-certs of a document that is believed already, since
 * the server's own certificate is usually issued by them.
 */
export function httpsTrust(
  authorities: string | undefined,
  configuration: OverlayConfiguration | undefined,
): HttpsTrust {
  const roots = configuration?.rootCerts ?? []
  return { authorities, overlayRoots: roots.map((der) => new X509Certificate(der).toString()) }
}
