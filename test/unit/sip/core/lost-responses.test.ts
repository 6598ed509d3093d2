/** RFC 3261 s.18.2.2, RFC 3263 s.5: a response whose connection is gone. */
import { describe, expect, it } from 'vitest'
import type { SipAction } from '../../../../src/sip/core/contract.ts'
import { DOMAIN, SipWorld, TestAccounts, type Phone, type TestNode } from '../../../support/sip-phones.ts'

const BOB = `sip:bob@${DOMAIN}`

interface Stage {
  readonly world: SipWorld
  readonly node: TestNode
  readonly bob: Phone
  /** Calls bob from a connection that is closed before he answers; `sentBy` is what its Via says. */
  call(sentBy: string): void
}

/** A proxy of another domain at 10.7.7.7 calls bob. */
function stage(): Stage {
  const world = new SipWorld()
  const node = world.node('192.0.2.1', {}, new TestAccounts().add('bob'))
  const bob = world.phone('bob', node)
  bob.register()
  let calls = 0
  return {
    world,
    node,
    bob,
    call: (sentBy) => {
      const flow = 1_000 + 2 * ++calls
      node.input({ kind: 'flowAccepted', flow, listener: 1, host: '10.7.7.7', port: 40_000 + calls })
      const text = [
        `INVITE ${BOB} SIP/2.0`,
        `Via: SIP/2.0/TCP ${sentBy};branch=z9hG4bKlost${calls}`,
        'Max-Forwards: 70',
        'From: <sip:friend@example.net>;tag=1',
        `To: <${BOB}>`,
        `Call-ID: lost-${calls}`,
        'CSeq: 1 INVITE',
        'Content-Length: 0',
      ]
      node.input({ kind: 'flowData', flow, bytes: Buffer.from(`${text.join('\r\n')}\r\n\r\n`, 'latin1') })
      world.settle()
      node.input({ kind: 'flowClosed', flow })
    },
  }
}

function taken<K extends SipAction['kind']>(node: TestNode, kind: K): Extract<SipAction, { kind: K }>[] {
  return node.actions.filter((action): action is Extract<SipAction, { kind: K }> => action.kind === kind)
}

describe('a response whose connection is gone', () => {
  it('S3261-18.2-02 goes to the source of the request at the port of sent-by', () => {
    const s = stage()
    const proxy = s.world.phone('proxy', s.node, { transport: 'tcp', port: 5080, host: '10.7.7.7' })
    s.call('p.example.net:5080')
    s.bob.respond(s.bob.requests('INVITE')[0]!, 200)
    s.world.settle()
    expect(
      taken(s.node, 'openFlow').map(({ transport, host, port }) => `${transport} ${host} ${port}`),
    ).toEqual(['tcp 10.7.7.7 5080'])
    expect(proxy.statuses('INVITE')).toEqual([200])
    expect(taken(s.node, 'resolve')).toEqual([])
  })

  it('S3263-5-01 then to where the name in sent-by leads: addresses with its port, SRV without', () => {
    const s = stage()
    const other = s.world.phone('proxy', s.node, { transport: 'tcp', port: 5080 })
    s.node.resolveAnswer = () => ({
      ok: true,
      addresses: [
        { host: '10.9.9.9', port: 5080, transport: 'tcp' },
        { host: other.host, port: 5080, transport: 'tcp' },
      ],
    })
    s.call('p.example.net:5080')
    s.bob.respond(s.bob.requests('INVITE')[0]!, 486)
    s.world.settle()
    expect(taken(s.node, 'resolve')).toMatchObject([
      { host: 'p.example.net', port: 5080, transport: 'tcp', secure: false },
    ])
    expect(taken(s.node, 'openFlow').map(({ host }) => host)).toEqual(['10.7.7.7', '10.9.9.9', other.host])
    expect(other.statuses('INVITE')).toContain(486)
    s.call('example.net')
    s.bob.respond(s.bob.requests('INVITE')[1]!, 486)
    expect(taken(s.node, 'resolve').at(-1)).toMatchObject({ host: 'example.net', port: undefined })
  })

  it('S3263-5-01 to an address in sent-by only where the request came from there', () => {
    const s = stage()
    s.call('192.168.0.5:5080')
    s.bob.respond(s.bob.requests('INVITE')[0]!, 486)
    s.world.settle()
    expect(taken(s.node, 'openFlow').map(({ host, port }) => `${host}:${port}`)).toEqual(['10.7.7.7:5080'])
    expect(taken(s.node, 'resolve')).toEqual([])
  })

  it('S-24 a name in sent-by that leads to this machine, or to nobody in particular, leads nowhere', () => {
    const s = stage()
    const hosts = [
      '127.0.0.1',
      '127.9.9.9',
      '::1',
      '::ffff:127.0.0.1',
      '0.0.0.0',
      '::',
      '169.254.1.1',
      'fe80::1',
      '224.0.0.5',
      'ff02::1',
    ]
    s.node.resolveAnswer = () => ({
      ok: true,
      addresses: [...hosts, '10.9.9.9'].map((host) => ({ host, port: 6379, transport: 'tcp' as const })),
    })
    s.call('evil.example.net:6379')
    s.bob.respond(s.bob.requests('INVITE')[0]!, 486)
    s.world.advance(40_000)
    expect(taken(s.node, 'openFlow').map(({ host }) => host)).toEqual(['10.7.7.7', '10.9.9.9'])
  })

  it('S3263-5-01 is dropped when no way is left', () => {
    const s = stage()
    s.node.resolveAnswer = () => ({ ok: false, status: 504, reason: 'DNS Failure' })
    for (let i = 0; i < 3; i++) s.call(`p${i}.example.net`)
    for (const invite of s.bob.requests('INVITE')) s.bob.respond(invite, 486)
    s.world.advance(40_000)
    expect([...s.node.core.snapshot().transactions.values()].reduce((sum, count) => sum + count, 0)).toBe(0)
  })
})
