import { describe, expect, it } from 'vitest'
import { key } from '../../src/reload/index.ts'
import { partOf } from '../../src/app/other-nodes.ts'
import { CallTraces } from '../../src/app/call-traces.ts'
import { questionText } from '../../src/trace/report.ts'
import { Nodes, type SimNode } from './nodes.ts'

function oneCall(nodes: Nodes): string {
  const u1 = nodes.registered('u1', 0)
  const u2 = nodes.registered('u2', 2)
  const call = u1.call(u2.aor)
  expect(nodes.finished(call), nodes.replay()).toBe(200)
  nodes.world.run(1_000)
  const [latest] = [...nodes.node(0).recorder.calls()]
  return latest?.callId ?? ''
}

function told(nodes: Nodes, from: SimNode, about: SimNode, callId: string): string {
  const text = questionText(callId, [])
  const answer = nodes.query(from, { kind: 'ask', node: key(about.nodeId), text })
  expect(answer.kind, JSON.stringify(answer)).toBe('told')
  return answer.kind === 'told' ? answer.text : ''
}

describe('what nodes tell one another of a call', () => {
  it("the caller's node learns what the callee's node saw, and puts both together to one ladder", async () => {
    const nodes = new Nodes('traces').users(3).grow(5)
    const callId = oneCall(nodes)
    const [near, far] = [nodes.node(0), nodes.node(2)]
    const traces = new CallTraces(near.recorder, key(near.nodeId), (node, id, transactions) => {
      const answer = nodes.query(near, { kind: 'ask', node, text: questionText(id, transactions) })
      return Promise.resolve(
        answer.kind === 'told'
          ? partOf(node, answer.text, {
              at: nodes.world.now.wall - answer.rttMs / 2,
              error: answer.rttMs / 2,
            })
          : { ok: false, reason: answer.kind === 'failed' ? answer.reason : '' },
      )
    })
    const result = await traces.trace(callId, true)
    if (!result.ok) throw new Error(result.reason)
    const { view } = result.value
    expect(view.parts.find(({ node }) => node === key(far.nodeId))).toMatchObject({ ok: true })
    const { columns, rows } = view.ladder
    expect(columns.map(({ title }) => title)).toEqual(
      expect.arrayContaining([key(near.nodeId).slice(0, 8), key(far.nodeId).slice(0, 8)]),
    )
    // The leg to the other phone, which only the far node has seen, and the message between the nodes once.
    const phones = columns.filter(({ isNode, id }) => !isNode && id !== 'overlay')
    expect(phones).toHaveLength(2)
    expect(rows.filter(({ label }) => label.startsWith('INVITE')).length).toBeGreaterThanOrEqual(3)
    const between = view.events.filter(
      ({ label, from, to }) => label.startsWith('INVITE') && from.startsWith('node') && to.startsWith('node'),
    )
    expect(between).toHaveLength(1)
    expect(between[0]?.endAt).toBeGreaterThanOrEqual(between[0]?.at ?? 0)
    const fetched = view.events.find(({ kind }) => kind === 'lookup')
    if (fetched?.path !== undefined) expect(fetched.path[0]).toBe(key(near.nodeId))
    expect(JSON.stringify(view)).not.toMatch(/response="?[0-9a-f]/i)
  })

  it('a node that had no part in the call learns nothing, and nonsense is answered with nothing', () => {
    const nodes = new Nodes('traces-stranger').users(3).grow(5)
    const callId = oneCall(nodes)
    const far = nodes.node(2)
    expect(told(nodes, nodes.node(0), far, callId)).toContain('INVITE')
    for (const stranger of [nodes.node(1), nodes.node(3)]) expect(told(nodes, stranger, far, callId)).toBe('')
    expect(told(nodes, nodes.node(0), far, 'another call')).toBe('')
    for (const text of ['', '{', '[]', 'null', '{"callId":1}', '{"callId":"x","transactions":["zz"]}']) {
      const answer = nodes.query(nodes.node(0), { kind: 'ask', node: key(far.nodeId), text })
      expect(answer).toMatchObject({ kind: 'told', text: '' })
    }
  })

  it('a node that is gone is named with a reason, in time', () => {
    const nodes = new Nodes('traces-gone').users(3).grow(5)
    const callId = oneCall(nodes)
    const gone = nodes.node(2)
    nodes.crash(gone)
    const text = questionText(callId, [])
    const answer = nodes.query(nodes.node(0), { kind: 'ask', node: key(gone.nodeId), text })
    expect(answer.kind).toBe('failed')
    const self = nodes.query(gone === nodes.node(0) ? nodes.node(1) : nodes.node(0), {
      kind: 'ask',
      node: 'nonsense',
      text,
    })
    expect(self).toMatchObject({ kind: 'failed', reason: 'no other node' })
  })
})
