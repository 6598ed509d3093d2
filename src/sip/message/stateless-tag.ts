import { createHmac } from 'node:crypto'
import type { SipMessage } from './sip-message.ts'

/**
 * To tag of a stateless reply: the same for every copy of a request (RFC 3261 s.8.2.7), unguessable without the
 * secret, so that nobody can forge an in-dialog request from it.
 */
export function statelessTag(secret: Uint8Array, request: SipMessage): string {
  const hmac = createHmac('sha256', secret)
  hmac.update(
    `tag\n${request.topVia.raw}\n${request.from.raw}\n${request.callId}\n${request.cseq.number} ${request.cseq.method}`,
    'latin1',
  )
  return hmac.digest('hex').slice(0, 16)
}
