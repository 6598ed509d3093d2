/**
 * Sources that the operator vouches for: the network they send from, or a name that their TLS certificate has proven. The table
 * says which rule a source falls under; what follows from that is for whoever owns the rules (trusted proxies, trunks).
 */
import { addressBytes, isInNetwork, parseNetwork, parseUri, type Network } from '../message/index.ts'
import type { Hop, HopTransport } from '../transaction/index.ts'

/** Which sources are meant. Conditions that are given must all hold; a rule without any matches nobody. */
export interface SourceRule {
  /**
   * Addresses and CIDR networks. A datagram's source can be forged by anybody whose network lets him: name `transports` too where
   * that would cost money.
   */
  readonly networks?: readonly string[]
  /** Names of certificates: `example.com` or `sip:example.com` for a domain, `sip:user@example.com` for a user. */
  readonly identities?: readonly string[]
  readonly transports?: readonly HopTransport[]
}

interface Row<R> {
  readonly rule: R
  readonly networks: readonly Network[] | undefined
  readonly identities: ReadonlySet<string> | undefined
  readonly transports: readonly HopTransport[] | undefined
}

/** Rules in order: the first that matches a source is its own. */
export class SourceTable<R extends SourceRule> {
  private readonly rows: readonly Row<R>[]

  /** Throws `RangeError` for a network or identity that is none; the configuration has been checked before. */
  constructor(rules: readonly R[]) {
    this.rows = rules.map(rowOf)
  }

  get size(): number {
    return this.rows.length
  }

  /**
   * The rule of a source; `proven` are the names of its certificate as `certificateName` spells them (`Flow.identities`). Peers of the
   * overlay match no rule.
   */
  find(source: Pick<Hop, 'transport' | 'host'>, proven: readonly string[]): R | undefined {
    if (this.rows.length === 0 || source.transport === 'peer') return undefined
    const address = addressBytes(source.host)
    return this.rows.find((row) => fits(row, source, address, proven))?.rule
  }

  /** All of them, in their order. */
  all(source: Pick<Hop, 'transport' | 'host'>, proven: readonly string[]): R[] {
    if (this.rows.length === 0 || source.transport === 'peer') return []
    const address = addressBytes(source.host)
    return this.rows.filter((row) => fits(row, source, address, proven)).map(({ rule }) => rule)
  }
}

function fits(
  { networks, identities, transports }: Row<SourceRule>,
  source: Pick<Hop, 'transport'>,
  address: ReturnType<typeof addressBytes>,
  proven: readonly string[],
): boolean {
  if (transports !== undefined && !transports.some((transport) => transport === source.transport))
    return false
  if (identities !== undefined && !proven.some((name) => identities.has(name))) return false
  return (
    networks === undefined ||
    (address !== undefined && networks.some((network) => isInNetwork(address, network)))
  )
}

/**
 * One spelling for a name that a certificate proves (RFC 5922 s.7.1): `example.com` for a domain, be it a SAN URI or a DNS name,
 * `user@example.com` for a user. Undefined for what is neither. Wildcards stand for nothing but themselves (s.7.2).
 */
export function certificateName(text: string): string | undefined {
  if (!/^sips?:/i.test(text))
    return /^[A-Za-z0-9_.*-]{1,253}$/.test(text) ? withoutDot(text.toLowerCase()) : undefined
  const uri = parseUri(text)
  if (uri === undefined) return undefined
  const host = withoutDot(uri.host.toLowerCase())
  return uri.user === undefined || uri.user === '' ? host : `${uri.user}@${host}`
}

function withoutDot(host: string): string {
  return host.endsWith('.') ? host.slice(0, -1) : host
}

function rowOf<R extends SourceRule>(rule: R): Row<R> {
  const networks = rule.networks?.map((text) => known(parseNetwork(text), text))
  const identities = rule.identities?.map((text) => known(certificateName(text), text))
  // An empty list must never come to mean everybody.
  const named = networks !== undefined || identities !== undefined
  return {
    rule,
    networks: named ? networks : [],
    identities: identities === undefined ? undefined : new Set(identities),
    transports: rule.transports,
  }
}

function known<T>(value: T | undefined, text: string): T {
  if (value === undefined) throw new RangeError(`neither a network nor a name: ${text}`)
  return value
}
