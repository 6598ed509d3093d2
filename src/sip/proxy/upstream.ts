/** Responses on their way back to the caller. */
import type { Due } from '../../common/due-list.ts'
import type { Millis } from '../../common/time.ts'
import { buildResponse, Edit, type SipMessage } from '../message/index.ts'
import type { Hop } from '../transaction/hop.ts'
import type { IncomingRequest } from '../transaction/incoming.ts'
import type { Unanswered } from '../transaction/late-trying.ts'
import type { ServerTransaction } from '../transaction/machinery.ts'
import type { Candidate } from './best-response.ts'
import type { ForkContext, LateAnswers } from './branch.ts'
import {
  identityFor,
  NO_IDENTITY,
  wantsPrivacy,
  writeIdentity,
  type CallerIdentity,
} from './caller-identity.ts'
import type { ProxyEnvironment } from './environment.ts'
import { tellCaller, type SessionTimer } from './session-timer.ts'

/**
 * How answers get back to a caller. After the final response to an INVITE this is all that is kept for the 32 s in which further 2xx may come
 * (RFC 6026 s.7.2): at a thousand calls a second these are 32,000.
 */
export class WayBack implements LateAnswers {
  private readonly environment: ProxyEnvironment
  private readonly server: ServerTransaction<ForkContext>
  private readonly timer: SessionTimer | undefined

  constructor(
    environment: ProxyEnvironment,
    server: ServerTransaction<ForkContext>,
    timer: SessionTimer | undefined,
  ) {
    this.environment = environment
    this.server = server
    this.timer = timer
  }

  /**
   * Passes a response on: our Via goes (RFC 3261 s.16.7 items 3 and 9), and who the answering side says it is, unless it came from a
   * trusted source (RFC 3325 s.5). Nothing else changes, but for a session timer that the answering side knows nothing of.
   */
  pass(now: Millis, response: SipMessage, from: Hop | undefined): void {
    const bytes = withoutOurVia(response, [], this.answerer(response, from), this.timer)
    this.environment.transactions.answer(now, this.server, response.status, bytes)
  }

  private answerer(response: SipMessage, from: Hop | undefined): CallerIdentity {
    const { trusts } = this.environment.ports
    if (from === undefined || !response.has('p-asserted-identity') || !trusts(from)) return NO_IDENTITY
    return identityFor({ kind: 'believed', withheld: wantsPrivacy(response) }, this.server.hop, trusts)
  }
}

export class Upstream {
  finalSent = false
  readonly wayBack: WayBack
  private late: Due<Unanswered<ForkContext>> | undefined = undefined
  private readonly environment: ProxyEnvironment
  private readonly incoming: IncomingRequest
  private readonly server: ServerTransaction<ForkContext>

  constructor(
    environment: ProxyEnvironment,
    incoming: IncomingRequest,
    server: ServerTransaction<ForkContext>,
    timer?: SessionTimer,
  ) {
    this.wayBack = new WayBack(environment, server, timer)
    this.environment = environment
    this.incoming = incoming
    this.server = server
  }

  forward(now: Millis, response: SipMessage, from: Hop | undefined): void {
    if (response.status >= 200) this.ended()
    this.wayBack.pass(now, response, from)
  }

  /** A request other than INVITE is under way: its sender is told when that takes its time. */
  underWay(now: Millis): void {
    this.late = this.environment.transactions.late.watch(now, this.server, this.incoming)
  }

  private ended(): void {
    this.finalSent = true
    this.environment.transactions.late.answered(this.late)
  }

  /** The one final response of a request that no branch has answered with 2xx. */
  final(now: Millis, chosen: Candidate, challenges: readonly (readonly [string, string])[]): void {
    this.ended()
    const { transactions, ports } = this.environment
    const { message, topVia } = this.incoming
    if (chosen.status === 408 && message.method !== 'INVITE') {
      // S-TX-01, RFC 4320: the caller has timed out by itself; a late 408 only makes a storm.
      transactions.drop(this.server)
      return
    }
    const lasting = chosen.message === undefined && chosen.headers.some(([name]) => name === 'Retry-After')
    if (chosen.status === 503 && !lasting) {
      // RFC 3261 s.16.7 item 6: one branch's 503 must not make the caller avoid us.
      const bytes = buildResponse(message, 500, 'Server Internal Error', { toTag: ports.tag(), topVia })
      transactions.answer(now, this.server, 500, bytes)
    } else if (chosen.message !== undefined) {
      transactions.answer(
        now,
        this.server,
        chosen.status,
        withoutOurVia(chosen.message, challenges, NO_IDENTITY),
      )
    } else {
      const { status, reason, headers } = chosen
      transactions.answer(
        now,
        this.server,
        status,
        buildResponse(message, status, reason, { toTag: ports.tag(), topVia, headers }),
      )
    }
  }
}

function withoutOurVia(
  response: SipMessage,
  challenges: readonly (readonly [string, string])[],
  identity: CallerIdentity,
  timer?: SessionTimer,
): Uint8Array {
  const edit = new Edit(response)
  edit.removeFirst('via')
  // RFC 3261 s.20.14: a phone may leave it out in a datagram. On a connection nobody knows where such an answer ends, and
  // a peer closes it, with the calls of all others on it.
  edit.ensureContentLength()
  writeIdentity(edit, identity)
  if (timer !== undefined) tellCaller(timer, response, edit)
  for (const [name, value] of challenges) edit.append(name.toLowerCase(), value)
  return edit.toBytes()
}
