import { describe, expect, it } from 'vitest'
import { machineReadings, sipReadings } from '../../../src/app/machine-metrics.ts'
import { Nodes, type SimNode } from '../../sim/nodes.ts'
import type { SimPhone } from '../../sim/phones.ts'
import { Meter } from '../../support/meter.ts'
import {
  DOMAIN,
  SipWorld,
  TestAccounts,
  type Phone,
  type SettingsOverride,
  type TestNode,
} from '../../support/sip-phones.ts'

const BOB = `sip:bob@${DOMAIN}`

interface Home {
  readonly world: SipWorld
  readonly node: TestNode
  readonly alice: Phone
  readonly bob: Phone
  readonly meter: Meter
}

async function home(settings: SettingsOverride = {}): Promise<Home> {
  const world = new SipWorld()
  const node = world.node('192.0.2.1', settings, new TestAccounts().add('alice').add('bob').add('absent'))
  const alice = world.phone('alice', node)
  const bob = world.phone('bob', node)
  expect([alice.registerFully().status, bob.registerFully().status]).toEqual([200, 200])
  return { world, node, alice, bob, meter: await Meter.of(sipReadings(node.core, () => world.now)) }
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

describe('calls by their path', () => {
  it('p2psip_call_attempts_total p2psip_call_results_total p2psip_call_setup_seconds p2psip_call_resolution_seconds p2psip_call_fork_branches of a call to a phone of this node', async () => {
    const { alice, bob, meter } = await home({ lookup: 'localOnly' })
    alice.request('INVITE', BOB)
    expect(await meter.moved()).toMatchObject({
      'call_attempts_total{path="local",mode="proxy"}': 1,
      'call_resolution_seconds_count{path="local",cache="hit"}': 1,
    })
    bob.respond(bob.requests('INVITE')[0]!, 180)
    expect(await meter.moved()).toMatchObject({ 'call_setup_seconds_count{path="local"}': 1 })
    bob.respond(bob.requests('INVITE')[0]!, 200)
    const moved = await meter.moved()
    expect(moved).toMatchObject({
      'call_results_total{path="local",result="answered"}': 1,
      call_fork_branches_count: 1,
      call_fork_branches_sum: 1,
    })
    expect(moved['call_setup_seconds_count{path="local"}']).toBeUndefined()
  })

  it('p2psip_call_attempts_total p2psip_call_setup_seconds p2psip_call_resolution_seconds p2psip_appattach_flows_active p2psip_appattach_setup_seconds p2psip_appattach_reused_total p2psip_sip_dialogs_active p2psip_trace_buffer_calls of calls across the overlay', async () => {
    const nodes = new Nodes('metrics of calls').users(3).grow(3)
    const u1 = nodes.registered('u1', 0)
    const u2 = nodes.registered('u2', 2)
    const meter = await meterOf(nodes, nodes.node(0))
    const call = (): ReturnType<SimPhone['call']> => {
      const exchange = u1.call(u2.aor)
      expect(nodes.finished(exchange), nodes.replay()).toBe(200)
      nodes.world.run(1_000)
      return exchange
    }
    const first = call()
    expect(await meter.moved()).toMatchObject({
      'call_attempts_total{path="overlay",mode="proxy"}': 1,
      'call_results_total{path="overlay",result="answered"}': 1,
      'call_setup_seconds_count{path="overlay"}': 1,
      'call_resolution_seconds_count{path="overlay",cache="miss"}': 1,
      'sip_requests_sent_total{method="INVITE",transport="peer"}': 1,
      'appattach_flows_active{app="sip"}': 1,
      'appattach_setup_seconds_count{app="sip"}': 1,
      sip_dialogs_active: 1,
      trace_buffer_calls: 1,
    })
    const second = call()
    const moved = await meter.moved()
    expect(moved).toMatchObject({
      'call_attempts_total{path="overlay",mode="proxy"}': 1,
      'appattach_reused_total{app="sip"}': 1,
      sip_dialogs_active: 1,
    })
    expect(moved['appattach_setup_seconds_count{app="sip"}']).toBeUndefined()
    for (const { dialog } of [first, second]) {
      if (dialog === undefined) throw new Error('no dialog')
      expect(nodes.finished(u1.bye(dialog))).toBe(200)
    }
    expect(await meter.moved()).toMatchObject({ sip_dialogs_active: -2 })
  })

  it('p2psip_call_attempts_total p2psip_call_results_total of calls into other domains and to a GRUU', async () => {
    const { node, alice, bob, meter } = await home()
    node.resolveAnswer = () => ({
      ok: true,
      addresses: [{ host: bob.host, port: 5060, transport: 'udp' }],
    })
    alice.request('INVITE', 'sip:friend@example.net')
    bob.respond(bob.requests('INVITE')[0]!, 180)
    bob.respond(bob.requests('INVITE')[0]!, 486)
    expect(await meter.moved()).toMatchObject({
      'call_attempts_total{path="dns",mode="proxy"}': 1,
      'call_setup_seconds_count{path="dns"}': 1,
      'call_results_total{path="dns",result="busy"}': 1,
    })
    bob.register({
      extra: ['Supported: gruu'],
      contact: `${bob.contact};+sip.instance="<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>"`,
    })
    const gruu = /pub-gruu="([^"]+)"/.exec(bob.last().header('contact') ?? '')?.[1] ?? ''
    alice.request('INVITE', gruu)
    bob.respond(bob.requests('INVITE')[1]!, 200)
    expect(await meter.moved()).toMatchObject({
      'call_attempts_total{path="gruu",mode="proxy"}': 1,
      'call_results_total{path="gruu",result="answered"}': 1,
    })
  })

  it('p2psip_call_attempts_total p2psip_call_results_total of a redirect server', async () => {
    const roles = { registrar: true, proxy: false, redirect: true }
    const redirectProxies = ['192.0.2.7:5060;transport=udp']
    const { alice, meter } = await home({ roles, redirectProxies })
    alice.request('INVITE', BOB)
    expect(alice.last().status).toBe(302)
    const moved = await meter.moved()
    expect(moved['call_attempts_total{path="local",mode="redirect"}']).toBe(1)
    expect(moved['call_results_total{path="local",result="redirected"}']).toBe(1)
  })

  it('p2psip_call_results_total of a redirect server that can send nobody anywhere: absent, unknown, lookup failed', async () => {
    const roles = { registrar: true, proxy: false, redirect: true }
    const redirectProxies = ['192.0.2.7:5060;transport=udp']
    const { node, alice, meter } = await home({ roles, redirectProxies })
    const results: Record<string, string> = { 480: 'no_answer', 404: 'not_found', 503: 'failed' }
    for (const [user, status] of [
      ['absent', 480],
      ['nobody', 404],
      ['bob2', 503],
    ] as const) {
      if (status === 503)
        node.locateAnswer = () => ({ kind: 'failed', status, reason: 'Service Unavailable' })
      alice.request('INVITE', `sip:${user}@${DOMAIN}`)
      expect(alice.last().status).toBe(status)
      const moved = await meter.moved()
      expect(moved['call_attempts_total{path="overlay",mode="redirect"}']).toBe(1)
      expect(moved[`call_results_total{path="overlay",result="${results[status]}"}`]).toBe(1)
    }
    // Other requests are no calls.
    alice.request('MESSAGE', BOB)
    expect((await meter.moved())['call_results_total{path="local",result="redirected"}']).toBeUndefined()
  })
})

