import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { freePort, Running } from './support/processes.ts'
import { interop } from './support/require.ts'
import { register } from './support/sipp.ts'
import { Testbed, user } from './support/testbed.ts'

let testbed: Testbed
beforeAll(async () => {
  testbed = await Testbed.start(['--peers', '3', '--users', '6', '--base-port', '21400'])
})
afterAll(async () => {
  await testbed.stop()
})

interface QueryAnswer {
  readonly data: { readonly result: readonly { readonly value: readonly [number, string] }[] }
}

/** Asks until the server has scraped what we wait for, up to `seconds` scrapes of one second each. */
async function query(
  port: number,
  expression: string,
  wanted: (value: number) => boolean,
  seconds = 30,
): Promise<number> {
  let value = Number.NaN
  for (let turn = 0; turn < seconds; turn++) {
    const response = await fetch(
      `http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(expression)}`,
    )
    const answer = (await response.json()) as QueryAnswer
    value = Number(answer.data.result[0]?.value[1] ?? Number.NaN)
    if (wanted(value)) return value
    await new Promise((resolve) => setTimeout(resolve, 1000))
  }
  return value
}

describe('metrics', () => {
  interop(['promtool'], 'promtool finds nothing wrong with /metrics', async () => {
    const text = await (await fetch(`http://${testbed.peer(0).admin}/metrics`)).text()
    const check = new Running('promtool', ['check', 'metrics'])
    check.child.stdin?.end(text)
    const code = await check.exit()
    expect(code, check.output).toBe(0)
  })

  interop(
    ['prometheus', 'sipp'],
    'a real Prometheus scrapes all peers and sees registrations move',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'ringbridge-prometheus-'))
      const port = await freePort()
      const targets = testbed.peers.map((peer) => `'${peer.admin}'`).join(', ')
      writeFileSync(
        join(folder, 'prometheus.yml'),
        `global: { scrape_interval: 1s }\nscrape_configs:\n  - job_name: ringbridge\n    static_configs: [{ targets: [${targets}] }]\n`,
      )
      const server = new Running('prometheus', [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ])
      try {
        await server.line((line) => line.includes('Server is ready'), 'prometheus start')
        expect(await query(port, 'sum(up)', (value) => value === 3)).toBe(3)
        const before = await query(port, 'sum(p2psip_registrar_bindings)', (value) => value >= 0)
        expect(before).toBe(0)
        expect(await register(testbed.peer(1).sip, user(1), 6998, 'udp')).toBe(0)
        expect(await query(port, 'sum(p2psip_registrar_bindings)', (value) => value === 1)).toBe(1)
        expect(
          await query(port, 'sum(p2psip_overlay_messages_total)', (value) => value > 10),
        ).toBeGreaterThan(10)
        expect(
          await query(port, 'min(p2psip_overlay_selftest_success_ratio)', (value) => value > 0),
        ).toBeGreaterThan(0)
      } finally {
        await server.stop()
      }
    },
  )
})
