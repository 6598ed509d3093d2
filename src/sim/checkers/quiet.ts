/**
 * When nothing happens, nothing may go on: no traffic but stabilization, no table that stays full, no message that
 * circles. Looked at over a while without load, faults or churn.
 */
import type { Millis } from '../../common/time.ts'
import type { Herd } from '../herd.ts'
import { talliesOf, type Tallies } from '../tallies.ts'

/** Methods that a ring at rest still speaks (RFC 6940 s.10.7.4); Attach, because a finger may still be searched. */
const STABILIZATION = new Set(['ping', 'update', 'attach', 'probe', 'routeQuery'])

/** Judgement: a peer talks to some 2 log2(N) others every few seconds; ten times that is a storm. */
const REQUESTS_PER_PEER_AND_SECOND_MAX = 10
/** Judgement: Attaches and requests that a peer at rest may have open at any moment. */
const OPEN_MAX = 32

/** Lets the overlay alone for that long and says what was not quiet. */
export function quietFaults(herd: Herd, duration: Millis, pass: (ms: Millis) => void): string[] {
  const { overlay } = herd
  const before = talliesOf(herd.tallies, overlay.running)
  pass(duration)
  const after = talliesOf(herd.tallies, overlay.running)
  const running = overlay.running.length
  const faults: string[] = []
  let requests = 0
  for (const [method, count] of after.requests) {
    const more = count - (before.requests.get(method) ?? 0)
    requests += more
    if (more > 0 && !STABILIZATION.has(method))
      faults.push(`${more} ${method} requests while nothing happens`)
  }
  const rate = requests / Math.max(1, running) / (duration / 1000)
  if (rate > REQUESTS_PER_PEER_AND_SECOND_MAX)
    faults.push(`${rate.toFixed(1)} requests a peer and second at rest`)
  for (const reason of ['loop', 'ttl', 'malformed', 'signature']) {
    const more = dropped(after, reason) - dropped(before, reason)
    if (more > 0) faults.push(`${more} messages dropped for ${reason} while nothing happens`)
  }
  return [...faults, ...leakFaults(herd)]
}

/** Tables that a peer at rest has no reason to keep full. */
function leakFaults({ overlay }: Herd): string[] {
  const faults: string[] = []
  const running = overlay.running.length
  // Every node may be a neighbor or a finger of another, with a second link of the same pair about to be closed.
  const connectionsMax = 2 * running + 8
  for (const peer of overlay.running) {
    const { requests, attaches, connections } = peer.core.load
    // A round of Updates to everybody may have gone out this moment (seed 2026).
    if (requests > OPEN_MAX + connections) faults.push(`${peer.name} keeps ${requests} requests open`)
    if (attaches > OPEN_MAX) faults.push(`${peer.name} keeps ${attaches} Attaches open`)
    if (connections > connectionsMax) faults.push(`${peer.name} keeps ${connections} connections`)
  }
  return faults
}

function dropped(tallies: Tallies, reason: string): number {
  return tallies.dropped.get(reason) ?? 0
}
