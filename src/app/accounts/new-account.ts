import { digestHash } from '../../sip/auth/index.ts'
import type { AccountEntry } from './account-file.ts'

/** What a username may be; see account-file.ts. */
export const USERNAME = /^(?!_proxy$)[^\s:"<>@]{1,128}$/

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
  }
}
