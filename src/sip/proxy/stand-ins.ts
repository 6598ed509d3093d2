/** The ways that calls have found around dead peers (docs/adr/0024). */
import { detached } from '../../common/detached.ts'
import { RecentMap } from '../../common/recent-map.ts'
import { type SipMessage } from '../message/index.ts'
import type { Target } from './targets.ts'

/** As much of a request as says which dialog it is of: whoever has answered has a way of its own, whose tag only those in the call know. */
export interface DialogRequest {
  readonly callId: string
  readonly to: Pick<SipMessage['to'], 'params'>
}

/** Calls whose way is remembered; beyond that the oldest is looked up again. */
const REMEMBERED_MAX = 10_000

/** By which way requests of a call have reached the phone whose peer is gone. Loss costs a search. */
export class StandIns {
  private readonly ways = new RecentMap<string, { readonly key: string; readonly target: Target }>()

  get size(): number {
    return this.ways.size
  }

  /** For the next request of the call, whose Request-URI may be another. */
  find(request: DialogRequest, peer: string, requestUri: string): Target | undefined {
    const known = this.ways.get(keyOf(request, peer))?.target
    if (known === undefined) return undefined
    return requestUri.includes(';gr=') || known.uri === requestUri ? known : { ...known, uri: requestUri }
  }

  found(request: DialogRequest, peer: string, target: Target): void {
    const key = detached(keyOf(request, peer))
    this.ways.set(key, { key, target: { ...target, uri: detached(target.uri) } })
    const oldest = this.ways.size > REMEMBERED_MAX ? this.ways.oldest() : undefined
    if (oldest !== undefined) this.ways.delete(oldest.key)
  }

  forget(request: DialogRequest, peer: string): void {
    this.ways.delete(keyOf(request, peer))
  }
}

function keyOf({ callId, to }: DialogRequest, peer: string): string {
  return `${peer} ${to.params.get('tag') ?? ''} ${callId}`
}
