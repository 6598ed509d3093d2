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
  return phonesAt(bindings, uri)
}

/**
 * How the phone is reached now that was at the far end of a connection of an earlier life of this node: whoever had registered by it, the Contact
 * says which phone it was. Undefined when that is not certain.
 */
export function returnedPhone(bindings: readonly LocalBinding[], contact: string): Hop | undefined {
  const uri = parseUri(contact)
  if (uri === undefined) return undefined
  // What a proxy of the phone's, or DNS, has to say about its way is not asked inside a call.
  const near = bindings.filter(({ path, lookedUp }) => path.length === 0 && !lookedUp)
  return newestOfOne(phonesAt(near, uri))?.reach
}

/**
 * Those with that user, host and port. Phones on TCP and TLS may write the port of their own connection into the Contact, and have another one by
 * the next connection: where no port fits, the user's only phone with that host is meant.
 */
function phonesAt(bindings: readonly LocalBinding[], uri: SipUri): readonly LocalBinding[] {
  const there: LocalBinding[] = []
  const same: LocalBinding[] = []
  for (const phone of bindings) {
    const other = phone.kind === 'device' ? parseUri(phone.contact) : undefined
    if (other?.user !== uri.user || other?.host !== uri.host) continue
    there.push(phone)
    if (other.port === uri.port) same.push(phone)
  }
  if (same.length > 0) return same
  return there.length === 1 && there[0]?.reach.flow !== 0 ? there : NONE
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

const NONE: readonly LocalBinding[] = []
