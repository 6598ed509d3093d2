/** How a node finds hosts of other domains: name servers, what is remembered of them, RFC 3263. */
import { DnsRecords } from '../sip/io/dns-records.ts'
import { DnsShell } from '../sip/io/dns.ts'
import { NameServers, parseNameServer } from '../sip/io/name-servers.ts'
import type { Transport } from '../sip/index.ts'
import type { Config } from './config/schema.ts'
import { CryptoRandom } from './crypto-random.ts'

/** Transports over which this version opens connections of its own, the one to be tried first in front. */
const TRANSPORTS: readonly Transport[] = ['udp', 'tcp', 'tls']

export function nameResolution(config: Config): DnsShell {
  const random = new CryptoRandom()
  const servers = config.sip.dns.servers.flatMap((text) => parseNameServer(text) ?? [])
  const source = new NameServers({ random }, { servers })
  const records = new DnsRecords({ source, now: () => performance.now() })
  return new DnsShell({ records, random }, { transports: TRANSPORTS })
}
