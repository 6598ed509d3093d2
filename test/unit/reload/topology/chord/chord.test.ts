import { beforeEach, describe, expect, it } from 'vitest'
import { SeededRandom } from '../../../../../src/common/random.ts'
import { asResourceId, type ChordUpdate, type NodeId } from '../../../../../src/reload/index.ts'
import { Chord } from '../../../../../src/reload/topology/chord/chord.ts'
import { fingerIndexOf, fingerStart, nextId } from '../../../../../src/reload/topology/chord/ring-math.ts'
import type { TopologyAction } from '../../../../../src/reload/topology/plugin.ts'
import { at, positions } from './ids.ts'

const INTERVALS = { updateMs: 600_000, pingMs: 3_600_000 }

function chord(self: number, seed = 'chord'): Chord {
  return new Chord(
    { random: new SeededRandom(seed) },
    { self: at(self), intervals: INTERVALS, reactive: true },
  )
}

function neighbors(predecessors: readonly number[], successors: readonly number[]): ChordUpdate {
  return {
    kind: 'neighbors',
    uptime: 1,
    predecessors: predecessors.map((id) => at(id)),
    successors: successors.map((id) => at(id)),
  }
}

function of<K extends TopologyAction['kind']>(
  actions: readonly TopologyAction[],
  kind: K,
): Extract<TopologyAction, { kind: K }>[] {
  return actions.filter((action): action is Extract<TopologyAction, { kind: K }> => action.kind === kind)
}

/** Which finger of 0x80 a peer at that position is. */
function fingerOf(id: number): number {
  return fingerIndexOf(at(0x80), at(id))
}

/** A ring member: its link is up by an Attach and it has sent an Update. */
function meet(
  ring: Chord,
  now: number,
  id: number,
  update: ChordUpdate = { kind: 'peerReady', uptime: 1 },
): void {
  ring.linkUp(now, at(id), true, false)
  ring.updateReceived(now, at(id), update)
}

