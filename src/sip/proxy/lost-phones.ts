/** Phones that rang, have lost their connection, and come back while others of the user still ring (docs/adr/0035). */
import type { Millis } from '../../common/time.ts'
import { Branch, type ForkContext } from './branch.ts'
import type { BranchSender } from './branch-sender.ts'
import type { Branches } from './branches.ts'
import type { Breadth, Coming } from './breadth.ts'

/** A branch that has failed; from now on its phone may come back. */
export function lose(branch: Branch): void {
  const hop = branch.client?.hop
  branch.lost = hop !== undefined && hop.flow !== 0 && hop.transport !== 'peer'
}

/** They hear the same INVITE by the connections that they have registered by since: whoever has answered it meanwhile is heard. */
export function findAgain(
  now: Millis,
  context: ForkContext,
  { branches, breadth, sender }: { branches: Branches; breadth: Breadth; sender: BranchSender },
  coming: Coming,
): void {
  for (const branch of branches.all.filter(({ lost }) => lost)) {
    const [share] = breadth.take(1, coming)
    if (share === undefined) return
    const again = new Branch(context, branch.target, share)
    again.client = branch.client
    again.branchId = branch.branchId
    again.resumed = branch.resumed
    if (sender.resume(now, again)) {
      branch.lost = false
      branches.all.push(again)
    } else {
      breadth.giveBack(share)
    }
  }
}
