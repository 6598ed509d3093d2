/** What the user of the overlay stores and fetches. Every command ends in exactly one event with its id. */
import { Deadlines } from '../../common/deadlines.ts'
import { fail, ok, type Result } from '../../common/errors.ts'
import type { Millis } from '../../common/time.ts'
import {
  asNodeId,
  decodeFetchAns,
  decodeStoreAns,
  encodeFetchReq,
  encodeStoreReq,
  ERROR_CODE,
  key,
  MESSAGE_CODE,
  type Message,
  type NodeId,
  type ResourceId,
  type StoredData,
  type StoredDataValue,
  type StoreKindData,
} from '../codec/index.ts'
import { signStoredData } from '../security/data-signature.ts'
import type { Storage } from '../storage/storage.ts'
import type { FetchedValues } from '../storage/verify-fetched.ts'
import type {
  CommandError,
  CommandId,
  CommandOutcome,
  Journey,
  PeerCommand,
  ValueToStore,
} from './contract.ts'
import { ASTRAY_WAITS_MS, OWN_MESSAGE_OVERHEAD_BYTES } from './constants.ts'
import { NewestValues } from './newest-values.ts'
import type { PeerParts } from './parts.ts'
import type { Requests } from './requests.ts'
import type { RequestOutcome } from './signal.ts'
import { elementFetched, elementOf, StorageTimes } from './storage-times.ts'
import type { FetchAttempt, StoreAttempt } from './store-attempt.ts'

type Command<K extends PeerCommand['kind']> = Extract<PeerCommand, { kind: K }>

export class Commands {
  private readonly parts: PeerParts
  private readonly requests: Requests
  private readonly storage: Storage
  private readonly storageTimes = new StorageTimes()
  private readonly newest = new NewestValues()
  /** Those that wait until the tables of others are right again. */
  private readonly astray = new Deadlines<StoreAttempt | FetchAttempt>()

  constructor(parts: PeerParts, requests: Requests, storage: Storage) {
    this.parts = parts
    this.requests = requests
    this.storage = storage
  }

  store(command: Command<'store'>): void {
    const until = command.timeoutMs === undefined ? undefined : this.parts.now.ms + command.timeoutMs
    this.attempt({ command, until, again: false, storageTime: 0n, astray: 0 })
  }

  private attempt(attempt: StoreAttempt): void {
    const { command, until } = attempt
    const { credential, resource } = command
    this.parts.trust.remember(credential.certificate)
    const wall = BigInt(Math.trunc(this.parts.now.wall))
    // Generation 0: whoever stores here owns the element; there is nothing to compare with.
    const kindData: (StoreKindData & { values: StoredData[] })[] = []
    let { storageTime } = attempt
    for (const value of command.values) {
      storageTime = this.storageTimes.next(elementOf(resource, value), wall)
      const data = signStoredData(this.parts.crypto, credential, {
        resource,
        kind: value.kind,
        storageTime,
        lifetime: value.lifetimeS,
        value: asStoredValue(value),
      })
      const sameKind = kindData.find(({ kind }) => kind === value.kind)
      if (sameKind === undefined) kindData.push({ kind: value.kind, generationCounter: 0n, values: [data] })
      else sameKind.values.push(data)
    }
    this.requests.send({
      code: MESSAGE_CODE.storeReq,
      body: encodeStoreReq({ resource, replicaNumber: 0, kindData }),
      destinations: [{ kind: 'resource', resourceId: resource }],
      purpose: {
        kind: 'store',
        attempt: { ...attempt, storageTime },
        kinds: kindData.map(({ kind }) => kind),
      },
      // RFC 6940 s.7.4.1.1, Trap 23: the policy binds the signer of the message as well as that of the value.
      credential,
      ...this.timeLeft(until),
    })
  }

  fetch(command: Command<'fetch'>): void {
    const until = command.timeoutMs === undefined ? undefined : this.parts.now.ms + command.timeoutMs
    this.attemptFetch({ command, until, astray: 0 })
  }

