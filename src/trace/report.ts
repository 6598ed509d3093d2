/**
 * What a node says about a call when another one asks for it: what it saw of the call, to those that exchanged messages of that
 * call with it, and by which nodes a request came, to the one that sent the request. To everybody else nothing. Questions and
 * answers are JSON.
 */
import { ANSWER_BYTES_MAX, type CallReport } from '../adapter/index.ts'
import { utf8 } from '../common/bytes.ts'
import { eventsOf, type TraceEvent } from './events.ts'
import type { ServedRequest } from './merge.ts'
import { CALL_ID_LENGTH_MAX } from './call-id.ts'
import type { CallRecorder } from './recorder.ts'
import type { RecordedCall } from './recorded.ts'

/** Requests of one call that are asked about. */
const TRANSACTIONS_MAX = 32

/** A request that was answered here, as the peer remembers it. */
export interface Served {
  readonly transactionId: bigint
  readonly method: string
  /** Nodes in hex, the sender first. */
  readonly path: readonly string[]
}

export interface Question {
  readonly callId: string
  /** 64-bit ids in hex. */
  readonly transactions: readonly string[]
}

/** As it goes over the wire; what comes from there has to be looked at first. */
export interface Report {
  /** Wall clock of the node that answers. */
  readonly now: number
  readonly events: readonly TraceEvent[]
  readonly served: readonly ServedRequest[]
}

export function questionText(callId: string, transactions: readonly string[]): string {
  const question: Question = { callId, transactions: transactions.slice(0, TRANSACTIONS_MAX) }
  return JSON.stringify(question)
}

/** `self`: this node in hex. `served`: a request that was answered here. */
export function callReport(
  recorder: CallRecorder,
  self: string,
  served: (transactionId: bigint) => Served | undefined,
): CallReport {
  return (now, asker, text) => {
    const question = questionOf(text)
    if (question === undefined) return ''
    const call = recorder.call(question.callId)
    const events = call !== undefined && tookPart(call, asker) ? eventsOf(call, self) : []
    const requests: ServedRequest[] = []
    for (const transaction of question.transactions) {
      const request = served(BigInt(`0x${transaction}`))
      if (request?.path[0] === asker)
        requests.push({ transaction, method: request.method, path: request.path })
    }
    if (events.length === 0 && requests.length === 0) return ''
    return fitted({ now: now.wall, events, served: requests })
  }
}

/** Whether messages of the call came from it or went to it. */
function tookPart(call: RecordedCall, node: string): boolean {
  return call.entries.some(
    (entry) => entry.kind === 'message' && entry.hop.transport === 'peer' && entry.hop.host === node,
  )
}

/** A call with very long messages is told without them. */
function fitted(report: Report): string {
  const text = JSON.stringify(report)
  if (utf8(text).length <= ANSWER_BYTES_MAX) return text
  const events = report.events.map((event): TraceEvent => ({ ...event, message: undefined }))
  const short = JSON.stringify({ ...report, events })
  return utf8(short).length <= ANSWER_BYTES_MAX ? short : ''
}

/** Undefined for anything that is no question. */
function questionOf(text: string): Question | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // Whatever else it may be.
    return undefined
  }
  const { callId, transactions } = (value ?? {}) as { callId?: unknown; transactions?: unknown }
  if (typeof callId !== 'string' || callId === '' || callId.length > CALL_ID_LENGTH_MAX) return undefined
  if (!Array.isArray(transactions) || transactions.length > TRANSACTIONS_MAX) return undefined
  const ids = (transactions as unknown[]).filter(
    (each): each is string => typeof each === 'string' && /^[0-9a-f]{16}$/.test(each),
  )
  return ids.length === transactions.length ? { callId, transactions: ids } : undefined
}
