import { X509Certificate } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  provenIdentities,
  sipDomains,
  speaksFor,
  type CertificateNames,
} from '../../../../src/sip/transport/index.ts'
import { TestAuthority } from '../../../support/phone-certificates.ts'

function names(subjectAltName?: string, commonName = 'cn.example.com'): CertificateNames {
  return { subjectAltName, commonName }
}

describe('identities of a certificate (RFC 5922 s.7)', () => {
  it.each([
    ['a sip URI without a user', 'URI:sip:example.com', ['example.com']],
    ['several, in any case', 'URI:SIP:Example.COM, URI:sip:b.example.com', ['example.com', 'b.example.com']],
    ['a URI with port and parameters', 'URI:sip:example.com:5061;transport=tcp', ['example.com']],
    ['a user is no domain', 'URI:sip:alice@example.com', []],
    ['sips and other schemes do not count', 'URI:sips:example.com, URI:https://example.com', []],
    [
      'DNS names where there is no such URI',
      'DNS:example.com, DNS:b.example.com',
      ['example.com', 'b.example.com'],
    ],
    ['no DNS name beside one', 'DNS:other.example.com, URI:sip:example.com', ['example.com']],
    ['DNS beside a user', 'URI:sip:alice@example.com, DNS:example.com', ['example.com']],
    ['no common name beside anything', 'email:a@b.example', []],
    ['nothing', '', []],
  ])('S5922-7.1-01 %s', (_what, text, domains) => {
    expect(sipDomains(names(text))).toEqual(domains)
  })

  it('S5922-7.1-01 the common name only without any subjectAltName', () => {
    expect(sipDomains(names(undefined, 'CN.example.com'))).toEqual(['cn.example.com'])
    expect(sipDomains(names(undefined, 'Our Phone Server'))).toEqual([])
    expect(sipDomains({ subjectAltName: undefined, commonName: undefined })).toEqual([])
  })

  it.each([
    ['example.com', true],
    ['EXAMPLE.com.', true],
    ['sip.example.com', false],
    ['com', false],
    ['xample.com', false],
  ])('S5922-7.2-01 whole names only: %s', (domain, right) => {
    expect(speaksFor(names('URI:sip:example.com'), domain)).toBe(right)
  })

  it('S5922-7.2-01 a wildcard stands for nothing but itself', () => {
    for (const text of ['DNS:*.example.com', 'URI:sip:*.example.com', 'DNS:.example.com']) {
      expect(speaksFor(names(text), 'sip.example.com')).toBe(false)
      expect(speaksFor(names(text), 'example.com')).toBe(false)
    }
  })

  it('an address in the URI is proven by an iPAddress, however it is written', () => {
    const both = names('IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1')
    expect(speaksFor(both, '192.0.2.1')).toBe(true)
    expect(speaksFor(both, '2001:db8::1')).toBe(true)
    expect(speaksFor(both, '2001:db8::2')).toBe(false)
    expect(sipDomains(both)).toEqual([])
  })

  it('a client has proven its domains and its users', () => {
    expect(provenIdentities(names('URI:sip:alice@example.com, URI:sip:example.com'))).toEqual([
      'example.com',
      'sip:alice@example.com',
    ])
    expect(provenIdentities(names(undefined))).toEqual(['cn.example.com'])
  })

  it('M-02 S-AU-02 an address with a port of its own is no user of ours', () => {
    expect(provenIdentities(names('URI:sip:alice@example.com:5099, DNS:example.com'))).toEqual([
      'example.com',
    ])
    expect(provenIdentities(names('URI:sip:alice@example.com:5060, DNS:example.com'))).toContain(
      'sip:alice@example.com:5060',
    )
  })

  describe('of certificates that lie', () => {
    let authority: TestAuthority
    beforeAll(async () => {
      authority = await TestAuthority.create('lies')
    })
    async function read(value: string, type: 'dns' | 'url'): Promise<CertificateNames> {
      const { certificates } = await authority.issue({ names: [{ type, value }] })
      const { subjectAltName } = new X509Certificate(certificates)
      return { subjectAltName, commonName: 'victim.example' }
    }

    it.each([
      ['dns', 'evil.example, DNS:victim.example'],
      ['dns', 'evil.example", DNS:victim.example, "'],
      ['dns', 'victim.example\u0000.evil.example'],
      ['url', 'sip:evil.example, URI:sip:victim.example'],
      ['url', 'sip:victim.example@evil.example'],
    ] as const)('S-41 a name inside a %s value proves nothing: %j', async (type, value) => {
      const certificate = await read(value, type)
      expect(certificate.subjectAltName).toBeDefined()
      expect(speaksFor(certificate, 'victim.example')).toBe(false)
    })

    it('S-41 thousands of names are not all read', async () => {
      const many = Array.from({ length: 3_000 }, (_, index) => `DNS:n${index}.example`).join(', ')
      expect(sipDomains(names(many))).toHaveLength(100)
      await Promise.resolve()
    })
  })
})
