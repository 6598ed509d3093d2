import { bytesEqual, fromUtf8 } from '../common/bytes.ts'
import {
  decodeContactPreferences,
  decodeSipRegistration,
  type Destination,
  type VerifiedValue,
} from '../reload/index.ts'
import { siblingMarks, wantsSecureOnly } from './feature-merge.ts'
import { featureParameters } from './feature-parameters.ts'
import { proxyFacts, type ProxyRecord } from './proxy-record.ts'

/** A SIP-REGISTRATION entry that passed every check of the reader, or the reason why it is not believed. */
export type RegistrationEntry =
  | {
      readonly kind: 'route'
      readonly key: Uint8Array
      readonly destinations: readonly Destination[]
      readonly contactPrefs: string
      readonly secureOnly: boolean
      /** What it says of its phones, as Contact parameters. */
      readonly features: ReadonlyMap<string, string> | undefined
      /** Marks of its phones, for `SiblingMarks.read`. */
      readonly marks: string
      /** What it says of its node as a proxy (M-30). */
      readonly proxy: Pick<ProxyRecord, 'addresses' | 'exit'>
    }
  | { readonly kind: 'uri'; readonly key: Uint8Array; readonly uri: string }
  /** exists=false: the user has left that node. */
  | { readonly kind: 'removed' }
  | { readonly kind: 'ignored'; readonly reason: 'model' | 'user' | 'key' | 'malformed' | 'unknown type' }

/**
 * The reader's own checks on top of the core's signature and policy checks (adapter-mapping s.4.2 step 3): a storing peer may be
 * malicious, so the user in the certificate must be the one we asked for and the key its Node-ID.
 */
export function registrationEntry(value: VerifiedValue, aor: string): RegistrationEntry {
  const { data } = value
  if (data.value.model !== 'dictionary') return { kind: 'ignored', reason: 'model' }
  if (!data.value.value.exists) return { kind: 'removed' }
  if (value.signer.userName !== aor) return { kind: 'ignored', reason: 'user' }
  const { key } = data.value
  if (!bytesEqual(key, value.signerNodeId)) return { kind: 'ignored', reason: 'key' }
  const decoded = decodeSipRegistration(data.value.value.value)
  if (!decoded.ok) return { kind: 'ignored', reason: 'malformed' }
  switch (decoded.value.kind) {
    case 'route': {
      const preferences = decodeContactPreferences(decoded.value.contactPrefs)
      return {
        kind: 'route',
        key,
        destinations: decoded.value.destinations,
        contactPrefs: fromUtf8(decoded.value.contactPrefs),
        secureOnly: wantsSecureOnly(preferences),
        features: featureParameters(preferences),
        marks: siblingMarks(preferences),
        proxy: proxyFacts(preferences),
      }
    }
    case 'uri':
      return { kind: 'uri', key, uri: decoded.value.uri }
    case 'unknown':
      return { kind: 'ignored', reason: 'unknown type' }
  }
}
