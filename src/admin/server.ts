/** The HTTP face of a node: health, metrics, and the API under /api/v1 (contract s.4). */
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { Tally } from '../common/instruments.ts'
import { access } from './access.ts'
import { PAGE } from './page.ts'
import type { AdminNode, AuditEntry, CommandResult } from './port.ts'
import { RateLimit, sourceOf } from '../common/rate-limit.ts'

const BODY_BYTES_MAX = 64 * 1024
const CONNECTIONS_MAX = 512
const REQUEST_TIMEOUT_MS = 30_000
const REQUESTS_PER_SECOND = 50
const REQUESTS_BURST = 200
const AOR_LENGTH_MAX = 512
const METHODS = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE']

export interface AdminInit {
  readonly host: string
  readonly port: number
  /** Undefined: the API answers on loopback only. */
  readonly token: string | undefined
  /** Takes one line for every write. */
  readonly audit: (entry: AuditEntry) => void
  /** Monotonic milliseconds; tests hand in their own. */
  readonly clock?: () => number
}

/** `listen` and `close` are a pair; `inject` serves tests without a socket. */
export class AdminServer {
  readonly rateLimited = new Tally(['admin'])
  private readonly app: FastifyInstance
  private readonly init: AdminInit

  constructor(node: AdminNode, init: AdminInit) {
    this.init = init
    this.app = Fastify({
      bodyLimit: BODY_BYTES_MAX,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: 5_000,
      forceCloseConnections: true,
      logger: false,
      trustProxy: false,
      exposeHeadRoutes: true,
      routerOptions: { maxParamLength: 256 },
    })
    this.app.server.maxConnections = CONNECTIONS_MAX
    // Only JSON: a form of a foreign page can send text/plain without asking first.
    this.app.removeContentTypeParser('text/plain')
    this.guards()
    const methods = this.methodsByPath()
    this.health(node)
    this.api(node)
    this.otherMethods(methods)
  }

  /** Binds; rejects with the system's error. */
  async listen(): Promise<{ readonly host: string; readonly port: number }> {
    await this.app.listen({ host: this.init.host, port: this.init.port })
    const bound = this.app.server.address()
    if (bound === null || typeof bound === 'string') throw new Error('admin listener without an address')
    return { host: bound.address, port: bound.port }
  }

  async close(): Promise<void> {
    await this.app.close()
  }

  get inject(): FastifyInstance['inject'] {
    return this.app.inject.bind(this.app)
  }

