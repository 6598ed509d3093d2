/** Peers that come and go by themselves: sessions of random length, each end followed by another beginning. */
import type { Random } from '../common/random.ts'
import type { Millis } from '../common/time.ts'
import { between, randomTime } from './distributions.ts'
import type { Herd } from './herd.ts'
import type { Churn } from './plan.ts'
import type { SimPeer } from './sim-peer.ts'

/** How long a machine takes to come back. */
const DOWN_MS = { least: 2_000, most: 60_000 }

export class Churning {
  private readonly herd: Herd
  private readonly churn: Churn
  private readonly random: Random
  private stopped = false
  /** Ends of sessions so far. */
  departures = 0

  constructor(herd: Herd, churn: Churn) {
    this.herd = herd
    this.churn = churn
    this.random = herd.overlay.world.fork('churn')
  }

  /** The peers that run now are in the midst of their sessions. */
  begin(): void {
    for (const peer of [...this.herd.overlay.running]) this.session(peer)
  }

  stop(): void {
    this.stopped = true
  }

  private session(peer: SimPeer): void {
    const length = randomTime(this.random, this.churn.spread, this.churn.meanMs)
    this.after(length, () => this.end(peer))
  }

  private end(peer: SimPeer): void {
    if (!peer.running || !this.herd.overlay.peers.includes(peer)) return
    this.departures++
    const { leaveShare, silentShare, restartShare } = this.churn
    if (this.random.float() < leaveShare) this.herd.end(peer, 'leave')
    else {
      this.herd.end(peer, this.random.float() < silentShare ? 'silence' : 'kill')
      if (this.random.float() < restartShare) {
        const down = between(this.random, DOWN_MS.least, DOWN_MS.most)
        // Even when the churn is over by then: a machine that is being restarted comes back.
        return this.herd.overlay.world.after(down, () => this.session(this.herd.restart(peer, true)))
      }
      this.herd.bury(peer)
    }
    this.session(this.herd.start())
  }

  private after(delay: Millis, run: () => void): void {
    this.herd.overlay.world.after(delay, () => {
      if (!this.stopped) run()
    })
  }
}
