/**
 * The hot path of a message that is only passed on (RFC 6940 s.6.1): one small object over the received bytes, fields
 * read where they stand. forwarding-rewrite.ts makes the message that is sent on.
 */
import { Reader } from '../../common/bytes.ts'
import { DESTINATION_TYPE, FIXED_HEADER_BYTES, FORWARDING_OPTION, FRAGMENT } from './code-points.ts'
import { NODE_ID_BYTES_DEFAULT, RELO_TOKEN, RELOAD_VERSION } from './code-points.ts'
import { readDestination } from './destination.ts'
import { HEADER_AT, destinationEnd, u16At, u32At } from './header-fields.ts'
import type { TransactionId } from './ids.ts'
import type { Destination } from './types.ts'

/**
 * Bytes of a via or destination list that is passed on. Half of what the length field could say, so that appending a
 * hop or putting back a saved list always fits; 255 hops of 20-byte Node-IDs need 5,610.
 */
export const HEADER_LIST_BYTES_MAX = 32_000

/**
 * A received header, checked for shape but not copied. Valid as long as nobody changes the bytes.
 */
export class HeaderView {
  readonly overlay: number
  readonly configurationSequence: number
  readonly ttl: number
  /** The raw fragment field. */
  readonly fragment: number
  /** Bytes of the message or fragment; equal to what was received. */
  readonly length: number
  readonly viaCount: number
  readonly destinationCount: number
  /** Where the via list, the destination list, the options and what follows the header begin. */
  readonly viaAt: number = FIXED_HEADER_BYTES
  readonly destinationAt: number
  readonly optionsAt: number
  readonly payloadAt: number
  private readonly bytes: Uint8Array
  private readonly nodeIdLength: number
  private transaction: TransactionId | undefined = undefined

  private constructor(bytes: Uint8Array, nodeIdLength: number, viaCount: number, destinationCount: number) {
    this.bytes = bytes
    this.nodeIdLength = nodeIdLength
    this.viaCount = viaCount
    this.destinationCount = destinationCount
    this.overlay = u32At(bytes, HEADER_AT.overlay)
    this.configurationSequence = u16At(bytes, HEADER_AT.configurationSequence)
    this.ttl = bytes[HEADER_AT.ttl] as number
    this.fragment = u32At(bytes, HEADER_AT.fragment)
    this.length = bytes.length
    this.destinationAt = FIXED_HEADER_BYTES + u16At(bytes, HEADER_AT.viaLength)
    this.optionsAt = this.destinationAt + u16At(bytes, HEADER_AT.destinationLength)
    this.payloadAt = this.optionsAt + u16At(bytes, HEADER_AT.optionsLength)
  }

  /**
   * Undefined when the bytes are no RELOAD message or fragment of exactly their length, or a list is malformed: the
   * same rules as `decodeForwardingHeader`, with HEADER_LIST_BYTES_MAX and the high fragment bit on top.
   */
  static read(bytes: Uint8Array, nodeIdLength: number = NODE_ID_BYTES_DEFAULT): HeaderView | undefined {
    if (bytes.length < FIXED_HEADER_BYTES) return undefined
    if (u32At(bytes, HEADER_AT.token) !== RELO_TOKEN) return undefined
    if (bytes[HEADER_AT.version] !== RELOAD_VERSION) return undefined
    if (u32At(bytes, HEADER_AT.length) !== bytes.length) return undefined
    // RFC 6940 s.6.7: without the high bit of the fragment field the message is discarded.
    if (u32At(bytes, HEADER_AT.fragment) < FRAGMENT.always) return undefined
    const viaEnd = FIXED_HEADER_BYTES + u16At(bytes, HEADER_AT.viaLength)
    const destinationsEnd = viaEnd + u16At(bytes, HEADER_AT.destinationLength)
    const optionsEnd = destinationsEnd + u16At(bytes, HEADER_AT.optionsLength)
    if (optionsEnd > bytes.length) return undefined
    const viaCount = countDestinations(bytes, FIXED_HEADER_BYTES, viaEnd, nodeIdLength, true)
    const destinationCount = countDestinations(bytes, viaEnd, destinationsEnd, nodeIdLength, false)
    if (viaCount < 0 || destinationCount < 0) return undefined
    if (!optionsFit(bytes, destinationsEnd, optionsEnd)) return undefined
    return new HeaderView(bytes, nodeIdLength, viaCount, destinationCount)
  }

