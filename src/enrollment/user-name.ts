import { fail, ok, type Result } from '../common/errors.ts'
import { isOverlayName } from '../reload/codec/index.ts'

/** An rfc822Name longer than this fits no AOR (RFC 5321 s.4.5.3.1.3). */
const USER_NAME_BYTES_MAX = 254
/** Would need quoting in a mailbox or an AOR, and mean different things to different readers. */
const FORBIDDEN = new Set('"<>\\')

/**
 * Whether a certificate may be issued for this user name (RFC 6940 s.11.3): `user@domain` in visible ASCII. Names are
 * compared byte for byte everywhere, so nothing is folded here.
 */
export function checkUserName(userName: string, domains?: readonly string[]): Result<string, string> {
  if (userName.length > USER_NAME_BYTES_MAX) return fail('user name too long')
  for (const character of userName) {
    const code = character.codePointAt(0) as number
    if (code < 0x21 || code > 0x7e || FORBIDDEN.has(character)) return fail('illegal character in user name')
  }
  const at = userName.indexOf('@')
  const domain = userName.slice(at + 1)
  if (at <= 0 || !isOverlayName(domain)) return fail('user name is not of the form user@domain')
  if (domains !== undefined && !domains.includes(domain))
    return fail('user name is of a domain not served here')
  return ok(userName)
}
