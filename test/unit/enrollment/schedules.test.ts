import { describe, expect, it } from 'vitest'
import { utf8 } from '../../../src/common/bytes.ts'
import { SeededRandom } from '../../../src/common/random.ts'
import { NEVER, type Now } from '../../../src/common/time.ts'
import {
  backOffMs,
  checkNamePattern,
  configPlace,
  enrollPlace,
  mayEnroll,
  ownUserName,
  readEnrollAnswer,
  RenewalSchedule,
  renewalTime,
  srvOrder,
} from '../../../src/enrollment/index.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** Both clocks, `ahead` apart. */
const at = (ms: number, ahead = 0): Now => ({ ms, wall: 1_800_000_000_000 + ms + ahead })

describe('renewal', () => {
  const start = at(0).wall

  /** Runs the schedule until `until`, answering nothing; the times at which it asks. */
  function asked(schedule: RenewalSchedule, from: number, until: number, ahead = 0): number[] {
    const times: number[] = []
    for (let ms = Math.max(from, schedule.nextDeadline()); ms <= until; ms = schedule.nextDeadline()) {
      schedule.step(at(ms, ahead), { kind: 'timeout' })
      for (const { kind } of schedule.drain()) if (kind === 'renew') times.push(ms)
    }
    return times
  }

  it('M-05 is due at two thirds of the validity, spread over a twentieth', () => {
    expect(renewalTime(0, 300, 0)).toBe(200)
    expect(renewalTime(0, 300, 1)).toBe(215)
    const schedule = new RenewalSchedule({ random: new SeededRandom('renewal') })
    schedule.step(at(0), { kind: 'certificate', name: 'a', notBefore: start, notAfter: start + 30 * DAY })
    const times = asked(schedule, 0, 30 * DAY)
    expect(times).toHaveLength(1)
    expect(times[0]).toBeGreaterThanOrEqual(20 * DAY)
    expect(times[0]).toBeLessThanOrEqual(21.5 * DAY)
  })

  it('a failed renewal comes back with a growing wait, and more often near the end', () => {
    const schedule = new RenewalSchedule({ random: new SeededRandom('back-off') })
    schedule.step(at(0), { kind: 'certificate', name: 'a', notBefore: start, notAfter: start + 3 * DAY })
    const waits: number[] = []
    let last = 0
    let ms = 0
    while (ms < 3 * DAY) {
      ms = schedule.nextDeadline()
      schedule.step(at(ms), { kind: 'timeout' })
      if (schedule.drain().length === 0) continue
      if (last > 0) waits.push(ms - last)
      last = ms
      schedule.step(at(ms), { kind: 'failed', name: 'a' })
    }
    expect(waits[0]).toBeLessThan(2 * 60_000)
    expect(Math.max(...waits)).toBeGreaterThan(HOUR)
    expect(waits.at(-1)).toBeLessThan(HOUR)
  })

  it('a certificate that was just renewed is not due at once, however short its life', () => {
    const schedule = new RenewalSchedule({ random: new SeededRandom('short') })
    const short = { kind: 'certificate', name: 'a', notBefore: start - HOUR } as const
    schedule.step(at(0), { ...short, notAfter: start + 60_000 })
    schedule.step(at(0), { kind: 'timeout' })
    expect(schedule.drain()).toHaveLength(1)
    schedule.step(at(10), { ...short, notAfter: start + 60_010 })
    expect(asked(schedule, 10, 60_010)[0]).toBeGreaterThanOrEqual(40_010)
  })

  it('M-05 R-06 a certificate that lives for minutes is tried for several times before its end', () => {
    const schedule = new RenewalSchedule({ random: new SeededRandom('minutes') })
    const end = 2 * 60_000
    schedule.step(at(0), { kind: 'certificate', name: 'a', notBefore: start, notAfter: start + end })
    const times: number[] = []
    for (let ms = schedule.nextDeadline(); ms < end; ms = schedule.nextDeadline()) {
      schedule.step(at(ms), { kind: 'timeout' })
      if (schedule.drain().length === 0) continue
      times.push(ms)
      schedule.step(at(ms), { kind: 'failed', name: 'a' })
    }
    expect(times[0]).toBeGreaterThanOrEqual(80_000)
    expect(times.length).toBeGreaterThanOrEqual(4)
    expect(times.length).toBeLessThan(12)
  })

  it('a server that names a time is obeyed', () => {
    const schedule = new RenewalSchedule({ random: new SeededRandom('retry-after') })
    schedule.step(at(0), { kind: 'certificate', name: 'a', notBefore: start - DAY, notAfter: start + 1000 })
    schedule.step(at(0), { kind: 'timeout' })
    expect(schedule.drain()).toEqual([{ kind: 'renew', name: 'a' }])
    expect(schedule.nextDeadline()).toBe(NEVER)
    schedule.step(at(0), { kind: 'failed', name: 'a', waitMs: 30 * 60_000 })
    expect(asked(schedule, 0, HOUR)).toEqual([30 * 60_000])
  })

  it('R-06 a clock that jumps ahead, as when a machine wakes up, is noticed within seconds; a try that had failed is made again, too', () => {
    const schedule = new RenewalSchedule({ random: new SeededRandom('jump') })
    const certificate = { kind: 'certificate', notBefore: start, notAfter: start + 30 * DAY } as const
    schedule.step(at(0), { ...certificate, name: 'a' })
    schedule.step(at(0), { ...certificate, name: 'b', notBefore: start - 30 * DAY, notAfter: start + DAY })
    expect(asked(schedule, 0, 0)).toEqual([0])
    schedule.step(at(0), { kind: 'failed', name: 'b', waitMs: 6 * HOUR })
    expect(asked(schedule, 0, HOUR)).toEqual([])
    const [first, second] = asked(schedule, HOUR, 2 * HOUR, 25 * DAY)
    expect(first).toBeLessThanOrEqual(HOUR + 5_000)
    expect(second).toBeLessThanOrEqual(HOUR + 70_000)
  })

  it('R-06 a clock that was ahead and is put right: what was made meanwhile is not valid yet and made again; no try waits for the wrong time', () => {
    const schedule = new RenewalSchedule({ random: new SeededRandom('put right') })
    const made = (ahead: number) =>
      ({ kind: 'certificate', notBefore: start + ahead - HOUR, notAfter: start + ahead + 30 * DAY }) as const
    schedule.step(at(0, 300 * DAY), { ...made(300 * DAY), name: 'own authority' })
    schedule.step(at(0, 300 * DAY), { ...made(0), name: 'by a server' })
    expect(asked(schedule, 0, 0, 300 * DAY)).toEqual([0])
    schedule.step(at(0, 300 * DAY), { kind: 'failed', name: 'by a server' })
    expect(asked(schedule, 5_000, 10_000)).toEqual([5_000])
    schedule.step(at(6_000), { ...made(0), name: 'own authority' })
    const times = asked(schedule, 10_000, 21.5 * DAY)
    expect(times).toHaveLength(2)
    expect(Math.min(...times)).toBeGreaterThan(19 * DAY)
  })

  it('a clock that is steered, faster or slower than the timers, is followed and no jump', () => {
    const schedule = new RenewalSchedule({ random: new SeededRandom('steered') })
    schedule.step(at(0), { kind: 'certificate', name: 'a', notBefore: start, notAfter: start + DAY })
    schedule.step(at(0), { kind: 'timeout' })
    const times: number[] = []
    for (let ms = schedule.nextDeadline(); ms < 20 * HOUR; ms = schedule.nextDeadline()) {
      schedule.step(at(ms, ms / 4), { kind: 'timeout' })
      if (schedule.drain().length > 0) times.push(ms)
    }
    expect(times).toHaveLength(1)
    expect(times[0]).toBeGreaterThanOrEqual((16 * HOUR) / 1.25)
    expect(times[0]).toBeLessThanOrEqual((17.2 * HOUR) / 1.25 + HOUR)
  })

  it('what is forgotten is not renewed, what is replaced counts anew', () => {
    const schedule = new RenewalSchedule({ random: new SeededRandom('forget') })
    const certificate = { kind: 'certificate', notBefore: start, notAfter: start + 3 * DAY } as const
    schedule.step(at(0), { ...certificate, name: 'a' })
    schedule.step(at(0), { ...certificate, name: 'b' })
    schedule.step(at(0), { ...certificate, name: 'b', notAfter: start + 30 * DAY })
    schedule.step(at(0), { kind: 'forget', name: 'a' })
    expect(asked(schedule, 0, 19 * DAY)).toEqual([])
    expect(asked(schedule, 19 * DAY, 30 * DAY)).toHaveLength(1)
    schedule.step(at(30 * DAY), { kind: 'failed', name: 'nobody' })
    expect(schedule.drain()).toEqual([])
  })

  it('back-off doubles up to its end and is spread by a quarter', () => {
    const of = { firstMs: 100, mostMs: 1000 }
    expect([1, 2, 3, 4, 5, 60].map((failures) => backOffMs(of, failures, 0.5))).toEqual([
      100, 200, 400, 800, 1000, 1000,
    ])
    expect([backOffMs(of, 1, 0), backOffMs(of, 1, 1)]).toEqual([75, 125])
  })
})

