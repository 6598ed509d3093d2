/** A broken promise of our own code. Nothing from outside may be able to cause one; the process ends on it. */
export class InvariantError extends Error {
  constructor(message: string) {
    super(`invariant broken: ${message}`)
    this.name = 'InvariantError'
  }
}

/** Stays on in production: going on with a broken invariant would acknowledge what is not true. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message)
}

/** Ends an exhaustive `switch`; the compiler complains when a case is missing. */
export function unreachable(value: never): never {
  throw new InvariantError(`unexpected ${String(value)}`)
}
