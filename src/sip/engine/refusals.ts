/** Requests that an engine cannot serve, whoever sends them: answered before anything is looked up. */
import type { SipMessage } from '../message/index.ts'
import type { EngineCapabilities } from './capabilities.ts'
import type { Headers } from './decision.ts'

export interface Refusal {
  readonly status: number
  readonly reason: string
  readonly headers?: Headers
}

/** RFC 3261 s.8.2.2.1 for a scheme that cannot be routed, RFC 3327 s.5.3 for a Path that could not be followed back. */
export function refusalOf(message: SipMessage, capabilities: EngineCapabilities): Refusal | undefined {
  if (!capabilities.sips && message.uri?.scheme === 'sips')
    return { status: 416, reason: 'Unsupported URI Scheme' }
  if (!capabilities.routes && message.method === 'REGISTER' && message.has('path'))
    return { status: 420, reason: 'Bad Extension', headers: [['Unsupported', 'path']] }
  return undefined
}
