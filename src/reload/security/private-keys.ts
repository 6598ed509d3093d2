/** Private keys of credentials: as bytes, and those used last as OpenSSL has them. */
import type { KeyObject } from 'node:crypto'
import { invariant } from '../../common/assert.ts'
import { BoundedCache } from '../../common/bounded-cache.ts'
import { byteText, latin1Bytes } from '../../common/byte-text.ts'
import { pkcs8Of, privateKeyOf } from './key-encoding.ts'
import type { Credential } from './port.ts'

/** What a credential's `key` is here. */
class HeldKey {
  /** PKCS#8, a byte a character: a small array of bytes takes twice as much. */
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/**
 * Private keys that stay imported. A P-256 key that has signed takes 6 kB of OpenSSL's memory and 0.14 kB as bytes, and to import it takes two
 * signatures' time. The node's own key is in use all the time; that of a hosted user once or twice an hour.
 */
const IMPORTED_MAX = 1_024

export class PrivateKeys {
  private readonly imports: BoundedCache<KeyObject, HeldKey>

  constructor(importedMax = IMPORTED_MAX) {
    this.imports = new BoundedCache(importedMax)
  }

  /** A new `key` of a credential; `pkcs8` is the same key in bytes, for who has them. */
  keep(key: KeyObject, pkcs8 = pkcs8Of(key)): unknown {
    const held = new HeldKey(byteText(pkcs8, 'latin1'))
    this.imports.set(held, key)
    return held
  }

  /** To sign with. */
  imported({ key }: Credential): KeyObject {
    const held = heldKey(key)
    let known = this.imports.get(held)
    if (known === undefined) {
      known = privateKeyOf(latin1Bytes(held.text))
      this.imports.set(held, known)
    }
    return known
  }
}

/** DER PrivateKeyInfo of a credential that a `NodeCrypto` has imported. Secret. */
export function pkcs8OfCredential({ key }: Credential): Uint8Array {
  return latin1Bytes(heldKey(key).text)
}

function heldKey(key: unknown): HeldKey {
  invariant(key instanceof HeldKey, 'the credential was imported by NodeCrypto')
  return key
}
