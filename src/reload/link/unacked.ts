import type { Millis } from '../../common/time.ts'
import { UNACKED_BYTES_MAX, UNACKED_MESSAGES_MAX } from './constants.ts'

/**
 * Messages that were sent and not acknowledged: when, and how large. The messages themselves are not kept, because a
 * stream transport repeats them. Sequence numbers are consecutive, so a queue with the first number says it all.
 */
export class Unacked {
  private sentAt: Millis[] = []
  private sizes: number[] = []
  /** Index of the oldest entry; what lies before it is removed in bulk. */
  private head = 0
  private firstSequence = 0
  private totalBytes = 0

  get count(): number {
    return this.sentAt.length - this.head
  }

  get bytes(): number {
    return this.totalBytes
  }

  /** When the oldest one was sent, undefined when everything is acknowledged. */
  get oldestSentAt(): Millis | undefined {
    return this.sentAt[this.head]
  }

  /** Whether one more message of that size stays within the limits; a lone message always does. */
  admits(bytes: number): boolean {
    return (
      this.count === 0 || (this.count < UNACKED_MESSAGES_MAX && this.totalBytes + bytes <= UNACKED_BYTES_MAX)
    )
  }

  add(now: Millis, bytes: number): void {
    this.sentAt.push(now)
    this.sizes.push(bytes)
    this.totalBytes += bytes
  }

  /**
   * An ordered transport delivered everything before what it acknowledges, so an ack covers all earlier numbers too.
   * Returns when the acknowledged message was sent, or undefined for a number that is not waiting: repeated or made up.
   */
  acknowledge(sequence: number): Millis | undefined {
    const offset = (sequence - this.firstSequence) >>> 0
    if (offset >= this.count) return undefined
    const sentAt = this.sentAt[this.head + offset] as Millis
    for (let i = 0; i <= offset; i++) this.totalBytes -= this.sizes[this.head + i] as number
    this.head += offset + 1
    this.firstSequence = (sequence + 1) >>> 0
    if (this.head > 64 && this.head * 2 > this.sentAt.length) {
      this.sentAt = this.sentAt.slice(this.head)
      this.sizes = this.sizes.slice(this.head)
      this.head = 0
    }
    return sentAt
  }
}
