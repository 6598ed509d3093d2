/** `ringbridge print-dns`: what the zone of a domain has to hold. */
import { isIP } from 'node:net'
import { loadConfig } from '../../app/config/load.ts'
import { parseHostPort, reachableAddress } from '../../app/config/endpoint.ts'
import { ConfigError } from '../../app/config/fault.ts'
import { hostedDomains, overlayName } from '../../app/config/places.ts'
import type { Config } from '../../app/config/schema.ts'
import {
  addressRecords,
  configurationServerRecord,
  domainRecords,
  siteRecords,
  type DnsNode,
  type DnsRecord,
} from '../../app/dns-records.ts'
import { phoneListeners } from '../../app/phone-listeners.ts'
import { EXIT, print, readArgs, UsageError, wholeNumber, type Command } from '../command.ts'

export const printDns: Command = {
  help: `ringbridge print-dns [FILE ...]

The records by which phones find the nodes of a domain (NAPTR, SRV, A, AAAA; RFC 3263), as lines of a zone file. Each FILE is the
configuration of one node; without any, that of all defaults and the environment. With several nodes each also gets a name under
which it comes first and the others stand by: the server name for the phones of its site.

  --name HOST,...     names of the nodes, in the order of the files (default: sip.advertise where that is a name, else
                      node1.DOMAIN, node2.DOMAIN, …)
  --address IP,...    their addresses (default: sip.advertise, the address of the listener, or the first one of this machine)
  --ordered           the first node is tried first, the others when it fails; without it all are alike
  --ttl SECONDS       (default 300: a node that is gone is forgotten that soon)
  --json              one object: ttl, records`,
  run: (args) => {
    const { values, positionals } = readArgs(args, {
      name: { type: 'string' },
      address: { type: 'string' },
      ordered: { type: 'boolean', default: false },
      ttl: { type: 'string', default: '300' },
      json: { type: 'boolean', default: false },
    })
    const ttl = wholeNumber(values.ttl, 'ttl', 1, 604_800)
    const files = positionals.length === 0 ? [undefined] : positionals
    const configs = files.map((file) => loadConfig(file, process.env).config)
    const names = list(values.name, 'name', files.length)
    const addresses = list(values.address, 'address', files.length)
    const nodes = configs.map((config, index) => nodeOf(config, index, names[index], addresses[index]))
    if (nodes.every(({ listeners }) => listeners.length === 0))
      throw new ConfigError('"sip.roles": no node here serves phones')
    const domains = [...new Set(nodes.flatMap((node) => node.domains))]
    for (const domain of domains)
      if (isIP(domain) !== 0)
        throw new ConfigError(`"sip.domains": ${domain} is an address; records are for names`)
    const groups: Group[] = domains.map((domain) => ({
      title: `${domain}: where phones of this domain find a node`,
      records: domainRecords(domain, nodes, values.ordered),
    }))
    const first = domains[0] as string
    groups.push({ title: 'server names for the phones of one site', records: siteRecords(first, nodes) })
    groups.push({ title: 'the nodes', records: addressRecords(nodes) })
    groups.push({
      title: 'where nodes elsewhere find the Configuration Document',
      records: configs.flatMap((config, index) => serverRecord(config, nodes[index] as DnsNode)),
    })
    if (values.json) print(JSON.stringify({ ttl, records: groups.flatMap(({ records }) => records) }))
    else print(zone(ttl, groups))
    warnings(nodes)
    return Promise.resolve(EXIT.done)
  },
}

interface Group {
  readonly title: string
  readonly records: readonly DnsRecord[]
}

function nodeOf(
  config: Config,
  index: number,
  name: string | undefined,
  address: string | undefined,
): DnsNode {
  const domains = hostedDomains(config)
  const listeners = phoneListeners(config)
  const host = listeners[0]?.host ?? reachableAddress('0.0.0.0', config.sip.advertise)
  const hostIsName = isIP(host) === 0
  if (address !== undefined && isIP(address) === 0)
    throw new UsageError(`--address: "${address}" is no IP address`)
  return {
    name: (name ?? (hostIsName ? host : `node${index + 1}.${domains[0] as string}`)).replace(/\.$/, ''),
    address: address ?? (hostIsName ? undefined : host),
    listeners,
    domains,
  }
}

function serverRecord({ overlay, ...rest }: Config, node: DnsNode): DnsRecord[] {
  const { listen } = overlay.enrollment
  if (listen === undefined) return []
  const { port } = parseHostPort(listen, 'overlay.enrollment.listen')
  return [configurationServerRecord(overlayName({ overlay, ...rest }), node.name, port)]
}

function list(text: string | undefined, option: string, count: number): readonly string[] {
  if (text === undefined) return []
  const words = text.split(',').map((word) => word.trim())
  if (words.length !== count || words.includes(''))
    throw new UsageError(`--${option}: ${count} of them are expected, separated by commas: one a node`)
  return words
}

/** Owners and names are absolute, so that the lines may be put into any zone that holds them. */
function zone(ttl: number, groups: readonly Group[]): string {
  const all = groups.flatMap(({ records }) => records)
  const width = Math.max(...all.map(({ owner }) => owner.length))
  const parts = groups
    .filter(({ records }) => records.length > 0)
    .map(({ title, records }) =>
      [
        `; ${title}`,
        ...records.map(
          ({ owner, type, data }) => `${owner.padEnd(width)} ${ttl} IN ${type.padEnd(5)} ${data}`,
        ),
      ].join('\n'),
    )
  return parts.join('\n\n')
}

function warnings(nodes: readonly DnsNode[]): void {
  for (const { name, address } of nodes) {
    if (address === undefined)
      process.stderr.write(`ringbridge: note: ${name} needs an A or AAAA record of its own\n`)
    else if (/^(?:127\.|::1$)/.test(address))
      process.stderr.write(
        `ringbridge: warning: ${name} is ${address}, which other machines cannot reach; --address or sip.advertise\n`,
      )
  }
}
