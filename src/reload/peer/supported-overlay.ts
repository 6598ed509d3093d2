import type { OverlayConfiguration } from '../config/index.ts'
import { RING_BYTES } from '../topology/chord/ring-math.ts'

/** Why this peer cannot take part in an overlay with that document (RFC 6940 s.6.5.1.5, s.10, s.11.1); undefined when it can. */
export function unsupported(
  configuration: OverlayConfiguration,
  role: 'peer' | 'client' = 'peer',
): string | undefined {
  if (role === 'client' && !configuration.clientsPermitted) return 'the overlay permits no clients'
  const { noIce, topologyPlugin, nodeIdLength, linkProtocols } = configuration
  if (!noIce) return 'the overlay uses ICE; this peer has No-ICE links only'
  if (topologyPlugin !== 'CHORD-RELOAD') return `the overlay is no CHORD-RELOAD ring but ${topologyPlugin}`
  if (nodeIdLength !== RING_BYTES) return `CHORD-RELOAD has Node-IDs of 16 bytes, not of ${nodeIdLength}`
  if (!linkProtocols.includes('TLS')) return 'the overlay has no links of type TLS'
  return undefined
}
