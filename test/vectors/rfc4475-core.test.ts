/**
 * The messages of RFC 4475 through a whole SIP core that hosts example.com and example.org without authentication, over UDP
 * unless the RFC says TCP. Expected answers: sip-requirements s.12.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { LocatedTarget, SipSettings } from '../../src/sip/core/contract.ts'
import { BODY_COMPLETE_MS, HEAD_COMPLETE_MS } from '../../src/sip/transport/index.ts'
import { deliver, type Outcome } from '../support/vector-core.ts'

const FOLDER = new URL('./rfc4475/', import.meta.url)
function bytesOf(name: string): Buffer {
  return readFileSync(new URL(`${name}.dat`, FOLDER))
}

function send(
  name: string,
  stream = false,
  settings: Partial<SipSettings> = {},
  targets: readonly LocatedTarget[] = [],
): Outcome {
  return deliver({ name, bytes: bytesOf(name), stream, settings, targets })
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

/**
 * The same messages on a stream, as sip-requirements s.12 has it: what the transport decides is different (Content-Length), what the message
 * says is not. Status of the answer or none, whether it is forwarded, and whether the connection ends.
 */
const ON_A_STREAM: readonly (readonly [string, string, number | undefined, 'forwarded' | 'closed' | ''])[] = [
  ['wsinv', '3.1.1.1', undefined, 'forwarded'],
  ['intmeth', '3.1.1.2', 404, ''],
  ['esc01', '3.1.1.3', 403, ''],
  ['escnull', '3.1.1.4', 404, ''],
  ['esc02', '3.1.1.5', undefined, 'forwarded'],
  ['lwsdisp', '3.1.1.6', 480, ''],
  ['longreq', '3.1.1.7', 480, ''],
  ['semiuri', '3.1.1.9', 404, ''],
  ['transports', '3.1.1.10', 480, ''],
  // Its Route leads to a port of the node's own machine, which is not for those from elsewhere (docs/adr/0034).
  ['mpart01', '3.1.1.11', 404, ''],
  ['unreason', '3.1.1.12', undefined, ''],
  ['noreason', '3.1.1.13', undefined, ''],
  ['badinv01', '3.1.2.1', 400, ''],
  ['ncl', '3.1.2.3', 400, 'closed'],
  ['scalar02', '3.1.2.4', 400, ''],
  ['scalarlg', '3.1.2.5', undefined, ''],
  ['quotbal', '3.1.2.6', 400, ''],
  ['ltgtruri', '3.1.2.7', 400, ''],
  ['lwsruri', '3.1.2.8', 400, ''],
  ['lwsstart', '3.1.2.9', 400, ''],
  ['trws', '3.1.2.10', 404, ''],
  ['escruri', '3.1.2.11', 400, ''],
  ['baddate', '3.1.2.12', 480, ''],
  ['regbadct', '3.1.2.13', 400, ''],
  ['badaspec', '3.1.2.14', 400, ''],
  ['badvers', '3.1.2.16', 505, ''],
  ['mismatch01', '3.1.2.17', 400, ''],
  ['mismatch02', '3.1.2.18', 501, ''],
  ['bigcode', '3.1.2.19', undefined, ''],
  ['badbranch', '3.2.1', 400, ''],
  ['insuf', '3.3.1', 400, ''],
  ['unkscm', '3.3.2', 416, ''],
  ['novelsc', '3.3.3', 416, ''],
  ['unksm2', '3.3.4', 400, ''],
  ['bext01', '3.3.5', 420, ''],
  ['invut', '3.3.6', 480, ''],
  ['regaut01', '3.3.7', 200, ''],
  ['multi01', '3.3.8', 400, ''],
  ['mcl01', '3.3.9', 400, 'closed'],
  ['bcast', '3.3.10', undefined, ''],
  ['zeromf', '3.3.11', 200, ''],
  ['cparam01', '3.3.12', 200, ''],
  ['cparam02', '3.3.13', 200, ''],
  ['regescrt', '3.3.14', 200, ''],
  ['sdp01', '3.3.15', 480, ''],
  // E11: without Content-Length a stream has no frames.
  ['inv2543', '3.4.1', 400, 'closed'],
]

describe('RFC 4475 on a stream', () => {
  for (const [name, section, status, then] of ON_A_STREAM) {
    const what = [status === undefined ? 'no answer' : String(status), then]
      .filter((each) => each !== '')
      .join(', ')
    it(`RFC4475-${section} S-03 ${name} on a stream: ${what}`, () => {
      const outcome = send(name, true)
      expect(outcome.statuses).toEqual(status === undefined ? [] : [status])
      expect(outcome.forwarded).toHaveLength(then === 'forwarded' ? 1 : 0)
      expect(outcome.closed).toBe(then === 'closed')
    })
  }

  it('RFC4475-3.1.1.11 S-03 mpart01 of somebody on this machine follows its Route', () => {
    const outcome = deliver({
      name: 'mpart01',
      bytes: bytesOf('mpart01'),
      stream: true,
      settings: {},
      source: '127.0.0.1',
    })
    expect(outcome.statuses).toEqual([])
    expect(outcome.forwarded).toHaveLength(1)
  })

  it('RFC4475-3.1.1.8 S-03 dblreq on a stream: what follows the body is a message of its own, and the rest ends the connection', () => {
    const { core, closed, forwarded } = send('dblreq', true)
    expect(core.snapshot().aors).toBe(1)
    expect(closed).toBe(true)
    expect(forwarded).toEqual([])
  })

  it('RFC4475-3.1.2.2 S-03 E10 clerr on a stream: the rest of the body is awaited for 32 s, then it is 408 and the end', () => {
    const given = { name: 'clerr', bytes: bytesOf('clerr'), stream: true }
    const before = deliver({ ...given, waitMs: BODY_COMPLETE_MS - 1 })
    expect(before).toMatchObject({ statuses: [], closed: false })
    expect(deliver({ ...given, waitMs: BODY_COMPLETE_MS })).toMatchObject({ statuses: [408], closed: true })
  })

  it('RFC4475-3.1.2.15 S-03 S-02 baddn on a stream: a head that is never completed ends the connection without a word', () => {
    const given = { name: 'baddn', bytes: bytesOf('baddn'), stream: true }
    const before = deliver({ ...given, waitMs: HEAD_COMPLETE_MS - 1 })
    expect(before).toMatchObject({ statuses: [], closed: false })
    expect(deliver({ ...given, waitMs: HEAD_COMPLETE_MS })).toMatchObject({ statuses: [], closed: true })
  })

  it('RFC4475-3.1.2.15 S-03 baddn on a stream: with the blank line that the file lacks it is 400', () => {
    const bytes = Buffer.concat([bytesOf('baddn'), Buffer.from('\r\n')])
    expect(deliver({ name: 'baddn', bytes, stream: true })).toMatchObject({ statuses: [400], closed: false })
  })

  it('S-03 each of the 49 is in the table of a datagram and in that of a stream', () => {
    const files = readdirSync(FOLDER).flatMap((file) => (file.endsWith('.dat') ? [file.slice(0, -4)] : []))
    const stream = [...ON_A_STREAM.map(([name]) => name), 'dblreq', 'clerr', 'baddn']
    expect(stream.sort()).toEqual(files.sort())
    expect(files).toHaveLength(49)
  })
})
