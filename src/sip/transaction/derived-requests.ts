/** ACK of a failure and CANCEL: both are cut from the INVITE as it was sent (RFC 3261 s.17.1.1.3 and s.9.1). */
import { invariant } from '../../common/assert.ts'
import { buildRequest, parseMessage, type ParseLimits, type SipMessage } from '../message/index.ts'

/** None: a request that came in at a limit went out above it, with the Via and the Record-Routes of this node. */
const UNLIMITED: ParseLimits = {
  headBytesMax: Number.POSITIVE_INFINITY,
  headersMax: Number.POSITIVE_INFINITY,
  viaMax: Number.POSITIVE_INFINITY,
  bodyBytesMax: Number.POSITIVE_INFINITY,
}

/** Same branch, Request-URI, Call-ID, From, Route and CSeq number as the INVITE; To of the response. */
export function ackOf(inviteBytes: Uint8Array, response: SipMessage): Uint8Array {
  return derive(inviteBytes, 'ACK', response.header('to'))
}

/** As the INVITE, To included; `reasons` are values of Reason (RFC 3326). */
export function cancelOf(inviteBytes: Uint8Array, reasons: readonly string[] = []): Uint8Array {
  return derive(inviteBytes, 'CANCEL', undefined, reasons)
}

function derive(
  inviteBytes: Uint8Array,
  method: 'ACK' | 'CANCEL',
  to: string | undefined,
  reasons: readonly string[] = [],
): Uint8Array {
  const parsed = parseMessage(inviteBytes, UNLIMITED)
  invariant(parsed.ok, 'an INVITE of ours can be read again')
  const invite = parsed.value
  const headers: [string, string][] = [['Via', invite.topVia.raw]]
  for (const route of invite.headers('route')) headers.push(['Route', route])
  headers.push(
    ['Max-Forwards', '70'],
    ['From', invite.header('from') ?? ''],
    ['To', to ?? invite.header('to') ?? ''],
    ['Call-ID', invite.callId],
    ['CSeq', `${invite.cseq.number} ${method}`],
  )
  for (const reason of reasons) headers.push(['Reason', reason])
  return buildRequest({ method, uri: invite.requestUri, headers })
}
