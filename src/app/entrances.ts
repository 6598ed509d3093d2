/** Through whom a node comes into its overlay, and whether it founds one because there is nobody. */
import type { Trace } from '../common/trace.ts'
import { FORMER_NEIGHBORS_KEY, type Entrances, type OverlayConfiguration } from '../reload/index.ts'
import { bootstrapAddresses } from './bootstrap.ts'
import { formatHostPort } from './config/endpoint.ts'
import { ConfigError } from './config/fault.ts'
import type { Config } from './config/schema.ts'
import type { OwnPlace } from './own-places.ts'

export interface FirstEntrances extends Entrances {
  /** Nobody is named whom the overlay could be sought with. */
  readonly founder: boolean
  /** host:port or host, as configured or as in the document. */
  readonly names: readonly string[]
}

/** Waits until a name of `overlay.bootstrap`, or of the document, has an address. Throws `ConfigError`. */
export async function entrancesOf(
  config: Config,
  configuration: OverlayConfiguration,
  node: {
    readonly self: OwnPlace
    /** Records of its journal, by name. */
    readonly restored: readonly (readonly [string, Uint8Array])[]
    readonly signal: AbortSignal | undefined
    readonly trace: Trace
  },
): Promise<FirstEntrances> {
  const { self, restored, signal, trace } = node
  const names =
    config.overlay.bootstrap.length > 0
      ? config.overlay.bootstrap
      : configuration.bootstrapNodes.map(({ address: host, port }) => formatHostPort({ host, port }))
  const hasFormerNeighbors = restored.some(([name]) => name === FORMER_NEIGHBORS_KEY)
  const found = await bootstrapAddresses({ names, self, hasFormerNeighbors, signal }, trace)
  if (found === 'unresolved') return { bootstrap: [], turn: undefined, founder: false, names }
  const founder = found.bootstrap.length === 0
  if (founder && config.overlay.role === 'client') {
    throw new ConfigError('"overlay.bootstrap": a client needs a peer to hang on; name one, or be a peer')
  }
  return { ...found, founder, names }
}
