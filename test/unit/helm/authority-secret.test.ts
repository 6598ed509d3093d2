/** What the chart's init container makes of the Secret with the authority, run as it stands in the template. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { manifests } from '../../support/chart.ts'

interface StatefulSetSpec {
  readonly template: { readonly spec: { readonly initContainers: readonly [{ readonly command: string[] }] } }
}

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringbridge-chart-'))
  for (const name of ['authority', 'data']) mkdirSync(join(folder, name))
})
afterEach(() => rmSync(folder, { recursive: true }))

function secret(sequence: number, ledger: string): void {
  writeFileSync(join(folder, 'authority', 'configuration.xml'), documentOf(sequence))
  writeFileSync(join(folder, 'authority', 'node-ids.jsonl'), ledger)
}

function documentOf(sequence: number): string {
  return `<configuration instance-name="voice.example.com" sequence="${sequence}">${'<x/>'.repeat(1_000)}`
}

/** A pod starts; what its authority folder then holds. */
function started(before: readonly string[] = []): readonly [document: string, ledger: string] {
  const overrides = { overlay: { name: 'voice.example.com' }, identity: { existingSecret: 'authority' } }
  const set = manifests(overrides).find(({ kind }) => kind === 'StatefulSet')
  const [, ...rest] = (set?.spec as unknown as StatefulSetSpec).template.spec.initContainers[0].command
  const args = rest.map((each) => each.replaceAll('/srv/ringbridge', folder))
  const [program, ...more] = [...before, process.execPath, ...args] as [string, ...string[]]
  execFileSync(program, more, { stdio: 'pipe' })
  const read = (name: string): string => readFileSync(join(folder, 'data', 'authority', name), 'utf8')
  return [read('configuration.xml'), read('node-ids.jsonl')]
}

describe('Secret of the authority', () => {
  it('brings a newer Configuration Document to a pod that has one, and nothing else', () => {
    secret(9, 'one')
    expect(started()).toEqual([documentOf(9), 'one'])
    secret(10, 'two')
    expect(started()).toEqual([documentOf(10), 'one'])
  })

  it('is taken over at the next start where the disk had no room for the whole of it', () => {
    secret(9, 'one')
    expect(() => started(['sh', '-c', 'ulimit -f 2; exec "$@"', 'sh'])).toThrow()
    expect(started()).toEqual([documentOf(9), 'one'])
    secret(10, 'one')
    expect(() => started(['sh', '-c', 'ulimit -f 2; exec "$@"', 'sh'])).toThrow()
    expect(started()).toEqual([documentOf(10), 'one'])
  })

  it('leaves a pod the newer Configuration Document that other peers have brought', () => {
    secret(10, 'one')
    started()
    secret(9, 'one')
    expect(started()).toEqual([documentOf(10), 'one'])
  })
})
