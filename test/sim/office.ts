/**
 * An office of some nodes over days: phones that refresh in their own rhythm, are moved to other nodes, are switched off with and
 * without a word and come back under another address; nodes that die and come back; calls and messages between all of them. What must
 * come of each call is known beforehand, because the office knows better than the nodes where everybody is.
 */
import type { Random } from '../../src/common/random.ts'
import type { Millis } from '../../src/common/time.ts'
import { Nodes, type NodesOptions, type SimNode } from './nodes.ts'
import type { Dialog, Exchange, PhoneInit, SimPhone } from './phones.ts'

const STEP_MS: Millis = 5_000
const MINUTE: Millis = 60_000
/** A node that came back is relied on after this: its phones have registered again by then, or their bindings were kept. */
const SETTLED_MS: Millis = 2 * MINUTE
/** Nothing is expected of a phone this near to the end of its registration. */
const MARGIN_MS: Millis = 45_000
const TRY_AGAIN_MS: Millis = 20_000
const LIFETIMES_S = [60, 120, 600, 3600, 7200] as const

export interface OfficePlan {
  readonly nodes: number
  readonly users: number
  readonly options?: NodesOptions
}

/** One phone on one desk, with what is known of it. */
interface Desk {
  readonly user: string
  readonly phone: SimPhone
  readonly at: number
  readonly expiresS: number
  state: 'on' | 'leaving' | 'silent' | 'gone'
  /** When its last registration ends. */
  until: Millis
  refreshAt: Millis
  refresh: Exchange | undefined
  /** Its last registration was made at that time. */
  registeredAt: Millis
}

interface Test {
  readonly what: 'call' | 'message'
  readonly exchange: Exchange
  readonly caller: Desk
  readonly must: 'answer' | 'absent' | 'nobody'
  readonly ring: readonly Desk[]
  readonly situation: string
  endsAt: Millis | undefined
  bye: Exchange | undefined
}

export class Office {
  readonly nodes: Nodes
  readonly faults: string[] = []
  readonly counts = {
    answer: 0,
    absent: 0,
    nobody: 0,
    registers: 0,
    moves: 0,
    crashes: 0,
    leaves: 0,
    byes: 0,
  }
  private readonly random: Random
  private readonly desks: Desk[] = []
  private tests: Test[] = []
  /** When each node was last seen not to be there. */
  private readonly upSince: Millis[] = []
  private readonly downUntil = new Map<number, Millis>()
  private readonly leaving = new Set<number>()

  constructor(seed: string, plan: OfficePlan) {
    this.nodes = new Nodes(seed, plan.options).users(plan.users).grow(plan.nodes)
    this.random = this.nodes.world.fork('office')
    for (let at = 0; at < plan.nodes; at++) this.upSince.push(this.now - SETTLED_MS)
    for (let user = 0; user < plan.users; user++) {
      this.furnish(`u${user}`)
      if (this.random.int(3) === 0) this.furnish(`u${user}`)
    }
  }

  private get now(): Millis {
    return this.nodes.world.now.ms
  }

  run(forMs: Millis): void {
    const end = this.now + forMs
    while (this.now < end) {
      this.nodes.world.run(STEP_MS)
      this.repairNodes()
      for (const desk of this.desks) this.tend(desk)
      this.tests = this.tests.filter((test) => !this.judge(test))
      this.happen()
    }
    for (let turn = 0; turn < 180 && this.tests.length > 0; turn++) {
      this.nodes.world.run(STEP_MS)
      this.tests = this.tests.filter((test) => !this.judge(test))
    }
    for (const { situation } of this.tests) this.fault(`never ends: ${situation}`)
  }

  private furnish(user: string): void {
    const at = this.random.int(this.upSince.length)
    const init: PhoneInit =
      this.random.int(3) === 0
        ? { transport: 'tcp' }
        : this.random.int(3) === 0
          ? { shownHost: `192.168.178.${20 + (this.desks.length % 200)}` }
          : {}
    const phone = this.nodes.phone(user, this.nodes.node(at), init)
    phone.manner = { kind: 'answer', afterMs: 3_000 + this.random.int(4_000) }
    const expiresS = LIFETIMES_S[this.random.int(LIFETIMES_S.length)] as number
    const { now } = this
    this.desks.push({
      user,
      phone,
      at,
      expiresS,
      state: 'on',
      until: now,
      refreshAt: now,
      refresh: undefined,
      registeredAt: Number.NEGATIVE_INFINITY,
    })
  }

