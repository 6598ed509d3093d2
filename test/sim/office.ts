/**
 * An office of some nodes over days: phones that refresh in their own rhythm, are moved to other nodes, are switched off with and
 * without a word and come back under another address; nodes that die and come back; calls and messages between all of them. What must
 * come of each call is known beforehand, because the office knows better than the nodes where everybody is. Some phones are registered at
 * two nodes, some refuse, some ring until the caller gives up; either side hangs up.
 */
import type { Random } from '../../src/common/random.ts'
import type { Millis } from '../../src/common/time.ts'
import { Nodes, type NodesOptions, type SimNode } from './nodes.ts'
import type { Dialog, Exchange, Manner, PhoneInit, Ringing, SimPhone } from './phones.ts'

const STEP_MS: Millis = 5_000
const MINUTE: Millis = 60_000
/** A node that came back is relied on after this: its phones have registered again by then, or their bindings were kept. */
const SETTLED_MS: Millis = 2 * MINUTE
/** Nothing is expected of a phone this near to the end of its registration. */
const MARGIN_MS: Millis = 45_000
const TRY_AGAIN_MS: Millis = 20_000
/** A node that is down for that long is known to be by the others. */
const MISSED_MS: Millis = 90_000
/** How long callers let phones ring that nobody answers. */
const PATIENCE_MS: Millis = 25_000
const LIFETIMES_S = [60, 120, 600, 3600, 7200] as const

export interface OfficePlan {
  readonly nodes: number
  readonly users: number
  readonly options?: NodesOptions
}

/** One phone on one desk at one node, with what is known of it. Phones that are registered at two nodes have two of these. */
interface Desk {
  readonly user: string
  readonly phone: SimPhone
  readonly at: number
  /** The node is also the phone's outbound proxy. */
  readonly first: boolean
  readonly contact: string
  readonly expiresS: number
  state: 'on' | 'leaving' | 'silent' | 'gone'
  /** When its last registration ends. */
  until: Millis
  refreshAt: Millis
  refresh: Exchange | undefined
  /** Its last registration was made at that time. */
  registeredAt: Millis
}

/** `nobody`: a phone is registered and says nothing. `unanswered`: it rings until the caller gives up. */
type Outcome = 'answer' | 'absent' | 'nobody' | 'busy' | 'declined' | 'unanswered'

const STATUSES: Readonly<Record<Outcome, readonly number[]>> = {
  answer: [200],
  absent: [404, 480],
  nobody: [408, 480],
  busy: [486],
  declined: [603],
  // What another phone has said, or kept to itself, is as good.
  unanswered: [408, 480, 486, 487],
}

interface Test {
  readonly what: 'call' | 'message'
  readonly exchange: Exchange
  readonly caller: Desk
  readonly must: Outcome
  /** One for each phone. */
  readonly ring: readonly Desk[]
  readonly situation: string
  endsAt: Millis | undefined
  info: Exchange | undefined
  bye: Exchange | undefined
}

export class Office {
  readonly nodes: Nodes
  readonly faults: string[] = []
  readonly counts = {
    answer: 0,
    absent: 0,
    nobody: 0,
    busy: 0,
    declined: 0,
    unanswered: 0,
    registers: 0,
    drops: 0,
    missing: 0,
    moves: 0,
    crashes: 0,
    leaves: 0,
    byes: 0,
  }
  private readonly random: Random
  private readonly badLines: boolean
  private readonly desks: Desk[] = []
  private tests: Test[] = []
  /** When each node was last seen not to be there. */
  private readonly upSince: Millis[] = []
  private readonly downUntil = new Map<number, Millis>()
  private readonly downSince = new Map<number, Millis>()
  private readonly leaving = new Set<number>()

  constructor(seed: string, plan: OfficePlan) {
    this.nodes = new Nodes(seed, plan.options).users(plan.users).grow(plan.nodes)
    this.random = this.nodes.world.fork('office')
    this.badLines = plan.options?.faults !== undefined
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
      for (const desk of this.desks) this.tend(desk)
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
    phone.manner = this.manner()
    const expiresS = LIFETIMES_S[this.random.int(LIFETIMES_S.length)] as number
    const instance = `;+sip.instance="<urn:uuid:00000000-0000-1000-8000-${String(this.desks.length).padStart(12, '0')}>"`
    const contact = `${phone.contact}${this.random.int(2) === 0 ? instance : ''}`
    this.place({ user, phone, at, first: true, contact, expiresS })
    if (this.upSince.length < 2 || this.random.int(3) > 0) return
    const other = (at + 1 + this.random.int(this.upSince.length - 1)) % this.upSince.length
    this.place({ user, phone, at: other, first: false, contact, expiresS })
  }

