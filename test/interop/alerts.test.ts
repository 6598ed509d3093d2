import { readdirSync, readFileSync, writeFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { Running } from './support/processes.ts'
import { interop } from './support/require.ts'
import { ROOT } from './support/testbed.ts'

const FILES = join(ROOT, 'helm', 'ringbridge', 'files')

async function promtool(...args: readonly string[]): Promise<void> {
  const check = new Running('promtool', args)
  expect(await check.exit(), check.output).toBe(0)
}

describe('alert rules', () => {
  interop(['promtool'], 'are valid, fire when they should and are quiet when not', async () => {
    await promtool('check', 'rules', join(FILES, 'alerts', 'ringbridge.rules.yaml'))
    await promtool('test', 'rules', join(ROOT, 'deploy', 'prometheus', 'alerts.test.yaml'))
    const rules = readFileSync(join(FILES, 'alerts', 'ringbridge.rules.yaml'), 'utf8')
    const tests = readFileSync(join(ROOT, 'deploy', 'prometheus', 'alerts.test.yaml'), 'utf8')
    for (const [, alert = ''] of rules.matchAll(/- alert: (\w+)/g)) expect(tests).toContain(`"${alert}"`)
  })
})

describe('dashboards', () => {
  interop(['promtool'], 'hold nothing but valid PromQL', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ringbridge-promql-'))
    const record = readdirSync(join(FILES, 'dashboards')).flatMap((name) => {
      const { panels } = JSON.parse(readFileSync(join(FILES, 'dashboards', name), 'utf8')) as {
        panels: { targets?: { expr: string }[] }[]
      }
      return panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
    })
    const rules = record.map((expr, index) => ({
      record: `panel:${index}`,
      expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$instance', '.*'),
    }))
    // JSON is YAML. A rule that was there twice would be complained of.
    const unique = rules.filter(({ expr }, index) => rules.findIndex((each) => each.expr === expr) === index)
    writeFileSync(join(folder, 'rules.yaml'), JSON.stringify({ groups: [{ name: 'panels', rules: unique }] }))
    try {
      await promtool('check', 'rules', join(folder, 'rules.yaml'))
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
