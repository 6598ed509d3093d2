import { afterAll, beforeAll, describe, expect } from 'vitest'
import { ComposeStack } from './support/compose.ts'
import { eventually } from './support/eventually.ts'
import { available, interop, type Tool } from './support/require.ts'

const NEEDED: readonly Tool[] = ['ip', 'unshare', 'setpriv', 'prometheus', 'curl']

let stack: ComposeStack
beforeAll(async () => {
  if (NEEDED.every(available)) stack = await ComposeStack.up((name) => name !== 'grafana')
})
afterAll(async () => {
  if (NEEDED.every(available)) await stack.down()
})

/** Asks the Prometheus of the topology. */
async function query<T>(path: string): Promise<T> {
  const asked = stack.exec('prometheus', 'curl', '-s', `http://127.0.0.1:9090/api/v1/${path}`)
  expect(await asked.exit(), asked.output).toBe(0)
  return (JSON.parse(asked.output) as { data: T }).data
}

describe('the reference topology of RFC 7890, Figure 1, from deploy/compose', () => {
  interop(
    NEEDED,
    'phone A at Proxy Peer P reaches the phones behind all other peers and the client',
    async () => {
      for (const callee of ['d', 'e', 'f', 'c', 'pstn']) {
        await stack.said(`ua-${callee}`, 'register status=200')
        const call = stack.run(
          'phone',
          'call',
          'a@dht.example.com',
          callee,
          '--server',
          'peer-p',
          '--seconds',
          '0',
          '--password-file',
          '/run/secrets/phone-a',
        )
        expect(await call.exit(), `${callee}: ${call.output}`).toBe(0)
      }
    },
  )

  interop(NEEDED, 'phone A is sent on by Redirect Peer R', async () => {
    const call = stack.run(
      'phone',
      'call',
      'a@dht.example.com',
      'd',
      '--server',
      'peer-r',
      '--password-file',
      '/run/secrets/phone-a',
    )
    expect(await call.exit(), call.output).toBe(0)
    expect(call.output).toMatch(/progress status=302/)
    expect(call.output).toMatch(/answer status=200/)
  })

  interop(NEEDED, 'the readme’s phone try goes through', async () => {
    const call = stack.run(
      'phone',
      'try',
      'a@dht.example.com',
      'd',
      '--server',
      'peer-p',
      '--callee-server',
      'peer-d',
      '--password-file',
      '/run/secrets/phone-a',
      '--callee-password-file',
      '/run/secrets/phone-d',
    )
    expect(await call.exit(), call.output).toBe(0)
  })

  interop(NEEDED, 'Prometheus sees eight nodes, seven of them in the ring, and no alert fires', async () => {
    await eventually(
      'all targets are up',
      async () => {
        const { result } = await query<{ result: { value: [number, string] }[] }>('query?query=sum(up)')
        return result[0]?.value[1] === '8'
      },
      60_000,
    )
    expect(stack.output('prometheus')).toContain('ready')
    const { groups } = await query<{
      groups: { rules: { name: string; health: string; lastError?: string }[] }[]
    }>('rules')
    expect(groups.flatMap(({ rules }) => rules).length).toBeGreaterThan(10)
    await eventually(
      'every rule has been evaluated',
      async () => {
        const answer = await query<{ groups: { rules: { name: string; health: string }[] }[] }>('rules')
        return answer.groups.flatMap(({ rules }) => rules).every(({ health }) => health === 'ok')
      },
      90_000,
    )
    const { alerts } = await query<{ alerts: { labels: Record<string, string>; state: string }[] }>('alerts')
    // One that is pending waits to see whether it lasts: some are while the ring still grows.
    const firing = alerts.filter(({ state }) => state === 'firing')
    expect(firing.map(({ labels }) => `${labels['alertname']} ${labels['instance']}`)).toEqual([])
  })
})
