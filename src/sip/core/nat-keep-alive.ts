/**
 * Keeps the NAT open in front of phones on UDP that are reached by the way their REGISTER came, and notices those that are gone: OPTIONS
 * at intervals, since only what the phone itself sends is sure to refresh the NAT (RFC 4787 s.4.3), and any answer is good.
 */
import { Deadlines } from '../../common/deadlines.ts'
import { Tally } from '../../common/instruments.ts'
import type { Random } from '../../common/random.ts'
import type { Millis } from '../../common/time.ts'
import { buildRequest } from '../message/index.ts'
import type { Binding } from '../registrar/index.ts'
import type { Hop } from '../transaction/index.ts'
import type { OwnRequests } from './own-requests.ts'
import type { RandomText } from './random-text.ts'

/** Rounds in a row without an answer after which a phone that used to answer is gone. Judgement: two may be lost with a packet or a reboot. */
const MISSED_MAX = 3
/** OPTIONS under way; beyond it a phone gets an empty line instead, which asks for no answer and needs no transaction. */
const UNDER_WAY_MAX = 2_000
const EMPTY = new Uint8Array([13, 10, 13, 10])

export interface NatKeepAliveComponents {
  readonly random: Random
  readonly texts: RandomText
  readonly requests: Pick<OwnRequests, 'send'>
  /** Sends bytes that are no message. */
  readonly datagram: (hop: Hop, bytes: Uint8Array) => void
  readonly bindings: (aor: string) => readonly Binding[]
  /** A phone that used to answer does not any more. */
  readonly lost: (now: Millis, aor: string, binding: Binding) => void
}

interface Kept {
  readonly aor: string
  /** By the address that the phone is reached at. */
  readonly phones: Map<string, { answered: boolean; missed: number; asked: boolean }>
}

export class NatKeepAlive {
  readonly failures = new Tally(['udp'])
  private readonly components: NatKeepAliveComponents
  private readonly everyMs: Millis
  private readonly domain: string
  private readonly deadlines = new Deadlines<Kept>()
  private readonly kept = new Map<string, Kept>()
  private underWay = 0

  /** `everyS` 0: never. `domain` stands in From. */
  constructor(
    components: NatKeepAliveComponents,
    init: { readonly everyS: number; readonly domain: string },
  ) {
    this.components = components
    this.everyMs = 1000 * init.everyS
    this.domain = init.domain
  }

  nextDeadline(): Millis {
    return this.deadlines.next()
  }

  /** The bindings of an AOR are these now. */
  watch(now: Millis, aor: string, bindings: readonly Binding[]): void {
    if (this.everyMs === 0 || this.kept.has(aor) || !bindings.some(needsKeepAlive)) return
    const kept: Kept = { aor, phones: new Map() }
    this.kept.set(aor, kept)
    // Those that have registered together are not asked together.
    this.deadlines.set(now + this.everyMs * (0.5 + 0.5 * this.components.random.float()), kept)
  }

  expire(now: Millis): void {
    for (let due = this.deadlines.pop(now); due !== undefined; due = this.deadlines.pop(now))
      this.round(now, due)
  }

  private round(now: Millis, kept: Kept): void {
    const bindings = this.components.bindings(kept.aor).filter(needsKeepAlive)
    if (bindings.length === 0) {
      this.kept.delete(kept.aor)
      return
    }
    const places = new Set(bindings.map(placeOf))
    for (const place of kept.phones.keys()) if (!places.has(place)) kept.phones.delete(place)
    for (const binding of bindings) this.ask(now, kept, binding)
    this.deadlines.set(now + this.everyMs, kept)
  }

  private ask(now: Millis, kept: Kept, binding: Binding): void {
    const { components } = this
    const hop: Hop = binding.reach
    const place = placeOf(binding)
    const phone = kept.phones.get(place) ?? { answered: false, missed: 0, asked: false }
    kept.phones.set(place, phone)
    if (phone.asked || this.underWay >= UNDER_WAY_MAX) {
      components.datagram(hop, EMPTY)
      return
    }
    phone.asked = true
    this.underWay++
    const tag = components.texts.hex(6)
    const callId = components.texts.hex(12)
    const own = `<sip:${this.domain}>`
    components.requests.send(now, {
      method: 'OPTIONS',
      uri: binding.contact,
      way: { kind: 'hop', hop },
      bytes: (via) =>
        buildRequest({
          method: 'OPTIONS',
          uri: binding.contact,
          headers: [
            ['Via', via],
            ['Max-Forwards', '70'],
            ['From', `${own};tag=${tag}`],
            ['To', `<${binding.contact}>`],
            ['Call-ID', callId],
            ['CSeq', '1 OPTIONS'],
          ],
        }),
      done: (at, response) => {
        this.underWay--
        phone.asked = false
        if (response !== undefined) {
          phone.answered = true
          phone.missed = 0
        } else if (++phone.missed >= MISSED_MAX && phone.answered) {
          kept.phones.delete(place)
          this.failures.add('udp')
          components.lost(at, kept.aor, binding)
        }
      },
    })
  }
}

/** Outbound phones keep their flows open themselves (RFC 5626 s.4.4), and what lies behind another proxy is that proxy's. */
function needsKeepAlive(binding: Binding): boolean {
  const { kind, reach, direct, flowLost, regId, path } = binding
  return (
    kind === 'device' &&
    reach.transport === 'udp' &&
    !direct &&
    !flowLost &&
    regId === undefined &&
    path.length === 0
  )
}

function placeOf({ reach }: Binding): string {
  return `${reach.host} ${reach.port}`
}
