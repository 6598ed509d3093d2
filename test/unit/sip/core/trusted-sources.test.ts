import { describe, expect, it } from 'vitest'
import { addressBytes, isInNetwork, parseNetwork } from '../../../../src/sip/message/index.ts'
import { certificateName, SourceTable, type SourceRule } from '../../../../src/sip/core/trusted-sources.ts'
import type { HopTransport } from '../../../../src/sip/transaction/index.ts'

function lies(address: string, network: string): boolean {
  const bytes = addressBytes(address)
  const parsed = parseNetwork(network)
  expect(bytes, address).toBeDefined()
  expect(parsed, network).toBeDefined()
  return isInNetwork(bytes!, parsed!)
}

describe('networks', () => {
  it.each([
    ['192.0.2.7', '192.0.2.0/24', true],
    ['192.0.3.7', '192.0.2.0/24', false],
    ['192.0.2.7', '192.0.2.7', true],
    ['192.0.2.8', '192.0.2.7', false],
    ['192.0.2.127', '192.0.2.0/25', true],
    ['192.0.2.128', '192.0.2.0/25', false],
    ['203.0.113.9', '0.0.0.0/0', true],
    ['2001:db8::9', '2001:db8::/32', true],
    ['2001:db9::9', '2001:db8::/32', false],
    ['2001:db8:0:0:0:0:0:9', '2001:db8::9', true],
    ['[2001:db8::9]', '2001:db8::8/125', true],
    ['2001:db8::10', '2001:db8::8/125', false],
    ['::ffff:192.0.2.7', '192.0.2.0/24', true],
    ['::ffff:c000:207', '192.0.2.0/24', true],
    ['192.0.2.7', '::/0', false],
    ['::1', '0.0.0.0/0', false],
  ])('%s in %s: %s', (address, network, expected) => {
    expect(lies(address, network)).toBe(expected)
  })

  it.each([
    '',
    '192.0.2.0/',
    '192.0.2.0/33',
    '192.0.2.7/24',
    'fe80::%eth0/64',
    '192.0.2/24',
    '2001:db8::1/32',
    '::/129',
    'a.b',
    '10.0.0.0/8x',
  ])('%s is no network', (text) => {
    expect(parseNetwork(text)).toBeUndefined()
  })
})

describe('names of certificates', () => {
  it.each([
    ['sip:Example.COM', 'example.com'],
    ['sips:example.com', 'example.com'],
    ['Example.com.', 'example.com'],
    ['sip:Alice@Example.com', 'Alice@example.com'],
    ['*.example.com', '*.example.com'],
    ['http://example.com', undefined],
    ['alice@example.com', undefined],
    ['sip:', undefined],
  ])('%s is %s', (text, name) => {
    expect(certificateName(text)).toBe(name)
  })
})

describe('the table of sources', () => {
  interface Named extends SourceRule {
    readonly name: string
  }
  const found = (
    rules: readonly Named[],
    host: string,
    transport: HopTransport = 'udp',
    identities: readonly string[] = [],
  ): string | undefined => new SourceTable(rules).find({ transport, host }, identities)?.name

  it('the first rule that matches is the one', () => {
    const rules = [
      { name: 'pbx', networks: ['192.0.2.7'] },
      { name: 'office', networks: ['192.0.2.0/24', '2001:db8::/32'] },
    ]
    expect(found(rules, '192.0.2.7')).toBe('pbx')
    expect(found(rules, '192.0.2.8')).toBe('office')
    expect(found(rules, '2001:db8::1')).toBe('office')
    expect(found(rules, '198.51.100.1')).toBeUndefined()
    expect(found(rules, 'not an address')).toBeUndefined()
  })

  it('a certificate counts by its exact name, never by a wildcard or a part of one', () => {
    const rules = [{ name: 'carrier', identities: ['sip:carrier.example.net'] }]
    expect(found(rules, '203.0.113.1', 'tls', ['carrier.example.net'])).toBe('carrier')
    for (const other of ['*.example.net', 'sub.carrier.example.net', 'example.net', 'x@carrier.example.net'])
      expect(found(rules, '203.0.113.1', 'tls', [other])).toBeUndefined()
    expect(found(rules, '203.0.113.1', 'tls')).toBeUndefined()
  })

  it('all conditions that a rule has must hold', () => {
    const rules = [
      {
        name: 'both',
        networks: ['192.0.2.0/24'],
        identities: ['gw.example.net'],
        transports: ['tls' as const],
      },
    ]
    expect(found(rules, '192.0.2.1', 'tls', ['gw.example.net'])).toBe('both')
    expect(found(rules, '192.0.3.1', 'tls', ['gw.example.net'])).toBeUndefined()
    expect(found(rules, '192.0.2.1', 'tls', ['other.example.net'])).toBeUndefined()
    expect(found(rules, '192.0.2.1', 'tcp', ['gw.example.net'])).toBeUndefined()
  })

  it('a rule without conditions, and lists without anything in them, match nobody', () => {
    expect(found([{ name: 'all' }], '192.0.2.1')).toBeUndefined()
    expect(found([{ name: 'tcp', transports: ['tcp'] }], '192.0.2.1', 'tcp')).toBeUndefined()
    expect(found([{ name: 'empty', networks: [] }], '192.0.2.1')).toBeUndefined()
    expect(found([{ name: 'none', identities: [] }], '192.0.2.1', 'tls', ['a.example'])).toBeUndefined()
  })

  it('S-72 a peer of the overlay is no trusted source, whatever its name looks like', () => {
    expect(found([{ name: 'all', networks: ['0.0.0.0/0', '::/0'] }], '192.0.2.1', 'peer')).toBeUndefined()
  })

  it('what is neither network nor name is refused when the table is made', () => {
    expect(() => new SourceTable([{ networks: ['192.0.2.7/24'] }])).toThrow(RangeError)
    expect(() => new SourceTable([{ identities: ['http://x'] }])).toThrow(RangeError)
  })
})
