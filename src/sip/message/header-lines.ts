/**
 * The header lines of a received message as text: its head is one latin-1 string with an index of the lines, and a value
 * is cut out when it is asked for.
 */
import { COLON, isBlank, sameIgnoringCase, unfold } from './chars.ts'
import { FOLDED, ID_MASK, LINE_STRIDE, type Head } from './head.ts'
import { OTHER, headerId, type HeaderName } from './header-ids.ts'
import { pushValues } from './lists.ts'

export class HeaderLines {
  /** The scan this message is read from. For use inside sip/message. */
  readonly head: Head

  constructor(head: Head) {
    this.head = head
  }

  /** Offset in `head.lines` of the first line of this name from `from` on, -1 when there is none. */
  findLine(name: HeaderName, from = 0): number {
    const id = headerId(name)
    return id === OTHER ? this.findOther(name, from) : this.findId(id, from)
  }

  /** The same by header number. */
  findId(id: number, from = 0): number {
    const { lines } = this.head
    for (let i = from; i < lines.length; i += LINE_STRIDE)
      if (((lines[i] as number) & ID_MASK) === id) return i
    return -1
  }

  private findOther(name: HeaderName, from: number): number {
    const { lines, text } = this.head
    for (let i = from; i < lines.length; i += LINE_STRIDE) {
      if (((lines[i] as number) & ID_MASK) !== OTHER) continue
      const at = lines[i + 1] as number
      const end = at + name.length
      if (!sameName(text, at, end, name)) continue
      const after = text.charCodeAt(end)
      if (after === COLON || isBlank(after)) return i
    }
    return -1
  }

  /** Value of the header line at this offset of `head.lines`, unfolded and trimmed. */
  valueAt(line: number): string {
    const { lines, text } = this.head
    const value = text.slice(lines[line + 2], lines[line + 3])
    return ((lines[line] as number) & FOLDED) === 0 ? value : unfold(value)
  }

  has(name: HeaderName): boolean {
    return this.findLine(name) >= 0
  }

  /** Value of the first header of this name, whole, unfolded and trimmed. */
  header(name: HeaderName): string | undefined {
    const line = this.findLine(name)
    return line < 0 ? undefined : this.valueAt(line)
  }

  /** One value an occurrence, not split at commas (RFC 3261 s.7.3.1: as credentials and challenges must be read). */
  headers(name: HeaderName): string[] {
    const values: string[] = []
    for (let line = this.findLine(name); line >= 0; line = this.findLine(name, line + LINE_STRIDE)) {
      values.push(this.valueAt(line))
    }
    return values
  }

  /** Every value of this name in order, comma lists split. Empty ones are left out. */
  values(name: HeaderName): string[] {
    const values: string[] = []
    for (let line = this.findLine(name); line >= 0; line = this.findLine(name, line + LINE_STRIDE)) {
      const text = this.valueAt(line)
      pushValues(values, text, 0, text.length)
    }
    return values
  }
}

function sameName(text: string, at: number, end: number, name: HeaderName): boolean {
  return sameIgnoringCase(text, at, end, name) || text.slice(at, end).toLowerCase() === name
}
