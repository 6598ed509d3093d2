/**
 * Two to five nodes, as most overlays have, through random days: nodes are killed, lose their power or their disk, stand still and start
 * again, on calm and on bad lines, and in half of the days the founder dies for good. As long as somebody is left in the ring, all come
 * together again, and where no disk was lost everybody finds what was stored before.
 */
import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../src/common/random.ts'
import { key, KIND } from '../../src/reload/index.ts'
import { ringFaults } from '../../src/sim/checkers/ring.ts'
import { CALM, type Faults } from '../../src/sim/faults.ts'
import { Overlay, type SimPeer } from '../../src/sim/overlay.ts'
import { registeredKeys, registration } from '../../src/sim/values.ts'

/** More with `DAYS=2000 FIRST=500 npx vitest run --project unit test/sim/small-sites.test.ts`. */
const DAYS = Number(process.env['DAYS'] ?? 120)
const FIRST = Number(process.env['FIRST'] ?? 0)
/**
 * Here one stayed outside for ever: a neighbor came back and went while a way in was tried; a request to join was sent back to who asked,
 * whom others had in their tables from its former life.
 */
const ONCE_LOST = [
  { day: 184, disks: 1 },
  { day: 6188, disks: 2 },
]
/** A node whose disk is gone and whose founder is dead waits until the others, one address every 15 s, come to it. */
const TOGETHER_MS = 90_000
/** So many nodes hold everything that is stored. */
const HOLD_ALL = 3

class Day {
  readonly overlay: Overlay
  private readonly random: SeededRandom
  private readonly said: string[] = []
  private readonly down = new Set<string>()
  private readonly founderDies: boolean
  private readonly count: number
  private wiped = 0
  /** So many may lose their disks. */
  private readonly disks: number

  constructor(seed: string, disks: number) {
    this.disks = disks
    this.random = new SeededRandom(seed)
    this.count = 2 + this.random.int(4)
    this.overlay = new Overlay(seed, { faults: lines(this.random) })
    this.founderDies = this.random.int(2) === 0
  }

  /** Undefined when it went well. */
  run(): string | undefined {
    const { overlay, random } = this
    overlay.grow(this.count, random.int(200))
    if (!overlay.world.runUntil(() => ringFaults(overlay, 1).length === 0, TOGETHER_MS))
      return this.fault('start')
    const alice = overlay.user('alice@dht.example.com')
    const resource = overlay.resource('alice@dht.example.com')
    const home = overlay.peers[0] as SimPeer
    if (!overlay.store(home, resource, [registration(alice, home.nodeId)], alice).ok)
      return this.fault('store')
    overlay.world.run(5_000 + random.int(15_000))
    for (let left = 3 + random.int(8); left > 0; left--) this.happen()
    for (const peer of [...overlay.peers]) if (this.mayStart(peer)) this.restart(peer)
    // One alone is no ring (docs/adr/0005).
    if (overlay.running.length < 2) return undefined
    if (!overlay.world.runUntil(() => ringFaults(overlay, 1).length === 0, TOGETHER_MS))
      return this.fault(ringFaults(overlay, 3).join('; '))
    if (this.count > HOLD_ALL || this.wiped > 0) return undefined
    for (const peer of overlay.running) {
      const found = overlay.fetch(peer, resource, KIND.sipRegistration)
      if (!found.ok || registeredKeys(found.value).join() !== key(alice.nodeId))
        return this.fault(`${peer.name} does not find alice`)
    }
    return undefined
  }

  private happen(): void {
    const { overlay, random, down } = this
    const what = random.int(5)
    const peer = overlay.peers[random.int(overlay.peers.length)] as SimPeer
    const others = overlay.running.filter((other) => other !== peer)
    // Somebody stays who is in the ring: from nobody nobody comes back where the founder is dead (docs/adr/0031).
    const stays = others.some(({ joined, state }) => joined || state === 'isolated')
    if (down.has(peer.name)) {
      if (what > 2 && this.mayStart(peer)) this.restart(peer)
    } else if (what <= 2 && stays) this.crash(peer)
    else if (what === 3 && stays) this.standStill(peer)
    overlay.world.run(random.int(3) === 0 ? random.int(20_000) : random.int(1_500))
  }

  private crash(peer: SimPeer): void {
    const silent = this.random.int(4) === 0
    this.overlay.crash(peer, silent)
    this.down.add(peer.name)
    this.say(`${silent ? 'power lost' : 'killed'} ${peer.name}`)
    // Two that have lost their disks, one after the other, and the founder know of each other by the founder alone.
    if (peer.name === 'p0' || this.wiped === this.disks || this.random.int(6) > 0) return
    this.overlay.network.disk(peer.name).wipe()
    this.wiped++
    this.say(`disk lost ${peer.name}`)
  }

  private standStill(peer: SimPeer): void {
    const ms = this.random.int(15_000)
    this.say(`stands still ${peer.name} ${ms}`)
    peer.host.freeze()
    this.overlay.world.run(ms)
    peer.host.thaw()
  }

  private mayStart(peer: SimPeer): boolean {
    return this.down.has(peer.name) && !(this.founderDies && peer.name === 'p0')
  }

  /** All others are told of the founder, and of nobody else. */
  private restart(peer: SimPeer): void {
    const founder = this.overlay.peers[0] as SimPeer
    const way = peer === founder ? { founder: true, bootstrap: [] } : { bootstrap: [founder.address] }
    this.overlay.restart(peer, way)
    this.down.delete(peer.name)
    this.say(`started ${peer.name}`)
  }

  private say(what: string): void {
    this.said.push(`${Math.floor(this.overlay.world.now.ms)} ${what}`)
  }

  private fault(what: string): string {
    return `${this.overlay.world.seed}: ${this.said.join(', ')}: ${what}`
  }
}

function lines(random: SeededRandom): Faults {
  const kind = random.int(3)
  if (kind === 0) return CALM
  const slow = { ...CALM, latencyMs: 1 + random.int(30), jitterMs: random.int(80) }
  return kind === 1
    ? slow
    : { ...slow, overtakeChance: 0.05, overtakeMs: 1_000, lossChance: 0.02, resetChance: 0.0005 }
}

describe('small sites', () => {
  it(`R-06 come together again within a minute and a half, whoever died and started meanwhile (${DAYS} days)`, () => {
    const faults: string[] = []
    const days = Array.from({ length: DAYS }, (_, index) => ({ day: FIRST + index, disks: 1 }))
    for (const { day, disks } of [...days, ...ONCE_LOST]) {
      const fault = new Day(`small ${day}`, disks).run()
      if (fault !== undefined) faults.push(fault)
    }
    expect(faults).toEqual([])
  })
})
