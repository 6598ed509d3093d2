/** What is counted while a run goes on: lookups, traffic, and how right the ring is, in slices of virtual time. */
import type { Millis } from '../common/time.ts'
import { key } from '../reload/index.ts'
import type { LookupOutcome, LookupResult } from './lookups.ts'
import type { Overlay } from './overlay.ts'

export type LookupCounts = Record<LookupResult, number>

/** One slice of virtual time. */
export interface Slice {
  readonly endMs: Millis
  readonly peers: number
  readonly lookups: LookupCounts
  readonly deliveries: number
  readonly bytes: number
  /** Peers whose first successor is not the true one. */
  readonly ringFaults: number
  readonly notes: readonly string[]
}

export class Measures {
  readonly slices: Slice[] = []
  readonly total = noLookups()
  /** How long right lookups took. */
  readonly tookMs: Millis[] = []
  /** Peers and time together: the sum over all peers of the milliseconds that they ran. */
  peerMs = 0
  deliveries = 0
  bytes = 0
  private readonly overlay: Overlay
  private current = noLookups()
  private notes: string[] = []
  private counted = { deliveries: 0, bytes: 0 }
  private sliceStart: Millis

  constructor(overlay: Overlay) {
    this.overlay = overlay
    this.sliceStart = overlay.world.now.ms
    this.counted = { ...overlay.network.total }
  }

  lookup({ result, tookMs }: LookupOutcome): void {
    this.current[result]++
    this.total[result]++
    if (result === 'right') this.tookMs.push(tookMs)
  }

  note(text: string): void {
    this.notes.push(text)
  }

  slice(): void {
    const { overlay } = this
    const endMs = overlay.world.now.ms
    const { deliveries, bytes } = overlay.network.total
    const peers = overlay.running.length
    this.slices.push({
      endMs,
      peers,
      lookups: this.current,
      deliveries: deliveries - this.counted.deliveries,
      bytes: bytes - this.counted.bytes,
      ringFaults: successorFaults(overlay),
      notes: this.notes,
    })
    this.peerMs += peers * (endMs - this.sliceStart)
    this.deliveries += deliveries - this.counted.deliveries
    this.bytes += bytes - this.counted.bytes
    this.counted = { deliveries, bytes }
    this.current = noLookups()
    this.notes = []
    this.sliceStart = endMs
  }
}

/** Peers that do not know who comes next, or are not in the ring. */
export function successorFaults(overlay: Overlay): number {
  const ring = overlay.ring()
  if (ring.peers.length < 2) return 0
  let faults = 0
  for (const [index, peer] of ring.peers.entries()) {
    const [successor] = peer.core.replicas
    if (successor === undefined || key(successor) !== key(ring.at(index + 1).nodeId)) faults++
  }
  return faults
}

function noLookups(): LookupCounts {
  return { right: 0, stale: 0, missing: 0, wrong: 0, failed: 0, abandoned: 0 }
}
