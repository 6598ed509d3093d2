/** What happened to calls and registrations, by Call-ID. */
import { z } from 'zod'
import { failureAnswer, traceAnswer, tracesAnswer } from '../answers.ts'
import type { AdminNode } from '../port.ts'
import { ok, replyTo, route, type Route } from '../route.ts'

const FORMS = { json: 'application/json', text: 'text/plain', svg: 'image/svg+xml' } as const

export function traceRoutes(node: AdminNode): Route[] {
  const tag = 'Calls'
  return [
    route({
      url: '/api/v1/traces',
      tag,
      summary: 'The latest calls and registrations whose trace is in memory.',
      query: z.object({
        limit: z.coerce.number().int().min(1).max(10_000).default(200).describe('Traces at most.'),
      }),
      answers: { 200: { description: 'Latest first; calls before registrations.', schema: tracesAnswer } },
      handle: ({ query }) => ok(node.traces(query.limit)),
    }),
    route({
      url: '/api/v1/traces/:callId',
      tag,
      summary: 'One of them, step by step, with what the other nodes saw.',
      params: z.object({ callId: z.string().describe('Call-ID, percent-encoded.') }),
      query: z.object({
        scope: z
          .enum(['all', 'node'])
          .default('all')
          .describe('node: only what this node saw; all: the nodes that took part are asked too.'),
        format: z.enum(['json', 'text', 'svg']).default('json').describe('text and svg: a ladder.'),
      }),
      answers: {
        200: {
          description: 'The trace. Secrets in messages are covered.',
          schema: traceAnswer,
          also: [FORMS.text, FORMS.svg],
        },
        404: { description: 'This node knows nothing of that Call-ID.', schema: failureAnswer },
      },
      handle: async ({ params, query }) => {
        const result = await node.trace(params.callId, query.scope === 'all')
        if (!result.ok || query.format === 'json')
          return replyTo(result.ok ? { ok: true, value: result.value.view } : result)
        const body = query.format === 'svg' ? result.value.svg() : result.value.text()
        return { status: 200, body, type: `${FORMS[query.format]}; charset=utf-8` }
      },
    }),
  ]
}
