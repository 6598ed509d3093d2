/** INVITE client transaction: RFC 3261 s.17.1.1 with the Accepted state of RFC 6026 s.7.2. */
import type { Millis } from '../../common/time.ts'
import type { SipMessage } from '../message/index.ts'
import { ackOf } from './derived-requests.ts'
import { isReliable } from './hop.ts'
import type { ClientEvent, ClientTransaction, Machinery } from './machinery.ts'
import { T1_MS, TIMER_B_MS, TIMER_D_MS, TIMER_M_MS } from './timers.ts'

const NOTHING = new Uint8Array(0)

/**
 * Takes one event and says whether the response belongs to the user. `response` comes with the three events that
 * are responses.
 */
export function stepInviteClient(
  transaction: ClientTransaction,
  event: ClientEvent,
  now: Millis,
  machinery: Machinery,
  response: SipMessage | undefined,
): boolean {
  switch (transaction.state) {
    // Sent, nothing heard: repeated at T1, 2*T1, 4*T1 … until Timer B.
    case 'calling':
      switch (event) {
        case 'start':
          transaction.interval = T1_MS
          transaction.endAt = now + TIMER_B_MS
          sendAndWait(transaction, now, machinery)
          return false
        case 'timer':
          if (now >= transaction.endAt) {
            machinery.timedOut(transaction, 'B')
            machinery.terminate(transaction)
            return false
          }
          transaction.interval *= 2
          machinery.retransmitted('request', 'out')
          sendAndWait(transaction, now, machinery)
          return false
        case 'transportError':
          machinery.transportFailed(transaction)
          machinery.terminate(transaction)
          return false
        default:
          return answered(transaction, event, now, machinery, response)
      }
    // A provisional response has come: no more repeats, the user keeps Timer C.
    case 'proceeding':
      if (event === 'timer' || event === 'start') return false
      if (event === 'transportError') {
        machinery.transportFailed(transaction)
        machinery.terminate(transaction)
        return false
      }
      return answered(transaction, event, now, machinery, response)
    // 300-699 acknowledged: repeats of it are acknowledged again until Timer D.
    case 'completed':
      if (event === 'failure') {
        machinery.retransmitted('response', 'in')
        machinery.send(transaction)
      } else if (event === 'timer') {
        machinery.terminate(transaction)
      }
      return false
    // 2xx: every further 2xx goes to the user until Timer M.
    case 'accepted':
      if (event === 'timer') machinery.terminate(transaction)
      return event === 'success'
    case 'trying':
    case 'terminated':
      return false
  }
}

function answered(
  transaction: ClientTransaction,
  event: ClientEvent,
  now: Millis,
  machinery: Machinery,
  response: SipMessage | undefined,
): boolean {
  if (event === 'provisional') {
    transaction.state = 'proceeding'
    machinery.disarm(transaction)
    return true
  }
  if (event === 'success') {
    transaction.state = 'accepted'
    // Nothing is repeated or cancelled any more, and 32 s are long where there are many calls.
    transaction.bytes = NOTHING
    machinery.arm(transaction, now + TIMER_M_MS)
    return true
  }
  if (event !== 'failure' || response === undefined) return false
  // RFC 3261 s.17.1.1.3: the ACK of a failure belongs to the transaction and goes where the INVITE went.
  const ack = ackOf(transaction.bytes, response)
  transaction.state = 'completed'
  transaction.bytes = ack
  machinery.acknowledge(transaction)
  if (isReliable(transaction.hop)) {
    machinery.terminate(transaction)
    return true
  }
  // In memory of its own: for 32 s it would keep 8 KiB of Node's pool.
  transaction.bytes = new Uint8Array(ack)
  machinery.arm(transaction, now + TIMER_D_MS)
  return true
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
