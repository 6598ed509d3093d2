/** The chart in helm/, rendered as `helm template` would. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, parseAllDocuments } from 'yaml'
import { TemplateSet } from './go-template.ts'

export const CHART = join(import.meta.dirname, '..', '..', 'helm', 'ringbridge')

export interface Manifest {
  readonly kind: string
  readonly apiVersion: string
  readonly metadata: {
    readonly name: string
    readonly labels: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  // Read by tests, which know what they look for.
  readonly spec: Record<string, never> & Readonly<Record<string, unknown>>
  readonly data: Readonly<Record<string, string>>
}

type Tree = Readonly<Record<string, unknown>>

export function chartYaml(name: string): Tree {
  return parse(readFileSync(join(CHART, name), 'utf8')) as Tree
}

export function templateFiles(): string[] {
  return readdirSync(join(CHART, 'templates'), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(yaml|tpl|txt)$/.test(name))
    .sort()
}

/** `overrides` is laid over values.yaml. */
export function valuesWith(overrides: Tree): Tree {
  return laidOver(chartYaml('values.yaml'), overrides)
}

/** Output of every file of templates/ by its name. */
export function renderedFiles(overrides: Tree, release = 'ringbridge'): Map<string, string> {
  const set = new TemplateSet()
  const names = templateFiles()
  for (const name of names) set.add(name, readFileSync(join(CHART, 'templates', name), 'utf8'))
  const { version, appVersion, name: chartName } = chartYaml('Chart.yaml')
  const dot = {
    Values: valuesWith(overrides),
    Chart: { Name: chartName, Version: version, AppVersion: appVersion },
    Release: { Name: release, Namespace: 'voice', Service: 'Helm' },
    Files: { Get: (path: string) => readFileSync(join(CHART, path), 'utf8') },
  }
  return new Map(names.filter((name) => !name.endsWith('.tpl')).map((name) => [name, set.render(name, dot)]))
}

/** All objects that Kubernetes would be given. Throws where the output is not YAML. */
export function manifests(overrides: Tree, release?: string): Manifest[] {
  return [...renderedFiles(overrides, release)]
    .filter(([name]) => name.endsWith('.yaml'))
    .flatMap(([name, text]) =>
      parseAllDocuments(text).flatMap((document) => {
        const [fault] = document.errors
        if (fault !== undefined) throw new Error(`${name}: ${fault.message}\n${text}`)
        const value = document.toJS() as Manifest | null
        return value === null ? [] : [value]
      }),
    )
}

function laidOver(base: Tree, over: Tree): Tree {
  const out: Record<string, unknown> = { ...base }
  for (const [name, value] of Object.entries(over)) {
    const there = out[name]
    const both = [there, value].every(
      (each) => typeof each === 'object' && each !== null && !Array.isArray(each),
    )
    out[name] = both ? laidOver(there as Tree, value as Tree) : value
  }
  return out
}
