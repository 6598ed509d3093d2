/**
 * The memory of requests over datagrams, and of other peers, that have been answered (RFC 3261 s.17.2.2, Completed): for 64*T1 a repetition gets the same
 * answer again. At ten thousand REGISTERs a second these are 320,000 transactions of which nothing but key, address and answer
 * is wanted any more, so they are bytes in large pieces, in the order in which they end, and no objects that the garbage collector
 * would carry along.
 */
import { NEVER, type Millis } from '../../common/time.ts'
import type { Hop } from './hop.ts'

/** What is sent again, and where to. */
export interface Answered {
  readonly hop: Hop
  readonly response: Uint8Array
}

const PIECE_BYTES = 262_144
/** Nothing that a datagram may bring is longer. */
const ENTRY_BYTES_MAX = 65_535
const KEY_CHARS_MAX = 2_048
const HOST_CHARS_MAX = 255
/** Pieces kept for the next burst. */
const SPARE_PIECES_MAX = 16
const FIRST_CAPACITY = 1_024
/** Lengths of key, host and response, listener, port and whether it is a peer's, before the bytes of the three. */
const HEAD_BYTES = 10
const FREE = 0

export class AnsweredRequests {
  /** A ring of entries, a power of two of them: entry number `n`, from `first` to `next - 1`, is at `n & mask`. */
  private endsAt = new Float64Array(FIRST_CAPACITY)
  private hashes = new Int32Array(FIRST_CAPACITY)
  private offsets = new Int32Array(FIRST_CAPACITY)
  private places: (Buffer | undefined)[] = new Array<Buffer | undefined>(FIRST_CAPACITY).fill(undefined)
  private mask = FIRST_CAPACITY - 1
  private first = 0
  private next = 0
  /** Places in the ring plus one, by hash; open addressing, at most half full. */
  private table = new Int32Array(2 * FIRST_CAPACITY)
  private piece: Buffer = Buffer.alloc(0)
  private used = 0
  private held = 0
  private spare: Buffer[] = []
  /** The key that was asked for last, which is the next one to be added. */
  private hashedKey = ''
  private hash = 0
  private readonly seed: number

  /** `seed` keeps strangers from choosing keys that collide. */
  constructor(seed: number) {
    this.seed = seed
  }

  get size(): number {
    return this.next - this.first
  }

  /** Keys, addresses and answers together. */
  get bytes(): number {
    return this.held
  }

  /** When the oldest entry ends. */
  nextDeadline(): Millis {
    return this.first === this.next ? NEVER : (this.endsAt[this.first & this.mask] as number)
  }

  /**
   * Remembers an answer until `endsAt`, which must not be earlier than that of any other entry. False when the entry is too large
   * or not made for this: then nothing is remembered.
   */
  add(key: string, hop: Hop, response: Uint8Array, endsAt: Millis): boolean {
    const { host, port, listener } = hop
    const length = HEAD_BYTES + key.length + host.length + response.length
    if (key.length > KEY_CHARS_MAX || host.length > HOST_CHARS_MAX || length > ENTRY_BYTES_MAX) return false
    const ofPeer = hop.transport === 'peer'
    if (listener > 255 || (!ofPeer && (hop.transport !== 'udp' || hop.flow !== 0))) return false
    const hash = this.hashOf(key)
    if (this.used + length > this.piece.length) this.takePiece()
    if (this.size > this.mask) this.grow()
    const { piece } = this
    const at = this.used
    this.used += length
    this.held += length
    piece[at] = key.length >> 8
    piece[at + 1] = key.length
    piece[at + 2] = host.length
    piece[at + 3] = listener
    piece[at + 4] = port >> 8
    piece[at + 5] = port
    piece[at + 6] = response.length >> 8
    piece[at + 7] = response.length
    piece[at + 8] = ofPeer ? 1 : 0
    let to = at + HEAD_BYTES
    for (let i = 0; i < key.length; i++) piece[to++] = key.charCodeAt(i)
    for (let i = 0; i < host.length; i++) piece[to++] = host.charCodeAt(i)
    piece.set(response, to)
    const slot = this.next++ & this.mask
    this.endsAt[slot] = endsAt
    this.hashes[slot] = hash
    this.offsets[slot] = at
    this.places[slot] = piece
    this.enter(slot, hash)
    return true
  }

  /** The answer of the request with this key, or undefined. */
  find(key: string): Answered | undefined {
    if (this.first === this.next) return undefined
    const hash = this.hashOf(key)
    const { table } = this
    const wrap = table.length - 1
    for (let at = hash & wrap; ; at = (at + 1) & wrap) {
      const slot = (table[at] as number) - 1
      if (slot < 0) return undefined
      if (this.hashes[slot] !== hash) continue
      const answered = this.read(slot, key)
      if (answered !== undefined) return answered
    }
  }

