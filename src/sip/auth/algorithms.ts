/** Digest hashes (RFC 7616 s.3.2, RFC 8760 s.2.3). */
import { hash } from 'node:crypto'

export type DigestAlgorithm = 'SHA-512-256' | 'SHA-256' | 'MD5'

/** What stands in the algorithm parameter, its hash, and whether it is a session variant. */
export interface AlgorithmForm {
  readonly algorithm: DigestAlgorithm
  readonly session: boolean
}

/** Strongest first: the order in which challenges are offered (S8760-2.3-01). */
export const DIGEST_ALGORITHMS: readonly DigestAlgorithm[] = ['SHA-512-256', 'SHA-256', 'MD5']

const HASH_NAMES: Readonly<Record<DigestAlgorithm, string>> = {
  'SHA-512-256': 'sha512-256',
  'SHA-256': 'sha256',
  MD5: 'md5',
}

const FORMS: ReadonlyMap<string, AlgorithmForm> = new Map(
  DIGEST_ALGORITHMS.flatMap((algorithm): [string, AlgorithmForm][] => [
    [algorithm.toLowerCase(), { algorithm, session: false }],
    [`${algorithm.toLowerCase()}-sess`, { algorithm, session: true }],
  ]),
)

/** The algorithm that a header names, in any case; undefined when we do not have it. */
export function algorithmNamed(text: string): AlgorithmForm | undefined {
  return FORMS.get(text.toLowerCase())
}

/**
 * Under which an account may keep a second HA1, of its name with the realm behind it: some phones take `alice@example.org` for the name in
 * credentials (docs/adr/0038).
 */
export function withRealm(algorithm: DigestAlgorithm): string {
  return `${algorithm}@`
}

/** Lower-case hex of H(text); each char of the text is one byte. */
export function hashText(algorithm: DigestAlgorithm, text: string): string {
  return hash(HASH_NAMES[algorithm], Buffer.from(text, 'latin1'), 'hex')
}

/** Lower-case hex of H(bytes). */
export function hashBytes(algorithm: DigestAlgorithm, bytes: Uint8Array): string {
  return hash(HASH_NAMES[algorithm], bytes, 'hex')
}

/** What `username` holds with `userhash=true`: lower-case hex of H(username:realm) in UTF-8 (RFC 7616 s.3.4.4). */
export function userHash(algorithm: DigestAlgorithm, username: string, realm: string): string {
  return hash(HASH_NAMES[algorithm], `${username}:${realm}`, 'hex')
}

/**
 * HA1, which is what account files keep in place of the password: lower-case hex of H(username:realm:password), all
 * in UTF-8 (RFC 7616 s.3.4.2, s.4).
 */
export function digestHash(
  algorithm: DigestAlgorithm,
  username: string,
  realm: string,
  password: string,
): string {
  return hash(HASH_NAMES[algorithm], `${username}:${realm}:${password}`, 'hex')
}
