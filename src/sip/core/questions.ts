/** What the SIP core asks of its owner. Every question has a number, under which its answer comes back. */
import type { Outbox } from '../../common/outbox.ts'
import type { Millis } from '../../common/time.ts'
import type { FlowId, PublishedBinding, RequestId, SipAction, Transport } from './contract.ts'

type Publication = Extract<SipAction, { kind: 'publish' }>

export class Questions {
  private readonly outbox: Outbox<SipAction>
  private last: RequestId = 0

  constructor(outbox: Outbox<SipAction>) {
    this.outbox = outbox
  }

  openPeerFlow(address: string, secure: boolean, budgetMs: Millis, callId: string): RequestId {
    const id = ++this.last
    this.outbox.push({ kind: 'openPeerFlow', id, address, secure, budgetMs, callId })
    return id
  }

  /** Answered by `flowClosed` when the peer is not there. */
  probePeer(flow: FlowId): void {
    this.outbox.push({ kind: 'probePeer', flow })
  }

  resolve(
    host: string,
    port: number | undefined,
    transport: Transport | undefined,
    secure: boolean,
  ): RequestId {
    const id = ++this.last
    this.outbox.push({ kind: 'resolve', id, host, port, transport, secure })
    return id
  }

  /** Without `follow` forwarding entries are named and not followed. */
  locate(aor: string, budgetMs: Millis, callId: string, follow = true): RequestId {
    const id = ++this.last
    this.outbox.push({ kind: 'locate', id, aor, budgetMs, callId, ...(follow ? {} : { follow }) })
    return id
  }

  foreignContacts(aor: string, budgetMs: Millis): RequestId {
    const id = ++this.last
    this.outbox.push({ kind: 'foreignContacts', id, aor, budgetMs })
    return id
  }

  verifyCaller(aor: string, peer: string, budgetMs: Millis): RequestId {
    const id = ++this.last
    this.outbox.push({ kind: 'verifyCaller', id, aor, peer, budgetMs })
    return id
  }

  publish(
    aor: string,
    bindings: readonly PublishedBinding[],
    cause: Publication['cause'],
    callId: string,
  ): RequestId {
    const id = ++this.last
    this.outbox.push({ kind: 'publish', id, aor, bindings, cause, callId })
    return id
  }
}
