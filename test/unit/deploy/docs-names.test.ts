import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { COMMANDS } from '../../../src/cli/run.ts'
import { METRICS, type MetricDefinition } from '../../../src/metrics/names.ts'

const ROOT = join(import.meta.dirname, '..', '..', '..')
const text = (path: string): string => readFileSync(path, 'utf8')
const name = (path: string): string => relative(ROOT, path)

function below(folder: string, matches: RegExp): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => matches.test(path) && !path.includes('node_modules'))
    .map((path) => join(ROOT, folder, path))
}

/** What is read to learn how to use it: no record of what was, nothing made from the code. */
const MANUAL = [
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md'].map((file) => join(ROOT, file)),
  ...below('docs', /\.md$/).filter(
    (path) => !/rfc-coverage|[/\\]adr[/\\]|open-gaps|[/\\]reference[/\\]/.test(path),
  ),
  ...below('deploy', /\.md$/),
  ...below('helm', /\.md$/),
]
/** Files whose comments tell what to type. */
const COMMENTED = [
  ...below('deploy', /\.(?:yaml|service|sh|conf)$|Dockerfile$/),
  ...below('helm', /\.(?:yaml|txt|tpl)$/),
]
/** Words of other programs. */
const OTHERS = new Set(['rule_files'])
const SOURCE = below('src', /\.ts$/).map(text).join('\n')

describe('names in the documentation', () => {
  it('npm scripts', () => {
    const { scripts } = JSON.parse(text(join(ROOT, 'package.json'))) as { scripts: Record<string, string> }
    for (const path of [...MANUAL, ...COMMENTED])
      for (const [, script = ''] of text(path).matchAll(/\bnpm (?:run )?(?:--silent )?([a-z][\w:-]*)/g)) {
        if (['ci', 'install', 'prune', 'sip'].includes(script)) continue
        expect(Object.keys(scripts), `${name(path)}: npm run ${script}`).toContain(script)
      }
  })

  it('verbs of commands, and their options, also in comments of what is deployed', async () => {
    const help = new Map<string, string>()
    for (const { name: command, load } of COMMANDS) help.set(command, (await load()).help)
    const verbs = ['overlay', 'users', 'phone']
    let seen = 0
    for (const path of [...MANUAL, ...COMMENTED])
      for (const [line, command = '', rest = ''] of text(path)
        .replace(/\\\n[\s#]*/g, ' ')
        .matchAll(/(?:npx |^[ #]+|[`("])ringbridge ([a-z][\w-]*)([^`\n"]*)/gm)) {
        // Sentences begin with the word as well.
        if (!help.has(command) && !line.includes('npx') && !line.startsWith('`')) continue
        expect([...help.keys()], `${name(path)}: ${line}`).toContain(command)
        seen++
        const [first = ''] = rest.trim().split(/[\s,)]/)
        if (verbs.includes(command) && /^[a-z]+$/.test(first))
          expect(help.get(command), `${name(path)}: ${line}`).toMatch(new RegExp(`\\b${first}\\b`))
        for (const [, option = ''] of rest.replace(/ # .*$/, '').matchAll(/\s(--[a-z][\w-]*)/g))
          expect(help.get(command), `${name(path)}: ${line}`).toContain(option)
      }
    expect(seen).toBeGreaterThan(60)
  })

  it('files and folders', () => {
    for (const path of MANUAL)
      for (const [, file = ''] of text(path).matchAll(
        /`((?:src|test|docs|deploy|helm|scripts|bin)\/[\w./-]*\w)\/?`/g,
      ))
        expect(existsSync(join(ROOT, file)), `${name(path)}: ${file}`).toBe(true)
  })

  it('events of the log and other words of the program with an underscore', () => {
    for (const path of MANUAL)
      for (const [, word = ''] of text(path).matchAll(/`([a-z]+(?:_[a-z]+)+)`/g))
        expect(OTHERS.has(word) || SOURCE.includes(word), `${name(path)}: ${word}`).toBe(true)
  })

  it('alerts', () => {
    const { groups } = parse(
      text(join(ROOT, 'helm', 'ringbridge', 'files', 'alerts', 'ringbridge.rules.yaml')),
    ) as { groups: { rules: { alert: string }[] }[] }
    const alerts = groups.flatMap(({ rules }) => rules.map(({ alert }) => alert))
    for (const path of MANUAL)
      for (const [alert] of text(path).matchAll(/\bRingbridge[A-Z]\w+/g))
        expect(alerts, `${name(path)}: ${alert}`).toContain(alert)
  })

  it('paths of the admin API', () => {
    const urls = [...SOURCE.matchAll(/url: '([^']+)'/g)].map(([, url = '']) => url)
    const known = urls.map((url) => new RegExp(`^(?:/api/v1)?${url.replace(/:\w+|\{\w+\}/g, '[^/]+')}$`))
    for (const path of MANUAL)
      for (const [, asked = ''] of text(path).matchAll(/(\/api\/v1\/[\w/-]*\w)/g)) {
        const there = known.some((url) => url.test(asked) || url.test(asked.replace('/api/v1', '')))
        expect(there, `${name(path)}: ${asked}`).toBe(true)
      }
  })

  it('labels and values of metrics', () => {
    const metrics = new Map(Object.values<MetricDefinition>(METRICS).map((each) => [each.name, each]))
    for (const path of MANUAL)
      for (const [whole, metric = '', selector = ''] of text(path).matchAll(/(p2psip_\w+)\{([^}]*)\}/g)) {
        const found = metrics.get(metric.replace(/_(?:bucket|sum|count)$/, ''))
        const [labels, initial] = [found?.labels ?? [], found?.initial ?? []]
        for (const [, label = '', value = ''] of selector.matchAll(/(\w+)="([^"]*)"/g)) {
          expect(labels, `${name(path)}: ${whole}`).toContain(label)
          const values = initial.map((set) => set.split('|')[labels.indexOf(label)])
          expect(values, `${name(path)}: ${whole}`).toContain(value)
        }
      }
  })
})
