/**
 * List compression (RFC 6940 s.6.1.2 and s.6.3.2.2): a via list is kept here and travels as two bytes. Offered, not used
 * by default: appending to the via list needs no state, which is worth more than the bytes.
 */
import type { Random } from '../../common/random.ts'
import type { Millis } from '../../common/time.ts'
import type { Destination } from '../codec/index.ts'

/** RFC 6940 s.6.3.2.2: twelve bits of slot and three of generation under a top bit that is always set. */
const SLOTS_MAX = 4_096
const GENERATIONS = 8

interface Slot {
  generation: number
  viaList: readonly Destination[] | undefined
  expiresAt: Millis
}

export class OpaqueIds {
  private readonly slots: Slot[]
  private readonly keepMs: Millis
  private next = 0

  /**
   * `keepMs` is how long a list is kept: at least overlay-reliability-timer (s.6.1.2), best the whole request lifetime.
   * Generations start at random, so that ids of a former run of this node do not fit.
   */
  constructor(
    components: { readonly random: Random },
    settings: { readonly keepMs: Millis; readonly slots?: number },
  ) {
    const count = Math.max(1, Math.min(SLOTS_MAX, settings.slots ?? SLOTS_MAX))
    this.keepMs = settings.keepMs
    this.slots = Array.from({ length: count }, () => ({
      generation: components.random.int(GENERATIONS),
      viaList: undefined,
      expiresAt: 0,
    }))
  }

  /**
   * Keeps a via list and returns what stands for it, or undefined when the slot whose turn it is still serves. Slots
   * go round, so that the same one is reused as late as possible.
   */
  issue(now: Millis, viaList: readonly Destination[]): Destination | undefined {
    const index = this.next
    const slot = this.slots[index] as Slot
    if (slot.viaList !== undefined && now < slot.expiresAt) return undefined
    this.next = (index + 1) % this.slots.length
    slot.generation = (slot.generation + 1) % GENERATIONS
    slot.viaList = viaList
    slot.expiresAt = now + this.keepMs
    const value = 0x8000 | (index << 3) | slot.generation
    return { kind: 'opaque', id: Uint8Array.of(value >>> 8, value & 0xff), short: true }
  }

  /** What has to replace that id on the way back: the kept list reversed. Undefined for anything but a current id. */
  resolve(now: Millis, id: Uint8Array): Destination[] | undefined {
    const high = id[0]
    const low = id[1]
    if (id.length !== 2 || high === undefined || low === undefined || high < 0x80) return undefined
    const value = ((high & 0x7f) << 8) | low
    const slot = this.slots[value >>> 3]
    if (slot?.viaList === undefined || slot.generation !== (value & 7) || now >= slot.expiresAt)
      return undefined
    return slot.viaList.toReversed()
  }
}
