/** The account of copies: for every resource held here, which node is known to have which state of it. */
import type { Deadline } from '../../common/deadlines.ts'
import { SmallMap } from '../../common/small-map.ts'
import { NEVER, type Millis } from '../../common/time.ts'
import { key, sameId, type NodeId, type ResourceId } from '../codec/index.ts'

/** What is known of the copies of one resource. */
export interface Copies {
  readonly resource: ResourceId
  /** Counts the changes that happened here. */
  version: number
  /** This peer was responsible, so that whoever is responsible now may lack it. */
  owned: boolean
  /** Which version a node is known to have. */
  readonly holders: SmallMap<string, number>
  /** Rounds of copies that ended with a failure, since the last that did not. */
  failures: number
  /** When it is looked at next: one at a time, however many of its copies fail. */
  look: Deadline<Copies> | undefined
  /** Since when its owner is somebody who is not known to have it. */
  unassuredSince: Millis
  /** Since when three peers lie between it and us. */
  beyondSince: Millis
}

export class CopiesAccount {
  private readonly table = new Map<string, Copies>()
  /** Looked for last: one Store looks for the same one several times. */
  private last: Copies | undefined

  all(): IterableIterator<Copies> {
    return this.table.values()
  }

  /** Undefined when no account is kept of that resource. */
  find(resource: ResourceId): Copies | undefined {
    if (this.last !== undefined && sameId(this.last.resource, resource)) return this.last
    const copies = this.table.get(key(resource))
    if (copies !== undefined) this.last = copies
    return copies
  }

  /** What is known of that resource; from now on it is kept account of. */
  of(resource: ResourceId): Copies {
    const known = this.find(resource)
    if (known !== undefined) return known
    const copies: Copies = {
      // A copy of the id: it may be a view on a message that need not stay in memory.
      resource: resource.slice() as ResourceId,
      version: 0,
      owned: false,
      holders: new SmallMap(),
      failures: 0,
      look: undefined,
      unassuredSince: NEVER,
      beyondSince: NEVER,
    }
    this.table.set(key(resource), copies)
    this.last = copies
    return copies
  }

  /** Its state here is a new one, which nobody else has. */
  changed(resource: ResourceId): Copies {
    const copies = this.of(resource)
    copies.version++
    return copies
  }

  /** Nothing is held at that resource any more. */
  remove(resource: ResourceId): Copies | undefined {
    const copies = this.find(resource)
    if (copies === undefined) return undefined
    this.table.delete(key(resource))
    this.last = undefined
    return copies
  }

  /** A node is gone: if it comes back it may have nothing. */
  forget(nodeId: NodeId): void {
    const name = key(nodeId)
    for (const copies of this.table.values()) copies.holders.delete(name)
  }

  /** How many resources, of those that `owned` says are ours, one of `replicas` is not known to have as they are. */
  missing(replicas: readonly NodeId[], owned: (resource: ResourceId) => boolean): number {
    const names = replicas.map(key)
    let missing = 0
    for (const { resource, holders, version } of this.table.values()) {
      if (owned(resource) && names.some((name) => (holders.get(name) ?? -1) < version)) missing++
    }
    return missing
  }
}

/** Whether that node is known to have the present state. */
export function heldBy(copies: Copies, nodeId: NodeId): boolean {
  return (copies.holders.get(key(nodeId)) ?? -1) >= copies.version
}

/**
 * Only these are relied on from now on. Whoever is neither owner nor replica drops its copy after a while without a word,
 * and may be a replica again later.
 */
export function relyOn(copies: Copies, nodes: readonly NodeId[]): void {
  if (copies.holders.size === 0) return
  const names = nodes.map(key)
  for (const name of [...copies.holders.keys()]) if (!names.includes(name)) copies.holders.delete(name)
}
