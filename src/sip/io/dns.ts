/** RFC 3263: where a host outside the overlay is reached, by NAPTR, SRV and address records. Never asked for IP literals. */
import { Resolver } from 'node:dns/promises'
import type { ResolveOutcome, Transport } from '../core/contract.ts'

const ADDRESSES_MAX = 8
const TRIES = 2
const TIMEOUT_MS = 2_000
/** Transports that this build can open, best first. */
const OPENABLE: readonly Transport[] = ['udp', 'tcp']

export interface ResolveQuestion {
  readonly host: string
  readonly port: number | undefined
  readonly transport: Transport | undefined
  readonly secure: boolean
}

/** The part of `dns.promises.Resolver` that is used here. */
export interface DnsPort {
  resolveNaptr(name: string): Promise<NaptrLike[]>
  resolveSrv(name: string): Promise<SrvLike[]>
  resolve4(name: string): Promise<string[]>
  resolve6(name: string): Promise<string[]>
}

export interface NaptrLike {
  readonly service: string
  readonly replacement: string
  readonly order: number
  readonly preference: number
}

export interface SrvLike {
  readonly name: string
  readonly port: number
  readonly priority: number
  readonly weight: number
}

interface Target {
  readonly host: string
  readonly port: number
  readonly transport: Transport
}

const NAPTR_SERVICES: ReadonlyMap<string, Transport> = new Map<string, Transport>([
  ['SIP+D2U', 'udp'],
  ['SIP+D2T', 'tcp'],
  ['SIPS+D2T', 'tls'],
])

export class DnsShell {
  private readonly dns: DnsPort
  private readonly random: () => number

  /** `random`: uniform in [0, 1), for the weights of SRV. */
  constructor(
    dns: DnsPort = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES }),
    random: () => number = Math.random,
  ) {
    this.dns = dns
    this.random = random
  }

  /** Never rejects. No usable record is 404, a name server that fails or is silent 504. */
  async resolve(question: ResolveQuestion): Promise<ResolveOutcome> {
    try {
      const addresses = await this.addressesOf(await this.targets(question))
      if (addresses.length > 0) return { ok: true, addresses }
      return { ok: false, status: 404, reason: `no address for ${question.host}` }
    } catch (error) {
      return { ok: false, status: 504, reason: `DNS ${(error as NodeJS.ErrnoException).code ?? 'failure'}` }
    }
  }

  /** RFC 3263 s.4.1 and s.4.2: hosts, ports and transports in the order in which they are to be tried. */
  private async targets({ host, port, transport, secure }: ResolveQuestion): Promise<Target[]> {
    const wanted = transport ?? (secure ? 'tls' : undefined)
    if (port !== undefined) return [{ host, port, transport: wanted ?? 'udp' }]
    const transports: readonly Transport[] = wanted === undefined ? OPENABLE : [wanted]
    if (wanted === undefined) {
      const byNaptr = await this.naptrTargets(host)
      if (byNaptr.length > 0) return byNaptr
    }
    const found: Target[] = []
    for (const each of transports)
      found.push(...(await this.srvTargets(`${service(each, secure)}.${host}`, each)))
    if (found.length > 0) return found
    const fallback = wanted ?? 'udp'
    return [{ host, port: fallback === 'tls' ? 5061 : 5060, transport: fallback }]
  }

  private async naptrTargets(host: string): Promise<Target[]> {
    const records = await this.dns.resolveNaptr(host).catch(noneOrThrow<NaptrLike[]>([]))
    const usable = records
      .map((record) => ({ ...record, transport: NAPTR_SERVICES.get(record.service.toUpperCase()) }))
      .filter(({ transport }) => transport !== undefined && OPENABLE.includes(transport))
      .toSorted((a, b) => a.order - b.order || a.preference - b.preference)
    const found: Target[] = []
    for (const { replacement, transport } of usable.slice(0, ADDRESSES_MAX)) {
      found.push(...(await this.srvTargets(replacement, transport as Transport)))
    }
    return found
  }

  private async srvTargets(name: string, transport: Transport): Promise<Target[]> {
    const records = await this.dns.resolveSrv(name).catch(noneOrThrow<SrvLike[]>([]))
    // RFC 2782: a single "." says that the service is not offered.
    const offered = records.filter((record) => record.name !== '' && record.name !== '.')
    return this.ordered(offered).map((record) => ({ host: record.name, port: record.port, transport }))
  }

  /** RFC 2782: priorities rising; within one, drawn by weight. */
  private ordered(records: readonly SrvLike[]): SrvLike[] {
    const left = records.toSorted((a, b) => a.priority - b.priority || a.weight - b.weight)
    const out: SrvLike[] = []
    while (left.length > 0) {
      const [first] = left as [SrvLike]
      const same = left.filter((record) => record.priority === first.priority)
      let draw = this.random() * same.reduce((sum, record) => sum + record.weight, 0)
      const chosen = same.find((record) => (draw -= record.weight) < 0) ?? (same[0] as SrvLike)
      out.push(chosen)
      left.splice(left.indexOf(chosen), 1)
    }
    return out
  }

  private async addressesOf(targets: readonly Target[]): Promise<Target[]> {
    const found: Target[] = []
    for (const { host, port, transport } of targets) {
      if (found.length >= ADDRESSES_MAX) break
      const [v4, v6] = await Promise.all([
        this.dns.resolve4(host).catch(noneOrThrow<string[]>([])),
        this.dns.resolve6(host).catch(noneOrThrow<string[]>([])),
      ])
      for (const address of [...v4, ...v6]) found.push({ host: address, port, transport })
    }
    return found.slice(0, ADDRESSES_MAX)
  }
}

function service(transport: Transport, secure: boolean): string {
  if (secure || transport === 'tls') return '_sips._tcp'
  return transport === 'udp' ? '_sip._udp' : '_sip._tcp'
}

/** "No such record" is an answer; a server that does not answer is trouble. */
function noneOrThrow<T>(none: T): (error: unknown) => T {
  return (error) => {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENODATA' || code === 'ENOTFOUND') return none
    throw error
  }
}
