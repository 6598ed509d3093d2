/** A real enrollment server on loopback, with an authority in memory. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { X509Certificate } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { signedDocument, firstConfiguration } from '../../src/app/trust/overlay-document.ts'
import { SeededRandom } from '../../src/common/random.ts'
import type { TraceEvent } from '../../src/common/trace.ts'
import {
  configPlace,
  enrollPlace,
  type Authority,
  type EnrollmentPolicy,
  type HttpsPlace,
} from '../../src/enrollment/index.ts'
import {
  DocumentFile,
  ENROLL_PATH,
  EnrollmentAccounts,
  EnrollmentDesk,
  EnrollmentServer,
  hashPassword,
  saveEnrollmentAccounts,
  serverIdentity,
  type EnrollmentAccount,
} from '../../src/enrollment/http/index.ts'
import { createAuthority, issueCredential } from '../../src/enrollment/io/index.ts'
import type { OverlayConfiguration } from '../../src/reload/config/index.ts'
import { NodeCrypto, trustOf, type Credential, type Trust } from '../../src/reload/security/index.ts'

export const OVERLAY = 'example.org'
export const PASSWORD = 'p\u00e4ss w\u00f6rd'
export const crypto = new NodeCrypto()
export const random = new SeededRandom('enrollment')

export interface World {
  readonly authority: Authority
  readonly signer: Credential
  readonly configuration: OverlayConfiguration
  readonly trust: Trust
  readonly folder: string
  readonly documentPath: string
  readonly accountsPath: string
  /** PEM of the root. */
  readonly rootPem: string
  readonly traces: TraceEvent[]
  readonly desk: EnrollmentDesk
  readonly server: EnrollmentServer
  readonly base: string
  readonly configPlace: HttpsPlace
  readonly enrollPlace: HttpsPlace
  close(): Promise<void>
}

export async function hash(account: string, names: readonly string[]): Promise<EnrollmentAccount> {
  return { account, scrypt: await hashPassword(PASSWORD), names }
}

export async function aWorld(
  options: { readonly names?: readonly string[]; readonly policy?: Partial<EnrollmentPolicy> } = {},
): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'ringbridge-https-'))
  const authority = await createAuthority(OVERLAY, Date.now(), options.policy)
  const issued = await issueCredential(authority, { userName: `signer@${OVERLAY}` }, Date.now())
  if (!issued.ok) throw new Error(issued.error.reason)
  const signer = issued.value.credential
  const configuration = firstConfiguration(
    { overlayName: OVERLAY, rootCertificate: authority.rootCertificate },
    signer,
  )
  const trust = trustOf(crypto, configuration)
  if (!trust.ok) throw new Error(trust.error)
  const documentPath = join(folder, 'configuration.xml')
  writeFileSync(documentPath, signedDocument(crypto, configuration, signer))
  const accountsPath = join(folder, 'accounts.jsonl')
  await saveEnrollmentAccounts(accountsPath, [
    await hash('site-b', [`*@${OVERLAY}`]),
    await hash('alice', []),
  ])
  const traces: TraceEvent[] = []
  const clock = () => ({ ms: performance.now(), wall: Date.now() })
  const desk = new EnrollmentDesk({
    authority,
    accounts: new EnrollmentAccounts(accountsPath),
    trace: (event) => traces.push(event),
    clock,
  })
  const identity = await serverIdentity(
    authority,
    join(folder, 'https'),
    options.names ?? [OVERLAY, '127.0.0.1'],
    Date.now(),
  )
  const server = new EnrollmentServer(
    { desk, document: new DocumentFile(documentPath), clock },
    { host: '127.0.0.1', port: 0, identity },
  )
  const { port } = await server.listen()
  const base = `https://127.0.0.1:${port}`
  const place = configPlace(OVERLAY, `${base}/.well-known/reload-config`)
  const post = enrollPlace(OVERLAY, `${base}${ENROLL_PATH}`)
  if (!place.ok || !post.ok) throw new Error('no place')
  return {
    authority,
    signer,
    configuration,
    trust: trust.value,
    folder,
    documentPath,
    accountsPath,
    rootPem: new X509Certificate(authority.rootCertificate).toString(),
    traces,
    desk,
    server,
    base,
    configPlace: place.value,
    enrollPlace: post.value,
    close: async () => {
      await server.close()
      rmSync(folder, { recursive: true })
    },
  }
}
