import { HASH, type NodeId, type SignerIdentity } from '../codec/index.ts'
import type { Certificate, CryptoPort } from './port.ts'

/**
 * How a signer names itself (RFC 6940 s.6.3.4): the hash of its certificate, preceded by the Node-ID it means when the
 * certificate has several.
 */
export function signerIdentityOf(
  crypto: CryptoPort,
  certificate: Certificate,
  nodeId: NodeId,
): SignerIdentity {
  return certificate.nodeIds.length === 1
    ? { kind: 'certHash', hashAlgorithm: HASH.sha256, hash: certificate.sha256 }
    : {
        kind: 'certHashNodeId',
        hashAlgorithm: HASH.sha256,
        hash: crypto.hash('sha256', [nodeId, certificate.der]),
      }
}
