import type { Certificate, OverlayConfiguration } from '../reload/index.ts'

export const OVERLAY_NAME = 'dht.example.com'

/** A No-ICE overlay over TLS as the product runs it, with the defaults of RFC 6940 s.11.1 where they matter. */
export function simConfiguration(
  root: Certificate,
  changes: Partial<OverlayConfiguration> = {},
): OverlayConfiguration {
  return {
    instanceName: OVERLAY_NAME,
    sequence: 22,
    expiration: undefined,
    topologyPlugin: 'CHORD-RELOAD',
    nodeIdLength: 16,
    rootCerts: [root.der],
    enrollmentServers: [],
    selfSigned: undefined,
    bootstrapNodes: [],
    turnDensity: 0,
    clientsPermitted: true,
    noIce: true,
    sharedSecret: undefined,
    maxMessageSize: 20_000,
    initialTtl: 100,
    reliabilityTimerMs: 3_000,
    linkProtocols: ['TLS'],
    configurationSigners: [],
    kindSigners: [],
    badNodes: [],
    mandatoryExtensions: [],
    requiredKinds: [],
    chordUpdateIntervalS: 600,
    chordPingIntervalS: 3_600,
    chordReactive: true,
    domainRestriction: undefined,
    ...changes,
  }
}
