/** Whether every stored resource is where it belongs: at its owner and the two peers after it. */
import { key, type ResourceId } from '../../reload/index.ts'
import type { Overlay, SimPeer } from '../overlay.ts'

/** Names of the peers that hold a value at `resource`. */
export function holders(overlay: Overlay, resource: ResourceId): string[] {
  return overlay.running.filter((peer) => peer.core.holds(resource)).map((peer) => peer.name)
}

/** The owner and its two successors by the arithmetic of the ring; fewer in a smaller ring. */
export function dueHolders(overlay: Overlay, resource: ResourceId): string[] {
  const sorted = [...overlay.running].sort((a, b) => (key(a.nodeId) < key(b.nodeId) ? -1 : 1))
  const at = sorted.indexOf(overlay.owner(resource))
  const due: string[] = []
  for (let i = 0; i < Math.min(3, sorted.length); i++)
    due.push((sorted[(at + i) % sorted.length] as SimPeer).name)
  return due
}

/** Resources that are missing somewhere; empty when all is well. */
export function replicaFaults(overlay: Overlay, resources: readonly ResourceId[]): string[] {
  const faults: string[] = []
  for (const resource of resources) {
    const there = new Set(holders(overlay, resource))
    const missing = dueHolders(overlay, resource).filter((name) => !there.has(name))
    if (missing.length > 0) faults.push(`${key(resource)} is missing at ${missing.join(', ')}`)
  }
  return faults
}
