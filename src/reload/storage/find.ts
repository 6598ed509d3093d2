import { ok, type Result } from '../../common/errors.ts'
import type { Now } from '../../common/time.ts'
import {
  asResourceId,
  ERROR_CODE,
  key,
  type ErrorResponse,
  type FindAns,
  type FindReq,
  type KindId,
  type ResourceId,
} from '../codec/index.ts'
import { refuse } from './refusals.ts'
import type { Responsibility } from './responsibility.ts'
import type { Table } from './table.ts'

/**
 * Answers a FindReq (RFC 6940 s.7.4.4). "Closest" is the next one clockwise, the resource itself included: only so the
 * walk of s.7.4.4, R(n+1) = nearest(1 + R(n)), moves on. No Kind we know is barred from Find.
 */
export function findResources(
  responsibility: Responsibility,
  table: Table,
  now: Now,
  req: FindReq,
): Result<FindAns, ErrorResponse> {
  if (new Set(req.kinds).size !== req.kinds.length)
    return refuse(ERROR_CODE.invalidMessage, 'a Kind appears twice')
  if (!responsibility.responsibleFor(req.resource)) {
    return refuse(ERROR_CODE.notFound, 'this peer is not responsible for the resource')
  }
  const none = asResourceId(new Uint8Array(req.resource.length))
  const closest = closestResources(table, now, req)
  return ok({ results: req.kinds.map((kind) => ({ kind, closest: closest.get(kind) ?? none })) })
}

interface Candidate {
  readonly resource: ResourceId
  readonly id: string
  /** It lies before the resource asked for: reached only after going once around the ring. */
  readonly wrapped: boolean
}

/** One pass over the table, whatever the number of Kinds. */
function closestResources(table: Table, now: Now, req: FindReq): ReadonlyMap<KindId, ResourceId> {
  const from = key(req.resource)
  const best = new Map<KindId, Candidate>()
  for (const { resource, kinds } of table.all()) {
    const id = key(resource)
    if (id.length !== from.length) continue
    const candidate: Candidate = { resource, id, wrapped: id < from }
    for (const kind of req.kinds) {
      const entry = kinds.get(kind)
      if (entry === undefined || !nearer(candidate, best.get(kind))) continue
      if (entry.holdsAny(now)) best.set(kind, candidate)
    }
  }
  return new Map([...best].map(([kind, { resource }]) => [kind, resource]))
}

function nearer(candidate: Candidate, best: Candidate | undefined): boolean {
  if (best === undefined) return true
  if (candidate.wrapped !== best.wrapped) return best.wrapped
  return candidate.id < best.id
}
