/**
 * A SIP core in a storm of broken messages, over datagrams, streams and peer flows, among neighbours that answer at once and just as
 * badly. Everything follows from the seed.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { SeededRandom } from '../../src/common/random.ts'
import type { TraceEvent } from '../../src/common/trace.ts'
import type { SipAction, SipInput, SipSettings } from '../../src/sip/core/contract.ts'
import { SipCore } from '../../src/sip/core/sip-core.ts'
import { DOMAIN, TestAccounts, testSettings } from './sip-phones.ts'
import { SipMutator } from './sip-mutations.ts'
import { responseTo, SEEDS } from './sip-seeds.ts'

const HEX = '0011223344556677889900112233445566'.slice(0, 32)
const STATUSES: readonly number[] = [
  100, 180, 183, 200, 200, 202, 302, 401, 404, 407, 408, 430, 480, 486, 491, 503, 600, 603,
]
const folder = new URL('../vectors/rfc4475/', import.meta.url)
const TORTURE = readdirSync(folder)
  .filter((file) => file.endsWith('.dat'))
  .map((file) => readFileSync(new URL(file, folder)).toString('latin1'))

/** A core among scripted neighbours that answer at once, most of them badly. */
export class Storm {
  readonly core: SipCore
  readonly faults: TraceEvent[] = []
  sent = 0
  private readonly random: SeededRandom
  private readonly mutator: SipMutator
  private readonly queue: SipInput[] = []
  private now = { ms: 1_000, wall: 1_700_000_000_000 }
  private number = 0
  private streams = 2

  constructor(seed: string, override: Partial<SipSettings>) {
    this.random = new SeededRandom(seed)
    this.mutator = new SipMutator(this.random)
    const accounts = new TestAccounts().add('alice').add('bob')
    const settings = testSettings('192.0.2.1', {
      peerIdentity: { overlay: DOMAIN, hex: HEX, gr: 'ARAAESIzRFVmd4iZqrvM3e7/' },
      ...override,
    })
    const perSource = { requests: { perSecond: 1e6, burst: 1e6 }, strangers: { perSecond: 1e6, burst: 1e6 } }
    this.core = new SipCore(
      {
        accounts,
        random: this.random.fork('core'),
        trace: (event) => {
          if (event.level === 'error') this.faults.push(event)
        },
      },
      { ...settings, limits: { ...settings.limits, authFailuresMax: 1e6, perSource } },
    )
    this.step({ kind: 'overlayAvailable', available: true })
    this.step({ kind: 'peerFlowUp', flow: 900, peer: 'ab'.repeat(16), secure: false })
    this.register('alice')
    this.register('bob')
  }

  /** One broken message by a way of its own; the ways out are followed until nothing is left. */
  blow(): void {
    const { random } = this
    const text = random.int(8) === 0 ? this.mutator.pick(TORTURE) : this.seed()
    const bytes = this.mutator.mutate(text)
    this.arrive(bytes)
    if (random.int(10) === 0) this.pass(random.int(3_000))
  }

  /** Lets time go by until nothing waits any more but registrations, and those too in the end. */
  calm(): void {
    for (let flow = 2; flow < this.streams; flow += 2) this.step({ kind: 'flowClosed', flow })
    this.step({ kind: 'flowClosed', flow: 900 })
    this.pass(400_000)
    this.pass(9_000_000)
  }

  private register(user: string): void {
    const facts = {
      ...this.facts(),
      from: user,
      host: user === 'alice' ? '10.0.0.1' : '10.0.0.2',
      port: 5060,
    }
    const bytes = Buffer.from((SEEDS[0] as (typeof SEEDS)[0])(facts), 'latin1')
    this.step({ kind: 'datagram', listener: 0, host: facts.host, port: 5060, bytes })
  }

  private facts(): Parameters<(typeof SEEDS)[0]>[0] {
    const { random } = this
    const [from, to] = random.int(2) === 0 ? (['alice', 'bob'] as const) : (['bob', 'alice'] as const)
    // Now and then the same number again, so that messages belong to each other.
    if (random.int(4) > 0) this.number++
    const transport = this.mutator.pick(['UDP', 'TCP'])
    return { domain: DOMAIN, host: '10.0.0.1', port: 5060, transport, number: this.number, from, to }
  }

  private seed(): string {
    return this.mutator.pick(SEEDS)(this.facts())
  }

