/**
 * Every struct of RFC 6940 as a plain value; the codec turns them into bytes and back. Names are the RFC's. Byte
 * fields are views on the decoded message. 64-bit fields are bigint, because hostile input uses all their bits.
 */
import type { KindId, NodeId, ResourceId, TransactionId } from './ids.ts'

/** RFC 6940 s.6.3.2.2. `opaque` covers both the TLV form and the two-byte short form (`short`). */
export type Destination =
  | { readonly kind: 'node'; readonly nodeId: NodeId }
  | { readonly kind: 'resource'; readonly resourceId: ResourceId }
  | { readonly kind: 'opaque'; readonly id: Uint8Array; readonly short: boolean }
  | { readonly kind: 'unknown'; readonly type: number; readonly data: Uint8Array }

/** RFC 6940 s.6.3.2.3. Unknown types are kept byte for byte. */
export interface ForwardingOption {
  readonly type: number
  readonly flags: number
  readonly value: Uint8Array
}

/** RFC 6940 s.6.3.2. `relo_token` and `version` are checked by the decoder and written by the encoder. */
export interface ForwardingHeader {
  readonly overlay: number
  readonly configurationSequence: number
  readonly ttl: number
  /** Raw 32-bit fragment field; 0xc0000000 when unfragmented. */
  readonly fragment: number
  /** Bytes of this message or fragment including the header; the encoder computes it. */
  readonly length: number
  readonly transactionId: TransactionId
  readonly maxResponseLength: number
  readonly viaList: readonly Destination[]
  readonly destinationList: readonly Destination[]
  readonly options: readonly ForwardingOption[]
}

/** RFC 6940 s.6.3.3. */
export interface MessageExtension {
  readonly type: number
  readonly critical: boolean
  readonly contents: Uint8Array
}

/** RFC 6940 s.6.3.3; `body` is still encoded: the method's own codec reads it (messages/). */
export interface MessageContents {
  readonly messageCode: number
  readonly body: Uint8Array
  readonly extensions: readonly MessageExtension[]
}

/** RFC 6940 s.6.3.4. type 0 is X.509 in DER. */
export interface GenericCertificate {
  readonly type: number
  readonly certificate: Uint8Array
}

/** RFC 6940 s.6.3.4. `value` of an unknown identity type is kept. */
export type SignerIdentity =
  | { readonly kind: 'certHash'; readonly hashAlgorithm: number; readonly hash: Uint8Array }
  | { readonly kind: 'certHashNodeId'; readonly hashAlgorithm: number; readonly hash: Uint8Array }
  | { readonly kind: 'none' }
  | { readonly kind: 'unknown'; readonly type: number; readonly value: Uint8Array }

export interface Signature {
  readonly hashAlgorithm: number
  readonly signatureAlgorithm: number
  readonly identity: SignerIdentity
  readonly value: Uint8Array
}

export interface SecurityBlock {
  readonly certificates: readonly GenericCertificate[]
  readonly signature: Signature
}

/** A whole decoded message. `contentsBytes` are the exact bytes of MessageContents, which the signature covers. */
export interface Message {
  readonly header: ForwardingHeader
  readonly contents: MessageContents
  readonly security: SecurityBlock
  readonly contentsBytes: Uint8Array
}

/** RFC 6940 s.6.3.3.1. */
export interface ErrorResponse {
  readonly errorCode: number
  readonly errorInfo: Uint8Array
}

/** RFC 6940 s.6.3.1.1. An unknown type is kept raw. */
export type IpAddressPort =
  | { readonly kind: 'ipv4'; readonly address: string; readonly port: number }
  | { readonly kind: 'ipv6'; readonly address: string; readonly port: number }
  | { readonly kind: 'unknown'; readonly type: number; readonly data: Uint8Array }

export interface IceExtension {
  readonly name: Uint8Array
  readonly value: Uint8Array
}

/** RFC 6940 s.6.5.1.1. `relatedAddress` is present for srflx (2) and relay (4) only. */
export interface IceCandidate {
  readonly addressPort: IpAddressPort
  readonly overlayLink: number
  readonly foundation: Uint8Array
  readonly priority: number
  readonly candidateType: number
  readonly relatedAddress: IpAddressPort | undefined
  readonly extensions: readonly IceExtension[]
}

/** AttachReq and AttachAns share a layout (RFC 6940 s.6.5.1.1). */
export interface AttachReqAns {
  readonly ufrag: Uint8Array
  readonly password: Uint8Array
  readonly role: Uint8Array
  readonly candidates: readonly IceCandidate[]
  readonly sendUpdate: boolean
}

/** RFC 6940 s.6.5.2.1. */
export interface AppAttachReqAns {
  readonly ufrag: Uint8Array
  readonly password: Uint8Array
  readonly application: number
  readonly role: Uint8Array
  readonly candidates: readonly IceCandidate[]
}

export interface JoinReq {
  readonly joiningPeerId: NodeId
  readonly overlaySpecificData: Uint8Array
}
export interface JoinAns {
  readonly overlaySpecificData: Uint8Array
}
export interface LeaveReq {
  readonly leavingPeerId: NodeId
  readonly overlaySpecificData: Uint8Array
}
/** RFC 6940 s.10.9; type 1 from_succ, 2 from_pred. */
export interface ChordLeaveData {
  readonly type: number
  readonly nodes: readonly NodeId[]
}

