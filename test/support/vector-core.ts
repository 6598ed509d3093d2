/**
 * A whole SIP core that is given one message, as a datagram or on a stream, and what becomes of it. It hosts example.com and example.org;
 * everybody outside is found, nobody listens on TCP.
 */
import { SeededRandom } from '../../src/common/random.ts'
import { NO_TRACE } from '../../src/common/trace.ts'
import type {
  LocatedTarget,
  SipAction,
  SipInput,
  SipListener,
  SipSettings,
} from '../../src/sip/core/contract.ts'
import { SipCore } from '../../src/sip/core/sip-core.ts'
import { parseMessage, type SipMessage } from '../../src/sip/message/index.ts'
import { TestAccounts, testSettings } from './sip-phones.ts'

const USERS = [
  'user',
  'j.user',
  'watson',
  'null-%00-null',
  'caller',
  'lineu',
  'sips:user@example.com',
] as const

export interface Given {
  /** Seed of the core's randomness. */
  readonly name: string
  readonly bytes: Uint8Array
  readonly stream?: boolean
  readonly settings?: Partial<SipSettings>
  /** What the overlay says about any user. */
  readonly targets?: readonly LocatedTarget[]
  /** Address of the sender. */
  readonly source?: string
  /** Virtual time to let pass afterwards. */
  readonly waitMs?: number
}

export interface Outcome {
  /** Final responses to the source, as status codes. */
  readonly statuses: number[]
  readonly responses: SipMessage[]
  /** Requests that left for somewhere else. */
  readonly forwarded: SipMessage[]
  /** Hosts that were asked for (RFC 3263). */
  readonly resolved: string[]
  readonly closed: boolean
  readonly core: SipCore
}

/** Listeners at this address, UDP and TCP. */
export function listenersAt(host: string, port = 5060): SipListener[] {
  return (['udp', 'tcp'] as const).map((transport, id) => ({
    id,
    transport,
    host,
    port,
    advertisedHost: host,
  }))
}

export function deliver(given: Given): Outcome {
  const { bytes, targets = [], source = '198.51.100.1' } = given
  const accounts = new TestAccounts()
  for (const user of USERS) accounts.add(user, { domain: 'example.com' })
  const settings = testSettings('192.0.2.200', { domains: ['example.com', 'example.org'], ...given.settings })
  const core = new SipCore({ accounts, random: new SeededRandom(given.name), trace: NO_TRACE }, settings)
  const statuses: number[] = []
  const responses: SipMessage[] = []
  const forwarded: SipMessage[] = []
  const resolved: string[] = []
  let closed = false
  let now = { ms: 1_000, wall: 1_700_000_000_000 }
  const step = (input: SipInput): void => {
    core.step(now, input)
    for (const action of core.drain()) act(action)
  }
  const act = (action: SipAction): void => {
    switch (action.kind) {
      case 'sendDatagram':
      case 'sendFlow': {
        // What was missing or double in a request is so in its answer, which then is for people to read.
        const status = /^SIP\/2\.0 (\d{3}) /.exec(Buffer.from(action.bytes).toString('latin1'))?.[1]
        if (status !== undefined && status >= '200') statuses.push(Number(status))
        const parsed = parseMessage(action.bytes)
        if (!parsed.ok) return
        if (parsed.value.isRequest) forwarded.push(parsed.value)
        else if (parsed.value.status >= 200) responses.push(parsed.value)
        return
      }
      case 'openFlow':
        // Messages above 1300 bytes try TCP first (RFC 3261 s.18.1.1); nobody listens here, so they come by UDP after all.
        step({ kind: 'flowFailed', flow: action.flow, reason: 'refused' })
        return
      case 'closeFlow':
        closed = true
        return
      case 'publish':
        step({ kind: 'published', id: action.id, outcome: { ok: true } })
        return
      case 'locate':
        step({
          kind: 'located',
          id: action.id,
          outcome: { kind: 'found', targets, userExists: false, loop: false },
        })
        return
      case 'resolve':
        resolved.push(action.host)
        step({
          kind: 'resolved',
          id: action.id,
          outcome: { ok: true, addresses: [{ host: '203.0.113.5', port: 5060, transport: 'udp' }] },
        })
        return
      default:
        return
    }
  }
  step({ kind: 'overlayAvailable', available: true })
  if (given.stream === true) {
    step({ kind: 'flowAccepted', flow: 2, listener: 1, host: source, port: 4000 })
    step({ kind: 'flowData', flow: 2, bytes })
  } else {
    step({ kind: 'datagram', listener: 0, host: source, port: 5060, bytes })
  }
  const end = now.ms + (given.waitMs ?? 0)
  for (let due = core.nextDeadline(); due <= end; due = core.nextDeadline()) {
    now = { ms: Math.max(due, now.ms), wall: now.wall }
    step({ kind: 'timeout' })
  }
  return { statuses, responses, forwarded, resolved, closed, core }
}
