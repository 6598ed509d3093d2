/**
 * Keeps what happened to the last calls, by Call-ID, in a fixed amount of memory. Does no I/O and decides nothing: it is told
 * of every message that enters or leaves and of what the overlay did for a call, and forgets the calls that were quiet for
 * longest. Calls that were passed on have their own room, so that registrations and floods of strangers cannot push them out.
 */
import type { CallNote } from '../adapter/index.ts'
import type { Now, WallTime } from '../common/time.ts'
import { capture, CALL_ID_LENGTH_MAX, type Capture } from './capture.ts'
import { Dialogs } from './dialogs.ts'

/** Where a message came from or went to: a phone's address, or for `peer` the far node's name in hex. */
export interface TraceHop {
  readonly transport: string
  readonly host: string
  readonly port: number
  /** Listener of datagrams, flow of streams: which socket of this node it was. */
  readonly listener: number
  readonly flow: number
}

export interface RecordedMessage extends Capture {
  readonly kind: 'message'
  readonly at: WallTime
  readonly direction: 'in' | 'out'
  readonly hop: TraceHop
}

export interface RecordedNote {
  readonly kind: 'note'
  readonly at: WallTime
  readonly callId: string
  readonly note: CallNote
}

export type Recorded = RecordedMessage | RecordedNote

export interface RecordedCall {
  readonly callId: string
  readonly entries: readonly Recorded[]
  /** Entries that were left out in the middle of a long call. */
  readonly skipped: number
}

export interface RecorderLimits {
  /** Bytes of memory for all calls, roughly. */
  readonly bytesMax: number
  readonly callsMax: number
}

/** Judgement: some 4,000 calls of fifteen messages each need this. */
export const RECORDER_LIMITS: RecorderLimits = { bytesMax: 33_554_432, callsMax: 10_000 }

/** Judgement: of one call; the first half stays, in the second the oldest goes. */
const ENTRIES_MAX = 200
/** What an entry costs beside its bytes; measured with two million of them. */
const ENTRY_BYTES = 320
/** Share of registrations and of requests that were never passed on. */
const UNPROVEN_SHARE = 0.25

interface Call {
  readonly callId: string
  readonly entries: Recorded[]
  skipped: number
  bytes: number
  room: Room
}

interface Room {
  readonly calls: Map<string, Call>
  readonly limits: RecorderLimits
  bytes: number
}

export class CallRecorder {
  readonly dialogs = new Dialogs()
  private readonly unproven: Room
  private readonly proven: Room
  private readonly mirror: ((recorded: Recorded) => void) | undefined
  /** Wall clock minus monotonic clock, so that times within a call are finer than milliseconds. */
  private offset = Number.NaN

  /** `mirror` is given every entry as it is recorded; it must not throw or call back. */
  constructor(limits: RecorderLimits = RECORDER_LIMITS, mirror?: (recorded: Recorded) => void) {
    this.mirror = mirror
    const share = (part: number): Room => ({
      calls: new Map(),
      limits: { bytesMax: limits.bytesMax * part, callsMax: Math.ceil(limits.callsMax * part) },
      bytes: 0,
    })
    this.unproven = share(UNPROVEN_SHARE)
    this.proven = share(1 - UNPROVEN_SHARE)
  }

  get size(): number {
    return this.unproven.calls.size + this.proven.calls.size
  }

  /** Bytes held, by the same estimate that the limit is kept with. */
  get bytes(): number {
    return this.unproven.bytes + this.proven.bytes
  }

  /** A SIP message on the wire. Everything that is secret in it is covered before it is kept. */
  message(now: Now, direction: 'in' | 'out', hop: TraceHop, bytes: Uint8Array): void {
    const captured = capture(bytes)
    if (captured === undefined) return
    const { callId, method, status, omitted } = captured
    if (method === 'BYE' || (method === 'INVITE' && status >= 200))
      this.dialogs.seen(now.ms, captured, direction)
    const { transport, host, port, listener, flow } = hop
    const entry: RecordedMessage = {
      kind: 'message',
      at: this.wall(now),
      direction,
      hop: { transport, host, port, listener, flow },
      callId,
      method,
      status,
      bytes: captured.bytes,
      omitted,
    }
    // What this node has passed on is worth more than what only knocked.
    const passedOn = direction === 'out' && status === 0
    this.add(callId, entry, ENTRY_BYTES + captured.bytes.length, passedOn)
  }

  /** What the overlay did for a call. */
  note(now: Now, callId: string, note: CallNote): void {
    if (callId === '' || callId.length > CALL_ID_LENGTH_MAX) return
    this.add(callId, { kind: 'note', at: this.wall(now), callId, note }, ENTRY_BYTES, false)
  }

  /** A call that is still remembered. */
  call(callId: string): RecordedCall | undefined {
    return this.proven.calls.get(callId) ?? this.unproven.calls.get(callId)
  }

  /** What is remembered, latest first; calls that were passed on before the rest. */
  *calls(): Iterable<RecordedCall> {
    yield* [...this.proven.calls.values()].reverse()
    yield* [...this.unproven.calls.values()].reverse()
  }

  private add(callId: string, entry: Recorded, bytes: number, passedOn: boolean): void {
    this.mirror?.(entry)
    let call = this.proven.calls.get(callId) ?? this.unproven.calls.get(callId)
    if (call === undefined) {
      call = { callId, entries: [], skipped: 0, bytes: 0, room: this.unproven }
    } else {
      call.room.calls.delete(callId)
      call.room.bytes -= call.bytes
    }
    if (passedOn) call.room = this.proven
    call.entries.push(entry)
    call.bytes += bytes
    if (call.entries.length > ENTRIES_MAX) this.thin(call)
    const { room } = call
    room.calls.set(callId, call)
    room.bytes += call.bytes
    if (room.bytes > room.limits.bytesMax || room.calls.size > room.limits.callsMax) this.forget(room)
  }

  private thin(call: Call): void {
    const [gone] = call.entries.splice(ENTRIES_MAX / 2, 1)
    call.skipped++
    if (gone !== undefined) call.bytes -= ENTRY_BYTES + (gone.kind === 'message' ? gone.bytes.length : 0)
  }

  private forget(room: Room): void {
    for (const call of room.calls.values()) {
      if (room.bytes <= room.limits.bytesMax && room.calls.size <= room.limits.callsMax) return
      // The latest stays whatever it takes: it is bounded by its own limits.
      if (room.calls.size === 1) return
      room.calls.delete(call.callId)
      room.bytes -= call.bytes
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