/** RFC 6940 s.10.7. */
export type ChordUpdate =
  | { readonly kind: 'peerReady'; readonly uptime: number }
  | {
      readonly kind: 'neighbors'
      readonly uptime: number
      readonly predecessors: readonly NodeId[]
      readonly successors: readonly NodeId[]
    }
  | {
      readonly kind: 'full'
      readonly uptime: number
      readonly predecessors: readonly NodeId[]
      readonly successors: readonly NodeId[]
      readonly fingers: readonly NodeId[]
    }

export interface RouteQueryReq {
  readonly sendUpdate: boolean
  readonly destination: Destination
  readonly overlaySpecificData: Uint8Array
}
export interface ChordRouteQueryAns {
  readonly nextPeer: NodeId
}

export interface ProbeReq {
  readonly requestedInfo: readonly number[]
}
/** RFC 6940 s.6.4.2.5.2; `value` is raw (4 bytes for the three known types). */
export interface ProbeInformation {
  readonly type: number
  readonly value: Uint8Array
}
export interface ProbeAns {
  readonly probeInfo: readonly ProbeInformation[]
}

export interface PingReq {
  readonly padding: Uint8Array
}
export interface PingAns {
  readonly responseId: bigint
  readonly time: bigint
}

/** RFC 6940 s.6.5.4.1. */
export type ConfigUpdateReq =
  | { readonly kind: 'config'; readonly configData: Uint8Array }
  | { readonly kind: 'kinds'; readonly kinds: readonly Uint8Array[] }
  | { readonly kind: 'unknown'; readonly type: number; readonly data: Uint8Array }

export type DataModel = 'single' | 'array' | 'dictionary'

/** RFC 6940 s.7.2. */
export interface DataValue {
  readonly exists: boolean
  readonly value: Uint8Array
}

/** RFC 6940 s.7.2: which variant is decided by the Kind, never by the wire. */
export type StoredDataValue =
  | { readonly model: 'single'; readonly value: DataValue }
  | { readonly model: 'array'; readonly index: number; readonly value: DataValue }
  | { readonly model: 'dictionary'; readonly key: Uint8Array; readonly value: DataValue }

/** RFC 6940 s.7. */
export interface StoredData {
  readonly storageTime: bigint
  readonly lifetime: number
  readonly value: StoredDataValue
  readonly signature: Signature
}

export interface StoreKindData {
  readonly kind: KindId
  readonly generationCounter: bigint
  readonly values: readonly StoredData[]
}
export interface StoreReq {
  readonly resource: ResourceId
  readonly replicaNumber: number
  readonly kindData: readonly StoreKindData[]
}
export interface StoreKindResponse {
  readonly kind: KindId
  readonly generationCounter: bigint
  readonly replicas: readonly NodeId[]
}
export interface StoreAns {
  readonly kindResponses: readonly StoreKindResponse[]
}

export interface ArrayRange {
  readonly first: number
  readonly last: number
}
/** RFC 6940 s.7.4.2.1. */
export interface StoredDataSpecifier {
  readonly kind: KindId
  readonly generation: bigint
  readonly selector:
    | { readonly model: 'single' }
    | { readonly model: 'array'; readonly indices: readonly ArrayRange[] }
    | { readonly model: 'dictionary'; readonly keys: readonly Uint8Array[] }
}
/** Fetch and Stat requests share a layout. */
export interface FetchReq {
  readonly resource: ResourceId
  readonly specifiers: readonly StoredDataSpecifier[]
}
export interface FetchKindResponse {
  readonly kind: KindId
  readonly generation: bigint
  readonly values: readonly StoredData[]
}
export interface FetchAns {
  readonly kindResponses: readonly FetchKindResponse[]
}

/** RFC 6940 s.7.4.3.2. */
export interface MetaData {
  readonly exists: boolean
  readonly valueLength: number
  readonly hashAlgorithm: number
  readonly hashValue: Uint8Array
}
export type MetaDataValue =
  | { readonly model: 'single'; readonly value: MetaData }
  | { readonly model: 'array'; readonly index: number; readonly value: MetaData }
  | { readonly model: 'dictionary'; readonly key: Uint8Array; readonly value: MetaData }
export interface StoredMetaData {
  readonly storageTime: bigint
  readonly lifetime: number
  readonly metadata: MetaDataValue
}
export interface StatKindResponse {
  readonly kind: KindId
  readonly generation: bigint
  readonly values: readonly StoredMetaData[]
}
export interface StatAns {
  readonly kindResponses: readonly StatKindResponse[]
}

export interface FindReq {
  readonly resource: ResourceId
  readonly kinds: readonly KindId[]
}
export interface FindKindData {
  readonly kind: KindId
  readonly closest: ResourceId
}
export interface FindAns {
  readonly results: readonly FindKindData[]
}

/** RFC 6940 s.6.6.2: what travels on a link. */
export type FramedMessage =
  | { readonly kind: 'data'; readonly sequence: number; readonly message: Uint8Array }
  | { readonly kind: 'ack'; readonly ackSequence: number; readonly received: number }