  get transactionId(): TransactionId {
    this.transaction ??=
      (BigInt(u32At(this.bytes, HEADER_AT.transactionId)) << 32n) |
      BigInt(u32At(this.bytes, HEADER_AT.transactionId + 4))
    return this.transaction
  }

  get maxResponseLength(): number {
    return u32At(this.bytes, HEADER_AT.maxResponseLength)
  }

  /** True unless this is one fragment of several. */
  get whole(): boolean {
    return (this.fragment & FRAGMENT.last) !== 0 && (this.fragment & FRAGMENT.offsetMask) === 0
  }

  /** Where the message goes next; undefined when the destination list is empty. */
  firstDestination(): Destination | undefined {
    return this.destinationCount === 0 ? undefined : this.destinationFrom(this.destinationAt)
  }

  /** All entries, for the rare messages whose list has to be looked through. */
  destinations(): Destination[] {
    return this.listFrom(this.destinationAt, this.optionsAt)
  }

  viaList(): Destination[] {
    return this.listFrom(this.viaAt, this.destinationAt)
  }

  /** True when an option has one of `flags` set, such as FORWARD_CRITICAL (RFC 6940 s.6.3.2.3). */
  hasOptionWith(flags: number): boolean {
    let at = this.optionsAt
    while (at < this.payloadAt) {
      if (((this.bytes[at + 1] as number) & flags) !== 0) return true
      at += 4 + u16At(this.bytes, at + 2)
    }
    return false
  }

  /** The message code, when the contents begin in this fragment (RFC 6940 s.6.3.3). */
  get messageCode(): number | undefined {
    const begins = (this.fragment & FRAGMENT.offsetMask) === 0 && this.bytes.length >= this.payloadAt + 2
    return begins ? u16At(this.bytes, this.payloadAt) : undefined
  }

  private destinationFrom(at: number): Destination {
    return readDestination(new Reader(this.bytes, at, this.optionsAt), this.nodeIdLength)
  }

  private listFrom(start: number, end: number): Destination[] {
    const reader = new Reader(this.bytes, start, end)
    const destinations: Destination[] = []
    while (reader.remaining > 0) destinations.push(readDestination(reader, this.nodeIdLength))
    return destinations
  }
}

/** Number of well-formed Destinations between two offsets, or -1; the rules are those of `readDestinationList`. */
function countDestinations(
  bytes: Uint8Array,
  start: number,
  end: number,
  nodeIdLength: number,
  via: boolean,
): number {
  if (end - start > HEADER_LIST_BYTES_MAX) return -1
  let count = 0
  let at = start
  while (at < end) {
    if (at + 2 > end) return -1
    const next = destinationEnd(bytes, at)
    if (next > end || !destinationFits(bytes, at, next, nodeIdLength, via)) return -1
    // RFC 6940 s.6.3.2.2: a resource is the last destination or nowhere.
    if (bytes[at] === DESTINATION_TYPE.resource && (via || next < end)) return -1
    count++
    at = next
  }
  return count
}

function destinationFits(
  bytes: Uint8Array,
  at: number,
  end: number,
  nodeIdLength: number,
  via: boolean,
): boolean {
  const type = bytes[at] as number
  if (type >= 0x80) return true
  if (type === DESTINATION_TYPE.node) {
    return (
      end - at - 2 === nodeIdLength &&
      !allBytes(bytes, at + 2, end, 0) &&
      !(via && allBytes(bytes, at + 2, end, 0xff))
    )
  }
  // The inner length byte of a Resource-ID or opaque id has to agree with the outer one.
  if (type === DESTINATION_TYPE.resource || type === DESTINATION_TYPE.opaque) {
    return end - at > 2 && bytes[at + 2] === end - at - 3
  }
  return type !== 0
}

function optionsFit(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start
  while (at < end) {
    if (at + 4 > end || bytes[at] === FORWARDING_OPTION.invalid) return false
    at += 4 + u16At(bytes, at + 2)
  }
  return at === end
}

function allBytes(bytes: Uint8Array, start: number, end: number, value: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] !== value) return false
  return true
}
