import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { ConfigError } from '../../../src/app/config/fault.ts'
import { readConfig } from '../../../src/app/config/load.ts'
import { phoneTlsOfFiles } from '../../../src/app/sip-certificate.ts'
import { TestAuthority } from '../../support/phone-certificates.ts'

const folder = mkdtempSync(join(tmpdir(), 'ringbridge-sip-certificate-'))
const certificate = join(folder, 'cert.pem')
const privateKey = join(folder, 'key.pem')
/** The certificate of the authority in between, as a copy that broke off leaves it. */
const TORN = '\n-----BEGIN CERTIFICATE-----\nMIIBszCCA\n-----END CERTIFICATE-----\n'

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe("the operator's certificate for phones", () => {
  it('S-82 a key that everybody on the machine can read is refused, with what to do about it', async () => {
    const authority = await TestAuthority.create('test')
    const identity = await authority.issue({ names: [{ type: 'dns', value: 'sip.example.com' }] })
    writeFileSync(certificate, identity.certificates)
    writeFileSync(privateKey, identity.privateKey)
    const config = readConfig(
      `sip: { listen: ["tls://127.0.0.1:5061"], tls: { certificate: ${certificate}, privateKey: ${privateKey} } }`,
      'test',
      {},
    )
    for (const mode of [0o644, 0o604, 0o666, 0o602]) {
      chmodSync(privateKey, mode)
      expect(() => phoneTlsOfFiles(config, undefined)).toThrow(
        `${privateKey}: has mode 0${mode.toString(8)}, everybody on this machine can read it: chmod 600; see sip.tls.privateKey`,
      )
    }
    // A group of its own is how keys are shared with the certificate bot.
    for (const mode of [0o600, 0o640]) {
      chmodSync(privateKey, mode)
      expect(phoneTlsOfFiles(config, undefined).certificate?.domains).toEqual(['sip.example.com'])
    }
  })

  it('a chain that TLS would not take is a fault of its file, also where the first certificate and the key fit', async () => {
    const authority = await TestAuthority.create('test')
    const identity = await authority.issue({ names: [{ type: 'dns', value: 'sip.example.com' }] })
    writeFileSync(certificate, identity.certificates + TORN)
    writeFileSync(privateKey, identity.privateKey, { mode: 0o600 })
    const config = readConfig(
      `sip: { listen: ["tls://127.0.0.1:5061"], tls: { certificate: ${certificate}, privateKey: ${privateKey} } }`,
      'test',
      {},
    )
    expect(() => phoneTlsOfFiles(config, undefined)).toThrow(
      new ConfigError(`${certificate}: TLS does not take it (bad base64 decode); see sip.tls.certificate`),
    )
  })
})
