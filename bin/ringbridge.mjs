#!/usr/bin/env node
// Entry point of the command. In a fresh checkout `dist/` does not exist yet: it is built once, here, and said so.
import { existsSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { dirname, join } from 'node:path'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const main = join(root, 'dist', 'cli', 'main.js')
if (!existsSync(main)) {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  if (!existsSync(tsc)) {
    process.stderr.write('ringbridge: not built and TypeScript is not installed; run `npm ci` first\n')
    process.exit(2)
  }
  process.stderr.write('ringbridge: first run in this checkout, building (a few seconds) ...\n')
  const built = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json')], {
    stdio: ['ignore', 2, 2],
  })
  if (built.status !== 0) process.exit(2)
}
await import(main)
