/** The documentation of this API: as OpenAPI for programs, as a page for people. Says nothing of this node, so it is open. */
import { z } from 'zod'
import { docsPage } from '../docs-page.ts'
import { openApi } from '../openapi.ts'
import { ok, route, type Route } from '../route.ts'

const documentAnswer = z.looseObject({
  openapi: z.string().describe('3.1.0'),
  info: z.looseObject({ title: z.string(), version: z.string() }),
  paths: z.record(z.string(), z.unknown()).describe('Operations by path and method.'),
})

/** `routes` are those that are documented; these two themselves are added. */
export function docsRoutes(routes: readonly Route[], version: string): Route[] {
  const tag = 'Documentation'
  const own: Route[] = [
    route({
      url: '/api/docs',
      tag,
      open: true,
      summary: 'This documentation: a page for browsers, otherwise OpenAPI.',
      query: z.object({
        format: z.enum(['json', 'html']).optional().describe('Instead of what Accept says.'),
      }),
      answers: {
        200: { description: 'OpenAPI 3.1 or a page.', schema: documentAnswer, also: ['text/html'] },
      },
      handle: ({ query, accept }) => ((query.format ?? accept) === 'html' ? html() : ok(document())),
    }),
    route({
      url: '/api/docs/openapi.json',
      tag,
      open: true,
      summary: 'OpenAPI 3.1.',
      answers: { 200: { description: 'The document.', schema: documentAnswer } },
      handle: () => ok(document()),
    }),
  ]
  const document = (): ReturnType<typeof openApi> => openApi([...routes, ...own], version)
  const html = () => ({ status: 200, body: docsPage(document()), type: 'text/html; charset=utf-8' })
  return own
}
