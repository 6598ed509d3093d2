/** The few numbers that the page draws. Read on request from what the machines count anyway. */
import type { NodeCore } from '../adapter/index.ts'
import type { RatesView } from '../admin/answers.ts'
import type { Tally } from '../common/instruments.ts'
import { clock } from '../reload/io/loop.ts'
import type { CallRecorder } from '../trace/recorder.ts'

export function liveRates(core: NodeCore, recorder: CallRecorder | undefined): RatesView {
  const { instruments } = core.peer
  const { sip } = core
  const now = clock()
  const counters: Record<string, number> = {
    overlayIn: sum(instruments.messages, 'in|'),
    overlayOut: sum(instruments.messages, 'out|'),
    overlayForwarded: sum(instruments.forwarded),
    overlayDropped: sum(instruments.dropped),
    overlayBytesIn: instruments.bytes.get('in'),
    overlayBytesOut: instruments.bytes.get('out'),
  }
  const gauges: Record<string, number> = {
    memoryBytes: process.memoryUsage.rss(),
    dialogs: recorder?.dialogs.count(now.ms) ?? 0,
    traces: recorder?.size ?? 0,
  }
  if (sip !== undefined) {
    const { sipRequestsReceived, sipResponsesReceived, sipRequestsSent, sipResponsesSent } = sip.instruments
    const snapshot = sip.snapshot()
    Object.assign(counters, {
      sipIn: sum(sipRequestsReceived) + sum(sipResponsesReceived),
      sipOut: sum(sipRequestsSent) + sum(sipResponsesSent),
      calls: sum(sip.instruments.callAttempts),
      registers: sum(sip.instruments.registrarRequests),
    })
    Object.assign(gauges, {
      aors: snapshot.aors,
      bindings: [...snapshot.bindings.values()].reduce((total, each) => total + each, 0),
      transactions: [...snapshot.transactions.values()].reduce((total, each) => total + each, 0),
    })
  }
  return { at: now.wall, counters, gauges }
}

function sum(tally: Tally, prefix = ''): number {
  let total = 0
  for (const [labels, value] of tally.values) if (labels.startsWith(prefix)) total += value
  return total
}
