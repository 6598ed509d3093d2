/**
 * The process that `npm run bench:bindings` measures: a whole node machine with traces behind a real UDP socket, in real time, without
 * disk and with stand-in signatures. Says over IPC what its memory is and how long its event loop stood still.
 */
import { monitorEventLoopDelay, PerformanceObserver, type IntervalHistogram } from 'node:perf_hooks'
import type { NodeAction, NodeInput } from '../../../src/adapter/index.ts'
import { Loop } from '../../../src/reload/io/loop.ts'
import { UdpShell } from '../../../src/sip/io/udp.ts'
import { CallRecorder } from '../../../src/trace/recorder.ts'
import { coreWithUsers } from '../core-with-users.ts'

/** What the process may be asked. */
export type Question = 'memory' | 'watch' | 'pauses'

export interface Memory {
  /** Live bytes after two full collections. */
  readonly heap: number
  readonly arrayBuffers: number
  readonly rss: number
  /** Bindings that the registrar holds. */
  readonly bindings: number
}

export interface Pauses {
  /** Longest time that the event loop did not turn, its median, and what 99.9 % of the turns stay below; milliseconds. */
  readonly longestMs: number
  readonly p999Ms: number
  /** Garbage collections: how many, the longest one, and all together; milliseconds on the clock. */
  readonly collections: number
  readonly longestCollectionMs: number
  readonly collectionsMs: number
  readonly cpuMs: number
}

const [usersText = '', portText = ''] = process.argv.slice(2)
const recorder = new CallRecorder(1n)
const { core, aors } = coreWithUsers({ users: Number(usersText), calls: recorder })
const udp = new UdpShell((input) => loop.feed({ kind: 'sip', input }))
const loop = new Loop<NodeInput, NodeAction>(core, { kind: 'timeout' }, (action) => {
  if (action.kind === 'sip' && action.action.kind === 'sendDatagram') {
    const { listener, host, port, bytes } = action.action
    udp.send(listener, host, port, bytes)
  } else if (action.kind === 'peer' && action.action.kind === 'persist') {
    loop.feed({ kind: 'peer', input: { kind: 'persisted', token: action.action.token } })
  }
})
loop.feed({ kind: 'peer', input: { kind: 'start' } })
loop.feed({ kind: 'hostedUsers', aors })
await udp.open({ id: 0, host: '127.0.0.1', port: Number(portText) })

let delay: IntervalHistogram | undefined
let cpuAtStart: NodeJS.CpuUsage | undefined
const collections: number[] = []
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) collections.push(duration)
}).observe({ entryTypes: ['gc'] })

function memory(): Memory {
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage()
  let bindings = 0
  for (const held of core.sip?.snapshot().bindings.values() ?? []) bindings += held
  return { heap: heapUsed, arrayBuffers, rss, bindings }
}

function watch(): null {
  collections.length = 0
  cpuAtStart = process.cpuUsage()
  delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  return null
}

function pauses(): Pauses {
  delay?.disable()
  const { user, system } = process.cpuUsage(cpuAtStart)
  return {
    longestMs: (delay?.max ?? NaN) / 1e6,
    p999Ms: (delay?.percentile(99.9) ?? NaN) / 1e6,
    collections: collections.length,
    longestCollectionMs: Math.max(0, ...collections),
    collectionsMs: collections.reduce((sum, each) => sum + each, 0),
    cpuMs: (user + system) / 1000,
  }
}

const ANSWERS: Readonly<Record<Question, () => unknown>> = { memory, watch, pauses }
process.on('message', (question: Question) => process.send?.(ANSWERS[question]()))
process.on('disconnect', () => process.exit())
process.send?.('ready')
