/**
 * Digest authentication, server side (RFC 7616, RFC 8760; RFC 3261 s.22). Synchronous; keeps nothing but the nonce
 * counts it is handed. A user that does not exist costs the same work and gets the same answer as a wrong password.
 */
import { timingSafeEqual } from 'node:crypto'
import { fromUtf8, utf8 } from '../../common/bytes.ts'
import type { Now } from '../../common/time.ts'
import { percentDecode } from '../message/escapes.ts'
import { parseUri } from '../message/uri.ts'
import { AT, quote } from '../message/chars.ts'
import {
  algorithmNamed,
  hashBytes,
  hashText,
  withRealm,
  type AlgorithmForm,
  type DigestAlgorithm,
} from './algorithms.ts'
import { parseDigest } from '../message/digest-params.ts'
import type { NonceWindow } from './nonce-window.ts'
import { checkNonce, makeNonce } from './nonce.ts'
import { decided, type Credential, type DigestVerdict } from './verdict.ts'

/** `auth-int` covers the body too (RFC 7616 s.3.3). */
export type DigestQop = 'auth' | 'auth-int'

const QOP_DEFAULT: readonly DigestQop[] = ['auth']

/**
 * Values of WWW-Authenticate or Proxy-Authenticate, one an algorithm in the order given: strongest first. `serial` is that of `NonceSerials`,
 * without which challenges of one millisecond have the same nonce.
 */
export function challenge(
  now: Now,
  rules: Pick<DigestRules, 'realm' | 'algorithms' | 'secret' | 'issuer' | 'userHash' | 'qop'>,
  init: { readonly stale: boolean; readonly client?: string; readonly serial?: number },
): string[] {
  const { realm, secret, issuer = '', qop = QOP_DEFAULT } = rules
  const ends = { issuer, client: init.client ?? '' }
  const nonce = makeNonce(now.wall, realm, secret, ends, init.serial ?? 0)
  const before = `Digest realm=${quote(latin1(realm))}, nonce="${nonce}", ${init.stale ? 'stale=true, ' : ''}`
  const after = `, qop="${qop.join(',')}"${rules.userHash === true ? ', userhash=true' : ''}`
  return rules.algorithms.map((algorithm) => `${before}algorithm=${algorithm}${after}`)
}

/** A request as far as credentials speak of it. */
export interface DigestRequest {
  readonly method: string
  /** The Request-URI as it was received. */
  readonly uri: string
  /** Every value of Authorization, or of Proxy-Authorization (`message.headers(name)`). */
  readonly credentials: readonly string[]
  /** Read only for `auth-int`. */
  readonly body?: Uint8Array
  /** Address it came from, without the port. */
  readonly client?: string
}

export interface DigestRules {
  readonly realm: string
  readonly algorithms: readonly DigestAlgorithm[]
  readonly secret: Uint8Array
  /** Name of this peer among those that share the secret. */
  readonly issuer?: string
  /** Offered; `auth-int` is taken even where it was not. Default: `auth`. */
  readonly qop?: readonly DigestQop[]
  /** True offers and takes hashed user names. */
  readonly userHash?: boolean
  /** True accepts MD5 clients of RFC 2069, which know no qop and count nothing: each nonce serves them once. */
  readonly allowMissingQop?: boolean
  /**
   * True accepts credentials whose `uri` is not the Request-URI: SIPp and some phones name the server's address there, and proxies on the
   * way rewrite Request-URIs. The nonce count still forbids any second use.
   */
  readonly allowOtherUri?: boolean
}

/** What verification needs of an account: hex HA1 by algorithm name, as `digestHash` makes it, and by `withRealm` of it. */
export interface DigestAccount {
  readonly ha1: ReadonlyMap<string, string>
}

const MISSING = { kind: 'missing' } as const
const NO_BODY = new Uint8Array(0)
/** Stands in for the hash of an account that does not exist; no password leads to it. */
const NO_HA1: Readonly<Record<DigestAlgorithm, string>> = {
  'SHA-512-256': '0'.repeat(64),
  'SHA-256': '0'.repeat(64),
  MD5: '0'.repeat(32),
}

/** Where accounts are found. */
export interface DigestUsers<A> {
  /** By name in Unicode. */
  byName(username: string): A | undefined
  /** By lower-case hex of H(username:realm), whatever the algorithm; only with `userHash`. */
  byHash?(hash: string): A | undefined
}

