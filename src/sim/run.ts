/**
 * One run of a plan: the overlay grows, the users register, then the safety phase with load, churn and mishaps, then
 * the liveness phase: everything that went wrong has stopped, and all must be right again within a bound.
 */
import type { Millis } from '../common/time.ts'
import { entryReport, type EntryReport } from './checkers/entries.ts'
import { LoopWatch } from './checkers/loops.ts'
import { quietFaults } from './checkers/quiet.ts'
import { deficits, replicaFaults } from './checkers/replicas.ts'
import { ringFaults } from './checkers/ring.ts'
import { Churning } from './churning.ts'
import { CALM } from './faults.ts'
import { Herd } from './herd.ts'
import type { Issuer } from './issuer.ts'
import { Lookups, resourcesOf } from './lookups.ts'
import { Measures } from './measures.ts'
import { Mishaps } from './mishaps.ts'
import { Overlay } from './overlay.ts'
import type { Delivery } from './pipe.ts'
import type { Plan } from './plan.ts'
import { Population } from './population.ts'
import { talliesOf, type Tallies } from './tallies.ts'

export type Phase = 'growing' | 'registering' | 'load' | 'healing' | 'checking' | 'done'

export interface RunOptions {
  readonly issuer?: Issuer
  /** Told some times a virtual minute how far it is. */
  readonly progress?: (phase: Phase, now: Millis, peers: number) => void
  readonly watch?: (delivery: Delivery) => void
  /** Looks at every message for circles; costs a third of the speed. */
  readonly watchLoops?: boolean
}

export interface Outcome {
  readonly plan: Plan
  readonly digest: string
  readonly events: number
  /** What must never happen; empty when all is well. */
  readonly violations: readonly string[]
  readonly measures: Measures
  readonly tallies: Tallies
  readonly entries: EntryReport
  readonly stores: { readonly done: number; readonly refused: number }
  readonly departures: number
  /** From the end of the faults until ring and copies were right; undefined when they never were. */
  readonly healedAfterMs: Millis | undefined
  readonly times: { readonly loadFrom: Millis; readonly loadTo: Millis; readonly end: Millis }
  /** Deliveries a second that each running peer got over the whole run. */
  readonly loadPerPeer: readonly number[]
  readonly loops: number
}

const STEP_MS = 1_000
const SLICES = 120
const QUIET_MS = 60_000
/** What was under way when the load ended comes to its end. */
const AFTERMATH_MS = 35_000
/** Peers that look every user up in the end; in a small overlay all of them. */
const ASKERS = 3
const EVERYBODY_UP_TO = 64

export function simulate(plan: Plan, options: RunOptions = {}): Outcome {
  return new Run(plan, options).run()
}

class Run {
  private readonly plan: Plan
  private readonly options: RunOptions
  private readonly overlay: Overlay
  private readonly herd: Herd
  private readonly population: Population
  private readonly lookups: Lookups
  private readonly measures: Measures
  private readonly loops: LoopWatch | undefined
  private readonly violations: string[] = []

  constructor(plan: Plan, options: RunOptions) {
    this.plan = plan
    this.options = options
    this.overlay = new Overlay(plan.seed, {
      faults: CALM,
      configuration: { chordReactive: plan.reactive, chordUpdateIntervalS: plan.updateIntervalS },
      keepEvents: false,
      attack: plan.attack,
      ...(options.issuer === undefined ? {} : { issuer: options.issuer }),
    })
    if (options.watch !== undefined) this.overlay.network.watch(options.watch)
    this.herd = new Herd(this.overlay)
    this.population = new Population(this.herd, plan)
    this.measures = new Measures(this.overlay)
    this.lookups = new Lookups(this.herd, this.population, (outcome) => this.measures.lookup(outcome))
    const ids = (name: string): Uint8Array | undefined => this.herd.find(name)?.nodeId
    this.loops = options.watchLoops === true ? new LoopWatch(this.overlay.network, ids) : undefined
  }

  run(): Outcome {
    this.grow()
    this.register()
    const loadFrom = this.now
    const churning = this.load()
    const loadTo = this.now
    const healedAfterMs = this.heal()
    this.pass(AFTERMATH_MS)
    const entries = this.lastWord()
    // What lookups left behind is over after the lifetime of a request.
    this.pass(AFTERMATH_MS)
    this.violations.push(...quietFaults(this.herd, QUIET_MS, this.pass))
    const loadPerPeer = this.loadPerPeer()
    this.progress('done')
    return {
      plan: this.plan,
      digest: this.overlay.world.digest.value,
      events: this.overlay.world.events,
      violations: this.violations,
      measures: this.measures,
      tallies: talliesOf(this.herd.tallies, this.overlay.running),
      entries,
      stores: { done: this.population.stored, refused: this.population.refused },
      departures: churning?.departures ?? 0,
      healedAfterMs,
      times: { loadFrom, loadTo, end: this.now },
      loadPerPeer,
      loops: this.loops?.count ?? 0,
    }
  }

