/** The target set (RFC 3261 s.16.5): what it holds, in which order, and nothing twice. */
import type { Millis } from '../../common/time.ts'
import type { Hop, Transport } from '../transaction/hop.ts'
import { PREFERENCE_MAX } from './caller-preferences.ts'
import { Siblings, type MarkedTarget } from './siblings.ts'

export type Way =
  /** Known hop. `domain` is what this node has asked for when it connected to there, and may again; undefined where the far end did. */
  | { readonly kind: 'hop'; readonly hop: Hop; readonly domain?: string | undefined }
  /** A peer that is yet to be connected to. */
  | { readonly kind: 'peer'; readonly address: string; readonly secure: boolean }
  /** A host outside, by RFC 3263. */
  | {
      readonly kind: 'host'
      readonly host: string
      readonly port: number | undefined
      readonly transport: Transport | undefined
      readonly secure: boolean
      /** What the certificate has to name where TLS is used (RFC 5922 s.7.3). */
      readonly domain: string
      /** Addresses of our own, which are passed over, are to be expected: an engine in front does not look it up itself. */
      readonly notUs: boolean
      /** Named by somebody who is elsewhere: addresses of this machine and its link are passed over. */
      readonly abroad?: boolean
      /** Where it goes when nothing is known of the host, or nobody answers there: the way by which a phone of that name has registered. */
      readonly otherwise?: Hop
    }

/** Where the call metrics book a target. */
export type TargetPath = 'local' | 'overlay' | 'dns' | 'gruu'

export interface Target extends MarkedTarget {
  /** Request-URI to send. */
  readonly uri: string
  /** Route values to put in front, as they will stand in the message. */
  readonly routes: readonly string[]
  readonly way: Way
  /** Thousandths. Of the Contact of a 3xx where one has led here. */
  readonly q: number
  /** Then its own, which orders the phones of that user. */
  readonly ownQ?: number
  /** Two targets with one key are one target. */
  readonly key: string
  /** RFC 5626 s.7: of one instance only the newest registration is tried at a time. */
  readonly instance: string | undefined
  /** Set where the instance has registered flows (RFC 5626): when this one fails another may be tried. */
  readonly regId: string | undefined
  readonly registeredAt: Millis
  /** Call-ID of its REGISTER; undefined where it is no phone that has registered here. */
  readonly registration?: string
  readonly path: TargetPath
  /** How much it is what the caller wants, in thousandths; orders targets of equal q (RFC 3841 s.7.2.4). */
  readonly preference?: number
  /** Name of the trunk whose other side it is, for credentials. */
  readonly line: string | undefined
  /** True: its routes are all there are. What the request has of others leads to the peer that it stands in for. */
  readonly whole?: boolean
  /** Name of the peer in hex, where it matters which one it is. */
  readonly peer?: string | undefined
}

const Q_MAX = 1000

/** The callee's wish first, then the caller's. */
function rankOf({ q, ownQ = Q_MAX, preference = PREFERENCE_MAX }: Target): number {
  return (q * (Q_MAX + 1) + ownQ) * (PREFERENCE_MAX + 1) + preference
}

/** As the q of a Contact that has led to it says (RFC 3261 s.16.5); undefined when none has. */
export function ledBy(q: number | undefined, target: Target): Target {
  return q === undefined ? target : { ...target, q, ownQ: target.q }
}

/**
 * Of phones that are registered at several peers: `parallel` rings each by one peer at a time, `serial` takes all phones of a user at other peers
 * for one, `all` leaves it to somebody else.
 */
export type SiblingMode = 'parallel' | 'serial' | 'all'

/**
 * Judgement: keys of targets that one request may have, with those that come while it rings. Far more than a user has phones; a stranger who
 * registers for ever finds an end here.
 */
const TARGETS_MAX = 512

/** Judgement: how often others stand in for targets of one request. Each may be silent for half a minute, and somebody waits. */
const STAND_INS_MAX = 5

/** Ordered by q and preference; equal ones as they were added. */
export class TargetSet {
  private readonly seen = new Set<string>()
  private waiting: Target[] = []
  /** Other flows of an instance that is a target already, tried when that one's has failed. */
  private spare: Target[] = []
  private taken = 0
  private standIns = 0
  private readonly siblings = new Siblings<Target>()
  private readonly takenMax: number
  private readonly sparesAll: boolean
  private readonly siblingMode: SiblingMode

