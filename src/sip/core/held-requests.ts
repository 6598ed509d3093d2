/** Requests that have a transaction already and wait for what the overlay says of their caller. */
import type { ForkContext, RouteDecision, Wish } from '../proxy/index.ts'
import type { IncomingRequest, ServerTransaction } from '../transaction/index.ts'

export interface HeldRequest {
  readonly incoming: IncomingRequest
  readonly route: RouteDecision
  readonly wish: Wish
  readonly server: ServerTransaction<ForkContext>
}

export class HeldRequests {
  private readonly held = new Set<ServerTransaction<ForkContext>>()
  private readonly cancelled = new Set<ServerTransaction<ForkContext>>()

  get size(): number {
    return this.held.size
  }

  hold(request: HeldRequest): void {
    this.held.add(request.server)
  }

  /** The caller has given up; true when the request was held. */
  cancel(server: ServerTransaction<ForkContext>): boolean {
    if (!this.held.has(server)) return false
    this.cancelled.add(server)
    return true
  }

  /** It waits no longer; false when its caller has given up meanwhile. */
  release(request: HeldRequest): boolean {
    this.held.delete(request.server)
    return !this.cancelled.delete(request.server)
  }
}
