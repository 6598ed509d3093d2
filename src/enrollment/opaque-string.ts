/**
 * String preparation of account names and passwords (RFC 6940 s.11.3): the OpaqueString profile of RFC 8265 s.4.2, which is
 * the successor of SASLprep (RFC 4013). Both ends do it, so that a password typed on one machine is the same on another.
 */
import { fail, ok, type Result } from '../common/errors.ts'

/** RFC 8264 s.4.3.2: what the FreeformClass does not have. ZWJ and ZWNJ are among them; their context rules are not kept. */
const DISALLOWED =
  /[\p{Cc}\p{Cs}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\u1100-\u11ff\ua960-\ua97c\ud7b0-\ud7fb]/u
const OTHER_SPACES = /\p{Zs}/gu

/** The prepared text, or why it is none. Text in visible ASCII is what it was; letter case stays. */
export function opaqueString(text: string): Result<string, string> {
  const prepared = text.replace(OTHER_SPACES, ' ').normalize('NFC')
  if (prepared === '') return fail('empty')
  return DISALLOWED.test(prepared) ? fail('holds characters that cannot be typed reliably') : ok(prepared)
}

/** The same for a name or password on its way to whoever judges it: what cannot be prepared goes as it is. */
export function preparedLogin(text: string): string {
  const prepared = opaqueString(text)
  return prepared.ok ? prepared.value : text
}
