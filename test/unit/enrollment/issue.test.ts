import 'reflect-metadata'
import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { webcrypto } from 'node:crypto'

import * as x509 from '@peculiar/x509'
import forge from 'node-forge'
import { afterAll, describe, expect, it } from 'vitest'

import { checkIssued, type Authority, type EnrollmentPolicy } from '../../../src/enrollment/index.ts'
import {
  createAuthority,
  generateKey,
  issueCertificate,
  issueCredential,
  type IssuedCertificate,
  type IssueRequest,
} from '../../../src/enrollment/io/index.ts'
import { asNodeId, key } from '../../../src/reload/codec/index.ts'
import {
  formatNodeUri,
  NodeCrypto,
  trustOf,
  type KeyAlgorithm,
  type Trust,
} from '../../../src/reload/security/index.ts'
import { anOverlay, TEST_WALL } from '../../support/credentials.ts'

const ALICE = 'alice@example.org'
const crypto = new NodeCrypto()
const folder = mkdtempSync(join(tmpdir(), 'ringbridge-issue-'))
afterAll(() => rmSync(folder, { recursive: true }))

const anAuthority = (policy: Partial<EnrollmentPolicy> = {}): Promise<Authority> =>
  createAuthority('example.org', TEST_WALL, policy)

async function issued(authority: Authority, request: IssueRequest): Promise<IssuedCertificate> {
  const result = await issueCertificate(authority, request, TEST_WALL)
  if (!result.ok) throw new Error(result.error.reason)
  return result.value
}

async function denied(authority: Authority, request: IssueRequest): Promise<string> {
  const result = await issueCertificate(authority, request, TEST_WALL)
  return result.ok ? 'issued' : result.error.token
}

function trustIn(authority: Authority): Trust {
  const trust = trustOf(crypto, anOverlay('example.org', { rootCerts: [authority.rootCertificate] }))
  if (!trust.ok) throw new Error(trust.error)
  return trust.value
}

/** A PKCS#10 request; `name` as rfc822Name, `subject` as distinguished name. */
async function aRequest(options: {
  name?: string
  subject?: string
}): Promise<{ csr: Uint8Array; publicKeyInfo: Uint8Array }> {
  const keys = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'sign',
    'verify',
  ])
  const request = await x509.Pkcs10CertificateRequestGenerator.create(
    {
      name: options.subject ?? '',
      keys,
      signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
      extensions:
        options.name === undefined
          ? []
          : [new x509.SubjectAlternativeNameExtension([{ type: 'email', value: options.name }])],
    },
    webcrypto,
  )
  return {
    csr: new Uint8Array(request.rawData),
    publicKeyInfo: new Uint8Array(await webcrypto.subtle.exportKey('spki', keys.publicKey)),
  }
}

const KEY_ALGORITHMS = ['ecdsa', 'rsa'] as const

