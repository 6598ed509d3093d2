/** Non-INVITE server transaction: RFC 3261 s.17.2.2. */
import type { Millis } from '../../common/time.ts'
import { comesOnce } from './hop.ts'
import type { Machinery, ServerEvent, ServerTransaction } from './machinery.ts'
import { TIMER_J_MS } from './timers.ts'

/** Takes one event; the caller has stored the response before a response event. */
export function stepNonInviteServer(
  transaction: ServerTransaction,
  event: ServerEvent,
  now: Millis,
  machinery: Machinery,
): void {
  switch (transaction.state) {
    // Trying: nothing answered, repeats are dropped. Proceeding: repeats get the latest 1xx.
    case 'trying':
    case 'proceeding':
      switch (event) {
        case 'request':
          machinery.retransmitted('request', 'in')
          machinery.respondAgain(transaction)
          return
        case 'provisional':
          transaction.state = 'proceeding'
          machinery.respond(transaction)
          return
        case 'success':
        case 'failure':
          transaction.state = 'completed'
          machinery.respond(transaction)
          if (comesOnce(transaction.hop)) machinery.terminate(transaction)
          else machinery.arm(transaction, now + TIMER_J_MS)
          return
        default:
          return
      }
    // Answered: repeats get the same answer until Timer J.
    case 'completed':
      if (event === 'request') {
        machinery.retransmitted('request', 'in')
        machinery.respondAgain(transaction)
      } else if (event === 'timer') machinery.terminate(transaction)
      return
    case 'confirmed':
    case 'accepted':
    case 'terminated':
      return
  }
}
