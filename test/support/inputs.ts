/** What a shell under test fed into its core, and a promise for the next input of a kind: no test waits for a clock. */
export class Inputs<I extends { readonly kind: string }> {
  readonly seen: I[] = []
  private readonly watchers = new Set<() => void>()

  readonly sink = (input: I): void => {
    this.seen.push(input)
    for (const watcher of [...this.watchers]) watcher()
  }

  /** The `count`-th input of this kind, past or future, that also passes `when`. */
  next<K extends I['kind']>(
    kind: K,
    count = 1,
    when: (input: Extract<I, { kind: K }>) => boolean = () => true,
  ): Promise<Extract<I, { kind: K }>> {
    return new Promise((resolve) => {
      const look = (): void => {
        const matching = this.seen
          .filter((input): input is Extract<I, { kind: K }> => input.kind === kind)
          .filter(when)
        const found = matching[count - 1]
        if (found === undefined) return
        this.watchers.delete(look)
        resolve(found)
      }
      this.watchers.add(look)
      look()
    })
  }

  /** Bytes of all inputs of this kind, joined. */
  bytes(kind: I['kind']): Buffer {
    return Buffer.concat(
      this.seen
        .filter((input) => input.kind === kind)
        .map((input) => (input as unknown as { bytes: Uint8Array }).bytes),
    )
  }

  /** Resolves once `length` bytes have come in inputs of this kind. */
  async bytesOf(kind: I['kind'], length: number): Promise<Buffer> {
    await this.next(kind, 1, () => this.bytes(kind).length >= length)
    return this.bytes(kind)
  }
}
