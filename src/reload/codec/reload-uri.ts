import { fromHex, toHex } from '../../common/bytes.ts'
import { fail, ok } from '../../common/errors.ts'
import type { Result } from '../../common/errors.ts'
import { NODE_ID_BYTES_DEFAULT } from './code-points.ts'
import type { DecodeFailure } from './decode-failure.ts'
import { decodeDestinations, encodeDestinations } from './destination.ts'
import { isOverlayName } from './overlay-name.ts'
import type { Destination } from './types.ts'

const SCHEME = 'reload://'

/** Characters of a reload URI that are read at all. Judgement: a Destination List of a few hundred hops. */
const URI_CHARACTERS_MAX = 16_384

/** A peer, or with `specifier` a stored value, of an overlay (RFC 6940 s.14.15). */
export interface ReloadUri {
  readonly destinations: readonly Destination[]
  readonly overlay: string
  /** An encoded StoredDataSpecifier; `decodeStoredDataSpecifier` reads it when the Kind's data model is known. */
  readonly specifier: Uint8Array | undefined
}

/** `reload://HEX@overlay/[HEX]`, in lower case. */
export function formatReloadUri(
  destinations: readonly Destination[],
  overlay: string,
  specifier?: Uint8Array,
): string {
  const tail = specifier === undefined ? '' : toHex(specifier)
  return `${SCHEME}${toHex(encodeDestinations(destinations))}@${overlay}/${tail}`
}

/**
 * Reads a reload URI; hex digits and the scheme in either case. Failures name the part; offsets of Destinations count
 * decoded bytes, all others characters.
 */
export function parseReloadUri(
  text: string,
  nodeIdLength: number = NODE_ID_BYTES_DEFAULT,
): Result<ReloadUri, DecodeFailure> {
  const at = text.indexOf('@')
  const slash = text.indexOf('/', at)
  if (text.length > URI_CHARACTERS_MAX) return fail({ reason: 'a reload URI that is too long', offset: 0 })
  if (text.slice(0, SCHEME.length).toLowerCase() !== SCHEME)
    return fail({ reason: 'not a reload URI', offset: 0 })
  if (at < 0 || slash < 0) return fail({ reason: 'a reload URI without @ or final /', offset: SCHEME.length })
  const list = fromHex(text.slice(SCHEME.length, at))
  if (list === undefined || list.length === 0)
    return fail({ reason: 'no Destination List', offset: SCHEME.length })
  const overlay = text.slice(at + 1, slash)
  // RFC 6940 s.6.3.2: stricter than reg-name, because this name is one that DNS can look up.
  if (!isOverlayName(overlay)) return fail({ reason: 'no overlay name', offset: at + 1 })
  const tail = fromHex(text.slice(slash + 1))
  if (tail === undefined) return fail({ reason: 'a specifier that is not hexadecimal', offset: slash + 1 })
  const destinations = decodeDestinations(list, nodeIdLength)
  if (!destinations.ok) return destinations
  return ok({ destinations: destinations.value, overlay, specifier: tail.length === 0 ? undefined : tail })
}