describe('Chord as a ring member', () => {
  let ring: Chord
  beforeEach(() => {
    ring = chord(0x80)
    ring.found(0)
    ring.drain()
  })

  it('R6940-10.7-05 R6940-6.5.1-03 R6940-6.5.1-01 a link alone changes no routes, its first Update does', () => {
    ring.linkUp(1, at(0x90), true, false)
    expect(ring.nextHop(at(0x95))).toBeUndefined()
    ring.updateReceived(2, at(0x90), { kind: 'peerReady', uptime: 1 })
    expect(positions([ring.nextHop(at(0x95)) as NodeId])).toEqual([0x90])
  })

  it('an Update of a node without a link changes nothing', () => {
    ring.updateReceived(1, at(0x90), neighbors([], []))
    expect(ring.snapshot().successors).toEqual([])
  })

  it('R6940-10.7.3-02 R6940-10.6-01 attaches to better neighbors through the peer that named them', () => {
    meet(ring, 1, 0x90, neighbors([0x80, 0x70], [0xa0]))
    const attaches = of(ring.drain(), 'attachNode')
    expect(positions(attaches.map(({ to }) => to)).sort((a, b) => a - b)).toEqual([0x70, 0xa0])
    for (const { via } of attaches) expect(positions([via as NodeId])).toEqual([0x90])
  })

  it('R6940-10.7.3-02 a far peer that takes us for its neighbor is told of everybody, at most once a second (swarm seed 8443)', () => {
    for (const id of [0x60, 0x68, 0x70, 0x78, 0x88, 0x90, 0x98, 0xa0, 0xc0]) meet(ring, 1, id)
    // Many lie between the two, which it has not heard of: its tables have us alone.
    meet(ring, 2, 0x10, neighbors([0x80], [0x80]))
    const told = of(ring.drain(), 'sendUpdate').filter(({ to }) => positions([to])[0] === 0x10)
    const { update } = told.at(-1)!
    expect(update.kind).toBe('full')
    if (update.kind !== 'full') return
    expect(positions(update.successors)).toEqual([0x88, 0x90, 0x98, 0xa0])
    expect(positions(update.fingers)).toContain(0xc0)
    ring.updateReceived(3, at(0x10), neighbors([0x80], [0x80]))
    expect(of(ring.drain(), 'sendUpdate')).toEqual([])
    ring.updateReceived(1_100, at(0x10), neighbors([0x80], [0x80]))
    expect(of(ring.drain(), 'sendUpdate')).toHaveLength(1)
  })

  it('a far peer that knows its neighborhood is told nothing', () => {
    for (const id of [0x60, 0x68, 0x70, 0x78, 0x88, 0x90, 0x98, 0xa0]) meet(ring, 1, id)
    meet(ring, 2, 0x10)
    ring.drain()
    ring.updateReceived(3, at(0x10), neighbors([0x0f, 0x0e, 0x0d, 0x0c], [0x11, 0x12, 0x13, 0x14]))
    expect(of(ring.drain(), 'sendUpdate')).toEqual([])
  })

  it('fingers that a full Update names are neighbors where nobody nearer is known', () => {
    meet(ring, 1, 0xf0, {
      kind: 'full',
      uptime: 1,
      predecessors: [at(0x80)],
      successors: [at(0x80)],
      fingers: [at(0xa0)],
    })
    expect(positions(of(ring.drain(), 'attachNode').map(({ to }) => to))).toEqual([0xa0])
  })

  it('does not attach twice at once, nor again soon after a failure', () => {
    meet(ring, 1, 0x90, neighbors([0x70], []))
    expect(of(ring.drain(), 'attachNode')).toHaveLength(1)
    ring.updateReceived(2, at(0x90), neighbors([0x70], []))
    expect(of(ring.drain(), 'attachNode')).toHaveLength(0)
    ring.attachDone(3, { kind: 'neighbor', nodeId: at(0x70) }, undefined)
    ring.updateReceived(4, at(0x90), neighbors([0x70], []))
    expect(of(ring.drain(), 'attachNode')).toHaveLength(0)
    ring.timeout(20_000)
    expect(of(ring.drain(), 'attachNode')).toHaveLength(1)
  })

  it('a table of strangers costs a bounded number of Attaches', () => {
    const flood = [...Array(60).keys()].map((i) => i + 1)
    meet(ring, 1, 0x90, neighbors(flood, flood))
    expect(of(ring.drain(), 'attachNode').length).toBeLessThanOrEqual(24)
  })

  it('R6940-10.7.1-01 R6940-10.7.1-02 R6940-10.7.1-04 R6940-10.7.3-05 R6940-6.4.1-01 a lost predecessor is out at once and everybody connected is told', () => {
    meet(ring, 1, 0x70)
    meet(ring, 1, 0x90)
    ring.linkUp(1, at(0x30), false, false)
    ring.timeout(1_000)
    ring.drain()
    ring.linkDown(2_000, at(0x70), 'failure')
    const [change] = of(ring.drain(), 'neighborsChanged')
    expect(change).toMatchObject({ rangeChanged: true, cause: 'failure' })
    expect(positions(ring.snapshot().predecessors)).toEqual([0x90])
    ring.timeout(2_000)
    const told = of(ring.drain(), 'sendUpdate')
    expect(positions(told.map(({ to }) => to)).sort((a, b) => a - b)).toEqual([0x30, 0x90])
    for (const { update } of told) expect(update.kind).toBe('neighbors')
  })

  it('R6940-10.7.1-05 a lost neighbor gets one attempt to come back and is no neighbor meanwhile', () => {
    meet(ring, 1, 0x70)
    meet(ring, 1, 0x90)
    ring.drain()
    ring.linkDown(2_000, at(0x70), 'failure')
    ring.timeout(2_600)
    expect(positions(of(ring.drain(), 'attachNode').map(({ to }) => to))).toEqual([0x70])
    expect(ring.isNeighbor(at(0x70))).toBe(false)
  })

  it('R6940-10.9-03 a peer that leaves is treated as failed, and not looked for', () => {
    meet(ring, 1, 0x70)
    meet(ring, 1, 0x90, neighbors([0x70], []))
    ring.drain()
    ring.linkDown(2_000, at(0x70), 'leave')
    ring.updateReceived(2_100, at(0x90), neighbors([0x70], []))
    ring.timeout(3_000)
    expect(of(ring.drain(), 'attachNode')).toEqual([])
    expect(positions(ring.snapshot().predecessors)).toEqual([0x90])
  })

  it('Updates are spaced: many changes in a moment go out once', () => {
    meet(ring, 0, 0x10)
    ring.timeout(1)
    ring.drain()
    for (const id of [0x20, 0x30, 0x40]) meet(ring, 2, id)
    ring.drain()
    ring.timeout(100)
    expect(of(ring.drain(), 'sendUpdate')).toEqual([])
    ring.timeout(400)
    expect(of(ring.drain(), 'sendUpdate')).toHaveLength(4)
  })

  it('R6940-10.7.4.1-01 R6940-10.7.4.1-02 sends an Update to every neighbor once an interval, jittered', () => {
    meet(ring, 0, 0x90)
    ring.timeout(1_000)
    ring.drain()
    const sent: number[] = []
    for (let now = 2_000; now <= 1_500_000; now += 1_000) {
      ring.timeout(now)
      if (of(ring.drain(), 'sendUpdate').length > 0) sent.push(now)
    }
    expect(sent).toHaveLength(2)
    expect(sent[0]).toBeGreaterThanOrEqual(450_000)
    expect(sent[0]).toBeLessThanOrEqual(751_000)
  })

  it('asks about the link of a neighbor every few seconds', () => {
    meet(ring, 0, 0x90)
    let checks = 0
    for (let now = 1_000; now <= 30_000; now += 1_000) {
      ring.timeout(now)
      checks += of(ring.drain(), 'checkLink').length
    }
    expect(checks).toBeGreaterThanOrEqual(7)
    expect(checks).toBeLessThanOrEqual(14)
  })

  it('R6940-10.4-02 R6940-7.4.1.1-05 copies are taken from neighbors, for ranges that may be ours to hold', () => {
    for (const id of [0x50, 0x60, 0x70, 0x90]) meet(ring, 0, id)
    const resource = (id: number): ReturnType<typeof asResourceId> => asResourceId(at(id))
    expect(ring.mayReplicate(at(0x70), resource(0x6f))).toBe(true)
    expect(ring.mayReplicate(at(0x60), resource(0x5f))).toBe(true)
    expect(ring.mayReplicate(at(0x60), resource(0x4f))).toBe(false)
    expect(ring.mayReplicate(at(0x33), resource(0x6f))).toBe(false)
    expect(ring.mayReplicate(at(0x90), resource(0x7f))).toBe(true)
  })

  it('R6940-10.5-06 R6940-10.5-07 R6940-10.5-09 admits a joining node after the hand-over, with an Update that names it', () => {
    meet(ring, 0, 0x10)
    ring.linkUp(1, at(0x70), true, false)
    ring.drain()
    expect(ring.joinRequested(at(0x70))).toBe(true)
    const [handOver] = of(ring.drain(), 'handOver')
    expect(positions([handOver!.to, handOver!.after])).toEqual([0x70, 0x10])
    expect(ring.responsible(at(0x60))).toBe(true)
    ring.handOverDone(2, at(0x70))
    const actions = ring.drain()
    const [admission] = of(actions, 'sendUpdate')
    expect(positions([admission!.to])).toEqual([0x70])
    expect(admission!.update.kind === 'neighbors' && positions(admission!.update.predecessors)[0]).toBe(0x70)
    expect(ring.responsible(at(0x60))).toBe(false)
    ring.timeout(1_000)
    expect(positions(of(ring.drain(), 'sendUpdate').map(({ to }) => to)).sort((a, b) => a - b)).toEqual([
      0x10, 0x70,
    ])
  })

  it('refuses a Join of a node that it is not responsible for, that is not connected, or while admitting another', () => {
    meet(ring, 0, 0x60)
    ring.linkUp(0, at(0x50), true, false)
    ring.linkUp(0, at(0x70), true, false)
    ring.linkUp(0, at(0x75), true, false)
    expect(ring.joinRequested(at(0x50))).toBe(false)
    expect(ring.joinRequested(at(0x78))).toBe(false)
    expect(ring.joinRequested(at(0x70))).toBe(true)
    expect(ring.joinRequested(at(0x75))).toBe(false)
  })

  it('R6940-10.7-04 whoever asks gets the full tables, non-neighbors only hear that we are ready', () => {
    for (const id of [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x90, 0xa0, 0xb0, 0xc0, 0xd0])
      meet(ring, 0, id)
    ring.timeout(1_000)
    ring.drain()
    ring.updateWanted(1_001, at(0x90))
    expect(of(ring.drain(), 'sendUpdate').map(({ update }) => update.kind)).toEqual(['full'])
    ring.linkDown(2_000, at(0x70), 'failure')
    ring.timeout(2_000)
    const kinds = new Map(of(ring.drain(), 'sendUpdate').map(({ to, update }) => [to[0], update.kind]))
    expect(kinds.get(0x90)).toBe('neighbors')
    expect(kinds.get(0x10)).toBe('peerReady')
  })

  it('R6940-10.7.1-06 losing every neighbor makes a peer isolated but still responsible, a founder too', () => {
    meet(ring, 0, 0x90)
    ring.linkDown(1, at(0x90), 'failure')
    expect(ring.state).toBe('isolated')
    expect(ring.responsible(at(0x10))).toBe(true)
  })

  /** So many on both sides that those in the middle are fingers and no neighbors. */
  const CROWD = [0x81, 0x82, 0x83, 0x84, 0x90, 0xa0, 0xc0, 0xe0, 0x20, 0x40, 0x7c, 0x7d, 0x7e, 0x7f]

  it('R6940-10.7.2-01 a finger that failed is out of every list, and the closest peer before the target takes its place', () => {
    for (const id of CROWD) meet(ring, 0, id)
    expect(positions([ring.nextHop(at(0xd0)) as NodeId])).toEqual([0xc0])
    expect(positions(ring.snapshot().fingers)).toContain(0xc0)
    ring.linkDown(1_000, at(0xc0), 'failure')
    expect(positions(ring.snapshot().fingers)).not.toContain(0xc0)
    expect(positions([ring.nextHop(at(0xd0)) as NodeId])).toEqual([0xa0])
    expect(ring.isPeer(at(0xc0))).toBe(false)
  })

  it('R6940-10.7.2-02 a search for another peer of that range begins within seconds', () => {
    // Whatever the dice say, which choose what is searched for at other times.
    for (let seed = 0; seed < 12; seed++) {
      const seeded = chord(0x80, `seed ${seed}`)
      seeded.found(0)
      for (const id of CROWD) meet(seeded, 0, id)
      for (let now = 1_000; now <= 20_000; now += 1_000) seeded.timeout(now)
      seeded.drain()
      seeded.linkDown(100_000, at(0xa0), 'failure')
      seeded.timeout(110_000)
      const searches = of(seeded.drain(), 'searchFinger')
      expect(searches.map(({ index }) => index)).toEqual([fingerOf(0xa0)])
      for (const { target } of searches) expect(fingerIndexOf(at(0x80), target)).toBe(fingerOf(0xa0))
    }
  })

  it('R6940-10.7.4.2-04 a ring that stands is searched for fingers no more often than chord-ping-interval', () => {
    for (const id of CROWD) meet(ring, 0, id)
    ring.timeout(10_000)
    ring.drain()
    const times: number[] = []
    for (let now = 20_000; now <= 400 * 3_600_000; now += 60_000) {
      ring.timeout(now)
      if (of(ring.drain(), 'searchFinger').length > 0) times.push(now)
    }
    expect(times.length).toBeGreaterThan(100)
    const gaps = times.slice(1).map((time, index) => time - (times[index] as number))
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(INTERVALS.pingMs - 60_000)
  })

  it('R6940-10.6-02 an Attach to a finger takes the normal way', () => {
    for (const id of CROWD.filter((each) => each !== 0xc0)) meet(ring, 0, id)
    ring.drain()
    ring.fingerFound(1_000, fingerOf(0xc0), at(0xc0))
    const [attach] = of(ring.drain(), 'attachNode')
    expect(attach).toMatchObject({ via: undefined, purpose: { kind: 'finger' } })
    expect(positions([attach!.to])).toEqual([0xc0])
  })

  it('R6940-10.7.1-06 neighbors that come back while a way in is being tried end the isolation when that comes to nothing', () => {
    meet(ring, 0, 0x90)
    ring.linkDown(1, at(0x90), 'failure')
    ring.linkUp(2, at(0x90), false, false)
    ring.join(2, at(0x90))
    ring.drain()
    meet(ring, 3, 0x90)
    expect(ring.state).toBe('isolated')
    ring.attachDone(4, { kind: 'admitting' }, undefined)
    expect(ring.state).toBe('joined')
    expect(of(ring.drain(), 'stateChanged').at(-1)?.state).toBe('joined')
  })

  it('a peer whose last neighbor left properly owns the ring', () => {
    meet(ring, 0, 0x90)
    ring.linkDown(1, at(0x90), 'leave')
    expect(ring.state).toBe('joined')
    // Its link goes a moment later.
    ring.linkDown(2, at(0x90), 'failure')
    expect(ring.state).toBe('joined')
    expect(ring.responsible(at(0x90))).toBe(true)
  })

  it('R6940-10.9-02 R6940-6.4.2.2-02 leaves by telling everyone connected, and owns nothing afterwards', () => {
    meet(ring, 0, 0x90)
    ring.linkUp(0, at(0x30), false, false)
    ring.drain()
    ring.leave()
    expect(positions(of(ring.drain(), 'sendLeave').map(({ to }) => to)).sort((a, b) => a - b)).toEqual([
      0x30, 0x90,
    ])
    expect(ring.responsible(at(0x80))).toBe(false)
    expect(ring.nextDeadline()).toBe(Number.POSITIVE_INFINITY)
  })

  it('an answer for a resource is believed from the nearest known peer only', () => {
    meet(ring, 0, 0x90)
    meet(ring, 0, 0xa0)
    expect(ring.plausibleResponsible(at(0x90), at(0x85))).toBe(true)
    expect(ring.plausibleResponsible(at(0xa0), at(0x85))).toBe(false)
    expect(ring.plausibleResponsible(at(0x88), at(0x85))).toBe(true)
  })
})