describe('names', () => {
  it('R6940-11.3-13 R6940-11.3-17 an account enrolls the names it was given', () => {
    const patterns = ['*@example.org', 'gate@example.net', 'peer-*@example.com']
    expect(patterns.every((pattern) => checkNamePattern(pattern).ok)).toBe(true)
    for (const name of ['alice@example.org', 'gate@example.net', 'peer-1@example.com'])
      expect(mayEnroll(patterns, name), name).toBe(true)
    for (const name of [
      'alice@example.net',
      'alice@sub.example.org',
      'Gate@example.net',
      'peer@example.com',
      'a@b@example.org',
      '@evil.org',
    ])
      expect(mayEnroll(patterns, name), name).toBe(false)
    for (const bad of ['*', '*@*', '**@example.org', 'a@*.org', 'a b@example.org', ''])
      expect(checkNamePattern(bad).ok, bad).toBe(false)
  })

  it('the own name of an account', () => {
    expect(ownUserName('site-b', 'example.org')).toBe('site-b@example.org')
    expect(ownUserName('alice@example.net', 'example.org')).toBe('alice@example.net')
  })
})

describe('answers of an enrollment server', () => {
  const answer = (status: number, contentType: string, body: string) =>
    readEnrollAnswer({ status, contentType, body: utf8(body) })

  it('R6940-11.3-19 200 with application/pkix-cert is a certificate, with anything else none', () => {
    expect(answer(200, 'Application/PKIX-cert; x=y', 'DER')).toEqual({ ok: true, value: utf8('DER') })
    expect(answer(200, 'text/html', '<html>')).toMatchObject({ error: { kind: 'unavailable' } })
  })

  it('R6940-11.3-20 R6940-11.3-21 known tokens, and an unknown one as an unknown reason', () => {
    for (const token of [
      'failed_authentication',
      'username_not_available',
      'Node-IDs_not_available',
      'bad_CSR',
    ])
      expect(answer(403, 'text/plain', `${token}\n`)).toMatchObject({ error: { kind: 'denied', token } })
    const unknown = answer(403, 'text/plain', 'no_such_token')
    expect(unknown).toMatchObject({ error: { kind: 'denied', token: undefined } })
  })

  it('other answers are worth another try, at the time that Retry-After names', () => {
    const limited = readEnrollAnswer({ status: 429, contentType: '', retryAfterS: 7, body: new Uint8Array() })
    expect(limited).toMatchObject({ error: { kind: 'unavailable', retryAfterMs: 7000 } })
    expect(answer(500, '', '')).toMatchObject({ error: { kind: 'unavailable' } })
  })
})

