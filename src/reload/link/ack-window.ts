import { ACK_WINDOW } from './constants.ts'

/** What a receiver remembers to write the `received` field of its acks (RFC 6940 s.6.6.2). */
export class AckWindow {
  /** The last 32 sequence numbers in a ring, oldest overwritten first. */
  private readonly recent = new Float64Array(ACK_WINDOW).fill(-1)
  private next = 0

  /**
   * Notes that `sequence` arrived and returns the mask for its ack. Bit (N-M) says that M was among the 32 packets
   * received before N. The bound M > N-32 leaves the offsets 1..31, so bit 0 is never set.
   */
  receive(sequence: number): number {
    let received = 0
    for (let i = 0; i < ACK_WINDOW; i++) {
      const earlier = this.recent[i] as number
      if (earlier < 0) continue
      // Sequence numbers wrap at 2^32; the unsigned difference is right across the wrap.
      const distance = (sequence - earlier) >>> 0
      if (distance > 0 && distance < ACK_WINDOW) received |= 1 << distance
    }
    this.recent[this.next] = sequence
    this.next = (this.next + 1) % ACK_WINDOW
    return received >>> 0
  }
}
