import { describe, expect, it } from 'vitest'
import {
  STREAM_LIMITS,
  StreamFlows,
  type StreamChannel,
  type StreamFlow,
} from '../../../../src/sip/io/stream-flows.ts'

const MIB = 1024 * 1024
const EACH = 0.9 * MIB

/** A connection whose far end reads when the test says so. */
class Slow implements StreamChannel {
  held = 0
  cut = false
  readonly flow: StreamFlow

  constructor(flows: StreamFlows, host: string) {
    this.flow = flows.accepted({ transport: 'tcp', listener: 0, host, port: 5060 }, this)
  }

  write(bytes: Uint8Array): boolean {
    this.held += bytes.length
    return true
  }

  waiting(): number {
    return this.held
  }

  finish(): void {
    this.abort()
  }

  abort(): void {
    this.cut = true
    this.held = 0
    this.flow.gone()
  }
}

function several(flows: StreamFlows, count: number, host: string): Slow[] {
  return Array.from({ length: count }, () => new Slow(flows, host))
}

describe('what waits for far ends that do not read', () => {
  it('S-46 takes a bounded part of the memory, on however many connections; the address for which most waits pays for it', () => {
    const flows = new StreamFlows(() => undefined, { ...STREAM_LIMITS, flowsMax: 2_000 })
    const [alice] = several(flows, 1, '192.0.2.1') as [Slow]
    flows.send(alice.flow.id, new Uint8Array(EACH))
    const strangers = several(flows, 300, '198.51.100.7')
    let most = 0
    for (const { flow } of strangers) {
      flows.send(flow.id, new Uint8Array(EACH))
      most = Math.max(
        most,
        strangers.reduce((sum, { held }) => sum + held, 0),
      )
    }
    expect(most).toBeLessThanOrEqual(65 * MIB)
    expect(strangers.some(({ cut }) => cut)).toBe(true)
    expect(flows.closed.get('tcp|stuck')).toBe(strangers.filter(({ cut }) => cut).length)
    expect(alice.cut).toBe(false)
  })

  it('S-46 who has read meanwhile is not cut off', () => {
    const flows = new StreamFlows(() => undefined, { ...STREAM_LIMITS, flowsMax: 2_000 })
    const phones = several(flows, 300, '192.0.2.1')
    for (const phone of phones) {
      flows.send(phone.flow.id, new Uint8Array(EACH))
      phone.held = 0
    }
    expect(phones.some(({ cut }) => cut)).toBe(false)
  })
})