describe('issuing', () => {
  it.each(KEY_ALGORITHMS)(
    'R6940-11.3-13 R6940-11.3-23 a certificate for the %s key of the request',
    async (algorithm) => {
      const authority = await anAuthority()
      const { publicKeyInfo } = await generateKey(algorithm)
      const { certificate, nodeId } = await issued(authority, { userName: ALICE, publicKeyInfo })
      const trust = trustIn(authority)
      const checked = checkIssued(trust, [certificate], { publicKeyInfo, userName: ALICE }, TEST_WALL)
      expect(checked).toMatchObject({ ok: true, value: { userName: ALICE, isCa: false } })
      expect(checked.ok && checked.value.nodeIds).toEqual([nodeId])
      const other = (await generateKey('ecdsa')).publicKeyInfo
      expect(checkIssued(trust, [certificate], { publicKeyInfo: other, userName: ALICE }, TEST_WALL).ok).toBe(
        false,
      )
      expect(
        checkIssued(trust, [certificate], { publicKeyInfo, userName: 'bob@example.org' }, TEST_WALL).ok,
      ).toBe(false)
    },
  )

  it('R6940-11.3-22 a certificate of another authority, or a CA, does not pass the check', async () => {
    const [authority, stranger] = [await anAuthority(), await anAuthority()]
    const { publicKeyInfo } = await generateKey('ecdsa')
    const { certificate } = await issued(stranger, { userName: ALICE, publicKeyInfo })
    const expected = { publicKeyInfo, userName: ALICE }
    expect(checkIssued(trustIn(authority), [certificate], expected, TEST_WALL).ok).toBe(false)
    expect(checkIssued(trustIn(authority), [authority.rootCertificate], expected, TEST_WALL).ok).toBe(false)
  })

  it('R6940-11.3-13 takes a PKCS#10 request that is signed with its own key', async () => {
    const authority = await anAuthority()
    const { csr, publicKeyInfo } = await aRequest({ name: ALICE })
    const { certificate } = await issued(authority, { userName: ALICE, csr })
    expect(
      checkIssued(trustIn(authority), [certificate], { publicKeyInfo, userName: ALICE }, TEST_WALL).ok,
    ).toBe(true)
    const broken = Uint8Array.from(csr)
    broken[csr.length - 1] = (broken[csr.length - 1] as number) ^ 1
    expect(await denied(authority, { userName: ALICE, csr: broken })).toBe('bad_CSR')
    expect(await denied(authority, { userName: ALICE, csr: Uint8Array.of(0x30, 0) })).toBe('bad_CSR')
    expect(await denied(authority, { userName: ALICE, csr: new Uint8Array(9000) })).toBe('bad_CSR')
  })

  it('R6940-11.3-13 a request for another name than the authenticated one is refused', async () => {
    const authority = await anAuthority()
    const bob = 'bob@example.org'
    expect(await denied(authority, { userName: ALICE, csr: (await aRequest({ name: bob })).csr })).toBe(
      'username_not_available',
    )
    expect(
      await denied(authority, { userName: ALICE, csr: (await aRequest({ subject: `CN=${bob}` })).csr }),
    ).toBe('username_not_available')
    expect(
      await denied(authority, { userName: ALICE, csr: (await aRequest({ subject: `CN=${ALICE}` })).csr }),
    ).toBe('issued')
    expect(await denied(authority, { userName: ALICE, csr: (await aRequest({})).csr })).toBe('issued')
  })

  it('refuses keys that the overlay would not accept', async () => {
    const { publicKey } = await import('node:crypto').then((c) =>
      c.generateKeyPairSync('ec', { namedCurve: 'secp256k1' }),
    )
    const publicKeyInfo = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }))
    expect(await denied(await anAuthority(), { userName: ALICE, publicKeyInfo })).toBe('bad_CSR')
    expect(await denied(await anAuthority(), { userName: ALICE, publicKeyInfo: new Uint8Array(0) })).toBe(
      'bad_CSR',
    )
  })
})

