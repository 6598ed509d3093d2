/** The server transactions that there are, by what tells their repetitions, and how many of them came from which peer. */
import { detached } from '../../common/detached.ts'
import type { ServerTransaction } from './machinery.ts'

export class ServerTable<S> {
  private readonly byKey = new Map<string, ServerTransaction<S>>()
  /** By names of peers. */
  private readonly ofPeers = new Map<string, number>()
  /** The one accepted last. Most are answered at once and need no place in the map. */
  private latest: ServerTransaction<S> | undefined = undefined

  get size(): number {
    this.keepLatest()
    return this.byKey.size
  }

  add(transaction: ServerTransaction<S>): void {
    this.keepLatest()
    this.latest = transaction
    const { transport, host } = transaction.hop
    if (transport === 'peer') this.ofPeers.set(host, this.of(host) + 1)
  }

  find(key: string): ServerTransaction<S> | undefined {
    this.keepLatest()
    return this.byKey.get(key)
  }

  /** How many came from that peer. */
  of(peer: string): number {
    return this.ofPeers.get(peer) ?? 0
  }

  remove(transaction: ServerTransaction): void {
    const { transport, host } = transaction.hop
    if (this.latest === transaction) this.latest = undefined
    else if (!this.byKey.delete(transaction.key)) return
    if (transport !== 'peer') return
    const left = this.of(host) - 1
    if (left > 0) this.ofPeers.set(host, left)
    else this.ofPeers.delete(host)
  }

  private keepLatest(): void {
    const { latest } = this
    if (latest === undefined) return
    // Cut out of the request, which they would keep as long as they are kept.
    latest.key = detached(latest.key)
    latest.method = detached(latest.method)
    this.byKey.set(latest.key, latest)
    this.latest = undefined
  }
}
