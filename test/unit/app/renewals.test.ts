import { describe, expect, it } from 'vitest'
import { CertificateWatch } from '../../../src/app/certificate-watch.ts'
import { Renewals } from '../../../src/app/renewals.ts'
import { RenewableCredential } from '../../../src/app/trust/renewable-credential.ts'
import type { TraceEvent } from '../../../src/common/trace.ts'
import { createAuthority, issueCertificate, issueCredential } from '../../../src/enrollment/io/index.ts'
import { NodeCrypto, pkcs8OfCredential, type Credential } from '../../../src/reload/security/index.ts'
import { fail, ok } from '../../../src/common/errors.ts'
import { nodeCredential } from '../../../src/app/trust/node-identity.ts'
import { readConfig } from '../../../src/app/config/load.ts'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { saveCredential } from '../../../src/enrollment/io/index.ts'

const OVERLAY = 'example.org'
const DAY = 86_400_000

async function aCredential(
  from: number,
  validityMs: number,
): Promise<{ credential: Credential; pkcs8: Uint8Array }> {
  const authority = await createAuthority(OVERLAY, from, { backdateMs: 0 })
  const issued = await issueCredential(authority, { userName: `n@${OVERLAY}`, validityMs }, from)
  if (!issued.ok) throw new Error(issued.error.reason)
  return issued.value
}

describe('renewals of a node', () => {
  it('M-05 S-70 a certificate past two thirds of its life is asked for at once, one after the other, and then left alone', async () => {
    const due = (await aCredential(Date.now() - 25 * DAY, 30 * DAY)).credential
    const fresh = (await aCredential(Date.now(), 30 * DAY)).credential
    const asked: string[] = []
    let atOnce = 0
    let done: () => void = () => undefined
    const finished = new Promise<void>((resolve) => (done = resolve))
    const renewals = new Renewals(
      async (name) => {
        asked.push(name)
        expect(++atOnce).toBe(1)
        await new Promise((resolve) => setImmediate(resolve))
        atOnce--
        if (asked.length === 2) setImmediate(done)
        return { credential: fresh }
      },
      () => undefined,
    )
    renewals.watch('a', due)
    renewals.watch('b', due)
    renewals.watch('c', fresh)
    await finished
    expect(asked.sort()).toEqual(['a', 'b'])
    expect(renewals.results.get('ok')).toBe(2)
    await renewals.stop()
  })

  it('M-05 one of somebody who is gone is let run out, without a word', async () => {
    const due = (await aCredential(Date.now() - 25 * DAY, 30 * DAY)).credential
    const asked: string[] = []
    const traces: TraceEvent[] = []
    let done: () => void = () => undefined
    const finished = new Promise<void>((resolve) => (done = resolve))
    const renewals = new Renewals(
      (name) => {
        asked.push(name)
        done()
        return Promise.resolve({ final: false, reason: 'away' })
      },
      (event) => traces.push(event),
      (name) => name !== 'gone',
    )
    for (const name of ['gone', 'here']) renewals.watch(name, due)
    await finished
    await renewals.stop()
    expect(asked).toEqual(['here'])
    expect(traces).toHaveLength(1)
    expect(renewals.results.get('failed')).toBe(1)
  })

  it('a failure is counted and told', async () => {
    const traces: TraceEvent[] = []
    let done: () => void = () => undefined
    const finished = new Promise<void>((resolve) => (done = resolve))
    const renewals = new Renewals(
      () => Promise.resolve({ final: false, reason: 'away' }),
      (event) => {
        traces.push(event)
        done()
      },
    )
    renewals.watch('a', (await aCredential(Date.now() - 25 * DAY, 30 * DAY)).credential)
    await finished
    await renewals.stop()
    expect(traces).toMatchObject([{ event: 'renewal_failed', reason: 'away' }])
    expect(renewals.results.get('failed')).toBe(1)
  })

  it('R-06 the end of the certificate of a node is told, that there is a valid one again, and one that begins later', async () => {
    const heard: string[] = []
    let told: () => void = () => undefined
    const next = () => new Promise<void>((resolve) => (told = resolve))
    const { credential } = await aCredential(Date.now() - DAY, DAY / 2)
    const other = (await aCredential(Date.now(), DAY)).credential
    const early = (await aCredential(Date.now() + DAY, DAY)).credential
    const running = { ...credential, certificate: credential.certificate }
    const first = next()
    const watch = new CertificateWatch(
      running,
      ({ level, event }) => {
        heard.push(`${level} ${event}`)
        told()
      },
      1,
    )
    await first
    const second = next()
    running.certificate = other.certificate
    await second
    const third = next()
    running.certificate = early.certificate
    await third
    watch.stop()
    expect(heard).toEqual([
      'error node_certificate_expired',
      'info node_certificate_valid_again',
      'error node_certificate_not_valid_yet',
    ])
  })

  it('the credential of a running node takes a longer certificate of the same key, and none of another node', async () => {
    const crypto = new NodeCrypto()
    const now = Date.now()
    const authority = await createAuthority(OVERLAY, now)
    const userName = `n@${OVERLAY}`
    const first = await issueCredential(authority, { userName, validityMs: DAY }, now)
    const other = await issueCredential(authority, { userName }, now)
    if (!first.ok || !other.ok) throw new Error('denied')
    const { publicKeyInfo } = first.value.credential.certificate
    const longer = await issueCertificate(authority, { userName, publicKeyInfo }, now)
    if (!longer.ok) throw new Error('denied')
    const renewed = crypto.importCredential(longer.value.certificate, first.value.pkcs8, OVERLAY)
    const running = new RenewableCredential(first.value.credential)
    expect(running.renew(other.value.credential)).toBe(false)
    expect(running.certificate).toBe(first.value.credential.certificate)
    expect(running.renew(renewed)).toBe(true)
    expect(running.certificate.notAfter).toBeGreaterThan(first.value.credential.certificate.notAfter)
    const data = new Uint8Array(32)
    expect(crypto.verify(renewed.certificate, crypto.sign(running, data), data)).toBe(true)
  })

  it('R6940-11.3-18 at start a due certificate is renewed with its key; while the server is away the old one serves until its end', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ringbridge-renewal-'))
    const crypto = new NodeCrypto()
    const config = readConfig(JSON.stringify({ data: { dir: folder } }), 'test', {})
    const keep = async (from: number): Promise<Credential> => {
      const { credential, pkcs8 } = await aCredential(from, 30 * DAY)
      await saveCredential(join(folder, 'node'), { certificate: credential.certificate.der, pkcs8 })
      return credential
    }
    const keys: (Uint8Array | undefined)[] = []
    const away = {
      certify: (_name: string, key?: { publicKeyInfo: Uint8Array }) => {
        keys.push(key?.publicKeyInfo)
        return Promise.resolve(fail({ final: false, reason: 'away' }))
      },
    }
    const load = (source: Parameters<typeof nodeCredential>[0]['source']) =>
      nodeCredential({ crypto, source, trace: () => undefined }, config, OVERLAY)
    const due = await keep(Date.now() - 25 * DAY)
    expect((await load(away)).certificate.fingerprint).toBe(due.certificate.fingerprint)
    expect(keys).toEqual([due.certificate.publicKeyInfo])
    const next = (await aCredential(Date.now(), 30 * DAY)).credential
    const back = {
      certify: () =>
        Promise.resolve(
          ok({
            credential: next,
            pair: { certificate: next.certificate.der, pkcs8: pkcs8OfCredential(next) },
          }),
        ),
    }
    expect((await load(back)).certificate.fingerprint).toBe(next.certificate.fingerprint)
    await keep(Date.now() - 31 * DAY)
    await expect(load(away)).rejects.toThrow('has expired: away')
    rmSync(folder, { recursive: true })
  })
})

