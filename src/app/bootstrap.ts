/** Addresses of the peers to join through: host names are looked up here, since the cores know addresses only. */
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { RingbridgeError } from '../common/errors.ts'
import type { Trace } from '../common/trace.ts'
import type { Entrances, TransportAddress } from '../reload/index.ts'
import { isUnspecified, parseHostPort } from './config/endpoint.ts'
import { isOwnPlace, type OwnPlace } from './own-places.ts'

const PORT_DEFAULT = 6084
const PAUSE_FIRST_MS = 1_000
const PAUSE_MOST_MS = 30_000

export interface BootstrapQuestion {
  /** host:port or host. */
  readonly names: readonly string[]
  readonly self: OwnPlace
  /** Former neighbors are known, which do as well: a name server that is away is not waited for. */
  readonly hasFormerNeighbors?: boolean
  /** Ends the wait: rejects with `RingbridgeError` `STOPPED`. */
  readonly signal?: AbortSignal | undefined
  /** Tests hand in their own. */
  readonly addressesOf?: (host: string) => Promise<readonly string[]>
  readonly pauseFirstMs?: number
}

/**
 * Resolves with what the names stand for once at least one has an address; until then it keeps trying, since in a cluster
 * that is just coming up names appear late. One log line says what is missing, one that it has come. `unresolved`: none has
 * an address, and the node does without.
 */
export async function bootstrapAddresses(
  {
    names,
    self,
    hasFormerNeighbors = false,
    signal,
    addressesOf = lookedUp,
    pauseFirstMs = PAUSE_FIRST_MS,
  }: BootstrapQuestion,
  trace: Trace,
): Promise<Entrances | 'unresolved'> {
  for (let pauseMs = pauseFirstMs, waiting = false; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MOST_MS)) {
    const { entrances, missing } = await entrancesNow(names, self, addressesOf)
    const found = entrances.bootstrap.length
    if (missing.length === 0 || found > 0) {
      if (waiting) trace({ level: 'info', area: 'app', event: 'bootstrap_resolved', addresses: found })
      return entrances
    }
    if (!waiting)
      trace({
        level: 'warn',
        area: 'app',
        event: 'bootstrap_unresolved',
        key: 'overlay.bootstrap',
        names: missing.join(', '),
        reason: hasFormerNeighbors
          ? 'no address for any of these names; the node joins through former neighbors'
          : 'no address for any of these names; the node joins once one has an address',
      })
    if (hasFormerNeighbors) return 'unresolved'
    waiting = true
    await pause(pauseMs, signal)
  }
}

/** One look at what the names stand for, and the names that have no address at this moment. */
export async function entrancesNow(
  names: readonly string[],
  self: OwnPlace,
  addressesOf: (host: string) => Promise<readonly string[]> = lookedUp,
): Promise<{ readonly entrances: Entrances; readonly missing: readonly string[] }> {
  const all = new Map<string, TransportAddress>()
  const missing: string[] = []
  for (const name of names) {
    const { host, port } = parseHostPort(name, 'overlay.bootstrap', PORT_DEFAULT)
    const addresses = isIP(host) !== 0 ? [host] : await addressesOf(host)
    if (addresses.length === 0) missing.push(host)
    for (const address of addresses) all.set(`${address} ${port}`, { address, port })
  }
  // Our own address among them is how a cluster names all its members in one list. All of them see the same order, so it is our place by
  // what the others know us as: 127.0.0.1 would be the first everywhere.
  const own = [...all].filter(([, place]) => isOwnPlace(self, place))
  for (const [key] of own) all.delete(key)
  const ownKey = nameOf(self, new Set(own.map(([key]) => key)))
  const turn = own.length === 0 ? undefined : [...all.keys()].filter((key) => key < ownKey).length
  return { entrances: { bootstrap: [...all.values()], turn }, missing }
}

/** As the list has it: what others are told, or what the listener is bound to. Where it is only this machine's name for itself, as others know it. */
function nameOf({ address, port, listener }: OwnPlace, listed: ReadonlySet<string>): string {
  const told = `${address} ${port}`
  if (listed.has(told) || listener === undefined || isUnspecified(listener.address)) return told
  const bound = `${listener.address} ${listener.port}`
  return listed.has(bound) ? bound : told
}

/** Host names of `overlay.bootstrap` that have no address at this moment. */
export async function unresolvedBootstrap(names: readonly string[]): Promise<string[]> {
  const hosts = names.map((name) => parseHostPort(name, 'overlay.bootstrap', PORT_DEFAULT).host)
  const checked = await Promise.all(
    hosts.map(async (host) => (isIP(host) === 0 && (await lookedUp(host)).length === 0 ? [host] : [])),
  )
  return checked.flat()
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal })
  } catch (error) {
    throw new RingbridgeError('STOPPED', 'stopped while waiting for a bootstrap node', { cause: error })
  }
}

async function lookedUp(host: string): Promise<string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address)
  } catch {
    // No such name, or no name server: both mean "not yet" here, and the caller says so.
    return []
  }
}
