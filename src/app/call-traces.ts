/** Traces of calls as the admin API shows them, put together from what this node and others saw. */
import type { CommandResult, TraceForms } from '../admin/port.ts'
import type { TracesView } from '../admin/answers.ts'
import { inOurTime } from '../trace/clocks.ts'
import { eventsOf, micros, NODE_PREFIX, type TraceEvent } from '../trace/events.ts'
import { ladderOf } from '../trace/ladder.ts'
import { ladderSvg } from '../trace/ladder-svg.ts'
import { ladderText } from '../trace/ladder-text.ts'
import { merged, type TracePart } from '../trace/merge.ts'
import type { CallRecorder } from '../trace/recorder.ts'
import { summaryOf, type CallSummary } from '../trace/summary.ts'

/** More nodes than this are not asked for one call. */
const NODES_ASKED_MAX = 8

/** What another node answered, or why it did not. */
export type PartOutcome =
  { readonly ok: true; readonly part: TracePart } | { readonly ok: false; readonly reason: string }

/** Asks one node, in hex, for what it saw. Must not reject. */
export type AskNode = (node: string, callId: string, transactions: readonly string[]) => Promise<PartOutcome>

interface KnownSummary {
  /** Entries of the call when it was made. */
  readonly recorded: number
  readonly summary: CallSummary | undefined
}

export class CallTraces {
  private readonly recorder: CallRecorder
  private readonly self: string
  private readonly askNode: AskNode
  /** Of the calls listed last, by Call-ID. */
  private summaries: ReadonlyMap<string, KnownSummary> = new Map()

  /** `self`: this node in hex. */
  constructor(recorder: CallRecorder, self: string, askNode: AskNode) {
    this.recorder = recorder
    this.self = self
    this.askNode = askNode
  }

  list(limit: number): TracesView {
    const traces: CallSummary[] = []
    const summaries = new Map<string, KnownSummary>()
    for (const call of this.recorder.calls()) {
      if (traces.length >= limit) break
      const { callId, recorded } = call
      const before = this.summaries.get(callId)
      const known = before?.recorded === recorded ? before : { recorded, summary: summaryOf(call) }
      summaries.set(callId, known)
      if (known.summary !== undefined) traces.push(known.summary)
    }
    this.summaries = summaries
    traces.sort((a, b) => b.beganAt - a.beganAt)
    return {
      traces: traces.map((each) => ({ ...each, nodes: [...each.nodes] })),
      total: this.recorder.size,
      bytes: this.recorder.bytes,
    }
  }

  async trace(callId: string, gather: boolean): Promise<CommandResult<TraceForms>> {
    const call = this.recorder.call(callId)
    if (call === undefined)
      return {
        ok: false,
        status: 404,
        reason: 'no trace of that Call-ID; a node knows the calls that it carried, as long as there is room',
      }
    const own = eventsOf(call, this.self)
    const asked = gather ? this.others(own) : new Map<string, string[]>()
    const outcomes = await Promise.all(
      [...asked].map(async ([node, transactions]) => ({
        node,
        outcome: await this.askNode(node, callId, transactions),
      })),
    )
    const told = inOurTime(
      own,
      outcomes.flatMap(({ outcome }) => (outcome.ok ? [outcome.part] : [])),
    )
    const events = merged(own, told)
    const ladder = ladderOf(events, this.self)
    const parts = outcomes.map(({ node, outcome }) => ({
      node,
      ok: outcome.ok,
      reason: outcome.ok ? '' : outcome.reason,
      clockOffsetMs: micros(told.find((part) => part.node === node)?.clockOffset ?? 0),
    }))
    const view = {
      callId,
      node: this.self,
      skipped: call.skipped,
      parts,
      events: events.map((event) => ({
        ...event,
        path: event.path === undefined ? undefined : [...event.path],
      })),
      ladder: {
        columns: [...ladder.columns],
        rows: ladder.rows.map((row) => ({ ...row, stops: [...row.stops] })),
      },
    }
    return { ok: true, value: { view, text: () => ladderText(ladder), svg: () => ladderSvg(ladder) } }
  }

  /** Nodes that took part, with the transactions of ours that they answered. */
  private others(events: readonly TraceEvent[]): Map<string, string[]> {
    const nodes = new Map<string, string[]>()
    for (const { from, to, transaction } of events) {
      for (const id of [from, to]) {
        if (!id.startsWith(NODE_PREFIX)) continue
        const hex = id.slice(NODE_PREFIX.length)
        if (hex === this.self || (!nodes.has(hex) && nodes.size >= NODES_ASKED_MAX)) continue
        const transactions = nodes.get(hex) ?? []
        if (transaction !== undefined && id === to) transactions.push(transaction)
        nodes.set(hex, transactions)
      }
    }
    return nodes
  }
}
