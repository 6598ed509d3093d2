/** Digest authentication, the client's half (RFC 7616 s.3.4, RFC 8760 s.2.4): for what this node asks of others. */
import { utf8 } from '../../common/bytes.ts'
import { quote } from '../message/chars.ts'
import { parseDigest } from '../message/digest-params.ts'
import {
  algorithmNamed,
  DIGEST_ALGORITHMS,
  digestHash,
  type AlgorithmForm,
  type DigestAlgorithm,
} from './algorithms.ts'
import { responseFor, type DigestQop } from './digest.ts'

/** A challenge that can be answered. Texts are latin-1: as they stand in the message. */
export interface DigestChallenge {
  readonly realm: string
  readonly nonce: string
  readonly opaque: string | undefined
  readonly form: AlgorithmForm
  /** As it was named. */
  readonly algorithm: string | undefined
  /** Undefined: a server of RFC 2069, whose nonces serve once. */
  readonly qop: DigestQop | undefined
  /** The nonce before was too old, the password right. */
  readonly stale: boolean
}

export interface DigestIdentity {
  /** Unicode. */
  readonly username: string
  readonly password: string
}

/** The strongest of the challenges that can be answered; `realm` undefined takes any. */
export function chooseChallenge(
  values: readonly string[],
  realm: string | undefined,
): DigestChallenge | undefined {
  let best: DigestChallenge | undefined
  for (const value of values) {
    const challenge = readChallenge(value)
    if (challenge === undefined || (realm !== undefined && challenge.realm !== latin1(realm))) continue
    if (best === undefined || rank(challenge.form.algorithm) < rank(best.form.algorithm)) best = challenge
  }
  return best
}

/** Value of Authorization or Proxy-Authorization. `nc` counts the uses of the nonce from 1. */
export function answerChallenge(
  challenge: DigestChallenge,
  identity: DigestIdentity,
  request: { readonly method: string; readonly uri: string; readonly body?: Uint8Array },
  use: { readonly nc: number; readonly cnonce: string },
): string {
  const { realm, nonce, opaque, form, algorithm, qop } = challenge
  const ha1 = digestHash(form.algorithm, identity.username, unicode(realm), identity.password)
  const count = use.nc.toString(16).padStart(8, '0')
  const params = new Map([
    ['nonce', nonce],
    ['uri', request.uri],
    ['cnonce', use.cnonce],
    ['nc', count],
    ...(qop === undefined ? [] : [['qop', qop] as const]),
  ])
  const response = responseFor(ha1, form, params, request)
  const named = algorithm === undefined ? '' : `, algorithm=${algorithm}`
  const counted = qop === undefined ? '' : `, qop=${qop}, nc=${count}`
  const own = qop === undefined && !form.session ? '' : `, cnonce=${quote(use.cnonce)}`
  const returned = opaque === undefined ? '' : `, opaque=${quote(opaque)}`
  return (
    `Digest username=${quote(latin1(identity.username))}, realm=${quote(realm)}, nonce=${quote(nonce)}, ` +
    `uri=${quote(request.uri)}, response="${response}"${named}${own}${counted}${returned}`
  )
}

function readChallenge(value: string): DigestChallenge | undefined {
  const params = parseDigest(value)
  const realm = params?.get('realm')
  const nonce = params?.get('nonce')
  if (params === undefined || realm === undefined || nonce === undefined) return undefined
  const algorithm = params.get('algorithm')
  const form = algorithmNamed(algorithm ?? 'MD5')
  const offered = params.get('qop')
  const qop = offered === undefined ? undefined : chosenQop(offered)
  if (form === undefined || (offered !== undefined && qop === undefined)) return undefined
  const stale = params.get('stale')?.toLowerCase() === 'true'
  return { realm, nonce, opaque: params.get('opaque'), form, algorithm, qop, stale }
}

function chosenQop(offered: string): DigestQop | undefined {
  const names = offered.split(',').map((name) => name.trim().toLowerCase())
  if (names.includes('auth')) return 'auth'
  return names.includes('auth-int') ? 'auth-int' : undefined
}

function rank(algorithm: DigestAlgorithm): number {
  return DIGEST_ALGORITHMS.indexOf(algorithm)
}

function latin1(text: string): string {
  return Buffer.from(utf8(text)).toString('latin1')
}

function unicode(text: string): string {
  return Buffer.from(text, 'latin1').toString('utf8')
}
