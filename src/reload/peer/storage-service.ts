/** Serves Store, Fetch, Stat and Find (RFC 6940 s.7.4). A Store is answered when it is safe, not when it is done here. */
import { Deadlines, type Deadline } from '../../common/deadlines.ts'
import { SmallMap } from '../../common/small-map.ts'
import type { Millis } from '../../common/time.ts'
import {
  decodeFetchReq,
  decodeFindReq,
  decodeStatReq,
  decodeStoreReq,
  encodeFetchAns,
  encodeFindAns,
  encodeStatAns,
  encodeStoreAns,
  encodeUnknownKinds,
  ERROR_CODE,
  key,
  type DecodeFailure,
  type KindId,
  type DataModel,
  type ResourceId,
} from '../codec/index.ts'
import type { Storage } from '../storage/storage.ts'
import type { Answers } from './answers.ts'
import { REPLICA_ANSWER_WAIT_MS } from './constants.ts'
import type { PeerParts } from './parts.ts'
import type { Transfer } from './replica-transfers.ts'
import type { Replication } from './replication.ts'
import type { IncomingRequest } from './signal.ts'

const CANNOT_WRITE = 'this peer cannot write to its disk'
const NO_COPIES = 'no other peer takes a copy'

/** A carried out Store whose answer waits for the journal and the replicas. */
interface Pending {
  readonly request: IncomingRequest
  readonly body: Uint8Array
  /** What another peer answers for (RFC 6940 s.10.4). */
  readonly copy: boolean
  token: number | undefined
  readonly resource: ResourceId
  /** Key of the resource. */
  readonly name: string
  /** Those that are still waited for. */
  transfers: readonly number[]
  /** A replica has answered that it does not take the copy, whatever the reason. */
  refused: boolean
  deadline: Deadline<Pending> | undefined
}

export class StorageService {
  private readonly parts: PeerParts
  private readonly storage: Storage
  private readonly replication: Replication
  private readonly answers: Answers
  private readonly byToken = new SmallMap<number, Pending[]>()
  private readonly byTransfer = new SmallMap<number, Pending[]>()
  /** The last write to the journal that has not been confirmed, by resource. */
  private readonly unwritten = new SmallMap<string, number>()
  private readonly deadlines = new Deadlines<Pending>()
  /** Nobody else has taken them, and that is not enough; until their deadline somebody may. */
  private readonly refused = new Set<Pending>()
  /** The disk has taken everything that it was given. */
  private journalWrites = true

  constructor(parts: PeerParts, storage: Storage, replication: Replication, answers: Answers) {
    this.parts = parts
    this.storage = storage
    this.replication = replication
    this.answers = answers
  }

  store(request: IncomingRequest): void {
    const { message, signer } = request
    const decoded = decodeStoreReq(message.contents.body, this.modelOf, this.parts.configuration.nodeIdLength)
    if (!decoded.ok) return this.undecodable(request, decoded.error)
    const pool = this.parts.trust.poolOf(message.security.certificates)
    const stored = this.storage.store(this.parts.now, decoded.value, signer, pool)
    if (!stored.ok) return this.answers.error(request, stored.error.errorCode, stored.error.errorInfo)
    const { answer, resource, changed, operations } = stored.value
    const copy = decoded.value.replicaNumber > 0
    let transfers: readonly number[] = []
    if (!copy) {
      transfers =
        changed.length > 0 ? this.replication.storedAsOwner(resource) : this.replication.storedAgain(resource)
    } else {
      const more = this.storage.holdsMoreThan(decoded.value)
      this.replication.storedAsReplica(resource, signer.nodeId, { changed: changed.length > 0, more })
    }
    const name = key(resource)
    if (operations.length > 0) this.unwritten.set(name, this.parts.persist(operations))
    const pending: Pending = {
      request,
      body: encodeStoreAns(answer),
      copy,
      // What changed nothing may repeat what is still being written.
      token: this.unwritten.get(name),
      resource,
      name,
      transfers,
      refused: false,
      deadline: undefined,
    }
    if (pending.token !== undefined) enter(this.byToken, pending.token, pending)
    for (const id of transfers) enter(this.byTransfer, id, pending)
    if (transfers.length > 0) {
      pending.deadline = this.deadlines.set(this.parts.now.ms + REPLICA_ANSWER_WAIT_MS, pending)
    }
    this.settle(pending)
  }

  fetch(request: IncomingRequest): void {
    const { body } = request.message.contents
    const decoded = decodeFetchReq(body, this.modelOf, this.parts.configuration.nodeIdLength)
    if (!decoded.ok) return this.undecodable(request, decoded.error)
    const fetched = this.storage.fetch(this.parts.now, decoded.value)
    if (!fetched.ok) return this.answers.error(request, fetched.error.errorCode, fetched.error.errorInfo)
    this.answers.answer(request, encodeFetchAns(fetched.value.answer), fetched.value.certificates)
  }

