/**
 * Keeps AORs, addresses and credentials out of logs by accident: whatever prints it sees `[private]`.
 * Call `reveal()` where the value itself is needed, which makes such places easy to find.
 */
export class Private {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  reveal(): string {
    return this.#value
  }

  toString(): string {
    return '[private]'
  }

  toJSON(): string {
    return '[private]'
  }
}
