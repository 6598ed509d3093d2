/** What the registrar needs of a REGISTER, taken out of the message once the AOR and the right to change it are settled. */
import type { SipMessage } from '../message/index.ts'
import type { Reach } from './binding.ts'

/** A REGISTER that may change `aor`. `ticket` is the caller's, handed back with the reply. */
export interface RegisterRequest<T> {
  readonly aor: string
  readonly message: SipMessage
  /** Where it came from, received and rport taken into account. */
  readonly source: Reach
  /** False where RFC 5626 cannot apply because the flow of the phone ends elsewhere. */
  readonly outbound?: boolean
  /** False where calls are to reach the phone by the way that it came and at no other address (S-24). */
  readonly elsewhere?: boolean
  readonly ticket: T
}

export interface Rejection {
  readonly status: number
  readonly reason: string
  readonly headers: readonly (readonly [string, string])[]
}

export function rejection(
  status: number,
  reason: string,
  headers: readonly (readonly [string, string])[] = [],
): Rejection {
  return { status, reason, headers }
}

const MAX_SECONDS = 0xffff_ffff

/**
 * Value of an `Expires` header or `expires` parameter in seconds. RFC 3261 s.10.2: malformed means 3600; beyond
 * 2^32-1 is cut off there.
 */
export function expiresSeconds(text: string): number {
  if (text.length === 0) return 3600
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 0x30 || code > 0x39) return 3600
  }
  return Math.min(Number(text), MAX_SECONDS)
}

/** True when a comma list of option tags names `tag`. */
export function listsOption(message: SipMessage, header: 'supported' | 'require', tag: string): boolean {
  for (const value of message.values(header)) if (value.toLowerCase() === tag) return true
  return false
}
