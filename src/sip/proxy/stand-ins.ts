/** The ways that calls have found around dead peers (docs/adr/0024). */
import { RecentMap } from '../../common/recent-map.ts'
import type { Target } from './targets.ts'

/** Calls whose way is remembered; beyond that the oldest is looked up again. */
const REMEMBERED_MAX = 10_000

/** By which way requests of a call have reached the phone whose peer is gone. Loss costs a search. */
export class StandIns {
  private readonly ways = new RecentMap<string, { readonly key: string; readonly target: Target }>()

  get size(): number {
    return this.ways.size
  }

  /** For the next request of the call, whose Request-URI may be another. */
  find(callId: string, peer: string, requestUri: string): Target | undefined {
    const known = this.ways.get(keyOf(callId, peer))?.target
    if (known === undefined) return undefined
    return requestUri.includes(';gr=') ? known : { ...known, uri: requestUri }
  }

  found(callId: string, peer: string, target: Target): void {
    const key = keyOf(callId, peer)
    this.ways.set(key, { key, target })
    const oldest = this.ways.size > REMEMBERED_MAX ? this.ways.oldest() : undefined
    if (oldest !== undefined) this.ways.delete(oldest.key)
  }

  forget(callId: string, peer: string): void {
    this.ways.delete(keyOf(callId, peer))
  }
}

function keyOf(callId: string, peer: string): string {
  return `${peer} ${callId}`
}