  /**
   * `sparesAll` for a request to a GRUU: of several registrations of its instance the next newest is tried when one has failed, even where they
   * are no flows of RFC 5626 (RFC 5627 s.6.1).
   */
  constructor(takenMax: number, sparesAll = false, siblingMode: SiblingMode = 'all') {
    this.takenMax = takenMax
    this.siblingMode = siblingMode
    this.sparesAll = sparesAll
  }

  /** Targets that will never be tried because of `maxForks` do not count. */
  get empty(): boolean {
    return this.waiting.length === 0 || this.taken >= this.takenMax
  }

  get size(): number {
    return this.waiting.length
  }

  /** Of those that wait: equal ones belong together. -1 without any. */
  get highestRank(): number {
    const [first] = this.waiting
    return first === undefined ? -1 : rankOf(first)
  }

  /** Of those that wait. -1 without any. */
  get highestQ(): number {
    return this.waiting[0]?.q ?? -1
  }

  /** False when it is there already. */
  add(target: Target): boolean {
    const instanceKey = target.instance === undefined ? undefined : `instance ${target.instance}`
    if (this.seen.has(target.key) || this.seen.size >= TARGETS_MAX) return false
    this.seen.add(target.key)
    if (instanceKey !== undefined) {
      const twin = this.waiting.findIndex((other) => other.instance === target.instance)
      if (twin >= 0) {
        // The newer registration of a phone stands for both.
        const other = this.waiting[twin]
        if (other === undefined || other.registeredAt >= target.registeredAt) {
          this.keep(target)
          return false
        }
        this.waiting.splice(twin, 1)
        this.siblings.forget(other)
        this.keep(other)
      } else if (this.seen.has(instanceKey)) {
        this.keep(target)
        return false
      }
      this.seen.add(instanceKey)
    }
    const wanted = this.siblings.admit(target, this.isWhole(target))
    if (wanted === undefined) return false
    this.insert(wanted)
    return true
  }

  /** Another peer could ring phones of this target. */
  hasSiblingOf(target: Target): boolean {
    return this.siblings.hasFor(target)
  }

  /**
   * The phones of a target were not reached there: other peers that have them become targets; false without one, and when there have been
   * too many of them.
   */
  addSiblingsOf(failed: Target): boolean {
    if (this.standIns >= STAND_INS_MAX) return false
    const siblings = this.siblings.takeFor(failed)
    if (siblings.length === 0) return false
    this.standIns++
    if (this.taken > 0) this.taken--
    for (const target of siblings) this.insert(target)
    return true
  }

  /** It was too slow, and is tried once more when the others have failed, too. */
  putBack(target: Target): void {
    this.siblings.putBack(target)
  }

  /** It is tried in the place of another that may have reached the phone. */
  isStandIn(target: Target): boolean {
    return this.siblings.isStandIn(target)
  }

  /** RFC 5626 s.7: the next newest flow of the instance whose flow has failed becomes a target; false without one. */
  addSpareOf(failed: Target): boolean {
    let newest: Target | undefined
    for (const target of this.spare) {
      if (failed.instance === undefined || target.instance !== failed.instance) continue
      if (newest === undefined || target.registeredAt > newest.registeredAt) newest = target
    }
    if (newest === undefined) return false
    this.spare.splice(this.spare.indexOf(newest), 1)
    this.insert(newest)
    return true
  }

  /** The targets of the highest rank, at most `limit` of them; taken out. */
  takeGroup(limit: number): Target[] {
    const rank = this.highestRank
    const group: Target[] = []
    const room = Math.min(limit, this.takenMax - this.taken)
    while (group.length < room && this.highestRank === rank && rank >= 0)
      group.push(this.waiting.shift() as Target)
    this.taken += group.length
    return group
  }

  clear(): void {
    this.waiting = []
    this.spare = []
    this.siblings.clear()
  }

  private isWhole({ way }: Target): boolean {
    return this.siblingMode === 'all' || (this.siblingMode === 'serial' && way.kind !== 'peer')
  }

  private keep(target: Target): void {
    if (target.regId !== undefined || this.sparesAll) this.spare.push(target)
  }

  private insert(target: Target): void {
    let at = this.waiting.length
    const rank = rankOf(target)
    while (at > 0 && rankOf(this.waiting[at - 1] as Target) < rank) at--
    this.waiting.splice(at, 0, target)
  }
}
