/** Whether the peers' tables are those of one perfect ring. */
import { key } from '../../reload/index.ts'
import type { Overlay, SimPeer } from '../overlay.ts'

/** Differences between what peers believe and what is, up to so many; empty for a ring in order. */
export function ringFaults(overlay: Overlay, most = Number.POSITIVE_INFINITY): string[] {
  const sorted = overlay.ring().peers
  const faults: string[] = []
  let share = 0
  for (const [index, peer] of sorted.entries()) {
    if (faults.length >= most) return faults
    const snapshot = peer.snapshot()
    share += snapshot.responsibleShare
    if (snapshot.state !== 'joined') faults.push(`${peer.name} is ${snapshot.state}`)
    const others = Math.min(sorted.length - 1, 3)
    for (let distance = 1; distance <= others; distance++) {
      const ahead = sorted[(index + distance) % sorted.length] as SimPeer
      const behind = sorted[(index - distance + sorted.length) % sorted.length] as SimPeer
      if (hex(snapshot.successors[distance - 1]) !== key(ahead.nodeId)) {
        faults.push(`${peer.name}: successor ${distance} is not ${ahead.name}`)
      }
      if (hex(snapshot.predecessors[distance - 1]) !== key(behind.nodeId)) {
        faults.push(`${peer.name}: predecessor ${distance} is not ${behind.name}`)
      }
    }
  }
  if (sorted.length > 0 && Math.abs(share - 1) > 1e-9) faults.push(`the ranges cover ${share} of the ring`)
  return faults
}

function hex(id: Uint8Array | undefined): string {
  return id === undefined ? '' : key(id)
}
