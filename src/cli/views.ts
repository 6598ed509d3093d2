/** Answers of the admin API as lines for people; scripts take `--json`. */
import type {
  LocationView,
  PathView,
  PingView,
  RingView,
  TracesView,
  TraceView,
  WalkView,
} from '../admin/answers.ts'
import { ladderText } from '../trace/ladder-text.ts'

/** Rows as columns, two spaces apart. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = []
  for (const row of rows)
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length)
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

/** `nowMs`: milliseconds since 1970. */
export function locationLines(view: LocationView, nowMs: number): string[] {
  const { aor, resourceId, responsible, replicas, hops, rttMs, userExists, entries, rejected } = view
  const lines = [
    aor,
    ...columns([
      ['  Resource-ID', resourceId],
      ['  kept by', `${responsible}  ${hops} ${hops === 1 ? 'hop' : 'hops'}, ${rttMs.toFixed(1)} ms`],
      ...replicas.map((nodeId) => ['  copy at', nodeId]),
    ]),
  ]
  if (rejected > 0)
    lines.push(`  ! not believed: ${rejected} more, with a wrong signature, signer or content`)
  if (entries.length === 0)
    return [
      ...lines,
      `  not registered${userExists ? '' : ', and no certificate says that there is such a user'}`,
    ]
  const rows = entries.map(({ target, type, expiresAt, signer }) => [
    `  ${type === 'route' ? 'node' : 'forwarded'}`,
    target,
    `${duration(expiresAt - nowMs)} left`,
    signer.userName,
  ])
  return [...lines, '', ...columns([['  calls go to', '', 'for', 'signed by'], ...rows])].map(harmless)
}

export function ringLines(view: RingView): string[] {
  const { nodeId, overlay, state, responsible, responsibleShare, sizeEstimate, replicaDeficit } = view
  const about = sizeEstimate === undefined ? '' : `, about ${Math.round(sizeEstimate)} peers`
  const owns =
    responsible === undefined || responsible === null
      ? 'nothing'
      : `${percent(responsibleShare)}: after ${responsible.after} through ${responsible.through}`
  const lines = [
    `${nodeId}  ${state}${overlay === undefined ? '' : ` in ${overlay}`}${about}`,
    ...columns([
      ['  owns', owns],
      ...named('successors', view.successors),
      ...named('predecessors', view.predecessors),
      ...named('fingers', view.fingers),
      ...((replicaDeficit ?? 0) > 0 ? [['  ! copies missing', String(replicaDeficit)]] : []),
    ]),
  ]
  if (view.connections.length === 0) return lines
  const links = view.connections.map((link) => [
    `  ${link.nodeId}`,
    link.address ?? '',
    link.peer ? 'peer' : 'client',
    duration(1000 * link.ageS),
    bytes(link.bytesIn),
    bytes(link.bytesOut),
    link.rttMs === null ? '' : `${link.rttMs.toFixed(1)} ms`,
  ])
  return [
    ...lines,
    '',
    ...columns([['  link to', 'address', '', 'up for', 'in', 'out', 'round trip'], ...links]),
  ]
}

export function pingLines({ responder, rttMs }: PingView): string[] {
  return [`${responder}  ${rttMs.toFixed(1)} ms`]
}

export function pathLines({ hops, complete, fault }: PathView): string[] {
  const rows = hops.map(({ nodeId, rttMs }, index) => [String(index), nodeId, `${rttMs.toFixed(1)} ms`])
  return [...columns(rows), complete ? 'the last one is responsible' : `! ${fault}`]
}

/** The whole ring, node after node. */
export function walkLines({ nodes, faults, complete, tookMs }: WalkView): string[] {
  const rows = nodes.map(({ nodeId, answered, share, resources, uptimeS, rttMs }) => [
    nodeId,
    answered ? 'answers' : 'silent',
    share === null ? '' : percent(share),
    resources === null ? '' : String(resources),
    uptimeS === null ? '' : duration(1000 * uptimeS),
    rttMs === null ? '' : `${rttMs.toFixed(1)} ms`,
  ])
  return [
    ...columns([['node', '', 'owns', 'resources', 'up for', 'round trip'], ...rows]),
    ...faults.map((fault) => `! ${fault}`),
    ...(complete ? [`one ring, asked in ${tookMs.toFixed(0)} ms`] : []),
  ]
}

/** The latest calls, one a line. */
export function callLines({ traces }: TracesView): string[] {
  const rows = traces.map(({ beganAt, method, from, to, state, status, callId }) => [
    new Date(beganAt).toISOString().slice(0, 19),
    method,
    from,
    to,
    status >= 300 ? `${state} ${status}` : state,
    callId,
  ])
  return columns([['began (UTC)', '', 'from', 'to', '', 'Call-ID'], ...rows]).map(harmless)
}

/** One call as a ladder, and who was asked for it. */
export function traceLines({ callId, node, parts, skipped, ladder }: TraceView): string[] {
  const rows = parts.map(({ node: other, ok, reason, clockOffsetMs }) => [
    `  ${other}`,
    ok ? `asked, its clock put right by ${clockOffsetMs.toFixed(1)} ms` : `! ${reason}`,
  ])
  const text = ladderText({
    columns: ladder.columns,
    rows: ladder.rows.map((row) => ({ ...row, tookMs: row.tookMs, fault: row.fault })),
  })
  return [
    callId,
    ...columns([[`  ${node}`, 'this node'], ...rows]),
    ...(skipped > 0 ? [`  ${skipped} steps in the middle were not kept`] : []),
    '',
    ...text.trimEnd().split('\n'),
  ].map(harmless)
}

/** Control characters of a hostile message must not reach a terminal. */
function harmless(line: string): string {
  return line.replace(/[\u0000-\u001f\u007f-\u009f]/g, '.')
}

function named(what: string, nodeIds: readonly string[]): string[][] {
  if (nodeIds.length === 0) return [[`  ${what}`, 'none']]
  return nodeIds.map((nodeId, index) => [index === 0 ? `  ${what}` : '', nodeId])
}

function percent(share: number | undefined): string {
  return share === undefined ? 'a part' : `${(100 * share).toFixed(1)} %`
}

/** The largest unit that says enough: 45 s, 12 min, 3.5 h, 20 d. */
function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`
  if (seconds < 172_800) return `${(seconds / 3600).toFixed(1)} h`
  return `${Math.round(seconds / 86_400)} d`
}

function bytes(count: number): string {
  if (count < 10_000) return `${count} B`
  return count < 10_000_000 ? `${(count / 1000).toFixed(0)} kB` : `${(count / 1_000_000).toFixed(0)} MB`
}
