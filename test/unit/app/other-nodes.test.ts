import { describe, expect, it } from 'vitest'
import { otherNodes, partOf } from '../../../src/app/other-nodes.ts'

const NODE = 'ab'.repeat(16)
const EVENT = { at: 1_000, node: 'ff', kind: 'sip', from: 'a', to: 'b', label: 'INVITE', detail: '' }
const REPORT = { now: 5_000, events: [EVENT], served: [] }

describe('answers of other nodes', () => {
  it('count as seen by the node that was asked, with its clock put right', () => {
    const outcome = partOf(NODE, JSON.stringify(REPORT), { at: 5_250, error: 3 })
    expect(outcome).toMatchObject({
      ok: true,
      part: { node: NODE, clockOffset: 250, clockError: 3, events: [{ node: NODE }] },
    })
  })

  it.each([
    ['nothing', ''],
    ['no JSON', '{'],
    ['a list', '[]'],
    ['no events', JSON.stringify({ now: 1, served: [] })],
    ['too many events', JSON.stringify({ ...REPORT, events: new Array(300).fill(EVENT) })],
    ['a time that is none', JSON.stringify({ ...REPORT, now: -1 })],
    ['an unknown kind', JSON.stringify({ ...REPORT, events: [{ ...EVENT, kind: 'x' }] })],
    ['a label without end', JSON.stringify({ ...REPORT, events: [{ ...EVENT, label: 'x'.repeat(3_000) }] })],
    [
      'a path of no nodes',
      JSON.stringify({ ...REPORT, served: [{ transaction: '0'.repeat(16), method: 'x', path: ['<b>'] }] }),
    ],
  ])('%s is refused', (_name, text) => {
    expect(partOf(NODE, text, { at: 0, error: 0 })).toMatchObject({ ok: false })
  })

  it('a failure is told with its reason', async () => {
    const failing = otherNodes({
      query: () => Promise.resolve({ kind: 'failed', reason: 'no answer in time' }),
    })
    expect(await failing(NODE, 'c', [])).toEqual({ ok: false, reason: 'no answer in time' })
  })
})
