/** Phones that are registered here. */
import { z } from 'zod'
import { bindingsAnswer } from '../answers.ts'
import type { AdminNode } from '../port.ts'
import { ok, replyTo, route, type Route } from '../route.ts'
import { aor } from './overlay.ts'

/** As many as one answer holds. */
const LIST_MAX = 100_000

export function phoneRoutes(node: AdminNode): Route[] {
  return [
    route({
      url: '/api/v1/bindings',
      tag: 'Phones',
      summary: 'Bindings held here, with the flow each phone is reached by and the seconds that are left.',
      query: z.object({
        aor: aor.optional(),
        limit: z.coerce.number().int().min(1).max(LIST_MAX).default(LIST_MAX).describe('Bindings at most.'),
      }),
      answers: { 200: { description: 'Bindings of one AOR or of all.', schema: bindingsAnswer } },
      handle: ({ query: { aor: of, limit } }) =>
        of === undefined ? ok(node.bindings(limit)) : replyTo(node.bindingsOf(of, limit)),
    }),
  ]
}
