/** The enrollment server of this machine's authority: put together from its folder, listening, its certificate kept fresh. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Trace } from '../common/trace.ts'
import type { Tally } from '../common/instruments.ts'
import { hostOf } from '../enrollment/index.ts'
import {
  DocumentFile,
  ENROLL_PATH,
  EnrollmentAccounts,
  EnrollmentDesk,
  EnrollmentServer,
  serverIdentity,
  type HttpsIdentity,
} from '../enrollment/http/index.ts'
import type { StoredAuthority } from '../enrollment/io/index.ts'
import { clock } from '../reload/io/loop.ts'
import { parseConfiguration } from '../reload/config/index.ts'
import {
  bindable,
  formatHostPort,
  isUnspecified,
  parseHostPort,
  reachableAddress,
} from './config/endpoint.ts'
import { ConfigError } from './config/fault.ts'
import { authorityFolder } from './config/places.ts'
import type { Config } from './config/schema.ts'
import { bound } from './listeners.ts'
import { refuseUnfitForTls } from './tls-files.ts'
import type { Overlay } from './trust/overlay.ts'
import { asConfigError, documentFile, enrollmentAccountsFile, httpsFolder } from './trust/overlay-folder.ts'

/** The server's own certificate is looked at this often. */
const LOOK_MS = 12 * 3_600_000
/** The wall clock may jump: a certificate of the authority that has come to its end by that is made anew within this time. */
const CLOCK_LOOK_MS = 30_000

/** PEM files of the https server. */
export interface HttpsFiles {
  readonly certificate: string
  readonly privateKey: string
}

export interface EnrollmentServiceInit {
  /** Folder of the authority. */
  readonly folder: string
  /** host:port */
  readonly listen: string
  /** Further names for the certificate. */
  readonly names: readonly string[]
  /** PEM files; undefined: a certificate of the authority. */
  readonly files: HttpsFiles | undefined
  /** Configuration key, for messages. */
  readonly key: string
}

export interface EnrollmentService {
  /** host:port in use. */
  readonly address: string
  /** Names and addresses for which clients find the certificate right. */
  readonly names: readonly string[]
  readonly enrollments: Tally
  readonly documents: Tally
  /** Files read again, for connections from now on; the answer puts them into force. Throws `ConfigError` when they are not fit. */
  prepare(files: HttpsFiles | undefined): () => void
  close(): Promise<void>
}

/** The files that the configuration names for the https server. */
export function httpsFiles({ overlay }: Config): HttpsFiles | undefined {
  const { certificate, privateKey } = overlay.enrollment
  return certificate === undefined || privateKey === undefined ? undefined : { certificate, privateKey }
}

/** The server that the configuration wants, if it does and there is an authority here. Throws `ConfigError`. */
export async function configuredEnrollmentService(
  config: Config,
  { authority }: Overlay,
  trace: Trace,
): Promise<EnrollmentService | undefined> {
  const { listen, names } = config.overlay.enrollment
  const folder = authorityFolder(config)
  if (listen === undefined || authority === undefined || folder === undefined) return undefined
  const files = httpsFiles(config)
  return openEnrollmentService(
    authority,
    { folder, listen, names, files, key: 'overlay.enrollment.listen' },
    trace,
  )
}

