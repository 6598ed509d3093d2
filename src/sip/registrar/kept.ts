/**
 * What a binding keeps of a REGISTER. It stays for an hour or more, so it has nothing of the message in it: texts that were cut out of
 * a message keep the whole message. What a refresh only repeats is what the binding before it had.
 */
import { detached } from '../../common/detached.ts'
import type { Reach } from './binding.ts'

const NO_PARAMS: ReadonlyMap<string, string> = new Map()
const DROPPED: ReadonlySet<string> = new Set(['expires', 'pub-gruu', 'temp-gruu'])
const USER_AGENT_CHARS_MAX = 128
/** There are as many as there are kinds of phones; more are kept apart. */
const USER_AGENTS_MAX = 256
const userAgents = new Map<string, string>()

export function kept(text: string, before: string | undefined): string {
  return text === before ? before : detached(text)
}

export function keptReach(reach: Reach, before: Reach | undefined): Reach {
  const { transport, flow, listener, host, port } = reach
  if (
    before?.transport === transport &&
    before.flow === flow &&
    before.listener === listener &&
    before.host === host &&
    before.port === port
  ) {
    return before
  }
  return { transport, flow, listener, host: detached(host), port }
}

/** All but the time; and RFC 5627 s.5.1: a phone cannot choose its GRUUs. Most phones leave nothing, and share that. */
export function keptParameters(
  params: ReadonlyMap<string, string>,
  before: ReadonlyMap<string, string> | undefined,
): ReadonlyMap<string, string> {
  if (params.size === 0) return NO_PARAMS
  let count = 0
  let same = before !== undefined
  for (const [name, value] of params) {
    if (DROPPED.has(name)) continue
    count++
    if (before?.get(name) !== value) same = false
  }
  if (count === 0) return NO_PARAMS
  if (before !== undefined && same && before.size === count) return before
  const kept = new Map<string, string>()
  for (const [name, value] of params) if (!DROPPED.has(name)) kept.set(detached(name), detached(value))
  return kept
}

/** The same text for all phones of a kind. */
export function keptUserAgent(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const short = text.slice(0, USER_AGENT_CHARS_MAX)
  const known = userAgents.get(short)
  if (known !== undefined) return known
  const own = detached(short)
  if (userAgents.size < USER_AGENTS_MAX) userAgents.set(own, own)
  return own
}
