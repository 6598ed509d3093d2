import { describe, expect, it } from 'vitest'
import { server } from './fake-node.ts'

interface Document {
  readonly openapi: string
  readonly paths: Record<
    string,
    Record<string, { readonly responses: Record<string, unknown>; readonly security?: unknown }>
  >
}

describe('OpenAPI', () => {
  it('names every route that is served, with its answers, and is open to everybody', async () => {
    const { admin, get } = server('hush')
    const document = (await get('/api/docs', {}, '192.0.2.9')).json<Document>()
    expect(document.openapi).toBe('3.1.0')
    for (const route of admin.routes) {
      const path = route.url.replace(/:(\w+)/g, '{$1}')
      const operation = document.paths[path]?.[route.method.toLowerCase()]
      expect(operation, route.url).toBeDefined()
      for (const status of Object.keys(route.answers)) expect(operation?.responses).toHaveProperty(status)
      expect(operation?.security === undefined, route.url).toBe(route.open)
    }
    for (const path of ['peer', 'ring', 'bindings', 'locate', 'storage', 'traces', 'users'])
      expect(document.paths).toHaveProperty([`/api/v1/${path}`])
    expect((await get('/api/docs/openapi.json')).json()).toEqual(document)
  })

  it('is a page for browsers, without script', async () => {
    const { get } = server()
    const page = await get('/api/docs', { accept: 'text/html,*/*' })
    expect(page.headers['content-type']).toContain('text/html')
    expect(page.body).toContain('/api/v1/traces/{callId}')
    expect(page.body).not.toContain('<script')
  })

  it('what is answered fits the schema that is documented', async () => {
    const { admin, get } = server()
    const asked: Record<string, string> = {
      '/api/v1/locate': '?aor=a@b',
      '/api/v1/path': '?aor=a@b',
      '/api/v1/ping': `?node=${'1'.repeat(32)}`,
    }
    for (const route of admin.routes) {
      const schema = route.answers[200]?.schema
      if (route.method !== 'GET' || schema === undefined) continue
      const answer = await get(`${route.url.replace(':callId', 'x')}${asked[route.url] ?? ''}`)
      expect(schema.safeParse(answer.json()).error, route.url).toBeUndefined()
    }
  })
})
