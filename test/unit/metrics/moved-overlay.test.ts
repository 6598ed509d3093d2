import { describe, expect, it } from 'vitest'
import { machineReadings, peerReadings } from '../../../src/app/machine-metrics.ts'
import { SIGNER_REQUESTS_ALLOWED } from '../../../src/reload/peer/constants.ts'
import { Overlay, type SimPeer } from '../../../src/sim/overlay.ts'
import { registration } from '../../../src/sim/values.ts'
import { encodeStatReq } from '../../../src/reload/codec/index.ts'
import { encodePingReq, KIND, MESSAGE_CODE, type Destination } from '../../../src/reload/index.ts'
import { Nodes } from '../../sim/nodes.ts'
import { Stranger } from '../../sim/stranger.ts'
import { Meter } from '../../support/meter.ts'

const ALICE = 'alice@dht.example.com'
const NOTHING = new Uint8Array(0)
const PING = { code: MESSAGE_CODE.pingReq, body: encodePingReq({ padding: NOTHING }) }

function meterOf(overlay: Overlay, peer: SimPeer): Promise<Meter> {
  return Meter.of(
    peerReadings({
      peer: peer.core,
      now: () => overlay.world.now,
      state: () => peer.state,
      stabilizationIntervalS: () => overlay.configuration.chordUpdateIntervalS,
    }),
  )
}

function grown(seed: string, count: number): Overlay {
  const overlay = new Overlay(seed)
  expect(overlay.grow(count, 100), overlay.replay()).toBe(true)
  overlay.world.run(30_000)
  return overlay
}

describe('the ring as a peer sees it', () => {
  it('p2psip_overlay_state p2psip_overlay_stabilization_interval_seconds from the start to the farewell, one state at a time', async () => {
    const overlay = grown('metrics of states', 2)
    const peer = overlay.start()
    const meter = await meterOf(overlay, peer)
    const states = async (): Promise<string[]> => {
      await meter.moved()
      return ['starting', 'joining', 'joined', 'isolated', 'leaving', 'left'].filter(
        (state) => meter.at(`overlay_state{state="${state}"}`) === 1,
      )
    }
    expect(await states()).toEqual(['joining'])
    expect(overlay.settled(), overlay.replay()).toBe(true)
    expect(await states()).toEqual(['joined'])
    overlay.network.partition(
      [peer.name],
      overlay.peers.filter((other) => other !== peer).map(({ name }) => name),
    )
    expect(
      overlay.world.runUntil(() => peer.state === 'isolated', 120_000),
      overlay.replay(),
    ).toBe(true)
    expect(await states()).toEqual(['isolated'])
    overlay.network.heal()
    expect(overlay.settled(120_000), overlay.replay()).toBe(true)
    peer.host.input({ kind: 'leave' })
    expect(await states()).toEqual(['leaving'])
    expect(meter.at('overlay_stabilization_interval_seconds')).toBe(600)
  })

  it('p2psip_overlay_peers p2psip_overlay_neighbor_changes_total p2psip_overlay_size_estimate p2psip_overlay_join_rate_estimate p2psip_overlay_leave_rate_estimate of peers that come, leave and die', async () => {
    const overlay = new Overlay('metrics of neighbors')
    const first = overlay.start()
    expect(overlay.settled()).toBe(true)
    const meter = await meterOf(overlay, first)
    expect(meter.at('overlay_size_estimate')).toBe(1)
    expect(overlay.grow(5, 1_000), overlay.replay()).toBe(true)
    overlay.world.run(60_000)
    const grownBy = await meter.moved()
    expect(grownBy).toMatchObject({
      'overlay_peers{table="successor"}': 4,
      'overlay_peers{table="predecessor"}': 4,
      'overlay_peers{table="connection"}': 4,
    })
    expect(grownBy['overlay_neighbor_changes_total{event="join"}']).toBeGreaterThanOrEqual(4)
    expect(grownBy['overlay_peers{table="finger"}']).toBeGreaterThanOrEqual(1)
    expect(grownBy['overlay_size_estimate']).toBeGreaterThan(1)
    expect(grownBy['overlay_join_rate_estimate']).toBeGreaterThan(0)
    const [, leaver, victim] = overlay.ring().peers.filter((peer) => peer !== first)
    leaver!.host.input({ kind: 'leave' })
    overlay.world.run(10_000)
    expect((await meter.moved())['overlay_neighbor_changes_total{event="leave"}']).toBe(1)
    overlay.crash(victim!)
    overlay.world.run(60_000)
    const shrunkBy = await meter.moved()
    expect(shrunkBy['overlay_neighbor_changes_total{event="timeout"}']).toBe(1)
    expect(meter.at('overlay_leave_rate_estimate')).toBeGreaterThan(0)
    expect(meter.at('overlay_peers{table="connection"}')).toBe(2)
  })

  it('p2psip_overlay_selftest_success_ratio falls while the overlay does not answer', async () => {
    const nodes = new Nodes('metrics of self-tests', { adapter: { selfTestIntervalMs: 10_000 } }).users(1)
    nodes.grow(3)
    const node = nodes.node(0)
    nodes.world.run(60_000)
    const meter = await Meter.of(
      machineReadings({
        core: node.core,
        recorder: node.recorder,
        now: () => nodes.world.now,
        state: () => node.state,
        stabilizationIntervalS: () => 600,
      }),
    )
    expect(meter.at('overlay_selftest_success_ratio')).toBe(1)
    nodes.isolate(node)
    nodes.world.run(60_000)
    expect(await meter.value('overlay_selftest_success_ratio')).toBeLessThan(1)
  })
})