it('R-06 a node whose certificate ended while it was off waits for a server that comes up later, as one that never had any', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ringbridge-expired-'))
  const crypto = new NodeCrypto()
  const config = readConfig(JSON.stringify({ data: { dir: folder } }), 'test', {})
  const { credential: old, pkcs8 } = await aCredential(Date.now() - 31 * DAY, 30 * DAY)
  await saveCredential(join(folder, 'node'), { certificate: old.certificate.der, pkcs8 })
  const { credential: next } = await aCredential(Date.now(), 30 * DAY)
  const asked: (Uint8Array | undefined)[] = []
  const waits: number[] = []
  const heard: string[] = []
  const load = (awayFor: number) =>
    nodeCredential(
      {
        crypto,
        trace: ({ event }) => heard.push(event),
        wait: (ms) => Promise.resolve(waits.push(ms)),
        source: {
          certify: (_name, key) => {
            asked.push(key?.publicKeyInfo)
            return Promise.resolve(
              asked.length <= awayFor
                ? fail({ final: false, reason: 'away', waitMs: 1_000 })
                : ok({
                    credential: next,
                    pair: { certificate: next.certificate.der, pkcs8: pkcs8OfCredential(next) },
                  }),
            )
          },
        },
      },
      config,
      OVERLAY,
    )
  await expect(load(99)).rejects.toMatchObject({
    code: 'NO_CERTIFICATE',
    message: `${join(folder, 'node')}: the certificate has expired: away`,
  })
  asked.length = waits.length = heard.length = 0
  expect((await load(2)).certificate.fingerprint).toBe(next.certificate.fingerprint)
  expect(heard).toEqual(['node_certificate_awaited', 'node_certificate_awaited'])
  expect(waits).toEqual([5_000, 5_000])
  // The same key, hence the same Node-ID.
  expect(asked).toEqual([1, 2, 3].map(() => old.certificate.publicKeyInfo))
  rmSync(folder, { recursive: true })
})
