import { fail, ok, type Result } from '../../common/errors.ts'
import type { OverlayConfiguration } from '../config/types.ts'
import type { Certificate, CryptoPort } from './port.ts'
import { Trust } from './trust.ts'

/** The Trust that a Configuration Document asks for; fails when a root-cert cannot be read or is no CA. */
export function trustOf(crypto: CryptoPort, configuration: OverlayConfiguration): Result<Trust, string> {
  const roots: Certificate[] = []
  for (const der of configuration.rootCerts) {
    const root = crypto.parseCertificate(der, configuration.instanceName)
    if (!root.ok) return fail(`root-cert: ${root.error}`)
    if (!root.value.isCa) return fail('root-cert: not the certificate of a CA')
    roots.push(root.value)
  }
  return ok(
    new Trust(crypto, {
      overlayName: configuration.instanceName,
      roots,
      selfSigned: configuration.selfSigned,
      badNodes: configuration.badNodes,
      nodeIdLength: configuration.nodeIdLength,
    }),
  )
}
