/** RFC 3261 s.18.2.2: a connection whose far end has closed its half waits for answers yet. */
import { describe, expect, it } from 'vitest'
import type { SipAction } from '../../../../src/sip/core/contract.ts'
import { DOMAIN, SipWorld, TestAccounts, type Phone, type TestNode } from '../../../support/sip-phones.ts'

const BOB = `sip:bob@${DOMAIN}`
const FLOW = 1_000

/** Bytes of answers that are kept. */
function kept(node: TestNode): number {
  const { parts } = node.core as unknown as { parts: { flows: { halfOpen: { keptBytes: number } } } }
  return parts.flows.halfOpen.keptBytes
}

interface Stage {
  readonly world: SipWorld
  readonly node: TestNode
  readonly bob: Phone
  /** Sends a request to bob on the connection. */
  ask(method: string): void
  /** The far end closes its half. */
  end(): void
  /** What was done with the connection: status lines, line ends, and that it was closed. */
  done(): string[]
}

function stage(): Stage {
  const world = new SipWorld()
  const node = world.node('192.0.2.1', {}, new TestAccounts().add('bob').add('alice'))
  const bob = world.phone('bob', node)
  bob.register()
  node.input({ kind: 'flowAccepted', flow: FLOW, listener: 1, host: '10.7.7.7', port: 40_000 })
  let asked = 0
  return {
    world,
    node,
    bob,
    ask: (method) => {
      const n = ++asked
      const text = [
        `${method} ${BOB} SIP/2.0`,
        `Via: SIP/2.0/TCP 10.7.7.7:5080;branch=z9hG4bKhalf${n}`,
        'Max-Forwards: 70',
        'From: <sip:friend@example.net>;tag=1',
        `To: <${BOB}>`,
        `Call-ID: half-${n}`,
        `CSeq: 1 ${method}`,
        'Content-Length: 0',
      ]
      node.input({
        kind: 'flowData',
        flow: FLOW,
        bytes: Buffer.from(`${text.join('\r\n')}\r\n\r\n`, 'latin1'),
      })
      world.settle()
    },
    end: () => {
      node.input({ kind: 'flowEnded', flow: FLOW })
      world.settle()
    },
    done: () =>
      node.actions.flatMap((action) => {
        if (action.kind === 'closeFlow' && action.flow === FLOW) return ['closed']
        if (action.kind !== 'sendFlow' || action.flow !== FLOW) return []
        return [Buffer.from(action.bytes).toString('latin1').split('\r\n')[0] ?? '']
      }),
  }
}

function dialled(node: TestNode): string[] {
  return node.actions
    .filter((action): action is Extract<SipAction, { kind: 'openFlow' }> => action.kind === 'openFlow')
    .map(({ host, port }) => `${host}:${port}`)
}

describe('a connection whose far end has closed its half', () => {
  it('S3261-18.2-02 is closed at once where nothing is owed', () => {
    const s = stage()
    s.ask('MESSAGE')
    s.bob.respond(s.bob.requests('MESSAGE')[0]!, 202)
    s.world.settle()
    s.end()
    expect(s.done()).toEqual(['SIP/2.0 202 Because', 'closed'])
  })

  it('S3261-18.2-02 brings the answers that come later, each by itself, and is closed after the last', () => {
    const s = stage()
    s.ask('MESSAGE')
    s.ask('OPTIONS')
    s.end()
    expect(s.done()).toEqual([])
    s.bob.respond(s.bob.requests('MESSAGE')[0]!, 202)
    s.world.advance(2_500)
    expect(s.done()).toEqual(['SIP/2.0 202 Because'])
    s.bob.respond(s.bob.requests('OPTIONS')[0]!, 200)
    s.world.advance(2_500)
    expect(s.done()).toEqual(['SIP/2.0 202 Because', 'SIP/2.0 200 Because', '', 'closed'])
    expect(dialled(s.node)).toEqual([])
  })

  it('S3261-18.2-02 brings provisional answers, and is closed after 64*T1 whatever is owed; then other ways are tried', () => {
    const s = stage()
    s.ask('INVITE')
    s.end()
    s.bob.respond(s.bob.requests('INVITE')[0]!, 180)
    s.world.advance(31_900)
    expect(s.done().at(-1)).toBe('SIP/2.0 180 Because')
    s.world.advance(200)
    expect(s.done().at(-1)).toBe('closed')
    s.bob.respond(s.bob.requests('INVITE')[0]!, 200)
    s.world.settle()
    expect(dialled(s.node)).toEqual(['10.7.7.7:5080'])
  })

  it('S3261-18.2-02 an answer over which it breaks goes to the port of sent-by: the far end was gone altogether', () => {
    const s = stage()
    const proxy = s.world.phone('proxy', s.node, { transport: 'tcp', port: 5080, host: '10.7.7.7' })
    s.ask('INVITE')
    s.end()
    s.bob.respond(s.bob.requests('INVITE')[0]!, 486)
    s.world.advance(1_500)
    // The line end has left, and has shown it.
    expect(s.done().slice(-2)).toEqual(['SIP/2.0 486 Because', ''])
    s.node.input({ kind: 'flowClosed', flow: FLOW })
    s.world.settle()
    expect(dialled(s.node)).toEqual(['10.7.7.7:5080'])
    expect(proxy.statuses('INVITE')).toEqual([486])
    s.world.advance(40_000)
    expect(s.done()).not.toContain('closed')
  })

  it('S3261-18.2-02 gets no requests: its phone is reached at the address it registered', () => {
    const s = stage()
    const alice = s.world.phone('alice', s.node, { transport: 'tcp', host: '198.51.100.7', port: 5070 })
    alice.register()
    expect(alice.last().status).toBe(200)
    const { flow } = alice
    s.node.input({ kind: 'flowEnded', flow })
    const before = s.node.actions.length
    s.bob.request('MESSAGE', `sip:alice@${DOMAIN}`)
    s.world.settle()
    const after = s.node.actions.slice(before)
    expect(after.some((action) => action.kind === 'sendFlow' && action.flow === flow)).toBe(false)
    expect(dialled(s.node)).toEqual(['198.51.100.7:5070'])
  })

  it('S-TR-02 keeps no more of the answers than fits, and sends them all', () => {
    const s = stage()
    for (let i = 0; i < 9; i++) s.ask('MESSAGE')
    s.end()
    for (const request of s.bob.requests('MESSAGE').slice(0, 8))
      s.bob.respond(request, 200, { extra: [`X-Long: ${'x'.repeat(9_000)}`] })
    expect(s.done().filter((line) => line.startsWith('SIP/2.0 200'))).toHaveLength(8)
    expect(kept(s.node)).toBeGreaterThan(9_000)
    expect(kept(s.node)).toBeLessThanOrEqual(16 * 1024)
    s.world.advance(33_000)
    expect(kept(s.node)).toBe(0)
  })
})
