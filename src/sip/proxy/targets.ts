/** The target set (RFC 3261 s.16.5): what it holds, in which order, and nothing twice. */
import type { Millis } from '../../common/time.ts'
import type { Hop, Transport } from '../transaction/hop.ts'

export type Way =
  /** Known hop. */
  | { readonly kind: 'hop'; readonly hop: Hop }
  /** A peer that is yet to be connected to. */
  | { readonly kind: 'peer'; readonly address: string; readonly secure: boolean }
  /** A host outside, by RFC 3263. */
  | {
      readonly kind: 'host'
      readonly host: string
      readonly port: number | undefined
      readonly transport: Transport | undefined
      readonly secure: boolean
    }

/** Where the call metrics book a target. */
export type TargetPath = 'local' | 'overlay' | 'dns' | 'gruu'

export interface Target {
  /** Request-URI to send. */
  readonly uri: string
  /** Route values to put in front, as they will stand in the message. */
  readonly routes: readonly string[]
  readonly way: Way
  /** Thousandths. */
  readonly q: number
  /** Two targets with one key are one target. */
  readonly key: string
  /** RFC 5626 s.7: of one instance only the newest registration is tried at a time. */
  readonly instance: string | undefined
  readonly registeredAt: Millis
  readonly path: TargetPath
}

/** Ordered by q; equal ones as they were added. */
export class TargetSet {
  private readonly seen = new Set<string>()
  private waiting: Target[] = []
  private taken = 0
  private readonly takenMax: number

  constructor(takenMax: number) {
    this.takenMax = takenMax
  }

  /** Targets that will never be tried because of `maxForks` do not count. */
  get empty(): boolean {
    return this.waiting.length === 0 || this.taken >= this.takenMax
  }

  get size(): number {
    return this.waiting.length
  }

  get highestQ(): number {
    return this.waiting[0]?.q ?? -1
  }

  /** False when it is there already. */
  add(target: Target): boolean {
    const instanceKey = target.instance === undefined ? undefined : `instance ${target.instance}`
    if (this.seen.has(target.key)) return false
    this.seen.add(target.key)
    if (instanceKey !== undefined) {
      const twin = this.waiting.findIndex((other) => other.instance === target.instance)
      if (twin >= 0) {
        // The newer registration of a phone stands for both.
        const other = this.waiting[twin]
        if (other === undefined || other.registeredAt >= target.registeredAt) return false
        this.waiting.splice(twin, 1)
      } else if (this.seen.has(instanceKey)) return false
      this.seen.add(instanceKey)
    }
    let at = this.waiting.length
    while (at > 0 && (this.waiting[at - 1]?.q ?? 0) < target.q) at--
    this.waiting.splice(at, 0, target)
    return true
  }

  /** The targets of the highest q, at most `limit` of them; taken out. */
  takeGroup(limit: number): Target[] {
    const q = this.highestQ
    const group: Target[] = []
    const room = Math.min(limit, this.takenMax - this.taken)
    while (group.length < room && this.waiting[0]?.q === q) group.push(this.waiting.shift() as Target)
    this.taken += group.length
    return group
  }

  clear(): void {
    this.waiting = []
  }
}
