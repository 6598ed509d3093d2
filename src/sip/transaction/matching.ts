/** Which transaction a message belongs to (RFC 3261 s.17.1.3 and s.17.2.3). */
import type { SipMessage } from '../message/index.ts'

export const MAGIC_COOKIE = 'z9hG4bK'

/**
 * Key of the server transaction of a request: branch, sent-by and method, where ACK means its INVITE. Requests of
 * RFC 2543 carry no magic cookie and are told apart by what s.17.2.3 lists; the To tag is left out, because the
 * ACK of a failure has one and its INVITE has not.
 */
export function serverKey(request: SipMessage, method: string = request.method): string {
  const via = request.topVia
  const matched = method === 'ACK' ? 'INVITE' : method
  const { branch } = via
  if (branch?.startsWith(MAGIC_COOKIE)) return `${branch}|${via.host}|${via.port ?? 0}|${matched}`
  const tag = request.from.params.get('tag') ?? ''
  return `2543|${matched}|${request.requestUri}|${request.callId}|${request.cseq.number}|${tag}|${via.raw}`
}

/** Key of the client transaction: our own branch and the method. */
export function clientKey(branch: string, method: string): string {
  return `${branch}|${method}`
}
