/** Where a call goes: to nodes of the overlay, to other domains, or nowhere (RFC 7904 s.4 and s.5). */
import { describe, expect, it } from 'vitest'
import type { LocatedTarget, SipAction } from '../../../../src/sip/core/contract.ts'
import {
  DOMAIN,
  SipWorld,
  TestAccounts,
  type Phone,
  type SettingsOverride,
  type TestNode,
} from '../../../support/sip-phones.ts'

const BOB = `sip:bob@${DOMAIN}`

interface Stage {
  readonly world: SipWorld
  readonly node: TestNode
  readonly alice: Phone
}

function stage(override: SettingsOverride = {}): Stage {
  const world = new SipWorld()
  const node = world.node('192.0.2.1', override, new TestAccounts().add('alice').add('bob'))
  const alice = world.phone('alice', node)
  expect(alice.registerFully().status).toBe(200)
  return { world, node, alice }
}

function peer(node: { readonly hex: string }, secureOnly = false): LocatedTarget {
  return { kind: 'peer', address: `node:${node.hex}`, aor: undefined, secureOnly }
}

function finds(node: TestNode, targets: readonly LocatedTarget[]): void {
  node.locateAnswer = () => ({ kind: 'found', targets, userExists: true, loop: false })
}

function taken<K extends SipAction['kind']>(node: TestNode, kind: K): Extract<SipAction, { kind: K }>[] {
  return node.actions.filter((action): action is Extract<SipAction, { kind: K }> => action.kind === kind)
}

describe('users of one other node', () => {
  it('S3261-16.5-03 M-20 are targets each by himself', () => {
    const world = new SipWorld()
    const users = (): TestAccounts => new TestAccounts().add('alice').add('bob').add('carol').add('dave')
    const here = world.node('192.0.2.1', {}, users())
    const there = world.node('192.0.2.2', {}, users())
    const alice = world.phone('alice', here)
    const bob = world.phone('bob', here)
    const carol = world.phone('carol', there)
    const dave = world.phone('dave', there)
    for (const phone of [alice, bob, carol, dave]) phone.registerFully()
    alice.request('INVITE', BOB)
    bob.respond(bob.requests('INVITE')[0]!, 302, {
      contact: `<sip:carol@${DOMAIN}>, <sip:dave@${DOMAIN}>`,
    })
    expect(carol.requests('INVITE')).toHaveLength(1)
    expect(dave.requests('INVITE')).toHaveLength(1)
    // Bob himself there, and Carol, to whom his phone here forwards.
    const bobThere = world.phone('bob', there)
    bobThere.registerFully()
    bob.registerFully({ contact: `<sip:carol@${DOMAIN}>` })
    alice.request('INVITE', BOB)
    expect(bobThere.requests('INVITE')).toHaveLength(1)
    expect(carol.requests('INVITE')).toHaveLength(2)
  })

  it('S3261-16.5-03 S5627-6.1-01 are targets each by himself also when their GRUUs are the Contacts', () => {
    const world = new SipWorld()
    const users = (): TestAccounts => new TestAccounts().add('alice').add('bob').add('carol').add('dave')
    const here = world.node('192.0.2.1', {}, users())
    const there = world.node('192.0.2.2', {}, users())
    const alice = world.phone('alice', here)
    const bob = world.phone('bob', here)
    const phones = [world.phone('carol', there), world.phone('dave', there)]
    const gruus = phones.map((phone, index) => {
      const instance = `;+sip.instance="<urn:uuid:0000000${index}-0000-1000-8000-000A95A0E128>"`
      phone.registerFully({ contact: `${phone.contact}${instance}`, extra: ['Supported: gruu'] })
      return /pub-gruu="([^"]*)"/.exec(phone.last().header('contact') ?? '')?.[1] ?? ''
    })
    alice.registerFully()
    expect(bob.registerFully({ contact: gruus.map((gruu) => `<${gruu}>`).join(', ') }).status).toBe(200)
    alice.request('INVITE', BOB)
    for (const phone of phones) expect(phone.requests('INVITE')).toHaveLength(1)
  })
})

describe('a call to another domain', () => {
  it('R7904-4.1-04 is none of the overlay: its address is looked up as RFC 3263 says', () => {
    const { world, node, alice } = stage()
    const friend = world.phone('friend', node)
    node.resolveAnswer = () => ({
      ok: true,
      addresses: [{ host: friend.host, port: 5060, transport: 'udp' }],
    })
    alice.request('INVITE', 'sip:friend@example.net')
    expect(taken(node, 'resolve').map(({ host }) => host)).toEqual(['example.net'])
    expect(friend.requests('INVITE')[0]?.requestUri).toBe('sip:friend@example.net')
    expect([...taken(node, 'locate'), ...taken(node, 'openPeerFlow')]).toEqual([])
  })

  it('R7904-4.1-05 fails when nobody knows it', () => {
    const { node, alice } = stage()
    alice.request('INVITE', 'sip:friend@nowhere.example')
    expect(taken(node, 'resolve')).toHaveLength(1)
    expect(alice.last().status).toBeGreaterThanOrEqual(400)
  })
})

