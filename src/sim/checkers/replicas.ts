/** Whether every stored resource is where it belongs: at its owner and the two peers after it. */
import { key, type ResourceId } from '../../reload/index.ts'
import type { Overlay } from '../overlay.ts'

/** Names of the peers that hold a value at `resource`. */
export function holders(overlay: Overlay, resource: ResourceId): string[] {
  return overlay.running.filter((peer) => peer.core.holds(resource)).map((peer) => peer.name)
}

/** The owner and its two successors by the arithmetic of the ring; fewer in a smaller ring. */
export function dueHolders(overlay: Overlay, resource: ResourceId): string[] {
  return overlay
    .ring()
    .dueHolders(resource)
    .map(({ name }) => name)
}

/** Resources that are missing somewhere; empty when all is well. */
export function replicaFaults(overlay: Overlay, resources: readonly ResourceId[]): string[] {
  const ring = overlay.ring()
  const faults: string[] = []
  for (const resource of resources) {
    const missing = ring.dueHolders(resource).filter((peer) => !peer.core.holds(resource))
    if (missing.length === 0) continue
    faults.push(`${key(resource)} is missing at ${missing.map(({ name }) => name).join(', ')}`)
  }
  return faults
}

/** Owners that have not heard of all their copies, and will send them again; empty when all is well. */
export function deficits(overlay: Overlay): string[] {
  return overlay.running
    .map((peer) => ({ name: peer.name, missing: peer.snapshot().replicaDeficit }))
    .filter(({ missing }) => missing > 0)
    .map(({ name, missing }) => `${name} has ${missing} resources without all their copies`)
}
