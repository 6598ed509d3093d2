/** The phone's half of RFC 7616 / RFC 8760 digest authentication. */
import { createHash, randomBytes } from 'node:crypto'

/** Strongest first. */
const HASHES: ReadonlyMap<string, string> = new Map([
  ['SHA-512-256', 'sha512-256'],
  ['SHA-256', 'sha256'],
  ['MD5', 'md5'],
])

/** A challenge as npm `sip` parses it: parameter values with their quotes. */
export type Challenge = Readonly<Record<string, string | undefined>>

/** The strongest challenge that can be answered, or undefined. */
export function pickChallenge(challenges: readonly Challenge[]): Challenge | undefined {
  for (const algorithm of HASHES.keys()) {
    for (const wanted of [algorithm, `${algorithm}-SESS`]) {
      const found = challenges.find((each) => bare(each['algorithm'] ?? 'MD5').toUpperCase() === wanted)
      if (found !== undefined) return found
    }
  }
  return undefined
}

/** Whether the credentials were right and only the nonce was not (RFC 7616 s.3.3). */
export function isStale(challenge: Challenge): boolean {
  return bare(challenge['stale'] ?? '').toLowerCase() === 'true'
}

/** Value of an Authorization header, as parameters for npm `sip`. */
export function credentials(
  challenge: Challenge,
  request: { readonly method: string; readonly uri: string; readonly body?: string | undefined },
  account: { readonly username: string; readonly password: string },
  cnonce = randomBytes(8).toString('hex'),
): Record<string, string> {
  const algorithm = bare(challenge['algorithm'] ?? 'MD5')
  const session = algorithm.toUpperCase().endsWith('-SESS')
  const base = session ? algorithm.slice(0, -'-SESS'.length) : algorithm
  const hash = (text: string): string =>
    createHash(HASHES.get(base.toUpperCase()) ?? 'md5')
      .update(text)
      .digest('hex')
  const realm = bare(challenge['realm'] ?? '')
  const nonce = bare(challenge['nonce'] ?? '')
  const qop = qopOf(challenge)
  let ha1 = hash(`${account.username}:${realm}:${account.password}`)
  if (session) ha1 = hash(`${ha1}:${nonce}:${cnonce}`)
  const covered = qop === 'auth-int' ? `:${hash(request.body ?? '')}` : ''
  const ha2 = hash(`${request.method}:${request.uri}${covered}`)
  const response = hash(
    qop === undefined ? `${ha1}:${nonce}:${ha2}` : `${ha1}:${nonce}:00000001:${cnonce}:${qop}:${ha2}`,
  )
  const opaque = challenge['opaque']
  const hidden = bare(challenge['userhash'] ?? '').toLowerCase() === 'true'
  return {
    scheme: 'Digest',
    username: `"${hidden ? hash(`${account.username}:${realm}`) : account.username}"`,
    realm: `"${realm}"`,
    nonce: `"${nonce}"`,
    uri: `"${request.uri}"`,
    response: `"${response}"`,
    algorithm,
    ...(qop === undefined && !session ? {} : { cnonce: `"${cnonce}"` }),
    ...(qop === undefined ? {} : { nc: '00000001', qop }),
    ...(hidden ? { userhash: 'true' } : {}),
    ...(opaque === undefined ? {} : { opaque: `"${bare(opaque)}"` }),
  }
}

/** `auth` where it is offered, since proxies may change a body; undefined for a server of RFC 2069. */
function qopOf(challenge: Challenge): 'auth' | 'auth-int' | undefined {
  const offered = bare(challenge['qop'] ?? '')
    .split(',')
    .map((each) => each.trim().toLowerCase())
  if (offered.includes('auth')) return 'auth'
  return offered.includes('auth-int') ? 'auth-int' : undefined
}

function bare(value: string): string {
  return value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value
}
