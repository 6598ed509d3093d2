/**
 * Connections whose far end says no more and waits for answers yet (RFC 3261 s.18.2.2): a tool that closes its half behind its request. For
 * everything but these answers the flow is gone. Whether somebody reads them cannot be known beforehand, since a far end that is gone altogether
 * looks the same until something is written to it. So a line end follows, and where the connection breaks over it the answers are lost
 * and look for another way. Does no I/O.
 */
import { Deadlines, type Deadline } from '../../common/deadlines.ts'
import type { Outbox } from '../../common/outbox.ts'
import type { Millis } from '../../common/time.ts'
import type { Hop } from '../transaction/index.ts'
import type { FlowId, SipAction } from './contract.ts'

/** Longest wait for an answer: 64*T1, as long as most transactions live. */
const OWING_MS: Millis = 32_000
/** Between the last answer and the line end, and from there to the close: the far end's refusal must be back. Judgement. */
const PROOF_MS: Millis = 1_000
/** Bytes of final answers that are kept until it is known what became of them, of one connection and of all: those beyond it have one way only. */
const KEPT_MAX = 16 * 1024
const KEPT_ALL_MAX = 4 * 1024 * 1024
/** Between messages it means nothing (RFC 3261 s.7.5). */
const LINE_END = new Uint8Array([13, 10])

export interface Answer {
  readonly hop: Hop
  readonly bytes: Uint8Array
}

interface HalfOpen {
  readonly flow: FlowId
  /** `owing`: final answers are to come. `answered`: they have left. `proven`: and the line end after them. */
  state: 'owing' | 'answered' | 'proven'
  owed: number
  readonly answers: Answer[]
  keptBytes: number
  deadline: Deadline<HalfOpen> | undefined
}

export class HalfOpenFlows {
  private readonly outbox: Outbox<SipAction>
  private readonly flows = new Map<FlowId, HalfOpen>()
  private readonly deadlines = new Deadlines<HalfOpen>()
  /** Of all answers that are kept. */
  keptBytes = 0

  constructor(outbox: Outbox<SipAction>) {
    this.outbox = outbox
  }

  get size(): number {
    return this.flows.size
  }

  nextDeadline(): Millis {
    return this.deadlines.next()
  }

  /** The far end of a flow says no more; `owed` of its requests have no final answer. */
  begin(now: Millis, flow: FlowId, owed: number): void {
    if (owed <= 0) {
      this.outbox.push({ kind: 'closeFlow', flow })
      return
    }
    const half: HalfOpen = { flow, state: 'owing', owed, answers: [], keptBytes: 0, deadline: undefined }
    half.deadline = this.deadlines.set(now + OWING_MS, half)
    this.flows.set(flow, half)
  }

  /** False when the connection of the request is not half open. */
  answer(now: Millis, hop: Hop, bytes: Uint8Array): boolean {
    const half = this.flows.get(hop.flow)
    if (half === undefined) return false
    this.outbox.push({ kind: 'sendFlow', flow: hop.flow, bytes })
    if (!isFinal(bytes)) return true
    this.keep(half, { hop, bytes })
    half.owed--
    if (half.owed <= 0) this.enter(half, 'answered', now)
    return true
  }

  /** The connection has broken: the answers that nobody may have read. */
  broken(flow: FlowId): readonly Answer[] {
    const half = this.flows.get(flow)
    if (half === undefined) return NO_ANSWERS
    this.forget(half)
    return half.answers
  }

  expire(now: Millis): void {
    for (let due = this.deadlines.pop(now); due !== undefined; due = this.deadlines.pop(now)) {
      const { flow, state } = due
      if (state === 'answered') {
        this.outbox.push({ kind: 'sendFlow', flow, bytes: LINE_END })
        this.enter(due, 'proven', now)
      } else {
        this.forget(due)
        this.outbox.push({ kind: 'closeFlow', flow })
      }
    }
  }

  private enter(half: HalfOpen, state: HalfOpen['state'], now: Millis): void {
    half.state = state
    this.deadlines.cancel(half.deadline)
    half.deadline = this.deadlines.set(now + PROOF_MS, half)
  }

  private keep(half: HalfOpen, answer: Answer): void {
    const { length } = answer.bytes
    if (half.keptBytes + length > KEPT_MAX || this.keptBytes + length > KEPT_ALL_MAX) return
    half.answers.push(answer)
    half.keptBytes += length
    this.keptBytes += length
  }

  private forget(half: HalfOpen): void {
    this.keptBytes -= half.keptBytes
    this.flows.delete(half.flow)
    this.deadlines.cancel(half.deadline)
  }
}

/** `SIP/2.0 1xx` is none. */
export function isFinal(response: Uint8Array): boolean {
  return response[8] !== DIGIT_ONE
}

const DIGIT_ONE = 0x31
const NO_ANSWERS: readonly Answer[] = []
