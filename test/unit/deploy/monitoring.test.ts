import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { METRICS, type MetricDefinition } from '../../../src/metrics/names.ts'
import { MetricsRegistry } from '../../../src/metrics/registry.ts'

const FILES = join(import.meta.dirname, '..', '..', '..', 'helm', 'ringbridge', 'files')

interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly targets?: readonly { readonly expr: string }[]
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
}

interface Dashboard {
  readonly uid: string
  readonly title: string
  readonly panels: readonly Panel[]
}

interface RuleFile {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert: string
      readonly expr: string
      readonly labels: { readonly severity: string }
      readonly annotations: { readonly summary: string; readonly description: string }
    }[]
  }[]
}

const dashboards = readdirSync(join(FILES, 'dashboards')).map((name) => ({
  name,
  dashboard: JSON.parse(readFileSync(join(FILES, 'dashboards', name), 'utf8')) as Dashboard,
}))
const rules = (
  parse(readFileSync(join(FILES, 'alerts', 'ringbridge.rules.yaml'), 'utf8')) as RuleFile
).groups.flatMap((group) => group.rules)

/** Everything that /metrics can hold: series name to its labels. */
async function exposed(): Promise<Map<string, ReadonlySet<string>>> {
  const found = new Map<string, Set<string>>()
  for (const { name, type, labels } of Object.values<MetricDefinition>(METRICS)) {
    const suffixes = type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']
    for (const suffix of suffixes)
      found.set(`${name}${suffix}`, new Set([...labels, ...(suffix === '_bucket' ? ['le'] : [])]))
  }
  const text = await new MetricsRegistry({}, { process: true }).text()
  for (const [, name = '', kind] of text.matchAll(/^# TYPE ((?:nodejs|process)_\w+) (\w+)$/gm)) {
    const suffixes = kind === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']
    for (const suffix of suffixes)
      found.set(`${name}${suffix}`, new Set(['kind', 'type', 'space', 'version', 'le']))
  }
  return found
}

/** What Prometheus puts beside our labels. */
const TARGET_LABELS = new Set(['instance', 'job', 'overlay'])

/** Series names in a PromQL expression, each with the labels that its selector names. */
function selectors(expression: string): { readonly name: string; readonly labels: readonly string[] }[] {
  return [...expression.matchAll(/\b((?:p2psip|nodejs|process)_\w+)(?:\{([^}]*)\})?/g)].map((match) => ({
    name: match[1] ?? '',
    labels: [...(match[2] ?? '').matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map((label) => label[1] ?? ''),
  }))
}

/** Values of label matchers without patterns: they have to be among the values that exist from the start. */
function values(
  expression: string,
): { readonly name: string; readonly label: string; readonly value: string }[] {
  return [...expression.matchAll(/\b(p2psip_\w+)\{([^}]*)\}/g)].flatMap((match) =>
    [...(match[2] ?? '').matchAll(/(\w+)(=~|=)"([^"$.]*)"/g)].flatMap((label) =>
      (label[3] ?? '').split('|').map((value) => ({ name: match[1] ?? '', label: label[1] ?? '', value })),
    ),
  )
}

const expressions = [
  ...dashboards.flatMap(({ name, dashboard }) =>
    dashboard.panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr }) => ({ where: `${name}: ${title}`, expr })),
    ),
  ),
  ...rules.map(({ alert, expr }) => ({ where: alert, expr })),
]

describe('dashboards and alert rules', () => {
  it('ask for metrics and labels that exist', async () => {
    const known = await exposed()
    expect(expressions.length).toBeGreaterThan(80)
    for (const { where, expr } of expressions) {
      const used = selectors(expr)
      expect(used.length, where).toBeGreaterThan(0)
      for (const { name, labels } of used) {
        expect([...known.keys()], where).toContain(name)
        for (const label of labels)
          expect(
            known.get(name)?.has(label) === true || TARGET_LABELS.has(label),
            `${where}: ${name}{${label}}`,
          ).toBe(true)
      }
    }
  })

  it('group by labels that exist', async () => {
    const known = await exposed()
    for (const { where, expr } of expressions) {
      const there = new Set(selectors(expr).flatMap(({ name }) => [...(known.get(name) ?? [])]))
      for (const [, by = ''] of expr.matchAll(/\b(?:by|on)\s*\(([^)]*)\)/g))
        for (const label of by.split(',').map((each) => each.trim()))
          expect(label === '' || there.has(label) || TARGET_LABELS.has(label), `${where}: by ${label}`).toBe(
            true,
          )
    }
  })

  it('ask for label values that are there from the start', () => {
    const metrics = Object.values<MetricDefinition>(METRICS)
    for (const { where, expr } of expressions)
      for (const { name, label, value } of values(expr)) {
        const metric = metrics.find(
          (each) => name === each.name || name.replace(/_(bucket|sum|count)$/, '') === each.name,
        )
        const index = metric?.labels.indexOf(label) ?? -1
        if (metric === undefined || index < 0) continue
        const initial = metric.initial.map((set) => set.split('|')[index])
        expect(initial, `${where}: ${label}="${value}"`).toContain(value)
      }
  })

  it('show every metric of the catalogue at least once, but for a few', () => {
    const shown = new Set(expressions.flatMap(({ expr }) => selectors(expr).map(({ name }) => name)))
    const unseen = Object.values<MetricDefinition>(METRICS)
      .map(({ name }) => name)
      .filter((name) => ![name, `${name}_bucket`, `${name}_count`].some((each) => shown.has(each)))
    // Names only grow; whoever adds many should add a panel.
    expect(unseen.length, unseen.join(' ')).toBeLessThan(20)
  })
})

describe('dashboards', () => {
  it.each(dashboards)('$name has panels that do not overlap, with ids of their own', ({ dashboard }) => {
    expect(dashboard.uid).toMatch(/^ringbridge-/)
    const ids = dashboard.panels.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    const taken = new Map<string, string>()
    for (const { title, gridPos } of dashboard.panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.get(`${x} ${y}`), title).toBeUndefined()
          taken.set(`${x} ${y}`, title)
        }
    }
  })
})

describe('alert rules', () => {
  it('have a severity, and say what is wrong and where to look', () => {
    for (const { alert, labels, annotations } of rules) {
      expect(alert).toMatch(/^Ringbridge[A-Z]/)
      expect(['warning', 'critical'], alert).toContain(labels.severity)
      expect(annotations.summary.length, alert).toBeGreaterThan(20)
      expect(annotations.description.length, alert).toBeGreaterThan(20)
    }
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length)
  })
})
