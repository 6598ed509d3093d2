/**
 * How many connections a server takes: in all, and of these from one source, so that one that opens many and says nothing
 * leaves room for the others. Knows sockets by what it needs of them; opens none.
 */
import { sourceOf } from './rate-limit.ts'

interface Caller {
  readonly remoteAddress?: string | undefined
  once(event: 'close', listener: () => void): unknown
  destroy(): unknown
}

interface Door {
  maxConnections: number
  prependListener(event: 'connection', listener: (caller: Caller) => void): unknown
}

export interface ConnectionLimits {
  readonly all: number
  readonly perSource: number
  /** Addresses that only the first limit counts for. */
  readonly trusted?: (address: string) => boolean
}

export function limitConnections(door: Door, { all, perSource, trusted }: ConnectionLimits): void {
  const held = new Map<string, number>()
  door.maxConnections = all
  door.prependListener('connection', (caller) => {
    const address = caller.remoteAddress
    // Gone already.
    if (address === undefined) return void caller.destroy()
    if (trusted?.(address) === true) return
    const source = sourceOf(address)
    const count = held.get(source) ?? 0
    if (count >= perSource) return void caller.destroy()
    held.set(source, count + 1)
    caller.once('close', () => {
      const left = (held.get(source) ?? 1) - 1
      if (left > 0) held.set(source, left)
      else held.delete(source)
    })
  })
}
