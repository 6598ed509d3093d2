/** The HTTPS face of an authority: the Configuration Document, and the enrollment POST (RFC 6940 s.11.2, s.11.3). */
import type { Server } from 'node:https'
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import { limitConnections } from '../../common/connection-limits.ts'
import { Tally } from '../../common/instruments.ts'
import type { Now } from '../../common/time.ts'
import { CONFIG_PATH, CONFIG_TYPE } from '../config-server-url.ts'
import { RateLimit, sourceOf } from '../../common/rate-limit.ts'
import type { EnrollmentDesk } from './enrollment-desk.ts'
import { matches, type DocumentFile } from './served-document.ts'

/** A form with its CSR has 2 kB with RSA-2048. */
const BODY_BYTES_MAX = 16 * 1024
/** Judgement: a site asks with one, and many sites may stand behind one address. */
const CONNECTIONS = { all: 256, perSource: 64 }
const REQUEST_TIMEOUT_MS = 10_000
const DOCUMENT_REQUESTS = { perSecond: 5, burst: 50 }

/** Where enrollment is served when nothing else is said. RFC 6940 gives it no place of its own. */
export const ENROLL_PATH = '/enroll'

/** PEM, both. */
export interface HttpsIdentity {
  readonly certificates: string
  readonly privateKey: string
}

export interface EnrollmentServerInit {
  readonly host: string
  readonly port: number
  readonly identity: HttpsIdentity
  readonly enrollPath?: string
}

/** `listen` and `close` are a pair. */
export class EnrollmentServer {
  readonly documentResults = new Tally(['sent', 'unchanged', 'limited', 'missing', 'confidential'])
  private readonly app: FastifyInstance<Server>
  private readonly init: EnrollmentServerInit

  constructor(
    components: { readonly desk: EnrollmentDesk; readonly document: DocumentFile; readonly clock: () => Now },
    init: EnrollmentServerInit,
  ) {
    this.init = init
    this.app = Fastify({
      https: { ...tlsOf(init.identity), minVersion: 'TLSv1.2', handshakeTimeout: REQUEST_TIMEOUT_MS },
      bodyLimit: BODY_BYTES_MAX,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: 5_000,
      forceCloseConnections: true,
      logger: false,
      trustProxy: false,
      exposeHeadRoutes: true,
    })
    limitConnections(this.app.server, CONNECTIONS)
    this.guards()
    this.documents(components.document, components.clock)
    this.enrollment(components.desk)
  }

  /** Binds; rejects with the system's error. */
  async listen(): Promise<{ readonly host: string; readonly port: number }> {
    await this.app.listen({ host: this.init.host, port: this.init.port })
    const bound = this.app.server.address()
    if (bound === null || typeof bound === 'string') throw new Error('enrollment listener without an address')
    return { host: bound.address, port: bound.port }
  }

  /** New connections see this certificate; those that are open are not touched. */
  renew(identity: HttpsIdentity): void {
    this.app.server.setSecureContext({ ...tlsOf(identity), minVersion: 'TLSv1.2' })
  }

  async close(): Promise<void> {
    await this.app.close()
  }

  private guards(): void {
    this.app.removeAllContentTypeParsers()
    this.app.addContentTypeParser('multipart/form-data', { parseAs: 'buffer' }, (_request, body, done) =>
      done(null, body),
    )
    this.app.addHook('onRequest', (_request, reply, done) => {
      reply.headers({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' })
      done()
    })
    this.app.setNotFoundHandler((_request, reply) => plain(reply, 404, 'no such page'))
    this.app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
      const status = error.statusCode ?? 500
      return plain(reply, status, status < 500 ? error.message : 'internal error')
    })
  }

  private documents(document: DocumentFile, clock: () => Now): void {
    const limit = new RateLimit(DOCUMENT_REQUESTS)
    this.app.get(CONFIG_PATH, async (request, reply) => {
      const wait = limit.take(sourceOf(request.ip), clock().ms)
      if (wait > 0) {
        this.documentResults.add('limited')
        return plain(reply.header('retry-after', Math.ceil(wait / 1000)), 429, 'too many requests')
      }
      const served = await document.read()
      if (served === undefined) {
        this.documentResults.add('missing')
        return plain(reply, 404, 'no Configuration Document yet')
      }
      if (served.confidential) {
        this.documentResults.add('confidential')
        return plain(reply, 403, 'the Configuration Document is confidential and is handed out by people')
      }
      // To be asked again each time; the answer is then mostly 304.
      reply.headers({ etag: served.etag, 'cache-control': 'no-cache' })
      if (matches(request.headers['if-none-match'], served.etag)) {
        this.documentResults.add('unchanged')
        return reply.code(304).send()
      }
      this.documentResults.add('sent')
      return reply.type(CONFIG_TYPE).send(Buffer.from(served.bytes))
    })
  }

  private enrollment(desk: EnrollmentDesk): void {
    this.app.post(this.init.enrollPath ?? ENROLL_PATH, async (request, reply) => {
      const answer = await desk.serve({
        source: request.ip,
        contentType: request.headers['content-type'] ?? '',
        body: Buffer.isBuffer(request.body) ? request.body : new Uint8Array(),
      })
      if (answer.retryAfterS !== undefined) reply.header('retry-after', answer.retryAfterS)
      return reply.code(answer.status).type(answer.contentType).send(Buffer.from(answer.body))
    })
  }
}

function plain(reply: FastifyReply, status: number, body: string): FastifyReply {
  return reply.code(status).type('text/plain; charset=utf-8').send(body)
}

function tlsOf({ certificates, privateKey }: HttpsIdentity): { cert: string; key: string } {
  return { cert: certificates, key: privateKey }
}
