/**
 * Certificates for hosted users. Users whose REGISTER is waiting go first, several side by side, since most of the time goes into waiting for the
 * disk; the others one at a time. Each costs a signature of the authority, and phones are served in between.
 */
import type { EnrollOutcome } from '../adapter/index.ts'
import { Tally } from '../common/instruments.ts'

/** AORs that may wait; more are answered "not now" and come back with their next REGISTER. */
const QUEUE_MAX = 200_000

/** Certificates under way at one time for users whose REGISTER waits. Judgement: the disk writes a few files at once, not many. */
const URGENT_AT_ONCE = 8

export class Provisioning {
  readonly results = new Tally(['ok', 'failed'])
  private readonly issue: (aor: string) => Promise<EnrollOutcome>
  private readonly done: (aor: string, outcome: EnrollOutcome) => void
  private readonly urgent = new Set<string>()
  private readonly background = new Set<string>()
  private readonly issuing = new Set<string>()
  private readonly underWay = new Set<Promise<void>>()
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

  /** Queues an AOR; asking again with `urgent` moves it forward, asking without moves it back: its REGISTER does not wait any more. */
  ask(aor: string, urgent: boolean): void {
    if (this.stopped || this.issuing.has(aor)) return
    if (urgent) {
      this.background.delete(aor)
      this.urgent.add(aor)
    } else {
      this.urgent.delete(aor)
      if (this.background.size >= QUEUE_MAX) return
      this.background.add(aor)
    }
    this.fill()
  }

  /** No further user is begun; resolves when the one under way is done. */
  async stop(): Promise<void> {
    this.stopped = true
    this.urgent.clear()
    this.background.clear()
    await Promise.all(this.underWay)
  }

  private fill(): void {
    const lines = Math.min(URGENT_AT_ONCE, Math.max(this.urgent.size, 1))
    while (this.underWay.size < lines) {
      const line: Promise<void> = this.run().finally(() => this.underWay.delete(line))
      this.underWay.add(line)
    }
  }

  /** Until there is nothing left to do, or only what another line does already. */
  private async run(): Promise<void> {
    for (;;) {
      // A turn of the event loop between two users, so that a long queue does not stop the phones.
      await new Promise<void>((resolve) => setImmediate(resolve))
      const alone = this.underWay.size <= 1
      const aor = take(this.urgent) ?? (alone ? take(this.background) : undefined)
      if (aor === undefined) return
      this.issuing.add(aor)
      const outcome = await this.issue(aor)
      this.issuing.delete(aor)
      this.results.add(outcome.ok ? 'ok' : 'failed')
      if (!this.stopped) this.done(aor, outcome)
    }
  }
}

function take(set: Set<string>): string | undefined {
  for (const value of set) {
    set.delete(value)
    return value
  }
  return undefined
}
