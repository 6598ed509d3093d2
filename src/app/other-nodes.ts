/** Asks other nodes what they saw of a call, and believes no more of their answers than has the right shape. */
import { z } from 'zod'
import type { NodeAnswer, NodeQuery } from '../adapter/index.ts'
import { questionText } from '../trace/report.ts'
import type { TracePart } from '../trace/merge.ts'
import type { AskNode, PartOutcome } from './call-traces.ts'

const line = z.string().max(2_048)
const hex = z.string().regex(/^[0-9a-f]{2,40}$/)
const time = z.number().min(0).max(8.64e15)

const event = z.object({
  at: time,
  endAt: time.optional(),
  kind: z.enum(['sip', 'lookup', 'store', 'flow']),
  from: line,
  to: line,
  label: line,
  detail: line,
  message: z.string().max(40_000).optional(),
  match: line.optional(),
  transaction: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .optional(),
  fault: line.optional(),
})

const report = z.object({
  now: time,
  events: z.array(event).max(256),
  served: z
    .array(
      z.object({
        transaction: z.string().regex(/^[0-9a-f]{16}$/),
        method: z.string().max(64),
        path: z.array(hex).max(64),
      }),
    )
    .max(32),
})

/** Who asks the machine; see `NodeLoop.query`. */
export interface Asker {
  query(query: NodeQuery): Promise<NodeAnswer>
}

export function otherNodes(loop: Asker): AskNode {
  return async (node, callId, transactions) => {
    const answer = await loop.query({ kind: 'ask', node, text: questionText(callId, transactions) })
    if (answer.kind === 'failed') return { ok: false, reason: answer.reason }
    if (answer.kind !== 'told') return { ok: false, reason: 'no answer' }
    // The clock is read in whole milliseconds.
    return partOf(node, answer.text, { at: Date.now() - answer.rttMs / 2, error: answer.rttMs / 2 + 1 })
  }
}

/** `spoken`: our time when it answered, give or take `error` milliseconds. */
export function partOf(
  node: string,
  text: string,
  spoken: { readonly at: number; readonly error: number },
): PartOutcome {
  if (text === '') return { ok: false, reason: 'it knows nothing of this call' }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { ok: false, reason: 'its answer cannot be read' }
  }
  const checked = report.safeParse(value)
  if (!checked.success) return { ok: false, reason: 'its answer cannot be read' }
  const { now, events, served } = checked.data
  const part: TracePart = {
    node,
    // Whatever it says, it is the one who has seen it.
    events: events.map((each) => ({ ...each, node })),
    served,
    clockOffset: spoken.at - now,
    clockError: spoken.error,
  }
  return { ok: true, part }
}