describe('Chord on its way into the ring', () => {
  let ring: Chord
  beforeEach(() => {
    ring = chord(0x80)
    ring.linkUp(0, at(0x20), false, false)
    ring.join(0, at(0x20))
  })

  function toAsking(): void {
    ring.linkUp(1, at(0x90), true, false)
    ring.attachDone(1, { kind: 'admitting' }, at(0x90))
    ring.updateReceived(2, at(0x90), neighbors([0x70], [0xa0]))
    meet(ring, 3, 0x70)
    meet(ring, 3, 0xa0)
  }

  it('R6940-10.5-02 R6940-11.4-02 begins with an Attach to resource n+1 through the bootstrap node', () => {
    const [attach] = of(ring.drain(), 'attachResource')
    expect(attach?.resource).toEqual(nextId(at(0x80)))
    expect(attach?.through).toEqual(at(0x20))
    expect(ring.state).toBe('joining')
  })

  it('R6940-10.5-03 R6940-10.5-11 sends the Join only when the Attaches to all neighbors are done', () => {
    ring.linkUp(1, at(0x90), true, false)
    ring.attachDone(1, { kind: 'admitting' }, at(0x90))
    ring.drain()
    ring.updateReceived(2, at(0x90), neighbors([0x70], [0xa0]))
    const first = ring.drain()
    expect(positions(of(first, 'attachNode').map(({ to }) => to)).sort((a, b) => a - b)).toEqual([0x70, 0xa0])
    expect(of(first, 'sendJoin')).toEqual([])
    meet(ring, 3, 0x70)
    expect(of(ring.drain(), 'sendJoin')).toEqual([])
    ring.attachDone(4, { kind: 'neighbor', nodeId: at(0xa0) }, undefined)
    expect(positions(of(ring.drain(), 'sendJoin').map(({ to }) => to))).toEqual([0x90])
  })

  it('R6940-10.5-07 R6940-10.5-10 is in the ring with the Update that names it, and says so to all', () => {
    toAsking()
    ring.joinAnswered(4, at(0x90), true)
    expect(ring.responsible(at(0x75))).toBe(false)
    ring.drain()
    ring.updateReceived(5, at(0x90), neighbors([0x70], [0xa0]))
    expect(ring.state).toBe('joining')
    ring.updateReceived(6, at(0x90), neighbors([0x80, 0x70], [0xa0]))
    expect(ring.state).toBe('joined')
    expect(ring.responsible(at(0x75))).toBe(true)
    const told = positions(of(ring.drain(), 'sendUpdate').map(({ to }) => to)).sort((a, b) => a - b)
    expect(told).toEqual([0x20, 0x70, 0x90, 0xa0])
  })

  it('R6940-10.5-13 R6940-10.6-02 attaches to n+2^(128-i) for every finger that the neighbors do not tell, the normal way', () => {
    ring.linkUp(1, at(0x90), true, false)
    ring.attachDone(1, { kind: 'admitting' }, at(0x90))
    const near = [0x81, 0x82, 0x83, 0x84, 0x7c, 0x7d, 0x7e, 0x7f]
    ring.updateReceived(2, at(0x90), neighbors([0x7f, 0x7e, 0x7d, 0x7c], [0x81, 0x82, 0x83, 0x84]))
    for (const id of near) meet(ring, 3, id)
    ring.joinAnswered(4, at(0x90), true)
    ring.drain()
    ring.updateReceived(5, at(0x90), neighbors([0x80, 0x7f], [0x81]))
    const attaches = of(ring.drain(), 'attachResource')
    // 0x84 is in range 6 of 0x80, 0x90 in range 4 and 0x7c in range 1: those are known.
    expect(attaches.map(({ purpose }) => purpose.kind === 'finger' && purpose.index)).toEqual([2, 3, 5])
    for (const { resource, through, purpose } of attaches) {
      expect(resource).toEqual(fingerStart(at(0x80), purpose.kind === 'finger' ? purpose.index : 0))
      expect(through).toBeUndefined()
    }
    expect(positions(attaches.map(({ resource }) => resource as unknown as NodeId))).toEqual([
      0xc0, 0xa0, 0x88,
    ])
  })

  it('R6940-10.5-11 says nothing of itself before, even when asked', () => {
    toAsking()
    ring.updateWanted(4, at(0x70))
    ring.timeout(5)
    expect(of(ring.drain(), 'sendUpdate')).toEqual([])
  })

  it('R6940-6.4.2.1-07 an answer of another node than the admitting peer counts for nothing', () => {
    toAsking()
    ring.drain()
    ring.joinAnswered(4, at(0x70), false)
    expect(of(ring.drain(), 'joinFailed')).toEqual([])
    ring.updateReceived(5, at(0x70), neighbors([0x80], []))
    expect(ring.state).toBe('joining')
  })

  it('starts over when refused, when nobody answers, and when the admitting peer is lost', () => {
    toAsking()
    ring.drain()
    ring.joinAnswered(4, at(0x90), false)
    expect(of(ring.drain(), 'joinFailed')).toHaveLength(1)
    ring.join(10, at(0x20))
    ring.attachDone(11, { kind: 'admitting' }, undefined)
    expect(of(ring.drain(), 'joinFailed')).toHaveLength(1)
    ring.join(20, at(0x20))
    ring.attachDone(21, { kind: 'admitting' }, at(0x90))
    ring.linkDown(22, at(0x90), 'failure')
    expect(of(ring.drain(), 'joinFailed')).toHaveLength(1)
  })
})
