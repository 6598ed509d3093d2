/** What a node remembers beyond a message has nothing of the message in it: texts that were cut out of one keep it whole. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { NonceWindow } from '../../../../src/sip/auth/index.ts'
import { parseMessage, type SipMessage } from '../../../../src/sip/message/index.ts'
import { MergedRequests } from '../../../../src/sip/core/merged-requests.ts'
import { HeldAddresses } from '../../../../src/sip/proxy/held-addresses.ts'
import { StandIns } from '../../../../src/sip/proxy/stand-ins.ts'
import type { Target } from '../../../../src/sip/proxy/targets.ts'
import { serverKey } from '../../../../src/sip/transaction/index.ts'
import { DOMAIN, SipWorld, TestAccounts } from '../../../support/sip-phones.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const COUNT = 1_000
const WARM_UP = 100
/** As long as heads may be by default, about. */
const LONG = 'x'.repeat(30_000)
/** A third of a message; entries have a few hundred. */
const BYTES_MAX = 10_000

/** Bytes that stay for each round. */
function kept(work: (index: number) => void): number {
  const used = (): number => {
    for (let i = 0; i < 3; i++) collect()
    return process.memoryUsage().heapUsed
  }
  // What is compiled and set up once is there before the first look.
  for (let i = 0; i < WARM_UP; i++) work(i)
  const before = used()
  for (let i = WARM_UP; i < COUNT; i++) work(i)
  return (used() - before) / (COUNT - WARM_UP)
}

function message(text: string): SipMessage {
  const parsed = parseMessage(Buffer.from(text))
  if (!parsed.ok) throw new Error(parsed.error.reason)
  return parsed.value
}

function headers(i: number): string {
  return [
    'Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1',
    'From: <sip:a@b>;tag=1',
    `To: <sip:b@c>;tag=the-tag-of-somebody-${i}`,
    `Call-ID: a-call-of-some-length-${i}`,
    'CSeq: 2 BYE',
    `X-Padding: ${LONG}`,
    '',
    '',
  ].join('\r\n')
}

/** Bytes that stay of a call that ends with this status, for as long as its transactions absorb what is repeated. */
function keptOfCalls(transport: 'udp' | 'tcp', status: number): { bytes: number; transactions: number } {
  const world = new SipWorld()
  const node = world.node('192.0.2.1', {}, new TestAccounts().add('alice').add('bob'))
  const alice = world.phone('alice', node, { transport })
  const bob = world.phone('bob', node, { transport })
  bob.registerFully()
  const bytes = kept((i) => {
    const branch = `z9hG4bK-a-branch-of-some-length-${i}`
    alice.request('INVITE', `sip:bob@${DOMAIN}`, { branch, extra: [`X-Padding: ${LONG}`] })
    bob.respond(bob.requests('INVITE')[0]!, status)
    expect(alice.last().status).toBe(status)
    for (const { length } of [node.actions, alice.received, bob.received]) expect(length).toBeGreaterThan(0)
    node.actions.length = alice.received.length = bob.received.length = 0
  })
  const { transactions } = node.core.snapshot()
  return { bytes, transactions: transactions.get('ist') ?? 0 }
}