describe('overlay messages', () => {
  it('p2psip_overlay_messages_total p2psip_overlay_bytes_total p2psip_overlay_request_seconds p2psip_overlay_request_hops p2psip_signatures_total of a lookup, at both ends', async () => {
    const overlay = grown('metrics of a lookup', 3)
    const resource = overlay.resource(ALICE)
    const owner = overlay.owner(resource)
    const asker = overlay.peers.find((peer) => peer !== owner)!
    const here = await meterOf(overlay, asker)
    const there = await meterOf(overlay, owner)
    overlay.fetch(asker, resource, KIND.sipRegistration)
    const asked = await here.moved()
    expect(asked).toMatchObject({
      'overlay_messages_total{direction="out",method="fetch",kind="request"}': 1,
      'overlay_messages_total{direction="in",method="fetch",kind="answer"}': 1,
      'overlay_request_seconds_count{method="fetch",result="ok"}': 1,
      'overlay_request_hops_count{method="fetch"}': 1,
      'signatures_total{op="sign",result="ok"}': 1,
      'signatures_total{op="verify",result="ok"}': 1,
    })
    expect(asked['overlay_bytes_total{direction="out"}']).toBeGreaterThan(100)
    expect(asked['overlay_bytes_total{direction="in"}']).toBeGreaterThan(100)
    // By way of the peer before the owner (RFC 6940 s.10.3).
    expect(asked['overlay_request_hops_sum{method="fetch"}']).toBe(2)
    expect(await there.moved()).toMatchObject({
      'overlay_messages_total{direction="in",method="fetch",kind="request"}': 1,
      'overlay_messages_total{direction="out",method="fetch",kind="answer"}': 1,
    })
  })

  it('p2psip_overlay_errors_total p2psip_overlay_messages_total p2psip_overlay_request_seconds of a Store that is refused', async () => {
    const overlay = grown('metrics of errors', 3)
    const resource = overlay.resource(ALICE)
    const owner = overlay.owner(resource)
    const asker = overlay.peers.find((peer) => peer !== owner)!
    const here = await meterOf(overlay, asker)
    const there = await meterOf(overlay, owner)
    const mallory = overlay.user('mallory@dht.example.com')
    expect(overlay.store(asker, resource, [registration(mallory, asker.nodeId)], mallory).ok).toBe(false)
    expect(await here.moved()).toMatchObject({
      'overlay_errors_total{code="2"}': 1,
      'overlay_messages_total{direction="in",method="store",kind="error"}': 1,
      'overlay_request_seconds_count{method="store",result="error"}': 1,
    })
    expect(await there.moved()).toMatchObject({
      'overlay_messages_total{direction="out",method="store",kind="error"}': 1,
      'storage_requests_total{op="store",kind="SIP-REGISTRATION",result="error"}': 1,
    })
  })

  it('p2psip_overlay_request_retries_total p2psip_overlay_request_seconds of a request that nobody answers', async () => {
    const overlay = grown('metrics of silence', 3)
    const resource = overlay.resource(ALICE)
    const owner = overlay.owner(resource)
    const asker = overlay.peers.find((peer) => peer !== owner)!
    const meter = await meterOf(overlay, asker)
    // What the asker says arrives nowhere; links take their time to notice.
    overlay.network.cutOneWay(
      [asker.name],
      overlay.peers.filter((peer) => peer !== asker).map(({ name }) => name),
    )
    const id = overlay.commands.newId()
    asker.host.input({ kind: 'ping', id, destinations: [{ kind: 'node', nodeId: owner.nodeId }] })
    overlay.world.run(30_000)
    const moved = await meter.moved()
    expect(moved['overlay_request_retries_total{method="ping"}']).toBeGreaterThanOrEqual(1)
    expect(moved['overlay_request_seconds_count{method="ping",result="timeout"}']).toBeGreaterThanOrEqual(1)
  })

  it('p2psip_overlay_forwarded_total of messages that are on their way to others', async () => {
    const overlay = grown('metrics of transit', 12)
    const meters = await Promise.all(overlay.peers.map((peer) => meterOf(overlay, peer)))
    for (let i = 0; i < 12; i++)
      overlay.fetch(overlay.peers[0]!, overlay.resource(`u${i}`), KIND.sipRegistration)
    const moved = await Promise.all(meters.map((meter) => meter.moved()))
    const passedOn = moved.map((each) => each['overlay_forwarded_total'] ?? 0)
    expect(passedOn.reduce((sum, each) => sum + each, 0)).toBeGreaterThan(0)
  })

  it('p2psip_overlay_dropped_total p2psip_signatures_total by what was wrong', async () => {
    const overlay = grown('metrics of drops', 3)
    const peer = overlay.peers[0]!
    const meter = await meterOf(overlay, peer)
    const stranger = new Stranger(overlay, peer, overlay.user('mallory@dht.example.com'))
    const toPeer: Destination[] = [{ kind: 'node', nodeId: peer.nodeId }]
    /** Nobody's Node-ID, in the range of this peer or of another one. */
    const nobody = (here: boolean): Destination => {
      for (;;) {
        const { nodeId } = overlay.user('nobody@dht.example.com')
        if ((overlay.owner(nodeId) === peer) === here) return { kind: 'node', nodeId }
      }
    }
    await meter.moved()
    const dropped = async (): Promise<Record<string, number>> => {
      overlay.world.run(500)
      const moved = Object.entries(await meter.moved())
      return Object.fromEntries(
        moved.flatMap(([series, by]) => {
          const reason = /^overlay_dropped_total\{reason="(\w+)"\}$/.exec(series)?.[1]
          return reason === undefined ? [] : [[reason, by] as const]
        }),
      )
    }
    stranger.raw(new Uint8Array(60))
    expect(await dropped()).toEqual({ malformed: 1 })
    const forged = { ...overlay.user('forger@dht.example.com'), nodeId: stranger.credential.nodeId }
    const certificate = { ...forged.certificate, der: new Uint8Array(448), sha256: new Uint8Array(32) }
    stranger.send({ ...PING, destinations: toPeer, credential: { ...forged, certificate } })
    expect(await dropped()).toEqual({ signature: 1 })
    stranger.send({ ...PING, destinations: toPeer, sequence: 1 })
    expect(await dropped()).toEqual({ config: 1 })
    stranger.send({ ...PING, destinations: [nobody(false)], ttl: 0 })
    expect(await dropped()).toEqual({ ttl: 1 })
    stranger.send({ ...PING, destinations: [nobody(false)], viaList: [...toPeer, ...toPeer, ...toPeer] })
    expect(await dropped()).toEqual({ loop: 1 })
    stranger.send({ ...PING, destinations: [nobody(true)] })
    expect(await dropped()).toEqual({ no_route: 1 })
    // More than one signer may ask for, as fast as the acks of the link allow.
    for (let i = 0; i < SIGNER_REQUESTS_ALLOWED.burst + 1_000; i++) {
      stranger.send({ ...PING, destinations: toPeer })
      if (i % 100 === 99) overlay.world.run(4)
    }
    expect((await dropped())['rate']).toBeGreaterThan(0)
  })
})

