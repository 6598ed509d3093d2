/** One storing peer with a switchable topology, and users who sign for it. */
import { utf8 } from '../../../../src/common/bytes.ts'
import type { Now } from '../../../../src/common/time.ts'
import {
  asNodeId,
  type KindId,
  type NodeId,
  type ResourceId,
  type StoredData,
  type StoredDataSpecifier,
  type StoredDataValue,
  type StoreReq,
} from '../../../../src/reload/codec/index.ts'
import { KindTable, type KindDefinition } from '../../../../src/reload/config/index.ts'
import {
  makeStandInCredential,
  makeStandInRoot,
  resourceIdOf,
  signStoredData,
  StandInCrypto,
  Trust,
  type Certificate,
  type Credential,
  type Signer,
} from '../../../../src/reload/security/index.ts'
import type { AdmissionRules } from '../../../../src/reload/storage/admission.ts'
import type { StorageLimits } from '../../../../src/reload/storage/quota.ts'
import type { Responsibility } from '../../../../src/reload/storage/responsibility.ts'
import { Storage } from '../../../../src/reload/storage/storage.ts'

export const OVERLAY = 'dht.example.com'
export const crypto = new StandInCrypto()
export const root = makeStandInRoot(OVERLAY)

export const SINGLE = 0xf0000001
export const ARRAY = 0xf0000002
export const DICTIONARY = 0xf0000003
export const BY_NODE = 0xf0000004

const PRIVATE_KINDS: readonly KindDefinition[] = [
  kind(SINGLE, 'TEST-SINGLE', 'single', 'USER-MATCH', 1),
  kind(ARRAY, 'TEST-ARRAY', 'array', 'USER-MATCH', 4),
  kind(DICTIONARY, 'TEST-DICTIONARY', 'dictionary', 'USER-MATCH', 3),
  kind(BY_NODE, 'TEST-BY-NODE', 'single', 'NODE-MATCH', 1),
]

function kind(
  id: KindId,
  name: string,
  dataModel: KindDefinition['dataModel'],
  accessControl: KindDefinition['accessControl'],
  maxCount: number,
): KindDefinition {
  return { id, name, dataModel, accessControl, maxCount, maxSize: 32, maxNodeMultiple: 0 }
}

export const kinds = new KindTable({ requiredKinds: PRIVATE_KINDS })

export function nodeId(seed: number): NodeId {
  return asNodeId(new Uint8Array(16).fill(seed))
}

export function credential(userName: string, seed: number): Credential {
  return makeStandInCredential(nodeId(seed), userName, OVERLAY)
}

export const alice = credential(`alice@${OVERLAY}`, 0xa1)
export const bob = credential(`bob@${OVERLAY}`, 0xb0)
export const ALICE = resourceOf(alice)
export const BOB = resourceOf(bob)

export function resourceOf({ certificate }: Credential): ResourceId {
  return resourceIdOf(crypto, utf8(certificate.userName))
}

export const WALL = 1_790_000_000_000
export const T0: Now = { ms: 5_000, wall: WALL }

/** Both clocks `ms` further. */
export function after(ms: number, from: Now = T0): Now {
  return { ms: from.ms + ms, wall: from.wall + ms }
}

export function single(text: string): StoredDataValue {
  return { model: 'single', value: { exists: true, value: utf8(text) } }
}
export function element(index: number, text: string): StoredDataValue {
  return { model: 'array', index, value: { exists: true, value: utf8(text) } }
}
export function entry(key: Uint8Array, text: string): StoredDataValue {
  return { model: 'dictionary', key, value: { exists: true, value: utf8(text) } }
}
export function removed(value: StoredDataValue): StoredDataValue {
  return { ...value, value: { exists: false, value: new Uint8Array(0) } }
}

export interface ToSign {
  readonly kind?: KindId
  readonly value?: StoredDataValue
  /** Milliseconds after WALL. */
  readonly time?: number
  readonly lifetime?: number
  readonly resource?: ResourceId
}

export function signed(by: Credential, toSign: ToSign = {}): StoredData {
  return signStoredData(crypto, by, {
    resource: toSign.resource ?? resourceOf(by),
    kind: toSign.kind ?? SINGLE,
    storageTime: BigInt(WALL + (toSign.time ?? 0)),
    lifetime: toSign.lifetime ?? 600,
    value: toSign.value ?? single('value'),
  })
}

