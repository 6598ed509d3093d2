/**
 * The messages of RFC 4475 through a whole SIP core that hosts example.com and example.org without authentication, over UDP
 * unless the RFC says TCP. Expected answers: sip-requirements s.12.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../src/common/random.ts'
import { NO_TRACE } from '../../src/common/trace.ts'
import type { LocatedTarget, SipAction, SipInput, SipSettings } from '../../src/sip/core/contract.ts'
import { SipCore } from '../../src/sip/core/sip-core.ts'
import { parseMessage, type SipMessage } from '../../src/sip/message/index.ts'
import { TestAccounts, testSettings } from '../support/sip-phones.ts'

const FOLDER = new URL('./rfc4475/', import.meta.url)
const USERS = [
  'user',
  'j.user',
  'watson',
  'null-%00-null',
  'caller',
  'lineu',
  'sips:user@example.com',
] as const

interface Outcome {
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

function bytesOf(name: string): Buffer {
  return readFileSync(new URL(`${name}.dat`, FOLDER))
}

function send(
  name: string,
  stream = false,
  override: Partial<SipSettings> = {},
  targets: readonly LocatedTarget[] = [],
): Outcome {
  const accounts = new TestAccounts()
  for (const user of USERS) accounts.add(user, { domain: 'example.com' })
  const settings = testSettings('192.0.2.200', { domains: ['example.com', 'example.org'], ...override })
  const core = new SipCore({ accounts, random: new SeededRandom(name), trace: NO_TRACE }, settings)
  const statuses: number[] = []
  const responses: SipMessage[] = []
  const forwarded: SipMessage[] = []
  const resolved: string[] = []
  let closed = false
  const now = { ms: 1_000, wall: 1_700_000_000_000 }
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
  if (stream) {
    step({ kind: 'flowAccepted', flow: 2, listener: 1, host: '198.51.100.1', port: 4000 })
    step({ kind: 'flowData', flow: 2, bytes: bytesOf(name) })
  } else {
    step({ kind: 'datagram', listener: 0, host: '198.51.100.1', port: 5060, bytes: bytesOf(name) })
  }
  return { statuses, responses, forwarded, resolved, closed, core }
}

/** name, section, final statuses over UDP. */
const ANSWERED: readonly (readonly [string, string, readonly number[]])[] = [
  // The user is nobody we know: 404 counts as forwarded under normal rules.
  ['intmeth', '3.1.1.2', [404]],
  ['lwsdisp', '3.1.1.6', [480]],
  ['dblreq', '3.1.1.8', [200]],
  ['semiuri', '3.1.1.9', [404]],
  ['transports', '3.1.1.10', [480]],
  ['badinv01', '3.1.2.1', [400]],
  ['clerr', '3.1.2.2', [400]],
  ['ncl', '3.1.2.3', [400]],
  ['scalar02', '3.1.2.4', [400]],
  ['scalarlg', '3.1.2.5', []],
  ['quotbal', '3.1.2.6', [400]],
  ['ltgtruri', '3.1.2.7', [400]],
  ['lwsruri', '3.1.2.8', [400]],
  ['lwsstart', '3.1.2.9', [400]],
  ['escruri', '3.1.2.11', [400]],
  ['regbadct', '3.1.2.13', [400]],
  ['badaspec', '3.1.2.14', [400]],
  ['baddn', '3.1.2.15', [400]],
  ['badvers', '3.1.2.16', [505]],
  ['mismatch01', '3.1.2.17', [400]],
  ['mismatch02', '3.1.2.18', [501]],
  ['bigcode', '3.1.2.19', []],
  ['badbranch', '3.2.1', [400]],
  ['insuf', '3.3.1', [400]],
  ['unkscm', '3.3.2', [416]],
  ['novelsc', '3.3.3', [416]],
  ['unksm2', '3.3.4', [400]],
  ['bext01', '3.3.5', [420]],
  ['multi01', '3.3.8', [400]],
  ['mcl01', '3.3.9', [400]],
  ['bcast', '3.3.10', []],
  ['unreason', '3.1.1.12', []],
  ['noreason', '3.1.1.13', []],
]

