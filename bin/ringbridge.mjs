#!/usr/bin/env node
// Entry point of the command. In a fresh checkout `dist/` does not exist yet: it is built once, here, and said so. It is made
// beside its place and moved there whole: of two commands that a script starts at once neither finds half of it.
import { existsSync, renameSync, rmSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { dirname, join } from 'node:path'

// Told to end before there is anything to end: it is done, as it is for a node that runs. `once` takes it away before it looks.
if (process.argv[2] === 'start')
  for (const signal of ['SIGTERM', 'SIGINT'])
    process.once(signal, () => process.listenerCount(signal) === 0 && process.exit(0))

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const dist = join(root, 'dist')
const main = join(dist, 'cli', 'main.js')
if (!existsSync(main)) {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  if (!existsSync(tsc)) {
    process.stderr.write('ringbridge: not built and TypeScript is not installed; run `npm ci` first\n')
    process.exit(2)
  }
  process.stderr.write('ringbridge: first run in this checkout, building (a few seconds) ...\n')
  const fresh = join(root, 'build', `first-${process.pid}`)
  // As `npm run build` does it: the program, and the scripts of the admin page.
  for (const [project, info] of [
    ['tsconfig.build.json', '.tsbuildinfo'],
    [join('src', 'admin', 'client', 'tsconfig.build.json'), '.client.tsbuildinfo'],
  ]) {
    const options = ['--noCheck', '--outDir', fresh, '--tsBuildInfoFile', join(fresh, info)]
    const built = spawnSync(process.execPath, [tsc, '-p', join(root, project), ...options], {
      stdio: ['ignore', 2, 2],
    })
    if (built.status !== 0) {
      rmSync(fresh, { recursive: true, force: true })
      process.exit(2)
    }
  }
  // Another one may have been quicker; what a build that was broken off has left behind goes.
  if (!existsSync(main)) {
    rmSync(dist, { recursive: true, force: true })
    renameSync(fresh, dist)
  }
  rmSync(fresh, { recursive: true, force: true })
}
await import(main)
