import {
  encodeContactPreferences,
  encodeSipRegistration,
  type Destination,
  type NodeId,
} from '../reload/index.ts'
import { canonicalAor, parseUri, type PublishedBinding } from '../sip/index.ts'
import type { AdapterSettings } from './contract.ts'
import { CONTACT_PREFS_BYTES_MAX, mergedFeatures } from './feature-merge.ts'
import { decodeGr, listTo } from './overlay-address.ts'

const NOTHING = new Uint8Array(0)

/**
 * The one SIP-REGISTRATION value that stands for all bindings of a user on this adapter (adapter-mapping s.3.3, M-12), encoded;
 * undefined when there is nothing to publish. `smaller` leaves contact_prefs out.
 */
export function desiredEntry(
  bindings: readonly PublishedBinding[],
  self: NodeId,
  settings: Pick<AdapterSettings, 'publishForwardAsUri' | 'publishNodeContact'>,
  smaller = false,
): Uint8Array | undefined {
  const only = bindings.length === 1 ? bindings[0] : undefined
  if (bindings.length === 0) return undefined
  if (only?.kind === 'forward' && settings.publishForwardAsUri) {
    const aor = canonicalAor(only.contact)
    if (aor.ok) return encodeSipRegistration({ kind: 'uri', uri: aor.value })
  }
  if (only?.kind === 'node' && settings.publishNodeContact) {
    const list = decodeGr(parseUri(only.contact)?.params.get('gr') ?? '')
    if (list !== undefined) return route(list, smaller ? NOTHING : preferences(bindings))
  }
  return route(listTo(self), smaller ? NOTHING : preferences(bindings))
}

/**
 * The entry of users whose phones state nothing worth publishing, which is most of them: made once, so that a refresh costs a
 * comparison of references instead of an encoding.
 */
export function plainEntry(self: NodeId): Uint8Array {
  return route(listTo(self), NOTHING)
}

/** True when `plainEntry` is what these bindings ask for. */
export function isPlain(bindings: readonly PublishedBinding[]): boolean {
  if (bindings.length === 0) return false
  for (const { kind, parameters, secure } of bindings) {
    if (kind !== 'device' || parameters.size > 0 || secure) return false
  }
  return true
}

function route(destinations: readonly Destination[], contactPrefs: Uint8Array): Uint8Array {
  return encodeSipRegistration({ kind: 'route', contactPrefs, destinations })
}

/** The predicate, or no more than the scheme when it grows too long (M-13). */
function preferences(bindings: readonly PublishedBinding[]): Uint8Array {
  const features = mergedFeatures(bindings)
  const full = encodeContactPreferences(features)
  if (full.length <= CONTACT_PREFS_BYTES_MAX) return full
  const schemes = features.get('sip.schemes')
  return schemes === undefined ? NOTHING : encodeContactPreferences(new Map([['sip.schemes', schemes]]))
}