export function verify<A extends DigestAccount>(
  now: Now,
  request: DigestRequest,
  rules: DigestRules,
  window: NonceWindow,
  users: DigestUsers<A>,
): DigestVerdict<A> {
  const all: Credential<A>[] = []
  for (const text of request.credentials) {
    const params = parseDigest(text)
    // Basic and other schemes count as no credentials; a broken Digest is a failure of nobody in particular.
    if (params === undefined && !isDigest(text)) continue
    if (params !== undefined && unicode(params.get('realm') ?? '') !== rules.realm) continue
    const one: Credential<A> =
      params === undefined ? BROKEN : verifyOne(now, request, params, rules, window, users)
    // All of them, so that none of those that are right can be used once more from elsewhere.
    all.push(one)
    if (all.length === CREDENTIALS_MAX) break
  }
  const [first] = all
  if (first === undefined) return MISSING
  return all.length === 1 ? { ...first, all } : decided(first, all)
}

/** Looked at in one request: one for each algorithm, and one over. More would be so many guesses at a time. */
const CREDENTIALS_MAX = 4
const BROKEN = { kind: 'bad', username: '', by: 'unknown' } as const

function isDigest(text: string): boolean {
  return text.trimStart().slice(0, 6).toLowerCase() === 'digest'
}

function verifyOne<A extends DigestAccount>(
  now: Now,
  request: DigestRequest,
  params: ReadonlyMap<string, string>,
  rules: DigestRules,
  window: NonceWindow,
  users: DigestUsers<A>,
): Credential<A> {
  const shown = userName(params)
  const form = algorithmNamed(params.get('algorithm') ?? 'MD5')
  const nonce = params.get('nonce')
  const uri = params.get('uri')
  const given = params.get('response')?.toLowerCase()
  const hashed = params.get('userhash')?.toLowerCase() === 'true'
  // Hex digits are the same in both cases.
  const bare = hashed ? shown.toLowerCase() : withoutRealm(shown, rules.realm)
  const username = bare ?? shown
  const bad = { kind: 'bad', username, by: 'unknown' } as const
  if (
    username === '' ||
    form === undefined ||
    nonce === undefined ||
    uri === undefined ||
    given === undefined
  ) {
    return bad
  }
  if (!rules.algorithms.includes(form.algorithm)) return bad
  if (hashed && rules.userHash !== true) return bad
  const count = nonceCount(params, form, rules)
  if (count === undefined) return bad
  if (rules.allowOtherUri !== true && !sameTarget(uri, request.uri)) return bad

  const account = hashed ? users.byHash?.(username) : users.byName(username)
  const ha1 = account?.ha1.get(username === shown || hashed ? form.algorithm : withRealm(form.algorithm))
  const expected = responseFor(ha1 ?? NO_HA1[form.algorithm], form, params, request)
  const right = sameText(given, expected) && ha1 !== undefined
  const ends = { issuer: rules.issuer ?? '', client: request.client ?? '' }
  const state = checkNonce(nonce, now.wall, rules.realm, rules.secret, ends)
  if (state.kind === 'foreign') return bad
  const by = state.sameClient ? 'client' : 'other'
  const stale = { kind: 'stale', username, by } as const
  // Captured credentials are of no use from another address. Only the first use of a nonce of ours may come from elsewhere, for clients
  // whose address changes with every request; that it is the first is known here. What cannot be right is not said to be wrong either:
  // it counts as nobody's guess, and must not be worth guessing.
  const fromElsewhere = state.kind === 'fresh' && state.own && count <= 1
  if (!state.sameClient && !fromElsewhere) return stale
  if (!right || account === undefined)
    return { kind: 'bad', username, by, unhashed: account !== undefined && ha1 === undefined }
  if (state.kind === 'stale') return stale
  // What the response covers: neither the spelling of the name nor, without qop, a cnonce. One of its hashes stands for the account, the same for all algorithms.
  const [own = ''] = account.ha1.values()
  const key = `${nonce} ${params.has('qop') ? (params.get('cnonce') ?? '') : ''} ${own}`
  if (!window.use(now.wall, key, state.issuedAt, Math.max(count, 1))) return stale
  return { kind: 'ok', account, username, by }
}

/** The name before `@realm`; undefined when it does not end so. */
function withoutRealm(name: string, realm: string): string | undefined {
  const at = name.length - realm.length - 1
  return at > 0 && name.charCodeAt(at) === AT && name.endsWith(realm) ? name.slice(0, at) : undefined
}

