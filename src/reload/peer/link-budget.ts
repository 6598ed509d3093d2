import type { Millis } from '../../common/time.ts'
import { TokenBucket } from '../../common/token-bucket.ts'
import { LINK_BYTES_ALLOWED, LINK_MESSAGES_ALLOWED } from './constants.ts'

/** What one link may bring: more is dropped before anybody looks at a signature. */
export class LinkBudget {
  private readonly messages: TokenBucket
  private readonly bytes: TokenBucket

  constructor(now: Millis) {
    this.messages = new TokenBucket(LINK_MESSAGES_ALLOWED, now)
    this.bytes = new TokenBucket(LINK_BYTES_ALLOWED, now)
  }

  admits(now: Millis, bytes: number): boolean {
    return (
      this.messages.take(LINK_MESSAGES_ALLOWED, now) === 0 &&
      this.bytes.take(LINK_BYTES_ALLOWED, now, bytes) === 0
    )
  }
}
