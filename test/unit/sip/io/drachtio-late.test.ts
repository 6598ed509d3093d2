import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

/** What a process has of it after each step. A process of its own: here other tests have loaded it. */
const STEPS = `
const { createRequire } = await import('node:module')
const { cache } = createRequire(import.meta.url)
const loaded = () => Object.keys(cache).filter((file) => file.includes('/drachtio-srf/')).length
await import('./src/app/node.ts')
const before = loaded()
const { loadSrf } = await import('./src/sip/io/drachtio/srf.ts')
await loadSrf()
console.log(JSON.stringify({ before, after: loaded() > 0 }))
`

it('drachtio-srf is loaded when it is asked for, and not by anything else that a node is made of', async () => {
  const run = promisify(execFile)
  const { stdout } = await run(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', STEPS])
  expect(JSON.parse(stdout)).toEqual({ before: 0, after: true })
})
