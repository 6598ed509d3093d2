import { describe, expect, it } from 'vitest'
import { machineReadings, sipReadings } from '../../../src/app/machine-metrics.ts'
import { Nodes, type SimNode } from '../../sim/nodes.ts'
import { Meter } from '../../support/meter.ts'
import {
  DOMAIN,
  SipWorld,
  TestAccounts,
  testSettings,
  type SettingsOverride,
  type TestNode,
} from '../../support/sip-phones.ts'

const BOB = `sip:bob@${DOMAIN}`

async function registrar(
  settings: SettingsOverride = {},
): Promise<{ world: SipWorld; node: TestNode; meter: Meter }> {
  const world = new SipWorld()
  const accounts = new TestAccounts().add('alice').add('bob').add('carol')
  const node = world.node('192.0.2.1', settings, accounts)
  return { world, node, meter: await Meter.of(sipReadings(node.core, () => world.now)) }
}

function meterOf(nodes: Nodes, node: SimNode): Promise<Meter> {
  return Meter.of(
    machineReadings({
      core: node.core,
      recorder: node.recorder,
      now: () => nodes.world.now,
      state: () => node.state,
      stabilizationIntervalS: () => 600,
    }),
  )
}

describe('registrations', () => {
  it('p2psip_registrar_bindings p2psip_registrar_aors p2psip_registrar_replaced_total p2psip_registrar_register_seconds p2psip_registrar_requests_total of phones that come, come again and move', async () => {
    const { world, node, meter } = await registrar()
    const alice = world.phone('alice', node, { transport: 'tcp' })
    alice.registerFully()
    world.phone('bob', node).registerFully()
    world.phone('bob', node).registerFully()
    expect(await meter.moved()).toMatchObject({
      'registrar_bindings{transport="tcp"}': 1,
      'registrar_bindings{transport="udp"}': 2,
      registrar_aors: 2,
      'registrar_requests_total{result="ok"}': 3,
      'registrar_register_seconds_count{kind="initial"}': 3,
    })
    alice.register({ callId: 'again' })
    expect(await meter.moved()).toMatchObject({
      'registrar_requests_total{result="ok"}': 1,
      'registrar_register_seconds_count{kind="refresh"}': 1,
    })
    const device = { extra: ['Supported: outbound, path'] }
    const instance = ';+sip.instance="<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>";reg-id=1'
    const carol = world.phone('carol', node, { transport: 'tcp' })
    carol.registerFully({ ...device, contact: `${carol.contact}${instance}` })
    carol.disconnect()
    carol.registerFully({ ...device, contact: `<sip:carol@10.9.9.9;transport=tcp>${instance}` })
    expect(await meter.moved()).toMatchObject({ registrar_replaced_total: 1, registrar_aors: 1 })
  })

  it('p2psip_registrar_requests_total also of those that are challenged, refused, turned away or not stored', async () => {
    const { world, node, meter } = await registrar({ auth: 'digest' })
    const alice = world.phone('alice', node)
    const first = alice.register()
    expect(await meter.moved()).toMatchObject({ 'registrar_requests_total{result="challenged"}': 1 })
    // The right password does not let alice register bob.
    alice.authenticate({ ...first, init: { to: `<${BOB}>` } }, alice.last())
    expect(await meter.moved()).toMatchObject({ 'registrar_requests_total{result="rejected"}': 1 })
    node.publishAnswer = () => ({ ok: false, status: 503, reason: 'Overlay Unavailable', retryAfterS: 5 })
    expect(alice.registerFully().status).toBe(503)
    expect(await meter.moved()).toMatchObject({ 'registrar_requests_total{result="store_failed"}': 1 })
    node.input({ kind: 'drain' })
    expect(alice.registerFully().status).toBe(503)
    expect(await meter.moved()).toMatchObject({ 'registrar_requests_total{result="overload"}': 1 })
  })

  it('p2psip_registrar_expired_total p2psip_registrar_flow_lost_total p2psip_registrar_keepalive_failures_total of phones that go in silence', async () => {
    const { world, node, meter } = await registrar({ natKeepAliveS: 25 })
    const bob = world.phone('bob', node)
    bob.register({ extra: ['Expires: 60'] })
    world.advance(61_000)
    expect(await meter.moved()).toMatchObject({ registrar_expired_total: 1 })
    const alice = world.phone('alice', node, { transport: 'tcp', privateHost: '192.168.1.20' })
    alice.registerFully()
    alice.disconnect()
    expect(await meter.moved()).toMatchObject({ registrar_flow_lost_total: 1 })
    const natted = world.phone('carol', node, { host: '203.0.113.7', privateHost: '192.168.1.20' })
    natted.onMessage = (message) => {
      if (message.isRequest) natted.respond(message, 200)
    }
    natted.registerFully()
    world.advance(60_000)
    natted.drop = true
    world.advance(150_000)
    expect(await meter.moved()).toMatchObject({
      'registrar_keepalive_failures_total{transport="udp"}': 1,
    })
  })

  it('p2psip_registrar_overlay_sync p2psip_registrar_overlay_missing_aors while the overlay does not hold what is registered here', async () => {
    const nodes = new Nodes('metrics of missing entries').users(2).grow(3)
    const node = nodes.node(0)
    const phone = nodes.registered('u0', 0)
    const meter = await meterOf(nodes, node)
    expect(meter.at('registrar_overlay_sync')).toBe(1)
    expect(meter.at('registrar_overlay_missing_aors')).toBe(0)
    // Nobody has room for the entry once more: it runs out, while the phone refreshes its registration here.
    for (const { name } of nodes.nodes) nodes.network.disk(name).fill()
    const missing = (): boolean => node.core.adapter.snapshot(nodes.world.now).missing > 0
    for (let refreshes = 0; refreshes < 12 && !nodes.world.runUntil(missing, 600_000); refreshes++)
      phone.register()
    expect(await meter.value('registrar_overlay_missing_aors')).toBe(1)
    expect(meter.at('registrar_overlay_sync')).toBe(0)
    for (const { name } of nodes.nodes) nodes.network.makeRoom(name)
    nodes.finished(phone.register())
    nodes.world.run(60_000)
    expect(await meter.value('registrar_overlay_missing_aors')).toBe(0)
    expect(meter.at('registrar_overlay_sync')).toBe(1)
  })
})

