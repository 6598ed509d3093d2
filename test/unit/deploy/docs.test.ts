import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { COMMANDS } from '../../../src/cli/run.ts'
import { METRICS, type MetricDefinition } from '../../../src/metrics/names.ts'
import { allKeys } from '../../../src/app/config/keys.ts'
import { chartYaml } from '../../support/chart.ts'

const ROOT = join(import.meta.dirname, '..', '..', '..')

function pages(folder: string): string[] {
  return readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(ROOT, folder, name))
}

const PAGES = ['', 'docs', 'deploy', 'helm'].flatMap(pages)
const MANUAL = PAGES.filter((path) => !/CHANGELOG|rfc-coverage|ARCHITECTURE|benchmarks/.test(path))
const text = (path: string): string => readFileSync(path, 'utf8')
const name = (path: string): string => relative(ROOT, path)

/** As GitHub makes them from headings. */
function anchors(path: string): string[] {
  return [...text(path).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .trim()
      .replace(/\s/g, '-'),
  )
}

describe('documentation', () => {
  it.each(PAGES.map((path) => [name(path), path]))('%s links to what is there', (_, path) => {
    for (const [, link = ''] of text(path).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue
      const [file = '', anchor] = link.split('#')
      const target = file === '' ? path : join(dirname(path), file)
      expect(existsSync(target), link).toBe(true)
      if (anchor !== undefined) expect(anchors(target), link).toContain(anchor)
    }
  })

  it('names commands, options and verbs that there are', async () => {
    const help = new Map<string, string>()
    for (const { name: command, load } of COMMANDS) help.set(command, (await load()).help)
    for (const path of MANUAL)
      for (const [line, command = '', rest = ''] of text(path)
        .replace(/\\\n\s*/g, ' ')
        .matchAll(/(?:npx ringbridge|^ {4}ringbridge|`ringbridge) ([a-z][\w-]*)([^`\n]*)/gm)) {
        expect([...help.keys()], `${name(path)}: ${line}`).toContain(command)
        for (const [, option = ''] of rest.replace(/#.*$/, '').matchAll(/\s(--[a-z][\w-]*)/g))
          expect(help.get(command), `${name(path)}: ${line}`).toContain(option)
      }
  })

  it('names metrics, keys and variables that there are', () => {
    const metrics = Object.values<MetricDefinition>(METRICS).map((metric) => metric.name)
    const keys = allKeys()
    const variables = new Set(
      keys.map((key) => key.replace(/[A-Z]/g, '_$&').toUpperCase().replaceAll('.', '__')),
    )
    for (const path of MANUAL) {
      for (const [metric] of text(path).matchAll(/\bp2psip_\w+/g))
        expect(metrics, name(path)).toContain(metric)
      for (const [, key = ''] of text(path).matchAll(
        /`((?:overlay|sip|admin|data|limits|log|trace)\.[a-zA-Z.]+)`/g,
      )) {
        const inChart = path.includes('kubernetes') && key.split('.')[0] !== 'limits'
        const known =
          keys.some((each) => each === key || each.startsWith(`${key}.`)) || (inChart && isValue(key))
        expect(known, `${name(path)}: ${key}`).toBe(true)
      }
      for (const [, variable = ''] of text(path).matchAll(/RINGBRIDGE_([A-Z_]+__[A-Z_]+?)(?:_FILE)?\b/g))
        expect(variables, name(path)).toContain(variable)
    }
  })

  it('names values of the chart that there are', () => {
    const page = join(ROOT, 'docs', 'kubernetes.md')
    for (const [, path = ''] of text(page).matchAll(/--set ([\w.]+)=/g))
      expect(isValue(path), path).toBe(true)
    for (const [, path = ''] of text(page).matchAll(/`([a-z]\w+(?:\.\w+)+):? ?[^`]*`/g))
      if (!path.includes('.yaml')) expect(isValue(path), path).toBe(true)
  })

  it('the README says what it is in two lines, has a picture, two commands and a next step', () => {
    const readme = text(join(ROOT, 'README.md'))
    const [, , first = '', second = '', blank] = readme.split('\n')
    expect(first.length + second.length).toBeLessThan(300)
    expect(blank).toBe('')
    expect(readme).toContain('```mermaid')
    expect(readme).toMatch(/npm ci && npm start[\s\S]*npm ci && npm test[\s\S]*\*\*Next: \[/)
    // Messages of the program name it.
    expect(readme).toContain('## A second site')
  })
})

function isValue(path: string): boolean {
  let at: unknown = chartYaml('values.yaml')
  for (const step of path.split('.')) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return false
    at = (at as Record<string, unknown>)[step]
  }
  return true
}
