/** What is the same for all branches of a request, once it is known where it wants to go. */
import type { OutgoingRequest } from './branch-sender.ts'
import type { ProxyEnvironment } from './environment.ts'
import { isRecordRouted } from './forward.ts'
import type { ProxyRequest } from './proxy-request.ts'
import { sessionTimer } from './session-timer.ts'

/** `hash`: that of `loopHash`. */
export function outgoingOf(
  environment: ProxyEnvironment,
  request: ProxyRequest,
  hash: string,
): OutgoingRequest {
  const { incoming, route } = request
  const { sessionTimer: policy } = environment.settings
  const staysOnWay = isRecordRouted(incoming.message) || isOfOurSubscription(request)
  return {
    incoming,
    routes: route.changed ? route.routes.map((r) => r.raw) : undefined,
    recordRouteTo: staysOnWay ? incoming.replyTo : undefined,
    lineFrom: staysOnWay ? environment.lines.at(incoming.source, incoming.message) : undefined,
    path: request.path,
    loopHash: hash,
    timer: policy === undefined ? undefined : sessionTimer(incoming.message, policy),
    caller: request.caller,
  }
}

/** RFC 6665 s.4.3: whoever stays on the way of a SUBSCRIBE does so in its NOTIFYs, from which the subscriber takes its route (s.4.4.1). */
function isOfOurSubscription({ incoming, route }: ProxyRequest): boolean {
  return incoming.message.method === 'NOTIFY' && route.token?.kind === 'hop' && route.token.ofCall
}
