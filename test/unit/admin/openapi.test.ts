import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { failureAnswer } from '../../../src/admin/answers.ts'
import { server } from './fake-node.ts'

interface Document {
  readonly openapi: string
  readonly paths: Record<
    string,
    Record<
      string,
      {
        readonly responses: Record<string, { readonly content?: Record<string, unknown> }>
        readonly security?: unknown
      }
    >
  >
}

/** All that comes back until the other side closes. */
function spoken(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let heard = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    socket.on('data', (bytes: Buffer) => (heard += bytes.toString('latin1')))
    socket.on('close', () => resolve(heard)).on('error', reject)
  })
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

  it('names every media type that is answered', async () => {
    const { get } = server()
    const document = (await get('/api/docs')).json<Document>()
    for (const [path, url, headers] of [
      ['/api/v1/traces/{callId}', '/api/v1/traces/x', {}],
      ['/api/v1/traces/{callId}', '/api/v1/traces/x?format=text', {}],
      ['/api/v1/traces/{callId}', '/api/v1/traces/x?format=svg', {}],
      ['/api/docs', '/api/docs', {}],
      ['/api/docs', '/api/docs', { accept: 'text/html' }],
      ['/api/docs/openapi.json', '/api/docs/openapi.json', {}],
    ] as const) {
      const answer = await get(url, headers)
      const [type = ''] = String(answer.headers['content-type']).split(';')
      const told = document.paths[path]?.['get']?.responses['200']?.content ?? {}
      expect(Object.keys(told), url).toContain(type)
    }
  })

  it('names what is refused before a handler is asked, all of it as a Failure', async () => {
    const { admin, get } = server()
    const { paths } = (await get('/api/docs')).json<Document>()
    const post = (payload: string, type: string) =>
      admin.inject({
        method: 'POST',
        url: '/api/v1/users',
        headers: { host: '127.0.0.1:8080', 'content-type': type },
        payload,
        remoteAddress: '127.0.0.1',
      })
    for (const [path, method, answer, status] of [
      ['/api/v1/users', 'post', await post('x'.repeat(70_000), 'application/json'), 413],
      ['/api/v1/users', 'post', await post('x', 'text/plain'), 415],
      ['/api/v1/users', 'post', await post('{', 'application/json'), 400],
      ['/api/v1/traces/{callId}', 'get', await get('/api/v1/traces/%25%'), 400],
      ['/api/v1/traces/{callId}', 'get', await get(`/api/v1/traces/${'x'.repeat(1_100)}`), 414],
      ['/api/docs', 'get', await get('/api/docs?format=pdf'), 400],
    ] as const) {
      expect(answer.statusCode, path).toBe(status)
      expect(failureAnswer.safeParse(answer.json()).error, `${path} ${status}`).toBeUndefined()
      expect(answer.headers['x-content-type-options']).toBe('nosniff')
      expect(paths[path]?.[method]?.responses).toHaveProperty(String(status))
    }
  })

  it('bytes that are no request are answered as a Failure, too', async () => {
    const { admin } = server()
    const { port } = await admin.listen()
    try {
      for (const [text, status, error] of [
        ['FOO /api/v1/peer HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n', 400, 'no such method'],
        [`GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431, 'the header is too long'],
        ['GET / HTTP/1.1\r\nno colon\r\n\r\n', 400, 'this is no HTTP request'],
      ] as const) {
        const [head = '', body = ''] = (await spoken(port, text)).split('\r\n\r\n')
        expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
        expect(JSON.parse(body)).toEqual({ error })
      }
    } finally {
      await admin.close()
    }
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
