/** Sums over the instruments of peers, the dead ones included. */
import type { PeerInstruments } from '../reload/index.ts'
import type { SimPeer } from './sim-peer.ts'

export class Tallies {
  /** Requests served, by method. */
  readonly requests = new Map<string, number>()
  /** Messages dropped, by reason. */
  readonly dropped = new Map<string, number>()
  /** Answers of lookups by the number of links that they came over. */
  readonly hops: number[] = []
  hopsSum = 0
  hopsCount = 0

  add(peer: SimPeer): void {
    const { instruments } = peer.core
    for (const [labels, count] of instruments.messages.values) {
      const [direction, method, kind] = labels.split('|')
      if (direction === 'in' && kind === 'request') more(this.requests, method ?? '', count)
    }
    for (const [reason, count] of instruments.dropped.values) more(this.dropped, reason, count)
    this.addHops(instruments)
  }

  private addHops({ requestHops }: PeerInstruments): void {
    const fetches = requestHops.series.get('fetch')
    if (fetches === undefined) return
    this.hopsSum += fetches.sum
    this.hopsCount += fetches.count
    for (const [index, count] of fetches.counts.entries()) this.hops[index] = (this.hops[index] ?? 0) + count
  }
}

/** The same over all that run and all that are gone. */
export function talliesOf(gone: Tallies, running: readonly SimPeer[]): Tallies {
  const all = new Tallies()
  for (const [method, count] of gone.requests) more(all.requests, method, count)
  for (const [reason, count] of gone.dropped) more(all.dropped, reason, count)
  for (const [index, count] of gone.hops.entries()) all.hops[index] = count
  all.hopsSum = gone.hopsSum
  all.hopsCount = gone.hopsCount
  for (const peer of running) all.add(peer)
  return all
}

function more(counts: Map<string, number>, name: string, count: number): void {
  counts.set(name, (counts.get(name) ?? 0) + count)
}
