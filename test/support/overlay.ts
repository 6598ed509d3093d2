import type { OverlayConfiguration } from '../../src/reload/config/index.ts'

/** A configuration as our overlays have it: No-ICE, room for answers with several certificates. */
export function anOverlay(
  instanceName = 'example.org',
  changes: Partial<OverlayConfiguration> = {},
): OverlayConfiguration {
  return {
    instanceName,
    sequence: 1,
    expiration: undefined,
    topologyPlugin: 'CHORD-RELOAD',
    nodeIdLength: 16,
    rootCerts: [],
    enrollmentServers: [],
    selfSigned: undefined,
    bootstrapNodes: [],
    turnDensity: 1,
    clientsPermitted: true,
    noIce: true,
    sharedSecret: undefined,
    maxMessageSize: 20_000,
    initialTtl: 100,
    reliabilityTimerMs: 3000,
    linkProtocols: ['TLS'],
    configurationSigners: [],
    kindSigners: [],
    badNodes: [],
    mandatoryExtensions: [],
    requiredKinds: [],
    chordUpdateIntervalS: 600,
    chordPingIntervalS: 3600,
    chordReactive: true,
    domainRestriction: undefined,
    ...changes,
  }
}
