import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { ask } from '../../../src/cli/admin-client.ts'

const servers: Server[] = []
afterEach(() => {
  vi.restoreAllMocks()
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

async function serving(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer(answer)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('asking a node', () => {
  it('goes where a proxy sends everybody; the token goes to who was named only', async () => {
    const tokens: (string | undefined)[] = []
    const node = await serving(({ headers }, response) => {
      tokens.push(headers.authorization)
      response.end('{"nodeId":"00"}')
    })
    const proxy = await serving(({ url, headers }, response) => {
      tokens.push(headers.authorization)
      response.writeHead(308, { location: url === '/old/api' ? '/new/api' : `${node}/api` }).end()
    })
    expect(await ask(`${proxy}/old`, '/api', 'secret')).toEqual({ ok: true, body: { nodeId: '00' } })
    expect(tokens).toEqual(['Bearer secret', 'Bearer secret', undefined])
  })

  it('ends when one is sent round in a circle', async () => {
    let asked = 0
    const circle = await serving((_request, response) => {
      asked++
      response.writeHead(302, { location: '/api' }).end()
    })
    expect(await ask(circle, '/api', undefined)).toMatchObject({
      ok: false,
      reason: expect.stringContaining('one redirect after the other'),
    })
    expect(asked).toBe(6)
  })

  it('says so in words when what comes is not JSON, is cut off, or does not come in time', async () => {
    const page = await serving((_request, response) =>
      response.writeHead(502).end('<html>Bad Gateway</html>'),
    )
    expect(await ask(page, '/api', undefined)).toMatchObject({
      ok: false,
      reason: `no running node answers at ${page} (status 502, and what comes with it is not JSON); --admin names another`,
    })
    const cut = await serving((_request, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{"nodeId"', () => response.destroy())
    })
    expect(await ask(cut, '/api', undefined)).toMatchObject({
      ok: false,
      reason: expect.stringContaining('(ECONNRESET)'),
    })
    const time = new AbortController()
    vi.spyOn(AbortSignal, 'timeout').mockReturnValue(time.signal)
    const silent = await serving(() => time.abort())
    expect(await ask(silent, '/api', undefined)).toMatchObject({
      ok: false,
      reason: expect.stringContaining('(nothing within 15 s)'),
    })
  })
})
