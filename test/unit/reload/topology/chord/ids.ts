import { asNodeId, type NodeId } from '../../../../../src/reload/index.ts'

/** A Node-ID whose first byte places it on the ring: 0x00 at noon, 0x80 half way round. */
export function at(position: number, last = 0): NodeId {
  const id = new Uint8Array(16)
  id[0] = position
  id[15] = last
  return asNodeId(id)
}

export function positions(ids: readonly Uint8Array[]): number[] {
  return ids.map((id) => id[0] as number)
}
