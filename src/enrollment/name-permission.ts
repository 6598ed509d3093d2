/** Which user names an enrollment account may get certificates for. */
import { fail, ok, type Result } from '../common/errors.ts'
import { checkUserName } from './user-name.ts'

/**
 * A whole user name, or one with a single `*` in front of the @ that stands for any characters there:
 * `alice@example.org`, `*@example.org` for a site that hosts the users of a domain, `peer-*@example.org`.
 */
export type NamePattern = string

/** Whether a text can stand in an account's list. */
export function checkNamePattern(pattern: string): Result<NamePattern, string> {
  const star = pattern.indexOf('*')
  if (star !== pattern.lastIndexOf('*')) return fail('more than one * in a name pattern')
  if (star > pattern.indexOf('@')) return fail('a * stands in front of the @ only')
  const name = checkUserName(pattern.replace('*', 'x'))
  return name.ok ? ok(pattern) : name
}

/** Compares bytes, as every peer does with user names: nothing is folded. */
export function mayEnroll(patterns: readonly NamePattern[], userName: string): boolean {
  return patterns.some((pattern) => {
    const star = pattern.indexOf('*')
    if (star < 0) return pattern === userName
    const [before, behind] = [pattern.slice(0, star), pattern.slice(star + 1)]
    if (userName.length < before.length + behind.length) return false
    // The domain stands behind the star, and an @ cannot: a name has one only.
    return (
      userName.startsWith(before) &&
      userName.endsWith(behind) &&
      userName.indexOf('@') === userName.lastIndexOf('@')
    )
  })
}

/** The user name of an account that asks for none: the account's own, in the overlay's domain if it has none. */
export function ownUserName(account: string, overlayName: string): string {
  return account.includes('@') ? account : `${account}@${overlayName}`
}
