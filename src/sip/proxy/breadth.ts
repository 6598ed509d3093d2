/** Max-Breadth (RFC 5393 s.5.3): how many branches a request may have, here and behind us, at one time. */
import type { SipMessage } from '../message/index.ts'

/** RFC 5393 s.5.3.3.1: assumed when absent, and the most that is honoured. */
export const BREADTH_MAX = 60

export class Breadth {
  private available: number

  constructor(request: SipMessage) {
    const text = request.header('max-breadth')
    const value = text === undefined || !/^\d{1,10}$/.test(text) ? BREADTH_MAX : Number(text)
    this.available = Math.min(value, BREADTH_MAX)
  }

  /**
   * Shares for up to `count` parallel branches, fewer when there is not enough: the rest waits its turn. While further
   * targets may still come, half is kept back for them.
   */
  take(count: number, moreMayCome: boolean): number[] {
    const usable = moreMayCome && this.available > 1 ? Math.floor(this.available / 2) : this.available
    const branches = Math.min(count, usable)
    const shares: number[] = []
    for (let i = 0; i < branches; i++) {
      shares.push(Math.floor(usable / branches) + (i < usable % branches ? 1 : 0))
    }
    for (const share of shares) this.available -= share
    return shares
  }

  giveBack(share: number): void {
    this.available += share
  }
}
