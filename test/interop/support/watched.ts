/** Something outside that changes whenever it likes; whoever waits is woken at each change and looks again. */
export class Watched {
  private readonly watchers = new Set<() => void>()

  /** Looks at once and after every `wake` until there is a value; undefined when the time is over. */
  async until<T>(probe: () => T | undefined, timeoutMs: number): Promise<T | undefined> {
    const deadline = Date.now() + timeoutMs
    for (;;) {
      const value = probe()
      if (value !== undefined || Date.now() >= deadline) return value
      await this.change(deadline)
    }
  }

  wake(): void {
    for (const watcher of [...this.watchers]) watcher()
  }

  /** The next change, or the deadline. */
  private change(deadline: number): Promise<void> {
    const { watchers } = this
    return new Promise<void>((resolve) => {
      const timer = setTimeout(done, deadline - Date.now())
      function done(): void {
        clearTimeout(timer)
        watchers.delete(done)
        resolve()
      }
      watchers.add(done)
    })
  }
}
