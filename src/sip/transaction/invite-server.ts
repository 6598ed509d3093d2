/** INVITE server transaction: RFC 3261 s.17.2.1 with the Accepted state of RFC 6026 s.7.1. */
import type { Millis } from '../../common/time.ts'
import { isReliable } from './hop.ts'
import type { Machinery, ServerEvent, ServerTransaction } from './machinery.ts'
import { T1_MS, T2_MS, TIMER_H_MS, TIMER_I_MS, TIMER_L_MS } from './timers.ts'

/** Takes one event; the caller has stored the response before a response event. */
export function stepInviteServer(
  transaction: ServerTransaction,
  event: ServerEvent,
  now: Millis,
  machinery: Machinery,
): void {
  switch (transaction.state) {
    // The user is at work; repeated INVITEs get the latest provisional response.
    case 'proceeding':
      switch (event) {
        case 'request':
          machinery.retransmitted('request', 'in')
          machinery.respondAgain(transaction)
          return
        case 'provisional':
          machinery.respond(transaction)
          return
        case 'success':
          // RFC 6026 s.7.1: the user repeats 2xx, this only absorbs INVITEs and lets more 2xx pass.
          transaction.state = 'accepted'
          machinery.respond(transaction)
          transaction.response = undefined
          machinery.arm(transaction, now + TIMER_L_MS)
          return
        case 'failure':
          transaction.state = 'completed'
          machinery.respond(transaction)
          transaction.interval = T1_MS
          transaction.endAt = now + TIMER_H_MS
          // DEVIATION RFC 3261 s.17.2.1: no Timer G for somebody who may never have asked (docs/adr/0027-what-strangers-cannot-do.md). Who has asked
          // and has heard nothing, no 100 either, repeats the INVITE.
          machinery.arm(
            transaction,
            isReliable(transaction.hop) || transaction.once ? transaction.endAt : now + T1_MS,
          )
          return
        case 'ack':
        case 'timer':
          return
      }
    // 2xx sent: INVITEs are absorbed, further 2xx pass, until Timer L.
    case 'accepted':
      if (event === 'request') machinery.retransmitted('request', 'in')
      else if (event === 'success') {
        machinery.respond(transaction)
        transaction.response = undefined
      } else if (event === 'timer') machinery.terminate(transaction)
      return
    // 300-699 sent: repeated on Timer G until the ACK comes or Timer H gives up.
    case 'completed':
      switch (event) {
        case 'request':
          machinery.retransmitted('request', 'in')
          machinery.respondAgain(transaction)
          return
        case 'ack':
          transaction.state = 'confirmed'
          transaction.response = undefined
          if (isReliable(transaction.hop)) machinery.terminate(transaction)
          else machinery.arm(transaction, now + TIMER_I_MS)
          return
        case 'timer':
          if (now >= transaction.endAt) {
            machinery.timedOut(transaction, 'H')
            machinery.terminate(transaction)
            return
          }
          transaction.interval = Math.min(2 * transaction.interval, T2_MS)
          machinery.respondAgain(transaction)
          machinery.arm(transaction, Math.min(now + transaction.interval, transaction.endAt))
          return
        default:
          return
      }
    // Acknowledged: repeated ACKs are absorbed until Timer I.
    case 'confirmed':
      if (event === 'timer') machinery.terminate(transaction)
      return
    case 'trying':
    case 'terminated':
      return
  }
}
