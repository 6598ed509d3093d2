import { writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { main } from '../../../src/cli/run.ts'
import { terminal } from '../../support/terminal.ts'

const shown = terminal()

const servers: Server[] = []
afterEach(async () => {
  vi.unstubAllEnvs()
  await Promise.all(servers.splice(0).map((each) => new Promise((resolve) => each.close(resolve))))
})

/** Answers every question with `body`, to who has the token if there is one; resolves with host:port. */
async function node(body: object, token?: string): Promise<string> {
  const server = createServer((request, response) => {
    response.setHeader('connection', 'close')
    const known = token === undefined || request.headers.authorization === `Bearer ${token}`
    response.statusCode = known ? 200 : 401
    response.end(JSON.stringify(known ? body : { error: 'a bearer token is needed' }))
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

function view(nodeId: string, ...others: string[]): object {
  return {
    nodeId,
    state: 'joined',
    successors: others,
    predecessors: others.toReversed(),
    fingers: [],
    connections: [],
    responsibleShare: 0,
  }
}

const NOBODY = '127.0.0.1:1'

describe('ringbridge ring with several nodes', () => {
  it('shows those that answer and names the one that does not, exit code 1', async () => {
    const admin = await node(view('11'))
    expect(await main(['ring', admin, NOBODY])).toBe(1)
    const lines = shown.out.join('').split('\n')
    expect(lines[0]).toMatch(/^11 {2}joined/)
    expect(lines).toContainEqual(expect.stringMatching(/^! 127\.0\.0\.1:1: no running node answers/))
    shown.out = []
    expect(await main(['ring', NOBODY, admin, '--json'])).toBe(1)
    const { rings, differences } = JSON.parse(shown.out.join('')) as {
      rings: object[]
      differences: string[]
    }
    expect(rings).toHaveLength(1)
    expect(differences).toEqual([expect.stringContaining(NOBODY)])
  })

  it('the ring of the others is compared with the silent one in it', async () => {
    const admins = [await node(view('11', '22', '33')), await node(view('33', '11', '22')), NOBODY]
    expect(await main(['ring', ...admins, '--json'])).toBe(1)
    const { differences } = JSON.parse(shown.out.join('')) as { differences: string[] }
    expect(differences).toEqual([expect.stringContaining(NOBODY)])
  })

  it('all that agree are exit code 0', async () => {
    expect(await main(['ring', await node(view('11', '22')), await node(view('22', '11'))])).toBe(0)
  })
})

describe('the token of the commands that ask a node', () => {
  it('may come from a variable or, as for the node itself, from the file that one names', async () => {
    const admin = await node(view('11'), 'hush')
    expect(await main(['ring', '--admin', admin])).toBe(1)
    expect(await main(['ring', '--admin', admin, '--token', 'hush'])).toBe(0)
    const file = join(shown.folder, 'token')
    writeFileSync(file, 'hush\n')
    vi.stubEnv('RINGBRIDGE_ADMIN__TOKEN_FILE', file)
    expect(await main(['ring', '--admin', admin])).toBe(0)
    vi.stubEnv('RINGBRIDGE_ADMIN__TOKEN_FILE', join(shown.folder, 'nothing'))
    expect(await main(['ring', '--admin', admin])).toBe(2)
    expect(shown.err.join('')).toContain('RINGBRIDGE_ADMIN__TOKEN_FILE: ')
    vi.stubEnv('RINGBRIDGE_ADMIN__TOKEN_FILE', undefined)
    vi.stubEnv('RINGBRIDGE_ADMIN__TOKEN', 'hush')
    expect(await main(['ring', '--admin', admin])).toBe(0)
  })
})
