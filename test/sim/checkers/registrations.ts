/** Who holds the registrations of an AOR: read from the journals, so that what is found would also survive a crash. */
import { decodeStoredData, KIND } from '../../../src/reload/index.ts'
import { readRecord, valueKey } from '../../../src/reload/storage/records.ts'
import type { Nodes, SimNode } from '../nodes.ts'

/** Running nodes that have on disk how many entries of this AOR that stand for somebody. */
export function registrationsOnDisk(nodes: Nodes, aor: string): Map<SimNode, number> {
  const prefix = valueKey(nodes.resource(aor), KIND.sipRegistration, '')
  const found = new Map<SimNode, number>()
  for (const node of nodes.running) {
    let entries = 0
    for (const [name, bytes] of nodes.network.disk(node.name).records) {
      if (!name.startsWith(prefix)) continue
      const record = readRecord(name, bytes)
      if (!record.ok || record.value.kind !== 'value') continue
      const data = decodeStoredData(record.value.encoded, record.value.model)
      if (data.ok && data.value.value.value.exists) entries++
    }
    if (entries > 0) found.set(node, entries)
  }
  return found
}

/** Nodes that are due to hold the AOR's registration and do not; empty when all is well. */
export function registrationFaults(nodes: Nodes, aor: string): string[] {
  const there = registrationsOnDisk(nodes, aor)
  return nodes
    .dueHolders(nodes.resource(aor))
    .filter((node) => !there.has(node))
    .map((node) => `${aor} is missing at ${node.name} (${nodes.replay()})`)
}
