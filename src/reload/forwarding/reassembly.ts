/**
 * Fragments of messages for this node, held until each message is whole (RFC 6940 s.6.7). Slices may come in any order,
 * twice, overlapping, cut anew by every hop and over several links; whether the whole is what was sent is for its
 * signature to say.
 */
import { Deadlines } from '../../common/deadlines.ts'
import type { Millis } from '../../common/time.ts'
import {
  fragmentOffset,
  isLastFragment,
  key,
  wholeMessage,
  type HeaderView,
  type NodeId,
  type TransactionId,
} from '../codec/index.ts'

/** RFC 6940 s.6.7: the maximum request lifetime; by then the message has been sent again or given up. */
export const REASSEMBLY_MS = 15_000

/** Judgement: messages held at once, and how many of them one link may have begun. */
export const HELD_MAX = 256
export const HELD_PER_LINK_MAX = 32
/** Judgement: 64 KiB in the smallest slices allowed, each sent twice. */
const SLICES_MAX = 512

/** The whole message; that some of it is still missing; or that this fragment was dropped. */
export type Reassembled = Uint8Array | 'incomplete' | 'dropped'

export class Reassembly {
  private readonly limits: { readonly maxMessageBytes: number }
  private readonly held = new Map<TransactionId, Held>()
  private readonly perLink = new Map<string, number>()
  private readonly deadlines = new Deadlines<TransactionId>()

  /** The limit is read at every fragment. */
  constructor(limits: { readonly maxMessageBytes: number }) {
    this.limits = limits
  }

  /** Messages that are not whole yet. */
  get size(): number {
    return this.held.size
  }

  /** Takes a fragment, which came over the link to `previousHop`; `bytes` are kept. */
  take(now: Millis, bytes: Uint8Array, view: HeaderView, previousHop: NodeId): Reassembled {
    const id = view.transactionId
    const held = this.held.get(id) ?? this.hold(now, id, key(previousHop))
    if (held?.add(bytes, view, this.limits.maxMessageBytes) !== true) return 'dropped'
    const whole = held.whole()
    if (whole === undefined) return 'incomplete'
    this.forget(id)
    return whole
  }

  nextDeadline(): Millis {
    return this.deadlines.next()
  }

  /** Gives up what did not become whole in time; how many. */
  timeout(now: Millis): number {
    let count = 0
    for (let id = this.deadlines.pop(now); id !== undefined; id = this.deadlines.pop(now)) {
      this.forget(id)
      count++
    }
    return count
  }

  private hold(now: Millis, id: TransactionId, link: string): Held | undefined {
    const ofLink = this.perLink.get(link) ?? 0
    // RFC 6940 s.6.7: without room the message must be dropped.
    if (this.held.size >= HELD_MAX || ofLink >= HELD_PER_LINK_MAX) return undefined
    const deadline = this.deadlines.set(now + REASSEMBLY_MS, id)
    const held = new Held(link, () => this.deadlines.cancel(deadline))
    this.held.set(id, held)
    this.perLink.set(link, ofLink + 1)
    return held
  }

  private forget(id: TransactionId): void {
    const held = this.held.get(id)
    if (held === undefined) return
    this.held.delete(id)
    held.released()
    const others = (this.perLink.get(held.link) ?? 1) - 1
    if (others === 0) this.perLink.delete(held.link)
    else this.perLink.set(held.link, others)
  }
}

interface Slice {
  readonly start: number
  readonly bytes: Uint8Array
}

/** One message in pieces. */
class Held {
  readonly link: string
  readonly released: () => void
  /** By start; none is contained in the one before it. */
  private slices: Slice[] = []
  private first: { readonly bytes: Uint8Array; readonly view: HeaderView } | undefined
  /** Bytes of the whole body; undefined until the last fragment is here. */
  private size: number | undefined
  private bytesHeld = 0

  constructor(link: string, released: () => void) {
    this.link = link
    this.released = released
  }

  /** False: it does not fit what is here, or is more than a message may be. */
  add(bytes: Uint8Array, view: HeaderView, bytesMax: number): boolean {
    const start = fragmentOffset(view)
    const slice = { start, bytes: bytes.subarray(view.payloadAt) }
    const end = endOf(slice)
    if (view.payloadAt + end > bytesMax || this.slices.length >= SLICES_MAX) return false
    // Overlaps could otherwise hold a message many times over.
    if (this.bytesHeld + bytes.length > 2 * bytesMax) return false
    if (this.size !== undefined && (end > this.size || (isLastFragment(view) && end !== this.size)))
      return false
    if (isLastFragment(view)) {
      if (this.slices.some((other) => endOf(other) > end)) return false
      this.size = end
    }
    if (start === 0) this.first ??= { bytes, view }
    if (this.insert(slice)) this.bytesHeld += bytes.length
    return true
  }

  /** The message, when nothing is missing. */
  whole(): Uint8Array | undefined {
    if (this.size === undefined || this.first === undefined) return undefined
    let reached = 0
    for (const slice of this.slices) {
      if (slice.start > reached) return undefined
      reached = endOf(slice)
    }
    if (reached < this.size) return undefined
    const body = new Uint8Array(this.size)
    for (const { start, bytes } of this.slices) body.set(bytes, start)
    return wholeMessage(this.first.bytes, this.first.view, body)
  }

  /** Keeps order; a slice inside another adds nothing (false). */
  private insert(slice: Slice): boolean {
    const covers = (outer: Slice, inner: Slice): boolean =>
      outer.start <= inner.start && endOf(outer) >= endOf(inner)
    if (this.slices.some((other) => covers(other, slice))) return false
    const kept = this.slices.filter((other) => !covers(slice, other))
    const at = kept.findIndex((other) => other.start > slice.start)
    kept.splice(at < 0 ? kept.length : at, 0, slice)
    this.slices = kept
    return true
  }
}

function endOf(slice: Slice): number {
  return slice.start + slice.bytes.length
}
