/**
 * Certificates for hosted users, one at a time: each costs a signature of the authority, and phones are served in between.
 * Users whose REGISTER is waiting go first.
 */
import type { EnrollOutcome } from '../adapter/index.ts'
import { Tally } from '../common/instruments.ts'

/** AORs that may wait; more are answered "not now" and come back with their next REGISTER. */
const QUEUE_MAX = 200_000

export class Provisioning {
  readonly results = new Tally(['ok', 'failed'])
  private readonly issue: (aor: string) => Promise<EnrollOutcome>
  private readonly done: (aor: string, outcome: EnrollOutcome) => void
  private readonly urgent = new Set<string>()
  private readonly background = new Set<string>()
  private running: Promise<void> | undefined
  private stopped = false

  /** `issue` must not reject: a failure is an outcome. */
  constructor(
    issue: (aor: string) => Promise<EnrollOutcome>,
    done: (aor: string, outcome: EnrollOutcome) => void,
  ) {
    this.issue = issue
    this.done = done
  }

  get waiting(): { readonly urgent: number; readonly background: number } {
    return { urgent: this.urgent.size, background: this.background.size }
  }

  /** Queues an AOR; asking again with `urgent` moves it forward. */
  ask(aor: string, urgent: boolean): void {
    if (this.stopped || this.urgent.has(aor)) return
    if (urgent) {
      this.background.delete(aor)
      this.urgent.add(aor)
    } else if (this.background.size < QUEUE_MAX) this.background.add(aor)
    else return
    this.running ??= this.run()
  }

  /** No further user is begun; resolves when the one under way is done. */
  async stop(): Promise<void> {
    this.stopped = true
    this.urgent.clear()
    this.background.clear()
    await this.running
  }

  private async run(): Promise<void> {
    for (;;) {
      // A turn of the event loop between two users, so that a long queue does not stop the phones.
      await new Promise<void>((resolve) => setImmediate(resolve))
      const aor = take(this.urgent) ?? take(this.background)
      if (aor === undefined) break
      const outcome = await this.issue(aor)
      this.results.add(outcome.ok ? 'ok' : 'failed')
      if (!this.stopped) this.done(aor, outcome)
    }
    this.running = undefined
  }
}

function take(set: Set<string>): string | undefined {
  for (const value of set) {
    set.delete(value)
    return value
  }
  return undefined
}
