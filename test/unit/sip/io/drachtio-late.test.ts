import { createRequire } from 'node:module'
import { expect, it } from 'vitest'
import { loadSrf } from '../../../../src/sip/io/drachtio/srf.ts'

// A file of its own: what another test has loaded would be there already.
it('drachtio-srf is loaded when it is asked for, and not by anything else that a node is made of', async () => {
  const { cache } = createRequire(import.meta.url)
  const loaded = (): string[] => Object.keys(cache).filter((file) => file.includes('/drachtio-srf/'))
  await import('../../../../src/app/node.ts')
  expect(loaded()).toEqual([])
  await loadSrf()
  expect(loaded()).not.toEqual([])
})
