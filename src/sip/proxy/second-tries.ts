/**
 * What is tried before a branch counts as failed: the next address of its target (RFC 3263 s.4.3), another flow to the same peer or phone
 * (docs/adr/0035), and patience with a phone that rang and may come back.
 */
import type { Millis } from '../../common/time.ts'
import { Branch, type ForkContext } from './branch.ts'
import type { Branches } from './branches.ts'
import type { BranchSender, OutgoingRequest } from './branch-sender.ts'
import type { Breadth, Coming } from './breadth.ts'
import type { ProxyEnvironment } from './environment.ts'
import { LostPhones } from './lost-phones.ts'
import { OtherFlows } from './other-flows.ts'
import type { SilentPeers } from './silent-peers.ts'
import type { TargetSet } from './targets.ts'

interface Parts {
  readonly outgoing: OutgoingRequest
  readonly sender: BranchSender
  readonly set: TargetSet
  readonly branches: Branches
  readonly breadth: Breadth
  readonly peers: SilentPeers
  /** The user whose phones are rung; undefined when it is not about a user. */
  readonly aor: string | undefined
  /** It is of a call that is up and goes to a peer next, which has stand-ins of its own. */
  readonly inCall: boolean
}

/** What the branch and its context had come to when it failed. */
interface Failed {
  readonly cause: 'timeout' | 'transport'
  /** A response has come. */
  readonly heard: boolean
  /** No further target is started. */
  readonly stopped: boolean
}

export class SecondTries {
  private readonly environment: ProxyEnvironment
  private readonly context: ForkContext
  private readonly parts: Parts
  private readonly otherFlows: OtherFlows
  private readonly invite: boolean
  /** Once the connection of a phone broke while it rang. */
  private lost: LostPhones | undefined = undefined

  constructor(environment: ProxyEnvironment, context: ForkContext, parts: Parts) {
    this.environment = environment
    this.context = context
    this.parts = parts
    this.otherFlows = new OtherFlows(environment, parts.outgoing, parts.sender)
    this.invite = parts.outgoing.incoming.message.method === 'INVITE'
  }

  /** A phone that rang may still come back. */
  get awaited(): boolean {
    return this.lost?.awaited === true
  }

  /** True when the branch goes on in another way. */
  goesOn(now: Millis, branch: Branch, { cause, heard, stopped }: Failed): boolean {
    const broken = cause === 'transport'
    if (heard) {
      if (broken && this.resumed(now, branch)) return true
      if (broken && this.invite && !stopped) this.lose(now, branch)
    }
    // S3261-18.1-02: only a refusal says that UDP may do better.
    if (!broken) branch.datagramHop = undefined
    if (heard) return false
    if (!stopped && this.parts.sender.next(now, branch)) return true
    return broken && this.sentAgain(now, branch, stopped)
  }

  /**
   * Sooner than its timers: the next address is tried while the silent one keeps its transaction, so that it can be cancelled if it rings
   * after all.
   */
  supersede(now: Millis, branch: Branch): void {
    const { sender, branches } = this.parts
    const other = new Branch(this.context, branch.target, branch.breadth)
    other.alternatives = branch.alternatives
    branch.alternatives = []
    if (!sender.next(now, other)) return
    sender.lost(now, branch)
    branch.superseded = true
    branches.all.push(other)
  }

  /** The phone may have got the same request by another way before. */
  mayHaveCome(branch: Branch): boolean {
    const { set, branches } = this.parts
    return branch.resumed > 0 || set.isStandIn(branch.target) || branches.isAnotherFlow(branch)
  }

  /** A phone of the user has registered: those that lost their connections hear the same INVITE by the new ones. */
  findAgain(now: Millis, coming: Coming): void {
    this.lost?.findAgain(now, coming)
  }

  /** They have had time to come back. */
  timeout(): void {
    this.lost?.timeout()
  }

  /** Nobody waits for anybody any more. */
  forget(): void {
    this.lost?.forget()
  }

  /** Of what rings. Whoever else has the phone rings it when a peer is not there again within a second (docs/adr/0019). */
  private resumed(now: Millis, branch: Branch): boolean {
    const { inCall, set, peers } = this.parts
    if (inCall) return false
    const { target } = branch
    if (target.way.kind !== 'peer' && set.hasSiblingOf(target)) return false
    if (!this.otherFlows.resume(now, branch)) return false
    peers.watch(now, branch)
    return true
  }

  /** By another flow than the one that broke before anything was heard. */
  private sentAgain(now: Millis, branch: Branch, stopped: boolean): boolean {
    // A phone may ring for an INVITE. When nobody waits for that any more the peer is heard of all the same, and it is cancelled there.
    if ((this.invite || !stopped) && this.otherFlows.reconnect(now, branch)) {
      this.parts.peers.watch(now, branch)
      return true
    }
    return !stopped && this.otherFlows.follow(now, branch)
  }

  /** A phone that rang may come back by another connection, unless another peer has it and rings it at once. */
  private lose(now: Millis, branch: Branch): void {
    const { aor, set, branches, breadth } = this.parts
    if (aor === undefined || set.hasSiblingOf(branch.target)) return
    const { environment, context, otherFlows } = this
    this.lost ??= new LostPhones(environment, context, { branches, breadth, otherFlows })
    this.lost.add(now, branch)
  }
}
