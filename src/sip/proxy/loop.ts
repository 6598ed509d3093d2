/** Loop detection of RFC 3261 s.16.3 item 4 as amended by RFC 5393 s.4.2. */
import type { SipMessage, Via } from '../message/index.ts'

/** Headers by which targets are chosen (RFC 3261 s.16.4, RFC 3841). */
const DECIDING = ['route', 'accept-contact', 'reject-contact', 'request-disposition'] as const

/**
 * The second part of our branch: everything that decides where a request goes, but not the method, so that a CANCEL
 * has the same. `side` tells requests of peers from those of phones, as they are looked up differently. Two 32-bit FNV-1a
 * sums: a sender who collides them on purpose only cuts off its own request.
 */
export function loopHash(request: SipMessage, side: string): string {
  let text = `${side}\n${request.requestUri}`
  for (const name of DECIDING)
    if (request.has(name)) for (const value of request.headers(name)) text += `\n${name} ${value}`
  const from = request.from.params.get('tag') ?? ''
  const to = request.to.params.get('tag') ?? ''
  text += `\n${request.callId}\n${request.cseq.number}\n${from}\n${to}`
  let a = 0x811c9dc5
  let b = 0x9e3779b9
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    a = Math.imul(a ^ code, 0x01000193)
    b = Math.imul(b ^ code, 0x01000193) + 1
  }
  return (a >>> 0).toString(36) + (b >>> 0).toString(36)
}

/** Our branch: the cookie, a unique part, a dot, the loop hash. */
export function branchOf(unique: string, hash: string): string {
  return `z9hG4bK${unique}.${hash}`
}

/** True when the request has been here before with the same inputs; a spiral has other inputs and passes. */
export function isLoop(vias: readonly Via[], hash: string, isOwnVia: (via: Via) => boolean): boolean {
  for (const via of vias) {
    if (via.branch?.endsWith(`.${hash}`) === true && isOwnVia(via)) return true
  }
  return false
}
