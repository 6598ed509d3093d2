/** Addresses of the peers to join through: host names are looked up here, since the cores know addresses only. */
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { Trace } from '../common/trace.ts'
import type { TransportAddress } from '../reload/index.ts'
import { parseHostPort } from './config/endpoint.ts'
import { RingbridgeError } from '../common/errors.ts'

const ROUNDS_MAX = 30
const ROUND_MS = 2_000

/** At least one address; waits a minute for names that do not exist yet, as in a cluster that is just coming up. */
export async function bootstrapAddresses(
  names: readonly string[],
  self: TransportAddress,
  trace: Trace,
): Promise<TransportAddress[]> {
  const wanted = names.map((name) => parseHostPort(name, 'overlay.bootstrap', 6084))
  for (let round = 1; ; round++) {
    const found: TransportAddress[] = []
    const missing: string[] = []
    for (const { host, port } of wanted) {
      const addresses = isIP(host) !== 0 ? [host] : await addressesOf(host)
      if (addresses.length === 0) missing.push(host)
      for (const address of addresses) {
        // Our own address among them is how a cluster names all its members in one list.
        if (address !== self.address || port !== self.port) found.push({ address, port })
      }
    }
    if (missing.length === 0 || found.length > 0) return found
    if (round === ROUNDS_MAX) {
      throw new RingbridgeError('BOOTSTRAP', `overlay.bootstrap: no address for ${missing.join(', ')}`)
    }
    trace({ level: 'warn', area: 'app', event: 'bootstrap_unresolved', names: missing.join(', ') })
    await new Promise((resolve) => setTimeout(resolve, ROUND_MS))
  }
}

async function addressesOf(host: string): Promise<string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address)
  } catch {
    // No such name, or no name server: both mean "not yet" here, and the caller says so.
    return []
  }
}
