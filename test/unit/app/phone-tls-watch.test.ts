import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { readConfig } from '../../../src/app/config/load.ts'
import { PhoneTlsWatch } from '../../../src/app/phone-tls-watch.ts'
import type { PhoneTls } from '../../../src/app/sip-certificate.ts'
import { StreamShells } from '../../../src/sip/io/streams.ts'

const MINUTE = 60_000
const DAY = 86_400_000
const START = Date.UTC(2030, 0, 1)

const heard: string[] = []
let watch: PhoneTlsWatch | undefined

function watched(notBefore: number, notAfter: number): PhoneTlsWatch {
  const settings = { identity: undefined, authorities: undefined, verifyClients: 'none' as const }
  const tls: PhoneTls = {
    settings,
    certificate: { notBefore, notAfter, issuedHere: false, isFor: () => true, domains: [] },
  }
  watch = new PhoneTlsWatch(
    {
      config: readConfig('', 'test', {}),
      authority: undefined,
      streams: new StreamShells(() => undefined, { tls: settings }),
      listeners: [],
      trace: ({ level, event }) => heard.push(`${level} ${event}`),
    },
    tls,
  )
  return watch
}

beforeEach(() => {
  heard.length = 0
  vi.useFakeTimers({ now: START })
})
afterEach(() => {
  watch?.stop()
  vi.useRealTimers()
})

it('a certificate for phones that begins later is not ready, and is told at start and when it begins', () => {
  const future = watched(START + MINUTE, START + 90 * DAY)
  expect(heard).toEqual(['error sip_certificate_not_valid_yet'])
  expect(future.check(START)).toEqual({
    ok: false,
    detail:
      'the certificate for phones begins at 2030-01-01T00:01:00.000Z; is the clock of this machine right?',
  })
  vi.advanceTimersByTime(2 * MINUTE)
  expect(heard).toEqual(['error sip_certificate_not_valid_yet', 'info sip_certificate_valid_again'])
  expect(future.check(START + 2 * MINUTE)).toEqual({ ok: true })
})

it('R-06 the end of a certificate for phones is told when it comes, also by a clock that was put forward, and once an hour', () => {
  watched(START - DAY, START + 90 * DAY)
  vi.advanceTimersByTime(MINUTE)
  expect(heard).toEqual([])
  vi.setSystemTime(START + 80 * DAY)
  vi.advanceTimersByTime(MINUTE)
  expect(heard).toEqual(['warn sip_certificate_expiring'])
  vi.setSystemTime(START + 90 * DAY)
  vi.advanceTimersByTime(MINUTE)
  expect(heard).toEqual(['warn sip_certificate_expiring', 'error sip_certificate_expired'])
  vi.advanceTimersByTime(60 * MINUTE)
  expect(heard.slice(2)).toEqual(['error sip_certificate_expired'])
})
