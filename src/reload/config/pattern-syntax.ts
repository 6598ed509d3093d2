/**
 * POSIX extended regular expressions (IEEE 1003.1 s.9.4) as a tree. Left out because their meaning is not defined or
 * depends on a locale: empty branches, collating symbols, equivalence classes, letters behind a backslash.
 */
import { DecodeError } from '../../common/bytes.ts'

/** One flag a character of ASCII, letters folded to both cases. */
export type CharacterSet = Uint8Array

export type PatternNode =
  | { readonly kind: 'characters'; readonly set: CharacterSet }
  | { readonly kind: 'start' }
  | { readonly kind: 'end' }
  | { readonly kind: 'sequence'; readonly parts: readonly PatternNode[] }
  | { readonly kind: 'either'; readonly branches: readonly PatternNode[] }
  | {
      readonly kind: 'repeat'
      readonly body: PatternNode
      readonly min: number
      readonly max: number | undefined
    }

export const PATTERN_CHARACTERS_MAX = 256
const NESTED_MAX = 16
/** RE_DUP_MAX of POSIX. */
const REPEATS_MAX = 255
const ASCII = 128

const CLASSES: ReadonlyMap<string, (code: number) => boolean> = new Map([
  ['alpha', isLetter],
  ['upper', isLetter],
  ['lower', isLetter],
  ['digit', isDigit],
  ['alnum', (code: number) => isLetter(code) || isDigit(code)],
  ['xdigit', (code: number) => isDigit(code) || (isLetter(code) && (code | 0x20) <= 0x66)],
  ['punct', (code: number) => code > 0x20 && code < 0x7f && !isLetter(code) && !isDigit(code)],
  ['space', (code: number) => code === 0x20 || (code >= 9 && code <= 13)],
  ['blank', (code: number) => code === 0x20 || code === 9],
  ['print', (code: number) => code >= 0x20 && code < 0x7f],
  ['graph', (code: number) => code > 0x20 && code < 0x7f],
  ['cntrl', (code: number) => code < 0x20 || code === 0x7f],
])

/** Parses one expression. Throws `DecodeError` whose offset is that of the character at fault. */
export class PatternParser {
  private readonly text: string
  private at = 0
  private depth = 0

  constructor(text: string) {
    this.text = text
  }

  parse(): PatternNode {
    if (this.text.length > PATTERN_CHARACTERS_MAX) throw this.error('pattern too long')
    const node = this.either()
    if (this.at !== this.text.length) throw this.error('unmatched )')
    return node
  }

  private either(): PatternNode {
    const branches = [this.sequence()]
    while (this.take('|')) branches.push(this.sequence())
    return branches.length === 1 ? (branches[0] as PatternNode) : { kind: 'either', branches }
  }

  private sequence(): PatternNode {
    const parts: PatternNode[] = []
    for (let next = this.peek(); next !== '' && next !== '|' && next !== ')'; next = this.peek()) {
      parts.push(this.repeated(this.atom()))
    }
    if (parts.length === 0) throw this.error('empty branch')
    return { kind: 'sequence', parts }
  }

  private repeated(atom: PatternNode): PatternNode {
    let node = atom
    for (;;) {
      if (this.take('*')) node = { kind: 'repeat', body: node, min: 0, max: undefined }
      else if (this.take('+')) node = { kind: 'repeat', body: node, min: 1, max: undefined }
      else if (this.take('?')) node = { kind: 'repeat', body: node, min: 0, max: 1 }
      else if (this.take('{')) node = this.interval(node)
      else return node
    }
  }

  private interval(body: PatternNode): PatternNode {
    const min = this.number()
    let max: number | undefined = min
    if (this.take(',')) max = this.peek() === '}' ? undefined : this.number()
    if (!this.take('}')) throw this.error('interval without }')
    if (max !== undefined && max < min) throw this.error('interval runs backwards')
    return { kind: 'repeat', body, min, max }
  }

  private number(): number {
    const start = this.at
    while (isDigit(this.code())) this.at++
    const value = this.at === start ? Number.NaN : Number(this.text.slice(start, this.at))
    if (!(value <= REPEATS_MAX)) throw this.error('bad interval')
    return value
  }

  private atom(): PatternNode {
    const character = this.peek()
    const code = this.code()
    this.at++
    if (code >= ASCII) throw this.error('not ASCII')
    switch (character) {
      case '(':
        return this.group()
      case '[':
        return { kind: 'characters', set: this.bracket() }
      case '.':
        return { kind: 'characters', set: new Uint8Array(ASCII).fill(1, 1) }
      case '^':
        return { kind: 'start' }
      case '$':
        return { kind: 'end' }
      case '*':
      case '+':
      case '?':
      case '{':
        throw this.error('nothing to repeat')
      case '\\':
        return this.escaped()
      default:
        return { kind: 'characters', set: only(code) }
    }
  }

  private group(): PatternNode {
    if (++this.depth > NESTED_MAX) throw this.error('groups nested too deep')
    const node = this.either()
    if (!this.take(')')) throw this.error('group without )')
    this.depth--
    return node
  }

  private escaped(): PatternNode {
    const code = this.code()
    if (Number.isNaN(code) || code >= ASCII || isLetter(code) || isDigit(code)) throw this.error('bad escape')
    this.at++
    return { kind: 'characters', set: only(code) }
  }

  private bracket(): CharacterSet {
    const negated = this.take('^')
    const set = new Uint8Array(ASCII)
    // `]` in the first place stands for itself.
    for (let first = true; first || this.peek() !== ']'; first = false) {
      const code = this.code()
      if (!(code < ASCII)) throw this.error('bracket without ]')
      const next = this.text[this.at + 1]
      if (this.peek() === '[' && (next === ':' || next === '.' || next === '=')) this.characterClass(set)
      else this.range(set)
    }
    this.at++
    if (negated) for (let code = 1; code < ASCII; code++) set[code] = set[code] === 0 ? 1 : 0
    return set
  }

  private characterClass(set: CharacterSet): void {
    const end = this.text.indexOf(':]', this.at + 2)
    const member = end < 0 ? undefined : CLASSES.get(this.text.slice(this.at + 2, end))
    if (member === undefined || this.text[this.at + 1] !== ':') throw this.error('unknown character class')
    for (let code = 0; code < ASCII; code++) if (member(code)) add(set, code)
    this.at = end + 2
  }

  private range(set: CharacterSet): void {
    const from = this.code()
    this.at++
    let to = from
    if (this.peek() === '-' && this.text[this.at + 1] !== ']') {
      this.at++
      to = this.code()
      this.at++
      if (!(to < ASCII) || to < from) throw this.error('bad range')
    }
    for (let code = from; code <= to; code++) add(set, code)
  }

  private peek(): string {
    return this.text[this.at] ?? ''
  }

  private code(): number {
    return this.text.charCodeAt(this.at)
  }

  private take(character: string): boolean {
    if (this.peek() !== character) return false
    this.at++
    return true
  }

  private error(message: string): DecodeError {
    return new DecodeError(message, this.at)
  }
}

function only(code: number): CharacterSet {
  const set = new Uint8Array(ASCII)
  add(set, code)
  return set
}

function add(set: CharacterSet, code: number): void {
  set[code] = 1
  if (isLetter(code)) set[code ^ 0x20] = 1
}

function isLetter(code: number): boolean {
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x7a
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}
