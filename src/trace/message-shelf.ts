/**
 * Messages and notes as bytes and numbers in arrays of a fixed size, cut into units that are used again: a node that carries thousands
 * of messages a second keeps the last of them without an object each, which the garbage collector would carry along. What is
 * secret in a message is covered when it is read.
 */
import { detached } from '../common/detached.ts'
import type { CallNote } from '../adapter/index.ts'
import type { WallTime } from '../common/time.ts'
import { capture, CAPTURED_BYTES_MAX } from './capture.ts'
import type { Recorded, TraceHop } from './recorded.ts'

/** Most messages of phones take one, an INVITE two or three. */
const UNIT_BYTES = 512
/** What a unit takes with its numbers. */
export const UNIT_COST_BYTES = UNIT_BYTES + 64
/** Units in a piece of memory that is taken at once: a mebibyte. */
const PIECE_UNITS = 2048
/** Units of the largest entry. */
export const ENTRY_UNITS_MAX = unitsOf(CAPTURED_BYTES_MAX)
const NONE = -1
const HOSTS = 256

/** Number of an entry: that of its first unit. */
export type EntryId = number

export class MessageShelf {
  private readonly pieces: Uint8Array[] = []
  /** The next unit of an entry, or of those that are free. */
  private readonly nextUnit: Int32Array
  /** The entry that came after this one in its call. */
  private readonly following: Int32Array
  private readonly at: Float64Array
  /** Of the message as it was; what is kept may be less. */
  private readonly lengths: Int32Array
  private readonly incoming: Uint8Array
  private readonly ports: Uint16Array
  private readonly listeners: Int32Array
  private readonly flows: Float64Array
  private readonly transports: string[] = []
  private readonly hosts: string[] = []
  private readonly notes = new Map<EntryId, { readonly callId: string; readonly note: CallNote }>()
  /** The same address is mostly the same string: one for all entries. By port. */
  private readonly knownHosts = new Array<string>(HOSTS).fill('')
  private fresh = 0
  private free = NONE

  /** Whoever fills it must drop enough: there is no room for more than `units`. */
  constructor(units: number) {
    this.nextUnit = new Int32Array(units)
    this.following = new Int32Array(units)
    this.at = new Float64Array(units)
    this.lengths = new Int32Array(units)
    this.incoming = new Uint8Array(units)
    this.ports = new Uint16Array(units)
    this.listeners = new Int32Array(units)
    this.flows = new Float64Array(units)
  }

  put(at: WallTime, isIncoming: boolean, hop: TraceHop, bytes: Uint8Array): EntryId {
    const { length } = bytes
    const entry = this.take()
    this.at[entry] = at
    this.lengths[entry] = length
    this.incoming[entry] = isIncoming ? 1 : 0
    this.ports[entry] = hop.port
    this.listeners[entry] = hop.listener
    this.flows[entry] = hop.flow
    this.transports[entry] = hop.transport
    this.hosts[entry] = this.knownHost(hop.host, hop.port)
    if (length <= UNIT_BYTES) this.fill(entry, bytes)
    else this.fillChain(entry, bytes)
    return entry
  }

  putNote(at: WallTime, callId: string, note: CallNote): EntryId {
    const entry = this.take()
    this.at[entry] = at
    this.lengths[entry] = 0
    // In memory of its own: what is cut out of a message keeps the whole message.
    this.notes.set(entry, { callId: detached(callId), note })
    return entry
  }

  /** Units that it takes. */
  units(entry: EntryId): number {
    return unitsOf(this.lengths[entry] as number)
  }

  /** The entry after this one; below 0 when there is none. */
  next(entry: EntryId): EntryId {
    return this.following[entry] as EntryId
  }

  link(entry: EntryId, next: EntryId): void {
    this.following[entry] = next
  }

  drop(entry: EntryId): void {
    if (this.lengths[entry] === 0) this.notes.delete(entry)
    let last = entry
    for (let unit = this.nextUnit[entry] as number; unit >= 0; unit = this.nextUnit[unit] as number)
      last = unit
    this.nextUnit[last] = this.free
    this.free = entry
  }

  /** With its secrets covered; undefined for what reads as no SIP message after all. */
  read(entry: EntryId): Recorded | undefined {
    const at = this.at[entry] as number
    const noted = this.notes.get(entry)
    if (noted !== undefined) return { kind: 'note', at, callId: noted.callId, note: noted.note }
    const captured = capture(this.bytes(entry), this.lengths[entry] as number)
    if (captured === undefined) return undefined
    return {
      kind: 'message',
      at,
      direction: this.incoming[entry] === 1 ? 'in' : 'out',
      hop: {
        transport: this.transports[entry] ?? '',
        host: this.hosts[entry] ?? '',
        port: this.ports[entry] as number,
        listener: this.listeners[entry] as number,
        flow: this.flows[entry] as number,
      },
      ...captured,
    }
  }

  private bytes(entry: EntryId): Uint8Array {
    const bytes = new Uint8Array(Math.min(this.lengths[entry] as number, CAPTURED_BYTES_MAX))
    let to = 0
    for (let unit = entry; unit >= 0; unit = this.nextUnit[unit] as number) {
      const from = (unit % PIECE_UNITS) * UNIT_BYTES
      const length = Math.min(UNIT_BYTES, bytes.length - to)
      bytes.set((this.pieces[Math.floor(unit / PIECE_UNITS)] as Uint8Array).subarray(from, from + length), to)
      to += length
    }
    return bytes
  }

  private fillChain(entry: EntryId, bytes: Uint8Array): void {
    const end = Math.min(bytes.length, CAPTURED_BYTES_MAX)
    this.fill(entry, bytes.subarray(0, UNIT_BYTES))
    let unit = entry
    for (let from = UNIT_BYTES; from < end; from += UNIT_BYTES) {
      const next = this.take()
      this.nextUnit[unit] = next
      unit = next
      this.fill(unit, bytes.subarray(from, Math.min(from + UNIT_BYTES, end)))
    }
  }

  private fill(unit: number, bytes: Uint8Array): void {
    const piece = this.pieces[Math.floor(unit / PIECE_UNITS)] as Uint8Array
    piece.set(bytes, (unit % PIECE_UNITS) * UNIT_BYTES)
  }

  private take(): number {
    let unit = this.free
    if (unit >= 0) {
      this.free = this.nextUnit[unit] as number
    } else {
      unit = this.fresh++
      if (unit % PIECE_UNITS === 0) this.pieces.push(Buffer.allocUnsafeSlow(PIECE_UNITS * UNIT_BYTES))
      // Arrays without holes.
      this.transports.push('')
      this.hosts.push('')
    }
    this.nextUnit[unit] = NONE
    this.following[unit] = NONE
    return unit
  }

  private knownHost(host: string, port: number): string {
    const place = port % HOSTS
    const known = this.knownHosts[place] as string
    if (known === host) return known
    this.knownHosts[place] = host
    return host
  }
}

/** Units of a message of that length. */
export function unitsOf(length: number): number {
  return length <= UNIT_BYTES ? 1 : Math.ceil(Math.min(length, CAPTURED_BYTES_MAX) / UNIT_BYTES)
}
