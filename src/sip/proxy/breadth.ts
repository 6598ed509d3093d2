/** Max-Breadth (RFC 5393 s.5.3): how many branches a request may have, here and behind us, at one time. */
import type { SipMessage } from '../message/index.ts'

/** RFC 5393 s.5.3.3.1: assumed when absent, and the most that is honoured. */
export const BREADTH_MAX = 60

/** Who may still come: targets that are being looked for, or phones that register meanwhile (RFC 3261 s.16.5). */
export type Coming = 'targets' | 'phones' | 'nobody'

export class Breadth {
  private available: number

  constructor(request: SipMessage) {
    const text = request.header('max-breadth')
    const value = text === undefined || !/^\d{1,10}$/.test(text) ? BREADTH_MAX : Number(text)
    this.available = Math.min(value, BREADTH_MAX)
  }

  /**
   * Shares for up to `count` parallel branches, fewer when there is not enough: the rest waits its turn. Something is kept back
   * for those that may come while these are out.
   */
  take(count: number, coming: Coming): number[] {
    const usable = this.available - keptBack(this.available, count, coming)
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

  /** Of a branch that is waited for again. Others may have it meanwhile: then nothing is left for more. */
  takeBack(share: number): void {
    this.available -= share
  }
}

/** Judgement: half for targets that are expected; a quarter for phones that may come, of what those who are there leave. */
function keptBack(available: number, count: number, coming: Coming): number {
  switch (coming) {
    case 'targets':
      return available > 1 ? Math.ceil(available / 2) : 0
    case 'phones':
      return Math.min(Math.floor(available / 4), Math.max(0, available - count))
    case 'nobody':
      return 0
  }
}
