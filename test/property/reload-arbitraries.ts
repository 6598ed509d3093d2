/** fast-check generators for every structure of the RELOAD wire format, valid by construction. */
import fc from 'fast-check'
import type { Arbitrary } from 'fast-check'
import { asNodeId, asResourceId, isWildcard, isZero } from '../../src/reload/codec/index.ts'
import type {
  AppAttachReqAns,
  AttachReqAns,
  ChordLeaveData,
  ChordUpdate,
  ConfigUpdateReq,
  DataModel,
  DataValue,
  Destination,
  ErrorResponse,
  FetchAns,
  FetchReq,
  FindAns,
  FindReq,
  IceCandidate,
  IpAddressPort,
  JoinReq,
  KindId,
  LeaveReq,
  MessageContents,
  MetaData,
  NewHeader,
  NodeId,
  PingAns,
  ProbeAns,
  ProbeReq,
  ResourceId,
  RouteQueryReq,
  SecurityBlock,
  Signature,
  SignerIdentity,
  StatAns,
  StoreAns,
  StoreReq,
  StoredData,
  StoredDataSpecifier,
} from '../../src/reload/codec/index.ts'

export const u8 = fc.integer({ min: 0, max: 0xff })
export const u16 = fc.integer({ min: 0, max: 0xffff })
export const u32 = fc.oneof(fc.integer({ min: 0, max: 0xffffffff }), fc.constantFrom(0, 1, 0xffffffff))
export const u64 = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn })

export function opaque(maxLength = 24): Arbitrary<Uint8Array> {
  return fc.uint8Array({ maxLength })
}

function exactly(length: number): Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength: length, maxLength: length })
}

function few<T>(element: Arbitrary<T>, maxLength = 3): Arbitrary<T[]> {
  return fc.array(element, { maxLength })
}

/** A node's Node-ID: neither all zeros nor the wildcard. */
export const nodeId: Arbitrary<NodeId> = exactly(16)
  .filter((id) => !isZero(id) && !isWildcard(id))
  .map(asNodeId)
export const resourceId: Arbitrary<ResourceId> = fc
  .oneof(exactly(16), opaque(), exactly(254))
  .map(asResourceId)

const wildcard: Destination = { kind: 'node', nodeId: asNodeId(new Uint8Array(16).fill(0xff)) }
const hop: Arbitrary<Destination> = fc.oneof(
  nodeId.map((id): Destination => ({ kind: 'node', nodeId: id })),
  fc.record({ kind: fc.constant('opaque' as const), id: opaque(), short: fc.constant(false) }),
  fc
    .tuple(fc.integer({ min: 0x80, max: 0xff }), u8)
    .map((id): Destination => ({ kind: 'opaque', id: Uint8Array.from(id), short: true })),
  fc.record({
    kind: fc.constant('unknown' as const),
    type: fc.integer({ min: 4, max: 127 }),
    data: opaque(),
  }),
)
const resource: Arbitrary<Destination> = resourceId.map((id) => ({ kind: 'resource', resourceId: id }))
export const destination: Arbitrary<Destination> = fc.oneof(hop, resource, fc.constant(wildcard))
export const viaEntry: Arbitrary<Destination> = hop
export const viaList: Arbitrary<Destination[]> = few(hop, 5)
export const destinationList: Arbitrary<Destination[]> = fc
  .tuple(few(fc.oneof(hop, fc.constant(wildcard)), 4), few(resource, 1))
  .map(([hops, last]) => [...hops, ...last])

export const newHeader: Arbitrary<NewHeader> = fc.record({
  overlay: u32,
  configurationSequence: u16,
  ttl: u8,
  fragment: fc.integer({ min: 0, max: 0x3f }).map((reserved) => 0xc0000000 + reserved * 0x01000000),
  transactionId: u64,
  maxResponseLength: u32,
  viaList,
  destinationList,
  options: few(fc.record({ type: fc.integer({ min: 1, max: 255 }), flags: u8, value: opaque() })),
})

export const contents: Arbitrary<MessageContents> = fc.record({
  messageCode: u16,
  body: opaque(40),
  extensions: few(fc.record({ type: u16, critical: fc.boolean(), contents: opaque() })),
})