describe('what a peer stores', () => {
  it('p2psip_storage_values p2psip_storage_bytes p2psip_storage_requests_total p2psip_storage_replication_lag_seconds at owner and replicas', async () => {
    const overlay = grown('metrics of storage', 4)
    const resource = overlay.resource(ALICE)
    const owner = overlay.owner(resource)
    const alice = overlay.user(ALICE)
    const others = overlay.peers.filter((peer) => peer !== owner)
    const meter = await meterOf(overlay, owner)
    const copies = await Promise.all(others.map((peer) => meterOf(overlay, peer)))
    const asker = others[0]!
    expect(overlay.store(asker, resource, [registration(alice, asker.nodeId)], alice).ok).toBe(true)
    overlay.fetch(asker, resource, KIND.sipRegistration)
    overlay.world.run(2_000)
    const moved = await meter.moved()
    expect(moved).toMatchObject({
      'storage_values{kind="SIP-REGISTRATION",role="owner"}': 1,
      'storage_requests_total{op="store",kind="SIP-REGISTRATION",result="ok"}': 1,
      'storage_requests_total{op="fetch",kind="SIP-REGISTRATION",result="ok"}': 1,
      storage_replication_lag_seconds_count: 2,
    })
    expect(moved['storage_bytes{kind="SIP-REGISTRATION",role="owner"}']).toBeGreaterThan(50)
    const held = await Promise.all(copies.map((copy) => copy.moved()))
    const replicas = held.filter(
      (each) => each['storage_values{kind="SIP-REGISTRATION",role="replica"}'] === 1,
    )
    expect(replicas).toHaveLength(2)
    for (const each of replicas)
      expect(each['storage_bytes{kind="SIP-REGISTRATION",role="replica"}']).toBeGreaterThan(50)
    const stranger = new Stranger(overlay, owner, overlay.user('carol@dht.example.com'))
    const body = encodeStatReq({
      resource,
      specifiers: [
        { kind: KIND.sipRegistration, generation: 0n, selector: { model: 'dictionary', keys: [] } },
      ],
    })
    await meter.moved()
    stranger.answers(
      stranger.send({
        code: MESSAGE_CODE.statReq,
        body,
        destinations: [{ kind: 'resource', resourceId: resource }],
      }),
    )
    expect(await meter.moved()).toMatchObject({
      'storage_requests_total{op="stat",kind="SIP-REGISTRATION",result="ok"}': 1,
    })
  })

  it('p2psip_storage_replica_deficit while a replica is missing', async () => {
    const overlay = grown('metrics of deficits', 4)
    const resource = overlay.resource(ALICE)
    const owner = overlay.owner(resource)
    const alice = overlay.user(ALICE)
    expect(overlay.store(owner, resource, [registration(alice, owner.nodeId)], alice).ok).toBe(true)
    const meter = await meterOf(overlay, owner)
    expect(meter.at('storage_replica_deficit')).toBe(0)
    const { peers } = overlay.ring()
    const next = peers[(peers.indexOf(owner) + 1) % peers.length]!
    overlay.crash(next)
    expect(
      overlay.world.runUntil(() => owner.snapshot().replicaDeficit > 0, 60_000),
      overlay.replay(),
    ).toBe(true)
    expect(await meter.value('storage_replica_deficit')).toBe(1)
    overlay.world.run(120_000)
    expect(await meter.value('storage_replica_deficit')).toBe(0)
  })
})
