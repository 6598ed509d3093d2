/** `locate`, `ring`, `ping`, `path`, `trace`: questions to running nodes over their admin API. */
import { environmentValues, type Environment } from '../../app/config/environment.ts'
import { ask, type Answer } from '../admin-client.ts'
import type {
  LocationView,
  PathView,
  PingView,
  RingView as WholeRingView,
  TracesView,
  TraceView,
  WalkView,
} from '../../admin/answers.ts'
import { EXIT, print, readArgs, UsageError, type Command } from '../command.ts'
import { callLines, locationLines, pathLines, pingLines, ringLines, traceLines, walkLines } from '../views.ts'

const WHERE = `
  --admin HOST:PORT   admin address of a running node (default 127.0.0.1:8080)
  --token TOKEN       bearer token; default RINGBRIDGE_ADMIN__TOKEN, or what stands in the file RINGBRIDGE_ADMIN__TOKEN_FILE
  --json              JSON`

const OPTIONS = {
  admin: { type: 'string', default: '127.0.0.1:8080' },
  token: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const

/** What other tools call the address of a node. */
const OTHER_WORDS = { node: 'admin', url: 'admin', host: 'admin', peer: 'admin', server: 'admin' }

export const locate: Command = {
  help: `ringbridge locate AOR\n\nWho serves this AOR, as the overlay says.\n${WHERE}`,
  run: async (args) => {
    const { values, positionals } = readArgs(args, OPTIONS, OTHER_WORDS)
    const aor = only(positionals, 'AOR')
    const answer = await ask(
      values.admin,
      `/api/v1/locate?aor=${encodeURIComponent(aor)}`,
      tokenOf(values.token),
    )
    if (!answer.ok) return failed(answer)
    if (values.json) print(JSON.stringify(answer.body))
    else printAll(locationLines(answer.body as LocationView, Date.now()))
    // Nobody there is an answer, and scripts want to see it: 1.
    const entries = (answer.body as { entries?: unknown[] }).entries ?? []
    return entries.length > 0 ? EXIT.done : EXIT.failed
  },
}

export const ping: Command = {
  help: `ringbridge ping NODE\n\nPings a node over the overlay; NODE is a Node-ID in hex.\n${WHERE}`,
  run: async (args) => {
    const { values, positionals } = readArgs(args, OPTIONS, OTHER_WORDS)
    const node = only(positionals, 'Node-ID')
    if (!/^[0-9a-fA-F]{32,40}$/.test(node)) throw new UsageError('a Node-ID in hex is expected')
    const answer = await ask(values.admin, `/api/v1/ping?node=${node}`, tokenOf(values.token))
    if (!answer.ok) return failed(answer)
    if (values.json) print(JSON.stringify(answer.body))
    else printAll(pingLines(answer.body as PingView))
    return EXIT.done
  },
}

export const path: Command = {
  help: `ringbridge path AOR\n\nThe peers that a request about this AOR passes, each with the time it took to answer.\n${WHERE}`,
  run: async (args) => {
    const { values, positionals } = readArgs(args, OPTIONS)
    const aor = only(positionals, 'AOR')
    const query = `/api/v1/path?aor=${encodeURIComponent(aor)}`
    const answer = await ask(values.admin, query, tokenOf(values.token))
    if (!answer.ok) return failed(answer)
    const found = answer.body as PathView
    if (values.json) print(JSON.stringify(answer.body))
    else printAll(pathLines(found))
    return found.complete ? EXIT.done : EXIT.failed
  },
}

export const ring: Command = {
  help: `ringbridge ring [ADMIN ...]

The ring as one or several running nodes see it; with several, differences are marked and end in exit code 1, and
so does a node that does not answer.
ADMIN is host:port or a URL, as for --admin. With --all one node asks every node of the ring over the overlay; a ring that does
not close ends in exit code 1.

  --all               every node of the ring, asked over the overlay${WHERE}`,
  run: async (args) => {
    const options = { ...OPTIONS, all: { type: 'boolean', default: false } } as const
    const { values, positionals } = readArgs(args, options, OTHER_WORDS)
    if (values.all) return wholeRing(positionals, values)
    const admins = positionals.length > 0 ? positionals : [values.admin]
    const answers = await Promise.all(
      admins.map((admin) => ask(admin, '/api/v1/ring', tokenOf(values.token))),
    )
    const views: WholeRingView[] = []
    const missing: string[] = []
    for (const [index, answer] of answers.entries()) {
      if (answer.ok) views.push(answer.body as WholeRingView)
      else if (admins.length === 1) return failed(answer)
      else missing.push(`${admins[index] as string}: ${answer.reason}`)
    }
    // Who does not answer may well be in the ring: its neighbors know.
    const named =
      missing.length === 0 ? [] : views.flatMap((view) => [...view.successors, ...view.predecessors])
    const faults = [...missing, ...ringFaults(views, named)]
    if (values.json) print(JSON.stringify({ rings: views, differences: faults }))
    else {
      for (const [index, view] of views.entries())
        printAll([...(index === 0 ? [] : ['']), ...ringLines(view)])
      for (const fault of faults) print(`! ${fault}`)
    }
    return faults.length === 0 ? EXIT.done : EXIT.failed
  },
}

async function wholeRing(
  positionals: readonly string[],
  {
    admin,
    token,
    json,
  }: { readonly admin: string; readonly token?: string | undefined; readonly json: boolean },
): Promise<number> {
  if (positionals.length > 1) throw new UsageError('--all asks one node, which asks all the others')
  const answer = await ask(positionals[0] ?? admin, '/api/v1/ring/walk', tokenOf(token))
  if (!answer.ok) return failed(answer)
  const walk = answer.body as WalkView
  if (json) print(JSON.stringify(walk))
  else printAll(walkLines(walk))
  return walk.complete ? EXIT.done : EXIT.failed
}

export const trace: Command = {
  help: `ringbridge trace [CALL-ID]

What happened to a call, step by step: phones, lookup, overlay hops, AppAttach and handshake, the far side. The node is asked
for what it saw and asks the others that took part. Without a Call-ID: the latest calls. Secrets in messages are covered.

  --local             only what this node saw${WHERE}`,
  run: async (args) => {
    const options = { ...OPTIONS, local: { type: 'boolean', default: false } } as const
    const { values, positionals } = readArgs(args, options, OTHER_WORDS)
    const callId = positionals.length === 0 ? undefined : only(positionals, 'Call-ID')
    const scope = values.local ? 'node' : 'all'
    const query =
      callId === undefined
        ? '/api/v1/traces?limit=50'
        : `/api/v1/traces/${encodeURIComponent(callId)}?scope=${scope}`
    const answer = await ask(values.admin, query, tokenOf(values.token))
    if (!answer.ok) return failed(answer)
    if (values.json) print(JSON.stringify(answer.body))
    else if (callId === undefined) printAll(callLines(answer.body as TracesView))
    else printAll(traceLines(answer.body as TraceView))
    return EXIT.done
  },
}

/** The part of /api/v1/ring that is compared. Ids are lower-case hex of equal length, so text order is ring order. */
export interface RingView {
  readonly nodeId: string
  readonly state: string
  readonly successors: readonly string[]
  readonly predecessors: readonly string[]
}

/** Neighbors a table holds at least, where there are that many (RFC 6940 s.10.7.3: three each way). */
const NEIGHBORS = 3

/** What keeps the views from being one ring; empty when they agree. `others`: ids of nodes in it whose view is not there. */
export function ringFaults(views: readonly RingView[], others: readonly string[] = []): string[] {
  if (views.length < 2) return []
  const ids = [...new Set([...views.map((view) => view.nodeId), ...others])].toSorted()
  const faults: string[] = []
  for (const view of views) {
    const at = ids.indexOf(view.nodeId)
    const expected = Math.min(NEIGHBORS, ids.length - 1)
    for (let step = 1; step <= expected; step++) {
      const next = ids[(at + step) % ids.length] as string
      const previous = ids[(at - step + ids.length) % ids.length] as string
      if (view.successors[step - 1] !== next) {
        faults.push(
          `${view.nodeId}: successor ${step} is ${view.successors[step - 1] ?? 'missing'}, not ${next}`,
        )
      }
      if (view.predecessors[step - 1] !== previous) {
        faults.push(
          `${view.nodeId}: predecessor ${step} is ${view.predecessors[step - 1] ?? 'missing'}, not ${previous}`,
        )
      }
    }
  }
  return faults
}

function only(positionals: readonly string[], what: string): string {
  const [value] = positionals
  if (value === undefined || positionals.length > 1) throw new UsageError(`one ${what} is expected`)
  return value
}

/** The option, or what a node with this environment would ask for. Throws `ConfigError`. */
function tokenOf(option: string | undefined): string | undefined {
  if (option !== undefined) return option
  const asked = ['RINGBRIDGE_ADMIN__TOKEN', 'RINGBRIDGE_ADMIN__TOKEN_FILE'].map((name) => [
    name,
    process.env[name],
  ])
  const { admin } = environmentValues(Object.fromEntries(asked) as Environment, {}).values
  return (admin as { readonly token?: string } | undefined)?.token
}

/** A question that the node refuses as none (400) is bad usage, like one that this side refuses. */
function failed(answer: Extract<Answer, { ok: false }>): number {
  process.stderr.write(`ringbridge: ${answer.reason}\n`)
  return answer.status === 400 ? EXIT.usage : EXIT.failed
}

function printAll(lines: readonly string[]): void {
  for (const line of lines) print(line)
}
