import { describe, expect, it } from 'vitest'
import { access, isLoopback } from '../../../src/admin/access.ts'
import { NODE, OTHER, server } from './fake-node.ts'

describe('health', () => {
  it('/healthz is alive whatever /readyz says; /readyz names what fails', async () => {
    const { node, get } = server()
    expect((await get('/readyz')).statusCode).toBe(200)
    node.failing = [{ name: 'joined', ok: false, detail: 'the overlay state is joining' }]
    const answer = await get('/readyz')
    expect(answer.statusCode).toBe(503)
    expect(answer.json()).toMatchObject({
      ready: false,
      failing: [{ name: 'joined', detail: 'the overlay state is joining' }],
    })
    expect((await get('/healthz')).statusCode).toBe(200)
    expect((await get('/livez')).statusCode).toBe(200)
    expect(answer.json().checks).toContainEqual({ name: 'sip', ok: true })
    expect((await get('/readyz?verbose')).json().checks).toContainEqual({
      name: 'sip',
      ok: true,
      detail: 'two listeners',
    })
  })

  it('S-80 /metrics and / are open to everybody and hold no secrets, and nothing outside the assets is served', async () => {
    const { get } = server('hush')
    const metrics = await get('/metrics', { host: 'prometheus.example' }, '192.0.2.9')
    expect(metrics.statusCode).toBe(200)
    expect(metrics.headers['content-type']).toMatch(/text\/plain.*version=0\.0\.4/)
    const page = await get('/', {}, '192.0.2.9')
    expect(page.body).toContain('/readyz')
    const policy = String(page.headers['content-security-policy'])
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toContain('unsafe')
    expect(page.body).not.toMatch(/<script(?![^>]*src="\/assets\/)|<style|style=|\son\w+=|https?:\/\//)
    expect((await get('/assets/style.css', {}, '192.0.2.9')).headers['content-type']).toContain('text/css')
    expect((await get('/assets/../server.js')).statusCode).toBe(404)
    expect((await get('/assets/..%2fserver.js')).statusCode).toBe(404)
    expect(page.headers['access-control-allow-origin']).toBeUndefined()
  })
})

describe('API', () => {
  it('shows the node, the ring, bindings and locations', async () => {
    const { get } = server()
    expect((await get('/api/v1/peer')).json()).toMatchObject({ nodeId: NODE })
    expect((await get('/api/v1/ring')).json()).toMatchObject({ successors: [OTHER] })
    expect((await get('/api/v1/ring/walk')).json()).toMatchObject({ complete: true })
    expect((await get('/api/v1/storage')).json()).toMatchObject({ values: 3 })
    expect((await get('/api/v1/rates')).json()).toMatchObject({ counters: { sipIn: 1 } })
    expect((await get('/api/v1/bindings')).json()).toMatchObject({
      bindings: [{ aor: 'x' }, { aor: 'y' }],
      total: 2,
    })
    expect((await get('/api/v1/bindings?limit=1')).json().bindings).toHaveLength(1)
    expect((await get('/api/v1/bindings?limit=0')).statusCode).toBe(400)
    expect((await get('/api/v1/bindings?aor=a%40b')).json()).toMatchObject({ bindings: [{ aor: 'a@b' }] })
    expect((await get('/api/v1/bindings?aor=x')).statusCode).toBe(400)
    expect((await get('/api/v1/locate?aor=a@b')).json()).toMatchObject({ aor: 'a@b' })
    for (const number of ['+49301@b', '%2B49301@b'])
      expect((await get(`/api/v1/locate?aor=${number}`)).json(), number).toMatchObject({ aor: '+49301@b' })
    expect((await get('/api/v1/locate?aor=gone')).statusCode).toBe(504)
    expect((await get('/api/v1/locate')).statusCode).toBe(400)
    expect((await get(`/api/v1/locate?aor=${'x'.repeat(600)}`)).statusCode).toBe(400)
    expect((await get(`/api/v1/ping?node=${'0'.repeat(32)}`)).json()).toMatchObject({ rttMs: 1 })
    expect((await get('/api/v1/ping?node=xyz')).statusCode).toBe(400)
    expect((await get('/api/v1/path?aor=alice@x.org')).json()).toMatchObject({ complete: true })
    expect((await get('/api/v1/path')).statusCode).toBe(400)
    expect((await get('/api/v1/nothing')).json()).toEqual({ error: 'no such page' })
  })

  it('shows traces as JSON, text and SVG; Call-IDs may hold anything that a URL can carry', async () => {
    const { get, node } = server()
    expect((await get('/api/v1/traces')).json()).toEqual({ traces: [], total: 0, bytes: 0 })
    const callId = 'a/b?c@10.0.0.1'
    const url = `/api/v1/traces/${encodeURIComponent(callId)}`
    expect((await get(url)).json()).toMatchObject({ callId })
    expect(node.gathered).toBe(true)
    expect((await get(`${url}?scope=node`)).statusCode).toBe(200)
    expect(node.gathered).toBe(false)
    const text = await get(`${url}?format=text`)
    expect([text.body, text.headers['content-type']]).toEqual(['ladder\n', 'text/plain; charset=utf-8'])
    expect((await get(`${url}?format=svg`)).headers['content-type']).toContain('image/svg+xml')
    expect((await get(`${url}?format=pdf`)).statusCode).toBe(400)
    expect((await get('/api/v1/traces/none?format=svg')).json()).toEqual({ error: 'no trace' })
  })

  it('adds and removes accounts, and writes down who did', async () => {
    const { admin, audit, get } = server()
    const headers = { host: '127.0.0.1:8080', 'content-type': 'application/json' }
    const add = (payload: object) =>
      admin.inject({ method: 'POST', url: '/api/v1/users', headers, payload, remoteAddress: '127.0.0.1' })
    expect((await add({ username: 'carol', password: 'x' })).statusCode).toBe(201)
    expect((await add({ username: 'carol', password: 'x' })).statusCode).toBe(409)
    expect((await add({ username: 'dave' })).statusCode).toBe(400)
    expect((await add({ username: 'dave', password: 'x', more: 1 })).statusCode).toBeLessThan(500)
    expect((await get('/api/v1/users')).body).not.toContain('password')
    const removal = await admin.inject({
      method: 'DELETE',
      url: '/api/v1/users/carol',
      headers: { host: 'localhost' },
      remoteAddress: '::1',
    })
    expect(removal.statusCode).toBe(200)
    const change = async (username: string, payload: object) => {
      const url = `/api/v1/users/${username}/password`
      return (await admin.inject({ method: 'PUT', url, headers, payload, remoteAddress: '127.0.0.1' }))
        .statusCode
    }
    expect(await change('nobody', { password: 'y' })).toBe(404)
    expect(await change('nobody', { password: '' })).toBe(400)
    // Many clients name the type in every request.
    expect((await add({ username: 'erin', password: 'x' })).statusCode).toBe(201)
    const url = '/api/v1/users/erin'
    const typed = await admin.inject({ method: 'DELETE', url, headers, remoteAddress: '127.0.0.1' })
    expect(typed.statusCode).toBe(200)
    expect((await add({ username: 'frank', password: 'x' })).statusCode).toBe(201)
    expect(await change('frank', { password: 'y' })).toBe(200)
    expect(audit.at(-1)).toEqual({
      action: 'users.password',
      subject: 'frank',
      source: '127.0.0.1',
      result: 'ok',
    })
    expect(audit.slice(0, 2)).toEqual([
      { action: 'users.add', subject: 'carol', source: '127.0.0.1', result: 'ok' },
      { action: 'users.add', subject: 'carol', source: '127.0.0.1', result: 'refused' },
    ])
    expect(audit[2]).toEqual({ action: 'users.remove', subject: 'carol', source: '::1', result: 'ok' })
  })

  it('S-80 a form of a foreign page cannot write: only JSON is taken, and no CORS answer is given', async () => {
    const { admin } = server()
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
      const answer = await admin.inject({
        method: 'POST',
        url: '/api/v1/users',
        headers: { host: 'localhost', 'content-type': type, origin: 'https://evil.example' },
        payload: '{"username":"x","password":"y"}',
        remoteAddress: '127.0.0.1',
      })
      expect(answer.statusCode, type).toBe(415)
      expect(answer.headers['access-control-allow-origin']).toBeUndefined()
    }
  })

  it('a body that is too long is refused, broken JSON is the sender’s fault', async () => {
    const { admin } = server()
    const headers = { host: 'localhost', 'content-type': 'application/json' }
    const post = (payload: string) =>
      admin.inject({ method: 'POST', url: '/api/v1/users', headers, payload, remoteAddress: '127.0.0.1' })
    expect((await post(JSON.stringify({ username: 'x', password: 'y'.repeat(70_000) }))).statusCode).toBe(413)
    expect((await post('{')).statusCode).toBe(400)
    expect((await post('')).json()).toEqual({ error: expect.stringMatching(/^body: /) as string })
    expect((await post('{"__proto__":{},"username":"x","password":"y"}')).statusCode).toBe(400)
  })

  it('S-80 is limited per source; time heals', async () => {
    const { get, advance, admin } = server()
    let limited = 0
    const stranger = () => get('/api/v1/peer', {}, '192.0.2.9')
    for (let i = 0; i < 205; i++) if ((await stranger()).statusCode === 429) limited++
    expect(limited).toBe(5)
    expect(admin.rateLimited.get('admin')).toBe(5)
    expect((await get('/healthz', {}, '192.0.2.9')).statusCode).toBe(200)
    expect((await get('/api/v1/peer', {}, '192.0.2.10')).statusCode).toBe(401)
    advance(1000)
    expect((await stranger()).statusCode).toBe(401)
  })

  it('a script on this machine may ask thousands of times in one go, and not without end', async () => {
    const { get } = server()
    for (let i = 0; i < 5_000; i++) await get('/api/v1/peer')
    const answer = await get('/api/v1/peer')
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([429, '1'])
    expect((await get('/api/v1/peer', {}, '::1')).statusCode).toBe(200)
  })
})

describe('who may ask', () => {
  const local = {
    remoteAddress: '127.0.0.1',
    host: 'localhost:8080',
    authorization: undefined,
    forwarded: false,
  }

  it.each([
    ['loopback needs nothing', local, 'hush', true],
    ['IPv6 loopback too', { ...local, remoteAddress: '::1', host: '[::1]:8080' }, undefined, true],
    ['mapped loopback too', { ...local, remoteAddress: '::ffff:127.0.0.1' }, undefined, true],
    ['others need the token', { ...local, remoteAddress: '192.0.2.1' }, 'hush', false],
    [
      'and get in with it',
      { ...local, remoteAddress: '192.0.2.1', host: 'x', authorization: 'Bearer hush' },
      'hush',
      true,
    ],
    [
      'a wrong one does not help',
      { ...local, remoteAddress: '192.0.2.1', authorization: 'Bearer hus' },
      'hush',
      false,
    ],
    ['not even on loopback', { ...local, authorization: 'Bearer wrong' }, 'hush', false],
    [
      'a token where none is set opens nothing',
      { ...local, remoteAddress: '192.0.2.1', authorization: 'Bearer ' },
      undefined,
      false,
    ],
    ['a proxy on the same host is not loopback', { ...local, forwarded: true }, 'hush', false],
    ['a rebound name is not loopback', { ...local, host: 'evil.example:8080' }, undefined, false],
    ['no Host, no entry', { ...local, host: undefined }, undefined, false],
    ['a name that only begins like loopback', { ...local, host: '127.0.0.1.evil.example' }, undefined, false],
  ])('S-80 %s', (_title, question, token, expected) => {
    expect(access(question, token).ok).toBe(expected)
  })

  it('S-80 the answer is 401 with a challenge, and health needs no token', async () => {
    const { get } = server('hush')
    const refused = await get('/api/v1/ring', { host: 'node.example' }, '192.0.2.1')
    expect(refused.statusCode).toBe(401)
    expect(refused.headers['www-authenticate']).toMatch(/^Bearer/)
    expect((await get('/api/v1/ring', { authorization: 'Bearer hush' }, '192.0.2.1')).statusCode).toBe(200)
    expect((await get('/healthz', {}, '192.0.2.1')).statusCode).toBe(200)
  })

  it('S-80 whom a proxy on this machine asks for needs the token, by whatever field the proxy shows', async () => {
    const { get } = server('hush')
    for (const name of ['Forwarded', 'Via', 'X-Forwarded-For', 'X-Forwarded-Proto', 'X-Real-IP'])
      expect((await get('/api/v1/ring', { [name]: '1.1 proxy' })).statusCode, name).toBe(401)
    expect((await get('/api/v1/ring', {})).statusCode).toBe(200)
  })

  it('loopback addresses', () => {
    expect(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'].every(isLoopback)).toBe(true)
    expect(['128.0.0.1', '0.0.0.0', '::', '10.0.0.1', ''].some(isLoopback)).toBe(false)
  })
})

describe('sockets', () => {
  it('listens and closes', async () => {
    const { admin } = server()
    const { port } = await admin.listen()
    const answer = await fetch(`http://127.0.0.1:${port}/healthz`)
    expect(await answer.json()).toEqual({ status: 'ok' })
    await admin.close()
  })

  it('HEAD of the event stream is its head alone, and opens no stream', async () => {
    const { admin } = server()
    const headers = { host: 'localhost' }
    for (let i = 0; i < 20; i++) {
      const answer = await admin.inject({ method: 'HEAD', url: '/api/v1/events', headers })
      expect([answer.statusCode, answer.body]).toEqual([200, ''])
      expect(answer.headers['content-type']).toContain('text/event-stream')
    }
  })

  it('a path that is there, asked in another way, is 405 with what is allowed; on other paths it is 404', async () => {
    const { admin } = server()
    for (const [method, url, allow] of [
      ['POST', '/healthz', 'GET, HEAD'],
      ['DELETE', '/metrics', 'GET, HEAD'],
      ['PUT', '/', 'GET, HEAD'],
      ['DELETE', '/api/v1/users', 'GET, HEAD, POST'],
      ['GET', '/api/v1/users/alice', 'DELETE'],
      ['POST', '/api/v1/users/alice/password', 'PUT'],
      ['POST', '/api/v1/ring', 'GET, HEAD'],
      ['OPTIONS', '/api/v1/ring', 'GET, HEAD'],
    ] as const) {
      const response = await admin.inject({
        method,
        url,
        remoteAddress: '127.0.0.1',
        headers: { host: 'localhost', 'content-type': 'text/plain' },
        payload: 'x',
      })
      expect([response.statusCode, response.headers['allow']], `${method} ${url}`).toEqual([405, allow])
    }
    expect((await admin.inject({ method: 'POST', url: '/nowhere' })).statusCode).toBe(404)
    // Whoever may not ask is not told what there is.
    const stranger = await admin.inject({ method: 'DELETE', url: '/api/v1/ring', remoteAddress: '192.0.2.1' })
    expect(stranger.statusCode).toBe(401)
  })
})
