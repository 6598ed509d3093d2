/**
 * Phones that rang, have lost their connection, and come back while the caller still waits (docs/adr/0035): because others of the user ring, or
 * because they are waited for.
 */
import type { Deadline } from '../../common/deadlines.ts'
import type { Millis } from '../../common/time.ts'
import { parseUri } from '../message/index.ts'
import type { Hop } from '../transaction/hop.ts'
import { Branch, type ForkContext, type ProxyTimer } from './branch.ts'
import type { Branches } from './branches.ts'
import type { Breadth, Coming } from './breadth.ts'
import type { ProxyEnvironment } from './environment.ts'
import type { OtherFlows } from './other-flows.ts'
import type { LocalBinding } from './ports.ts'

/** Judgement: softphones connect and register again within seconds; who has closed a browser is not waited for much longer. */
const COMES_BACK_WITHIN_MS: Millis = 5_000

interface Parts {
  readonly branches: Branches
  readonly breadth: Breadth
  readonly otherFlows: OtherFlows
}

export class LostPhones {
  private readonly environment: ProxyEnvironment
  private readonly context: ForkContext
  private readonly parts: Parts
  private readonly lost = new Set<Branch>()
  /** No answer is given to the caller before that. */
  private patience: Deadline<ProxyTimer> | undefined = undefined

  constructor(environment: ProxyEnvironment, context: ForkContext, parts: Parts) {
    this.environment = environment
    this.context = context
    this.parts = parts
  }

  /** One may still come back. */
  get awaited(): boolean {
    return this.patience !== undefined
  }

  /** A branch has failed with its connection. */
  add(now: Millis, branch: Branch): void {
    if (!isOnConnection(branch.client?.hop)) return
    this.lost.add(branch)
    const { deadlines } = this.environment
    deadlines.cancel(this.patience)
    this.patience = deadlines.set(now + COMES_BACK_WITHIN_MS, { kind: 'lost', context: this.context })
  }

  /** They have not come back in time. */
  timeout(): void {
    this.patience = undefined
  }

  /** Nobody waits for them any more. */
  forget(): void {
    this.environment.deadlines.cancel(this.patience)
    this.patience = undefined
    this.lost.clear()
  }

  /** They hear the same INVITE by the connections that they have registered by since: whoever has answered it meanwhile is heard. */
  findAgain(now: Millis, coming: Coming): void {
    const { branches, breadth, otherFlows } = this.parts
    for (const branch of this.lost) {
      const [share] = breadth.take(1, coming)
      if (share === undefined) return
      const again = new Branch(this.context, branch.target, share)
      again.client = branch.client
      again.branchId = branch.branchId
      again.resumed = branch.resumed
      again.rangBy = branch.rangBy
      if (otherFlows.resume(now, again)) {
        this.lost.delete(branch)
        branches.all.push(again)
      } else {
        breadth.giveBack(share)
      }
    }
    if (this.lost.size === 0) this.forget()
  }
}

/**
 * The phone has had this INVITE. On another connection a phone may show another address or port in its Contact as well; by a second INVITE it would ring
 * twice, or answer 482 (RFC 3261 s.8.2.2.2). Where it states no instance the Call-ID of its REGISTERs says that it is the same.
 */
export function isRung({ target, state, client, resumed }: Branch, binding: LocalBinding): boolean {
  if (target.uri === binding.contact) return true
  const has = state === 'proceeding' || (state === 'calling' && resumed > 0)
  if (!has || target.registration !== binding.callId || !isOnConnection(client?.hop)) return false
  const [before, now] = [parseUri(target.uri), parseUri(binding.contact)]
  const moved = before?.host !== now?.host || before?.port !== now?.port
  return moved && before?.user === now?.user && isOnConnection(binding.reach)
}

function isOnConnection(hop: Hop | undefined): boolean {
  return hop !== undefined && hop.flow !== 0 && hop.transport !== 'peer'
}