describe('a call to a user of the overlay', () => {
  it('R7904-4.2-05 goes to every destination: nodes by flows of the overlay, AORs outside by their own procedure', () => {
    const { world, node, alice } = stage()
    const bobs = ['192.0.2.2', '192.0.2.3'].map((host) => {
      const far = world.node(host, {}, new TestAccounts().add('bob'))
      const phone = world.phone('bob', far)
      expect(phone.registerFully().status).toBe(200)
      return { far, phone }
    })
    const mobile = world.phone('mobile', node)
    node.resolveAnswer = () => ({
      ok: true,
      addresses: [{ host: mobile.host, port: 5060, transport: 'udp' }],
    })
    finds(node, [...bobs.map(({ far }) => peer(far)), { kind: 'uri', uri: 'sip:mobile@example.net' }])
    alice.request('INVITE', BOB)
    expect(taken(node, 'openPeerFlow').map(({ address }) => address)).toEqual(
      bobs.map(({ far }) => `node:${far.hex}`),
    )
    expect(taken(node, 'resolve').map(({ host }) => host)).toEqual(['example.net'])
    for (const phone of [...bobs.map((each) => each.phone), mobile])
      expect(phone.requests('INVITE'), phone.host).toHaveLength(1)
  })

  it('R7904-4.1-05 fails when no destination is reached, and nothing of it is left', () => {
    const { world, node, alice } = stage()
    finds(node, [peer({ hex: 'aa'.repeat(16) }), peer({ hex: 'bb'.repeat(16) })])
    alice.request('INVITE', BOB)
    expect(taken(node, 'openPeerFlow')).toHaveLength(2)
    expect(alice.statuses('INVITE')).toEqual([100, 480])
    world.advance(64_000)
    expect([...node.core.snapshot().transactions.values()].reduce((sum, count) => sum + count, 0)).toBe(0)
  })

  it('R7904-5.1-08 S3261-26-01 asks for a SIP or a SIPS flow as the caller says; who takes SIPS only is called over the latter', () => {
    const secure = (uri: string, secureOnly: boolean, override: SettingsOverride = {}): boolean[] => {
      const { node, alice } = stage(override)
      finds(node, [peer({ hex: 'aa'.repeat(16) }, secureOnly)])
      alice.request('INVITE', uri)
      return taken(node, 'openPeerFlow').map((action) => action.secure)
    }
    expect(secure(BOB, false)).toEqual([false])
    expect(secure(BOB.replace('sip:', 'sips:'), false)).toEqual([true])
    expect(secure(BOB, true)).toEqual([true])
    expect(secure(BOB, true, { sipToSips: 'reject' })).toEqual([])
    expect(secure(BOB.replace('sip:', 'sips:'), true)).toEqual([true])
  })

  it('R7904-5.1-13 names the ends of the overlay in Via and routes while the bytes go over the flow', () => {
    const { world, node, alice } = stage()
    const far = world.node('192.0.2.2', {}, new TestAccounts().add('bob'))
    const bob = world.phone('bob', far)
    bob.registerFully()
    const before = node.actions.length
    alice.request('INVITE', BOB)
    const sent = node.actions.slice(before)
    const flows = sent.flatMap((action) =>
      action.kind === 'sendFlow' ? [Buffer.from(action.bytes).toString('latin1')] : [],
    )
    const invite = flows.find((text) => text.startsWith('INVITE '))!
    const [via] = /^Via: .*$/m.exec(invite)!
    expect(via).toContain(`SIP/2.0/TLS ${node.hex}.${DOMAIN};`)
    const north = /^Record-Route: .*$/m.exec(invite)![0]
    expect(north).toContain(`${DOMAIN};`)
    expect(north).toContain(`gr=${node.gr}`)
    // Nothing of this call left by the phones' side but the 100.
    const datagrams = sent.flatMap((action) =>
      action.kind === 'sendDatagram' ? [Buffer.from(action.bytes).toString('latin1').slice(0, 11)] : [],
    )
    expect(datagrams).toEqual(['SIP/2.0 100'])
    expect(bob.requests('INVITE')[0]?.vias()[1]?.host).toBe(`${node.hex}.${DOMAIN}`)
  })
})