  /** What the phone does by itself. */
  private tend(desk: Desk): void {
    const { now } = this
    const { refresh } = desk
    if (refresh?.done === true) {
      desk.refresh = undefined
      const ended = refresh.endedAt ?? now
      if (desk.state === 'leaving') {
        if (refresh.status === 200) {
          desk.state = 'gone'
          desk.until = ended
        } else desk.refreshAt = now + TRY_AGAIN_MS
      } else if (refresh.status === 200) {
        this.counts.registers++
        desk.until = ended + 1000 * desk.expiresS
        desk.registeredAt = ended
        desk.refreshAt = now + 500 * desk.expiresS
      } else {
        if (this.stands(desk.at)) this.fault(`REGISTER got ${refresh.status}: ${this.tell(desk)}`)
        desk.refreshAt = now + TRY_AGAIN_MS
      }
    }
    if (desk.refresh !== undefined || now < desk.refreshAt) return
    if (desk.state === 'on') desk.refresh = desk.phone.register({ expiresS: desk.expiresS })
    else if (desk.state === 'leaving') desk.refresh = desk.phone.register({ expiresS: 0 })
  }

  private happen(): void {
    const what = this.random.int(200)
    if (what < 30) this.call()
    else if (what < 45) this.message()
    else if (what === 50) this.move()
    else if (what === 51) this.switchOff()
    else if (what === 52) this.kill()
  }

  private pick<T>(all: readonly T[]): T | undefined {
    return all[this.random.int(Math.max(1, all.length))]
  }

  private call(): void {
    const pair = this.pair()
    if (pair === undefined) return
    const { caller, callee, known } = pair
    this.tests.push({
      what: 'call',
      exchange: caller.phone.call(callee),
      caller,
      ...known,
      endsAt: undefined,
      bye: undefined,
    })
  }

  private message(): void {
    const pair = this.pair()
    if (pair === undefined) return
    const { caller, callee, known } = pair
    this.tests.push({
      what: 'message',
      exchange: caller.phone.message(callee),
      caller,
      ...known,
      endsAt: undefined,
      bye: undefined,
    })
  }

  private pair():
    { caller: Desk; callee: string; known: Pick<Test, 'must' | 'ring' | 'situation'> } | undefined {
    const caller = this.pick(this.desks.filter((desk) => this.reachable(desk) && this.stands(desk.at)))
    const callee = this.pick(this.desks)
    if (caller === undefined || callee === undefined || caller.user === callee.user) return undefined
    // Who looks somebody up needs all nodes that may hold the entry.
    if (this.upSince.some((_, at) => !this.stands(at))) return undefined
    const theirs = this.desks.filter(({ user }) => user === callee.user)
    if (theirs.some((desk) => !this.isCertain(desk))) return undefined
    const ring = theirs.filter((desk) => this.reachable(desk))
    const left = theirs.some((desk) => desk.state === 'silent' && desk.until > this.now)
    const must = ring.length > 0 ? 'answer' : left ? 'nobody' : 'absent'
    const situation = `${caller.user} at n${caller.at} to ${theirs.map((desk) => this.tell(desk)).join(', ')} at ${this.now}`
    return {
      caller,
      callee: `${callee.user}@${caller.phone.aor.split('@')[1] ?? ''}`,
      known: { must, ring, situation },
    }
  }

  /** Nobody can say of it that it may or may not be there. */
  private isCertain(desk: Desk): boolean {
    const { now } = this
    if (desk.refresh !== undefined || desk.state === 'leaving') return false
    if (desk.state === 'gone') return now > desk.until + STEP_MS
    if (desk.state === 'silent') return now < desk.until - MARGIN_MS || now > desk.until + MARGIN_MS
    return this.reachable(desk)
  }

  private reachable(desk: Desk): boolean {
    return (
      desk.state === 'on' &&
      desk.refresh === undefined &&
      desk.until > this.now + MARGIN_MS &&
      this.stands(desk.at) &&
      desk.registeredAt > (this.upSince[desk.at] as Millis)
    )
  }

