/**
 * DNS queries and answers as bytes (RFC 1035 s.4), for the four types that locating SIP servers needs. An answer is believed only for the
 * question that was put, names are followed through CNAMEs of the same answer, and nothing of it can make the reader run on.
 */
import { DecodeError, Reader, Writer } from '../../common/bytes.ts'
import { fail, ok, type Result } from '../../common/errors.ts'
import type { RecordAnswer, RecordData, RecordType } from './records.ts'

const TYPE_NUMBERS: Readonly<Record<RecordType, number>> = { A: 1, AAAA: 28, SRV: 33, NAPTR: 35 }
const CNAME = 5
const SOA = 6
const OPT = 41
const CLASS_IN = 1
const NAME_BYTES_MAX = 255
const LABEL_BYTES_MAX = 63
const HEADER_BYTES = 12
/** Jumps in one name. A real one needs one or two. */
const POINTERS_MAX = 16
/** CNAMEs that are followed (RFC 1034 s.3.6.2 wants no chains at all). */
const ALIASES_MAX = 8
/** Records of one answer that are looked at. */
const RECORDS_MAX = 256
/** RFC 6891 s.6.2.5: what passes nearly every network in one piece. */
export const UDP_ANSWER_BYTES_MAX = 1232
/** RFC 2308 s.5: what is not there is not remembered for longer than this, whatever the zone says. */
const NEGATIVE_TTL_S_MAX = 300
/** Without an SOA record (RFC 2308 s.2.1.1) nothing says for how long. Judgement. */
const NEGATIVE_TTL_S_DEFAULT = 5

const NO_ERROR = 0
const NAME_ERROR = 3

/** A question with recursion wanted and EDNS0; undefined for what is no DNS name. */
export function encodeQuery(id: number, name: string, type: RecordType): Uint8Array | undefined {
  const labels = labelsOf(name)
  if (labels === undefined) return undefined
  const writer = new Writer()
  writer.u16(id)
  writer.u16(0x0100) // RD
  writer.u16(1)
  writer.u16(0)
  writer.u16(0)
  writer.u16(1)
  for (const label of labels) {
    writer.u8(label.length)
    for (let i = 0; i < label.length; i++) writer.u8(label.charCodeAt(i))
  }
  writer.u8(0)
  writer.u16(TYPE_NUMBERS[type])
  writer.u16(CLASS_IN)
  writer.u8(0)
  writer.u16(OPT)
  writer.u16(UDP_ANSWER_BYTES_MAX)
  writer.u32(0)
  writer.u16(0)
  return writer.done()
}

/** Lower-case labels of a name with or without its last dot; undefined for what cannot be asked. */
function labelsOf(name: string): readonly string[] | undefined {
  const text = (name.endsWith('.') ? name.slice(0, -1) : name).toLowerCase()
  if (text.length === 0 || text.length > NAME_BYTES_MAX - 2) return undefined
  const labels = text.split('.')
  for (const label of labels) {
    if (label.length === 0 || label.length > LABEL_BYTES_MAX) return undefined
    for (let i = 0; i < label.length; i++) {
      const code = label.charCodeAt(i)
      if (code < 0x21 || code > 0x7e) return undefined
    }
  }
  return labels
}

export type DecodedAnswer<T extends RecordType> =
  | { readonly kind: 'answer'; readonly answer: RecordAnswer<T> }
  /** Ask again by TCP. */
  | { readonly kind: 'truncated' }
  /** Not the answer to this question, or none at all: somebody guesses, or an old one comes late. */
  | { readonly kind: 'foreign' }

/** Reads what came back for `encodeQuery(id, name, type)`; fails for what is malformed. */
export function decodeAnswer<T extends RecordType>(
  bytes: Uint8Array,
  id: number,
  name: string,
  type: T,
): Result<DecodedAnswer<T>, string> {
  try {
    return ok(decode(bytes, id, name, type))
  } catch (error) {
    if (error instanceof DecodeError) return fail(error.message)
    throw error
  }
}

function decode<T extends RecordType>(
  bytes: Uint8Array,
  id: number,
  name: string,
  type: T,
): DecodedAnswer<T> {
  const reader = new Reader(bytes)
  const answered = reader.u16()
  const flags = reader.u16()
  const [questions, answers, authorities] = [reader.u16(), reader.u16(), reader.u16()]
  reader.u16()
  if (answered !== id || flags >>> 15 !== 1 || questions !== 1) return FOREIGN
  const asked = plain(name)
  if (readName(reader, bytes) !== asked || reader.u16() !== TYPE_NUMBERS[type]) return FOREIGN
  if (reader.u16() !== CLASS_IN) return FOREIGN
  if ((flags & 0x0200) !== 0) return { kind: 'truncated' }
  const code = flags & 0x0f
  if (code !== NO_ERROR && code !== NAME_ERROR) {
    return { kind: 'answer', answer: { kind: 'failed', reason: RCODES.get(code) ?? `code ${code}` } }
  }
  const rows = readRecords(reader, bytes, answers)
  const names = aliases(rows, asked, bytes)
  const found = rows.filter((row) => row.type === TYPE_NUMBERS[type] && names.has(row.owner))
  if (code === NO_ERROR && found.length > 0) {
    const records = found.map(({ data }) => readData(type, data, bytes))
    // An answer is good for as long as the shortest part of the way to it.
    const chain = rows.filter((row) => row.type === CNAME && names.has(row.owner))
    const ttlS = Math.min(...[...found, ...chain].map((row) => row.ttlS))
    return { kind: 'answer', answer: { kind: 'records', records, ttlS } }
  }
  const ttlS = negativeTtlS(readRecords(reader, bytes, authorities), bytes)
  return { kind: 'answer', answer: { kind: 'none', ttlS } }
}

