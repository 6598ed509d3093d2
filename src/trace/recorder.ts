/**
 * Keeps what happened to the last calls, by Call-ID, in a fixed amount of memory. Does no I/O and decides nothing: it is told
 * of every message that enters or leaves and of what the overlay did for a call, and forgets the calls that were quiet for
 * longest. Calls that were passed on have their own room, so that registrations and floods of strangers cannot push them out.
 *
 * Every message of a node passes here, so that as little as possible is done with it then: it is copied, found its place in its call,
 * and read only when somebody asks (ADR 22).
 */
import type { CallNote } from '../adapter/index.ts'
import type { Now, WallTime } from '../common/time.ts'
import { CALL_ID_LENGTH_MAX, CallName, sessionExpires } from './call-id.ts'
import { CallTable, emptyRoom, type CallIndex, type Room } from './call-table.ts'
import type { Capture } from './capture.ts'
import { Dialogs } from './dialogs.ts'
import { ENTRY_UNITS_MAX, MessageShelf, UNIT_COST_BYTES, type EntryId } from './message-shelf.ts'
import type { Recorded, RecordedCall, TraceHop } from './recorded.ts'

export interface RecorderLimits {
  /** Bytes of memory for all calls, roughly. */
  readonly bytesMax: number
  readonly callsMax: number
}

/** Judgement: some 4,000 calls of fifteen messages each need this. */
export const RECORDER_LIMITS: RecorderLimits = { bytesMax: 33_554_432, callsMax: 10_000 }

/** Judgement: of one call; the first half stays, in the second the oldest goes. */
const ENTRIES_MAX = 200
/** Judgement: no call takes a larger part of its room. */
const ROOM_PART_MAX = 0.25
/** Share of registrations and of requests that were never passed on. */
const UNPROVEN_SHARE = 0.25

export class CallRecorder {
  readonly dialogs = new Dialogs()
  private readonly shelf: MessageShelf
  private readonly table: CallTable
  private readonly unproven: Room
  private readonly proven: Room
  private readonly name: CallName
  private readonly mirror: ((recorded: Recorded) => void) | undefined
  /** Wall clock minus monotonic clock, so that times within a call are finer than milliseconds. */
  private offset = Number.NaN

  /** `seed`: 64 random bits. `mirror` is given every entry as it is recorded; it must not throw or call back. */
  constructor(seed: bigint, limits: RecorderLimits = RECORDER_LIMITS, mirror?: (recorded: Recorded) => void) {
    this.name = new CallName(seed)
    this.mirror = mirror
    const units = Math.max(1, Math.floor(limits.bytesMax / UNIT_COST_BYTES))
    const room = (number: number, part: number): Room =>
      emptyRoom(number, Math.ceil(limits.callsMax * part), Math.ceil(units * part))
    this.unproven = room(0, UNPROVEN_SHARE)
    this.proven = room(1, 1 - UNPROVEN_SHARE)
    // Room is made after an entry has come, not before.
    this.shelf = new MessageShelf(this.unproven.unitsMax + this.proven.unitsMax + ENTRY_UNITS_MAX)
    this.table = new CallTable(this.unproven.callsMax + this.proven.callsMax + 1)
  }

  get size(): number {
    return this.unproven.calls + this.proven.calls
  }

  /** Bytes held, by the same estimate that the limit is kept with. */
  get bytes(): number {
    return (this.unproven.units + this.proven.units) * UNIT_COST_BYTES
  }

  /** A SIP message on the wire. Nobody sees it before everything that is secret in it is covered. */
  message(now: Now, direction: 'in' | 'out', hop: TraceHop, bytes: Uint8Array): void {
    const { name } = this
    if (!name.read(bytes)) return
    const { status } = name
    if (isBye(bytes)) this.dialogs.seen(now.ms, named(name, bytes, 'BYE'), direction)
    else if (direction === 'out' && status >= 200 && status < 300 && (name.isInvite || name.isUpdate)) {
      const answer = named(name, bytes, name.isInvite ? 'INVITE' : 'UPDATE')
      const seconds = sessionExpires(bytes)
      this.dialogs.seen(now.ms, answer, direction, seconds === undefined ? undefined : 1000 * seconds)
    }
    const entry = this.shelf.put(this.wall(now), direction === 'in', hop, bytes)
    // What this node has passed on is worth more than what only knocked.
    this.add(entry, direction === 'out' && status === 0)
  }

  /** What the overlay did for a call. */
  note(now: Now, callId: string, note: CallNote): void {
    if (callId === '' || callId.length > CALL_ID_LENGTH_MAX) return
    this.name.of(callId)
    this.add(this.shelf.putNote(this.wall(now), callId, note), false)
  }

