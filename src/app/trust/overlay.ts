/**
 * Which overlay this node belongs to, and where its certificates come from: founded here, shared through an authority's folder,
 * or described by a file or a configuration server.
 */
import { X509Certificate } from 'node:crypto'
import { keptDocument } from '../../enrollment/index.ts'
import type { StoredAuthority } from '../../enrollment/io/index.ts'
import type { Trace } from '../../common/trace.ts'
import { fromUtf8 } from '../../common/bytes.ts'
import { compareSequence, parseConfiguration, type OverlayConfiguration } from '../../reload/config/index.ts'
import { unsupportedOverlay } from '../../reload/index.ts'
import { trustOf, type NodeCrypto } from '../../reload/security/index.ts'
import { ConfigError } from '../config/fault.ts'
import {
  authorityFolder,
  documentPlace,
  fetchedFolder,
  keptDocumentFile,
  overlayName,
} from '../config/places.ts'
import { parseEndpoint, reachableAddress, parseHostPort } from '../config/endpoint.ts'
import type { Config } from '../config/schema.ts'
import { readIfThere, readNeeded } from '../files.ts'
import { authoritySource, type CertificateSource } from './certificate-source.ts'
import { enrollmentSource } from './enrollment-source.ts'
import type { DocumentWishes } from './overlay-document.ts'
import { openOverlayFolder } from './overlay-folder.ts'
import { RemoteDocument } from './remote-document.ts'
import { selfSignedSource, type NameCheck } from './self-signed-source.ts'

export interface Overlay {
  /** In force at the start. */
  readonly configuration: OverlayConfiguration
  /** The XML as it stands in the file: what is passed on to peers that lack it. */
  readonly document: Uint8Array
  /** Undefined when certificates come from elsewhere. */
  readonly authority: StoredAuthority | undefined
  /** Undefined when the document is a file. */
  readonly remote: RemoteDocument | undefined
  /** Undefined when certificates are imported. */
  readonly source: CertificateSource | undefined
  /** Another document has come into force. */
  reconfigured(configuration: OverlayConfiguration): void
  close(): Promise<void>
}

/** How long to ask for a first document, and what ends the wait for it. */
export interface DocumentPatience {
  readonly withinMs?: number
  readonly signal?: AbortSignal | undefined
}

/**
 * `isTaken` is asked before a self-signed certificate carries the name of a user. Throws `ConfigError`, and `RingbridgeError` when no
 * server gave a document or the wait for one was ended.
 */
