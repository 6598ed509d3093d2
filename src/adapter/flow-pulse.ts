/**
 * Whether the peer at the far end of an application flow is there (RFC 5626 s.3.5.1). TCP says so only when something is sent, and then after
 * minutes; a peer whose machine has lost its power would be waited for until the timers of the calls are over (docs/adr/0036).
 */
import type { Millis } from '../common/time.ts'

/** Four bytes that are answered with the first two of them. */
export const PING = new Uint8Array([13, 10, 13, 10])
/**
 * Judgement: RFC 5626 s.4.4.1 gives ten seconds, to a phone. A flow between peers carries the calls of many users, and may have to repeat what
 * was lost on its way.
 */
export const PONG_WITHIN_MS: Millis = 15_000

export class FlowPulse {
  /** An answer is waited for. */
  asking = false
  private heardSince = true
  /** RFC 7904 s.5.2 leaves it to peers whether they use keep-alives: one that never did is not judged by them. */
  private answers = false

  asked(): void {
    this.asking = true
    this.heardSince = false
  }

  heard(bytes: Uint8Array): void {
    this.heardSince = true
    // Who pings answers, too; and either may come together with the message behind it. No message begins with a line end.
    if (bytes[0] === PING[0] && bytes[1] === PING[1]) this.answers = true
  }

  /** The time for an answer is over; false for a peer that has said nothing at all. */
  judged(): boolean {
    this.asking = false
    return this.heardSince || !this.answers
  }
}

/** Nothing but a ping or its answer: no use of the flow. */
export function isKeepAlive(bytes: Uint8Array): boolean {
  if (bytes.length !== 2 && bytes.length !== 4) return false
  return bytes.every((byte, at) => byte === PING[at])
}
