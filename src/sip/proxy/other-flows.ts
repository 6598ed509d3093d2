/** What was under way by a flow that broke goes on by another one, where there is any (docs/adr/0035). */
import type { Millis } from '../../common/time.ts'
import type { Hop } from '../transaction/hop.ts'
import type { Branch } from './branch.ts'
import type { BranchSender, OutgoingRequest } from './branch-sender.ts'
import type { ProxyEnvironment } from './environment.ts'
import { returnedPhone } from './phone-moves.ts'

/** Judgement: a line that breaks more often while a phone rings is none that people could talk by. */
const RESUMES_MAX = 3

export class OtherFlows {
  private readonly environment: ProxyEnvironment
  private readonly request: OutgoingRequest
  private readonly sender: BranchSender

  constructor(environment: ProxyEnvironment, request: OutgoingRequest, sender: BranchSender) {
    this.environment = environment
    this.request = request
    this.sender = sender
  }

  /** A peer flow that broke before any answer is opened once more; false when that has been done. */
  reconnect(now: Millis, branch: Branch): boolean {
    const { way } = branch.target
    const address =
      way.kind === 'peer'
        ? way.address
        : way.kind === 'hop' && way.hop.transport === 'peer'
          ? `node:${way.hop.host}`
          : ''
    if (address === '' || branch.reconnected) return false
    branch.reconnected = true
    this.sender.sendToPeer(now, branch, address)
    return true
  }

  /**
   * The flow to a peer broke while phones ring there, or that of a phone which has registered by another one since (RFC 5626). It hears the INVITE again
   * by another one, with the same branch id: who knows it says how things are; should he have begun anew, it rings anew. False when it has broken too
   * often, or nothing leads there.
   */
  resume(now: Millis, branch: Branch): boolean {
    const hop = branch.client?.hop
    if (this.request.incoming.message.method !== 'INVITE' || hop === undefined) return false
    if (hop.transport !== 'peer') return this.resumeByPhone(now, branch, hop)
    if (branch.resumed >= RESUMES_MAX) return false
    branch.resumed++
    this.sender.sendToPeer(now, branch, `node:${hop.host}`)
    return true
  }

  /**
   * Inside a call: the connection broke when the request went out by it, as one does that a NAT has forgotten. The phone may be registered by
   * another; a server is connected to again. False where neither helps, and the second time.
   */
  follow(now: Millis, branch: Branch): boolean {
    const hop = branch.client?.hop
    const { message } = this.request.incoming
    if (hop === undefined || hop.flow === 0 || hop.transport === 'peer' || branch.reconnected) return false
    if (!message.to.params.has('tag') || branch.target.instance !== undefined) return false
    const { ports, identity } = this.environment
    const { way } = branch.target
    const again = way.kind === 'hop' && way.domain !== undefined && way.hop.flow !== 0
    const there =
      ports.successor(now, hop.flow, identity.userOf(message.to)) ?? (again ? { ...hop, flow: 0 } : undefined)
    if (there === undefined) return false
    branch.reconnected = true
    return this.sender.send(now, branch, there)
  }

  private resumeByPhone(now: Millis, branch: Branch, lost: Hop): boolean {
    let there = branch.resumed < RESUMES_MAX ? this.returned(now, lost) : undefined
    if (there !== undefined) {
      branch.rangBy = there.flow === 0 ? lost : undefined
      branch.resumed++
    } else if (branch.rangBy !== undefined) {
      // At the address in its Contact it has been tried, without success. It may have registered by a connection since.
      there = this.returned(now, branch.rangBy)
      if (there?.flow === 0) return false
      if (there !== undefined) branch.rangBy = undefined
    }
    return there !== undefined && this.sender.send(now, branch, there)
  }

  private returned(now: Millis, lost: Hop): Hop | undefined {
    return returnedPhone(this.environment, now, this.request.incoming.message, lost)
  }
}
