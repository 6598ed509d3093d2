import { describe, expect, it } from 'vitest'
import { Queries } from '../../../src/adapter/queries.ts'
import { adapterParts, at, drained } from './fixture.ts'

describe('a ping that a person asks for', () => {
  const asked = (nodeId: string): ReturnType<typeof drained> => {
    const parts = adapterParts()
    new Queries(parts).ask(at(0), 7, { kind: 'ping', nodeId })
    return drained(parts)
  }

  it('goes to the node', () => {
    const { commands } = asked('0b'.repeat(16))
    expect(commands).toMatchObject([{ kind: 'ping', destinations: [{ kind: 'node' }] }])
  })

  it.each(['00'.repeat(16), 'ff'.repeat(16), '0b'.repeat(15), '0b'.repeat(20), 'zz'.repeat(16), ''])(
    'is refused for what names no node: %s',
    (nodeId) => {
      const { all } = asked(nodeId)
      expect(all).toEqual([
        {
          to: 'shell',
          action: { kind: 'answer', id: 7, answer: { kind: 'failed', reason: `not a Node-ID: ${nodeId}` } },
        },
      ])
    },
  )
})
