import type { WallTime } from '../../common/time.ts'
import type { DataModel, KindId, NodeId } from '../codec/index.ts'

/** RFC 6940 s.7.3. */
export type AccessControl = 'USER-MATCH' | 'NODE-MATCH' | 'USER-NODE-MATCH' | 'NODE-MULTIPLE'

/** What a Kind is: from the registry (IANA Kinds) or from the Configuration Document (limits, private Kinds). */
export interface KindDefinition {
  readonly id: KindId
  readonly name: string
  readonly dataModel: DataModel
  readonly accessControl: AccessControl
  /** Most values a Resource-ID holds of this Kind. */
  readonly maxCount: number
  /** Bytes of one value. */
  readonly maxSize: number
  /** Highest i of NODE-MULTIPLE; 0 for other policies. */
  readonly maxNodeMultiple: number
}

/** RFC 7904 s.3.4; absent means any AOR is accepted. */
export interface DomainRestriction {
  readonly enable: boolean
  readonly patterns: readonly string[]
}

export interface BootstrapNode {
  readonly address: string
  readonly port: number
}

/** One `<configuration>` element, checked and with the defaults of RFC 6940 s.11.1 filled in. */
export interface OverlayConfiguration {
  readonly instanceName: string
  /** 0..65534. */
  readonly sequence: number
  readonly expiration: WallTime | undefined
  readonly topologyPlugin: string
  readonly nodeIdLength: number
  /** DER. */
  readonly rootCerts: readonly Uint8Array[]
  readonly enrollmentServers: readonly string[]
  readonly selfSigned: 'sha1' | 'sha256' | undefined
  readonly bootstrapNodes: readonly BootstrapNode[]
  readonly turnDensity: number
  readonly clientsPermitted: boolean
  readonly noIce: boolean
  readonly sharedSecret: string | undefined
  /** Bytes. */
  readonly maxMessageSize: number
  readonly initialTtl: number
  readonly reliabilityTimerMs: number
  readonly linkProtocols: readonly string[]
  readonly configurationSigners: readonly NodeId[]
  readonly kindSigners: readonly NodeId[]
  readonly badNodes: readonly NodeId[]
  readonly mandatoryExtensions: readonly string[]
  readonly requiredKinds: readonly KindDefinition[]
  readonly chordUpdateIntervalS: number
  readonly chordPingIntervalS: number
  readonly chordReactive: boolean
  readonly domainRestriction: DomainRestriction | undefined
}