describe('credentials and abuse', () => {
  it('p2psip_auth_attempts_total p2psip_bans_active p2psip_rate_limited_total of right, wrong, old, absent and too many credentials', async () => {
    const { world, node, meter } = await registrar({ auth: 'digest', digestAlgorithms: ['SHA-256', 'MD5'] })
    const alice = world.phone('alice', node)
    const first = alice.register()
    const challenge = alice.last()
    alice.authenticate(first, challenge, { algorithm: 'SHA-256' })
    expect(await meter.moved()).toMatchObject({
      'auth_attempts_total{result="missing",algorithm="MD5"}': 1,
      'auth_attempts_total{result="ok",algorithm="SHA-256"}': 1,
    })
    // The same count of a nonce again is a replay.
    alice.authenticate({ ...first, cseq: 5 }, challenge, { algorithm: 'SHA-256', nc: 1 })
    expect(await meter.moved()).toMatchObject({
      'auth_attempts_total{result="stale",algorithm="SHA-256"}': 1,
    })
    const guesser = world.phone('bob', node)
    for (let i = 0; i < 6; i++) {
      const guess = guesser.register()
      guesser.authenticate(guess, guesser.last(), { password: 'guess' })
    }
    expect(await meter.moved()).toMatchObject({
      'auth_attempts_total{result="bad",algorithm="MD5"}': 5,
      'auth_attempts_total{result="blocked",algorithm="MD5"}': 1,
      'rate_limited_total{scope="auth"}': 1,
      'bans_active{scope="auth"}': 1,
    })
    world.advance(61_000)
    expect(await meter.moved()).toMatchObject({ 'bans_active{scope="auth"}': -1 })
  })

  it('p2psip_rate_limited_total p2psip_scanner_dropped_total of a flood from one address', async () => {
    const perSource = {
      requests: { perSecond: 1, burst: 10 },
      strangers: { perSecond: 1, burst: 10 },
    }
    const limits = { ...testSettings('').limits, authFailuresMax: 1_000, perSource }
    const { world, node, meter } = await registrar({ auth: 'digest', limits })
    const eve = world.phone('eve', node)
    for (let i = 0; i < 150; i++) eve.request('OPTIONS', BOB)
    // Ten are looked at, a hundred are told so, the others get no answer any more.
    expect(await meter.moved()).toMatchObject({
      'rate_limited_total{scope="source"}': 140,
      'scanner_dropped_total{scope="source"}': 40,
    })
  })

  it('p2psip_rate_limited_total of first registrations beyond what the overlay serves', async () => {
    const { world, node, meter } = await registrar({
      limits: { ...testSettings('').limits, registersWaitingMax: 8 },
    })
    node.publishAnswer = () => undefined
    for (let i = 0; i < 12; i++) {
      node.accounts.add(`u${i}`)
      world.phone(`u${i}`, node).register()
    }
    const moved = await meter.moved()
    expect(moved['rate_limited_total{scope="register"}']).toBeGreaterThanOrEqual(1)
    expect(moved['registrar_requests_total{result="overload"}']).toBe(
      moved['rate_limited_total{scope="register"}'],
    )
    expect(moved['registrar_waiting{what="now"}']).toBeGreaterThanOrEqual(8)
  })
})
