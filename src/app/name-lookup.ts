/** Asks the overlay whether a user name is taken, once the node is there to ask (RFC 6940 s.11.3.1). */
import { setTimeout as sleep } from 'node:timers/promises'
import type { NodeLoop } from './node-loop.ts'

/** A node that is still joining: users are enrolled when it has, or asked for again by their REGISTER. */
const JOIN_WITHIN_MS = 30_000
const POLL_MS = 200

export class NameLookup {
  private loop: NodeLoop | undefined

  /** From now on there is a node. */
  open(loop: NodeLoop): void {
    this.loop = loop
  }

  /** Whether the overlay holds a certificate for the name; undefined when it cannot be asked. */
  readonly isTaken = async (userName: string): Promise<boolean | undefined> => {
    const { loop } = this
    if (loop === undefined || !(await joined(loop))) return undefined
    const answer = await loop.query({ kind: 'locate', aor: userName })
    return answer.kind === 'located' ? answer.location.userExists : undefined
  }
}

async function joined(loop: NodeLoop): Promise<boolean> {
  for (let waited = 0; waited < JOIN_WITHIN_MS; waited += POLL_MS) {
    if (loop.state === 'joined') return true
    if (loop.state === 'leaving' || loop.state === 'left') return false
    await sleep(POLL_MS)
  }
  return false
}
