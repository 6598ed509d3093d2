/** Non-INVITE client transaction: RFC 3261 s.17.1.2. */
import type { Millis } from '../../common/time.ts'
import { isReliable } from './hop.ts'
import type { ClientEvent, ClientTransaction, Machinery } from './machinery.ts'
import { T1_MS, T2_MS, TIMER_F_MS, TIMER_K_MS } from './timers.ts'

const NOTHING = new Uint8Array(0)

/** Takes one event and says whether the response belongs to the user. */
export function stepNonInviteClient(
  transaction: ClientTransaction,
  event: ClientEvent,
  now: Millis,
  machinery: Machinery,
): boolean {
  switch (transaction.state) {
    // Trying: nothing heard, repeats double up to T2. Proceeding: a 1xx has come, repeats every T2. Timer F ends both.
    case 'trying':
    case 'proceeding':
      switch (event) {
        case 'start':
          transaction.interval = T1_MS
          transaction.endAt = now + TIMER_F_MS
          sendAndWait(transaction, now, machinery)
          return false
        case 'timer':
          if (now >= transaction.endAt) {
            machinery.timedOut(transaction, 'F')
            machinery.terminate(transaction)
            return false
          }
          transaction.interval =
            transaction.state === 'proceeding' ? T2_MS : Math.min(2 * transaction.interval, T2_MS)
          machinery.retransmitted('request', 'out')
          sendAndWait(transaction, now, machinery)
          return false
        case 'transportError':
          machinery.transportFailed(transaction)
          machinery.terminate(transaction)
          return false
        case 'provisional':
          transaction.state = 'proceeding'
          return true
        case 'success':
        case 'failure':
          transaction.state = 'completed'
          transaction.bytes = NOTHING
          if (isReliable(transaction.hop)) machinery.terminate(transaction)
          else machinery.arm(transaction, now + TIMER_K_MS)
          return true
      }
    // Answered: repeats of the answer are absorbed until Timer K.
    case 'completed':
      if (event === 'timer') machinery.terminate(transaction)
      else if (event === 'success' || event === 'failure') machinery.retransmitted('response', 'in')
      return false
    case 'calling':
    case 'accepted':
    case 'terminated':
      return false
  }
}

function sendAndWait(transaction: ClientTransaction, now: Millis, machinery: Machinery): void {
  if (!machinery.send(transaction)) {
    machinery.transportFailed(transaction)
    machinery.terminate(transaction)
    return
  }
  const nextAt = isReliable(transaction.hop) ? transaction.endAt : now + transaction.interval
  machinery.arm(transaction, Math.min(nextAt, transaction.endAt))
}