describe('RFC 4475 through the whole core', () => {
  for (const [name, section, statuses] of ANSWERED) {
    it(`RFC4475-${section} S-03 ${name} is answered ${statuses.join(' ') || 'not at all'}`, () => {
      const outcome = send(name)
      expect(outcome.statuses).toEqual(statuses)
      expect(outcome.forwarded).toEqual([])
    })
  }

  for (const [name, section] of [
    ['wsinv', '3.1.1.1'],
    ['longreq', '3.1.1.7'],
    ['mpart01', '3.1.1.11'],
    ['baddate', '3.1.2.12'],
    ['trws', '3.1.2.10'],
    ['invut', '3.3.6'],
    ['sdp01', '3.3.15'],
    ['inv2543', '3.4.1'],
    ['esc02', '3.1.1.5'],
  ] as const) {
    it(`RFC4475-${section} S-03 ${name} is forwarded, or its user is not there`, () => {
      const { statuses, forwarded } = send(name)
      if (forwarded.length === 0) expect([403, 404, 480]).toContain(statuses[0])
      else expect(forwarded).toHaveLength(1)
    })
  }

  it('RFC4475-3.1.1.1 S3261-16.3-01 S3261-16.3-02 wsinv follows its Route and goes out byte for byte otherwise', () => {
    const { resolved, forwarded } = send('wsinv')
    expect(resolved).toEqual(['services.example.com'])
    const text = Buffer.from(bytesOf('wsinv')).toString('latin1')
    const strange = text.slice(
      text.indexOf('NewFangledHeader'),
      text.indexOf('UnknownHeaderWithUnusualValue'),
    )
    const out = forwarded[0]!.head.text
    expect(out).toContain(strange)
    expect(out).toContain('UnknownHeaderWithUnusualValue: ;;,,;;,;')
    expect(forwarded[0]!.maxForwards).toBe(67)
  })

  it('RFC4475-3.1.1.7 longreq loses nothing on the way', () => {
    const elsewhere = [{ kind: 'uri' as const, uri: 'sip:user@203.0.113.5' }]
    const { forwarded } = send('longreq', false, {}, elsewhere)
    expect(forwarded[0]!.viaCount).toBe(35)
    expect(forwarded[0]!.header('to')).toContain(
      'verylonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong',
    )
    expect(forwarded[0]!.byteLength).toBeGreaterThan(bytesOf('longreq').length)
  })

  it('RFC4475-3.3.11 E19 zeromf at a proxy is 483, or 200 for an OPTIONS', () => {
    expect([200, 483]).toContain(send('zeromf').statuses[0])
  })

  it('RFC4475-3.3.7 regaut01 is 401 with authentication', () => {
    const { statuses, responses } = send('regaut01', false, { auth: 'digest' })
    expect(statuses).toEqual([401])
    expect(responses[0]!.headers('www-authenticate')).toHaveLength(1)
  })

  it('RFC4475-3.1.1.3 esc01 names another user than its escapes seem to', () => {
    const { statuses, forwarded } = send('esc01')
    expect(forwarded).toEqual([])
    expect(statuses).toEqual([403]) // a stranger on the way to a foreign domain
  })

  it('RFC4475-3.1.1.4 escnull is a name the overlay cannot hold: 404', () => {
    expect(send('escnull').statuses).toEqual([404])
  })

  it('RFC4475-3.1.1.8 dblreq over UDP registers and never acts on the INVITE behind it', () => {
    const { core, forwarded } = send('dblreq')
    expect(core.snapshot().aors).toBe(1)
    expect(forwarded).toEqual([])
  })

  it('RFC4475-3.3.12 RFC4475-3.3.13 the unknown parameter belongs to the Contact, or to the URI in brackets', () => {
    const inContact = send('cparam01')
    expect(inContact.statuses).toEqual([200])
    expect(inContact.responses[0]!.values('contact')[0]).toBe(
      '<sip:+19725552222@gw1.example.net>;unknownparam;expires=3600',
    )
    const inUri = send('cparam02')
    expect(inUri.statuses).toEqual([200])
    expect(inUri.responses[0]!.values('contact')[0]).toBe(
      '<sip:+19725552222@gw1.example.net;unknownparam>;expires=3600',
    )
  })

  it('RFC4475-3.3.14 S3261-19.1-03 regescrt keeps the escaped Route in the Contact', () => {
    const { statuses, responses } = send('regescrt')
    expect(statuses).toEqual([200])
    expect(responses[0]!.values('contact')[0]).toContain('Route=%3Csip:sip.example.com%3E')
  })

  it('RFC4475-3.3.5 E22 bext01 names exactly the two Proxy-Require tags', () => {
    const tags = send('bext01').responses[0]!.values('unsupported')
    expect(tags).toEqual(['noProxiesSupportThis', 'norDoAnyProxiesSupportThis'])
  })

  it('RFC4475-3.3.9 RFC4475-3.1.2.3 E08 bad framing over TCP closes the connection', () => {
    for (const name of ['mcl01', 'ncl']) {
      const { statuses, closed } = send(name, true)
      expect(statuses, name).toEqual([400])
      expect(closed, name).toBe(true)
    }
  })
})
