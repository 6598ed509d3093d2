/**
 * Loaded into a node under test (`node --import`): tells its parent how long one turn of the event loop has kept the processor, and how
 * large the heap is after a collection. Only time on the processor counts: on a shared machine a turn may take long because others run.
 */
import { readFileSync } from 'node:fs'
import { PerformanceObserver } from 'node:perf_hooks'

const TICK_MS = 5
const TELL_MS = 1_000

/** What the parent is told. */
export type LoopNews =
  | { readonly kind: 'turns'; readonly longestMs: number; readonly collectionMs: number }
  | { readonly kind: 'heap'; readonly bytes: number }

/** Nanoseconds that the main thread has been on a processor (Linux). */
function onProcessorNs(): number {
  return Number(readFileSync('/proc/self/task/' + String(process.pid) + '/schedstat', 'latin1').split(' ')[0])
}

let longestMs = 0
let collectionMs = 0
let inCollection = 0
let last = onProcessorNs()

new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    inCollection += entry.duration
    collectionMs = Math.max(collectionMs, entry.duration)
  }
}).observe({ entryTypes: ['gc'] })

// A timer fires once a turn at most, so between two of its ticks lies one turn, or several short ones.
setInterval(() => {
  const now = onProcessorNs()
  longestMs = Math.max(longestMs, (now - last) / 1e6 - inCollection)
  last = now
  inCollection = 0
}, TICK_MS).unref()

setInterval(() => {
  // A parent that is gone is told nothing; the node ends by itself then (--tied).
  if (process.connected) process.send?.({ kind: 'turns', longestMs, collectionMs } satisfies LoopNews)
  longestMs = 0
  collectionMs = 0
}, TELL_MS).unref()

process.on('message', (message) => {
  if (message !== 'heap') return
  const { gc } = globalThis as { gc?: () => void }
  gc?.()
  gc?.()
  process.send?.({ kind: 'heap', bytes: process.memoryUsage().heapUsed } satisfies LoopNews)
})
// The node ends by its signals; the channel to its parent shall not keep it.
process.channel?.unref()
