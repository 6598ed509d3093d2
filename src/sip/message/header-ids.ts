/**
 * Header names as small numbers. The scan of a head turns each name, long or compact and in any case, into its
 * number once; everything after that compares numbers. Names that are not listed have number 0 and are compared
 * as text.
 */
import { sameIgnoringCase } from './chars.ts'

/** A header's long form in lower case, such as `call-id`. Any name may be asked for, listed here or not. */
export type HeaderName = string

export const OTHER = 0
/** Headers that stand once in a message; `SINGLE_LAST` is the last of them. */
export const CALL_ID = 1
export const FROM = 2
export const TO = 3
export const CSEQ = 4
export const MAX_FORWARDS = 5
export const CONTENT_LENGTH = 6
export const SINGLE_LAST = 6
export const VIA = 7
export const CONTACT = 8
export const ROUTE = 9
export const RECORD_ROUTE = 10
export const TIMESTAMP = 11

interface HeaderForm {
  readonly name: HeaderName
  /** As we write it. */
  readonly display: string
  readonly compact?: string
}

// RFC 3261 s.20 and the registrations of the extensions we read. The order of the first ones gives the numbers above.
const FORMS: readonly HeaderForm[] = [
  { name: '', display: '' },
  { name: 'call-id', display: 'Call-ID', compact: 'i' },
  { name: 'from', display: 'From', compact: 'f' },
  { name: 'to', display: 'To', compact: 't' },
  { name: 'cseq', display: 'CSeq' },
  { name: 'max-forwards', display: 'Max-Forwards' },
  { name: 'content-length', display: 'Content-Length', compact: 'l' },
  { name: 'via', display: 'Via', compact: 'v' },
  { name: 'contact', display: 'Contact', compact: 'm' },
  { name: 'route', display: 'Route' },
  { name: 'record-route', display: 'Record-Route' },
  { name: 'timestamp', display: 'Timestamp' },
  { name: 'expires', display: 'Expires' },
  { name: 'authorization', display: 'Authorization' },
  { name: 'proxy-authorization', display: 'Proxy-Authorization' },
  { name: 'www-authenticate', display: 'WWW-Authenticate' },
  { name: 'proxy-authenticate', display: 'Proxy-Authenticate' },
  { name: 'require', display: 'Require' },
  { name: 'proxy-require', display: 'Proxy-Require' },
  { name: 'supported', display: 'Supported', compact: 'k' },
  { name: 'unsupported', display: 'Unsupported' },
  { name: 'path', display: 'Path' },
  { name: 'service-route', display: 'Service-Route' },
  { name: 'max-breadth', display: 'Max-Breadth' },
  { name: 'content-type', display: 'Content-Type', compact: 'c' },
  { name: 'content-encoding', display: 'Content-Encoding', compact: 'e' },
  { name: 'subject', display: 'Subject', compact: 's' },
  { name: 'user-agent', display: 'User-Agent' },
  { name: 'server', display: 'Server' },
  { name: 'allow', display: 'Allow' },
  { name: 'accept', display: 'Accept' },
  { name: 'warning', display: 'Warning' },
  { name: 'retry-after', display: 'Retry-After' },
  { name: 'min-expires', display: 'Min-Expires' },
  { name: 'date', display: 'Date' },
  { name: 'flow-timer', display: 'Flow-Timer' },
  { name: 'event', display: 'Event', compact: 'o' },
  { name: 'allow-events', display: 'Allow-Events', compact: 'u' },
  { name: 'refer-to', display: 'Refer-To', compact: 'r' },
  { name: 'referred-by', display: 'Referred-By', compact: 'b' },
  { name: 'accept-contact', display: 'Accept-Contact', compact: 'a' },
  { name: 'request-disposition', display: 'Request-Disposition', compact: 'd' },
  { name: 'reject-contact', display: 'Reject-Contact', compact: 'j' },
  { name: 'session-expires', display: 'Session-Expires', compact: 'x' },
  { name: 'min-se', display: 'Min-SE' },
  { name: 'identity', display: 'Identity', compact: 'y' },
  { name: 'identity-info', display: 'Identity-Info', compact: 'n' },
  { name: 'p-asserted-identity', display: 'P-Asserted-Identity' },
  { name: 'p-preferred-identity', display: 'P-Preferred-Identity' },
  { name: 'remote-party-id', display: 'Remote-Party-ID' },
  { name: 'history-info', display: 'History-Info' },
  { name: 'reason', display: 'Reason' },
  { name: 'privacy', display: 'Privacy' },
]

const IDS: ReadonlyMap<string, number> = new Map(FORMS.map((form, id) => [form.name, id] as const).slice(1))

// Candidates by length and first letter, so that a name is compared with one or two texts at most.
const NAME_LENGTH_MAX = 31
const BUCKETS: (number[] | undefined)[] = new Array<number[] | undefined>((NAME_LENGTH_MAX + 1) * 32).fill(
  undefined,
)
const COMPACT = new Uint8Array(256)
for (let id = 1; id < FORMS.length; id++) {
  const form = FORMS[id] as HeaderForm
  const slot = form.name.length * 32 + (form.name.charCodeAt(0) & 31)
  ;(BUCKETS[slot] ??= []).push(id)
  if (form.compact === undefined) continue
  COMPACT[form.compact.charCodeAt(0)] = id
  COMPACT[form.compact.charCodeAt(0) - 32] = id
}

/** Number of a name given in lower-case long form; `OTHER` when it has none. */
export function headerId(name: HeaderName): number {
  return IDS.get(name) ?? OTHER
}

/** Number of the name that stands in [start, end) of `text`, in any case, long or compact (RFC 3261 s.7.3.3). */
export function headerIdAt(text: string, start: number, end: number): number {
  const length = end - start
  if (length === 1) return COMPACT[text.charCodeAt(start)] as number
  if (length > NAME_LENGTH_MAX) return OTHER
  const candidates = BUCKETS[length * 32 + (text.charCodeAt(start) & 31)]
  if (candidates === undefined) return OTHER
  for (let i = 0; i < candidates.length; i++) {
    const id = candidates[i] as number
    if (sameIgnoringCase(text, start, end, (FORMS[id] as HeaderForm).name)) return id
  }
  return OTHER
}

/** How we write a header name: `call-id` becomes `Call-ID`; an unlisted name gets capitals after hyphens. */
export function displayName(name: HeaderName): string {
  const id = IDS.get(name)
  if (id !== undefined) return (FORMS[id] as HeaderForm).display
  let display = ''
  for (let i = 0; i < name.length; i++) {
    display += i === 0 || name[i - 1] === '-' ? (name[i] as string).toUpperCase() : name[i]
  }
  return display
}
