import { describe, expect, it } from 'vitest'
import type { SipMessage } from '../../src/sip/message/index.ts'
import { DOMAIN } from '../support/sip-phones.ts'
import { requestText, responseText } from './phone-text.ts'
import { PowerUp, type PowerUpOptions } from './power-up.ts'

const ALICE = '172.16.0.1'
const BOB = '172.16.0.2'
const SECONDS = 1_000

/** Alice and Bob, who are registered before the others get their power back, and what becomes of what they do meanwhile. */
class Registered {
  readonly world: PowerUp
  /** Final answers to calls and refreshes. */
  readonly calls: number[] = []
  readonly refreshes: number[] = []
  /** Longest time until one of them was there. */
  slowestMs = 0
  private readonly began = new Map<string, number>()
  private count = 0
  private cseq = 0

  constructor(world: PowerUp) {
    this.world = world
    for (const user of ['alice', 'bob']) world.account(user)
    world.others = (host, message) => this.received(host, message)
    this.refresh('alice', ALICE)
    this.refresh('bob', BOB)
    world.run(2 * SECONDS)
  }

  refresh(user: string, host: string): void {
    this.cseq++
    this.began.set(`${user}-${this.cseq}`, this.world.now.ms)
    this.world.send(host, this.world.registerText(user, host, `registered-${user}`, this.cseq))
  }

  call(): void {
    const callId = `call-${++this.count}`
    this.began.set(callId, this.world.now.ms)
    this.world.send(ALICE, this.request('INVITE', callId, 1))
  }

  private request(
    method: string,
    callId: string,
    cseq: number,
    routes: readonly string[] = [],
    tag = '',
    uri = `sip:bob@${DOMAIN}`,
  ): string {
    return requestText({
      method,
      uri,
      via: `SIP/2.0/UDP ${ALICE}:5060;branch=z9hG4bK${callId}-${method};rport`,
      from: `<sip:alice@${DOMAIN}>;tag=a`,
      to: `<sip:bob@${DOMAIN}>${tag}`,
      callId,
      cseq,
      routes,
      headers: [`Contact: <sip:alice@${ALICE}:5060>`],
    })
  }

  private received(host: string, message: SipMessage): void {
    if (message.isRequest) {
      if (message.method !== 'ACK')
        this.world.send(host, responseText(message, 200, 'b', [`Contact: <sip:bob@${BOB}:5060>`]))
      return
    }
    if (message.status < 200) return
    const { callId } = message
    const { method, number } = message.cseq
    if (method === 'REGISTER') {
      const user = host === ALICE ? 'alice' : 'bob'
      if (message.status === 401) {
        this.cseq++
        this.began.set(`${user}-${this.cseq}`, this.began.get(`${user}-${number}`) ?? 0)
        this.world.send(host, this.world.registerText(user, host, callId, this.cseq, message))
        return
      }
      this.refreshes.push(message.status)
      if (this.refreshes.length > 2) this.took(`${user}-${number}`)
    } else if (method === 'INVITE') {
      this.calls.push(message.status)
      this.took(callId)
      const routes = message.headers('record-route')
      const tag = `;tag=${message.to.params.get('tag') ?? ''}`
      const contact = `sip:bob@${BOB}:5060`
      this.world.send(host, this.request('ACK', callId, 1, routes, tag, contact))
      this.world.later(100, () => this.world.send(host, this.request('BYE', callId, 2, routes, tag, contact)))
    } else {
      this.calls.push(message.status)
    }
  }

  private took(what: string): void {
    this.slowestMs = Math.max(this.slowestMs, this.world.now.ms - (this.began.get(what) ?? 0))
  }
}

/** 3,000 phones in 10 s, and the calls and refreshes of two others all the while. */
function powerUp(options: PowerUpOptions): { readonly world: PowerUp; readonly registered: Registered } {
  const world = new PowerUp('avalanche', options)
  const registered = new Registered(world)
  world.crowd(3_000, 10 * SECONDS)
  for (let ms = 50; ms < 60 * SECONDS; ms += 500) {
    world.later(ms, () => registered.call())
    world.later(ms + 250, () => registered.refresh('bob', BOB))
  }
  world.run(60 * SECONDS)
  return { world, registered }
}

const CALLERS_FREE = { policy: { callOutside: 'all', strangers: 'allow' } } as const

