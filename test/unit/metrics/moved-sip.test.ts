import { describe, expect, it } from 'vitest'
import { sipReadings } from '../../../src/app/machine-metrics.ts'
import {
  allListeners,
  DOMAIN,
  SipWorld,
  TestAccounts,
  type Phone,
  type PhoneTransport,
  type SettingsOverride,
  type TestNode,
} from '../../support/sip-phones.ts'
import { Meter } from '../../support/meter.ts'

const BOB = `sip:bob@${DOMAIN}`

interface House {
  readonly world: SipWorld
  readonly node: TestNode
  readonly alice: Phone
  readonly bob: Phone
  readonly meter: Meter
}

/** Two registered phones at one node; what moves is read from here on. */
async function house(
  transports: { readonly alice?: PhoneTransport; readonly bob?: PhoneTransport } = {},
  settings: SettingsOverride = {},
): Promise<House> {
  const world = new SipWorld()
  const node = world.node('192.0.2.1', settings, new TestAccounts().add('alice').add('bob'))
  const alice = world.phone('alice', node, { transport: transports.alice ?? 'udp' })
  const bob = world.phone('bob', node, { transport: transports.bob ?? 'udp' })
  expect([alice.registerFully().status, bob.registerFully().status]).toEqual([200, 200])
  return { world, node, alice, bob, meter: await Meter.of(sipReadings(node.core, () => world.now)) }
}

describe('SIP messages', () => {
  it('p2psip_sip_requests_received_total p2psip_sip_requests_sent_total p2psip_sip_responses_sent_total p2psip_sip_responses_received_total by method, status and transport', async () => {
    const { alice, bob, meter } = await house({ alice: 'tcp' }, { auth: 'digest' })
    const first = alice.request('INVITE', BOB)
    alice.inDialog('ACK', first, alice.last(), { branch: first.branch })
    const sent = alice.authenticate(first, alice.responses('INVITE', 407)[0]!)
    const invite = bob.requests('INVITE')[0]!
    bob.respond(invite, 180)
    bob.respond(invite, 200)
    alice.inDialog('ACK', sent, alice.last())
    const moved = await meter.moved()
    expect(moved).toMatchObject({
      'sip_requests_received_total{method="INVITE",transport="tcp"}': 2,
      'sip_requests_sent_total{method="INVITE",transport="udp"}': 1,
      'sip_requests_sent_total{method="ACK",transport="udp"}': 1,
      'sip_responses_sent_total{method="INVITE",code="407",transport="tcp"}': 1,
      'sip_responses_sent_total{method="INVITE",code="180",transport="tcp"}': 1,
      'sip_responses_sent_total{method="INVITE",code="200",transport="tcp"}': 1,
      'sip_responses_received_total{method="INVITE",code="180",transport="udp"}': 1,
      'sip_responses_received_total{method="INVITE",code="200",transport="udp"}': 1,
    })
    expect(moved['sip_requests_received_total{method="INVITE",transport="udp"}']).toBeUndefined()
    bob.request('FROBNICATE', BOB)
    expect(await meter.moved()).toMatchObject({
      'sip_requests_received_total{method="other",transport="udp"}': 1,
    })
  })

  it('p2psip_sip_retransmissions_total of requests and responses, in and out', async () => {
    const { world, alice, bob, meter } = await house()
    const same = { branch: 'z9hG4bKsame', callId: 'same' }
    alice.request('INVITE', BOB, same)
    const invite = bob.requests('INVITE')[0]!
    bob.respond(invite, 180)
    await meter.moved()
    alice.request('INVITE', BOB, same)
    expect(await meter.moved()).toMatchObject({
      'sip_retransmissions_total{kind="request",direction="in"}': 1,
      'sip_retransmissions_total{kind="response",direction="out"}': 1,
    })
    bob.respond(invite, 486)
    bob.respond(invite, 486)
    expect(await meter.moved()).toMatchObject({
      'sip_retransmissions_total{kind="response",direction="in"}': 1,
    })
    bob.drop = true
    alice.request('MESSAGE', BOB)
    await meter.moved()
    world.advance(600)
    const moved = await meter.moved()
    expect(moved['sip_retransmissions_total{kind="request",direction="out"}']).toBeGreaterThanOrEqual(1)
    // What goes out again is no new request.
    expect(moved['sip_requests_sent_total{method="MESSAGE",transport="udp"}']).toBeUndefined()
  })

  it('p2psip_sip_malformed_messages_total by what is wrong and where it came from', async () => {
    const { alice, meter } = await house()
    alice.sendRaw('INVITE  \r\nnonsense')
    alice.sendRaw(
      `OPTIONS ${BOB} SIP/2.0\r\nVia: ${alice.via('z9hG4bKx')}\r\nFrom: <${BOB}>;tag=1\r\nTo: <${BOB}>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n\r\n`,
    )
    expect(await meter.moved()).toMatchObject({
      'sip_malformed_messages_total{reason="syntax",transport="udp"}': 1,
      'sip_malformed_messages_total{reason="invalid",transport="udp"}': 1,
    })
  })
})

