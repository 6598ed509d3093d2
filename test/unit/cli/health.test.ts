import { createServer, type AddressInfo, type Server } from 'node:net'
import { createServer as createHttpServer } from 'node:http'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { main } from '../../../src/cli/run.ts'

let out: string[] = []
let server: Server | undefined
beforeEach(() => {
  out = []
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => out.push(String(text)) > 0)
})
afterEach(async () => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  const open = server
  server = undefined
  if (open !== undefined) await new Promise((resolve) => open.close(resolve))
})

/** Answers as /readyz and /healthz do; resolves with host:port. */
async function node(failing: object[]): Promise<string> {
  const http = createHttpServer((request, response) => {
    response.setHeader('connection', 'close')
    response.statusCode = request.url === '/readyz' && failing.length > 0 ? 503 : 200
    response.end(
      JSON.stringify(request.url === '/readyz' ? { ready: failing.length === 0, failing } : { status: 'ok' }),
    )
  })
  server = http
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  return `127.0.0.1:${(http.address() as AddressInfo).port}`
}

describe('ringbridge health', () => {
  it('is 0 for a ready node', async () => {
    expect(await main(['health', '--admin', await node([])])).toBe(0)
    expect(out.join('')).toBe('ready\n')
  })

  it('is 1 with the failing checks for one that is not, and 0 with --live', async () => {
    const admin = await node([{ name: 'joined', detail: 'the overlay state is joining' }, { name: 'sip' }])
    expect(await main(['health', '--admin', admin])).toBe(1)
    expect(out.join('')).toBe('not ready: joined (the overlay state is joining), sip\n')
    out = []
    expect(await main(['health', '--live', '--admin', admin])).toBe(0)
    expect(out.join('')).toBe('alive\n')
    out = []
    expect(await main(['health', '--json', '--admin', admin])).toBe(1)
    expect(JSON.parse(out.join(''))).toMatchObject({ ready: false })
  })

  it('asks the address of the configuration, on this machine when that is all addresses', async () => {
    const port = (await node([])).split(':')[1] ?? ''
    vi.stubEnv('RINGBRIDGE_ADMIN__LISTEN', `0.0.0.0:${port}`)
    expect(await main(['health'])).toBe(0)
  })

  it('is 1 when nobody answers', async () => {
    const nobody = createServer()
    await new Promise<void>((resolve) => nobody.listen(0, '127.0.0.1', resolve))
    const { port } = nobody.address() as AddressInfo
    await new Promise((resolve) => nobody.close(resolve))
    expect(await main(['health', '--admin', `127.0.0.1:${port}`])).toBe(1)
    expect(out.join('')).toContain('ECONNREFUSED')
  })
})
