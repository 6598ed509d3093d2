/** Requests addressed to this node itself: OPTIONS is answered, the rest is refused (RFC 3261 s.8.2 and s.11). */
import { isKnownMethod, type SipMessage } from '../message/index.ts'
import type { Headers, Reply } from './replies.ts'

/** What this node serves itself. */
export const OWN_METHODS = 'OPTIONS, REGISTER'
/** What it forwards besides. */
const FORWARDED_METHODS =
  'INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, PRACK, UPDATE, MESSAGE, INFO, SUBSCRIBE, NOTIFY, REFER, PUBLISH'
const SUPPORTED: ReadonlySet<string> = new Set(['path', 'outbound', 'gruu'])

const CAPABILITIES: Headers = [
  ['Allow', FORWARDED_METHODS],
  ['Accept', 'application/sdp, */*'],
  ['Accept-Encoding', 'identity'],
  ['Accept-Language', 'en'],
  ['Supported', 'path, outbound'],
]

/** S3261-8.2-01: method, then Require, then the content. */
export function answerAsTarget(message: SipMessage): Reply {
  if (message.method !== 'OPTIONS') {
    return isKnownMethod(message.method)
      ? { status: 405, reason: 'Method Not Allowed', headers: [['Allow', OWN_METHODS]] }
      : { status: 501, reason: 'Not Implemented', headers: [['Allow', OWN_METHODS]] }
  }
  return unsupported(message, 'require') ?? { status: 200, reason: 'OK', headers: CAPABILITIES }
}

/** 420 with exactly the tags that we do not know (E22, E23), or undefined. */
export function unsupported(message: SipMessage, header: 'require' | 'proxy-require'): Reply | undefined {
  if (!message.has(header)) return undefined
  const unknown = message.values(header).filter((tag) => !SUPPORTED.has(tag.toLowerCase()))
  if (unknown.length === 0) return undefined
  return { status: 420, reason: 'Bad Extension', headers: [['Unsupported', unknown.join(', ')]] }
}
