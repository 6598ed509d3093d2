/** Methods that we know, which is not to say that we serve them: RFC 3261, 3262, 3311, 3428, 3515, 3903, 6086, 6665. */
export const KNOWN_METHODS: readonly string[] = [
  'INVITE',
  'ACK',
  'CANCEL',
  'BYE',
  'REGISTER',
  'OPTIONS',
  'PRACK',
  'UPDATE',
  'MESSAGE',
  'INFO',
  'SUBSCRIBE',
  'NOTIFY',
  'REFER',
  'PUBLISH',
]

const KNOWN: ReadonlySet<string> = new Set(KNOWN_METHODS)

/** Methods are compared as they stand: case matters and escapes mean nothing (RFC 3261 s.7.1). */
export function isKnownMethod(method: string): boolean {
  return KNOWN.has(method)
}

/** By length and first letter, which leaves one or two to compare. */
const SLOTS: readonly (readonly string[])[] = Array.from({ length: 16 * 32 }, (_, slot) =>
  KNOWN_METHODS.filter((method) => slotOf(method.length, method.charCodeAt(0)) === slot),
)

function slotOf(length: number, first: number): number {
  return (length & 15) * 32 + (first & 31)
}

/** The method that stands in [at, end) of `text`. Known ones are the same text every time, which later comparisons feel. */
export function methodAt(text: string, at: number, end: number): string {
  const candidates = SLOTS[slotOf(end - at, text.charCodeAt(at))] as readonly string[]
  for (const method of candidates)
    if (method.length === end - at && text.startsWith(method, at)) return method
  return text.slice(at, end)
}

/** Allow header of replies that come before it is known who the request is for. */
export const ALLOW = KNOWN_METHODS.join(', ')
