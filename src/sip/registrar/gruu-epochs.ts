/**
 * Which temporary GRUUs of an instance are still good (RFC 5627 s.5.1): those made in the epoch that its bindings are in. A new epoch
 * begins when the phone registers with another Call-ID than the last time, and when it has had no binding for a while.
 */
import type { Binding } from './binding.ts'

/** The epochs of one REGISTER. `fresh` gives an epoch that was never used. */
export class GruuEpochs {
  private readonly live: readonly Binding[]
  private readonly callId: string
  private readonly fresh: () => string
  private begun: Map<string, string> | undefined

  constructor(live: readonly Binding[], callId: string, fresh: () => string) {
    this.live = live
    this.callId = callId
    this.fresh = fresh
  }

  /** The epoch of a binding that is about to be made; undefined for a phone that does not say which one it is. */
  of(instance: string | undefined, regId: string | undefined): string | undefined {
    if (instance === undefined) return undefined
    const begun = this.begun?.get(instance)
    if (begun !== undefined) return begun
    let known: string | undefined
    let latest: Binding | undefined
    for (const binding of this.live) {
      if (binding.instance !== instance) continue
      known ??= binding.gruuEpoch
      if (regId !== undefined && binding.regId !== regId) continue
      if (latest === undefined || binding.registeredAt >= latest.registeredAt) latest = binding
    }
    if (known !== undefined && (latest === undefined || latest.callId === this.callId)) return known
    const epoch = this.fresh()
    this.begun ??= new Map()
    this.begun.set(instance, epoch)
    return epoch
  }

  /** The bindings as they will be, all of an instance in its epoch. */
  settled(planned: Binding[]): Binding[] {
    const { begun } = this
    if (begun === undefined) return planned
    return planned.map((binding) => {
      const epoch = binding.instance === undefined ? undefined : begun.get(binding.instance)
      return epoch === undefined || epoch === binding.gruuEpoch ? binding : { ...binding, gruuEpoch: epoch }
    })
  }
}
