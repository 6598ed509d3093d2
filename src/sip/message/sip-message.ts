/**
 * A received message: the bytes, and the headers that SIP itself reads as what they mean. The ones that every role reads
 * (top Via, From, To, CSeq) are kept once parsed. Reading never throws: what is missing or malformed reads as empty, and
 * `parseMessage` or `validateRequest` has said so before.
 */
import { decimal, unfold } from './chars.ts'
import { FOLDED, LINE_STRIDE, type Head } from './head.ts'
import { CALL_ID, CONTACT, CONTENT_LENGTH, CSEQ, FROM, MAX_FORWARDS, ROUTE, TO, VIA } from './header-ids.ts'
import { HeaderLines } from './header-lines.ts'
import { countValues, splitValues, valueEndAt } from './lists.ts'
import { NO_NAME_ADDR, parseNameAddr, parseNameAddrIn, type NameAddr } from './name-addr.ts'
import { NO_CSEQ, parseCSeq, parseCSeqIn, type CSeq } from './cseq.ts'
import { methodAt } from './methods.ts'
import { NO_PARAMS } from './params.ts'
import { parseUri, type SipUri } from './uri.ts'
import { NO_VIA, parseVia, parseFirstVia, type Via } from './via.ts'
import { fail, ok, type Result } from '../../common/errors.ts'
import type { StartLine } from './start-line.ts'

/** RFC 3261 s.16.6: what a request without Max-Forwards gets; larger values than 255 count as this. */
export const MAX_FORWARDS_DEFAULT = 70

const UNREADABLE = { display: '', uri: '', parsedUri: undefined, params: NO_PARAMS, quoted: undefined }

export class SipMessage extends HeaderLines {
  readonly isRequest: boolean
  /** Request method in its own case; '' for a response. */
  readonly method: string
  /** 100..699; 0 for a request. */
  readonly status: number
  readonly startLine: StartLine
  private readonly bytes: Uint8Array
  private readonly bodyStart: number
  private readonly bodyEnd: number
  private readonly start: number
  private cachedUriText: string | undefined = undefined
  private cachedUri: SipUri | null | undefined = undefined
  private cachedVia: Via | null | undefined = undefined
  private cachedNextVia: Via | null | undefined = undefined
  private cachedFrom: NameAddr | null | undefined = undefined
  private cachedTo: NameAddr | null | undefined = undefined
  private cachedCseq: CSeq | undefined = undefined
  private cachedCallId: string | undefined = undefined
  private cachedContacts: Result<'*' | readonly NameAddr[], string> | undefined = undefined
  private cachedBody: Uint8Array | undefined = undefined

  /** `start`, `bodyStart` and `bodyEnd` are offsets in `bytes`. Made by `parseMessage` and the stream framer. */
  constructor(
    head: Head,
    startLine: StartLine,
    bytes: Uint8Array,
    start: number,
    bodyStart: number,
    bodyEnd: number,
  ) {
    super(head)
    this.startLine = startLine
    this.bytes = bytes
    this.start = start
    this.bodyStart = bodyStart
    this.bodyEnd = bodyEnd
    this.isRequest = startLine.kind !== 'response'
    this.method = startLine.kind === 'response' ? '' : methodAt(head.text, head.start, startLine.methodEnd)
    this.status = startLine.status
  }

  /** The Request-URI as it stands; '' for a response. */
  get requestUri(): string {
    this.cachedUriText ??= this.isRequest
      ? this.head.text.slice(this.startLine.uriStart, this.startLine.uriEnd)
      : ''
    return this.cachedUriText
  }

  /** The Request-URI parsed; undefined when it is malformed or this is a response. */
  get uri(): SipUri | undefined {
    if (this.cachedUri === undefined)
      this.cachedUri = this.isRequest ? (parseUri(this.requestUri) ?? null) : null
    return this.cachedUri ?? undefined
  }

  get reasonPhrase(): string {
    return this.isRequest ? '' : this.head.text.slice(this.startLine.uriStart, this.startLine.uriEnd)
  }

  /** A view on the received bytes. */
  get body(): Uint8Array {
    this.cachedBody ??= this.bytes.subarray(this.bodyStart, this.bodyEnd)
    return this.cachedBody
  }

  get bodyLength(): number {
    return this.bodyEnd - this.bodyStart
  }

  /** Head and body as they came; a view, which lives as long as what it was read from. */
  get wire(): Uint8Array {
    const { bytes, start, bodyEnd } = this
    return start === 0 && bodyEnd === bytes.length ? bytes : bytes.subarray(start, bodyEnd)
  }

  /** Bytes of head and body together. */
  get byteLength(): number {
    return this.bodyEnd - this.start
  }

  /** The top Via; `NO_VIA` when it is missing or malformed. */
  get topVia(): Via {
    if (this.cachedVia === undefined) this.cachedVia = this.readTopVia() ?? null
    return this.cachedVia ?? NO_VIA
  }

  private readTopVia(): Via | undefined {
    const line = this.findId(VIA)
    if (line < 0) return undefined
    const { lines, text } = this.head
    if (((lines[line] as number) & FOLDED) !== 0) {
      const value = this.valueAt(line)
      return parseFirstVia(value, 0, value.length)
    }
    return parseFirstVia(text, lines[line + 2] as number, lines[line + 3] as number)
  }