describe('how calls end', () => {
  it('p2psip_call_results_total busy, cancelled, no_answer, not_found and failed', async () => {
    const { world, alice, bob, meter } = await home()
    const ringing = (): ReturnType<Phone['request']> => alice.request('INVITE', BOB)
    const invite = (): ReturnType<Phone['last']> => bob.requests('INVITE').at(-1)!
    ringing()
    bob.respond(invite(), 603)
    expect(await meter.moved()).toMatchObject({ 'call_results_total{path="local",result="busy"}': 1 })
    const given = ringing()
    bob.respond(invite(), 180)
    alice.cancel(given)
    bob.respond(bob.requests('CANCEL')[0]!, 200)
    bob.respond(invite(), 487)
    expect(await meter.moved()).toMatchObject({ 'call_results_total{path="local",result="cancelled"}': 1 })
    ringing()
    bob.respond(invite(), 500)
    expect(await meter.moved()).toMatchObject({ 'call_results_total{path="local",result="failed"}': 1 })
    bob.drop = true
    ringing()
    world.advance(33_000)
    expect(await meter.moved()).toMatchObject({ 'call_results_total{path="local",result="no_answer"}': 1 })
    alice.request('INVITE', `sip:absent@${DOMAIN}`)
    expect(await meter.moved()).toMatchObject({
      'call_results_total{path="overlay",result="no_answer"}': 1,
      'call_fork_branches_bucket{le="0"}': 1,
    })
    alice.request('INVITE', `sip:nobody@${DOMAIN}`)
    expect(await meter.moved()).toMatchObject({
      'call_results_total{path="overlay",result="not_found"}': 1,
    })
  })

  it('p2psip_call_fork_branches of a user with three phones', async () => {
    const { world, node, alice, bob, meter } = await home()
    const others = [world.phone('bob', node), world.phone('bob', node)]
    for (const phone of others) phone.registerFully()
    await meter.moved()
    alice.request('INVITE', BOB)
    bob.respond(bob.requests('INVITE')[0]!, 200)
    for (const phone of others) {
      phone.respond(phone.requests('INVITE')[0]!, 487)
    }
    const moved = await meter.moved()
    expect([moved['call_fork_branches_count'], moved['call_fork_branches_sum']]).toEqual([1, 3])
  })
})
