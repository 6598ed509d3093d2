/** One line about a recorded call, for lists. */
import type { WallTime } from '../common/time.ts'
import { hopName, messageText, NODE_PREFIX } from './events.ts'
import type { RecordedCall, RecordedMessage } from './recorded.ts'
import { addressIn, headerOf } from './sip-text.ts'

/** trying: no final answer yet. ended: answered, and a BYE has been seen since. */
export type CallState = 'trying' | 'ringing' | 'answered' | 'ended' | 'cancelled' | 'refused' | 'ok'

export interface CallSummary {
  readonly callId: string
  /** Of the first request. */
  readonly method: string
  readonly from: string
  readonly to: string
  readonly state: CallState
  /** The last final status of the first request; 0 before. */
  readonly status: number
  readonly beganAt: WallTime
  readonly lastAt: WallTime
  readonly messages: number
  /** Node-IDs in hex of other nodes that took part in the signalling. */
  readonly nodes: readonly string[]
}

export function summaryOf(call: RecordedCall): CallSummary | undefined {
  const messages = call.entries.filter((entry): entry is RecordedMessage => entry.kind === 'message')
  const [first] = messages
  if (first === undefined) return undefined
  const text = messageText(first)
  const nodes = new Set<string>()
  for (const { hop } of messages) {
    const name = hopName(hop)
    if (name.startsWith(NODE_PREFIX)) nodes.add(name.slice(NODE_PREFIX.length))
  }
  const { state, status } = outcome(messages, first.method)
  return {
    callId: call.callId,
    method: first.method,
    from: addressIn(headerOf(text, 'from', 'f')),
    to: addressIn(headerOf(text, 'to', 't')),
    state,
    status,
    beganAt: first.at,
    lastAt: call.entries.at(-1)?.at ?? first.at,
    messages: messages.length + call.skipped,
    nodes: [...nodes],
  }
}

function outcome(
  messages: readonly RecordedMessage[],
  method: string,
): { readonly state: CallState; readonly status: number } {
  let state: CallState = 'trying'
  let status = 0
  for (const message of messages) {
    if (message.method === 'BYE' && message.status === 0 && state === 'answered') state = 'ended'
    if (message.method !== method || message.status < 180) continue
    if (message.status < 200) {
      if (state === 'trying') state = 'ringing'
      continue
    }
    // A re-INVITE that is refused does not end a call.
    if (state === 'answered' || state === 'ended' || state === 'ok') continue
    status = message.status
    if (status < 300) state = method === 'INVITE' ? 'answered' : 'ok'
    else if (status === 487) state = 'cancelled'
    // A challenge is not the end of it.
    else state = status === 401 || status === 407 ? 'trying' : 'refused'
  }
  return { state, status }
}
