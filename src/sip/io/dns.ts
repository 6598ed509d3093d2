/** RFC 3263: where a host outside the overlay is reached, by NAPTR, SRV and address records. Never asked for IP literals. */
import type { Random } from '../../common/random.ts'
import type { SrvTarget } from '../../common/srv-order.ts'
import type { ResolveOutcome, Transport } from '../core/contract.ts'
import { defaultPort, naptrOffers, orderedServers, serviceName, type RecordType } from '../location/index.ts'
import type { RecordSource } from './dns-records.ts'

/** Addresses of one answer; a caller does not wait for more than that to fail. */
const ADDRESSES_MAX = 16
/** Servers whose addresses are asked for. */
const SERVERS_MAX = 16
/** For all questions of one resolution together; the core waits a little longer. */
const WITHIN_MS = 10_000

export interface ResolveQuestion {
  readonly host: string
  readonly port: number | undefined
  readonly transport: Transport | undefined
  readonly secure: boolean
}

interface Server {
  readonly host: string
  readonly port: number
  readonly transport: Transport
}

export class DnsShell {
  private readonly records: RecordSource
  private readonly random: Random
  private readonly transports: readonly Transport[]

  /** `transports`: those that this node can open, the one to be tried first in front. */
  constructor(
    components: { readonly records: RecordSource; readonly random: Random },
    init: { readonly transports: readonly Transport[] },
  ) {
    this.records = components.records
    this.random = components.random
    this.transports = init.transports
  }

  /** Never rejects. No usable record is 404; 504 when that may be the fault of name servers that fail or are silent. */
  resolve(question: ResolveQuestion): Promise<ResolveOutcome> {
    return new Resolution(this.records, this.random, this.transports).run(question)
  }
}

/** One question on its way through the records. */
class Resolution {
  private readonly records: RecordSource
  private readonly random: Random
  private readonly transports: readonly Transport[]
  private readonly deadline = performance.now() + WITHIN_MS
  /** The first look-up that came to nothing by the fault of name servers. */
  private trouble: string | undefined

  constructor(records: RecordSource, random: Random, transports: readonly Transport[]) {
    this.records = records
    this.random = random
    this.transports = transports
  }

  async run(question: ResolveQuestion): Promise<ResolveOutcome> {
    const addresses = await this.addressesOf(await this.servers(question))
    if (addresses.length > 0) return { ok: true, addresses }
    const { trouble } = this
    return trouble === undefined
      ? { ok: false, status: 404, reason: `No SIP Service at ${question.host}` }
      : { ok: false, status: 504, reason: `DNS Failure (${trouble})` }
  }

  /** RFC 3263 s.4.1 and s.4.2: hosts, ports and transports in the order in which they are to be tried. */
  private async servers({ host, port, transport, secure }: ResolveQuestion): Promise<readonly Server[]> {
    const wanted = transport ?? (secure ? 'tls' : undefined)
    if (port !== undefined) return [{ host, port, transport: wanted ?? 'udp' }]
    const byNaptr = transport === undefined ? await this.byNaptr(host, secure) : []
    if (byNaptr.length > 0) return byNaptr
    const able = wanted === undefined ? this.transports.filter((each) => each !== 'tls') : [wanted]
    const found = await Promise.all(able.map((each) => this.byService(serviceName(each, host), each)))
    const servers = found.flatMap((each) => each.servers)
    if (servers.length > 0) return servers
    // RFC 2782: what is decidedly not offered is not tried without its records either.
    const fallback = able.find((_, index) => found[index]?.refused === false)
    return fallback === undefined ? [] : [{ host, port: defaultPort(fallback), transport: fallback }]
  }

  private async byNaptr(host: string, secure: boolean): Promise<Server[]> {
    const records = await this.ask(host, 'NAPTR')
    const offers = naptrOffers(records, secure, this.transports).slice(0, SERVERS_MAX)
    const found = await Promise.all(offers.map((each) => this.byService(each.service, each.transport)))
    return found.flatMap((each) => each.servers)
  }

  private async byService(
    name: string,
    transport: Transport,
  ): Promise<{ readonly servers: readonly Server[]; readonly refused: boolean }> {
    const { servers, refused } = orderedServers(await this.ask(name, 'SRV'), this.random)
    return {
      servers: servers.map((record: SrvTarget) => ({ host: record.name, port: record.port, transport })),
      refused,
    }
  }

  private async addressesOf(servers: readonly Server[]): Promise<Server[]> {
    const found = await Promise.all(
      servers.slice(0, SERVERS_MAX).map(async ({ host, port, transport }) => {
        const [v4, v6] = await Promise.all([this.ask(host, 'A'), this.ask(host, 'AAAA')])
        return [...v4, ...v6].map((address) => ({ host: address, port, transport }))
      }),
    )
    const seen = new Set<string>()
    const unique = found.flat().filter(({ host, port, transport }) => {
      const key = `${transport} ${host} ${port}`
      return !seen.has(key) && seen.add(key)
    })
    return unique.slice(0, ADDRESSES_MAX)
  }

  private async ask<T extends RecordType>(name: string, type: T) {
    const left = this.deadline - performance.now()
    if (left <= 0) {
      this.trouble ??= 'no time left'
      return []
    }
    const answer = await this.records.ask(name, type, left)
    if (answer.kind === 'records') return answer.records
    if (answer.kind === 'failed') this.trouble ??= answer.reason
    return []
  }
}
