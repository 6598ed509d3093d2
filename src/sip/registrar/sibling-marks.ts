/**
 * Marks of phones (M-31, docs/adr/0019): what stands in a user's entries at several peers, so that a caller's peer sees which of them are
 * for one and the same phone. Keyed with the secret of the domain: to others they say nothing, not even how many phones there are.
 */
import { createHmac } from 'node:crypto'
import { BoundedCache } from '../../common/bounded-cache.ts'
import { utf8 } from '../../common/bytes.ts'
import { HmacSha1 } from '../../common/hmac-sha1.ts'
import { parseUri } from '../message/index.ts'

/** 48 bits: enough to tell the phones of one user apart. */
const MARK_BYTES = 6
/** In base64url. */
const MARK_CHARS = 8
/** Texts are filled up to multiples of this many marks. */
const SLOTS = 4
/** Phones of one user at one peer beyond which none is marked: contact_prefs hold 512 bytes (M-13). */
const MARKED_MAX = 16

/** Judgement: some 200 bytes each. */
const KNOWN_MAX = 4_096

const PHONE = utf8('phone\0')
const FILLER = utf8('filler\0')

export interface MarkedPhone {
  /** Contact URI. */
  readonly contact: string
  /** Parameters of its Contact header field. */
  readonly parameters: ReadonlyMap<string, string>
}

export class SiblingMarks {
  private readonly hmac: HmacSha1
  /** Of phones that were called last. */
  private readonly known = new BoundedCache<{ readonly aor: string; readonly mark: string }, MarkedPhone>(
    KNOWN_MAX,
  )
  private readonly mac = new Uint8Array(MARK_BYTES)

  constructor(secret: Uint8Array) {
    this.hmac = new HmacSha1(createHmac('sha256', secret).update('sibling marks').digest())
  }

  /** The same at every peer of the domain, by its instance, or by user, host and port of its Contact where it states none. */
  of(aor: string, phone: MarkedPhone): string {
    const known = this.known.get(phone)
    if (known?.aor === aor) return known.mark
    const mark = this.mark(PHONE, `${aor}\0${nameOf(phone)}`)
    this.known.set(phone, { aor, mark })
    return mark
  }

  /** The marks of all phones of a user, in an order that says nothing; '' when there are none, or too many. */
  text(aor: string, phones: readonly MarkedPhone[]): string {
    if (phones.length === 0 || phones.length > MARKED_MAX) return ''
    const marks = new Set(phones.map((phone) => this.mark(PHONE, `${aor}\0${nameOf(phone)}`)))
    for (let filler = 0; marks.size % SLOTS !== 0; filler++) marks.add(this.filler(aor, filler))
    return [...marks].sort().join('')
  }

  /** The marks in a text of any peer, without what only fills it up; none where it is no such text. */
  read(aor: string, text: string): readonly string[] {
    if (text.length === 0 || text.length % MARK_CHARS !== 0 || text.length > MARKED_MAX * MARK_CHARS)
      return NO_MARKS
    const marks = new Set<string>()
    for (let at = 0; at < text.length; at += MARK_CHARS) marks.add(text.slice(at, at + MARK_CHARS))
    for (let filler = 0; filler < SLOTS; filler++) marks.delete(this.filler(aor, filler))
    return [...marks]
  }

  private filler(aor: string, index: number): string {
    return this.mark(FILLER, `${aor}\0${index}`)
  }

  private mark(purpose: Uint8Array, text: string): string {
    this.hmac.sign(purpose, utf8(text), this.mac, 0, MARK_BYTES)
    return Buffer.from(this.mac).toString('base64url')
  }
}

const NO_MARKS: readonly string[] = []

/** What a phone is known by, the same whoever it registers with: transport and parameters may differ. */
function nameOf({ contact, parameters }: MarkedPhone): string {
  const instance = parameters.get('+sip.instance')
  if (instance !== undefined && instance !== '') return instance.toLowerCase()
  const uri = parseUri(contact)
  return uri === undefined ? contact : `${uri.user ?? ''}@${uri.host.toLowerCase()}:${uri.port ?? ''}`
}
