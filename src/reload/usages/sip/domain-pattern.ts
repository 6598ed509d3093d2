/**
 * Patterns of RFC 7904 s.3.4: POSIX extended regular expressions over a domain name. They match the whole domain, in
 * either case. Written into the signed Configuration Document by whoever runs the overlay, so their cost is his.
 */

/** Characters that keep a meaning of their own outside brackets. */
const SPECIAL = '.[]()*+?{}|^$\\/'

/** Names of character classes within brackets, as what they mean for the ASCII of a domain in lower case. */
const CLASSES: ReadonlyMap<string, string> = new Map([
  ['alpha', 'a-z'],
  ['digit', '0-9'],
  ['alnum', '0-9a-z'],
  ['lower', 'a-z'],
  ['upper', 'a-z'],
  ['xdigit', '0-9a-f'],
  ['punct', '!-\\/:-@\\[-`{-~'],
])

/** Tells whether a domain matches; a pattern that is no regular expression matches nothing. */
export function domainPattern(pattern: string): (domain: string) => boolean {
  const source = translated(pattern.toLowerCase())
  const expression = source === undefined ? undefined : compiled(`^(?:${source})$`)
  return (domain) => expression?.test(domain.toLowerCase()) ?? false
}

function compiled(source: string): RegExp | undefined {
  try {
    return new RegExp(source, 'u')
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** POSIX notation in JavaScript's: the two differ in escapes, in brackets, and in what `(?` means. */
function translated(pattern: string): string | undefined {
  let source = ''
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern.charAt(at)
    if (character === '\\') {
      const escaped = pattern.charAt(++at)
      if (escaped === '') return undefined
      source += literal(escaped)
    } else if (character === '[') {
      const end = bracketEnd(pattern, at)
      const bracket = end === undefined ? undefined : bracketExpression(pattern.slice(at + 1, end))
      if (end === undefined || bracket === undefined) return undefined
      source += bracket
      at = end
    } else if (character === '(' && pattern.charAt(at + 1) === '?') {
      return undefined
    } else {
      source +=
        SPECIAL.includes(character) && character !== '/' && character !== ']' ? character : literal(character)
    }
  }
  return source
}

function literal(character: string): string {
  return SPECIAL.includes(character) ? `\\${character}` : character
}

/** Index of the `]` that closes the bracket at `start`: not one that comes first, nor one of a class. */
function bracketEnd(pattern: string, start: number): number | undefined {
  let at = start + 1
  if (pattern.charAt(at) === '^') at++
  if (pattern.charAt(at) === ']') at++
  for (; at < pattern.length; at++) {
    if (pattern.startsWith('[:', at)) {
      const close = pattern.indexOf(':]', at + 2)
      if (close < 0) return undefined
      at = close + 1
    } else if (pattern.charAt(at) === ']') return at
  }
  return undefined
}

/** Within brackets a backslash is an ordinary character. */
function bracketExpression(content: string): string | undefined {
  const negated = content.startsWith('^')
  let source = ''
  for (let at = negated ? 1 : 0; at < content.length; at++) {
    if (content.startsWith('[:', at)) {
      const close = content.indexOf(':]', at + 2)
      const characters = CLASSES.get(content.slice(at + 2, close))
      if (characters === undefined) return undefined
      source += characters
      at = close + 1
    } else {
      const character = content.charAt(at)
      source += '\\[]^'.includes(character) ? `\\${character}` : character
    }
  }
  return `[${negated ? '^' : ''}${source}]`
}
