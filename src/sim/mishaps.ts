/** Carries out the mishaps of a plan, each at its time, to peers that the seed picks. */
import type { Random } from '../common/random.ts'
import type { Millis } from '../common/time.ts'
import { anyOf, someOf } from './distributions.ts'
import type { Herd } from './herd.ts'
import type { Mishap } from './plan.ts'
import type { Population } from './population.ts'
import type { SimPeer } from './sim-peer.ts'

export class Mishaps {
  private readonly herd: Herd
  private readonly population: Population
  private readonly random: Random
  private readonly report: (text: string) => void
  /** Cuts and clogs that are not over yet: the network heals as a whole when the last one is. */
  private cuts = 0

  constructor(herd: Herd, population: Population, report: (text: string) => void) {
    this.herd = herd
    this.population = population
    this.random = herd.overlay.world.fork('mishaps')
    this.report = report
  }

  begin(mishaps: readonly Mishap[]): void {
    for (const mishap of mishaps) this.herd.overlay.world.after(mishap.atMs, () => this.strike(mishap))
  }

  private strike(mishap: Mishap): void {
    const { overlay } = this.herd
    switch (mishap.kind) {
      case 'kill': {
        const victims = this.share(mishap.share)
        const manner = mishap.silent ? ' in silence' : ''
        const bereft = this.bereft(victims)
        this.report(
          `${victims.length} peers die at once${manner}; every copy of ${bereft} entries is among them`,
        )
        for (const peer of victims) this.herd.end(peer, mishap.silent ? 'silence' : 'kill')
        for (const peer of victims) this.herd.bury(peer)
        return
      }
      case 'restart':
        for (const peer of this.share(mishap.share)) this.restart(peer, mishap)
        return
      case 'pause': {
        const paused = this.share(mishap.share)
        this.report(`${paused.length} peers stand still`)
        for (const peer of paused) peer.host.freeze()
        overlay.world.after(mishap.durationMs, () => {
          for (const peer of paused) peer.host.thaw()
        })
        return
      }
      case 'partition':
      case 'cutOneWay': {
        const some = this.share(mishap.share).map(({ name }) => name)
        const others = overlay.peers.map(({ name }) => name).filter((name) => !some.includes(name))
        this.report(`${some.length} peers are cut off from ${others.length}`)
        if (mishap.kind === 'partition') overlay.network.partition(some, others)
        else overlay.network.cutOneWay(some, others)
        return this.mendAfter(mishap.durationMs)
      }
      case 'clog':
        for (let pair = 0; pair < mishap.pairs; pair++) {
          const from = anyOf(this.random, overlay.peers).name
          overlay.network.clog(from, anyOf(this.random, overlay.peers).name, mishap.durationMs)
        }
        return
      case 'fullDisk': {
        const full = this.share(mishap.share).map(({ name }) => name)
        this.report(`the disks of ${full.length} peers are full`)
        for (const name of full) overlay.network.disk(name).fill()
        overlay.world.after(mishap.durationMs, () => {
          for (const name of full) if (overlay.network.knows(name)) overlay.network.makeRoom(name)
        })
        return
      }
      case 'clockJump':
        for (const peer of this.share(mishap.share)) peer.host.jump(mishap.byMs)
        return
    }
  }

  /** Registered entries that nobody holds but these: what no overlay could keep. */
  private bereft(victims: readonly SimPeer[]): number {
    const dying = new Set(victims)
    const survivors = this.herd.overlay.running.filter((peer) => !dying.has(peer))
    const present = this.population.users.filter(
      (user) => user.present && user.history.acknowledged !== undefined,
    )
    return present.filter(({ resource }) => !survivors.some((peer) => peer.core.holds(resource))).length
  }

  private restart(peer: SimPeer, how: Extract<Mishap, { kind: 'restart' }>): void {
    this.report(`${peer.name} restarts ${how.disk ? 'with' : 'without'} its disk`)
    this.herd.end(peer, 'kill')
    if (!this.herd.mayReturn(peer)) return
    this.herd.overlay.world.after(how.downMs, () => this.herd.restart(peer, how.disk))
  }

  private mendAfter(duration: Millis): void {
    this.cuts++
    this.herd.overlay.world.after(duration, () => {
      if (--this.cuts > 0) return
      this.report('the network is whole again')
      this.herd.overlay.network.heal()
    })
  }

  /** At least one; never so many that nobody is left. */
  private share(share: number): SimPeer[] {
    const running = this.herd.overlay.peers.filter((peer) => peer.running)
    const count = Math.min(running.length - 1, Math.max(1, Math.round(running.length * share)))
    return someOf(this.random, running, count)
  }
}