describe('Node-IDs', () => {
  it('R6940-11.3-14 are random and all different', async () => {
    const authority = await anAuthority()
    const ids = new Set<string>()
    const bits = new Array<number>(128).fill(0)
    for (let i = 0; i < 64; i++) {
      const { publicKeyInfo } = await generateKey('ecdsa')
      const { nodeId } = await issued(authority, { userName: `user${i}@example.org`, publicKeyInfo })
      ids.add(key(nodeId))
      for (let bit = 0; bit < 128; bit++)
        if (((nodeId[bit >> 3] as number) >> (bit & 7)) & 1) bits[bit] = (bits[bit] as number) + 1
    }
    expect(ids.size).toBe(64)
    // No bit stands still: 2^-63 each, were they random.
    expect(bits.every((count) => count > 0 && count < 64)).toBe(true)
  })

  it('R6940-11.3-18 the same user and key get the same one again, another key another one', async () => {
    const authority = await anAuthority()
    const [one, two] = [await generateKey('ecdsa'), await generateKey('ecdsa')]
    const first = await issued(authority, { userName: ALICE, publicKeyInfo: one.publicKeyInfo })
    const again = await issued(authority, { userName: ALICE, publicKeyInfo: one.publicKeyInfo })
    const second = await issued(authority, { userName: ALICE, publicKeyInfo: two.publicKeyInfo })
    expect(again.nodeId).toEqual(first.nodeId)
    expect(again.certificate).not.toEqual(first.certificate)
    expect(second.nodeId).not.toEqual(first.nodeId)
    const bob = await issued(authority, { userName: 'bob@example.org', publicKeyInfo: one.publicKeyInfo })
    expect(bob.nodeId).not.toEqual(first.nodeId)
  })

  it('R6940-13.3-03 no Node-ID is given to two users, not even on demand', async () => {
    const authority = await anAuthority()
    const nodeId = asNodeId(new Uint8Array(16).fill(9))
    const key1 = (await generateKey('ecdsa')).publicKeyInfo
    expect((await issued(authority, { userName: ALICE, publicKeyInfo: key1, nodeId })).nodeId).toEqual(nodeId)
    expect((await issued(authority, { userName: ALICE, publicKeyInfo: key1, nodeId })).nodeId).toEqual(nodeId)
    expect(await denied(authority, { userName: 'bob@example.org', publicKeyInfo: key1, nodeId })).toBe(
      'Node-IDs_not_available',
    )
    const ones = asNodeId(new Uint8Array(16).fill(0xff))
    expect(
      await denied(authority, { userName: 'carol@example.org', publicKeyInfo: key1, nodeId: ones }),
    ).toBe('Node-IDs_not_available')
    expect(authority.ledger.ownerOf(nodeId)).toBe(ALICE)
  })

  it('R6940-13.6.2-01 a user has no more of them than the policy allows', async () => {
    const authority = await anAuthority({ nodeIdsPerUserMax: 2 })
    const publicKeys = await Promise.all(
      [1, 2, 3].map(async () => (await generateKey('ecdsa')).publicKeyInfo),
    )
    const outcome = async (i: number): Promise<string> =>
      denied(authority, { userName: ALICE, publicKeyInfo: publicKeys[i] as Uint8Array })
    expect([await outcome(0), await outcome(1), await outcome(2), await outcome(0)]).toEqual([
      'issued',
      'issued',
      'Node-IDs_not_available',
      'issued',
    ])
  })

  it('R6940-11.3-18 no certificate leaves before its record is written', async () => {
    const authority = await anAuthority()
    const written: string[] = []
    let failing = true
    const careful: Authority = {
      ...authority,
      persist: (record) => {
        if (failing) return Promise.reject(new Error('disk full'))
        written.push(record.nodeId)
        return Promise.resolve()
      },
    }
    const { publicKeyInfo } = await generateKey('ecdsa')
    await expect(issueCertificate(careful, { userName: ALICE, publicKeyInfo }, TEST_WALL)).rejects.toThrow(
      'disk full',
    )
    failing = false
    const { nodeId } = await issued(careful, { userName: ALICE, publicKeyInfo })
    await issued(careful, { userName: ALICE, publicKeyInfo })
    expect(written).toEqual([key(nodeId)])
  })
})

describe('user names', () => {
  it.each([
    'ali\0ce@example.org',
    'ali ce@example.org',
    'alice',
    '@example.org',
    'alice@',
    'a@b@example.org',
    'alice@exa_mple.org',
    '"alice"@example.org',
    'älice@example.org',
    'alice\n@example.org',
    `${'a'.repeat(250)}@example.org`,
  ])('R6940-11.3-17 "%s" is refused', async (userName) => {
    const { publicKeyInfo } = await generateKey('ecdsa')
    expect(await denied(await anAuthority(), { userName, publicKeyInfo })).toBe('username_not_available')
  })

  it('R6940-11.3-13 a domain that the authority does not serve is not acceptable', async () => {
    const authority = await anAuthority({ domains: ['example.org'] })
    const { publicKeyInfo } = await generateKey('ecdsa')
    expect(await denied(authority, { userName: 'alice@example.net', publicKeyInfo })).toBe(
      'username_not_available',
    )
    expect(await denied(authority, { userName: '+4930123;phone-context=x@example.org', publicKeyInfo })).toBe(
      'issued',
    )
  })
})

