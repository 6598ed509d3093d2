/** The way of a request through the ring, as a person asks for it. */
import { describe, expect, it } from 'vitest'
import { key, type ResourceId } from '../../src/reload/index.ts'
import { inRange } from '../../src/reload/topology/chord/ring-math.ts'
import { fromHex } from '../../src/common/bytes.ts'
import { Nodes } from './nodes.ts'

describe('path to an AOR', () => {
  it('R6940-6.4.2.4.1-02 goes from peer to peer and ends at the one that is responsible', () => {
    const nodes = new Nodes('path').users(20).grow(12)
    nodes.world.run(60_000)
    let longest = 0
    for (let user = 0; user < 20; user++) {
      const from = nodes.nodes[user % 12]!
      const answer = nodes.query(from, { kind: 'path', aor: `u${user}@dht.example.com` })
      expect(answer).toMatchObject({ kind: 'path', path: { complete: true, fault: '' } })
      if (answer.kind !== 'path') continue
      const { hops, resourceId } = answer.path
      const target = fromHex(resourceId) as ResourceId
      const owner = nodes.nodes.find(({ core }) => {
        const { responsible } = core.peer.snapshot()
        return responsible !== undefined && inRange(target, responsible.after, responsible.through)
      })
      expect(hops[0]?.nodeId).toBe(key(from.core.peer.snapshot().nodeId))
      expect(hops.at(-1)?.nodeId).toBe(owner && key(owner.core.peer.snapshot().nodeId))
      longest = Math.max(longest, hops.length)
    }
    expect(longest).toBeGreaterThan(1)
  })

  it('says where it ends when a peer on it does not answer', () => {
    const nodes = new Nodes('path broken').users(8).grow(4)
    nodes.world.run(20_000)
    const from = nodes.nodes[0]!
    const users = Array.from({ length: 8 }, (_, index) => `u${index}@dht.example.com`)
    const far = users.find((aor) => {
      const answer = nodes.query(from, { kind: 'path', aor })
      return answer.kind === 'path' && answer.path.hops.length > 1
    })
    for (const node of nodes.nodes.slice(1)) nodes.isolate(node)
    const answer = nodes.query(from, { kind: 'path', aor: far ?? '' })
    expect(answer).toMatchObject({ kind: 'path', path: { complete: false } })
    expect(nodes.query(from, { kind: 'path', aor: 'no aor' })).toMatchObject({ kind: 'failed' })
  })
})
