/** What stands before every handler: headers that keep browsers honest, rate limits, tokens. */
import type { FastifyInstance } from 'fastify'
import type { Tally } from '../common/instruments.ts'
import { RateLimit, sourceOf } from '../common/rate-limit.ts'
import { access } from './access.ts'

/** Of one source that may ask: scripts ask for thousands of AORs one after the other (docs/adr/0026-scripts.md). */
const REQUESTS = { perSecond: 500, burst: 5_000 }
/** Of one source that may not. */
const REFUSALS = { perSecond: 50, burst: 200 }

/**
 * Scripts and styles come from this node and nowhere else, nothing inline; no page may frame, sniff or read what stands here, and no
 * CORS header is ever sent.
 */
export const HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
}

/** One of them says that a proxy asks for somebody else. */
const PROXY_FIELDS = [
  'forwarded',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
]

export interface GuardInit {
  readonly token: string | undefined
  readonly clock: () => number
  /** Counts requests that were over the limit. */
  readonly rateLimited: Tally
  /** Paths under /api that need no token. */
  readonly open: ReadonlySet<string>
}

export function guard(app: FastifyInstance, { token, clock, rateLimited, open }: GuardInit): void {
  const limits = { known: new RateLimit(REQUESTS), strange: new RateLimit(REFUSALS) }
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(HEADERS)
    const url = request.routeOptions.url ?? ''
    if (!url.startsWith('/api/')) return undefined
    const source = request.socket.remoteAddress ?? ''
    const { headers } = request
    const answer = access(
      {
        remoteAddress: source,
        host: headers.host,
        authorization: headers.authorization,
        forwarded: PROXY_FIELDS.some((name) => headers[name] !== undefined),
      },
      token,
    )
    const wait = limits[answer.ok ? 'known' : 'strange'].take(sourceOf(source), clock())
    if (wait > 0) {
      rateLimited.add('admin')
      const seconds = String(Math.ceil(wait / 1000))
      return reply.code(429).header('retry-after', seconds).send({ error: 'too many requests' })
    }
    if (open.has(url)) return undefined
    if (answer.ok) return undefined
    if (answer.status === 401) reply.header('www-authenticate', 'Bearer realm="ringbridge"')
    return reply.code(answer.status).send({ error: answer.reason })
  })
}
