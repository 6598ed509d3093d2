import { Writer } from '../../common/bytes.ts'
import { asNodeId, type NodeId } from '../codec/index.ts'
import type { CryptoPort } from './port.ts'

/**
 * RFC 6940 s.11.3.1: the high-order bytes of the digest of the DER SubjectPublicKeyInfo. With several Node-IDs in one
 * certificate the i-th, counted from 1, has i as four bytes in front; with one there is no index at all.
 */
export function selfSignedNodeId(
  crypto: CryptoPort,
  digest: 'sha1' | 'sha256',
  publicKeyInfo: Uint8Array,
  nodeIdLength: number,
  count = 1,
  index = 1,
): NodeId {
  const parts: Uint8Array[] = []
  if (count > 1) {
    const prefix = new Writer()
    prefix.u32(index)
    parts.push(prefix.done())
  }
  parts.push(publicKeyInfo)
  return asNodeId(crypto.hash(digest, parts).slice(0, nodeIdLength))
}
