/** One entry of the API: what it takes and answers as schemas, from which both the checks and the documentation are made. */
import type { z } from 'zod'
import type { AuditEntry, CommandResult } from './port.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

export interface Reply {
  readonly status: number
  /** Undefined for an empty answer; text goes out as it is, everything else as JSON. */
  readonly body: unknown
  readonly type?: string
}

export interface Documented {
  readonly description: string
  /** Undefined where the answer is no JSON. */
  readonly schema?: z.ZodType
  /** Media type where it is no JSON. */
  readonly type?: string
  /** Further media types in which the same may come, all of them text. */
  readonly also?: readonly string[]
}

/** What a handler is given: the question as its schemas made it. */
export interface Question<P, Q, B> {
  readonly params: P
  readonly query: Q
  readonly body: B
  /** What the client would rather read. */
  readonly accept: 'json' | 'html'
  /** Writes a line of the audit log. */
  audit(action: AuditEntry['action'], subject: string, done: boolean): void
}

export interface Route {
  readonly method: Method
  /** Path with `:name` for parameters. */
  readonly url: string
  readonly summary: string
  readonly tag: string
  /** Nobody needs a token for it. */
  readonly open: boolean
  readonly params: z.ZodObject | undefined
  readonly query: z.ZodObject | undefined
  readonly body: z.ZodType | undefined
  readonly answers: Readonly<Record<number, Documented>>
  handle(question: Question<unknown, unknown, unknown>): Reply | Promise<Reply>
}

type Shape = z.ZodObject

/** Writes down a route; `handle` sees its parameters, query and body with the types of their schemas. */
export function route<
  P extends Shape = Shape,
  Q extends Shape = Shape,
  B extends z.ZodType = z.ZodType,
>(init: {
  readonly method?: Method
  readonly url: string
  readonly summary: string
  readonly tag: string
  readonly open?: boolean
  readonly params?: P
  readonly query?: Q
  readonly body?: B
  readonly answers: Readonly<Record<number, Documented>>
  readonly handle: (question: Question<z.output<P>, z.output<Q>, z.output<B>>) => Reply | Promise<Reply>
}): Route {
  return {
    method: init.method ?? 'GET',
    url: init.url,
    summary: init.summary,
    tag: init.tag,
    open: init.open ?? false,
    params: init.params,
    query: init.query,
    body: init.body,
    answers: init.answers,
    // The schemas have made the question before it gets here.
    handle: (question) => init.handle(question as Question<z.output<P>, z.output<Q>, z.output<B>>),
  }
}

export function ok(body: unknown): Reply {
  return { status: 200, body }
}

export function replyTo<T>(result: CommandResult<T>, status = 200): Reply {
  return result.ok
    ? { status, body: result.value }
    : { status: result.status, body: { error: result.reason } }
}
