import type { WallTime } from '../../common/time.ts'
import {
  NodeCrypto,
  selfSignedNodeId,
  type Credential,
  type GeneratedKey,
  type KeyAlgorithm,
} from '../../reload/security/index.ts'
import { makeNodeCertificate } from './node-certificate.ts'
import { generateKey, keyOf } from './key-pair.ts'

export interface SelfSignedRequest {
  readonly overlayName: string
  readonly userName: string
  /** Attribute of self-signed-permitted. */
  readonly digest: 'sha1' | 'sha256'
  readonly algorithm?: KeyAlgorithm
  /** A key that is there already, of `algorithm`: a renewed certificate keeps its Node-IDs. Default: a new one. */
  readonly key?: GeneratedKey
  /** Bytes; default 16. */
  readonly nodeIdLength?: number
  /** How many Node-IDs; default 1, which is what this node uses. */
  readonly count?: number
  readonly notBefore: WallTime
  readonly notAfter: WallTime
}

/** A key pair and a certificate signed with it, whose Node-IDs follow from the key (RFC 6940 s.11.3.1). */
export async function makeSelfSignedCredential(
  request: SelfSignedRequest,
): Promise<{ readonly credential: Credential; readonly pkcs8: Uint8Array }> {
  const { overlayName, userName, digest, notBefore, notAfter, algorithm = 'ecdsa', count = 1 } = request
  const crypto = new NodeCrypto()
  const { pkcs8, publicKeyInfo } = request.key ?? (await generateKey(algorithm))
  const nodeIds = Array.from({ length: count }, (_, i) =>
    selfSignedNodeId(crypto, digest, publicKeyInfo, request.nodeIdLength ?? 16, count, i + 1),
  )
  const certificate = await makeNodeCertificate(
    { pkcs8, algorithm, certificate: undefined },
    { overlayName, userName, nodeIds, publicKeyInfo, notBefore, notAfter },
  )
  return { credential: crypto.importCredential(certificate, keyOf(pkcs8), overlayName), pkcs8 }
}