export async function openOverlay(
  crypto: NodeCrypto,
  config: Config,
  trace: Trace,
  isTaken: NameCheck,
  { withinMs, signal }: DocumentPatience = {},
): Promise<Overlay> {
  const folder = authorityFolder(config)
  const authority = folder === undefined ? undefined : await openFolder(crypto, config, folder, trace)
  let remote: RemoteDocument | undefined
  const close = async (): Promise<void> => {
    remote?.close()
    await authority?.close()
  }
  try {
    const place = documentPlace(config)
    if (place.kind === 'server') {
      remote = await RemoteDocument.open(crypto, trace, {
        overlayName: overlayName(config),
        url: place.url,
        authorities: authoritiesOf(config),
        folder: fetchedFolder(config),
        ...(withinMs === undefined ? {} : { firstWithinMs: withinMs }),
        ...(signal === undefined ? {} : { signal }),
      })
    }
    const { configuration, document } = remote === undefined ? fromFile(config, trace) : fetched(remote)
    const name = place.kind === 'file' ? place.file : (place.url ?? 'the Configuration Document')
    checkUsable(crypto, config, configuration, name)
    let inForce = configuration
    const current = () => inForce
    const reconfigured = (next: OverlayConfiguration): void => void (inForce = next)
    const source =
      authority === undefined
        ? sourceOf(crypto, config, current, isTaken)
        : authoritySource(crypto, authority)
    return { configuration, document, authority, remote, source, reconfigured, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function openFolder(
  crypto: NodeCrypto,
  config: Config,
  folder: string,
  trace: Trace,
): Promise<StoredAuthority> {
  const name = overlayName(config)
  const authority = await openOverlayFolder(crypto, folder, name, foundersWishes(config), {
    validityMs: config.overlay.enrollment.validity * 1000,
  })
  if (authority.founded)
    trace({ level: 'info', area: 'app', event: 'overlay_founded', overlay: name, folder })
  return authority
}

/** An overlay that is founded to be enrolled in names its founder as bootstrap node, so that others find a way in. */
function foundersWishes(config: Config): Omit<DocumentWishes, 'overlayName' | 'rootCertificate'> {
  const { enrollment, advertise, listen } = config.overlay
  if (enrollment.url === undefined) return {}
  const { host, port } = parseEndpoint(listen[0] as string, 'overlay.listen')
  const given = advertise === undefined ? undefined : parseHostPort(advertise, 'overlay.advertise', port)
  const node = { address: reachableAddress(host, given?.host), port: given?.port ?? port }
  return { enrollmentServers: [enrollment.url], ...(node.port === 0 ? {} : { bootstrapNodes: [node] }) }
}

function sourceOf(
  crypto: NodeCrypto,
  config: Config,
  configuration: () => OverlayConfiguration,
  isTaken: NameCheck,
): CertificateSource | undefined {
  const { credentials, account, password } = config.overlay
  if (credentials === 'import') return undefined
  if (credentials === 'self-signed') return selfSignedSource(configuration, isTaken)
  const login = { account: account as string, password: password as string }
  return enrollmentSource(crypto, { configuration, login, authorities: authoritiesOf(config) })
}

function authoritiesOf(config: Config): string | undefined {
  const { ca } = config.overlay
  if (ca === undefined) return undefined
  const pem = fromUtf8(readNeeded(ca, 'overlay.ca'))
  try {
    new X509Certificate(pem)
  } catch (cause) {
    throw new ConfigError(`${ca}: holds no PEM certificate; see overlay.ca`, { cause })
  }
  return pem
}

function fetched(remote: RemoteDocument): Pick<Overlay, 'configuration' | 'document'> {
  const { bytes, parsed } = remote.current
  return { configuration: parsed.configuration, document: bytes }
}

function fromFile(config: Config, trace: Trace): Pick<Overlay, 'configuration' | 'document'> {
  const place = documentPlace(config)
  if (place.kind !== 'file') throw new Error('the document is not a file')
  const { file } = place
  const document = readNeeded(file, 'overlay.configuration')
  const parsed = parseConfiguration(document, overlayName(config))
  if (!parsed.ok) throw new ConfigError(`${file}: ${parsed.error.reason}`)
  for (const warning of parsed.value.warnings) {
    trace({ level: 'warn', area: 'app', event: 'configuration_document_warning', file, warning })
  }
  const { configuration } = parsed.value
  if (configuration.expiration !== undefined && configuration.expiration <= Date.now()) {
    throw new ConfigError(`${file}: the Configuration Document has expired; overlay sign makes a new one`)
  }
  return laterKept(config, { configuration, document })
}

/** A document that a peer brought in an earlier run, when it is newer than the file and not that file itself. */
function laterKept(
  config: Config,
  given: Pick<Overlay, 'configuration' | 'document'>,
): Pick<Overlay, 'configuration' | 'document'> {
  const bytes = readIfThere(keptDocumentFile(config))
  if (bytes === undefined) return given
  const kept = keptDocument(bytes, overlayName(config), Date.now())
  if (!kept.ok) return given
  const { configuration } = kept.value.parsed
  const newer = compareSequence(configuration.sequence, given.configuration.sequence) > 0
  return newer ? { configuration, document: bytes } : given
}

function checkUsable(
  crypto: NodeCrypto,
  config: Config,
  configuration: OverlayConfiguration,
  name: string,
): void {
  const { credentials, authority } = config.overlay
  const refuse = (reason: string): never => {
    throw new ConfigError(`${name}: ${reason}`)
  }
  const reason = unsupportedOverlay(configuration, config.overlay.role)
  if (reason !== undefined) refuse(reason)
  if (configuration.sharedSecret !== undefined)
    refuse('the overlay admits nodes by a shared secret (RFC 6940 s.13.4), which this version does not do')
  const trust = trustOf(crypto, configuration)
  if (!trust.ok) refuse(trust.error)
  if (credentials === 'self-signed' && configuration.selfSigned === undefined)
    refuse('the overlay permits no self-signed certificates; see overlay.credentials')
  const elsewhere =
    credentials === 'enroll' && authority === undefined && config.overlay.configuration !== undefined
  if (elsewhere && configuration.enrollmentServers.length === 0)
    refuse('the overlay names no enrollment-server; see overlay.credentials')
}
