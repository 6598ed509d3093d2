import { bytesEqual, fromUtf8 } from '../common/bytes.ts'
import {
  decodeContactPreferences,
  decodeSipRegistration,
  type ContactPreferences,
  type Destination,
  type VerifiedValue,
} from '../reload/index.ts'
import { siblingMarks, wantsSecureOnly } from './feature-merge.ts'
import { featureParameters } from './feature-parameters.ts'
import { proxyFacts, type ProxyRecord } from './proxy-record.ts'

/** A SIP-REGISTRATION entry that passed every check of the reader, or the reason why it is not believed. */
export type RegistrationEntry =
  | RouteEntry
  | { readonly kind: 'uri'; readonly key: Uint8Array; readonly uri: string }
  /** exists=false: the user has left that node. */
  | { readonly kind: 'removed' }
  | { readonly kind: 'ignored'; readonly reason: 'model' | 'user' | 'key' | 'malformed' | 'unknown type' }

/** An entry that leads to a node. Many are looked at for their destinations alone, so that the preferences are read when somebody asks. */
export class RouteEntry {
  readonly kind = 'route'
  readonly key: Uint8Array
  readonly destinations: readonly Destination[]
  private readonly prefs: Uint8Array
  private read: ContactPreferences | undefined = undefined

  constructor(key: Uint8Array, destinations: readonly Destination[], prefs: Uint8Array) {
    this.key = key
    this.destinations = destinations
    this.prefs = prefs
  }

  /** As it was written. */
  get contactPrefs(): string {
    return fromUtf8(this.prefs)
  }

  get secureOnly(): boolean {
    return wantsSecureOnly(this.preferences)
  }

  /** What it says of its phones, as Contact parameters. */
  get features(): ReadonlyMap<string, string> | undefined {
    return featureParameters(this.preferences)
  }

  /** Marks of its phones, for `SiblingMarks.read`. */
  get marks(): string {
    return siblingMarks(this.preferences)
  }

  /** What it says of its node as a proxy (M-30). */
  get proxy(): Pick<ProxyRecord, 'addresses' | 'exit'> {
    return proxyFacts(this.preferences)
  }

  private get preferences(): ContactPreferences {
    this.read ??= decodeContactPreferences(this.prefs)
    return this.read
  }
}

/**
 * The reader's own checks on top of the core's signature and policy checks (adapter-mapping s.4.2 step 3): a storing peer may be
 * malicious, so the user in the certificate must be the one we asked for and the key its Node-ID.
 */
export function registrationEntry(value: VerifiedValue, aor: string): RegistrationEntry {
  const { data } = value
  if (data.value.model !== 'dictionary') return { kind: 'ignored', reason: 'model' }
  if (value.signer.userName !== aor) return { kind: 'ignored', reason: 'user' }
  if (!data.value.value.exists) return { kind: 'removed' }
  const { key } = data.value
  if (!bytesEqual(key, value.signerNodeId)) return { kind: 'ignored', reason: 'key' }
  const decoded = decodeSipRegistration(data.value.value.value)
  if (!decoded.ok) return { kind: 'ignored', reason: 'malformed' }
  switch (decoded.value.kind) {
    case 'route':
      return new RouteEntry(key, decoded.value.destinations, decoded.value.contactPrefs)
    case 'uri':
      return { kind: 'uri', key, uri: decoded.value.uri }
    case 'unknown':
      return { kind: 'ignored', reason: 'unknown type' }
  }
}
