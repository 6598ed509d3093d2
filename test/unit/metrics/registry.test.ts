import { describe, expect, it } from 'vitest'
import { Histogram, SECONDS_BUCKETS, Tally } from '../../../src/common/instruments.ts'
import { ERROR_CODE, MESSAGE_CODE } from '../../../src/reload/codec/index.ts'
import { METRICS } from '../../../src/metrics/names.ts'
import { MetricsRegistry } from '../../../src/metrics/registry.ts'

/** `name{labels}` to value, comments left out. */
async function samples(registry: MetricsRegistry): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const line of (await registry.text()).split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const at = line.lastIndexOf(' ')
    found.set(line.slice(0, at), line.slice(at + 1))
  }
  return found
}

describe('metrics catalogue', () => {
  it('follows the naming guide: prefix, base units, _total on counters only, no personal labels', () => {
    const names = new Set<string>()
    for (const { name, type, labels, help, initial } of Object.values(METRICS)) {
      expect(names.has(name), name).toBe(false)
      names.add(name)
      expect(name).toMatch(/^p2psip_[a-z][a-z0-9_]*$/)
      expect(name.endsWith('_total'), name).toBe(type === 'counter')
      if (type === 'histogram') expect(name).toMatch(/_seconds$|_hops$|_branches$/)
      expect(name).not.toMatch(/_ms|milli|percent/)
      expect(help).toMatch(/\.$/)
      for (const label of labels) expect(['aor', 'call_id', 'ip', 'address', 'user']).not.toContain(label)
      for (const set of initial)
        expect(set.split('|').length, `${name} ${set}`).toBe(Math.max(1, labels.length))
    }
  })
})