export const signerIdentity: Arbitrary<SignerIdentity> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('certHash' as const, 'certHashNodeId' as const),
    hashAlgorithm: u8,
    hash: opaque(32),
  }),
  fc.constant({ kind: 'none' } as const),
  fc.record({
    kind: fc.constant('unknown' as const),
    type: fc.integer({ min: 4, max: 255 }),
    value: opaque(),
  }),
)
export const signature: Arbitrary<Signature> = fc.record({
  hashAlgorithm: u8,
  signatureAlgorithm: u8,
  identity: signerIdentity,
  value: opaque(),
})
export const securityBlock: Arbitrary<SecurityBlock> = fc.record({
  certificates: few(fc.record({ type: u8, certificate: opaque() })),
  signature,
})

export const ipAddress: Arbitrary<IpAddressPort> = fc.oneof(
  fc.record({ kind: fc.constant('ipv4' as const), address: fc.ipV4(), port: u16 }),
  fc.record({
    kind: fc.constant('ipv6' as const),
    address: fc.constantFrom('::', '::1', '2001:db8::1', 'fe80::1:0:0:1', '1:2:3:4:5:6:7:8', '1::8'),
    port: u16,
  }),
  fc.record({
    kind: fc.constant('unknown' as const),
    type: fc.integer({ min: 3, max: 255 }),
    data: opaque(),
  }),
)
const candidateBase = {
  addressPort: ipAddress,
  overlayLink: u8,
  foundation: opaque(8),
  priority: u32,
  extensions: few(fc.record({ name: opaque(8), value: opaque(8) }), 2),
}
const candidate: Arbitrary<IceCandidate> = fc.oneof(
  fc.record({ ...candidateBase, candidateType: fc.constant(1), relatedAddress: fc.constant(undefined) }),
  fc.record({ ...candidateBase, candidateType: fc.constantFrom(2, 4), relatedAddress: ipAddress }),
)
const ice = { ufrag: opaque(8), password: opaque(8), role: opaque(8), candidates: few(candidate) }
export const attach: Arbitrary<AttachReqAns> = fc.record({ ...ice, sendUpdate: fc.boolean() })
export const appAttach: Arbitrary<AppAttachReqAns> = fc.record({ ...ice, application: u16 })

export const joinReq: Arbitrary<JoinReq> = fc.record({ joiningPeerId: nodeId, overlaySpecificData: opaque() })
export const leaveReq: Arbitrary<LeaveReq> = fc.record({
  leavingPeerId: nodeId,
  overlaySpecificData: opaque(),
})
export const overlayData = fc.record({ overlaySpecificData: opaque() })
export const chordLeaveData: Arbitrary<ChordLeaveData> = fc.record({
  type: fc.constantFrom(1, 2),
  nodes: few(nodeId),
})
const neighbors = { uptime: u32, predecessors: few(nodeId), successors: few(nodeId) }
export const chordUpdate: Arbitrary<ChordUpdate> = fc.oneof(
  fc.record({ kind: fc.constant('peerReady' as const), uptime: u32 }),
  fc.record({ kind: fc.constant('neighbors' as const), ...neighbors }),
  fc.record({ kind: fc.constant('full' as const), ...neighbors, fingers: few(nodeId) }),
)
export const routeQueryReq: Arbitrary<RouteQueryReq> = fc.record({
  sendUpdate: fc.boolean(),
  destination,
  overlaySpecificData: opaque(),
})
export const routeQueryAns = fc.record({ nextPeer: nodeId })
export const probeReq: Arbitrary<ProbeReq> = fc.record({ requestedInfo: few(u8, 8) })
export const probeAns: Arbitrary<ProbeAns> = fc.record({
  probeInfo: few(
    fc.oneof(
      fc.record({ type: fc.constantFrom(1, 2, 3), value: exactly(4) }),
      fc.record({ type: fc.integer({ min: 4, max: 255 }), value: opaque() }),
    ),
  ),
})
export const pingReq = fc.record({ padding: opaque(300) })
export const pingAns: Arbitrary<PingAns> = fc.record({ responseId: u64, time: u64 })
export const configUpdateReq: Arbitrary<ConfigUpdateReq> = fc.oneof(
  fc.record({ kind: fc.constant('config' as const), configData: opaque() }),
  fc.record({ kind: fc.constant('kinds' as const), kinds: few(opaque()) }),
  fc.record({
    kind: fc.constant('unknown' as const),
    type: fc.integer({ min: 3, max: 255 }),
    data: opaque(),
  }),
)
export const errorResponse: Arbitrary<ErrorResponse> = fc.record({ errorCode: u16, errorInfo: opaque() })

