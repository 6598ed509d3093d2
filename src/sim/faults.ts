/** What goes wrong in the network, and how often. Times in milliseconds, chances 0..1 for each delivery. */
import type { Millis } from '../common/time.ts'

export interface Faults {
  /** Least time from host to host. */
  readonly latencyMs: Millis
  /** Random addition to each delivery; more than the spacing of messages makes channels overtake one another. */
  readonly jitterMs: Millis
  /** The latency matrix: hosts lie on a square, and two at opposite corners are this much further apart. */
  readonly spreadMs: Millis
  /** A segment was lost: everything behind it on that channel waits for the retransmission. */
  readonly lossChance: number
  readonly retransmitMs: Millis
  /** What was sent arrives twice, as a peer sees it whose far end repeats itself. */
  readonly duplicateChance: number
  /** One delivery, and what is behind it on its channel, comes so late that all other channels overtake it. */
  readonly overtakeChance: number
  readonly overtakeMs: Millis
  /** The connection breaks; both ends learn of it. */
  readonly resetChance: number
  readonly diskMs: Millis
}

export const CALM: Faults = {
  latencyMs: 10,
  jitterMs: 5,
  spreadMs: 0,
  lossChance: 0,
  retransmitMs: 300,
  duplicateChance: 0,
  overtakeChance: 0,
  overtakeMs: 500,
  resetChance: 0,
  diskMs: 2,
}