  /** A call that is still remembered. */
  call(callId: string): RecordedCall | undefined {
    this.name.of(callId)
    const call = this.table.find(this.name.low, this.name.high)
    return call < 0 ? undefined : this.recorded(call)
  }

  /** What is remembered, latest first; calls that were passed on before the rest. */
  *calls(): Iterable<RecordedCall> {
    for (const room of [this.proven, this.unproven]) {
      for (const call of this.table.latestFirst(room)) {
        const recorded = this.recorded(call)
        if (recorded !== undefined) yield recorded
      }
    }
  }

  /** Puts an entry behind what is known of the call that `name` says. */
  private add(entry: EntryId, passedOn: boolean): void {
    const { table, shelf, name } = this
    if (this.mirror !== undefined) {
      const recorded = shelf.read(entry)
      if (recorded !== undefined) this.mirror(recorded)
    }
    let call = table.find(name.low, name.high)
    let room = this.unproven
    if (call < 0) {
      call = table.add(name.low, name.high)
      table.first[call] = entry
    } else {
      room = this.roomOf(call)
      table.leave(call, room)
      shelf.link(table.last[call] as EntryId, entry)
    }
    if (passedOn) room = this.proven
    table.last[call] = entry
    const entries = ((table.entries[call] as number) += 1)
    table.units[call] = (table.units[call] as number) + shelf.units(entry)
    if (entries === ENTRIES_MAX / 2) table.middle[call] = entry
    if (entries > ENTRIES_MAX || (table.units[call] as number) > ROOM_PART_MAX * room.unitsMax)
      this.thin(call, room)
    table.enter(call, room)
    while (room.units > room.unitsMax || room.calls > room.callsMax) this.forget(room.oldest, room)
  }

  /** Takes out of the middle what is too much; its beginning and the latest stay. */
  private thin(call: CallIndex, room: Room): void {
    const { table, shelf } = this
    while (
      (table.entries[call] as number) > ENTRIES_MAX ||
      (table.units[call] as number) > ROOM_PART_MAX * room.unitsMax
    ) {
      const middle = table.middle[call] as EntryId
      const before = middle < 0 ? (table.first[call] as EntryId) : middle
      const gone = shelf.next(before)
      if (gone < 0 || gone === table.last[call]) return
      shelf.link(before, shelf.next(gone))
      table.units[call] = (table.units[call] as number) - shelf.units(gone)
      table.entries[call] = (table.entries[call] as number) - 1
      table.skipped[call] = (table.skipped[call] as number) + 1
      shelf.drop(gone)
    }
  }

  private forget(call: CallIndex, room: Room): void {
    const { table, shelf } = this
    for (let entry = table.first[call] as EntryId; entry >= 0;) {
      const next = shelf.next(entry)
      shelf.drop(entry)
      entry = next
    }
    table.remove(call, room)
  }

  private roomOf(call: CallIndex): Room {
    return this.table.room[call] === this.proven.number ? this.proven : this.unproven
  }

  private recorded(call: CallIndex): RecordedCall | undefined {
    const { table, shelf } = this
    const begun = shelf.read(table.first[call] as EntryId)
    if (begun === undefined) return undefined
    const skipped = table.skipped[call] as number
    const entries: EntryId[] = []
    for (let entry = table.first[call] as EntryId; entry >= 0; entry = shelf.next(entry)) entries.push(entry)
    let read: readonly Recorded[] | undefined
    return {
      callId: begun.callId,
      skipped,
      recorded: skipped + entries.length,
      // Whoever keeps it longer than the turn in which it was asked for may read another call's messages.
      get entries() {
        read ??= entries.map((entry) => shelf.read(entry)).filter((each) => each !== undefined)
        return read
      },
    }
  }

  private wall({ ms, wall }: Now): WallTime {
    // The wall clock was set, or this is the first time.
    if (!(Math.abs(this.offset + ms - wall) < CLOCK_STEP_MS)) this.offset = wall - ms
    return this.offset + ms
  }
}

/** The two clocks drift apart by less than this between two looks; more means that somebody has set the wall clock. */
const CLOCK_STEP_MS = 50

/** `BYE `: a request. */
function isBye(bytes: Uint8Array): boolean {
  return bytes[0] === 66 && bytes[1] === 89 && bytes[2] === 69 && bytes[3] === 32
}

function named(
  { from, to, status }: CallName,
  bytes: Uint8Array,
  method: string,
): Pick<Capture, 'callId' | 'method' | 'status'> {
  const { buffer, byteOffset, length } = bytes
  const callId = Buffer.from(buffer, byteOffset, length).toString('latin1', from, to)
  return { callId, method, status }
}
