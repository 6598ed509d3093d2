/** The phone's half of RFC 7616 / RFC 8760 digest authentication. */
import { createHash, randomBytes } from 'node:crypto'

const HASHES: Readonly<Record<string, string>> = { MD5: 'md5', 'SHA-256': 'sha256' }

/** A challenge as npm `sip` parses it: parameter values with their quotes. */
export type Challenge = Readonly<Record<string, string | undefined>>

/** The strongest challenge that can be answered, or undefined. */
export function pickChallenge(challenges: readonly Challenge[]): Challenge | undefined {
  for (const algorithm of ['SHA-256', 'MD5']) {
    const found = challenges.find((each) => bare(each['algorithm'] ?? 'MD5').toUpperCase() === algorithm)
    if (found !== undefined) return found
  }
  return undefined
}

/** Value of an Authorization header, as parameters for npm `sip`. */
export function credentials(
  challenge: Challenge,
  request: { readonly method: string; readonly uri: string },
  account: { readonly username: string; readonly password: string },
  cnonce = randomBytes(8).toString('hex'),
): Record<string, string> {
  const algorithm = bare(challenge['algorithm'] ?? 'MD5')
  const hash = (text: string): string =>
    createHash(HASHES[algorithm.toUpperCase()] ?? 'md5')
      .update(text)
      .digest('hex')
  const realm = bare(challenge['realm'] ?? '')
  const nonce = bare(challenge['nonce'] ?? '')
  const ha1 = hash(`${account.username}:${realm}:${account.password}`)
  const ha2 = hash(`${request.method}:${request.uri}`)
  const withQop = bare(challenge['qop'] ?? '')
    .split(',')
    .some((each) => each.trim() === 'auth')
  const response = hash(withQop ? `${ha1}:${nonce}:00000001:${cnonce}:auth:${ha2}` : `${ha1}:${nonce}:${ha2}`)
  const opaque = challenge['opaque']
  return {
    scheme: 'Digest',
    username: `"${account.username}"`,
    realm: `"${realm}"`,
    nonce: `"${nonce}"`,
    uri: `"${request.uri}"`,
    response: `"${response}"`,
    algorithm,
    ...(withQop ? { cnonce: `"${cnonce}"`, nc: '00000001', qop: 'auth' } : {}),
    ...(opaque === undefined ? {} : { opaque: `"${bare(opaque)}"` }),
  }
}

function bare(value: string): string {
  return value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value
}