const MODELS: ReadonlyMap<KindId, DataModel> = new Map<KindId, DataModel>([
  [1, 'dictionary'],
  [2, 'single'],
  [3, 'array'],
])
export function modelOf(kind: KindId): DataModel | undefined {
  return MODELS.get(kind)
}
export const model: Arbitrary<DataModel> = fc.constantFrom(...MODELS.values())

/** An entry of one model around `value`. */
function entryOf<V>(of: DataModel, value: Arbitrary<V>) {
  switch (of) {
    case 'single':
      return fc.record({ model: fc.constant('single' as const), value })
    case 'array':
      return fc.record({ model: fc.constant('array' as const), index: u32, value })
    case 'dictionary':
      return fc.record({ model: fc.constant('dictionary' as const), key: opaque(), value })
  }
}

const dataValue: Arbitrary<DataValue> = fc.record({ exists: fc.boolean(), value: opaque() })
export function storedData(of: DataModel): Arbitrary<StoredData> {
  return fc.record({ storageTime: u64, lifetime: u32, value: entryOf(of, dataValue), signature })
}

/** Something that depends on a Kind's model, for any known Kind. */
function perKind<T>(build: (kind: KindId, of: DataModel) => Arbitrary<T>): Arbitrary<T> {
  return fc.constantFrom(...MODELS).chain(([kind, of]) => build(kind, of))
}

export const storeReq: Arbitrary<StoreReq> = fc.record({
  resource: resourceId,
  replicaNumber: u8,
  kindData: few(
    perKind((kind, of) =>
      fc.record({ kind: fc.constant(kind), generationCounter: u64, values: few(storedData(of)) }),
    ),
  ),
})
export const storeAns: Arbitrary<StoreAns> = fc.record({
  kindResponses: few(fc.record({ kind: u32, generationCounter: u64, replicas: few(nodeId) })),
})

function selectorOf(of: DataModel): Arbitrary<StoredDataSpecifier['selector']> {
  const range = fc.tuple(u32, u32).map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) }))
  switch (of) {
    case 'single':
      return fc.constant({ model: 'single' })
    case 'array':
      return fc.record({ model: fc.constant('array'), indices: few(range) })
    case 'dictionary':
      return fc.record({ model: fc.constant('dictionary'), keys: few(opaque()) })
  }
}
export const fetchReq: Arbitrary<FetchReq> = fc.record({
  resource: resourceId,
  specifiers: few(
    perKind((kind, of) => fc.record({ kind: fc.constant(kind), generation: u64, selector: selectorOf(of) })),
  ),
})
export const fetchAns: Arbitrary<FetchAns> = fc.record({
  kindResponses: few(
    perKind((kind, of) =>
      fc.record({ kind: fc.constant(kind), generation: u64, values: few(storedData(of)) }),
    ),
  ),
})

const metaData: Arbitrary<MetaData> = fc.record({
  exists: fc.boolean(),
  valueLength: u32,
  hashAlgorithm: u8,
  hashValue: opaque(),
})
export const statAns: Arbitrary<StatAns> = fc.record({
  kindResponses: few(
    perKind((kind, of) =>
      fc.record({
        kind: fc.constant(kind),
        generation: u64,
        values: few(fc.record({ storageTime: u64, lifetime: u32, metadata: entryOf(of, metaData) })),
      }),
    ),
  ),
})
export const findReq: Arbitrary<FindReq> = fc.record({ resource: resourceId, kinds: few(u32) })
export const findAns: Arbitrary<FindAns> = fc.record({
  results: few(fc.record({ kind: u32, closest: resourceId })),
})
export const unknownKinds: Arbitrary<readonly KindId[]> = few(u32)