describe('R-15 S-44 E54: the power comes back', () => {
  const { world, registered } = powerUp({
    storesPerSecond: 75,
    sip: { ...CALLERS_FREE, trusted: [{ networks: [`${ALICE}/32`], mayCallOutside: true }] },
  })
  const { phones } = world

  it('R-15 all are registered within a minute, nobody gives up', () => {
    expect(world.unregistered).toBe(0)
    expect(
      phones.flatMap(({ answers }) => answers).filter((status) => status !== 200 && status !== 503),
    ).toEqual([])
  })

  it('R-15 who is let in waits for seconds, not until its budget ends, and keeps the overlay busy', () => {
    expect(Math.max(...phones.map(({ tookMs }) => tookMs))).toBeLessThan(5 * SECONDS)
    expect(world.mostWaiting).toBeLessThanOrEqual(256)
    // 3,000 at 75 a second are 40 s.
    const last = Math.max(...phones.map(({ registeredAt }) => registeredAt ?? Infinity))
    expect(last - world.now.ms + 60 * SECONDS).toBeLessThan(50 * SECONDS)
  })

  it('E54 S-44 the others get 503 with a Retry-After of 5 to 30 s, spread out, and most of them once', () => {
    const all = phones.flatMap(({ retryAfters }) => retryAfters)
    expect(Math.min(...all)).toBeGreaterThanOrEqual(1)
    expect(Math.max(...all)).toBeLessThanOrEqual(30)
    const first = phones.flatMap(({ retryAfters }) => retryAfters.slice(0, 1))
    expect(Math.min(...first)).toBeGreaterThanOrEqual(5)
    const bySecond = new Map<number, number>()
    for (const seconds of first) bySecond.set(seconds, (bySecond.get(seconds) ?? 0) + 1)
    expect(Math.max(...bySecond.values())).toBeLessThan(first.length / 5)
    expect(all.length).toBeLessThan(2.5 * phones.length)
    expect(world.core.instruments.rateLimits.get('register')).toBe(all.length)
    expect(world.core.instruments.registrarRequests.get('overload')).toBe(all.length)
  })

  it('S-44 calls and refreshes of registered phones are answered at once all the while', () => {
    expect(registered.calls).toEqual(new Array(240).fill(200))
    expect(registered.refreshes).toEqual(new Array(122).fill(200))
    expect(registered.slowestMs).toBe(0)
  })

  it('E54 a lone phone meets no 503 afterwards', () => {
    world.crowd(1, 0)
    world.run(2 * SECONDS)
    expect(phones.at(-1)!.answers).toEqual([200])
  })
})

describe('S-25 S-45: whoever asks while it is crowded', () => {
  it('S-25 S-45 learns nothing of who has an account or a phone here', () => {
    const world = new PowerUp('asked while crowded', { storesPerSecond: 75, sip: CALLERS_FREE })
    const registered = new Registered(world)
    world.account('carol')
    world.crowd(3_000, 10 * SECONDS)
    const STRANGER = '198.51.100.9'
    const told = new Map<string, string[]>()
    const { others } = world
    world.others = (host, message) => {
      if (host !== STRANGER) return others(host, message)
      const user = message.callId.split('-')[0] as string
      told.set(user, [...(told.get(user) ?? []), `${message.status} ${message.reasonPhrase}`])
    }
    const asked = ['bob', 'carol', 'nobody']
    for (const user of asked)
      for (let ms = 500; ms < 10_000; ms += 500)
        world.later(ms, () => world.send(STRANGER, world.registerText(user, STRANGER, `${user}-asked`, ms)))
    world.run(10 * SECONDS)
    // When each is let in depends on its appointment; that somebody has to wait for one does not depend on who it is.
    const both = ['401 Unauthorized', '503 Too Many Registrations']
    for (const user of asked) expect([...new Set(told.get(user))].toSorted(), user).toEqual(both)
    expect(registered.refreshes).toEqual([200, 200])
  })
})

describe('E54 S-44: room for transactions', () => {
  it('E54 answered REGISTERs take no room from calls', () => {
    const limits = {
      headBytesMax: 65_536,
      headersMax: 256,
      viaMax: 70,
      bodyBytesMax: 1_000,
      flowsMax: 10,
      authFailuresMax: 5,
    }
    const world = new PowerUp('room', {
      storesPerSecond: 1_000,
      sip: {
        limits: { ...limits, transactionsMax: 64 },
        trusted: [{ networks: [`${ALICE}/32`], mayCallOutside: true }],
      },
    })
    const registered = new Registered(world)
    world.crowd(500, 10 * SECONDS)
    for (let ms = 50; ms < 10 * SECONDS; ms += 500) world.later(ms, () => registered.call())
    world.run(12 * SECONDS)
    expect(world.unregistered).toBe(0)
    expect(world.phones.flatMap(({ answers }) => answers).filter((status) => status !== 200)).toEqual([])
    expect(registered.calls).toEqual(new Array(40).fill(200))
    expect(world.core.snapshot().transactions.get('nist')).toBeLessThanOrEqual(64 + 64)
  })
})
