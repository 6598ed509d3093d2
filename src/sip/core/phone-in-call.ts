/** Which registrations are of the phone that the other side of a call has a Contact of (docs/adr/0024). */
import { parseUri, type SipUri } from '../message/index.ts'
import type { LocalBinding } from '../proxy/index.ts'
import type { GruuMeaning } from '../registrar/index.ts'
import type { Hop } from '../transaction/index.ts'

/**
 * A phone that registers with several peers names itself to all of them by the same user, host and port; transport and other parameters may
 * differ, as with the marks of M-31. `meaning` is asked for GRUUs, whichever peer has made them.
 */
export function phoneInCall(
  bindings: readonly LocalBinding[],
  aor: string,
  contact: string,
  meaning: (uri: SipUri) => GruuMeaning,
): readonly LocalBinding[] {
  const uri = parseUri(contact)
  if (uri === undefined) return NONE
  if (uri.params.has('gr')) {
    const meant = meaning(uri)
    if (meant.kind !== 'instance' || meant.aor !== aor) return NONE
    return bindings.filter(({ instance }) => meant.bindings.some((other) => other.instance === instance))
  }
  return bindings.filter(({ kind, contact: other }) => kind === 'device' && isSamePlace(parseUri(other), uri))
}

/**
 * How the phone is reached now that was at the far end of `lost`, a connection of an earlier life of this node: whoever had registered by it, the
 * Contact says which phone it was. Undefined when that is not certain.
 */
export function returnedPhone(
  bindings: readonly LocalBinding[],
  lost: Hop,
  contact: string,
): Hop | undefined {
  const uri = parseUri(contact)
  if (uri === undefined) return undefined
  const there: { readonly phone: LocalBinding; readonly port: number | undefined }[] = []
  for (const phone of bindings) {
    // What a proxy of the phone's, or DNS, has to say about its way is not asked inside a call.
    if (phone.kind !== 'device' || phone.path.length > 0 || phone.lookedUp) continue
    const { user, host, port } = parseUri(phone.contact) ?? uri
    if (user === uri.user && host === uri.host) there.push({ phone, port })
  }
  const same = there.flatMap(({ phone, port }) => (port === uri.port ? [phone] : []))
  if (same.length > 0) return newestOfOne(same)?.reach
  // Phones that write the port of their own connection into the Contact have another one there by now.
  const [only] = there
  const { reach } = only?.phone ?? { reach: lost }
  return there.length === 1 && reach.flow !== 0 && reach.host === lost.host ? reach : undefined
}

/** Two phones behind two NATs may have the same Contact; one may have several flows (RFC 5626). */
function newestOfOne(phones: readonly LocalBinding[]): LocalBinding | undefined {
  let [newest] = phones
  for (const phone of phones) {
    if (newest === undefined || phone.instance !== newest.instance) return undefined
    if (phone.registeredAt > newest.registeredAt) newest = phone
  }
  return newest
}

function isSamePlace(a: SipUri | undefined, b: SipUri): boolean {
  return a !== undefined && a.user === b.user && a.host === b.host && a.port === b.port
}

const NONE: readonly LocalBinding[] = []
