import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { locatedUsableConfig } from '../../../../src/app/config/check.ts'
import { effectiveYaml, redacted } from '../../../../src/app/config/effective.ts'
import { readConfig } from '../../../../src/app/config/load.ts'
import { configSchema, SECRET_KEYS, type Config } from '../../../../src/app/config/schema.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringbridge-effective-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

describe('effective configuration', () => {
  it('is YAML with every default, and says who set the rest', () => {
    const file = join(folder, 'node.yaml')
    writeFileSync(file, 'sip:\n  maxForks: 3\nadmin: { token: hush }\n')
    const { config, origin } = locatedUsableConfig(file, { RINGBRIDGE_LOG__LEVEL: 'warn' })
    const text = effectiveYaml(config, origin)
    expect(text).toContain(`maxForks: 3 # ${file}:2:3`)
    expect(text).toContain('level: warn # RINGBRIDGE_LOG__LEVEL')
    expect(text).toMatch(/^ {2}maxBindings: 10$/m)
    expect(text).toMatch(/token: "\[private\]" # .*:3:10/)
    expect(text).not.toContain('hush')
  })

  it('reads back as the same configuration', () => {
    const config = readConfig('sip: { domains: [example.com, "2001:db8::1"] }', 'node.yaml', {})
    expect(configSchema.parse(parse(effectiveYaml(config, () => undefined)))).toEqual(config)
  })

  it('holds no secret, wherever it stands', () => {
    const config = structuredClone(readConfig('', 'node.yaml', {})) as unknown as Record<
      string,
      Record<string, unknown>
    >
    for (const key of SECRET_KEYS) {
      const sections = key.split('.')
      const name = sections.pop() as string
      let at: Record<string, unknown> = config
      for (const section of sections) at = at[section] as Record<string, unknown>
      at[name] = 'hush'
    }
    config['sip'] = { ...config['sip'], trunks: [{ name: 'a', password: 'hush' }] }
    const text = JSON.stringify(redacted(config as unknown as Config))
    expect(text).not.toContain('hush')
    expect(text.split('[private]')).toHaveLength(SECRET_KEYS.length + 2)
  })
})
