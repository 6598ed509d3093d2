import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { addressRecords, domainRecords, siteRecords, type DnsNode } from '../../../src/app/dns-records.ts'
import { main } from '../../../src/cli/run.ts'
import { terminal } from '../../support/terminal.ts'

const shown = terminal()

function node(name: string, address: string, ...schemes: string[]): DnsNode {
  const listeners = schemes.map((scheme) => ({ scheme, host: address, port: scheme === 'tls' ? 5061 : 5060 }))
  return { name, address, listeners, domains: ['example.com'] }
}

const A = node('a.example.com', '192.0.2.1', 'udp', 'tcp', 'tls')
const B = node('b.example.com', '2001:db8::2', 'udp', 'tcp')

function lines(records: readonly { owner: string; type: string; data: string }[]): string[] {
  return records.map(({ owner, type, data }) => `${owner} ${type} ${data}`)
}

describe('DNS records of a domain', () => {
  it('name each transport once, the safest first, and each node that offers it', () => {
    expect(lines(domainRecords('example.com', [A, B], false))).toEqual([
      'example.com. NAPTR 10 50 "s" "SIPS+D2T" "" _sips._tcp.example.com.',
      'example.com. NAPTR 20 50 "s" "SIP+D2T" "" _sip._tcp.example.com.',
      'example.com. NAPTR 30 50 "s" "SIP+D2U" "" _sip._udp.example.com.',
      '_sips._tcp.example.com. SRV 10 10 5061 a.example.com.',
      '_sip._tcp.example.com. SRV 10 10 5060 a.example.com.',
      '_sip._tcp.example.com. SRV 10 10 5060 b.example.com.',
      '_sip._udp.example.com. SRV 10 10 5060 a.example.com.',
      '_sip._udp.example.com. SRV 10 10 5060 b.example.com.',
    ])
  })

  it('put the first node first when asked to, and leave out who does not host the domain', () => {
    const udp = lines(domainRecords('example.com', [A, B], true)).filter((line) =>
      line.startsWith('_sip._udp'),
    )
    expect(udp.map((line) => line.split(' ')[2])).toEqual(['10', '20'])
    expect(domainRecords('other.example', [A, B], true)).toEqual([])
  })

  it('give every node of several a name under which it comes first', () => {
    const records = lines(siteRecords('example.com', [A, B]))
    expect(records).toContain('_sip._udp.b.example.com. SRV 10 10 5060 b.example.com.')
    expect(records).toContain('_sip._udp.b.example.com. SRV 20 10 5060 a.example.com.')
    expect(siteRecords('example.com', [A])).toEqual([])
  })

  it('have addresses of both kinds, each once', () => {
    expect(lines(addressRecords([A, B, A]))).toEqual([
      'a.example.com. A 192.0.2.1',
      'b.example.com. AAAA 2001:db8::2',
    ])
  })
})

describe('ringbridge print-dns', () => {
  it('names TCP beside a UDP listener that stands alone, as the node opens it', async () => {
    const file = join(shown.folder, 'udp-only.yaml')
    writeFileSync(file, 'sip: { listen: ["udp://192.0.2.7:5062"], domains: [example.com] }\n')
    expect(await main(['print-dns', file])).toBe(0)
    for (const transport of ['udp', 'tcp'])
      expect(shown.out.join('')).toMatch(
        new RegExp(`_sip\\._${transport}\\.example\\.com\\. +300 IN SRV +10 10 5062 `),
      )
  })

  it('prints a zone for several configurations, with the configuration server', async () => {
    const one = join(shown.folder, 'one.yaml')
    const two = join(shown.folder, 'two.yaml')
    writeFileSync(
      one,
      'overlay: { name: example.com, enrollment: { listen: "0.0.0.0:8443" } }\nsip: { advertise: 192.0.2.1 }',
    )
    writeFileSync(two, 'sip: { domains: [example.com], advertise: sip2.example.com }')
    expect(await main(['print-dns', one, two])).toBe(0)
    const text = shown.out.join('')
    expect(text).toMatch(/^_sip\._udp\.example\.com\. +300 IN SRV +10 10 5060 node1\.example\.com\.$/m)
    expect(text).toMatch(/^_sip\._tcp\.example\.com\. +300 IN SRV +10 10 5060 sip2\.example\.com\.$/m)
    expect(text).toMatch(/^node1\.example\.com\. +300 IN A +192\.0\.2\.1$/m)
    expect(text).toMatch(
      /^_reload-config\._tcp\.example\.com\. +300 IN SRV +0 0 8443 node1\.example\.com\.$/m,
    )
    expect(shown.err.join('')).toContain('sip2.example.com needs an A or AAAA record')
  })

  it('takes names and addresses from the command line; --json', async () => {
    const args = ['--name', 'sip.dht.example.com', '--address', '2001:db8::1', '--ttl', '60', '--json']
    expect(await main(['print-dns', ...args])).toBe(0)
    const { ttl, records } = JSON.parse(shown.out.join('')) as { ttl: number; records: object[] }
    expect(ttl).toBe(60)
    expect(records).toContainEqual({ owner: 'sip.dht.example.com.', type: 'AAAA', data: '2001:db8::1' })
  })

  it('refuses what cannot be written into a zone', async () => {
    const file = join(shown.folder, 'node.yaml')
    for (const [text, args, expected] of [
      ['sip: { domains: ["192.0.2.1"] }', [], /is an address; records are for names/],
      ['sip: { roles: [], listen: [] }', [], /no node here serves phones/],
      ['', ['--name', 'a,b'], /--name: 1 of them/],
      ['', ['--address', 'host'], /is no IP address/],
      ['', ['--ttl', '0'], /--ttl/],
    ] as const) {
      shown.err = []
      writeFileSync(file, text)
      expect(await main(['print-dns', file, ...args]), text).toBe(2)
      expect(shown.err.join('')).toMatch(expected)
    }
  })
})
