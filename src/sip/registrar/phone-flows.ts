/** The flows that bindings are pinned to: which AORs one carries, what becomes of bindings when it ends, who has come back by another. */
import { Tally } from '../../common/instruments.ts'
import type { Millis } from '../../common/time.ts'
import { isLive, type Binding } from './binding.ts'
import { FlowIndex } from './flow-index.ts'
import { LostFlows } from './lost-flows.ts'
import { withoutFlow } from './reach.ts'

export interface PhoneFlowsHost {
  bindings(aor: string): readonly Binding[]
  isUp(flow: number): boolean
}

export class PhoneFlows {
  readonly lost = new Tally([''])
  private readonly host: PhoneFlowsHost
  private readonly index = new FlowIndex()
  private readonly former = new LostFlows()

  constructor(host: PhoneFlowsHost) {
    this.host = host
  }

  /** Somebody is reached by that flow. */
  has(flow: number): boolean {
    return this.index.has(flow)
  }

  /** The phone may have moved from one connection to another; dialogs still know the one that it has left. */
  left(aor: string, before: readonly Binding[], after: readonly Binding[]): void {
    for (const binding of before) {
      const { flow } = binding.reach
      if (flow === 0 || after.some((kept) => kept.reach.flow === flow)) continue
      const shared = this.index.isShared(flow)
      this.index.remove(flow, aor)
      this.former.remember(flow, aor, binding, shared)
    }
  }

  /** Bindings that hold from now on. */
  entered(now: Millis, aor: string, bindings: readonly Binding[], graceS: number): void {
    for (const binding of bindings) {
      const { flow } = binding.reach
      if (flow === 0 || binding.flowLost) continue
      if (this.host.isUp(flow)) this.index.add(flow, aor)
      else this.lose(now, binding, graceS) // closed while the publication was under way
    }
  }

  /** Of these bindings those have ended whose time is over. */
  ended(now: Millis, aor: string, bindings: readonly Binding[]): void {
    for (const { endsAt, reach } of bindings) if (endsAt <= now) this.index.remove(reach.flow, aor)
    for (const { endsAt, reach, flowLost } of bindings)
      if (endsAt > now && !flowLost) this.index.add(reach.flow, aor)
  }

  /** The AORs whose bindings are other ones now that a flow is gone. */
  closed(now: Millis, flow: number, graceS: number): Iterable<string> {
    const shared = this.index.isShared(flow)
    const aors = this.index.take(flow) ?? NO_AORS
    for (const aor of aors) {
      for (const binding of this.host.bindings(aor)) {
        if (binding.reach.flow !== flow || binding.flowLost) continue
        this.former.remember(flow, aor, binding, shared)
        this.lose(now, binding, graceS)
      }
    }
    return aors
  }

  /** The phone is reached by its address or its Path from now on, where that can be; else it is no target, and gone after the grace time. */
  lose(now: Millis, binding: Binding, graceS: number): void {
    const address = withoutFlow(binding)
    if (address !== undefined) {
      binding.reach = address
      return
    }
    binding.flowLost = true
    binding.endsAt = Math.min(binding.endsAt, Math.floor(now) + graceS * 1000)
    this.lost.add()
  }

  /** The binding that the phone of `user` has now which was at the far end of `flow`. */
  successor(flow: number, user: string | undefined, now: Millis): Binding | undefined {
    const aor = this.former.aorOf(flow, user)
    return aor === undefined ? undefined : this.former.successor(flow, aor, this.live(aor, now))
  }

  /** The one by which it has taken the place of `flow`, which may still look as if it were there. */
  replacement(flow: number, user: string | undefined, now: Millis): Binding | undefined {
    const aor = this.former.aorOf(flow, user)
    return aor === undefined ? undefined : this.former.replacement(flow, aor, this.live(aor, now))
  }

  private live(aor: string, now: Millis): readonly Binding[] {
    return this.host.bindings(aor).filter((binding) => isLive(binding, now))
  }
}

const NO_AORS: ReadonlySet<string> = new Set()
