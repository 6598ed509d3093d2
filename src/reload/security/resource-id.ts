import { utf8 } from '../../common/bytes.ts'
import { asResourceId, type ResourceId } from '../codec/index.ts'
import { BoundedCache } from '../../common/bounded-cache.ts'
import type { CryptoPort } from './port.ts'

/** Bytes of a Resource-ID under CHORD-RELOAD (RFC 6940 s.10.2). */
export const RESOURCE_ID_BYTES = 16

/**
 * RFC 6940 s.10.2: the first 16 bytes of the SHA-1 of the Resource Name. Names are hashed byte for byte: no case
 * folding, no scheme, no terminating zero; a Node-ID as its raw bytes.
 */
export function resourceIdOf(crypto: CryptoPort, name: Uint8Array): ResourceId {
  // Copied: a view would take a buffer outside of the heap, and many of these are kept.
  return asResourceId(crypto.hash('sha1', [name]).slice(0, RESOURCE_ID_BYTES))
}

/** Users whose Resource-IDs are kept, some 150 bytes each: those who were asked for last. Judgement. */
const USERS_KEPT_MAX = 4_096

/** Resource-IDs of user names: one is wanted with every value that a user stores or that is fetched of it. */
export class NamedResources {
  readonly crypto: CryptoPort
  private readonly users = new BoundedCache<ResourceId>(USERS_KEPT_MAX)

  constructor(crypto: CryptoPort) {
    this.crypto = crypto
  }

  ofUser(userName: string): ResourceId {
    let resource = this.users.get(userName)
    if (resource === undefined) {
      resource = resourceIdOf(this.crypto, utf8(userName))
      this.users.set(userName, resource)
    }
    return resource
  }
}
