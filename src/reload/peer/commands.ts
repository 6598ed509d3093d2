/** What the user of the overlay asks for: store, fetch, ping. Every command ends in exactly one event with its id. */
import {
  decodeFetchAns,
  decodeChordRouteQueryAns,
  decodePingAns,
  decodeStoreAns,
  encodeFetchReq,
  encodePingReq,
  encodeRouteQueryReq,
  encodeStoreReq,
  key,
  MESSAGE_CODE,
  type KindId,
  type ResourceId,
  type StoredData,
  type StoredDataValue,
  type StoreKindData,
} from '../codec/index.ts'
import { signStoredData } from '../security/data-signature.ts'
import type { Storage } from '../storage/storage.ts'
import { STORAGE_TIMES_MAX } from './constants.ts'
import type { CommandError, CommandId, CommandOutcome, PeerCommand, ValueToStore } from './contract.ts'
import type { PeerParts } from './parts.ts'
import type { Requests } from './requests.ts'
import type { RequestOutcome } from './signal.ts'

type Command<K extends PeerCommand['kind']> = Extract<PeerCommand, { kind: K }>

export class Commands {
  private readonly parts: PeerParts
  private readonly requests: Requests
  private readonly storage: Storage
  /** Last storage_time used for an element; oldest use first. */
  private readonly storageTimes = new Map<string, bigint>()

  constructor(parts: PeerParts, requests: Requests, storage: Storage) {
    this.parts = parts
    this.requests = requests
    this.storage = storage
  }

  store(command: Command<'store'>): void {
    const { credential, resource } = command
    const byKind = new Map<KindId, StoredData[]>()
    for (const value of command.values) {
      const data = signStoredData(this.parts.crypto, credential, {
        resource,
        kind: value.kind,
        storageTime: this.storageTime(resource, value),
        lifetime: value.lifetimeS,
        value: asStoredValue(value),
      })
      const sameKind = byKind.get(value.kind)
      if (sameKind === undefined) byKind.set(value.kind, [data])
      else sameKind.push(data)
    }
    // Generation 0: whoever stores here owns the element; there is nothing to compare with.
    const kindData: StoreKindData[] = [...byKind].map(([kind, values]) => ({
      kind,
      generationCounter: 0n,
      values,
    }))
    this.requests.send({
      code: MESSAGE_CODE.storeReq,
      body: encodeStoreReq({ resource, replicaNumber: 0, kindData }),
      destinations: [{ kind: 'resource', resourceId: resource }],
      purpose: { kind: 'store', id: command.id, kinds: kindData.map(({ kind }) => kind) },
      // RFC 6940 s.7.4.1.1, Trap 23: the policy binds the signer of the message as well as that of the value.
      credential,
      ...timeout(command),
    })
  }

  fetch(command: Command<'fetch'>): void {
    const req = this.storage.fetchReqFor(command.resource, command.kinds)
    if (req.specifiers.length !== command.kinds.length) {
      return this.fetchFailed(command.id, {
        kind: 'invalidAnswer',
        reason: 'a Kind that this overlay does not have',
      })
    }
    this.requests.send({
      code: MESSAGE_CODE.fetchReq,
      body: encodeFetchReq(req),
      destinations: [{ kind: 'resource', resourceId: command.resource }],
      purpose: { kind: 'fetch', id: command.id, resource: command.resource },
      ...timeout(command),
    })
  }

  ping(command: Command<'ping'>): void {
    this.requests.send({
      code: MESSAGE_CODE.pingReq,
      body: encodePingReq({ padding: new Uint8Array(0) }),
      destinations: command.destinations,
      purpose: { kind: 'ping', id: command.id },
      ...timeout(command),
    })
  }

  routeQuery(command: Command<'routeQuery'>): void {
    this.requests.send({
      code: MESSAGE_CODE.routeQueryReq,
      body: encodeRouteQueryReq({
        sendUpdate: false,
        destination: { kind: 'resource', resourceId: command.target },
        overlaySpecificData: new Uint8Array(0),
      }),
      destinations: command.destinations,
      purpose: { kind: 'routeQuery', id: command.id },
      ...timeout(command),
    })
  }

  stored(id: CommandId, outcome: RequestOutcome): void {
    if (!outcome.ok) return this.storeFailed(id, outcome.error)
    const answer = decodeStoreAns(outcome.message.contents.body, this.parts.configuration.nodeIdLength)
    if (!answer.ok) return this.storeFailed(id, { kind: 'invalidAnswer', reason: answer.error.reason })
    const replicas = answer.value.kindResponses[0]?.replicas ?? []
    const value = { responsible: outcome.signer.nodeId, replicas, hops: outcome.hops }
    this.parts.outbox.push({ kind: 'storeDone', id, outcome: { ok: true, value } })
  }

