/** The certificate of the enrollment server while it runs. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readConfig } from '../../../src/app/config/load.ts'
import { startNode, type RunningNode } from '../../../src/app/node.ts'
import type { TraceEvent } from '../../../src/common/trace.ts'
import { TestAuthority, type TestIdentity } from '../../support/phone-certificates.ts'

const folder = mkdtempSync(join(tmpdir(), 'ringbridge-https-'))
const certificate = join(folder, 'https.pem')
const privateKey = join(folder, 'https.key')
const events: TraceEvent[] = []
let authority: TestAuthority
let node: RunningNode

const config = (enrollment: Record<string, unknown>) =>
  readConfig(
    JSON.stringify({
      overlay: { listen: ['tls://127.0.0.1:0'], enrollment: { listen: '127.0.0.1:0', ...enrollment } },
      sip: { listen: ['udp://127.0.0.1:0'] },
      admin: { listen: '127.0.0.1:0' },
      data: { dir: join(folder, 'data') },
    }),
    'test',
    {},
  )

const issued = (commonName: string): Promise<TestIdentity> =>
  authority.issue({ commonName, names: [{ type: 'ip', value: '127.0.0.1' }] })

function write(certificates: string, key: string): void {
  writeFileSync(certificate, certificates)
  writeFileSync(privateKey, key)
}

/** Whose certificate a new connection sees. */
function shown(): Promise<string> {
  const [host, port] = (node.enrollment ?? '').split(':')
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: Number(port), ca: authority.root }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN))
      socket.destroy()
    })
    socket.on('error', reject)
  })
}

const accountsLoaded = (): number => events.filter(({ event }) => event === 'accounts_loaded').length

beforeAll(async () => {
  authority = await TestAuthority.create('authority of the site')
  const first = await issued('first')
  write(first.certificates, first.privateKey)
  node = await startNode(config({ certificate, privateKey }), (event) => events.push(event))
})
afterAll(async () => {
  await node.stop()
  rmSync(folder, { recursive: true, force: true })
})

it('the certificate of the enrollment server is read again with the configuration; one that is not fit changes nothing', async () => {
  expect(await shown()).toBe('first')
  const [second, third] = [await issued('second'), await issued('third')]

  write(second.certificates, second.privateKey)
  node.reload()
  expect(await shown()).toBe('second')
  expect(events.filter(({ event }) => event === 'https_certificate_renewed')).toHaveLength(1)

  write(third.certificates, second.privateKey)
  expect(() => node.reload()).toThrow(/https\.pem: certificate and key .* do not fit together/)
  write('nothing', second.privateKey)
  expect(() => node.reload()).toThrow(/https\.pem: holds no PEM certificate/)
  write(third.certificates, 'nothing')
  expect(() => node.reload()).toThrow(/https\.key: holds no PEM key/)
  // A chain whose second certificate broke off: OpenSSL's refusal came when the accounts were taken over already.
  const accountsRead = accountsLoaded()
  write(
    `${third.certificates}\n-----BEGIN CERTIFICATE-----\nMIIBszCCA\n-----END CERTIFICATE-----\n`,
    third.privateKey,
  )
  expect(() => node.reload()).toThrow(/https\.pem: TLS does not take it \(bad base64 decode\)/)
  expect(accountsLoaded()).toBe(accountsRead)
  rmSync(certificate)
  expect(() => node.reload()).toThrow(/https\.pem: cannot be read \(ENOENT\)/)
  expect(() => node.reload(config({}))).toThrow(/takes a restart/)
  expect(await shown()).toBe('second')
})