  private judge(test: Test): boolean {
    const { exchange, caller, ring, must, situation } = test
    const { now } = this
    if (test.bye !== undefined) {
      if (!test.bye.done) return false
      this.counts.byes++
      if (test.bye.status !== 200 && this.stands(caller.at))
        this.fault(`BYE got ${test.bye.status}: ${situation}`)
      return true
    }
    if (!exchange.done) {
      if (now - exchange.began > 3 * MINUTE) {
        this.fault(`no answer after three minutes: ${situation}`)
        return true
      }
      return false
    }
    if (test.endsAt === undefined) {
      test.endsAt = now + this.random.int(10) * MINUTE
      this.counts[must]++
      const { status } = exchange
      const right =
        must === 'answer'
          ? status === 200
          : must === 'absent'
            ? status === 480 || status === 404
            : [408, 480].includes(status)
      if (!right) this.fault(`${test.what} got ${status} instead of ${must}: ${situation}`)
      for (const desk of ring) {
        const rung =
          test.what === 'call'
            ? desk.phone.rung.filter(({ invite }) => invite.callId === exchange.callId).length
            : desk.phone.requests.filter(({ callId }) => callId === exchange.callId).length
        if (rung !== 1 && (test.what === 'call' || ring.length === 1))
          this.fault(`${this.tell(desk)} rang ${rung} times: ${situation}`)
      }
    }
    if (test.what === 'message' || exchange.dialog === undefined) return true
    if (now < test.endsAt) return false
    test.bye = caller.phone.bye(exchange.dialog satisfies Dialog)
    return false
  }

  private move(): void {
    const desk = this.pick(this.desks.filter(({ state, refresh }) => state === 'on' && refresh === undefined))
    if (desk === undefined) return
    this.counts.moves++
    desk.state = 'leaving'
    desk.refreshAt = this.now
    this.furnish(desk.user)
  }

  private switchOff(): void {
    const desk = this.pick(this.desks.filter(({ state, refresh }) => state === 'on' && refresh === undefined))
    if (desk === undefined || this.busy(desk)) return
    desk.phone.unplug()
    desk.state = 'silent'
    if (this.random.int(2) === 0) this.furnish(desk.user)
  }

  private busy(desk: Desk): boolean {
    return this.tests.some(({ caller, ring }) => caller === desk || ring.includes(desk))
  }

  private kill(): void {
    if (this.upSince.some((_, at) => !this.stands(at))) return
    // What is under way now may end as it will.
    this.tests = []
    const at = this.random.int(this.upSince.length)
    const way = this.random.int(3)
    if (way === 2) {
      this.counts.leaves++
      this.leaving.add(at)
      this.nodes.node(at).input({ kind: 'drain' })
    } else {
      this.counts.crashes++
      this.nodes.crash(this.nodes.node(at), way === 0)
    }
    this.downUntil.set(at, this.now + 1_000 + this.random.int(10) * 30_000)
    this.upSince[at] = Number.POSITIVE_INFINITY
  }

  private repairNodes(): void {
    for (const [at, until] of this.downUntil) {
      if (this.now < until) continue
      const node: SimNode = this.nodes.node(at)
      if (this.leaving.has(at)) {
        // A process that has left ends; one that does not get that far is ended.
        if (!node.left && this.now < until + 3 * MINUTE) continue
        if (!node.left) this.fault(`n${at} does not leave`)
        this.leaving.delete(at)
        this.nodes.crash(node)
      } else if (node.running) {
        if (node.state !== 'joined') continue
        this.upSince[at] = this.now
        this.downUntil.delete(at)
        // As people do who find their phone without a line.
        for (const desk of this.desks)
          if (desk.at === at && desk.state === 'on' && desk.refresh === undefined)
            desk.refreshAt = this.now + this.random.int(30_000)
      } else this.nodes.restart(node)
    }
  }

  private stands(at: number): boolean {
    return this.now > (this.upSince[at] as Millis) + SETTLED_MS
  }

  private tell({ user, phone, at, state, until, expiresS }: Desk): string {
    return `${user} (${phone.contact} n${at} ${state} ${expiresS} until ${Math.round(until)})`
  }

  private fault(text: string): void {
    this.faults.push(`${text}; ${this.nodes.replay()}`)
  }
}
