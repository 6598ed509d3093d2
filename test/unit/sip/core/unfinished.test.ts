import { describe, expect, it } from 'vitest'
import type { Unfinished, UnfinishedMessages } from '../../../../src/sip/transport/index.ts'
import { DOMAIN, SipWorld, TestAccounts, type Phone, type TestNode } from '../../../support/sip-phones.ts'

const STRANGERS = 300
const BODY = 130_000
const MOST = 64 * 1024 * 1024

function unfinishedOf(node: TestNode): UnfinishedMessages<Unfinished> {
  const { parts } = node.core as unknown as {
    parts: { flows: { unfinished: UnfinishedMessages<Unfinished> } }
  }
  return parts.flows.unfinished
}

/** The head of a request with a body of twice what comes of it. */
function half(phone: Phone): string {
  const head = [
    `MESSAGE sip:alice@${DOMAIN} SIP/2.0`,
    `Via: ${phone.via(`z9hG4bK${phone.unique('b')}`)}`,
    'Max-Forwards: 70',
    `From: <sip:${phone.aor}>;tag=1`,
    `To: <sip:alice@${DOMAIN}>`,
    `Call-ID: ${phone.unique('call')}`,
    'CSeq: 1 MESSAGE',
    `Content-Length: ${2 * BODY}`,
  ]
  return `${head.join('\r\n')}\r\n\r\n${'x'.repeat(BODY)}`
}

describe('messages on streams that are not complete', () => {
  it('S-02 hold a bounded part of the memory, whoever sends how many; a phone that sends in two pieces is not concerned', () => {
    const world = new SipWorld()
    const node = world.node('192.0.2.1', {}, new TestAccounts().add('alice'))
    const unfinished = unfinishedOf(node)
    const alice = world.phone('alice', node, { transport: 'tcp' })
    // Her REGISTER in two pieces, between which everybody else comes.
    const pieces: string[] = []
    const send = alice.sendRaw.bind(alice)
    alice.sendRaw = (text): void => void pieces.push(String(text))
    alice.register()
    alice.sendRaw = send
    const [whole = ''] = pieces
    alice.sendRaw(whole.slice(0, 200))
    expect(unfinished.bytes).toBeGreaterThanOrEqual(200)

    const strangers = Array.from({ length: STRANGERS }, (_, index) =>
      world.phone('eve', node, { transport: 'tcp', host: `198.51.100.${index % 250}`, fromDomain: 'e.org' }),
    )
    let most = 0
    for (const stranger of strangers) {
      stranger.sendRaw(half(stranger))
      most = Math.max(most, unfinished.bytes)
    }
    expect(most).toBeLessThanOrEqual(MOST)
    const refused = strangers.filter(({ received }) => received.length > 0)
    expect(refused.length).toBeGreaterThan(STRANGERS / 10)
    expect(refused.length).toBeLessThan(STRANGERS)
    for (const stranger of refused) {
      expect(stranger.last().status).toBe(503)
      expect(stranger.closedFlows).toHaveLength(1)
    }
    alice.sendRaw(whole.slice(200))
    expect(alice.last().status).toBe(200)

    // The others run out of time; some go themselves.
    const left = strangers.filter(({ flow }) => flow !== 0)
    for (const stranger of left.slice(0, 10)) stranger.disconnect()
    world.advance(33_000)
    expect(unfinished.bytes).toBe(0)
    expect(left.slice(10).every((stranger) => stranger.last().status === 408)).toBe(true)
  })
})
