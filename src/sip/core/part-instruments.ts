/** Where in the parts what is counted under each name. */
import { Tally } from '../../common/instruments.ts'
import type { Front } from '../engine/index.ts'
import type { CallMeter, Proxy } from '../proxy/index.ts'
import type { Registrar } from '../registrar/index.ts'
import type { Transactions } from '../transaction/index.ts'
import type { Authenticator } from './authenticator.ts'
import type { Flows } from './flows.ts'
import type { SipInstruments } from './instruments.ts'
import type { NatKeepAlive } from './nat-keep-alive.ts'
import type { RegisterHandler } from './register-handler.ts'
import type { SourceLimit } from './source-limit.ts'

export interface CountingParts {
  readonly authenticator: Pick<Authenticator, 'attempts'>
  readonly flows: Pick<Flows, 'opened' | 'closed'>
  readonly front: Pick<Front, 'decisions'> | undefined
  readonly meter: CallMeter
  readonly proxy: Pick<Proxy, 'mtuSwitches'>
  readonly rateLimits: Tally
  readonly registerHandler: Pick<RegisterHandler, 'results' | 'seconds'>
  readonly natKeepAlive: Pick<NatKeepAlive, 'failures'>
  readonly registrar: Pick<Registrar<never>, 'expired' | 'replaced' | 'flowLost'>
  readonly sources: Pick<SourceLimit, 'dropped'>
  readonly transactions: Pick<Transactions<never, never>, 'traffic' | 'retransmissions' | 'timeouts'>
}

export function instrumentsOf({
  authenticator,
  flows,
  front,
  meter,
  natKeepAlive,
  proxy,
  rateLimits,
  registerHandler,
  registrar,
  sources,
  transactions,
}: CountingParts): SipInstruments {
  return {
    sipRequestsReceived: transactions.traffic.requestsReceived,
    sipRequestsSent: transactions.traffic.requestsSent,
    sipResponsesReceived: transactions.traffic.responsesReceived,
    sipResponsesSent: transactions.traffic.responsesSent,
    sipRetransmissions: transactions.retransmissions,
    sipMalformed: new Tally(['syntax|udp', 'syntax|tcp', 'invalid|udp', 'invalid|tcp']),
    sipMtuSwitch: proxy.mtuSwitches,
    sipTransactionTimeouts: transactions.timeouts,
    sipConnectionsOpened: flows.opened,
    sipConnectionsClosed: flows.closed,
    engineDecisions: front?.decisions ?? new Tally(),
    callAttempts: meter.attempts,
    callResults: meter.results,
    callSetup: meter.setupSeconds,
    callResolution: meter.resolutionSeconds,
    callForkBranches: meter.forkBranches,
    registrarRequests: registerHandler.results,
    registrarSeconds: registerHandler.seconds,
    registrarExpired: registrar.expired,
    registrarReplaced: registrar.replaced,
    registrarFlowLost: registrar.flowLost,
    registrarKeepalive: natKeepAlive.failures,
    authAttempts: authenticator.attempts,
    rateLimits: rateLimits,
    scannerDropped: sources.dropped,
  }
}