  get hasUsableVia(): boolean {
    return this.topVia !== NO_VIA
  }

  /** How many Via values the message has. */
  get viaCount(): number {
    const { lines, text } = this.head
    let count = 0
    for (let line = this.findId(VIA); line >= 0; line = this.findId(VIA, line + LINE_STRIDE)) {
      count += countValues(text, lines[line + 2] as number, lines[line + 3] as number)
    }
    return count
  }

  /** The Via below the top one, where a response goes next; undefined when there is none or it is malformed. */
  get nextVia(): Via | undefined {
    if (this.cachedNextVia === undefined) this.cachedNextVia = this.readNextVia() ?? null
    return this.cachedNextVia ?? undefined
  }

  private readNextVia(): Via | undefined {
    const { lines, text } = this.head
    const line = this.findId(VIA)
    if (line < 0) return undefined
    const end = lines[line + 3] as number
    const comma = valueEndAt(text, lines[line + 2] as number, end)
    if (comma < end) return parseVia(unfold(text.slice(comma + 1, valueEndAt(text, comma + 1, end))))
    const below = this.findId(VIA, line + LINE_STRIDE)
    if (below < 0) return undefined
    const value = this.valueAt(below)
    return parseFirstVia(value, 0, value.length)
  }

  /** All Via values in order; malformed ones below the top are left out. */
  vias(): Via[] {
    const vias: Via[] = []
    for (const value of this.values('via')) {
      const via = parseVia(value)
      if (via !== undefined) vias.push(via)
    }
    return vias
  }

  /** '' when it is missing. */
  get callId(): string {
    if (this.cachedCallId === undefined) {
      const line = this.findId(CALL_ID)
      this.cachedCallId = line < 0 ? '' : this.valueAt(line)
    }
    return this.cachedCallId
  }

  get cseq(): CSeq {
    this.cachedCseq ??= this.readCSeq()
    return this.cachedCseq
  }

  private readCSeq(): CSeq {
    const line = this.findId(CSEQ)
    if (line < 0) return NO_CSEQ
    const { lines, text } = this.head
    if (((lines[line] as number) & FOLDED) !== 0) return parseCSeq(this.valueAt(line))
    return parseCSeqIn(text, lines[line + 2] as number, lines[line + 3] as number)
  }

  get from(): NameAddr {
    if (this.cachedFrom === undefined) this.cachedFrom = this.readNameAddr(FROM)
    return this.cachedFrom ?? NO_NAME_ADDR
  }

  get to(): NameAddr {
    if (this.cachedTo === undefined) this.cachedTo = this.readNameAddr(TO)
    return this.cachedTo ?? NO_NAME_ADDR
  }

  private readNameAddr(id: number): NameAddr | null {
    const line = this.findId(id)
    if (line < 0) return null
    const { lines, text } = this.head
    if (((lines[line] as number) & FOLDED) !== 0) return parseNameAddr(this.valueAt(line)) ?? null
    return parseNameAddrIn(text, lines[line + 2] as number, lines[line + 3] as number) ?? null
  }

  /** Undefined when it is missing or no number; values past 255 count as 70 (sip-requirements S3261-20-02). */
  get maxForwards(): number | undefined {
    const line = this.findId(MAX_FORWARDS)
    if (line < 0) return undefined
    const { lines, text } = this.head
    const value = decimal(text, lines[line + 2] as number, lines[line + 3] as number)
    if (value < 0) return undefined
    return value > 255 ? MAX_FORWARDS_DEFAULT : value
  }

  /** The number in Content-Length; undefined when it is missing or malformed. */
  get contentLength(): number | undefined {
    const line = this.findId(CONTENT_LENGTH)
    if (line < 0) return undefined
    const { lines, text } = this.head
    const value = decimal(text, lines[line + 2] as number, lines[line + 3] as number)
    return value < 0 ? undefined : value
  }

  /** Every Contact, or `*` when that is the only one. Fails on any malformed value and on `*` among others. */
  contacts(): Result<'*' | readonly NameAddr[], string> {
    this.cachedContacts ??= this.readContacts()
    return this.cachedContacts
  }

  private readContacts(): Result<'*' | readonly NameAddr[], string> {
    const contacts: NameAddr[] = []
    let star = false
    let values = 0
    for (let line = this.findId(CONTACT); line >= 0; line = this.findId(CONTACT, line + LINE_STRIDE)) {
      for (const value of splitValues(this.valueAt(line))) {
        values++
        if (value === '*') star = true
        else {
          const contact = parseNameAddr(value)
          if (contact === undefined) return fail('Bad Contact')
          contacts.push(contact)
        }
      }
    }
    if (!star) return ok(contacts)
    return values === 1 ? ok('*') : fail('Bad Wildcard Contact')
  }

  /** Route values in order; a malformed one has its text and no URI. */
  routes(): NameAddr[] {
    const routes: NameAddr[] = []
    if (this.findId(ROUTE) < 0) return routes
    for (const value of this.values('route'))
      routes.push(parseNameAddr(value) ?? { ...UNREADABLE, raw: value })
    return routes
  }
}
