import {
  encodeContactPreferences,
  encodeSipRegistration,
  type Destination,
  type NodeId,
} from '../reload/index.ts'
import { canonicalAor, parseUri, type PublishedBinding } from '../sip/index.ts'
import type { AdapterSettings } from './contract.ts'
import { CONTACT_PREFS_BYTES_MAX, mergedFeatures, SIBLINGS_TAG } from './feature-merge.ts'
import { decodeGr, listTo } from './overlay-address.ts'

const NOTHING = new Uint8Array(0)

/**
 * The one SIP-REGISTRATION value that stands for all bindings of a user on this adapter (adapter-mapping s.3.3, M-12), encoded;
 * undefined when there is nothing to publish. `smaller` leaves contact_prefs out. `marks` as `SiblingMarks.text` makes them.
 */
export function desiredEntry(
  aor: string,
  bindings: readonly PublishedBinding[],
  self: NodeId,
  settings: Pick<AdapterSettings, 'publishForwardAsUri' | 'publishNodeContact'>,
  smaller = false,
  marks = '',
): Uint8Array | undefined {
  const only = bindings.length === 1 ? bindings[0] : undefined
  if (bindings.length === 0) return undefined
  if (only?.kind === 'forward' && settings.publishForwardAsUri) {
    const aor = canonicalAor(only.contact)
    if (aor.ok) return encodeSipRegistration({ kind: 'uri', uri: aor.value })
  }
  if (only?.kind === 'tel') return encodeSipRegistration({ kind: 'uri', uri: only.contact })
  if (only?.kind === 'node' && settings.publishNodeContact) {
    const list = placeOf(aor, only.contact)
    if (list !== undefined) return route(list, smaller ? NOTHING : preferences(bindings))
  }
  return route(listTo(self), smaller ? NOTHING : preferences(bindings, marks))
}

/**
 * Where a Contact with `gr` says that this very user is. A node answers for its own users only (M-20): to the phone of another one, calls go by
 * this node, which knows the GRUU.
 */
function placeOf(aor: string, contact: string): readonly Destination[] | undefined {
  const uri = parseUri(contact)
  const named = uri === undefined ? undefined : canonicalAor(uri)
  return named?.ok === true && named.value === aor ? decodeGr(uri?.params.get('gr') ?? '') : undefined
}

/**
 * The entry of users whose phones state nothing worth publishing, which is most of them: it follows from who the phones are, so that
 * a refresh costs a comparison of their names instead of an encoding.
 */
export function plainEntry(self: NodeId, marks = ''): Uint8Array {
  return route(listTo(self), preferences([], marks))
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
function preferences(bindings: readonly PublishedBinding[], marks = ''): Uint8Array {
  const features = mergedFeatures(bindings, marks)
  const full = encodeContactPreferences(features)
  if (full.length <= CONTACT_PREFS_BYTES_MAX) return full
  return encodeContactPreferences(new Map([...features].filter(([tag]) => ALWAYS_STATED.has(tag))))
}

/** What stays when all that could be said is too long. */
const ALWAYS_STATED: ReadonlySet<string> = new Set(['sip.schemes', SIBLINGS_TAG])
