import type { Millis } from '../common/time.ts'
import { KIND, type CommandId } from '../reload/index.ts'
import type { AdapterParts } from './parts.ts'

/** Asks the overlay for the registrations of an AOR. The answer comes as `fetchDone` under the number that this returns. */
export function fetchRegistrations(parts: AdapterParts, aor: string, timeoutMs: Millis): CommandId {
  const id = parts.nextId()
  parts.command({
    kind: 'fetch',
    id,
    resource: parts.resourceOfAor(aor),
    kinds: [KIND.sipRegistration],
    timeoutMs,
  })
  return id
}
