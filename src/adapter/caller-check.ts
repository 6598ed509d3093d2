import type { Millis, Now } from '../common/time.ts'
import { key, KIND, type CommandId, type CommandOutcome, type FetchResult } from '../reload/index.ts'
import type { RequestId } from '../sip/index.ts'
import { terminalNode } from './overlay-address.ts'
import type { AdapterParts } from './parts.ts'
import { registrationEntry } from './registration-entry.ts'
import { fetchRegistrations } from './registration-fetch.ts'

/** Longest time that a yes is believed (adapter-mapping s.4.8). */
const YES_MS: Millis = 300_000
/** A no: the user may just be registering there. Judgement. */
const NO_MS: Millis = 30_000
/** No answer is not kept for long. Judgement. */
const FAILED_MS: Millis = 5_000

interface Check {
  readonly id: RequestId
  readonly aor: string
  /** Name of the peer in hex. */
  readonly peer: string
}

/** M-22: a peer speaks for a user when an entry that the user has signed names it as the place to call. */
export class CallerCheck {
  private readonly parts: AdapterParts
  private readonly fetches = new Map<CommandId, Check>()

  constructor(parts: AdapterParts) {
    this.parts = parts
  }

  verify(id: RequestId, aor: string, peer: string, budgetMs: Millis): void {
    this.fetches.set(fetchRegistrations(this.parts, aor, budgetMs), { id, aor, peer })
  }

  /** True when the outcome was that of one of our Fetches. */
  fetchDone(now: Now, command: CommandId, outcome: CommandOutcome<FetchResult>): boolean {
    const check = this.fetches.get(command)
    if (check === undefined) return false
    this.fetches.delete(command)
    const validMs = outcome.ok ? this.namedForMs(now, check, outcome.value) : 0
    this.parts.sip({
      kind: 'callerVerified',
      id: check.id,
      verified: outcome.ok ? validMs > 0 : undefined,
      validMs: validMs > 0 ? Math.min(validMs, YES_MS) : outcome.ok ? NO_MS : FAILED_MS,
    })
    return true
  }

  /** How long an entry that names the peer lives on; 0 when there is none. */
  private namedForMs(now: Now, { aor, peer }: Check, result: FetchResult): Millis {
    let longest = 0
    for (const value of result.kinds.get(KIND.sipRegistration)?.values ?? []) {
      const entry = registrationEntry(value, aor)
      const terminal = entry.kind === 'route' ? terminalNode(entry.destinations) : undefined
      if (terminal === undefined || key(terminal) !== peer) continue
      longest = Math.max(longest, value.expiresAt - now.ms)
    }
    return longest
  }
}