  private manner(): Manner {
    const kind = this.random.int(10)
    if (kind === 0) return { kind: 'ring' }
    if (kind === 1) return { kind: 'refuse', status: this.random.int(3) === 0 ? 603 : 486 }
    return { kind: 'answer', afterMs: 3_000 + this.random.int(4_000) }
  }

  private place(desk: Pick<Desk, 'user' | 'phone' | 'at' | 'first' | 'contact' | 'expiresS'>): void {
    const { now } = this
    this.desks.push({
      ...desk,
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
    const { contact, phone } = desk
    const registrar = this.nodes.node(desk.at).sipHost
    if (desk.state === 'on') desk.refresh = phone.register({ expiresS: desk.expiresS, contact, registrar })
    else if (desk.state === 'leaving') desk.refresh = phone.register({ expiresS: 0, contact, registrar })
  }

  private happen(): void {
    const what = this.random.int(200)
    if (what < 30) this.call()
    else if (what < 45) this.message()
    else if (what === 50) this.move()
    else if (what === 51) this.switchOff()
    else if (what === 52) this.kill()
    else if (what === 53) this.drop()
  }

  private pick<T>(all: readonly T[]): T | undefined {
    return all[this.random.int(Math.max(1, all.length))]
  }

  private call(): void {
    const pair = this.pair('call')
    if (pair === undefined) return
    const { caller, callee, known } = pair
    this.tests.push({
      what: 'call',
      exchange: caller.phone.call(callee),
      caller,
      ...known,
      endsAt: undefined,
      info: undefined,
      bye: undefined,
    })
  }

  private message(): void {
    const pair = this.pair('message')
    if (pair === undefined) return
    const { caller, callee, known } = pair
    this.tests.push({
      what: 'message',
      exchange: caller.phone.message(callee),
      caller,
      ...known,
      endsAt: undefined,
      info: undefined,
      bye: undefined,
    })
  }

  private pair(
    what: Test['what'],
  ): { caller: Desk; callee: string; known: Pick<Test, 'must' | 'ring' | 'situation'> } | undefined {
    const caller = this.pick(this.desks.filter((desk) => desk.first && this.reachable(desk)))
    const callee = this.pick(this.desks)
    if (caller === undefined || callee === undefined || caller.user === callee.user) return undefined
    // Who looks somebody up needs all nodes that may hold the entry, or that the others know who is not there.
    if (this.upSince.some((_, at) => !this.stands(at) && !this.isMissed(at))) return undefined
    const theirs = this.desks.filter(({ user }) => user === callee.user)
    if (theirs.some((desk) => !this.isCertain(desk))) return undefined
    const all = theirs.filter((desk) => this.reachable(desk))
    const ring = all.filter((desk) => all.find(({ phone }) => phone === desk.phone) === desk)
    const left = theirs.some((desk) => desk.until > this.now && !this.reachable(desk))
    // Which of "busy" and the silence of another phone is the better answer is not for here; and who declines for all is heard only when that
    // silence is over (RFC 3261 s.16.7 item 5), while phones at other nodes may have answered.
    const refuse = ring.filter(({ phone }) => phone.manner.kind === 'refuse')
    if (left && refuse.length > 0 && (refuse.length === ring.length || refuse.some(declines)))
      return undefined
    const must = ring.length > 0 ? outcome(what, ring) : left ? 'nobody' : 'absent'
    if (this.upSince.some((_, at) => this.isMissed(at))) this.counts.missing++
    const situation = `${caller.user} at n${caller.at} to ${theirs
      .filter(({ state, until }) => state === 'on' || until > this.now)
      .map((desk) => this.tell(desk))
      .join(', ')} at ${this.now}`
    return {
      caller,
      callee: `${callee.user}@${caller.phone.aor.split('@')[1] ?? ''}`,
      known: { must, ring, situation },
    }
  }

  /** Nobody can say of it that it may or may not be there. */
  private isCertain(desk: Desk): boolean {
    const { now } = this
    if (desk.state === 'leaving') return false
    if (desk.state === 'gone') return now > desk.until + STEP_MS
    if (desk.refresh !== undefined && !this.isMissed(desk.at)) return false
    // What a node that is down has stored lives on for a while.
    if (this.isMissed(desk.at)) return now < desk.until - MARGIN_MS || now > desk.until + 5 * MINUTE
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
    const { exchange, caller, must, situation } = test
    const { now } = this
    if (!exchange.done) {
      const lasts = now - exchange.began
      if (lasts > 3 * MINUTE) this.fault(`no answer after three minutes: ${situation}`)
      if (must === 'unanswered' && !exchange.cancelled && lasts > PATIENCE_MS) caller.phone.cancel(exchange)
      return lasts > 3 * MINUTE
    }
    if (test.endsAt === undefined) {
      this.counts[must]++
      this.judgeAnswer(test)
      test.endsAt = now + (exchange.dialog === undefined ? MINUTE : this.random.int(10) * MINUTE)
    }
    if (test.what === 'message') return true
    if (exchange.dialog === undefined) return now >= test.endsAt && this.judgeEnd(test)
    return this.talk(test, exchange.dialog, test.endsAt)
  }

  private judgeAnswer(test: Test): void {
    const { exchange, ring, must, what, situation } = test
    // A phone that registered while others rang has been rung as well.
    const late = this.desks.some(
      ({ user, registeredAt }) => user === ring[0]?.user && registeredAt > exchange.began,
    )
    if (!STATUSES[must].includes(exchange.status) && !(late && must === 'unanswered'))
      this.fault(`${what} got ${exchange.status} instead of ${must}: ${situation}`)
    // A MESSAGE is at its goal when one phone has it; who declines for all may do so before the others ring.
    if (must === 'declined' || (what === 'message' && ring.length > 1)) return
    for (const desk of ring) {
      const times =
        what === 'call'
          ? rings(desk, exchange).length
          : desk.phone.requests.filter(({ callId }) => callId === exchange.callId).length
      // On bad lines the first node may be silent for the second after which the other one is asked (docs/adr/0019).
      const most = this.badLines && this.desksOf(desk.phone).length > 1 ? 2 : 1
      if (times < 1 || times > most) this.fault(`${this.tell(desk)} rang ${times} times: ${situation}`)
    }
  }

  /** INFO in the middle, BYE at the end, of either side. True when it is over. */
  private talk(test: Test, dialog: Dialog, endsAt: Millis): boolean {
    const { caller, ring, situation, exchange } = test
    const { now } = this
    if (test.bye !== undefined) {
      if (!test.bye.done) return false
      this.counts.byes++
      if (test.bye.status !== 200) this.fault(`BYE got ${test.bye.status}: ${situation}`)
      if (!dialog.ended) this.fault(`the caller was not told the end: ${situation}`)
      return this.judgeEnd(test)
    }
    const phones = [caller, ...ring].map(({ phone }) => phone)
    if (this.desks.some(({ refresh, phone }) => refresh !== undefined && phones.includes(phone))) return false
    const answered = ring.flatMap((desk) =>
      rings(desk, exchange).map(({ dialog: theirs }) => ({ desk, theirs })),
    )
    const far = answered.find(
      ({ theirs }) => theirs !== undefined && tagOf(theirs.local) === tagOf(dialog.remote),
    )
    const ends: (readonly [SimPhone, Dialog])[] = [[caller.phone, dialog]]
    if (far?.theirs !== undefined) ends.push([far.desk.phone, far.theirs])
    const [phone, own] = this.pick(ends) as readonly [SimPhone, Dialog]
    if (test.info === undefined) {
      if (endsAt - now < 4 * MINUTE) test.info = phone.inDialog('INFO', own)
      return false
    }
    if (now < endsAt || !test.info.done) return false
    if (test.info.status !== 200) this.fault(`INFO got ${test.info.status}: ${situation}`)
    test.bye = phone.bye(own)
    return false
  }

  /** A minute behind the last response, or with the end of the call: nobody rings any more. */
  private judgeEnd({ ring, exchange, situation }: Test): true {
    for (const desk of ring)
      if (rings(desk, exchange).some(({ status }) => status === 180))
        this.fault(`${this.tell(desk)} still rings: ${situation}`)
    return true
  }

  private move(): void {
    const desk = this.pick(this.desks.filter(({ state, refresh }) => state === 'on' && refresh === undefined))
    if (desk === undefined) return
    // Who has another connection than when the call began is found by his registration.
    if (desk.contact.includes('=tcp') && this.busy(desk)) return
    // Who takes back his registration while he calls is nobody any more to the peers that ask for it.
    if (this.tests.some(({ caller, exchange }) => caller.phone === desk.phone && !exchange.done)) return
    const desks = this.desksOf(desk.phone)
    if (desks.some(({ refresh }) => refresh !== undefined)) return
    this.counts.moves++
    for (const each of desks) {
      each.state = 'leaving'
      each.refreshAt = this.now
    }
    this.furnish(desk.user)
  }

  private switchOff(): void {
    const desk = this.pick(this.desks.filter(({ state }) => state === 'on'))
    if (desk === undefined || this.busy(desk)) return
    const desks = this.desksOf(desk.phone)
    if (desks.some(({ refresh }) => refresh !== undefined)) return
    desk.phone.unplug()
    for (const each of desks) each.state = 'silent'
    if (this.random.int(2) === 0) this.furnish(desk.user)
  }

  private drop(): void {
    const desk = this.pick(
      this.desks.filter(({ state, contact }) => state === 'on' && contact.includes('=tcp')),
    )
    if (desk === undefined) return
    const desks = this.desksOf(desk.phone)
    if (desks.some(({ refresh }) => refresh !== undefined)) return
    // What is under way on the connection is lost with it, as anywhere.
    if (this.tests.some((test) => takesPart(desk, test) && isUnderWay(test))) return
    this.counts.drops++
    desk.phone.drop()
    for (const each of desks) {
      each.refreshAt = this.now
      this.tend(each)
    }
  }

  private desksOf(phone: SimPhone): Desk[] {
    return this.desks.filter((desk) => desk.phone === phone)
  }

  private busy(desk: Desk): boolean {
    return this.tests.some((test) => takesPart(desk, test))
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
    this.downSince.set(at, this.now)
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
      } else {
        // Whom it is asked about meanwhile it may not know yet.
        this.tests = this.tests.filter(({ exchange }) => exchange.done)
        this.nodes.restart(node)
      }
    }
  }

