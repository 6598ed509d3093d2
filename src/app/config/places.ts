/** Where things are when the configuration does not say. */
import { join } from 'node:path'
import type { Config } from './schema.ts'

/** Name of an overlay that is founded without one. */
export const DEFAULT_OVERLAY_NAME = 'dht.example.com'

export function overlayName(config: Config): string {
  return (config.overlay.name ?? DEFAULT_OVERLAY_NAME).toLowerCase()
}

/** Hosted domains; the overlay's name when none is given (adapter-mapping s.2: AORs are user@overlay). */
export function hostedDomains(config: Config): readonly string[] {
  return config.sip.domains.length > 0
    ? config.sip.domains.map((domain) => domain.toLowerCase())
    : [overlayName(config)]
}

/** The digest realm: one and the same on every peer, whatever phones fail over to. */
export function realmOf(config: Config): string {
  return hostedDomains(config)[0] as string
}

export function accountsFile(config: Config): string {
  return config.sip.users ?? join(config.data.dir, 'users.jsonl')
}

/** Folder of the authority that is used on this machine; undefined when certificates come from elsewhere. */
export function authorityFolder(config: Config): string | undefined {
  const { credentials, authority, configuration } = config.overlay
  if (credentials !== 'enroll') return undefined
  if (authority !== undefined) return authority
  return configuration === undefined ? join(config.data.dir, 'authority') : undefined
}

/** Where the Configuration Document comes from: a file, or a server with its URL, if that is known. */
export function documentPlace(
  config: Config,
):
  | { readonly kind: 'file'; readonly file: string }
  | { readonly kind: 'server'; readonly url: string | undefined } {
  const { configuration } = config.overlay
  if (configuration === 'discover') return { kind: 'server', url: undefined }
  if (/^https?:/i.test(configuration ?? '')) return { kind: 'server', url: configuration }
  return {
    kind: 'file',
    file: configuration ?? join(authorityFolder(config) ?? config.data.dir, 'configuration.xml'),
  }
}

/** File name of a document that was fetched or came from a peer. */
export const KEPT_DOCUMENT = 'configuration.xml'

/** Folder of the last good document that came from elsewhere. */
export function fetchedFolder(config: Config): string {
  return join(config.data.dir, 'overlay')
}

/**
 * Where a document is kept that another peer has brought. A site with a copy of the authority's folder keeps it there: who has been
 * shut out stays so after a restart, and the next sequence that is signed there goes on from it instead of being a second one with
 * the same number.
 */
export function keptDocumentFile(config: Config): string {
  const place = documentPlace(config)
  const ofAuthority = config.overlay.configuration === undefined && authorityFolder(config) !== undefined
  return ofAuthority && place.kind === 'file' ? place.file : join(fetchedFolder(config), KEPT_DOCUMENT)
}

/** Keys and certificate of the node. */
export function nodeFolder(config: Config): string {
  return join(config.data.dir, 'node')
}

/** Keys and certificates of hosted users. */
export function usersFolder(config: Config): string {
  return join(config.data.dir, 'users')
}

/** Key and certificate for phones, where the authority of this machine issues them. */
export function phoneTlsFolder(config: Config): string {
  return join(config.data.dir, 'sip-tls')
}

export function journalFolder(config: Config): string {
  return join(config.data.dir, 'journal')
}

/** The secret shared by the peers of a domain: beside the authority that they share, else in the data folder. */
export function secretFile(config: Config): string {
  return join(config.overlay.authority ?? config.data.dir, 'secret')
}