describe('what other software sees', () => {
  const openssl = (...parameters: string[]): string =>
    execFileSync('openssl', parameters, { encoding: 'utf8' })

  async function onDisk(
    algorithm: KeyAlgorithm,
  ): Promise<{ root: string; leaf: string; uri: string; der: Uint8Array }> {
    const authority = await anAuthority()
    const result = await issueCredential(authority, { userName: ALICE, algorithm }, TEST_WALL)
    if (!result.ok) throw new Error(result.error.reason)
    const paths = { root: join(folder, `${algorithm}-root.pem`), leaf: join(folder, `${algorithm}.pem`) }
    writeFileSync(paths.root, new X509Certificate(authority.rootCertificate).toString())
    writeFileSync(paths.leaf, new X509Certificate(result.value.certificate).toString())
    return { ...paths, uri: formatNodeUri(result.value.nodeId, 'example.org'), der: result.value.certificate }
  }

  it.each(['ecdsa', 'rsa'] as const)(
    'R6940-11.3-15 R6940-11.3-16 OpenSSL reads the %s certificate and verifies its chain',
    async (algorithm) => {
      const { root, leaf, uri } = await onDisk(algorithm)
      const text = openssl('x509', '-in', leaf, '-noout', '-text')
      expect(text).toMatch(/Subject: *\n/)
      expect(text).toMatch(/Subject Alternative Name: critical/)
      expect(text).toContain(`URI:${uri}, email:${ALICE}\n`)
      expect(text).toMatch(/Basic Constraints: critical\s+CA:FALSE/)
      expect(text).toMatch(/Key Usage: critical\s+Digital Signature\n/)
      expect(text).toContain('TLS Web Server Authentication, TLS Web Client Authentication')
      const at = String(TEST_WALL / 1000)
      for (const purpose of ['sslserver', 'sslclient']) {
        expect(
          openssl('verify', '-x509_strict', '-attime', at, '-purpose', purpose, '-CAfile', root, leaf),
        ).toMatch(/: OK/)
      }
      const rootText = openssl('x509', '-in', root, '-noout', '-text')
      expect(rootText).toMatch(/Basic Constraints: critical\s+CA:TRUE, pathlen:0/)
      expect(rootText).toMatch(/Key Usage: critical\s+Certificate Sign, CRL Sign/)
    },
  )

  it('R6940-11.3-15 R6940-11.3-16 forge reads the same identities out of a certificate for an RSA key', async () => {
    const { der, uri } = await onDisk('rsa')
    const asn1 = forge.asn1.fromDer(forge.util.createBuffer(Buffer.from(der).toString('binary')))
    const tbs = (asn1.value as forge.asn1.Asn1[])[0] as forge.asn1.Asn1
    const fields = tbs.value as forge.asn1.Asn1[]
    // version, serial, algorithm, issuer, validity, subject, key, extensions
    expect((fields[5] as forge.asn1.Asn1).value).toEqual([])
    const publicKey = forge.pki.publicKeyFromAsn1(fields[6] as forge.asn1.Asn1) as forge.pki.rsa.PublicKey
    expect(publicKey.n.bitLength()).toBe(2048)
    const extensions = ((fields[7] as forge.asn1.Asn1).value as forge.asn1.Asn1[])[0] as forge.asn1.Asn1
    const san = (extensions.value as forge.asn1.Asn1[])
      .map((extension) => extension.value as forge.asn1.Asn1[])
      .find(([oid]) => forge.asn1.derToOid((oid as forge.asn1.Asn1).value as string) === '2.5.29.17')
    expect(san).toHaveLength(3)
    const names = forge.asn1.fromDer((san?.[2] as forge.asn1.Asn1).value as string).value as forge.asn1.Asn1[]
    expect(names.map((name) => [name.type, name.value])).toEqual([
      [6, uri],
      [1, ALICE],
    ])
  })

  it('a TLS 1.2 server and client accept each other with these certificates', async () => {
    const authority = await anAuthority()
    const { createServer, connect } = await import('node:tls')
    const result = await issueCredential(authority, { userName: ALICE }, TEST_WALL)
    if (!result.ok) throw new Error(result.error.reason)
    const cert = new X509Certificate(result.value.certificate).toString()
    const { createPrivateKey } = await import('node:crypto')
    const pkcs8 = createPrivateKey({ key: Buffer.from(result.value.pkcs8), format: 'der', type: 'pkcs8' })
    const tlsKey = pkcs8.export({ type: 'pkcs8', format: 'pem' })
    const server = createServer({ key: tlsKey, cert, requestCert: true, rejectUnauthorized: false })
    const seen = await new Promise<Buffer[]>((resolve, reject) => {
      server.on('secureConnection', (socket) => {
        const fromClient = socket.getPeerCertificate().raw
        socket.end()
        resolveServer(fromClient)
      })
      let resolveServer: (raw: Buffer) => void
      const atServer = new Promise<Buffer>((done) => (resolveServer = done))
      server.listen(0, '127.0.0.1', () => {
        const { port } = server.address() as { port: number }
        const client = connect(
          { port, host: '127.0.0.1', key: tlsKey, cert, rejectUnauthorized: false, maxVersion: 'TLSv1.2' },
          () => {
            const fromServer = client.getPeerCertificate().raw
            void atServer.then((raw) => {
              client.destroy()
              resolve([fromServer, raw])
            })
          },
        )
        client.on('error', reject)
      })
    })
    await new Promise((done) => server.close(done))
    for (const raw of seen) expect(new Uint8Array(raw)).toEqual(result.value.certificate)
  })
})