  private grow(): void {
    const { peers, joinSpacingMs } = this.plan
    for (let count = 0; count < peers; count++) {
      this.herd.start()
      this.overlay.world.run(joinSpacingMs)
      if (count % 100 === 99) this.progress('growing')
    }
    if (!this.until(() => this.overlay.running.every((peer) => peer.joined), GROW_LIMIT_MS, 'growing')) {
      const missing = this.overlay.running.filter((peer) => !peer.joined).length
      this.violations.push(`${missing} of ${peers} peers have not joined within ${GROW_LIMIT_MS / 1000} s`)
    }
    if (!this.until(() => ringFaults(this.overlay, 1).length === 0, this.plan.healLimitMs, 'growing'))
      this.violations.push(`the ring does not form: ${ringFaults(this.overlay, 3).join('; ')}`)
  }

  private register(): void {
    this.population.begin(REGISTER_WITHIN_MS)
    this.overlay.world.run(REGISTER_WITHIN_MS)
    const all = (): boolean => this.population.users.every((user) => user.history.acknowledged !== undefined)
    if (!this.until(all, this.plan.healLimitMs, 'registering'))
      this.violations.push('not all users could register')
  }

  private load(): Churning | undefined {
    const { plan, overlay } = this
    overlay.network.faults = plan.faults
    if (overlay.attackers !== undefined) overlay.attackers.active = true
    const churning = plan.churn === undefined ? undefined : new Churning(this.herd, plan.churn)
    churning?.begin()
    new Mishaps(this.herd, this.population, (text) => this.measures.note(text)).begin(plan.mishaps)
    this.lookups.begin(plan.lookupsPerSecond)
    const slice = Math.max(STEP_MS, plan.loadMs / SLICES)
    for (const end = this.now + plan.loadMs; this.now < end;) {
      overlay.world.run(Math.min(slice, end - this.now))
      this.measures.slice()
      this.progress('load')
    }
    churning?.stop()
    return churning
  }

  /** Faults off; the users and the lookups go on for a while, then they rest too. */
  private heal(): Millis | undefined {
    const { overlay, plan } = this
    overlay.network.faults = CALM
    overlay.network.heal()
    for (const { name } of overlay.peers) overlay.network.makeRoom(name)
    if (overlay.attackers !== undefined) overlay.attackers.active = false
    const from = this.now
    const resources = resourcesOf(this.population.users)
    const held = (): boolean =>
      replicaFaults(overlay, this.present(resources)).length === 0 && deficits(overlay).length === 0
    const right = (): boolean => ringFaults(overlay, 1).length === 0 && held()
    const settled = this.until(right, plan.healLimitMs, 'healing')
    const after = this.now - from
    if (!settled) {
      const faults = [
        ...ringFaults(overlay, 3),
        ...replicaFaults(overlay, this.present(resources)).slice(0, 3),
        ...deficits(overlay).slice(0, 3),
      ]
      this.violations.push(`not right ${plan.healLimitMs / 1000} s after the faults: ${faults.join('; ')}`)
    }
    this.population.rest()
    this.lookups.stop()
    return settled ? after : undefined
  }

  /** Resources that somebody still holds: what nobody has is not a question of copies. */
  private present(resources: ReturnType<typeof resourcesOf>): ReturnType<typeof resourcesOf> {
    const ring = this.overlay.ring()
    return resources.filter((resource) => ring.dueHolders(resource).some((peer) => peer.core.holds(resource)))
  }

  private lastWord(): EntryReport {
    const all = this.overlay.running.length <= EVERYBODY_UP_TO
    const askers = all ? EVERYBODY_UP_TO : ASKERS
    const random = this.overlay.world.fork('last word')
    const entries = entryReport(this.herd, this.population, askers, { random, pass: this.pass })
    const { lost, resurrected, failed } = entries
    const complaints = { lost, resurrected, failed }
    for (const [what, texts] of Object.entries(complaints)) {
      if (texts.length > 0) this.violations.push(`${texts.length} ${what}: ${texts.slice(0, 3).join('; ')}`)
    }
    const { wrong } = this.measures.total
    if (wrong > 0) this.violations.push(`${wrong} lookups found what nobody wrote`)
    return entries
  }

  private loadPerPeer(): number[] {
    const seconds = Math.max(1, this.now / 1000)
    return this.overlay.running.map((peer) => this.overlay.network.traffic(peer.name).deliveries / seconds)
  }

  private until(done: () => boolean, limit: Millis, phase: Phase): boolean {
    const end = this.now + limit
    while (!done()) {
      if (this.now >= end) return false
      this.overlay.world.run(STEP_MS)
      this.progress(phase)
    }
    return true
  }

  /** Time goes by while the end is looked at, which takes long where there are many peers. */
  private readonly pass = (ms: Millis): void => {
    for (const end = this.now + ms; this.now < end;) {
      this.overlay.world.run(Math.min(STEP_MS, end - this.now))
      this.progress('checking')
    }
  }

  private progress(phase: Phase): void {
    this.options.progress?.(phase, this.now, this.overlay.peers.length)
  }

  private get now(): Millis {
    return this.overlay.world.now.ms
  }
}

const GROW_LIMIT_MS = 120_000
const REGISTER_WITHIN_MS = 20_000