export function request(
  resource: ResourceId,
  values: readonly (readonly [KindId, ...StoredData[]])[],
  options: { readonly replica?: number; readonly generation?: bigint } = {},
): StoreReq {
  return {
    resource,
    replicaNumber: options.replica ?? 0,
    kindData: values.map(([kindId, ...data]) => ({
      kind: kindId,
      generationCounter: options.generation ?? 0n,
      values: data,
    })),
  }
}

export function signerOf({ certificate, nodeId: id }: Credential): Signer {
  return { certificate, nodeId: id }
}

export function poolOf(...credentials: Credential[]): Certificate[] {
  return credentials.map(({ certificate }) => certificate)
}

export class Topology implements Responsibility {
  responsible = true
  replica = true
  readonly asked: NodeId[] = []
  responsibleFor(): boolean {
    return this.responsible
  }
  mayReplicate(sender: NodeId): boolean {
    this.asked.push(sender)
    return this.replica
  }
  replicaSet(): readonly NodeId[] {
    return [nodeId(0x51), nodeId(0x52)]
  }
}

export interface Peer {
  readonly storage: Storage
  readonly topology: Topology
  readonly trust: Trust
  /** The journal as the shell would have written it. */
  readonly journal: Map<string, Uint8Array>
  /** Original store by `by` of its own resource; the outcome, with its operations journaled. */
  put(by: Credential, toSign?: ToSign, now?: Now): ReturnType<Storage['store']>
  /** Any request, signed by `by`, with the certificates of `by` and `others` in its bucket. */
  send(req: StoreReq, by: Credential, now?: Now, ...others: Credential[]): ReturnType<Storage['store']>
  expire(now: Now): void
}

export function peer(
  options: { readonly limits?: Partial<StorageLimits>; readonly rules?: AdmissionRules } = {},
): Peer {
  const topology = new Topology()
  const trust = new Trust(crypto, {
    overlayName: OVERLAY,
    roots: [root],
    selfSigned: undefined,
    badNodes: [],
  })
  const { limits, rules } = options
  const storage = new Storage(
    { crypto, trust, kinds, responsibility: topology, ...(rules && { rules }) },
    { ...(limits && { limits }) },
  )
  const journal = new Map<string, Uint8Array>()
  const apply = (operations: readonly { kind: string; key: string; value?: Uint8Array }[]): void => {
    for (const { kind: op, key, value } of operations) {
      if (op === 'put' && value !== undefined) journal.set(key, value)
      else journal.delete(key)
    }
  }
  const send: Peer['send'] = (req, by, now = T0, ...others) => {
    const outcome = storage.store(now, req, signerOf(by), poolOf(by, ...others))
    if (outcome.ok) apply(outcome.value.operations)
    return outcome
  }
  return {
    storage,
    topology,
    trust,
    journal,
    send,
    put: (by, toSign = {}, now = T0) =>
      send(
        request(toSign.resource ?? resourceOf(by), [[toSign.kind ?? SINGLE, signed(by, toSign)]]),
        by,
        now,
      ),
    expire: (now) => apply(storage.expire(now).operations),
  }
}

/** Fetches everything of a Kind, as text by place; gaps are left out. */
export function texts(
  storage: Storage,
  resource: ResourceId,
  kindId: KindId,
  now: Now = T0,
): [string | number, string][] {
  return values(storage, resource, kindId, now)
    .filter(({ value }) => value.value.exists)
    .map(({ value }) => [placeOf(value), new TextDecoder().decode(value.value.value)])
}

export function placeOf(value: StoredDataValue): string | number {
  if (value.model === 'single') return ''
  return value.model === 'array' ? value.index : new TextDecoder().decode(value.key)
}

export function values(
  storage: Storage,
  resource: ResourceId,
  kindId: KindId,
  now: Now = T0,
): readonly StoredData[] {
  const fetched = storage.fetch(now, storage.fetchReqFor(resource, [kindId]))
  if (!fetched.ok) throw new Error('fetch refused')
  return fetched.value.answer.kindResponses[0]?.values ?? []
}

export function generationOf(storage: Storage, resource: ResourceId, kindId: KindId, now: Now = T0): bigint {
  const fetched = storage.fetch(now, storage.fetchReqFor(resource, [kindId]))
  if (!fetched.ok) throw new Error('fetch refused')
  return fetched.value.answer.kindResponses[0]?.generation ?? -1n
}

export function ranges(...indices: [number, number][]): StoredDataSpecifier['selector'] {
  return { model: 'array', indices: indices.map(([first, last]) => ({ first, last })) }
}