describe('metrics text', () => {
  it('every series is there from the start, with 0', async () => {
    const found = await samples(new MetricsRegistry({}, { process: false }))
    expect(found.get('p2psip_registrar_bindings{transport="udp"}')).toBe('0')
    expect(found.get('p2psip_sip_requests_received_total{method="REGISTER",transport="tcp"}')).toBe('0')
    expect(found.get('p2psip_call_setup_seconds_count{path="overlay"}')).toBe('0')
    expect(found.get('p2psip_call_setup_seconds_bucket{path="overlay",le="+Inf"}')).toBe('0')
    expect(found.get('p2psip_registrar_expired_total')).toBe('0')
    for (const method of Object.keys(MESSAGE_CODE).flatMap((name) => /^(\w+)Req$/.exec(name)?.[1] ?? [])) {
      expect(found.get(`p2psip_overlay_request_hops_count{method="${method}"}`), method).toBe('0')
      const seconds = `p2psip_overlay_request_seconds_count{method="${method}",result="timeout"}`
      expect(found.get(seconds), method).toBe('0')
    }
    for (const code of Object.values(ERROR_CODE).filter((each) => each > 1))
      expect(found.get(`p2psip_overlay_errors_total{code="${code}"}`), String(code)).toBe('0')
    for (const method of ['BYE', 'MESSAGE', 'OPTIONS'])
      expect(
        found.get(`p2psip_sip_responses_sent_total{method="${method}",code="200",transport="udp"}`),
      ).toBe('0')
    for (const { name, labels, initial } of Object.values(METRICS)) {
      if (initial.length > 0 && labels.length === 0)
        expect(
          [...found.keys()].some((key) => key.startsWith(name)),
          name,
        ).toBe(true)
    }
  })

  it('reads tallies, histograms and snapshots at the moment of the scrape', async () => {
    const expired = new Tally([''])
    const more = new Tally()
    const setup = new Histogram(SECONDS_BUCKETS)
    let bindings = 2
    const registry = new MetricsRegistry(
      {
        registrarExpired: [expired, more],
        callSetup: setup,
        registrarBindings: () => [['udp', bindings]],
        registrarAors: () => 7,
      },
      { process: false },
    )
    expired.add()
    more.add('', 4)
    setup.observe(0.02, 'local')
    setup.observe(3, 'local')
    setup.observe(99, 'local')
    bindings = 5
    const found = await samples(registry)
    expect(found.get('p2psip_registrar_expired_total')).toBe('5')
    expect(found.get('p2psip_registrar_bindings{transport="udp"}')).toBe('5')
    expect(found.get('p2psip_registrar_aors')).toBe('7')
    expect(found.get('p2psip_call_setup_seconds_bucket{path="local",le="0.01"}')).toBe('0')
    expect(found.get('p2psip_call_setup_seconds_bucket{path="local",le="0.025"}')).toBe('1')
    expect(found.get('p2psip_call_setup_seconds_bucket{path="local",le="4"}')).toBe('2')
    expect(found.get('p2psip_call_setup_seconds_bucket{path="local",le="+Inf"}')).toBe('3')
    expect(found.get('p2psip_call_setup_seconds_count{path="local"}')).toBe('3')
    expect(found.get('p2psip_call_setup_seconds_count{path="overlay"}')).toBe('0')
  })

  it('what this node answers to any method has its series from the start; a code that has none is counted all the same', async () => {
    const sent = new Tally()
    const values = (text: string, method: string, code: number) => {
      const labels = `{method="${method}",code="${code}",transport="udp"} `
      return text
        .split('\n')
        .filter((line) => line.startsWith('p2psip_sip_responses_sent_total') && line.includes(labels))
        .map((line) => line.slice(line.lastIndexOf(' ') + 1))
    }
    const quiet = await new MetricsRegistry({}, { process: false }).text()
    for (const method of 'BYE CANCEL OPTIONS MESSAGE SUBSCRIBE NOTIFY PUBLISH REFER INFO UPDATE PRACK other'.split(
      ' ',
    ))
      for (const code of [
        100, 200, 202, 400, 401, 403, 404, 405, 407, 408, 415, 416, 420, 480, 481, 482, 483, 500, 501, 503,
        504, 513,
      ])
        expect(values(quiet, method, code), `${method} ${code}`).toEqual(['0'])
    expect(values(quiet, 'MESSAGE', 302)).toEqual(['0'])
    expect(values(quiet, 'SUBSCRIBE', 489)).toEqual(['0'])
    for (const code of [421, 439, 555]) expect(values(quiet, 'REGISTER', code)).toEqual(['0'])
    sent.add('OPTIONS|503|udp', 3)
    sent.add('OPTIONS|699|udp', 2)
    const text = await new MetricsRegistry({ sipResponsesSent: sent }, { process: false }).text()
    expect(values(text, 'OPTIONS', 503)).toEqual(['3'])
    expect(values(text, 'OPTIONS', 699)).toEqual(['2'])
  })

  it('label values are escaped, and nobody can grow the number of series without bound', async () => {
    const hostile = new Tally()
    hostile.add('quo"te\n\\|udp')
    for (let i = 0; i < 5000; i++) hostile.add(`M${i}|udp`)
    const text = await new MetricsRegistry({ sipRequestsReceived: hostile }, { process: false }).text()
    expect(text).toContain('method="quo\\"te\\n\\\\"')
    const series = text.split('\n').filter((line) => line.startsWith('p2psip_sip_requests_received_total{'))
    expect(series.length).toBeLessThan(1_100)
    expect(text).toMatch(/p2psip_sip_requests_received_total\{method="other",transport="other"\} [1-9]/)
  })

  it('is well formed: one HELP and TYPE a metric before its samples, no series twice, cumulative buckets', async () => {
    const seconds = new Histogram(SECONDS_BUCKETS)
    for (const value of [0.001, 0.3, 7, 100]) seconds.observe(value, 'local')
    // promtool itself looks at a running node in test/interop.
    const text = await new MetricsRegistry({ callSetup: seconds }, { process: true }).text()
    const typed = new Set<string>()
    const series = new Set<string>()
    let cumulated = 0
    for (const line of text.split('\n')) {
      const [, name] = /^# TYPE (\S+) (?:counter|gauge|histogram|summary)$/.exec(line) ?? []
      if (name !== undefined) {
        expect(typed.has(name), name).toBe(false)
        typed.add(name)
      }
      if (line === '' || line.startsWith('#')) continue
      const match = /^([a-z_][a-z0-9_]*)(\{[^}]*\})? (\S+)$/.exec(line)
      expect(match, line).not.toBeNull()
      const [, sample = '', labels = '', value = ''] = match ?? []
      expect(typed.has(sample) || typed.has(sample.replace(/_(bucket|sum|count)$/, '')), line).toBe(true)
      expect(series.has(sample + labels), line).toBe(false)
      series.add(sample + labels)
      expect(Number.isNaN(Number(value)) && value !== 'Nan', line).toBe(false)
      if (sample === 'p2psip_call_setup_seconds_bucket' && labels.includes('local')) {
        expect(Number(value)).toBeGreaterThanOrEqual(cumulated)
        cumulated = Number(value)
      }
    }
    expect(cumulated).toBe(4)
    for (const standard of [
      'process_cpu_seconds_total',
      'process_resident_memory_bytes',
      'nodejs_eventloop_lag_p99_seconds',
      'nodejs_heap_size_used_bytes',
    ]) {
      expect(typed, standard).toContain(standard)
    }
    for (const name of typed)
      expect(/_total$/.test(name) && text.includes(`# TYPE ${name} gauge`), name).toBe(false)
  })
})