/** Throws `ConfigError`. */
export async function openEnrollmentService(
  authority: StoredAuthority,
  init: EnrollmentServiceInit,
  trace: Trace,
): Promise<EnrollmentService> {
  const { folder, listen, files } = init
  const accounts = new EnrollmentAccounts(enrollmentAccountsFile(folder))
  await asConfigError(accounts.refresh(), 'who may enroll')
  const { host, port } = bindable(parseHostPort(listen, init.key), init.key)
  const { names, path } = placesOf(authority, init, host)
  let source = files
  const identity = async (): Promise<HttpsIdentity> =>
    source === undefined
      ? asConfigError(
          serverIdentity(authority, httpsFolder(folder), names, Date.now()),
          'the certificate of the enrollment server',
        )
      : fromFiles(source)
  let current = await identity()
  const desk = new EnrollmentDesk({ authority, accounts, trace, clock })
  const server = new EnrollmentServer(
    { desk, document: new DocumentFile(documentFile(folder)), clock },
    { host, port, identity: current, enrollPath: path },
  )
  const address = await bound(server.listen(), listen, init.key)
  const take = (next: HttpsIdentity): void => {
    if (next.certificates === current.certificates && next.privateKey === current.privateKey) return
    server.renew(next)
    current = next
    trace({ level: 'info', area: 'enrollment', event: 'https_certificate_renewed' })
  }
  const look = (): void => {
    identity()
      .then(take)
      .catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error)
        trace({ level: 'error', area: 'enrollment', event: 'https_certificate_not_renewed', reason })
      })
  }
  const timers = [
    setInterval(look, LOOK_MS),
    setInterval(() => {
      if (source === undefined && !isValid(current, Date.now())) look()
    }, CLOCK_LOOK_MS),
  ]
  for (const timer of timers) timer.unref()
  trace({
    level: 'info',
    area: 'enrollment',
    event: 'enrollment_served',
    address: formatHostPort(address),
    accounts: accounts.size,
  })
  return {
    address: formatHostPort(address),
    names,
    enrollments: desk.results,
    documents: server.documentResults,
    prepare: (again) => {
      if ((again === undefined) !== (files === undefined))
        throw new ConfigError(
          `the certificate of the https server (${init.key}) comes from elsewhere now; that takes a restart`,
        )
      if (again === undefined) return () => undefined
      const next = fromFiles(again)
      return () => {
        source = again
        take(next)
      }
    },
    close: async () => {
      for (const timer of timers) clearInterval(timer)
      await server.close()
    },
  }
}

function isValid({ certificates }: HttpsIdentity, wallMs: number): boolean {
  const { validFrom, validTo } = new X509Certificate(certificates)
  return wallMs >= Date.parse(validFrom) && wallMs < Date.parse(validTo)
}

function attempt<T>(read: () => T, fault: string): T {
  try {
    return read()
  } catch (error) {
    throw new ConfigError(fault, { cause: error })
  }
}

function fromFiles(files: HttpsFiles): HttpsIdentity {
  const read = (file: string): string => {
    try {
      return readFileSync(file, 'utf8')
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'unknown'
      throw new ConfigError(`${file}: cannot be read (${code}); see overlay.enrollment`, { cause: error })
    }
  }
  const certificates = read(files.certificate)
  const privateKey = read(files.privateKey)
  const certificate = attempt(
    () => new X509Certificate(certificates),
    `${files.certificate}: holds no PEM certificate`,
  )
  const key = attempt(
    () => createPrivateKey(privateKey),
    `${files.privateKey}: holds no PEM key without a passphrase`,
  )
  if (!certificate.checkPrivateKey(key))
    throw new ConfigError(`${files.certificate}: certificate and key of the https server do not fit together`)
  refuseUnfitForTls(
    { cert: certificates, key: privateKey },
    files.certificate,
    'overlay.enrollment.certificate',
  )
  return { certificates, privateKey }
}

/** The names that URLs may have, and the path of enrollment in them: the document says how clients come here. */
function placesOf(
  { overlayName }: StoredAuthority,
  { folder, names }: EnrollmentServiceInit,
  host: string,
): { readonly names: readonly string[]; readonly path: string } {
  const own = isUnspecified(host) ? reachableAddress(host, undefined) : host
  const parsed = parseConfiguration(readFileSync(documentFile(folder)), overlayName)
  const urls = parsed.ok ? parsed.value.configuration.enrollmentServers.map((url) => new URL(url)) : []
  return {
    names: [...new Set([overlayName, ...names, own, ...urls.map(hostOf)])],
    path: urls[0]?.pathname ?? ENROLL_PATH,
  }
}
