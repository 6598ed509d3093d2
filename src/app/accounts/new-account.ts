import { checkUserName } from '../../enrollment/index.ts'
import { digestHash } from '../../sip/auth/index.ts'
import { canonicalAor } from '../../sip/index.ts'
import type { AccountEntry } from './account-file.ts'

/** What stands in a sentence about a name that cannot be taken. */
export const USERNAME_RULE = '1 to 128 ASCII characters that can be the user part of a SIP URI as they stand'

/** See account-file.ts; `_proxy` names what is no user. */
const USERNAME = /^(?!_proxy$)[^\s:"<>@]{1,128}$/

/**
 * Whether an account may be called so. Its AOR has to be this very name (RFC 3261 s.25.1 user, without escapes): a name that
 * makes no AOR, or that of somebody else, would keep the whole file from being read. And a certificate has to be able to carry it
 * (RFC 6940 s.11.3), or nobody could register as that user.
 */
export function isUsername(text: string): boolean {
  if (!USERNAME.test(text) || !checkUserName(`${text}@example.invalid`).ok) return false
  const aor = canonicalAor(`sip:${text}@example.invalid`)
  return aor.ok && aor.value === `${text}@example.invalid`
}

/** An account as it goes into the file: the password is hashed here and not kept (RFC 7616 s.3.4.2, RFC 8760). */
export function newAccount(username: string, realm: string, password: string): AccountEntry {
  return {
    username,
    realm,
    ha1: {
      MD5: digestHash('MD5', username, realm, password),
      'SHA-256': digestHash('SHA-256', username, realm, password),
      'SHA-512-256': digestHash('SHA-512-256', username, realm, password),
    },
    // What is offered where nobody asks for more, and phones that know no better algorithm are those that get the name wrong.
    ha1b: { MD5: digestHash('MD5', `${username}@${realm}`, realm, password) },
  }
}