describe('where the servers are', () => {
  it('R6940-11.2-01 R6940-11.2-02 R6940-11.2-03 without a URL: SRV of reload-config over tcp, and the well-known path', () => {
    const place = configPlace('example.org', undefined)
    if (!place.ok) throw new Error(place.error)
    expect(place.value.url.href).toBe('https://example.org/.well-known/reload-config')
    expect(place.value.service).toBe('_reload-config._tcp.example.org')
    expect(place.value.certificateName).toBe('example.org')
  })

  it('R6940-11.2-03 R6940-11.3-06 a provisioned URL answers for its host, enrollment for the overlay name', () => {
    const place = configPlace('example.org', 'https://[::1]:8443/x')
    expect(place).toMatchObject({ value: { certificateName: '::1', service: undefined } })
    expect(enrollPlace('example.org', 'https://ca.example.net/enroll')).toMatchObject({
      value: { certificateName: 'example.org', service: undefined },
    })
    for (const bad of ['http://example.org/', 'https://u:p@example.org/', 'x'])
      expect(configPlace('example.org', bad).ok, bad).toBe(false)
  })

  it('SRV targets by priority, then by weighted lot (RFC 2782)', () => {
    const target = (name: string, priority: number, weight: number) => ({ name, port: 443, priority, weight })
    const random = new SeededRandom('srv')
    const targets = [target('c', 20, 0), target('a', 10, 90), target('b', 10, 10)]
    const firsts = Array.from({ length: 1000 }, () => srvOrder(targets, random))
    expect(firsts.every((order) => order.length === 3 && order[2]?.name === 'c')).toBe(true)
    const share = firsts.filter((order) => order[0]?.name === 'a').length
    expect(share).toBeGreaterThan(850)
    expect(share).toBeLessThan(950)
  })
})
