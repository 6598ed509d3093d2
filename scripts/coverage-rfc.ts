/**
 * Which requirement rows have a test? Reads the rows in docs/requirements/requirements.tsv, looks for their ids in the titles of all
 * tests, prints the counts and writes docs/rfc-coverage.md. `--check` writes nothing and fails when the file is out of date.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { testTitles } from './test-titles.ts'

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const REPORT = join(ROOT, 'docs', 'rfc-coverage.md')
const NOTES = join(ROOT, 'docs', 'requirements', 'open-gaps.md')

interface Row {
  readonly matrix: string
  readonly id: string
  readonly level: string
  readonly priority: string
  readonly component: string
  readonly text: string
}

function requirementRows(): Row[] {
  const lines = readFileSync(join(ROOT, 'docs', 'requirements', 'requirements.tsv'), 'utf8')
    .trimEnd()
    .split('\n')
    .slice(1)
  return lines.map((line) => {
    const [matrix = '', id = '', level = '', priority = '', component = '', text = ''] = line.split('\t')
    return { matrix, id, level, priority, component, text }
  })
}

function filesUnder(folder: string, suffix: string): string[] {
  const found: string[] = []
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) found.push(...filesUnder(path, suffix))
    else if (entry.name.endsWith(suffix)) found.push(path)
  }
  return found.sort()
}

/** Id -> test files in whose titles it stands. */
function testsById(): Map<string, Set<string>> {
  const byId = new Map<string, Set<string>>()
  const tag =
    /\b(?:[RA]\d{4}-[0-9A-Z.]+-\d\d|S\d{4}-(?:LO|[0-9.]+)-?\d*|S-[A-Z]{2}-\d\d|E\d\d|M-\d\d|[SR]-\d\d)\b/g
  for (const file of filesUnder(join(ROOT, 'test'), '.test.ts')) {
    for (const title of testTitles(readFileSync(file, 'utf8'), file)) {
      for (const [id] of title.matchAll(tag)) {
        const files = byId.get(id) ?? new Set<string>()
        files.add(relative(ROOT, file))
        byId.set(id, files)
      }
    }
  }
  return byId
}

function deviations(): string[] {
  const lines: string[] = []
  for (const file of filesUnder(join(ROOT, 'src'), '.ts')) {
    for (const match of readFileSync(file, 'utf8').matchAll(/DEVIATION ([^\n]*)/g)) {
      lines.push(`- ${match[1]?.trim()} (\`${relative(ROOT, file)}\`)`)
    }
  }
  return lines
}

function report(rows: readonly Row[], byId: ReadonlyMap<string, ReadonlySet<string>>): string {
  const out: string[] = [
    '# Requirement coverage',
    '',
    'Made by `npm run coverage:rfc` from the ids in test titles. A row counts as covered when a test names it.',
    '',
    '| matrix | priority | rows | with a test |',
    '|---|---|---|---|',
  ]
  const matrices = [...new Set(rows.map((row) => row.matrix))]
  for (const matrix of matrices) {
    for (const priority of ['1', '2', '3', '-']) {
      const these = rows.filter((row) => row.matrix === matrix && row.priority === priority)
      if (these.length === 0) continue
      const covered = these.filter((row) => byId.has(row.id)).length
      out.push(`| ${matrix} | ${priority} | ${these.length} | ${covered} |`)
    }
  }
  out.push('', '## Deviations', '', ...deviations(), '', readFileSync(NOTES, 'utf8').trim(), '')
  for (const matrix of matrices) {
    const missing = rows.filter((row) => row.matrix === matrix && row.priority === '1' && !byId.has(row.id))
    out.push(`## Priority 1 without a test: ${matrix} (${missing.length})`, '')
    for (const row of missing) out.push(`- ${row.id} (${row.level}): ${row.text}`)
    out.push('')
  }
  out.push('## Covered', '', '| id | tests |', '|---|---|')
  for (const row of rows) {
    const files = byId.get(row.id)
    if (files !== undefined) out.push(`| ${row.id} | ${[...files].join(', ')} |`)
  }
  return `${out.join('\n')}\n`
}

const rows = requirementRows()
const byId = testsById()
const text = report(rows, byId)
for (const line of text.split('\n').slice(4)) {
  if (!line.startsWith('|')) break
  process.stdout.write(`${line}\n`)
}
const known = new Set(rows.map((row) => row.id))
const strangers = [...byId.keys()].filter((id) => !known.has(id))
if (strangers.length > 0)
  process.stdout.write(`ids in test titles that no matrix has: ${strangers.join(' ')}\n`)
if (process.argv.includes('--check')) {
  let current = ''
  try {
    current = readFileSync(REPORT, 'utf8')
  } catch {
    // A missing report is out of date like any other.
  }
  if (current !== text) {
    process.stderr.write('docs/rfc-coverage.md is out of date: run `npm run coverage:rfc`\n')
    process.exit(1)
  }
} else {
  writeFileSync(REPORT, text)
}
