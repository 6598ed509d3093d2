/** /livez, /readyz and /metrics: for orchestrators and Prometheus, open to everybody. */
import { z } from 'zod'
import { checkAnswer } from '../answers.ts'
import type { AdminNode } from '../port.ts'
import { ok, route, type Route } from '../route.ts'

const alive = z.strictObject({ status: z.literal('ok') })
const readiness = z.strictObject({
  ready: z.boolean(),
  failing: z.array(checkAnswer),
  checks: z
    .array(checkAnswer)
    .describe('All checks by name and outcome; with `verbose` also what each has to say.'),
})

export function healthRoutes(node: AdminNode): Route[] {
  const tag = 'Health'
  const lives = (url: string, summary: string): Route =>
    route({
      url,
      tag,
      open: true,
      summary,
      answers: { 200: { description: 'It is.', schema: alive } },
      handle: () => ok({ status: 'ok' }),
    })
  return [
    lives('/livez', 'The event loop of the process is alive; stays so while the node drains.'),
    lives('/healthz', 'The same under its older name.'),
    route({
      url: '/readyz',
      tag,
      open: true,
      summary: 'Phones can be served: joined, self-test fresh, journal writable, not draining.',
      query: z.object({ verbose: z.string().optional().describe('Present: details of all checks.') }),
      answers: {
        200: { description: 'Ready.', schema: readiness },
        503: { description: 'Not ready; `failing` says why.', schema: readiness },
      },
      handle: ({ query }) => {
        const checks = node.checks()
        const failing = checks.filter((check) => !check.ok)
        const shown =
          query.verbose === undefined ? checks.map(({ name, ok: passes }) => ({ name, ok: passes })) : checks
        const ready = failing.length === 0
        return { status: ready ? 200 : 503, body: { ready, failing, checks: shown } }
      },
    }),
    route({
      url: '/metrics',
      tag,
      open: true,
      summary: 'Metrics in Prometheus text format.',
      answers: { 200: { description: 'All series.', type: 'text/plain' } },
      handle: async () => {
        const { contentType, text } = await node.metrics()
        return { status: 200, body: text, type: contentType }
      },
    }),
  ]
}
