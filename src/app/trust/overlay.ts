/** Which overlay this node belongs to: founded here, shared through an authority's folder, or described by a file. */
import type { StoredAuthority } from '../../enrollment/io/index.ts'
import type { Trace } from '../../common/trace.ts'
import { parseConfiguration, type OverlayConfiguration } from '../../reload/config/index.ts'
import { unsupportedOverlay } from '../../reload/index.ts'
import { trustOf, type NodeCrypto } from '../../reload/security/index.ts'
import { ConfigError } from '../config/fault.ts'
import { authorityFolder, overlayName } from '../config/places.ts'
import type { Config } from '../config/schema.ts'
import { readNeeded } from '../files.ts'
import { documentFile, openOverlayFolder } from './overlay-folder.ts'

export interface Overlay {
  readonly configuration: OverlayConfiguration
  /** The XML as it stands in the file: what is passed on to peers that lack it. */
  readonly document: Uint8Array
  /** Undefined when certificates are imported. */
  readonly authority: StoredAuthority | undefined
}

/** Throws `ConfigError`. */
export async function openOverlay(crypto: NodeCrypto, config: Config, trace: Trace): Promise<Overlay> {
  const folder = authorityFolder(config)
  const name = overlayName(config)
  const authority = folder === undefined ? undefined : await openOverlayFolder(crypto, folder, name)
  if (authority?.founded === true) {
    trace({ level: 'info', area: 'app', event: 'overlay_founded', overlay: name, folder })
  }
  try {
    return { ...configurationOf(crypto, config, name, folder, trace), authority }
  } catch (error) {
    await authority?.close()
    throw error
  }
}

function configurationOf(
  crypto: NodeCrypto,
  config: Config,
  name: string,
  folder: string | undefined,
  trace: Trace,
): Omit<Overlay, 'authority'> {
  const file = config.overlay.configuration ?? documentFile(folder as string)
  const document = readNeeded(file, 'overlay.configuration')
  const parsed = parseConfiguration(document, name)
  if (!parsed.ok) throw new ConfigError(`${file}: ${parsed.error.reason}`)
  for (const warning of parsed.value.warnings) {
    trace({ level: 'warn', area: 'app', event: 'configuration_document_warning', file, warning })
  }
  const { configuration } = parsed.value
  if (configuration.expiration !== undefined && configuration.expiration <= Date.now()) {
    throw new ConfigError(`${file}: the Configuration Document has expired; overlay sign makes a new one`)
  }
  const reason = unsupportedOverlay(configuration)
  if (reason !== undefined) throw new ConfigError(`${file}: ${reason}`)
  const trust = trustOf(crypto, configuration)
  if (!trust.ok) throw new ConfigError(`${file}: ${trust.error}`)
  return { configuration, document }
}