  /** It is down, and the others know. */
  private isMissed(at: number): boolean {
    const since = this.downSince.get(at)
    return since !== undefined && !this.nodes.node(at).running && this.now > since + MISSED_MS
  }

  private stands(at: number): boolean {
    return this.now > (this.upSince[at] as Millis) + SETTLED_MS
  }

  private tell({ user, phone, at, state, until, expiresS }: Desk): string {
    return `${user} (${phone.contact} ${phone.manner.kind} n${at} ${state} ${expiresS} until ${Math.round(until)})`
  }

  private fault(text: string): void {
    this.faults.push(`${text}; ${this.nodes.replay()}`)
  }
}

/** What comes of it when these are there, one desk for each phone. */
function outcome(what: Test['what'], ring: readonly Desk[]): Outcome {
  if (what === 'message') return 'answer'
  const manners = ring.map(({ phone }) => phone.manner)
  if (ring.some(declines)) return 'declined'
  if (manners.some(({ kind }) => kind === 'answer')) return 'answer'
  return manners.some(({ kind }) => kind === 'ring') ? 'unanswered' : 'busy'
}

function rings({ phone }: Desk, { callId }: Exchange): Ringing[] {
  return phone.rung.filter(({ invite }) => invite.callId === callId)
}

function takesPart({ phone }: Desk, { caller, ring }: Test): boolean {
  return caller.phone === phone || ring.some((desk) => desk.phone === phone)
}

function isUnderWay({ exchange, info, bye }: Test): boolean {
  return !exchange.done || info?.done === false || bye?.done === false
}

function tagOf(address: string): string {
  return address.slice(address.lastIndexOf(';tag='))
}

/** For all phones of the user. */
function declines({ phone: { manner } }: Desk): boolean {
  return manner.kind === 'refuse' && manner.status >= 600
}