  private guards(): void {
    const limit = new RateLimit({ perSecond: REQUESTS_PER_SECOND, burst: REQUESTS_BURST })
    const clock = this.init.clock ?? (() => performance.now())
    this.app.addHook('onRequest', async (request, reply) => {
      // No page may frame, sniff or read what stands here; no CORS header is ever sent.
      reply.headers({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        'cache-control': 'no-store',
      })
      const api = request.routeOptions.url?.startsWith('/api/') ?? false
      if (!api) return undefined
      const wait = limit.take(sourceOf(request.socket.remoteAddress ?? ''), clock())
      if (wait > 0) {
        this.rateLimited.add('admin')
        return reply
          .code(429)
          .header('retry-after', String(Math.ceil(wait / 1000)))
          .send({ error: 'too many requests' })
      }
      const { headers } = request
      const answer = access(
        {
          remoteAddress: request.socket.remoteAddress ?? '',
          host: headers.host,
          authorization: headers.authorization,
          forwarded: headers['x-forwarded-for'] !== undefined || headers['forwarded'] !== undefined,
        },
        this.init.token,
      )
      if (answer.ok) return undefined
      if (answer.status === 401) reply.header('www-authenticate', 'Bearer realm="ringbridge"')
      return reply.code(answer.status).send({ error: answer.reason })
    })
    this.app.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'no such page' }))
    this.app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
      const status = error.statusCode ?? 500
      return reply.code(status).send({ error: status < 500 ? error.message : 'internal error' })
    })
  }

  /** Collects what every path answers to, from here on. */
  private methodsByPath(): Map<string, string[]> {
    const methods = new Map<string, string[]>()
    this.app.addHook('onRoute', ({ url, method }) => {
      methods.set(url, [...(methods.get(url) ?? []), method].flat())
    })
    return methods
  }

  /** RFC 9110 s.15.5.6: a path that is there, asked in another way, is 405 with what is allowed. */
  private otherMethods(methods: ReadonlyMap<string, readonly string[]>): void {
    for (const [url, known] of [...methods]) {
      const allow = known.toSorted().join(', ')
      this.app.route({
        url,
        method: METHODS.filter((method) => !known.includes(method)),
        exposeHeadRoute: false,
        // Before the body is looked at: it does not matter here what it holds.
        onRequest: async (_request, reply) =>
          reply
            .code(405)
            .header('allow', allow)
            .send({ error: `allowed: ${allow}` }),
        handler: () => undefined,
      })
    }
  }

  private health(node: AdminNode): void {
    this.app.get('/healthz', async () => ({ status: 'ok' }))
    this.app.get('/readyz', async (_request, reply) => {
      const checks = node.checks()
      const failing = checks.filter((check) => !check.ok)
      return reply
        .code(failing.length === 0 ? 200 : 503)
        .send({ ready: failing.length === 0, failing, checks: checks.map(({ name, ok }) => ({ name, ok })) })
    })
    this.app.get('/metrics', async (_request, reply) => {
      const { contentType, text } = await node.metrics()
      return reply.header('content-type', contentType).send(text)
    })
    this.app.get('/', async (_request, reply) => reply.type('text/html; charset=utf-8').send(PAGE))
  }

  private api(node: AdminNode): void {
    const { app } = this
    app.get('/api/v1/peer', async () => node.peer())
    app.get('/api/v1/ring', async () => node.ring())
    app.get('/api/v1/storage', async () => node.storage())
    app.get('/api/v1/bindings', { schema: { querystring: aorQuery(false) } }, async (request) => {
      return { bindings: node.bindings((request.query as { aor?: string }).aor) }
    })
    app.get('/api/v1/locate', { schema: { querystring: aorQuery(true) } }, async (request, reply) => {
      return answer(reply, await node.locate((request.query as { aor: string }).aor))
    })
    app.get('/api/v1/ping', { schema: { querystring: nodeQuery() } }, async (request, reply) => {
      return answer(reply, await node.ping((request.query as { node: string }).node))
    })
    app.get('/api/v1/path', { schema: { querystring: aorQuery(true) } }, async (request, reply) => {
      return answer(reply, await node.path((request.query as { aor: string }).aor))
    })
    app.get('/api/v1/users', async () => ({ users: node.users() }))
    app.post('/api/v1/users', { schema: { body: newUser() } }, async (request, reply) => {
      const { username, password } = request.body as { username: string; password: string }
      const result = await node.addUser(username, password)
      this.audit(request, 'users.add', username, result.ok)
      return result.ok ? reply.code(201).send(result.value) : answer(reply, result)
    })
    app.delete('/api/v1/users/:username', async (request, reply) => {
      const { username } = request.params as { username: string }
      const result = await node.removeUser(username)
      this.audit(request, 'users.remove', username, result.ok)
      return answer(reply, result)
    })
  }

  private audit(request: FastifyRequest, action: AuditEntry['action'], subject: string, done: boolean): void {
    this.init.audit({ action, subject, source: request.ip, result: done ? 'ok' : 'refused' })
  }
}

function answer<T>(reply: FastifyReply, result: CommandResult<T>): FastifyReply {
  return result.ok ? reply.send(result.value) : reply.code(result.status).send({ error: result.reason })
}

function aorQuery(required: boolean) {
  return {
    type: 'object',
    properties: { aor: { type: 'string', minLength: 1, maxLength: AOR_LENGTH_MAX } },
    required: required ? ['aor'] : [],
  }
}

function nodeQuery() {
  return {
    type: 'object',
    properties: { node: { type: 'string', pattern: '^[0-9a-fA-F]{32,40}$' } },
    required: ['node'],
  }
}

function newUser() {
  return {
    type: 'object',
    additionalProperties: false,
    properties: {
      username: { type: 'string', minLength: 1, maxLength: 128 },
      password: { type: 'string', minLength: 1, maxLength: 256 },
    },
    required: ['username', 'password'],
  }
}