  nextDeadline(): Millis {
    return this.astray.next()
  }

  timeout(): void {
    const { ms } = this.parts.now
    for (let due = this.astray.pop(ms); due !== undefined; due = this.astray.pop(ms)) this.begin(due)
  }

  /** False when it has gone out often enough. */
  private onceMore(attempt: StoreAttempt | FetchAttempt): boolean {
    const wait = ASTRAY_WAITS_MS[attempt.astray - 1]
    if (wait === undefined) return false
    if (wait === 0) this.begin(attempt)
    else this.astray.set(this.parts.now.ms + wait, attempt)
    return true
  }

  private begin(attempt: StoreAttempt | FetchAttempt): void {
    if ('storageTime' in attempt) this.attempt(attempt)
    else this.attemptFetch(attempt)
  }

  private attemptFetch(attempt: FetchAttempt): void {
    const { command, until } = attempt
    if (this.fetchHere(command)) return
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
      purpose: { kind: 'fetch', attempt },
      ...this.timeLeft(until),
    })
  }

  /**
   * What this peer answers for itself it looks up in its own table: nearly all lookups of a small ring. True when that was
   * done; an answer that would be too large for the overlay takes the way of all messages, on which that is measured.
   */
  private fetchHere({ id, resource, kinds }: Command<'fetch'>): boolean {
    const { now, trust, credential, configuration, instruments, random, self } = this.parts
    // As for any message of ours to ourselves (receiver.ts): the certificate has to stand.
    if (!trust.judge(credential.certificate, credential.chain ?? [], now.wall).ok) return false
    const own = this.storage.own(now, resource, kinds)
    if (own === undefined) return false
    if (own.bytes + OWN_MESSAGE_OVERHEAD_BYTES > configuration.maxMessageSize) return false
    instruments.fetchedHere()
    const journey = {
      transactionId: random.u64(),
      firstHop: undefined,
      responder: self,
      hops: 0,
      rttMs: 0,
      sends: 1,
    }
    if (own.settled) this.found(id, self, own.kinds, own.rejected, journey)
    else own.settled = this.gotten(id, resource, self, own, journey)
    return true
  }

  stored(attempt: StoreAttempt, outcome: RequestOutcome): void {
    const { storageTime } = attempt
    const { id } = attempt.command
    if (!outcome.ok) {
      const tooOld = outcome.error.kind === 'reload' && outcome.error.code === ERROR_CODE.dataTooOld
      if (tooOld && !attempt.again) return this.catchUp(attempt, outcome.error)
      if (isAstray(outcome.error) && this.onceMore({ ...attempt, astray: attempt.astray + 1 })) return
      return this.storeFailed(id, outcome.error, outcome.journey)
    }
    const answer = decodeStoreAns(outcome.message.contents.body, this.parts.configuration.nodeIdLength)
    if (!answer.ok) return this.storeFailed(id, { kind: 'invalidAnswer', reason: answer.error.reason })
    // Copies: the ids are views on the message.
    const replicas = (answer.value.kindResponses[0]?.replicas ?? []).map((id) => asNodeId(id.slice()))
    const value = { responsible: outcome.signer.nodeId, storageTime, replicas, hops: outcome.hops }
    this.parts.outbox.push({ kind: 'storeDone', id, outcome: { ok: true, value }, journey: outcome.journey })
  }

  /** The second try of a Store, when it was an older clock than that of whoever stored before that made it fail. */
  caughtUp(attempt: StoreAttempt, error: CommandError, outcome: RequestOutcome): void {
    const { command } = attempt
    const verified = outcome.ok ? this.verified(command.resource, outcome.message) : undefined
    if (verified?.ok !== true) return this.storeFailed(command.id, error)
    const wanted = new Set(command.values.map((value) => elementOf(command.resource, value)))
    let newer = false
    for (const [kind, { values }] of verified.value.kinds) {
      for (const { data } of values) {
        const element = elementFetched(command.resource, kind, data.value)
        if (wanted.has(element) && this.storageTimes.stands(element, data.storageTime)) newer = true
      }
    }
    if (newer) this.attempt({ ...attempt, again: true })
    else this.storeFailed(command.id, error)
  }

  fetched(attempt: FetchAttempt, outcome: RequestOutcome): void {
    const { journey } = outcome
    const { id, resource } = attempt.command
    if (!outcome.ok) {
      if (isAstray(outcome.error) && this.onceMore({ ...attempt, astray: attempt.astray + 1 })) return
      return this.fetchFailed(id, outcome.error, journey)
    }
    const verified = this.verified(resource, outcome.message)
    if (!verified.ok) return this.fetchFailed(id, { kind: 'invalidAnswer', reason: verified.error })
    this.gotten(id, resource, outcome.signer.nodeId, verified.value, journey)
  }

  /** False when something newer had been seen before. */
  private gotten(
    id: CommandId,
    resource: ResourceId,
    responsible: NodeId,
    found: FetchedValues,
    journey: Journey | undefined,
  ): boolean {
    const { kinds, rollbacks } = this.newest.prefer(this.parts.now.ms, resource, found.kinds)
    if (rollbacks > 0) {
      this.parts.instruments.rollbacks.add('', rollbacks)
      this.parts.trace({
        level: 'warn',
        area: 'reload',
        event: 'rollback_seen',
        resource: key(resource),
        storer: key(responsible),
        values: rollbacks,
      })
    }
    this.found(id, responsible, kinds, found.rejected, journey)
    return rollbacks === 0
  }

  private found(
    id: CommandId,
    responsible: NodeId,
    kinds: FetchedValues['kinds'],
    rejected: number,
    journey: Journey | undefined,
  ): void {
    const value = { responsible, kinds, rejected }
    this.parts.outbox.push({ kind: 'fetchDone', id, outcome: { ok: true, value }, journey })
  }

  /** Ends a command that did not work, or that cannot be begun. */
  storeFailed(id: CommandId, error: CommandError, journey?: Journey): void {
    this.parts.outbox.push({ kind: 'storeDone', id, outcome: failed(error), journey })
  }

  fetchFailed(id: CommandId, error: CommandError, journey?: Journey): void {
    this.parts.outbox.push({ kind: 'fetchDone', id, outcome: failed(error), journey })
  }

  /** RFC 6940 s.7: a clock behind that of the former Store is made good by a time just after that Store's. */
  private catchUp(attempt: StoreAttempt, error: CommandError): void {
    const { resource, values } = attempt.command
    const req = this.storage.fetchReqFor(resource, [...new Set(values.map(({ kind }) => kind))])
    this.requests.send({
      code: MESSAGE_CODE.fetchReq,
      body: encodeFetchReq(req),
      destinations: [{ kind: 'resource', resourceId: resource }],
      purpose: { kind: 'catchUp', attempt, error },
      ...this.timeLeft(attempt.until),
    })
  }

  private verified(resource: ResourceId, { contents, security }: Message): Result<FetchedValues, string> {
    const { kinds, configuration, trust, now } = this.parts
    const answer = decodeFetchAns(contents.body, (kind) => kinds.model(kind), configuration.nodeIdLength)
    if (!answer.ok) return fail(answer.error.reason)
    return ok(this.storage.verify(resource, answer.value, trust.poolOf(security.certificates), now))
  }

  private timeLeft(until: Millis | undefined): { timeoutMs?: number } {
    return until === undefined ? {} : { timeoutMs: Math.max(1, until - this.parts.now.ms) }
  }
}

/**
 * A resource that nobody stores at is no error (RFC 6940 s.7.4.2.2): some peer on the way had nobody to pass the request to, most likely since
 * it leaves. By the time it says so its Leave has been heard, or soon will be, and another way is taken.
 */
function isAstray(error: CommandError): boolean {
  return error.kind === 'reload' && error.code === ERROR_CODE.notFound
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
