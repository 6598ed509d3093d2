/**
 * Fingers (RFC 6940 s.10.7.4.2): for range i the routing-table peer nearest to its start. They are drawn from the
 * routing table, so a lost finger is gone with its link; what is kept here is only which range to look at next.
 */
import type { Random } from '../../../common/random.ts'
import type { NodeId, ResourceId } from '../../codec/ids.ts'
import { compareIds, fingerIndexOf, fingerStart, randomFingerTarget } from './ring-math.ts'
import type { RoutingTable } from './neighbors.ts'

/** RFC 6940 s.10.7.4.3: grow to 16 fingers; the table itself could hold 128. */
export const FINGERS_WANTED = 16

/** The peer that serves finger `index`, or undefined when no peer of that range is known. */
export function finger(table: RoutingTable, index: number): NodeId | undefined {
  const start = fingerStart(table.self, index)
  const before = table.countUpTo(start)
  const previous = table.clockwise[before - 1]
  const candidate =
    previous !== undefined && compareIds(previous, start) === 0 ? previous : table.clockwise[before]
  return candidate !== undefined && fingerIndexOf(table.self, candidate) === index ? candidate : undefined
}

/** Distinct fingers in ascending numeric order, as an Update of type full carries them (RFC 6940 s.10.7). */
export function fingerList(table: RoutingTable): NodeId[] {
  const list: NodeId[] = []
  for (let index = 1; index <= FINGERS_WANTED; index++) {
    const peer = finger(table, index)
    if (peer !== undefined) list.push(peer)
  }
  return list.sort(compareIds)
}

/**
 * Ranges that a peer of the overlay may lie in although none is known: those which reach beyond the successors. Every
 * peer nearer than the last successor is known already, so such a range is empty, not unknown.
 */
export function openFingers(table: RoutingTable): number[] {
  const open: number[] = []
  const last = table.successors().at(-1)
  const nearest = last === undefined ? 0 : fingerIndexOf(table.self, last)
  for (let index = 1; index <= Math.min(FINGERS_WANTED, nearest); index++) {
    if (finger(table, index) === undefined) open.push(index)
  }
  return open
}

/**
 * The next range to search: walking up from 1 each open range is taken with probability one half, so that far ranges,
 * which shorten most paths, are refreshed most often. Undefined when none is open or the walk took none.
 */
export function fingerToSearch(
  table: RoutingTable,
  random: Random,
): { index: number; target: ResourceId } | undefined {
  for (const index of openFingers(table)) {
    if (random.int(2) === 0) return { index, target: randomFingerTarget(table.self, index, random) }
  }
  return undefined
}
