/**
 * Writes docs/reference from what the code says: configuration schema, metric catalogue, help texts. `--check` writes nothing and fails
 * when a file is out of date.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { jsonSchema } from '../src/app/config/schema.ts'
import { cliReference } from './reference/cli.ts'
import { configurationReference } from './reference/configuration.ts'
import { metricsReference } from './reference/metrics.ts'

const FOLDER = join(dirname(dirname(fileURLToPath(import.meta.url))), 'docs', 'reference')

const pages: Readonly<Record<string, string>> = {
  'configuration.md': configurationReference(),
  'configuration.schema.json': `${JSON.stringify(jsonSchema(), null, 2)}\n`,
  'metrics.md': metricsReference(),
  'cli.md': await cliReference(),
}

const stale = Object.entries(pages).filter(([name, text]) => text !== current(name))
if (!process.argv.includes('--check')) {
  mkdirSync(FOLDER, { recursive: true })
  for (const [name, text] of stale) writeFileSync(join(FOLDER, name), text)
} else if (stale.length > 0) {
  const names = stale.map(([name]) => `docs/reference/${name}`).join(', ')
  process.stderr.write(`out of date: ${names}; run \`npm run docs:reference\`\n`)
  process.exit(1)
}

function current(name: string): string | undefined {
  try {
    return readFileSync(join(FOLDER, name), 'utf8')
  } catch {
    // A missing page is out of date like any other.
    return undefined
  }
}
