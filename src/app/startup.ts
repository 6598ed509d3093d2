/** What has been started, so that it can be stopped in reverse order: after a failed start as after a good run. */

/** One part that hangs must not keep the process; it is left behind. */
const STOP_WITHIN_MS = 4_000

export class Startup {
  private readonly steps: (() => Promise<unknown>)[] = []

  /** `stop` undoes the step that has just succeeded. */
  onStop(stop: () => Promise<unknown>): void {
    this.steps.push(stop)
  }

  /** Idempotent. A step that fails or hangs does not keep the others from stopping. */
  async undo(): Promise<void> {
    for (let stop = this.steps.pop(); stop !== undefined; stop = this.steps.pop()) {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise((resolve) => {
        timer = setTimeout(resolve, STOP_WITHIN_MS)
      })
      await Promise.race([stop().catch(() => undefined), late])
      clearTimeout(timer)
    }
  }
}