  fetched(id: CommandId, resource: ResourceId, outcome: RequestOutcome): void {
    if (!outcome.ok) return this.fetchFailed(id, outcome.error)
    const { contents, security } = outcome.message
    const answer = decodeFetchAns(
      contents.body,
      (kind) => this.parts.kinds.model(kind),
      this.parts.configuration.nodeIdLength,
    )
    if (!answer.ok) return this.fetchFailed(id, { kind: 'invalidAnswer', reason: answer.error.reason })
    const pool = this.parts.trust.poolOf(security.certificates)
    const verified = this.storage.verify(resource, answer.value, pool, this.parts.now.wall)
    const value = { responsible: outcome.signer.nodeId, ...verified }
    this.parts.outbox.push({ kind: 'fetchDone', id, outcome: { ok: true, value } })
  }

  pinged(id: CommandId, outcome: RequestOutcome): void {
    if (!outcome.ok) return this.pingFailed(id, outcome.error)
    const answer = decodePingAns(outcome.message.contents.body)
    if (!answer.ok) return this.pingFailed(id, { kind: 'invalidAnswer', reason: answer.error.reason })
    const value = { responder: outcome.signer.nodeId, rttMs: outcome.rttMs }
    this.parts.outbox.push({ kind: 'pingDone', id, outcome: { ok: true, value } })
  }

  routeQueried(id: CommandId, outcome: RequestOutcome): void {
    if (!outcome.ok) return this.routeQueryFailed(id, outcome.error)
    const { nodeIdLength } = this.parts.configuration
    const answer = decodeChordRouteQueryAns(outcome.message.contents.body, nodeIdLength)
    if (!answer.ok) return this.routeQueryFailed(id, { kind: 'invalidAnswer', reason: answer.error.reason })
    const { nextPeer } = answer.value
    const value = { nextPeer, responder: outcome.signer.nodeId, rttMs: outcome.rttMs }
    this.parts.outbox.push({ kind: 'routeQueryDone', id, outcome: { ok: true, value } })
  }

  /** Ends a command that cannot be begun. */
  refuse(command: Exclude<PeerCommand, { kind: 'leave' }>, error: CommandError): void {
    switch (command.kind) {
      case 'store':
        return this.storeFailed(command.id, error)
      case 'fetch':
        return this.fetchFailed(command.id, error)
      case 'ping':
        return this.pingFailed(command.id, error)
      case 'routeQuery':
        return this.routeQueryFailed(command.id, error)
      case 'appAttach':
        this.parts.outbox.push({ kind: 'appAttachFailed', id: command.id, error })
    }
  }

  private storeFailed(id: CommandId, error: CommandError): void {
    this.parts.outbox.push({ kind: 'storeDone', id, outcome: failed(error) })
  }

  private fetchFailed(id: CommandId, error: CommandError): void {
    this.parts.outbox.push({ kind: 'fetchDone', id, outcome: failed(error) })
  }

  private pingFailed(id: CommandId, error: CommandError): void {
    this.parts.outbox.push({ kind: 'pingDone', id, outcome: failed(error) })
  }

  private routeQueryFailed(id: CommandId, error: CommandError): void {
    this.parts.outbox.push({ kind: 'routeQueryDone', id, outcome: failed(error) })
  }

  /** RFC 6940 s.7.4.1.1: greater than that of the value it replaces, whatever the wall clock does. */
  private storageTime(resource: ResourceId, value: ValueToStore): bigint {
    const element = `${key(resource)}/${value.kind}/${value.index ?? ''}/${value.key === undefined ? '' : key(value.key)}`
    const last = this.storageTimes.get(element) ?? 0n
    const wall = BigInt(Math.trunc(this.parts.now.wall))
    const time = wall > last ? wall : last + 1n
    this.storageTimes.delete(element)
    this.storageTimes.set(element, time)
    if (this.storageTimes.size > STORAGE_TIMES_MAX) {
      for (const oldest of this.storageTimes.keys()) {
        this.storageTimes.delete(oldest)
        break
      }
    }
    return time
  }
}

function timeout(command: { readonly timeoutMs?: number }): { timeoutMs?: number } {
  return command.timeoutMs === undefined ? {} : { timeoutMs: command.timeoutMs }
}

function failed<T>(error: CommandError): CommandOutcome<T> {
  return { ok: false, error }
}

function asStoredValue({ model, index, key: dictionaryKey, exists, value }: ValueToStore): StoredDataValue {
  const data = { exists, value }
  switch (model) {
    case 'single':
      return { model, value: data }
    case 'array':
      return { model, index: index ?? 0xffff_ffff, value: data }
    case 'dictionary':
      return { model, key: dictionaryKey ?? new Uint8Array(0), value: data }
  }
}
