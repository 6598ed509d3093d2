/**
 * Keyed tokens that only we can make and that carry their own content (RFC 5626 s.5.2):
 * base64url(HMAC-SHA1-80(key, content) || content), with nothing in it that a UA has reason to escape in the user part of a URI.
 */
import { timingSafeEqual } from 'node:crypto'
import { HmacSha1 } from '../../common/hmac-sha1.ts'
import { percentDecode } from '../message/escapes.ts'

/** Length of HMAC-SHA1-80. */
const MAC_BYTES = 10
/** Longer tokens are refused unread; ours are far shorter. */
const TOKEN_CHARS_MAX = 1024
const PURPOSE = Buffer.from('flow-token\0', 'latin1')

export class FlowTokens {
  private readonly hmac: HmacSha1
  private readonly mac = new Uint8Array(MAC_BYTES)

  constructor(secret: Uint8Array) {
    this.hmac = new HmacSha1(secret)
  }

  seal(content: Uint8Array): string {
    const token = Buffer.allocUnsafe(MAC_BYTES + content.length)
    this.hmac.sign(PURPOSE, content, token, 0, MAC_BYTES)
    token.set(content, MAC_BYTES)
    return token.toString('base64url')
  }

  /**
   * The content of a token that was sealed with this secret, or undefined. Some UAs escape what needs none, Twinkle every z; it means the
   * same (RFC 3261 s.19.1.2).
   */
  open(escaped: string): Buffer | undefined {
    if (escaped.length > TOKEN_CHARS_MAX) return undefined
    const token = percentDecode(escaped)
    const bytes = Buffer.from(token, 'base64url')
    // Node skips what is not of the alphabet; a token has exactly one text.
    if (bytes.length < MAC_BYTES || bytes.toString('base64url') !== token) return undefined
    const content = bytes.subarray(MAC_BYTES)
    this.hmac.sign(PURPOSE, content, this.mac, 0, MAC_BYTES)
    return timingSafeEqual(bytes.subarray(0, MAC_BYTES), this.mac) ? content : undefined
  }
}
