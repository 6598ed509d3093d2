/**
 * RFC 4320 s.4.1: who has not answered a non-INVITE request by the time at which its sender repeats it every T2 says 100, and not
 * sooner. What waits here is what is being worked on; an answer takes it out again.
 */
import { DueList, type Due } from '../../common/due-list.ts'
import type { Millis } from '../../common/time.ts'
import { buildResponse } from '../message/index.ts'
import type { IncomingRequest } from './incoming.ts'
import type { ServerTransaction } from './machinery.ts'
import { LATE_TRYING_MS } from './timers.ts'

/** A request without an answer. */
export interface Unanswered<S> {
  readonly server: ServerTransaction<S>
  readonly incoming: IncomingRequest
}

export class LateTrying<S> {
  private readonly waiting = new DueList<Unanswered<S>>()
  private readonly answer: (
    now: Millis,
    server: ServerTransaction<S>,
    status: number,
    bytes: Uint8Array,
  ) => void

  constructor(
    answer: (now: Millis, server: ServerTransaction<S>, status: number, bytes: Uint8Array) => void,
  ) {
    this.answer = answer
  }

  get size(): number {
    return this.waiting.size
  }

  /** Undefined when it has been answered already. */
  watch(
    now: Millis,
    server: ServerTransaction<S>,
    incoming: IncomingRequest,
  ): Due<Unanswered<S>> | undefined {
    if (server.invite || server.state !== 'trying') return undefined
    return this.waiting.set(now + LATE_TRYING_MS, { server, incoming })
  }

  answered(deadline: Due<Unanswered<S>> | undefined): void {
    this.waiting.cancel(deadline)
  }

  nextDeadline(): Millis {
    return this.waiting.next()
  }

  expire(now: Millis): void {
    for (let due = this.waiting.pop(now); due !== undefined; due = this.waiting.pop(now)) {
      const { server, incoming } = due
      if (server.state !== 'trying') continue
      const { message, topVia } = incoming
      this.answer(now, server, 100, buildResponse(message, 100, 'Trying', { topVia, copyTimestamp: true }))
    }
  }
}