  private arrive(bytes: Uint8Array): void {
    const { random } = this
    switch (random.int(5)) {
      case 0:
      case 1:
        this.step({
          kind: 'datagram',
          listener: 0,
          host: this.mutator.pick(['10.0.0.1', '203.0.113.9']),
          port: 5060,
          bytes,
        })
        return
      case 2: {
        const flow = this.stream()
        const at = random.int(bytes.length + 1)
        this.step({ kind: 'flowData', flow, bytes: bytes.subarray(0, at) })
        this.step({ kind: 'flowData', flow, bytes: bytes.subarray(at) })
        return
      }
      case 3:
        this.step({ kind: 'flowData', flow: this.stream(), bytes: Buffer.concat([bytes, bytes]) })
        return
      default:
        this.step({ kind: 'flowData', flow: 900, bytes })
    }
  }

  /** A connection, as often as not a new one. */
  private stream(): number {
    const { random } = this
    if (this.streams > 2 && random.int(2) === 0) return 2 + 2 * random.int((this.streams - 2) / 2)
    const flow = this.streams
    this.streams += 2
    const identities =
      random.int(4) === 0 ? { identities: [this.mutator.pick(['sip:alice@dht.example.com', '\0'])] } : {}
    this.step({ kind: 'flowAccepted', flow, listener: 1, host: '10.0.0.1', port: 4000 + flow, ...identities })
    return flow
  }

  private pass(ms: number): void {
    const end = this.now.ms + ms
    for (let due = this.core.nextDeadline(); due <= end; due = this.core.nextDeadline()) {
      this.now = { ms: Math.max(due, this.now.ms), wall: this.now.wall + Math.max(0, due - this.now.ms) }
      this.step({ kind: 'timeout' })
    }
    this.now = { ms: end, wall: this.now.wall + (end - this.now.ms) }
  }

  private step(input: SipInput): void {
    this.queue.push(input)
    for (let next = this.queue.shift(); next !== undefined; next = this.queue.shift()) {
      this.core.step(this.now, next)
      for (const action of this.core.drain()) this.act(action)
      if (this.queue.length > 10_000) throw new Error('the storm feeds itself')
    }
  }

  private act(action: SipAction): void {
    const { random, mutator } = this
    switch (action.kind) {
      case 'sendDatagram':
      case 'sendFlow': {
        this.sent++
        const text = Buffer.from(action.bytes).toString('latin1')
        if (text.startsWith('SIP/2.0') || text === '\r\n' || random.int(3) === 0) return
        const answer = responseTo(text, mutator.pick(STATUSES), this.sent)
        const bytes = random.int(2) === 0 ? Buffer.from(answer, 'latin1') : mutator.mutate(answer)
        if (action.kind === 'sendFlow') this.queue.push({ kind: 'flowData', flow: action.flow, bytes })
        else
          this.queue.push({
            kind: 'datagram',
            listener: action.listener,
            host: action.host,
            port: action.port,
            bytes,
          })
        return
      }
      case 'openFlow': {
        const { flow } = action
        this.queue.push(
          random.int(2) === 0
            ? { kind: 'flowOpened', flow }
            : { kind: 'flowFailed', flow, reason: 'refused' },
        )
        return
      }
      case 'publish':
        this.queue.push({
          kind: 'published',
          id: action.id,
          outcome:
            random.int(5) === 0 ? { ok: false, status: 503, reason: 'x', retryAfterS: 1 } : { ok: true },
        })
        return
      case 'locate':
        this.queue.push({
          kind: 'located',
          id: action.id,
          outcome:
            random.int(3) === 0
              ? { kind: 'failed', status: 504, reason: 'x' }
              : {
                  kind: 'found',
                  userExists: true,
                  loop: false,
                  targets:
                    random.int(2) === 0
                      ? []
                      : [
                          {
                            kind: 'peer',
                            address: 'node:1',
                            aor: undefined,
                            secureOnly: random.int(2) === 0,
                          },
                          { kind: 'local', aor: `bob@${DOMAIN}` },
                          { kind: 'uri', uri: 'sip:far@elsewhere.example' },
                        ],
                },
        })
        return
      case 'openPeerFlow':
        this.queue.push({
          kind: 'peerFlow',
          id: action.id,
          outcome:
            random.int(2) === 0 ? { ok: true, flow: 900 } : { ok: false, status: 480, reason: 'No Path' },
        })
        return
      case 'verifyCaller':
        this.queue.push({
          kind: 'callerVerified',
          id: action.id,
          verified: random.int(2) === 0,
          validMs: 1_000,
        })
        return
      case 'resolve':
        this.queue.push({
          kind: 'resolved',
          id: action.id,
          outcome:
            random.int(2) === 0
              ? { ok: true, addresses: [{ host: '203.0.113.5', port: 5060, transport: 'udp' }] }
              : { ok: false, status: 404, reason: 'x' },
        })
        return
      default:
        return
    }
  }
}
