/** Which registrations are of the phone that the other side of a call has a Contact of (docs/adr/0024). */
import { parseUri, type SipUri } from '../message/index.ts'
import type { LocalBinding } from '../proxy/index.ts'
import type { GruuMeaning } from '../registrar/index.ts'

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

function isSamePlace(a: SipUri | undefined, b: SipUri): boolean {
  return a !== undefined && a.user === b.user && a.host === b.host && a.port === b.port
}

const NONE: readonly LocalBinding[] = []
