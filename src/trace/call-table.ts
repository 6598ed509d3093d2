/**
 * The calls of which something is kept, as numbers in arrays: found by their name of 64 bits, and for each room in the order in which
 * something happened to them last.
 */

export type CallIndex = number

const NONE = -1
const FREE = 0

/** One part of the calls with a limit of its own. */
export interface Room {
  readonly number: number
  readonly callsMax: number
  readonly unitsMax: number
  calls: number
  units: number
  /** In this room something happened to this call last; below 0 when it is empty. */
  latest: CallIndex
  oldest: CallIndex
}

export function emptyRoom(number: number, callsMax: number, unitsMax: number): Room {
  return { number, callsMax, unitsMax, calls: 0, units: 0, latest: NONE, oldest: NONE }
}

export class CallTable {
  /** First and last entry, and the last of the first half once there are that many; below 0 when there is none. */
  readonly first: Int32Array
  readonly last: Int32Array
  readonly middle: Int32Array
  readonly entries: Int32Array
  readonly skipped: Float64Array
  readonly units: Int32Array
  /** Number of the room. */
  readonly room: Uint8Array
  private readonly low: Int32Array
  private readonly high: Int32Array
  /** The next older and newer call in the room; of free places the next free one. */
  private readonly older: Int32Array
  private readonly newer: Int32Array
  /** Places plus one, by hash; open addressing, at most half full. */
  private readonly table: Int32Array
  private readonly wrap: number
  private fresh = 0
  private free = NONE

  constructor(calls: number) {
    const places = (): Int32Array => new Int32Array(calls)
    this.first = places()
    this.last = places()
    this.middle = places()
    this.entries = places()
    this.skipped = new Float64Array(calls)
    this.units = places()
    this.room = new Uint8Array(calls)
    this.low = places()
    this.high = places()
    this.older = places()
    this.newer = places()
    let size = 16
    while (size < 2 * calls) size *= 2
    this.table = new Int32Array(size)
    this.wrap = size - 1
  }

  /** Below 0 when there is none of that name. */
  find(low: number, high: number): CallIndex {
    const { table, wrap } = this
    for (let at = (low ^ high) & wrap; ; at = (at + 1) & wrap) {
      const call = (table[at] as number) - 1
      if (call < 0 || (this.low[call] === low && this.high[call] === high)) return call
    }
  }

  /** A new one without entries, in no room yet. There must be a place for it. */
  add(low: number, high: number): CallIndex {
    let call = this.free
    if (call >= 0) this.free = this.older[call] as number
    else call = this.fresh++
    this.low[call] = low
    this.high[call] = high
    this.first[call] = NONE
    this.last[call] = NONE
    this.middle[call] = NONE
    this.entries[call] = 0
    this.skipped[call] = 0
    this.units[call] = 0
    const { table, wrap } = this
    let at = (low ^ high) & wrap
    while (table[at] !== FREE) at = (at + 1) & wrap
    table[at] = call + 1
    return call
  }

  /** Out of its room and forgotten; its entries are the caller's. */
  remove(call: CallIndex, room: Room): void {
    this.leave(call, room)
    this.untable(call)
    this.older[call] = this.free
    this.free = call
  }

  /** Something happened to it: it is the latest of its room now. */
  enter(call: CallIndex, room: Room): void {
    const { latest } = room
    this.older[call] = latest
    this.newer[call] = NONE
    if (latest < 0) room.oldest = call
    else this.newer[latest] = call
    room.latest = call
    this.room[call] = room.number
    room.calls++
    room.units += this.units[call] as number
  }

  leave(call: CallIndex, room: Room): void {
    const older = this.older[call] as number
    const newer = this.newer[call] as number
    if (older < 0) room.oldest = newer
    else this.newer[older] = newer
    if (newer < 0) room.latest = older
    else this.older[newer] = older
    room.calls--
    room.units -= this.units[call] as number
  }

  /** The calls of a room, latest first. */
  *latestFirst(room: Room): Iterable<CallIndex> {
    for (let call = room.latest; call >= 0; call = this.older[call] as number) yield call
  }

  /** Takes it out and closes the gap, so that every other one is still found from where its name points. */
  private untable(call: CallIndex): void {
    const { table, wrap, low, high } = this
    let gap = ((low[call] as number) ^ (high[call] as number)) & wrap
    while (table[gap] !== call + 1) gap = (gap + 1) & wrap
    for (let at = (gap + 1) & wrap; ; at = (at + 1) & wrap) {
      const other = (table[at] as number) - 1
      if (other < 0) break
      const home = ((low[other] as number) ^ (high[other] as number)) & wrap
      if (((at - home) & wrap) < ((at - gap) & wrap)) continue
      table[gap] = other + 1
      gap = at
    }
    table[gap] = FREE
  }
}
