/** The DNS records by which phones find the nodes of a domain (RFC 3263, RFC 7118) and nodes their configuration server (RFC 6940 s.11.2). */
import type { PhoneListener } from './phone-listeners.ts'

export interface DnsNode {
  /** Host name, without the dot at its end. */
  readonly name: string
  /** Its IP address; undefined when the name has one already. */
  readonly address: string | undefined
  readonly listeners: readonly PhoneListener[]
  /** Hosted domains. */
  readonly domains: readonly string[]
}

export interface DnsRecord {
  /** Owner and names in `data` are absolute, with a dot at the end. */
  readonly owner: string
  readonly type: 'NAPTR' | 'SRV' | 'A' | 'AAAA'
  readonly data: string
}

/** By scheme, the one a phone should prefer first: what encrypts, then what carries large messages. */
const SERVICES = [
  { scheme: 'tls', service: 'SIPS+D2T', prefix: '_sips._tcp' },
  { scheme: 'tcp', service: 'SIP+D2T', prefix: '_sip._tcp' },
  { scheme: 'udp', service: 'SIP+D2U', prefix: '_sip._udp' },
  { scheme: 'wss', service: 'SIPS+D2W', prefix: '_sips._ws' },
  { scheme: 'ws', service: 'SIP+D2W', prefix: '_sip._ws' },
] as const

const STEP = 10
const WEIGHT = 10

/** Records of one domain. `ordered`: the first node is tried first; otherwise all alike (RFC 2782). */
export function domainRecords(domain: string, nodes: readonly DnsNode[], ordered: boolean): DnsRecord[] {
  const hosting = nodes.filter(({ domains }) => domains.includes(domain))
  return [...naptr(domain, hosting), ...srv(domain, hosting, ordered)]
}

/** For phones of one site: a name of its own, under which its node comes first and the others stand by. */
export function siteRecords(domain: string, nodes: readonly DnsNode[]): DnsRecord[] {
  const hosting = nodes.filter(({ domains }) => domains.includes(domain))
  if (hosting.length < 2) return []
  return hosting.flatMap((node) => {
    const others = hosting.filter((each) => each !== node)
    return [...naptr(node.name, [node]), ...srv(node.name, [node, ...others], true)]
  })
}

export function addressRecords(nodes: readonly DnsNode[]): DnsRecord[] {
  const seen = new Set<string>()
  return nodes.flatMap(({ name, address }): DnsRecord[] => {
    if (address === undefined || seen.has(`${name} ${address}`)) return []
    seen.add(`${name} ${address}`)
    return [{ owner: `${name}.`, type: address.includes(':') ? 'AAAA' : 'A', data: address }]
  })
}

/** Where nodes elsewhere fetch the Configuration Document of an overlay. */
export function configurationServerRecord(overlay: string, host: string, port: number): DnsRecord {
  return { owner: `_reload-config._tcp.${overlay}.`, type: 'SRV', data: `0 0 ${port} ${host}.` }
}

function naptr(owner: string, nodes: readonly DnsNode[]): DnsRecord[] {
  const offered = SERVICES.filter(({ scheme }) => nodes.some((node) => portOf(node, scheme) !== undefined))
  return offered.map(({ service, prefix }, index) => ({
    owner: `${owner}.`,
    type: 'NAPTR',
    data: `${STEP * (index + 1)} 50 "s" "${service}" "" ${prefix}.${owner}.`,
  }))
}

function srv(owner: string, nodes: readonly DnsNode[], ordered: boolean): DnsRecord[] {
  return SERVICES.flatMap(({ scheme, prefix }) =>
    nodes.flatMap((node, index): DnsRecord[] => {
      const port = portOf(node, scheme)
      if (port === undefined) return []
      const priority = ordered ? STEP * (index + 1) : STEP
      return [
        { owner: `${prefix}.${owner}.`, type: 'SRV', data: `${priority} ${WEIGHT} ${port} ${node.name}.` },
      ]
    }),
  )
}

function portOf({ listeners }: DnsNode, scheme: string): number | undefined {
  return listeners.find((listener) => listener.scheme === scheme)?.port
}
