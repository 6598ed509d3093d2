/** The redirect role: what becomes of a request that is to be answered with where its user is (adapter-mapping s.6). */
import type { Now } from '../../common/time.ts'
import type { SipUri } from '../message/index.ts'
import type { CallMeter, ClientUser, ForkContext, ProxyRequest, Wish } from '../proxy/index.ts'
import { callResult, type CallResult } from '../proxy/call-meter.ts'
import type { Redirector } from '../redirect/index.ts'
import type { IncomingRequest, ServerTransaction, Transactions } from '../transaction/index.ts'
import type { Admission } from './admission.ts'
import type { Errands } from './errands.ts'
import type { Replies } from './replies.ts'

/** What the redirect server hands back with its answer. */
export interface RedirectTicket {
  readonly incoming: IncomingRequest
  readonly server: ServerTransaction<ForkContext>
  /** To be told the status of the answer. */
  readonly ended: (status: number) => void
}

export interface RedirectionComponents {
  readonly admission: Admission
  readonly errands: Errands
  readonly meter: CallMeter
  readonly redirector: Redirector<RedirectTicket>
  readonly replies: Replies
  readonly transactions: Transactions<ForkContext, ClientUser>
  /** Its source has asked for more than it is worth answering. */
  ignore(incoming: IncomingRequest): void
}

export class Redirections {
  private readonly components: RedirectionComponents

  constructor(components: RedirectionComponents) {
    this.components = components
  }

  /** A request that this node does not forward (adapter-mapping s.6). */
  request(now: Now, key: string, incoming: IncomingRequest, side: ProxyRequest['side'], wish: Wish): void {
    const { message } = incoming
    const { admission, replies, transactions, redirector, meter, errands } = this.components
    if (message.to.params.has('tag')) {
      replies.refuse(now.ms, key, incoming, { status: 481, reason: 'Call Does Not Exist' })
      return
    }
    if (wish.kind !== 'aor' && wish.kind !== 'gruu') {
      replies.refuse(now.ms, key, incoming, { status: 404, reason: 'Not Found' })
      return
    }
    let ownPhone = false
    // Whoever asks has shown that he is where the answer goes: by credentials, or since the operator or the overlay vouches for him.
    let proven = true
    if (side === 'south') {
      const caller = admission.caller(now, incoming, 'www')
      if (caller.kind === 'ignored') {
        this.components.ignore(incoming)
        return
      }
      if (caller.kind === 'refused') {
        replies.stateless(incoming, caller.reply)
        return
      }
      ownPhone = caller.kind === 'ownPhone'
      proven = caller.kind === 'trusted' || (caller.kind === 'ownPhone' && caller.aors.length > 0)
    }
    const { aor } = wish
    const moved = wish.kind === 'aor' ? errands.movedTo(wish.aor, false) : undefined
    if (moved !== undefined) {
      replies.refuse(now.ms, key, incoming, moved)
      return
    }
    if (aor === undefined) {
      replies.refuse(now.ms, key, incoming, { status: 404, reason: 'Not Found' })
      return
    }
    const own = wish.kind === 'gruu' && wish.own ? errands.meaning(now.ms, wish.uri, aor) : undefined
    if (own?.kind === 'unknown') {
      replies.refuse(now.ms, key, incoming, { status: 404, reason: 'Not Found' })
      return
    }
    if (own?.kind === 'instance' && own.bindings.length === 0) {
      replies.refuse(now.ms, key, incoming, { status: 480, reason: 'Temporarily Unavailable' })
      return
    }
    const gruu = wish.kind === 'gruu' && own?.kind !== 'aor' ? gruuParameters(wish.uri) : undefined
    let ended: RedirectTicket['ended'] = () => undefined
    if (message.method === 'INVITE') {
      const path = gruu === undefined ? errands.aorPath(now.ms, side, aor) : 'gruu'
      meter.attempts.add(`${path}|redirect`)
      ended = (status) => meter.results.add(`${path}|${redirectResult(status)}`)
    }
    const server = transactions.accept(key, message.method, incoming.replyTo)
    server.once = !proven
    redirector.request(now.ms, {
      message,
      aor,
      gruu,
      instance: own?.kind === 'instance' ? own.bindings : undefined,
      fromPeer: side === 'north',
      ownPhone,
      ticket: { incoming, server, ended },
    })
  }
}

/** Sent on is neither answered nor failed: what comes of the call is counted where it goes (docs/reference/metrics.md). */
function redirectResult(status: number): CallResult | 'redirected' {
  return status >= 300 && status < 400 ? 'redirected' : callResult(status)
}

/** What makes a URI a GRUU and not the AOR, as it stands. */
function gruuParameters(uri: SipUri): string {
  let text = ''
  for (const name of ['gr', 'adi']) {
    const value = uri.params.get(name)
    if (value !== undefined) text += value === '' ? `;${name}` : `;${name}=${value}`
  }
  return text
}
