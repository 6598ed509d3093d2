/** What the SIP core counts, under the names of the metrics area's catalogue (docs: metrics.md). */
import type { Histogram, Tally } from '../../common/instruments.ts'

export interface SipInstruments {
  /** method|transport */
  readonly sipRequestsReceived: Tally
  /** method|transport */
  readonly sipRequestsSent: Tally
  /** method|code|transport */
  readonly sipResponsesReceived: Tally
  /** method|code|transport */
  readonly sipResponsesSent: Tally
  /** kind|direction */
  readonly sipRetransmissions: Tally
  /** reason|transport */
  readonly sipMalformed: Tally
  /** result */
  readonly sipMtuSwitch: Tally
  /** timer */
  readonly sipTransactionTimeouts: Tally
  /** transport|side */
  readonly sipConnectionsOpened: Tally
  /** transport|reason */
  readonly sipConnectionsClosed: Tally
  /** decision */
  readonly engineDecisions: Tally
  /** path|mode */
  readonly callAttempts: Tally
  /** path|result */
  readonly callResults: Tally
  /** path */
  readonly callSetup: Histogram
  /** path|cache */
  readonly callResolution: Histogram
  readonly callForkBranches: Histogram
  /** result */
  readonly registrarRequests: Tally
  /** kind */
  readonly registrarSeconds: Histogram
  readonly registrarExpired: Tally
  readonly registrarReplaced: Tally
  readonly registrarFlowLost: Tally
  /** transport */
  readonly registrarKeepalive: Tally
  /** result|algorithm */
  readonly authAttempts: Tally
  /** scope: `auth` for credentials refused after too many failures, `source` for too many requests of one address, `register` for too many first registrations. */
  readonly rateLimits: Tally
  /** scope: requests of sources that had been refused often enough. */
  readonly scannerDropped: Tally
}

/** Gauges, read at scrape time. */
export interface SipSnapshot {
  /** ict, ist, nict, nist to number. */
  readonly transactions: ReadonlyMap<string, number>
  /** transport|side to number of streams that are up. */
  readonly connections: ReadonlyMap<string, number>
  /** transport to number of bindings. */
  readonly bindings: ReadonlyMap<string, number>
  readonly aors: number
  /** REGISTERs whose answer waits for the overlay, and how many may wait. */
  readonly registersWaiting: { readonly now: number; readonly room: number }
  /** none, registering, registered, failed to number of trunks. */
  readonly trunks: ReadonlyMap<string, number>
  /** Sources and users that are refused for too many wrong credentials. */
  readonly blocked: number
  readonly overlayAvailable: boolean
  readonly draining: boolean
}

/** A binding as the admin API shows it. */
export interface BindingView {
  readonly aor: string
  readonly contact: string
  readonly kind: 'device' | 'forward' | 'node' | 'other'
  /** Seconds that are left; 0 for one that is about to go. */
  readonly expiresS: number
  readonly userAgent: string | undefined
  readonly transport: string
  /** How the phone is reached: by its address, or only by the flow it opened. */
  readonly flow: 'address' | 'flow' | 'lost'
}