  /** Forgets what has ended by `now`; the number of entries that did. */
  expire(now: Millis): number {
    let ended = 0
    while (this.first !== this.next && (this.endsAt[this.first & this.mask] as number) <= now) {
      this.forgetOldest()
      ended++
    }
    return ended
  }

  /** Forgets the entry that ends first; there has to be one. */
  forgetOldest(): void {
    const slot = this.first & this.mask
    this.leave(slot)
    const piece = this.places[slot] as Buffer
    this.held -= lengthAt(piece, this.offsets[slot] as number)
    this.places[slot] = undefined
    this.first++
    const isLast = this.first === this.next || this.places[this.first & this.mask] !== piece
    if (isLast && piece !== this.piece && this.spare.length < SPARE_PIECES_MAX) this.spare.push(piece)
    // Nothing is in the current piece any more.
    if (this.first === this.next) this.used = 0
  }

  private read(slot: number, key: string): Answered | undefined {
    const piece = this.places[slot] as Buffer
    const at = this.offsets[slot] as number
    const byte = (index: number): number => piece[at + index] as number
    if (((byte(0) << 8) | byte(1)) !== key.length) return undefined
    const keyAt = at + HEAD_BYTES
    for (let i = 0; i < key.length; i++) if (piece[keyAt + i] !== key.charCodeAt(i)) return undefined
    const hostAt = keyAt + key.length
    const responseAt = hostAt + byte(2)
    return {
      hop: {
        // The answer goes by whatever flow there is to that peer then.
        transport: byte(8) === 1 ? 'peer' : 'udp',
        flow: 0,
        listener: byte(3),
        host: piece.toString('latin1', hostAt, responseAt),
        port: (byte(4) << 8) | byte(5),
      },
      // A copy: the piece is used again once its entries have ended.
      response: Uint8Array.prototype.slice.call(piece, responseAt, responseAt + ((byte(6) << 8) | byte(7))),
    }
  }

  private hashOf(key: string): number {
    if (key === this.hashedKey) return this.hash
    let hash = this.seed
    for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
    hash ^= hash >>> 15
    hash = Math.imul(hash, 0x2c1b3c6d)
    hash ^= hash >>> 13
    this.hashedKey = key
    this.hash = hash
    return hash
  }

  private enter(slot: number, hash: number): void {
    const { table } = this
    const wrap = table.length - 1
    let at = hash & wrap
    while (table[at] !== FREE) at = (at + 1) & wrap
    table[at] = slot + 1
  }

  /** Takes an entry out and closes the gap, so that every other one is still found from where its hash points. */
  private leave(slot: number): void {
    const { table, hashes } = this
    const wrap = table.length - 1
    let gap = (hashes[slot] as number) & wrap
    while (table[gap] !== slot + 1) gap = (gap + 1) & wrap
    for (let at = (gap + 1) & wrap; ; at = (at + 1) & wrap) {
      const other = table[at] as number
      if (other === FREE) break
      const home = (hashes[other - 1] as number) & wrap
      if (((at - home) & wrap) < ((at - gap) & wrap)) continue
      table[gap] = other
      gap = at
    }
    table[gap] = FREE
  }

  private takePiece(): void {
    this.piece = this.spare.pop() ?? Buffer.allocUnsafeSlow(PIECE_BYTES)
    this.used = 0
  }

  private grow(): void {
    const capacity = 2 * (this.mask + 1)
    const { endsAt, hashes, offsets, places, mask } = this
    this.endsAt = new Float64Array(capacity)
    this.hashes = new Int32Array(capacity)
    this.offsets = new Int32Array(capacity)
    this.places = new Array<Buffer | undefined>(capacity).fill(undefined)
    this.mask = capacity - 1
    this.table = new Int32Array(2 * capacity)
    // Numbers above 2^31 lose their upper bits in `&`, which are not wanted there.
    for (let number = this.first; number < this.next; number++) {
      const from = number & mask
      const to = number & this.mask
      this.endsAt[to] = endsAt[from] as number
      this.hashes[to] = hashes[from] as number
      this.offsets[to] = offsets[from] as number
      this.places[to] = places[from]
      this.enter(to, hashes[from] as number)
    }
  }
}

/** Of the entry that begins there. */
function lengthAt(piece: Buffer, at: number): number {
  const pair = (index: number): number =>
    ((piece[at + index] as number) << 8) | (piece[at + index + 1] as number)
  return HEAD_BYTES + pair(0) + (piece[at + 2] as number) + pair(6)
}