describe('what is remembered for long', () => {
  it('S-10 of calls that have been answered is little', () => {
    const { bytes, transactions } = keptOfCalls('tcp', 200)
    expect(transactions).toBe(COUNT)
    expect(bytes).toBeLessThan(BYTES_MAX)
  })

  it('S-10 of calls that have ended no buffers are: the smallest keeps 8 KiB of Node', () => {
    const world = new SipWorld()
    const node = world.node('192.0.2.1', {}, new TestAccounts().add('alice').add('bob'))
    const alice = world.phone('alice', node)
    const bob = world.phone('bob', node)
    bob.registerFully()
    const call = (status: number): void => {
      const sent = alice.request('INVITE', `sip:bob@${DOMAIN}`)
      bob.respond(bob.requests('INVITE')[0]!, status)
      if (status === 200) {
        const ok = alice.responses('INVITE', 200)[0]!
        alice.inDialog('ACK', sent, ok)
        alice.inDialog('BYE', sent, ok)
        bob.respond(bob.requests('BYE')[0]!, 200)
        expect(alice.statuses('BYE')).toEqual([200])
      } else {
        const { uri, callId, branch, cseq, fromTag } = sent
        alice.request('ACK', uri, { callId, branch, cseq, fromTag, to: alice.last().header('to') ?? '' })
      }
      node.actions.length = alice.received.length = bob.received.length = 0
    }
    const used = (): number => {
      for (let i = 0; i < 3; i++) collect()
      return process.memoryUsage().arrayBuffers
    }
    for (const status of [200, 486]) {
      for (let i = 0; i < WARM_UP; i++) call(status)
      const before = used()
      for (let i = 0; i < COUNT; i++) call(status)
      expect((used() - before) / COUNT).toBeLessThan(1_500)
    }
  })

  it('S-10 of calls whose refusal waits for its ACK is little', () => {
    const { bytes, transactions } = keptOfCalls('udp', 486)
    expect(transactions).toBe(COUNT)
    expect(bytes).toBeLessThan(BYTES_MAX)
  })

  it('S-10 of requests that may come twice is little, and nothing of those with a long branch', () => {
    const merged = new MergedRequests()
    const see = (i: number, via: string, branch: string): boolean => {
      const text = `OPTIONS sip:${DOMAIN} SIP/2.0\r\n${headers(i)}`.replace(
        'branch=z9hG4bK1',
        `branch=${branch}`,
      )
      const request = message(
        text
          .replace('CSeq: 2 BYE', 'CSeq: 2 OPTIONS')
          .replace('192.0.2.7', via)
          .replace(/(To: .*);tag=.*/, '$1'),
      )
      return merged.isMerged(0, request, serverKey(request))
    }
    const branch = (i: number): string => `z9hG4bK-a-branch-of-some-length-${i}`
    expect(kept((i) => void see(i, '192.0.2.7', branch(i)))).toBeLessThan(BYTES_MAX)
    expect(merged.size).toBe(COUNT)
    expect([see(7, '192.0.2.7', branch(7)), see(7, '192.0.2.8', branch(7))]).toEqual([false, true])
    for (let i = 0; i < 10; i++) see(COUNT + i, '192.0.2.7', `z9hG4bK${i}${LONG}`)
    expect(merged.size).toBeLessThanOrEqual(COUNT + 1)
  })

  it('S-10 of subscriptions is little', () => {
    const world = new SipWorld()
    const accounts = new TestAccounts()
    for (let i = 0; i < COUNT; i++) accounts.add(`user-${i}`)
    const node = world.node('192.0.2.1', { lookup: 'localOnly' }, accounts)
    const watcher = world.phone('watcher', node)
    watcher.onMessage = (received) => {
      if (received.method === 'NOTIFY') watcher.respond(received, 200)
    }
    const bytes = kept((i) => {
      const uri = `sip:user-${i}@${DOMAIN}`
      watcher.request('SUBSCRIBE', uri, { extra: ['Event: reg', `X-Padding: ${LONG}`] })
      expect(watcher.statuses('SUBSCRIBE')).toEqual([200])
      watcher.received.length = node.actions.length = 0
    })
    expect(bytes).toBeLessThan(BYTES_MAX)
    // All of them are told when the node leaves.
    node.input({ kind: 'drain' })
    world.settle()
    expect(watcher.requests('NOTIFY')).toHaveLength(COUNT)
  })

  it('S-10 of wrong credentials is little', () => {
    const world = new SipWorld()
    const node = world.node('192.0.2.1', { auth: 'digest' }, new TestAccounts().add('alice'))
    const bytes = kept((i) => {
      const host = `10.1.${i >> 8}.${i & 255}`
      const lines = [
        `REGISTER sip:${DOMAIN} SIP/2.0`,
        `Via: SIP/2.0/UDP ${host};branch=z9hG4bK${i}`,
        `From: <sip:alice@${DOMAIN}>;tag=1`,
        `To: <sip:alice@${DOMAIN}>`,
        `Call-ID: ${i}`,
        'CSeq: 1 REGISTER',
        `Authorization: Digest username="somebody-with-a-long-name-${i}", realm="${DOMAIN}", nonce="n", uri="sip:x", response="${'0'.repeat(32)}"`,
        `X-Padding: ${LONG}`,
        '',
        '',
      ]
      const input = { kind: 'datagram', listener: 0, host, port: 5060 } as const
      node.input({ ...input, bytes: Buffer.from(lines.join('\r\n')) })
      world.settle()
      node.actions.length = 0
    })
    expect(node.core.instruments.authAttempts.get('bad|MD5')).toBe(COUNT)
    expect(bytes).toBeLessThan(BYTES_MAX)
  })

  it('S-10 of nonces that were used is little, and known all the same', () => {
    const window = new NonceWindow()
    const use = (i: number, count: number): boolean => {
      const text = `cnonce-of-some-length-${i} ${LONG}`
      const cnonce = text.slice(0, text.indexOf(' '))
      return window.use(0, `nonce-of-some-length ${cnonce} josé-⚡`, 0, count)
    }
    expect(kept((i) => void use(i, 1))).toBeLessThan(BYTES_MAX)
    expect(window.size).toBe(COUNT)
    expect([use(7, 1), use(7, 2), use(7, 2)]).toEqual([false, true, false])
  })

  it('S-10 of addresses that did not answer is little', () => {
    const held = new HeldAddresses()
    const bytes = kept((i) => {
      const address = `2001:db8::1234:5678:9abc:${i.toString(16)}`
      const { uri } = message(`OPTIONS sip:a@[${address}] SIP/2.0\r\n${headers(i)}`)
      held.failed(0, { transport: 'udp', flow: 0, listener: 0, host: uri?.host ?? '', port: 5060 })
    })
    expect(held.size).toBe(COUNT)
    expect(bytes).toBeLessThan(BYTES_MAX)
  })

  it('S-10 of ways around dead peers is little', () => {
    const ways = new StandIns()
    const bytes = kept((i) => {
      const { callId, to, requestUri } = message(`BYE sip:somebody-${i}@192.0.2.9 SIP/2.0\r\n${headers(i)}`)
      ways.found({ callId, to }, 'aa', { uri: requestUri } as Target)
    })
    expect(ways.size).toBe(COUNT)
    expect(bytes).toBeLessThan(BYTES_MAX)
  })
})
