/** The transaction layer, for sip/core and sip/proxy. */
export {
  FRONT_LISTENER,
  isReliable,
  isSecure,
  type Hop,
  type HopTransport,
  type Transport,
  type Wire,
} from './hop.ts'
export { askedRequest, incomingRequest, type IncomingRequest } from './incoming.ts'
export { isUnanswered, type ClientTransaction, type ServerTransaction } from './machinery.ts'
export { clientKey, MAGIC_COOKIE, serverKey } from './matching.ts'
export { Transactions, type TransactionKind } from './transactions.ts'
export type { Unanswered } from './late-trying.ts'
export { TIMER_J_MS } from './timers.ts'
export { Traffic } from './traffic.ts'
