/**
 * The checks of RFC 6940 s.7.4.1.1. Several may fail at once and the RFC gives no order; ours is: Kinds, shape,
 * responsibility, signatures and policies, generation counter, storage_time, sizes and counts. More values than could ever be
 * taken are refused before anybody looks at their signatures. Nothing is changed here: what comes out is the list of changes
 * for the whole request.
 */
import { ok, type Result } from '../../common/errors.ts'
import type { Now } from '../../common/time.ts'
import {
  ERROR_CODE,
  type ErrorResponse,
  type KindId,
  type StoredData,
  type StoreKindData,
  type StoreReq,
} from '../codec/index.ts'
import type { KindDefinition } from '../config/types.ts'
import type { Certificate } from '../security/port.ts'
import type { Signer } from '../security/trust.ts'
import { wellFormed } from './data-models.ts'
import { quotaExceeded, type StorageLimits } from './quota.ts'
import { valuesMax } from './values-max.ts'
import { generationTooLow, refuse, unknownKinds } from './refusals.ts'
import type { Responsibility } from './responsibility.ts'
import { StagedKind } from './staging.ts'
import type { Table } from './table.ts'
import { unsigned, type ValueChecks } from './value-checks.ts'

export interface StoreContext {
  readonly checks: ValueChecks
  readonly responsibility: Responsibility
  readonly limits: StorageLimits
  readonly table: Table
}

/** One Kind of a request that may be carried out. */
export interface PlannedKind {
  readonly kind: KindId
  readonly staged: StagedKind
  /** Counter of the request: for replicas the one to set. */
  readonly requestedGeneration: bigint
}

/** Judges a whole request; `signer` signed the message, `pool` are the certificates that came with it. */
export function planStore(
  context: StoreContext,
  now: Now,
  req: StoreReq,
  signer: Signer,
  pool: readonly Certificate[],
): Result<PlannedKind[], ErrorResponse> {
  const definitions = definitionsOf(context.checks, req.kindData)
  if (!definitions.ok) return definitions
  const unfit = shapeFault(req, definitions.value)
  if (unfit !== undefined) return refuse(ERROR_CODE.invalidMessage, unfit)
  const refusal = responsibilityFault(context.responsibility, req, signer)
  if (refusal !== undefined) return refusal
  for (const [index, { values }] of req.kindData.entries()) {
    const { name, ...definition } = definitions.value[index] as KindDefinition
    if (values.length > valuesMax(definition))
      return refuse(ERROR_CODE.dataTooLarge, `${definition.maxCount} ${name} values may be stored here`)
  }

  const planned: PlannedKind[] = []
  const accepted: (readonly [StagedKind, StoredData, readonly Certificate[]])[] = []
  for (const [index, kindData] of req.kindData.entries()) {
    const definition = definitions.value[index] as KindDefinition
    const staged = new StagedKind(definition, context.table.findKind(req.resource, kindData.kind), now)
    planned.push({ kind: kindData.kind, staged, requestedGeneration: kindData.generationCounter })
    for (const data of kindData.values) {
      const author = authorise(context, now, req, staged, data, signer, pool)
      if (!author.ok) return author
      if (author.value !== 'held') accepted.push([staged, data, author.value])
    }
  }
  if (req.replicaNumber === 0 && planned.some(counterDiffers)) {
    const counters = planned.map(({ kind, staged }) => ({ kind, generationCounter: staged.generation }))
    return generationTooLow(counters)
  }
  for (const [staged, data, certificates] of accepted) {
    if (staged.put({ data, certificates }) === 'old') {
      return refuse(
        ERROR_CODE.dataTooOld,
        `a ${staged.definition.name} value with that storage_time or a later one is here`,
      )
    }
  }
  const excess = limitFault(context, req, planned)
  return excess === undefined ? ok(planned) : refuse(ERROR_CODE.dataTooLarge, excess)
}

function definitionsOf(
  checks: ValueChecks,
  kindData: readonly StoreKindData[],
): Result<KindDefinition[], ErrorResponse> {
  const definitions: KindDefinition[] = []
  const unknown: KindId[] = []
  for (const { kind } of kindData) {
    const definition = checks.definition(kind)
    if (definition === undefined) unknown.push(kind)
    else definitions.push(definition)
  }
  return unknown.length > 0 ? unknownKinds([...new Set(unknown)]) : ok(definitions)
}

/** What makes the request itself wrong, whoever sent it. */
function shapeFault(req: StoreReq, definitions: readonly KindDefinition[]): string | undefined {
  const { kindData } = req
  if (kindData.length > 1 && new Set(kindData.map(({ kind }) => kind)).size < kindData.length)
    return 'a Kind appears twice'
  for (const [index, { generationCounter, values }] of kindData.entries()) {
    if (values.length === 0) return 'a Kind without values'
    if (req.replicaNumber > 0 && generationCounter === 0n) return 'a replica without generation counter'
    const { dataModel } = definitions[index] as KindDefinition
    if (!values.every(({ value }) => wellFormed(value, dataModel)))
      return 'a value does not fit its data model'
  }
  return undefined
}

function responsibilityFault(
  responsibility: Responsibility,
  { resource, replicaNumber }: StoreReq,
  signer: Signer,
): ReturnType<typeof refuse> | undefined {
  if (replicaNumber === 0) {
    if (responsibility.responsibleFor(resource)) return undefined
    return refuse(ERROR_CODE.notFound, 'this peer is not responsible for the resource')
  }
  if (responsibility.mayReplicate(signer.nodeId, resource)) return undefined
  return refuse(ERROR_CODE.forbidden, 'no replica of the resource is expected from that node')
}

/** The certificates behind one value, or 'held' when this very value is here already and nothing has to be proven. */
function authorise(
  { checks }: StoreContext,
  now: Now,
  req: StoreReq,
  staged: StagedKind,
  data: StoredData,
  signer: Signer,
  pool: readonly Certificate[],
): Result<readonly Certificate[] | 'held', ErrorResponse> {
  const { resource } = req
  if (unsigned(data)) return refuse(ERROR_CODE.forbidden, 'a value is not signed')
  // RFC 6940 s.7.3: in an original store the policy binds the signer of the message as well.
  if (req.replicaNumber === 0 && !checks.permits(staged.definition, resource, signer, data.value)) {
    return refuse(ERROR_CODE.forbidden, 'the sender may not store this value here')
  }
  if (staged.holds(data)) return ok('held')
  const author = checks.author(staged.definition, resource, data, pool, now.wall)
  return author.ok ? ok(author.value.certificates) : refuse(ERROR_CODE.forbidden, author.error)
}

/**
 * RFC 6940 s.7.4.1.1 wants equality, s.7.4.1.2 has a code only for counters that are too low; one that is too high
 * gets the same.
 */
function counterDiffers({ staged, requestedGeneration }: PlannedKind): boolean {
  return requestedGeneration !== 0n && requestedGeneration !== staged.generation
}

function limitFault(
  { table, limits }: StoreContext,
  { resource }: StoreReq,
  planned: readonly PlannedKind[],
): string | undefined {
  for (const { staged } of planned) {
    const excess = staged.overLimit()
    if (excess !== undefined) return excess
  }
  return quotaExceeded(
    table,
    limits,
    resource,
    planned.map(({ staged }) => staged),
  )
}