  stat(request: IncomingRequest): void {
    const { body } = request.message.contents
    const decoded = decodeStatReq(body, this.modelOf, this.parts.configuration.nodeIdLength)
    if (!decoded.ok) return this.undecodable(request, decoded.error)
    const answer = this.storage.stat(this.parts.now, decoded.value)
    if (!answer.ok) return this.answers.error(request, answer.error.errorCode, answer.error.errorInfo)
    this.answers.answer(request, encodeStatAns(answer.value))
  }

  find(request: IncomingRequest): void {
    const decoded = decodeFindReq(request.message.contents.body)
    if (!decoded.ok) return this.undecodable(request, decoded.error)
    const answer = this.storage.find(this.parts.now, decoded.value)
    if (!answer.ok) return this.answers.error(request, answer.error.errorCode, answer.error.errorInfo)
    this.answers.answer(request, encodeFindAns(answer.value))
  }

  persisted(token: number): void {
    for (const pending of this.written(token)) {
      pending.token = undefined
      this.settle(pending)
    }
  }

  /** What its Store changed stays, as with an answer that is lost: whether that is enough, the replicas decide. */
  notPersisted(token: number): void {
    this.journalWrites = false
    for (const pending of this.written(token)) {
      pending.token = undefined
      this.settle(pending)
    }
  }

  writable(): void {
    this.journalWrites = true
    for (const each of [...this.refused]) this.settle(each)
  }

  transferDone({ id, error }: Transfer): void {
    const waiting = this.byTransfer.get(id) ?? NOBODY
    this.byTransfer.delete(id)
    for (const pending of waiting) {
      // Answered without it, when it took too long.
      if (!pending.transfers.includes(id)) continue
      pending.transfers = pending.transfers.filter((each) => each !== id)
      if (error !== undefined && error !== 'timeout') pending.refused = true
      this.settle(pending)
    }
    if (error === undefined) for (const each of [...this.refused]) this.settle(each)
  }

  nextDeadline(): Millis {
    return Math.min(this.deadlines.next(), this.storage.nextDeadline())
  }

  timeout(): void {
    const { ms } = this.parts.now
    for (let due = this.deadlines.pop(ms); due !== undefined; due = this.deadlines.pop(ms)) {
      // A replica that does not answer is made good later; the phone cannot wait for it.
      due.deadline = undefined
      due.transfers = NO_TRANSFERS
      this.settle(due)
    }
    const { operations, emptied } = this.storage.expire(this.parts.now)
    if (operations.length > 0) this.parts.persist(operations)
    for (const resource of emptied) this.replication.emptied(resource)
  }

  /**
   * Never before the journal has answered; the replicas are waited for up to the deadline. One that is silent is made good later.
   * But where those that answer refuse it, or the own disk did not take it, and nobody else has written it down, nobody is told
   * that it is safe (docs/adr/0003-replication.md, 8 and 11).
   */
  private settle(pending: Pending): void {
    if (pending.token !== undefined || pending.transfers.length > 0) return
    // Its owner shall not count on this disk.
    if (pending.copy && !this.journalWrites) return this.refuse(pending.request, CANNOT_WRITE)
    const alone =
      (pending.refused || !this.journalWrites) && !this.replication.heldElsewhere(pending.resource)
    if (alone && pending.deadline !== undefined) return void this.refused.add(pending)
    this.refused.delete(pending)
    this.deadlines.cancel(pending.deadline)
    if (alone) return this.refuse(pending.request, this.journalWrites ? NO_COPIES : CANNOT_WRITE)
    this.answers.answer(pending.request, pending.body)
  }

  /** Those that waited for that write. */
  private written(token: number): readonly Pending[] {
    const waiting = this.byToken.get(token) ?? NOBODY
    this.byToken.delete(token)
    for (const { name } of waiting) if (this.unwritten.get(name) === token) this.unwritten.delete(name)
    return waiting
  }

  /** RFC 6940 s.6.3.3.1 has no code for it; this one says that the sender may try again later. */
  private refuse(request: IncomingRequest, info: string): void {
    this.answers.error(request, ERROR_CODE.requestTimeout, info)
  }

  private undecodable(request: IncomingRequest, failure: DecodeFailure): void {
    if (failure.unknownKinds === undefined) {
      return this.answers.error(request, ERROR_CODE.invalidMessage, failure.reason)
    }
    this.answers.error(request, ERROR_CODE.unknownKind, encodeUnknownKinds(failure.unknownKinds))
  }

  private readonly modelOf = (kind: KindId): DataModel | undefined => this.parts.kinds.model(kind)
}

const NOBODY: readonly Pending[] = []

const NO_TRANSFERS: readonly number[] = []

/** Lists of one or two nearly always, which a Set costs more than. */
function enter(table: SmallMap<number, Pending[]>, id: number, pending: Pending): void {
  const known = table.get(id)
  if (known === undefined) table.set(id, [pending])
  else known.push(pending)
}
