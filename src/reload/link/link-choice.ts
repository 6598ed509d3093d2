import type { Millis } from '../../common/time.ts'
import type { NodeId } from '../codec/index.ts'
import type { LinkState } from './link.ts'

/** What the choice between two links to one node looks at. `role` is ours in the TLS handshake. */
export interface LinkCandidate {
  readonly role: 'client' | 'server'
  readonly openedAt: Millis
  readonly state: LinkState
}

/**
 * Which of two links to `other` carries what we send: negative for `a`, positive for `b`. Both ends come to the same
 * answer without asking: a working link beats a suspect one; then the one on which the node with the larger Node-ID
 * is the TLS server, because in an Attach glare the larger one's Attach survives (RFC 6940 s.6.5.1.2) and its sender is
 * the server (s.6.5.1.13); between two of the same direction the newer, as its opener gave up the older.
 */
export function compareLinks(own: NodeId, other: NodeId, a: LinkCandidate, b: LinkCandidate): number {
  const health = rank(a.state) - rank(b.state)
  if (health !== 0) return health
  if (a.role !== b.role) {
    const preferred = isLarger(own, other) ? 'server' : 'client'
    return a.role === preferred ? -1 : 1
  }
  return b.openedAt - a.openedAt
}

function rank(state: LinkState): number {
  return state === 'up' ? 0 : state === 'suspect' ? 1 : 2
}

/** Compares ids as unsigned big-endian integers. */
function isLarger(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length && i < b.length; i++) {
    if (a[i] !== b[i]) return (a[i] as number) > (b[i] as number)
  }
  return a.length > b.length
}
