/** Bindings as a journal keeps them: one record a user. What a record says is checked like a message, since disks are old. */
import { fromUtf8, utf8 } from '../../common/bytes.ts'
import type { Millis, Now } from '../../common/time.ts'
import type { Binding, BindingKind, Reach } from './binding.ts'
import { withoutFlow } from './reach.ts'

/** Begins the key of every record; the AOR follows. */
export const BINDING_KEY = 'binding/'

const VERSION = 1
const KINDS: ReadonlySet<string> = new Set<BindingKind>(['device', 'forward', 'node', 'other'])
const TRANSPORTS: ReadonlySet<string> = new Set(['udp', 'tcp'])

/** Wall times instead of those of this run. */
interface Stored {
  readonly k: BindingKind
  readonly c: string
  readonly p: readonly (readonly [string, string])[]
  readonly i?: string | undefined
  readonly r?: string | undefined
  readonly g?: string | undefined
  readonly gc: number
  readonly q: number
  readonly id: string
  readonly n: number
  readonly path: readonly string[]
  readonly to: readonly [string, number, string, number]
  readonly d: boolean
  readonly pin?: boolean | undefined
  readonly dns?: boolean | undefined
  readonly s: boolean
  readonly ua?: string | undefined
  readonly since: number
  readonly at: number
  readonly until: number
}

/**
 * How the phone is reached in another life of this node; undefined when only a connection leads there, which dies with it. Contacts that are no
 * phones need none.
 */
export function lastingReach(binding: Binding): Reach | undefined {
  const { reach, direct, kind } = binding
  if (kind !== 'device') return { ...reach, transport: 'udp', flow: 0 }
  if (binding.flowLost) return undefined
  if (reach.flow === 0 && TRANSPORTS.has(reach.transport)) return reach
  if (direct && reach.transport !== 'tcp') return undefined
  const lasting = withoutFlow(binding)
  // Only its host is of any use where a Path leads there, and only these two are read again.
  return lasting === undefined || TRANSPORTS.has(lasting.transport)
    ? lasting
    : { ...lasting, transport: 'tcp' }
}

/** The record of a user; undefined when nothing of it would outlive this node. */
export function bindingRecord(now: Now, bindings: readonly Binding[]): Uint8Array | undefined {
  const stored: Stored[] = []
  const offset = now.wall - now.ms
  for (const binding of bindings) {
    const reach = lastingReach(binding)
    if (reach === undefined) continue
    stored.push({
      k: binding.kind,
      c: binding.contact,
      p: [...binding.parameters],
      i: binding.instance,
      r: binding.regId,
      g: binding.gruuEpoch,
      gc: binding.gruuCseq,
      q: binding.q,
      id: binding.callId,
      n: binding.cseq,
      path: binding.path,
      to: [reach.transport, reach.listener, reach.host, reach.port],
      d: binding.direct,
      pin: binding.pinned ? true : undefined,
      dns: binding.lookedUp ? true : undefined,
      s: binding.secure,
      ua: binding.userAgent,
      since: Math.round(binding.since + offset),
      at: Math.round(binding.registeredAt + offset),
      until: Math.round(binding.endsAt + offset),
    })
  }
  return stored.length === 0 ? undefined : utf8(JSON.stringify({ v: VERSION, b: stored }))
}

/** The bindings of a record that have not ended; undefined when it cannot be read. `longestMs` bounds what a wrong clock can do. */
export function readBindings(now: Now, record: Uint8Array, longestMs: Millis): Binding[] | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(fromUtf8(record))
  } catch {
    return undefined
  }
  if (!isRecord(parsed) || parsed['v'] !== VERSION || !Array.isArray(parsed['b'])) return undefined
  const bindings: Binding[] = []
  for (const each of parsed['b'] as unknown[]) {
    const binding = readBinding(now, each, longestMs)
    if (binding === undefined) return undefined
    if (binding.endsAt > now.ms) bindings.push(binding)
  }
  return bindings
}

function readBinding(now: Now, value: unknown, longestMs: Millis): Binding | undefined {
  if (!isStored(value)) return undefined
  const offset = now.wall - now.ms
  const [transport, listener, host, port] = value.to
  const endsAt = Math.floor(Math.min(value.until - offset, now.ms + longestMs))
  return {
    kind: value.k,
    contact: value.c,
    parameters: new Map(value.p),
    instance: value.i,
    regId: value.r,
    gruuEpoch: value.g,
    gruuCseq: value.gc,
    q: value.q,
    callId: value.id,
    cseq: value.n,
    path: value.path,
    reach: { transport: transport as Reach['transport'], flow: 0, listener, host, port },
    direct: value.d,
    pinned: value.pin === true,
    lookedUp: value.dns === true,
    secure: value.s,
    userAgent: value.ua,
    since: Math.floor(Math.min(value.since - offset, now.ms)),
    registeredAt: Math.floor(Math.min(value.at - offset, now.ms)),
    expiresAt: endsAt,
    endsAt,
    flowLost: false,
  }
}

function isStored(value: unknown): value is Stored {
  if (!isRecord(value)) return false
  const { k, p, to, path } = value
  return (
    typeof k === 'string' &&
    KINDS.has(k) &&
    areTexts(value, ['c', 'id']) &&
    areTextsOrAbsent(value, ['i', 'r', 'g', 'ua']) &&
    areNumbers(value, ['gc', 'q', 'n', 'since', 'at', 'until']) &&
    typeof value['d'] === 'boolean' &&
    typeof value['s'] === 'boolean' &&
    isTexts(path) &&
    Array.isArray(p) &&
    p.every((pair) => isTexts(pair) && pair.length === 2) &&
    isReach(to)
  )
}

function isReach(to: unknown): boolean {
  if (!Array.isArray(to) || to.length !== 4) return false
  const [transport, listener, host, port] = to as unknown[]
  return (
    typeof transport === 'string' &&
    TRANSPORTS.has(transport) &&
    typeof host === 'string' &&
    [listener, port].every((each) => typeof each === 'number' && Number.isInteger(each) && each >= 0) &&
    (port as number) <= 65_535
  )
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
}

function areTexts(value: Record<string, unknown>, names: readonly string[]): boolean {
  return names.every((name) => typeof value[name] === 'string')
}

function areTextsOrAbsent(value: Record<string, unknown>, names: readonly string[]): boolean {
  return names.every((name) => value[name] === undefined || typeof value[name] === 'string')
}

function areNumbers(value: Record<string, unknown>, names: readonly string[]): boolean {
  return names.every((name) => typeof value[name] === 'number' && Number.isFinite(value[name]))
}
