/** The HTTP face of a node: health, metrics, the API under /api/v1 (contract s.4) and the admin page. */
import Fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify'
import type { z } from 'zod'
import { limitConnections } from '../common/connection-limits.ts'
import { Tally } from '../common/instruments.ts'
import { isLoopback } from './access.ts'
import { EventStreams } from './event-streams.ts'
import { guard, HEADERS } from './guards.ts'
import { refuseUnreadable } from './unreadable.ts'
import { pageAssets, type Asset } from './page-assets.ts'
import type { AdminNode, AuditEntry } from './port.ts'
import { docsRoutes } from './resources/docs.ts'
import { healthRoutes } from './resources/health.ts'
import { overlayRoutes } from './resources/overlay.ts'
import { phoneRoutes } from './resources/phones.ts'
import { traceRoutes } from './resources/traces.ts'
import { userRoutes } from './resources/users.ts'
import type { Route } from './route.ts'

const BODY_BYTES_MAX = 64 * 1024
/** Judgement: probes and people need a few. Scripts of this machine may have all. */
const CONNECTIONS = { all: 512, perSource: 128, trusted: isLoopback }
const REQUEST_TIMEOUT_MS = 30_000
const METHODS = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE']

/** What Fastify refuses before it looks for a handler. */
const UNROUTABLE: Readonly<Record<string, string>> = {
  FST_ERR_BAD_URL: 'the path is no valid URL',
  FST_ERR_MAX_PARAM_LENGTH: 'a part of the path is too long',
}

export interface AdminInit {
  readonly host: string
  readonly port: number
  /** Undefined: the API answers on loopback only. */
  readonly token: string | undefined
  readonly version: string
  /** Takes one line for every write. */
  readonly audit: (entry: AuditEntry) => void
  /** Monotonic milliseconds; tests hand in their own. */
  readonly clock?: () => number
  /** Script and style of the page by path; those of this build when absent. */
  readonly assets?: ReadonlyMap<string, Asset>
}

/** `listen` and `close` are a pair; `inject` serves tests without a socket. */
export class AdminServer {
  readonly rateLimited = new Tally(['admin'])
  /** Everything that is served, for the documentation. */
  readonly routes: readonly Route[]
  private readonly app: FastifyInstance
  private readonly init: AdminInit
  private readonly streams: EventStreams

  constructor(node: AdminNode, init: AdminInit) {
    this.init = init
    this.streams = new EventStreams(node)
    this.app = Fastify({
      bodyLimit: BODY_BYTES_MAX,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: 5_000,
      forceCloseConnections: true,
      logger: false,
      trustProxy: false,
      exposeHeadRoutes: true,
      routerOptions: { maxParamLength: 1_024 },
      frameworkErrors: (error, _request, reply) => unroutable(error, reply as unknown as FastifyReply),
      clientErrorHandler: refuseUnreadable,
    })
    limitConnections(this.app.server, CONNECTIONS)
    // Only JSON: a form of a foreign page can send text/plain without asking first.
    this.app.removeContentTypeParser('text/plain')
    this.allowNoBody()
    const routes = [
      ...healthRoutes(node),
      ...overlayRoutes(node),
      ...phoneRoutes(node),
      ...traceRoutes(node),
      ...userRoutes(node),
      this.streams.route,
    ]
    this.routes = [...routes, ...docsRoutes(routes, init.version)]
    guard(this.app, {
      token: init.token,
      clock: init.clock ?? (() => performance.now()),
      rateLimited: this.rateLimited,
      open: new Set(this.routes.filter(({ open }) => open).map(({ url }) => url)),
    })
    this.failures()
    const methods = this.methodsByPath()
    for (const route of this.routes) this.serve(route)
    this.page(init.assets ?? pageAssets())
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
    this.streams.close()
    await this.app.close()
  }

  get inject(): FastifyInstance['inject'] {
    return this.app.inject.bind(this.app)
  }

  /** Many clients name the type in every request, and send nothing with a DELETE. What needs a body says so itself. */
  private allowNoBody(): void {
    const parse = this.app.getDefaultJsonParser('error', 'error')
    this.app.removeContentTypeParser('application/json')
    this.app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) =>
      body === '' ? done(null, undefined) : void parse(request, body, done),
    )
  }

  private failures(): void {
    this.app.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'no such page' }))
    this.app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
      const status = error.statusCode ?? 500
      return reply.code(status).send({ error: status < 500 ? error.message : 'internal error' })
    })
  }

  private serve(route: Route): void {
    this.app.route({
      method: route.method,
      url: route.url,
      handler: async (request, reply) => {
        if (route === this.streams.route) return this.streams.open(request, reply)
        const question = { params: route.params, query: route.query, body: route.body }
        const given = { params: request.params, query: request.query, body: request.body }
        const made: Record<string, unknown> = {}
        for (const part of ['params', 'query', 'body'] as const) {
          const schema = question[part]
          const parsed = schema === undefined ? undefined : schema.safeParse(given[part])
          if (parsed?.success === false) return reply.code(400).send({ error: complaint(part, parsed.error) })
          made[part] = parsed?.data
        }
        const answer = await route.handle({
          params: made['params'],
          query: made['query'],
          body: made['body'],
          accept: request.headers.accept?.includes('text/html') === true ? 'html' : 'json',
          audit: (action, subject, done) => this.audit(request, action, subject, done),
        })
        return send(reply, answer)
      },
    })
  }

  private page(assets: ReadonlyMap<string, Asset>): void {
    for (const [path, { type, bytes }] of assets)
      this.app.get(path, async (_request, reply) => reply.type(type).send(Buffer.from(bytes)))
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

  private audit(request: FastifyRequest, action: AuditEntry['action'], subject: string, done: boolean): void {
    this.init.audit({ action, subject, source: request.ip, result: done ? 'ok' : 'refused' })
  }
}

/** Before any hook: the headers that go out with everything are set here. */
function unroutable({ code, statusCode = 400 }: FastifyError, reply: FastifyReply): void {
  const error = UNROUTABLE[code] ?? 'the request cannot be read'
  void reply.code(statusCode).headers(HEADERS).send({ error })
}

function send(
  reply: FastifyReply,
  { status, body, type }: { status: number; body: unknown; type?: string },
): FastifyReply {
  reply.code(status)
  return type === undefined ? reply.send(body) : reply.type(type).send(body)
}

/** `query/aor: …`, of the first thing that is wrong. */
function complaint(part: string, error: z.ZodError): string {
  const [issue] = error.issues
  return issue === undefined
    ? `${part} is not usable`
    : `${[part, ...issue.path].join('/')}: ${issue.message}`
}
