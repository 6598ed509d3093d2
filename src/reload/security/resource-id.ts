import { asResourceId, type ResourceId } from '../codec/index.ts'
import type { CryptoPort } from './port.ts'

/** Bytes of a Resource-ID under CHORD-RELOAD (RFC 6940 s.10.2). */
export const RESOURCE_ID_BYTES = 16

/**
 * RFC 6940 s.10.2: the first 16 bytes of the SHA-1 of the Resource Name. Names are hashed byte for byte: no case
 * folding, no scheme, no terminating zero; a Node-ID as its raw bytes.
 */
export function resourceIdOf(crypto: CryptoPort, name: Uint8Array): ResourceId {
  return asResourceId(crypto.hash('sha1', [name]).subarray(0, RESOURCE_ID_BYTES))
}