/** In Unicode; empty when there is none, or two that contradict each other (RFC 7616 s.3.4). */
function userName(params: ReadonlyMap<string, string>): string {
  const plain = params.get('username')
  const extended = params.get('username*')
  if (extended === undefined) return unicode(plain ?? '')
  // RFC 5987 s.3.2: UTF-8'language'percent-encoded.
  const [charset = '', , text = ''] = extended.split("'")
  const userHashed = params.get('userhash')?.toLowerCase() === 'true'
  if (plain !== undefined || userHashed || charset.toLowerCase() !== 'utf-8') return ''
  return unicode(percentDecode(text))
}

/** The nonce count; 0 for a client without qop where that is allowed; undefined for a set that does not fit. */
function nonceCount(
  params: ReadonlyMap<string, string>,
  form: AlgorithmForm,
  rules: DigestRules,
): number | undefined {
  const qop = params.get('qop')?.toLowerCase()
  const withoutBody = (rules.qop ?? QOP_DEFAULT).includes('auth')
  if (qop === undefined) {
    const tolerated = rules.allowMissingQop === true && form.algorithm === 'MD5' && !form.session
    return tolerated && withoutBody ? 0 : undefined
  }
  if (qop !== 'auth-int' && !(qop === 'auth' && withoutBody)) return undefined
  const count = params.get('nc') ?? ''
  // Eight digits, and from 1; some leave out the zeros, or begin with 0 (docs/adr/0038).
  if ((params.get('cnonce') ?? '') === '' || count === '' || count.length > 8) return undefined
  for (const digit of count) if (!'0123456789abcdefABCDEF'.includes(digit)) return undefined
  return Number.parseInt(count, 16)
}

/** The response that the owner of `ha1` gives to these parameters (RFC 7616 s.3.4.1). */
export function responseFor(
  ha1: string,
  form: AlgorithmForm,
  params: ReadonlyMap<string, string>,
  request: { readonly method: string; readonly body?: Uint8Array },
): string {
  const { algorithm } = form
  const nonce = params.get('nonce') ?? ''
  const cnonce = params.get('cnonce') ?? ''
  const qop = params.get('qop')
  const secret = form.session ? hashText(algorithm, `${ha1}:${nonce}:${cnonce}`) : ha1
  let a2 = `${request.method}:${params.get('uri') ?? ''}`
  // RFC 8760 s.2.6: an empty body counts as the hash of nothing.
  if (qop?.toLowerCase() === 'auth-int') a2 += `:${hashBytes(algorithm, request.body ?? NO_BODY)}`
  const ha2 = hashOfA2(algorithm, a2)
  if (qop === undefined) return hashText(algorithm, `${secret}:${nonce}:${ha2}`)
  return hashText(algorithm, `${secret}:${nonce}:${params.get('nc') ?? ''}:${cnonce}:${qop}:${ha2}`)
}

/** Method and URI are the same for all who register with a domain. */
let latestA2 = { algorithm: '', a2: '', ha2: '' }

function hashOfA2(algorithm: DigestAlgorithm, a2: string): string {
  if (latestA2.a2 !== a2 || latestA2.algorithm !== algorithm)
    latestA2 = { algorithm, a2, ha2: hashText(algorithm, a2) }
  return latestA2.ha2
}

/**
 * RFC 7616 s.3.4.6: the credentials must be for this request. Phones leave out ports and parameters, so user and host
 * decide.
 */
function sameTarget(credentialUri: string, requestUri: string): boolean {
  if (credentialUri === requestUri) return true
  const claimed = parseUri(credentialUri)
  const actual = parseUri(requestUri)
  if (claimed === undefined || actual === undefined || claimed.host !== actual.host) return false
  return percentDecode(claimed.user ?? '') === percentDecode(actual.user ?? '')
}

function sameText(given: string, expected: string): boolean {
  const a = Buffer.from(given, 'latin1')
  const b = Buffer.from(expected, 'latin1')
  // The length of a hash is no secret.
  return a.length === b.length && timingSafeEqual(a, b)
}

/** Header text is bytes; accounts and configuration are Unicode. */
function unicode(text: string): string {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) >= 0x80) return fromUtf8(Buffer.from(text, 'latin1'))
  }
  return text
}

function latin1(text: string): string {
  return Buffer.from(utf8(text)).toString('latin1')
}
