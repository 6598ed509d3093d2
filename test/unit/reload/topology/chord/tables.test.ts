import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../../../../src/common/random.ts'
import {
  finger,
  fingerList,
  fingerToSearch,
  openFingers,
} from '../../../../../src/reload/topology/chord/fingers.ts'
import {
  FROM_PREDECESSOR,
  FROM_SUCCESSOR,
  leaveDataFor,
} from '../../../../../src/reload/topology/chord/leave.ts'
import { RoutingTable, wouldBeNeighbor } from '../../../../../src/reload/topology/chord/neighbors.ts'
import {
  isBeyondReplicas,
  isResponsible,
  knownResponsible,
  replicaSet,
  sizeEstimate,
} from '../../../../../src/reload/topology/chord/responsible.ts'
import { nextHop } from '../../../../../src/reload/topology/chord/routing.ts'
import { misses } from '../../../../../src/reload/topology/chord/update.ts'
import { at, positions } from './ids.ts'

function table(self: number, others: readonly number[]): RoutingTable {
  const made = new RoutingTable(at(self))
  for (const other of others) made.add(at(other))
  return made
}

describe('routing table', () => {
  it('R6940-10.7-03 R6940-10.7.3-01 R6940-10.7.3-03 keeps successors and predecessors by distance and never itself', () => {
    const peers = table(0x80, [0x10, 0x20, 0x30, 0x70, 0x90, 0xa0, 0xf0])
    expect(peers.add(at(0x80))).toBe(false)
    expect(peers.add(at(0x10))).toBe(false)
    expect(positions(peers.successors(3))).toEqual([0x90, 0xa0, 0xf0])
    expect(positions(peers.predecessors(3))).toEqual([0x70, 0x30, 0x20])
    peers.add(at(0x85))
    expect(positions(peers.successors(3))).toEqual([0x85, 0x90, 0xa0])
  })

  it('R6940-10.7.1-01 replaces a lost neighbor by the best one that is left', () => {
    const peers = table(0x80, [0x90, 0xa0, 0xb0, 0xc0, 0xd0])
    expect(peers.remove(at(0x90))).toBe(true)
    expect(peers.remove(at(0x90))).toBe(false)
    expect(positions(peers.successors(3))).toEqual([0xa0, 0xb0, 0xc0])
  })

  it('R6940-10.3-02 routes to the largest id up to the target, and past the last to the next clockwise', () => {
    const peers = table(0x40, [0x60, 0x90, 0xd0])
    expect(positions([nextHop(peers, at(0x95))!])).toEqual([0x90])
    expect(positions([nextHop(peers, at(0x90))!])).toEqual([0x90])
    expect(positions([nextHop(peers, at(0x10))!])).toEqual([0xd0])
    expect(positions([nextHop(peers, at(0x50))!])).toEqual([0x60])
    expect(nextHop(table(0x40, []), at(0x50))).toBeUndefined()
  })

  it('does not route back to a neighbor that had no better way, but to whoever comes after it', () => {
    const peers = table(0x40, [0x60, 0x90, 0xd0])
    expect(positions([nextHop(peers, at(0x95), { notBackTo: at(0x90) })!])).toEqual([0xd0])
    expect(positions([nextHop(peers, at(0x95), { notBackTo: at(0x60) })!])).toEqual([0x90])
    expect(positions([nextHop(peers, at(0x50), { notBackTo: at(0x60) })!])).toEqual([0x90])
    expect(positions([nextHop(peers, at(0xe0), { notBackTo: at(0xd0) })!])).toEqual([0x90])
    expect(
      positions([nextHop(table(0x40, [0x60]), at(0x50), { notBackTo: at(0x60) })].map((id) => id ?? at(0))),
    ).toEqual([0])
  })

  it('nor to a distant peer, but to the one before it', () => {
    const far = Array.from({ length: 13 }, (_, index) => 0x50 + index * 8)
    const peers = table(0x40, far)
    expect(peers.isNeighbor(at(0x80))).toBe(false)
    expect(positions([nextHop(peers, at(0x81), { notBackTo: at(0x80) })!])).toEqual([0x78])
  })

  it('R6940-10.1-01 a lone peer is responsible for everything, others for what lies behind them', () => {
    expect(isResponsible(table(0x40, []), at(0xff))).toBe(true)
    const peers = table(0x40, [0x20, 0x60])
    expect(isResponsible(peers, at(0x21))).toBe(true)
    expect(isResponsible(peers, at(0x40))).toBe(true)
    expect(isResponsible(peers, at(0x20))).toBe(false)
    expect(isResponsible(peers, at(0x41))).toBe(false)
  })

  it('R6940-10.4-01 the replica set is the next two successors', () => {
    expect(positions(replicaSet(table(0x40, [0x20, 0x60, 0x80])))).toEqual([0x60, 0x80])
    expect(positions(replicaSet(table(0x40, [0x20])))).toEqual([0x20])
  })

  it('R6940-10.7.3-08 a resource is beyond us when three predecessors lie between', () => {
    const peers = table(0x80, [0x70, 0x60, 0x50, 0x90])
    expect(isBeyondReplicas(peers, at(0x55))).toBe(false)
    expect(isBeyondReplicas(peers, at(0x50))).toBe(true)
    expect(isBeyondReplicas(peers, at(0x45))).toBe(true)
    expect(isBeyondReplicas(table(0x80, [0x70, 0x60]), at(0x45))).toBe(false)
  })

  it('knows the owner of an id among the peers it knows', () => {
    const peers = table(0x80, [0x20, 0x50, 0xc0])
    expect(
      positions([0x10, 0x20, 0x21, 0x51, 0x81, 0xc1].map((id) => knownResponsible(peers, at(id)))),
    ).toEqual([0x20, 0x20, 0x50, 0x80, 0xc0, 0x20])
  })

  it('R6940-10.7.4.2-02 R6940-10.7.4.3-01 fingers are peers of their range, listed in ascending order', () => {
    const peers = table(0, [0x90, 0x81, 0x50, 0x18])
    expect(positions([finger(peers, 1)!])).toEqual([0x81])
    expect(positions([finger(peers, 2)!])).toEqual([0x50])
    expect(finger(peers, 3)).toBeUndefined()
    expect(positions(fingerList(peers))).toEqual([0x18, 0x50, 0x81])
  })

  it('R6940-10.7.4.2-01 R6940-10.7.4.2-03 only ranges that may hold an unknown peer are searched, far ones first', () => {
    const peers = table(0, [0x01, 0x02, 0x03, 0x04, 0xf1, 0xf2, 0xf3, 0xf4])
    expect(openFingers(peers)).toEqual([2, 3, 4, 5])
    const found = new Map<number, number>()
    const random = new SeededRandom('walk')
    for (let i = 0; i < 400; i++) {
      const search = fingerToSearch(peers, random)
      found.set(search?.index ?? 0, (found.get(search?.index ?? 0) ?? 0) + 1)
    }
    expect(found.get(2)).toBeGreaterThan(found.get(3) as number)
    expect(found.get(3)).toBeGreaterThan(found.get(5) as number)
  })

  it('estimates the number of peers, exactly while it knows them all', () => {
    expect(sizeEstimate(table(0, []))).toBe(1)
    expect(sizeEstimate(table(0, [0x40, 0x80, 0xc0]))).toBe(4)
    const many = table(
      0,
      [...Array(8).keys()].map((i) => (i < 4 ? i + 1 : 252 + i - 4)),
    )
    expect(sizeEstimate(many)).toBeGreaterThan(150)
    expect(sizeEstimate(many)).toBeLessThan(350)
  })

  it('R6940-10.9-02 a Leave tells predecessors the successors and successors the predecessors', () => {
    const peers = table(0x80, [0x50, 0x60, 0x70, 0x75, 0x90, 0xa0, 0xb0, 0xc0])
    const behind = leaveDataFor(peers, at(0x70))
    expect(behind.type).toBe(FROM_SUCCESSOR)
    expect(positions(behind.nodes)).toEqual([0x90, 0xa0, 0xb0, 0xc0])
    const ahead = leaveDataFor(peers, at(0xa0))
    expect(ahead.type).toBe(FROM_PREDECESSOR)
    expect(positions(ahead.nodes)).toEqual([0x75, 0x70, 0x60, 0x50])
  })

  it('R6940-10.7.3-02 tells who would be a neighbor, and whose tables lack us', () => {
    const others = [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x90, 0xa0].map((id) => at(id))
    expect(wouldBeNeighbor(at(0x80), at(0x85), others)).toBe(true)
    expect(wouldBeNeighbor(at(0x80), at(0x35), others)).toBe(false)
    const named = { predecessors: others.slice(0, 4).reverse(), successors: others.slice(4, 8), fingers: [] }
    expect(misses(at(0x45), named, at(0x48))).toBe(true)
    expect(misses(at(0x45), named, at(0x99))).toBe(false)
    expect(misses(at(0x45), named, at(0x50))).toBe(false)
  })
})