const FOREIGN = { kind: 'foreign' } as const

/** RFC 1035 s.4.1.1 and RFC 2136: why there is no answer. */
const RCODES: ReadonlyMap<number, string> = new Map([
  [1, 'FORMERR'],
  [2, 'SERVFAIL'],
  [4, 'NOTIMP'],
  [5, 'REFUSED'],
])

interface Row {
  readonly owner: string
  readonly type: number
  readonly ttlS: number
  readonly data: Reader
}

function readRecords(reader: Reader, bytes: Uint8Array, count: number): Row[] {
  const rows: Row[] = []
  for (let i = 0; i < Math.min(count, RECORDS_MAX); i++) {
    const owner = readName(reader, bytes)
    const [type, recordClass] = [reader.u16(), reader.u16()]
    const ttl = reader.u32()
    const data = reader.sub(reader.u16())
    // RFC 2181 s.8: a TTL with the top bit set counts as none.
    if (recordClass === CLASS_IN) rows.push({ owner, type, ttlS: ttl > 0x7fff_ffff ? 0 : ttl, data })
  }
  return rows
}

/** The name that was asked for and all that it stands for. */
function aliases(rows: readonly Row[], asked: string, bytes: Uint8Array): ReadonlySet<string> {
  const names = new Set([asked])
  let current = asked
  for (let steps = 0; steps < ALIASES_MAX; steps++) {
    const row = rows.find(({ owner, type }) => type === CNAME && owner === current)
    if (row === undefined) break
    current = readName(row.data, bytes)
    if (names.has(current)) break
    names.add(current)
  }
  return names
}

function readData<T extends RecordType>(type: T, data: Reader, bytes: Uint8Array): RecordData[T] {
  return READERS[type](data, bytes)
}

const READERS: { readonly [T in RecordType]: (data: Reader, bytes: Uint8Array) => RecordData[T] } = {
  A: (data) => {
    const address = data.bytes(4).join('.')
    data.end()
    return address
  },
  AAAA: (data) => {
    const groups: number[] = []
    for (let i = 0; i < 8; i++) groups.push(data.u16())
    data.end()
    return ipv6Text(groups)
  },
  SRV: (data, bytes) => {
    const [priority, weight, port] = [data.u16(), data.u16(), data.u16()]
    return { priority, weight, port, name: readName(data, bytes) }
  },
  NAPTR: (data, bytes) => {
    const [order, preference] = [data.u16(), data.u16()]
    const [flags, service, regexp] = [readString(data), readString(data), readString(data)]
    return { order, preference, flags, service, regexp, replacement: readName(data, bytes) }
  },
}

/** RFC 5952 s.4: the longest run of two or more zero groups, the first of several, becomes `::`. */
function ipv6Text(groups: readonly number[]): string {
  let [start, length] = [0, 1]
  for (let at = 0; at < groups.length; at++) {
    let end = at
    while (groups[end] === 0) end++
    if (end - at > length) [start, length] = [at, end - at]
  }
  const text = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':')
  return length < 2 ? text(groups) : `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`
}

function readString(data: Reader): string {
  return Buffer.from(data.bytes(data.u8())).toString('latin1')
}

/** RFC 2308 s.5: the lesser of the SOA record's own TTL and its last field. */
function negativeTtlS(authorities: readonly Row[], bytes: Uint8Array): number {
  const soa = authorities.find(({ type }) => type === SOA)
  if (soa === undefined) return NEGATIVE_TTL_S_DEFAULT
  const { data } = soa
  readName(data, bytes)
  readName(data, bytes)
  data.bytes(16)
  return Math.min(soa.ttlS, data.u32(), NEGATIVE_TTL_S_MAX)
}

/** A name, lower-case, without its last dot (RFC 1035 s.4.1.4). Pointers go backwards only, so there is no circle. */
function readName(reader: Reader, bytes: Uint8Array): string {
  const labels: string[] = []
  let length = 0
  let from = reader
  let least = reader.offset
  for (let jumps = 0; ;) {
    const size = from.u8()
    if (size === 0) break
    if (size >= 0xc0) {
      const target = ((size & 0x3f) << 8) | from.u8()
      if (target >= least || target < HEADER_BYTES || ++jumps > POINTERS_MAX)
        throw from.error('a name that points nowhere')
      least = target
      from = new Reader(bytes, target)
      continue
    }
    if (size > LABEL_BYTES_MAX) throw from.error('a label of an unknown kind')
    length += size + 1
    if (length >= NAME_BYTES_MAX) throw from.error('a name that is too long')
    labels.push(Buffer.from(from.bytes(size)).toString('latin1').toLowerCase())
  }
  return labels.join('.')
}

function plain(name: string): string {
  const lower = name.toLowerCase()
  return lower.endsWith('.') ? lower.slice(0, -1) : lower
}
