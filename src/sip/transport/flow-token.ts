/**
 * Keyed tokens that only we can make and that carry their own content (RFC 5626 s.5.2):
 * base64(HMAC-SHA1-80(key, content) || content). The alphabet fits the user part of a URI.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'

/** Length of HMAC-SHA1-80. */
const MAC_BYTES = 10
/** Longer tokens are refused unread; ours are far shorter. */
const TOKEN_CHARS_MAX = 1024

export function seal(secret: Uint8Array, content: Uint8Array): string {
  const token = Buffer.allocUnsafe(MAC_BYTES + content.length)
  token.set(mac(secret, content), 0)
  token.set(content, MAC_BYTES)
  return token.toString('base64')
}

/** The content of a token that was sealed with this secret, or undefined. */
export function open(secret: Uint8Array, token: string): Uint8Array | undefined {
  if (token.length > TOKEN_CHARS_MAX) return undefined
  const bytes = Buffer.from(token, 'base64')
  // Node skips what is not base64; a token has exactly one text.
  if (bytes.length < MAC_BYTES || bytes.toString('base64') !== token) return undefined
  const content = bytes.subarray(MAC_BYTES)
  return timingSafeEqual(bytes.subarray(0, MAC_BYTES), mac(secret, content)) ? content : undefined
}

function mac(secret: Uint8Array, content: Uint8Array): Uint8Array {
  return createHmac('sha1', secret).update('flow-token\0').update(content).digest().subarray(0, MAC_BYTES)
}
