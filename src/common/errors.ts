/** Operational failure with a code that stays stable across releases; `cause` keeps what lies beneath. */
export class RingbridgeError extends Error {
  readonly code: string

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'RingbridgeError'
    this.code = code
  }
}

/** Either a value or a reason, for failures that come from the wire: those are answered or dropped, never thrown. */
export type Result<T, E> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: E }

export function ok<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value }
}

export function fail<E>(error: E): { readonly ok: false; readonly error: E } {
  return { ok: false, error }
}
