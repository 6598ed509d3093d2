/**
 * Canonical address-of-record: the exact text that is the user name in a certificate and the input of the Resource-ID
 * hash (adapter-mapping s.1). `sip:` and `sips:` forms of a name are one AOR.
 */
import { fail, ok, type Result } from '../../common/errors.ts'
import { AT } from './chars.ts'
import { percentDecode } from './escapes.ts'
import { parseUri, type SipUri } from './uri.ts'
import { stripSeparators } from './uri-equal.ts'

export interface AorRules {
  /** Domain that `tel:` numbers belong to; without it they are refused with 416 (M-04). */
  readonly telDomain?: string | undefined
  /** phone-context of the local numbers (without a leading +) that can be AORs too (RFC 3966 s.5.1.5); without it none can. */
  readonly telContext?: string | undefined
}

/** Reserved for the proxies of a domain (M-30): no user has it. */
export const PROXY_USER = '_proxy'

const NO_RULES: AorRules = {}
const NUMBER_CHARS = '+0123456789*#'

/**
 * `user@host`, or the status that refuses the request: 416 for a scheme that has no AOR, 404 for a name that cannot
 * be one, 400 for text that is no URI.
 */
export function canonicalAor(uri: SipUri | string, rules: AorRules = NO_RULES): Result<string, number> {
  const parsed = typeof uri === 'string' ? parseUri(uri) : uri
  if (parsed === undefined) return fail(400)
  if (parsed.scheme === 'tel') return telAor(parsed, rules)
  if (parsed.scheme !== 'sip' && parsed.scheme !== 'sips') return fail(416)
  if (parsed.user === undefined) return fail(404)
  // M-02: an AOR has no port. The default ones say nothing.
  if (parsed.port !== undefined && parsed.port !== 5060 && parsed.port !== 5061) return fail(404)
  let user = percentDecode(parsed.user)
  if (!isNameable(user)) return fail(404)
  if (parsed.params.get('user')?.toLowerCase() === 'phone') user = phoneUser(user, rules) ?? user
  return ok(`${user}@${parsed.host}`)
}

/** M-01: NUL and `@` cannot stand in a user name; other control characters would break whatever prints it. */
function isNameable(user: string): boolean {
  if (user === '') return false
  for (let i = 0; i < user.length; i++) {
    const code = user.charCodeAt(i)
    if (code < 0x20 || code === 0x7f || code === AT) return false
  }
  return true
}

function telAor(uri: SipUri, rules: AorRules): Result<string, number> {
  if (rules.telDomain === undefined) return fail(416)
  const number = numberOf(percentDecode(uri.user ?? ''))
  if (number === undefined || (!number.startsWith('+') && !isOurs(uri.params.get('phone-context'), rules)))
    return fail(404)
  return ok(`${number}@${rules.telDomain.toLowerCase()}`)
}

/** The number in a user part that is a telephone-subscriber (RFC 3261 s.19.1.6): its parameters stand behind it. */
function phoneUser(user: string, rules: AorRules): string | undefined {
  const at = user.indexOf(';')
  const number = numberOf(at < 0 ? user : user.slice(0, at))
  if (at < 0 || number === undefined || number.startsWith('+')) return number
  const context = user.split(';').find((part) => part.toLowerCase().startsWith(CONTEXT))
  return isOurs(context?.slice(CONTEXT.length), rules) ? number : undefined
}

const CONTEXT = 'phone-context='

/** A phone that says nothing of the context means the one it is in. */
function isOurs(context: string | undefined, { telContext }: AorRules): boolean {
  if (telContext === undefined) return false
  return (
    context === undefined ||
    stripSeparators(context).toLowerCase() === stripSeparators(telContext).toLowerCase()
  )
}

/** The digits of a telephone number; undefined when the text is none. */
function numberOf(text: string): string | undefined {
  const number = stripSeparators(text)
  for (const char of number) if (!NUMBER_CHARS.includes(char)) return undefined
  return number === '' || number === '+' || number.lastIndexOf('+') > 0 ? undefined : number
}
