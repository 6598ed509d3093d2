/** Loop detection of RFC 3261 s.16.3 item 4 as amended by RFC 5393 s.4.2. */
import type { SipMessage, Via } from '../message/index.ts'

/** Headers by which targets are chosen (RFC 3261 s.16.4, RFC 3841). */
const DECIDING = ['route', 'accept-contact', 'reject-contact', 'request-disposition'] as const

const PRIME = 0x01000193
const PART_END = 10
/** 30 bits. */
const SMALL = 0x3fff_ffff

/** The two sums of the request that is looked at: no text is put together for them. */
let firstSum = 0
let secondSum = 0

/**
 * The second part of our branch: everything that decides where a request goes, but not the method, so that a CANCEL
 * has the same. `side` tells requests of peers from those of phones, as they are looked up differently. Two 30-bit FNV-1a
 * sums: a sender who collides them on purpose only cuts off its own request.
 */
export function loopHash(request: SipMessage, side: string): string {
  firstSum = 0x811c9dc5
  secondSum = 0x9e3779b9
  mix(side)
  mix(request.requestUri)
  for (const name of DECIDING) {
    if (!request.has(name)) continue
    for (const value of request.headers(name)) {
      mix(name)
      mix(value)
    }
  }
  mix(request.callId)
  mix(request.from.params.get('tag') ?? '')
  mix(request.to.params.get('tag') ?? '')
  mixNumber(request.cseq.number)
  // Small decimal numbers: V8 writes others ten times slower.
  return `${firstSum & SMALL}${secondSum & SMALL}`
}

/** 60 bits of a text, in digits. */
export function textSum(text: string): string {
  firstSum = 0x811c9dc5
  secondSum = 0x9e3779b9
  mix(text)
  return `${firstSum & SMALL}${secondSum & SMALL}`
}

/** A part, and a mark that no part contains. */
function mix(part: string): void {
  let first = firstSum
  let second = secondSum
  for (let i = 0; i < part.length; i++) {
    const code = part.charCodeAt(i)
    first = Math.imul(first ^ code, PRIME)
    second = Math.imul(second ^ code, PRIME) + 1
  }
  firstSum = first
  secondSum = second
  mixNumber(PART_END)
}

function mixNumber(number: number): void {
  firstSum = Math.imul(firstSum ^ number, PRIME)
  secondSum = Math.imul(secondSum ^ number, PRIME) + 1
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
