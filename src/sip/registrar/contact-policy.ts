/** Which Contacts may be registered and what they are (adapter-mapping s.3.2). */
import { fail, ok, type Result } from '../../common/errors.ts'
import { bare, canonicalAor, decimal, isGr, uriPort, type NameAddr, type SipUri } from '../message/index.ts'
import type { BindingKind } from './binding.ts'
import { rejection, type Rejection } from './register-request.ts'
import type { RegistrarSettings } from './registrar-settings.ts'

/** Longest Contact kept; a binding is held in memory for hours. */
export const CONTACT_LENGTH_MAX = 2_048

export interface ReadContact {
  readonly kind: BindingKind
  readonly uri: SipUri | undefined
  readonly instance: string | undefined
  readonly regId: string | undefined
}

/** Schemes that are kept for redirect answers. Anything else (`javascript:`, `data:` …) is refused. */
const OTHER_SCHEMES: ReadonlySet<string> = new Set(['tel', 'mailto', 'im', 'pres', 'xmpp'])

const LOOPS = rejection(403, 'Contact Loops')

export function readContact(
  contact: NameAddr,
  aor: string,
  hasPath: boolean,
  secureRequest: boolean,
  settings: RegistrarSettings,
): Result<ReadContact, Rejection> {
  if (contact.raw.length > CONTACT_LENGTH_MAX) return fail(rejection(400, 'Contact Too Long'))
  const instance = contact.params.get('+sip.instance')
  const regId = instance === undefined ? undefined : regIdOf(contact.params.get('reg-id'))
  const scheme = contact.uri.slice(0, Math.max(0, contact.uri.indexOf(':'))).toLowerCase()
  if (scheme !== 'sip' && scheme !== 'sips') {
    if (!OTHER_SCHEMES.has(scheme)) return fail(rejection(400, 'Bad Contact'))
    if (instance !== undefined) return fail(LOOPS)
    return ok({ kind: 'other', uri: undefined, instance: undefined, regId: undefined })
  }
  const uri = contact.parsedUri
  if (uri === undefined) return fail(rejection(400, 'Bad Contact'))
  // E36, RFC 5630 s.5.2: a phone that wants calls to be secure all the way has to register so.
  if (uri.scheme === 'sips' && !secureRequest) return fail(rejection(400, 'SIPS Contact Needs SIPS Request'))
  const hosted = settings.domains.includes(uri.host)
  const gr = uri.params.get('gr')
  if (hosted && gr !== undefined && gr !== '') {
    if (settings.ownGr !== undefined && isGr(gr, settings.ownGr)) return fail(LOOPS)
    // RFC 5627 s.5.1: a GRUU of this very user, whichever node has given it out, calls back here in the end.
    if (instance !== undefined && gruuOwner(uri, settings) === aor) return fail(LOOPS)
    return ok({ kind: 'node', uri, instance, regId })
  }
  // With escaped headers it is another URI than the AOR (RFC 3261 s.19.1.4), and no AOR at all.
  if (hosted && uri.headers === undefined && !uri.params.has('maddr')) {
    const canonical = canonicalAor(uri)
    const own = canonical.ok && canonical.value === aor
    // RFC 5627 s.5.1: a Contact that equals its own AOR would call itself. With a port a phone means itself, and is reached by the way it came.
    if (own && uri.port === undefined) return fail(LOOPS)
    if (canonical.ok && !own && !hasPath && instance === undefined)
      return ok({ kind: 'forward', uri, instance, regId })
  }
  const address = bare(uri.params.get('maddr') ?? uri.host)
  if (settings.ownAddresses.has(`${address}:${uriPort(uri)}`)) return fail(LOOPS)
  return ok({ kind: 'device', uri, instance, regId })
}

/** RFC 5626 s.10: a number of 1 to 2^31 - 1, as one text whatever zeros stand before it. What is none counts as not there. */
function regIdOf(text: string | undefined): string | undefined {
  const number = text === undefined || text.length > REG_ID_CHARS_MAX ? -1 : decimal(text, 0, text.length)
  return number >= 1 && number <= REG_ID_MAX ? String(number) : undefined
}

const REG_ID_CHARS_MAX = 16
const REG_ID_MAX = 2 ** 31 - 1

/** Whose GRUU it is. */
function gruuOwner(uri: SipUri, settings: RegistrarSettings): string | undefined {
  const named = canonicalAor(uri)
  return settings.gruuOwner?.(uri.user ?? '') ?? (named.ok ? named.value : undefined)
}