describe('SIP transactions', () => {
  it('p2psip_sip_transactions_active counts each kind while it lasts', async () => {
    const { world, alice, bob, meter } = await house()
    world.advance(40_000)
    expect(await meter.value('sip_transactions_active{kind="nist"}')).toBe(0)
    alice.request('INVITE', BOB)
    alice.request('MESSAGE', BOB)
    await meter.moved()
    const active = (): (number | undefined)[] =>
      ['ict', 'ist', 'nict', 'nist'].map((kind) => meter.at(`sip_transactions_active{kind="${kind}"}`))
    expect(active()).toEqual([1, 1, 1, 1])
    bob.respond(bob.requests('INVITE')[0]!, 486)
    bob.respond(bob.requests('MESSAGE')[0]!, 200)
    world.advance(40_000)
    await meter.moved()
    expect(active()).toEqual([0, 0, 0, 0])
  })

  it('p2psip_sip_transaction_timeouts_total of Timers B, F, H and C', async () => {
    const { world, alice, bob, meter } = await house()
    bob.drop = true
    alice.request('INVITE', BOB)
    alice.request('MESSAGE', BOB)
    world.advance(33_000)
    // The 408 for the INVITE is never acknowledged: Timer H.
    world.advance(33_000)
    expect(await meter.moved()).toMatchObject({
      'sip_transaction_timeouts_total{timer="B"}': 1,
      'sip_transaction_timeouts_total{timer="F"}': 1,
      'sip_transaction_timeouts_total{timer="H"}': 1,
    })
    bob.drop = false
    alice.request('INVITE', BOB)
    bob.respond(bob.requests('INVITE').at(-1)!, 180)
    world.advance(200_000)
    expect(await meter.moved()).toMatchObject({ 'sip_transaction_timeouts_total{timer="C"}': 1 })
  })

  it('p2psip_sip_mtu_switch_total when TCP takes a long request, and when nobody does', async () => {
    const large = { body: 'x'.repeat(1_400), extra: ['Content-Type: text/plain'] }
    const { world, node, alice, bob, meter } = await house()
    alice.request('MESSAGE', BOB, large)
    expect(await meter.moved()).toMatchObject({ 'sip_mtu_switch_total{result="failed"}': 1 })
    const another = world.phone('alice', node)
    another.register()
    const atTcp = world.phone('alice', node, { transport: 'tcp', host: another.host })
    bob.request('MESSAGE', `sip:alice@${DOMAIN}`, large)
    expect(atTcp.requests('MESSAGE')).toHaveLength(1)
    atTcp.respond(atTcp.requests('MESSAGE')[0]!, 200)
    expect(await meter.moved()).toMatchObject({ 'sip_mtu_switch_total{result="ok"}': 1 })
  })
})

describe('SIP connections', () => {
  it('p2psip_sip_connections_active by transport and by who opened them', async () => {
    const listeners = allListeners('192.0.2.1')
    const { world, node, alice, bob, meter } = await house({ alice: 'tcp', bob: 'wss' }, { listeners })
    expect(meter.at('sip_connections_active{transport="tcp",side="accepted"}')).toBe(1)
    expect(meter.at('sip_connections_active{transport="wss",side="accepted"}')).toBe(1)
    alice.disconnect()
    bob.disconnect()
    expect(await meter.moved()).toMatchObject({
      'sip_connections_active{transport="tcp",side="accepted"}': -1,
      'sip_connections_active{transport="wss",side="accepted"}': -1,
    })
    // A phone that can be connected to is dialled again; another node is reached by a flow.
    const far = world.node('192.0.2.2', {}, new TestAccounts().add('carol'))
    world.phone('carol', far).registerFully()
    const sender = world.phone('bob', node)
    sender.register({ contact: `<sip:bob@${sender.host}>` })
    sender.request('MESSAGE', `sip:alice@${DOMAIN}`)
    sender.request('MESSAGE', `sip:carol@${DOMAIN}`)
    expect(await meter.moved()).toMatchObject({
      'sip_connections_active{transport="tcp",side="connected"}': 1,
      'sip_connections_active{transport="peer",side="connected"}': 1,
    })
  })
})
