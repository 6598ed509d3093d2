/** RFC 3263 reduced to SRV and address records: where a host outside the overlay is reached. Never asked for IP literals. */
import { Resolver } from 'node:dns/promises'
import type { ResolveOutcome, Transport } from '../core/contract.ts'

const ADDRESSES_MAX = 8
const TRIES = 2
const TIMEOUT_MS = 2_000

export interface ResolveQuestion {
  readonly host: string
  readonly port: number | undefined
  readonly transport: Transport | undefined
  readonly secure: boolean
}

/** The part of `dns.promises.Resolver` that is used here. */
export interface DnsPort {
  resolveSrv(name: string): Promise<{ name: string; port: number; priority: number; weight: number }[]>
  resolve4(name: string): Promise<string[]>
  resolve6(name: string): Promise<string[]>
}

export class DnsShell {
  private readonly dns: DnsPort

  constructor(dns: DnsPort = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES })) {
    this.dns = dns
  }

  /** Never rejects: a name that cannot be resolved becomes a status (RFC 3261 s.16.6 step 7: 404 none, 503 trouble). */
  async resolve(question: ResolveQuestion): Promise<ResolveOutcome> {
    const { host, secure } = question
    const transport = question.transport ?? (secure ? 'tls' : 'udp')
    const defaultPort = secure || transport === 'tls' ? 5061 : 5060
    try {
      // RFC 3263 s.4.2: a port in the URI means address records only.
      if (question.port !== undefined) {
        return answer(await this.addresses(host), question.port, transport)
      }
      const service =
        secure || transport === 'tls' ? '_sips._tcp' : transport === 'tcp' ? '_sip._tcp' : '_sip._udp'
      const records = await this.dns.resolveSrv(`${service}.${host}`).catch(noneOrThrow<never[]>([]))
      if (records.length === 0) return answer(await this.addresses(host), defaultPort, transport)
      const found: { host: string; port: number; transport: Transport }[] = []
      for (const record of records.toSorted((a, b) => a.priority - b.priority || b.weight - a.weight)) {
        for (const address of await this.addresses(record.name)) {
          found.push({ host: address, port: record.port, transport })
          if (found.length === ADDRESSES_MAX) return { ok: true, addresses: found }
        }
      }
      return found.length > 0 ? { ok: true, addresses: found } : notFound(host)
    } catch (error) {
      return { ok: false, status: 503, reason: `DNS ${(error as NodeJS.ErrnoException).code ?? 'failure'}` }
    }
  }

  private async addresses(host: string): Promise<string[]> {
    const [v4, v6] = await Promise.all([
      this.dns.resolve4(host).catch(noneOrThrow<string[]>([])),
      this.dns.resolve6(host).catch(noneOrThrow<string[]>([])),
    ])
    return [...v4, ...v6].slice(0, ADDRESSES_MAX)
  }
}

function answer(addresses: readonly string[], port: number, transport: Transport): ResolveOutcome {
  if (addresses.length === 0) return { ok: false, status: 404, reason: 'no address records' }
  return { ok: true, addresses: addresses.map((host) => ({ host, port, transport })) }
}

function notFound(host: string): ResolveOutcome {
  return { ok: false, status: 404, reason: `no address for ${host}` }
}

/** "No such record" is an answer; a server that does not answer is trouble. */
function noneOrThrow<T>(none: T): (error: unknown) => T {
  return (error) => {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENODATA' || code === 'ENOTFOUND') return none
    throw error
  }
}
