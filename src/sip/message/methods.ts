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

/** Allow header of replies that come before it is known who the request is for. */
export const ALLOW = KNOWN_METHODS.join(', ')
