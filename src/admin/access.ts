/**
 * Who may ask. On loopback nobody needs a token, as long as the request really comes from there and not from a web page
 * or through a proxy; from anywhere else everything under /api needs it.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'

export interface AccessQuestion {
  readonly remoteAddress: string
  /** Host header. */
  readonly host: string | undefined
  readonly authorization: string | undefined
  /** A proxy passed this on: the remote address is the proxy's. */
  readonly forwarded: boolean
}

export type AccessAnswer =
  { readonly ok: true } | { readonly ok: false; readonly status: 401 | 403; readonly reason: string }

/** `token` undefined: only loopback gets in. */
export function access(question: AccessQuestion, token: string | undefined): AccessAnswer {
  const shown = bearer(question.authorization)
  if (shown !== undefined) {
    if (token !== undefined && sameSecret(shown, token)) return { ok: true }
    return { ok: false, status: 401, reason: 'wrong token' }
  }
  if (question.forwarded || !isLoopback(question.remoteAddress)) {
    return { ok: false, status: 401, reason: 'a bearer token is needed' }
  }
  // A page in the operator's browser can point its own name at 127.0.0.1 (DNS rebinding): only names that mean
  // loopback are served without a token.
  if (!isLoopbackName(question.host)) return { ok: false, status: 403, reason: 'unexpected Host header' }
  return { ok: true }
}

export function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.')
}

function isLoopbackName(host: string | undefined): boolean {
  if (host === undefined) return false
  const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
  return name === 'localhost' || (isIP(name) !== 0 && isLoopback(name))
}

function bearer(authorization: string | undefined): string | undefined {
  if (authorization === undefined || authorization.slice(0, 7).toLowerCase() !== 'bearer ') return undefined
  return authorization.slice(7).trim()
}

/** Compares hashes, so that neither length nor content shows in the time it takes. */
function sameSecret(a: string, b: string): boolean {
  return timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest())
}
