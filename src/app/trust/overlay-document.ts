/** The Configuration Document of a new overlay (RFC 6940 s.11.1), with values that suit a site of a few to a few hundred peers. */
import {
  KNOWN_KINDS,
  writeConfiguration,
  wrapOverlay,
  type OverlayConfiguration,
} from '../../reload/config/index.ts'
import type { Credential, CryptoPort } from '../../reload/security/index.ts'
import { signDocumentBase64 } from '../../reload/security/index.ts'

export interface DocumentWishes {
  readonly overlayName: string
  /** DER. */
  readonly rootCertificate: Uint8Array
  readonly bootstrapNodes?: OverlayConfiguration['bootstrapNodes']
  /** Seconds between Updates to neighbors. */
  readonly updateIntervalS?: number
  /** Seconds between Pings of fingers. */
  readonly pingIntervalS?: number
  readonly clientsPermitted?: boolean
  /** https URLs. */
  readonly enrollmentServers?: readonly string[]
  readonly selfSigned?: OverlayConfiguration['selfSigned']
  readonly expiration?: OverlayConfiguration['expiration']
  readonly badNodes?: OverlayConfiguration['badNodes']
}

/** Bytes of a Node-ID in overlays that are founded here (RFC 6940 s.11.1: 16 by default). */
export const FOUNDED_NODE_ID_LENGTH = 16

/** RFC 6940 s.11.1 says 600 s; a site wants to see a dead peer sooner, and pays a few messages a minute for it. */
const UPDATE_INTERVAL_S = 60
const PING_INTERVAL_S = 300
/** The default of 5000 bytes is less than a Store of ten registrations with their certificates. */
const MESSAGE_BYTES_MAX = 65_536
/**
 * RFC 6940 s.13.6.5: log2 of the number of nodes and 5 more, for 32,768 nodes. It bounds what a message that goes in circles
 * may cost the others; the default of 100 is five times as much.
 */
const INITIAL_TTL = 20

/** The first document of an overlay, sequence 0; `signer` may sign the ones that follow. */
export function firstConfiguration(wishes: DocumentWishes, signer: Credential): OverlayConfiguration {
  return {
    instanceName: wishes.overlayName,
    sequence: 0,
    expiration: wishes.expiration,
    topologyPlugin: 'CHORD-RELOAD',
    nodeIdLength: FOUNDED_NODE_ID_LENGTH,
    rootCerts: [wishes.rootCertificate],
    enrollmentServers: wishes.enrollmentServers ?? [],
    selfSigned: wishes.selfSigned,
    bootstrapNodes: wishes.bootstrapNodes ?? [],
    turnDensity: 1,
    clientsPermitted: wishes.clientsPermitted ?? true,
    noIce: true,
    sharedSecret: undefined,
    maxMessageSize: MESSAGE_BYTES_MAX,
    initialTtl: INITIAL_TTL,
    reliabilityTimerMs: 3000,
    linkProtocols: ['TLS'],
    configurationSigners: [signer.nodeId],
    kindSigners: [signer.nodeId],
    badNodes: wishes.badNodes ?? [],
    mandatoryExtensions: [],
    requiredKinds: KNOWN_KINDS.filter((kind) => REQUIRED.includes(kind.name)),
    chordUpdateIntervalS: wishes.updateIntervalS ?? UPDATE_INTERVAL_S,
    chordPingIntervalS: wishes.pingIntervalS ?? PING_INTERVAL_S,
    chordReactive: true,
    domainRestriction: undefined,
  }
}

const REQUIRED = ['SIP-REGISTRATION', 'CERTIFICATE_BY_NODE', 'CERTIFICATE_BY_USER']

/** The whole XML file, signed. */
export function signedDocument(
  crypto: CryptoPort,
  configuration: OverlayConfiguration,
  signer: Credential,
): Uint8Array {
  const element = writeConfiguration(configuration, (kind) => signDocumentBase64(crypto, signer, kind))
  return wrapOverlay(element, signDocumentBase64(crypto, signer, element))
}
