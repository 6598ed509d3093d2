import { describe, expect, it } from 'vitest'
import type { EnrollOutcome } from '../../../src/adapter/index.ts'
import { bootstrapAddresses, type BootstrapQuestion } from '../../../src/app/bootstrap.ts'
import { CryptoRandom, randomPassword } from '../../../src/app/crypto-random.ts'
import { JournalWriter } from '../../../src/app/journal-writer.ts'
import { openLog } from '../../../src/app/log.ts'
import { phoneSettings } from '../../../src/app/phone-settings.ts'
import { Provisioning } from '../../../src/app/provisioning.ts'
import { Startup } from '../../../src/app/startup.ts'
import { Private } from '../../../src/common/pii.ts'
import type { Trace, TraceEvent } from '../../../src/common/trace.ts'
import type { JournalOperation } from '../../../src/reload/index.ts'

const REFUSED: EnrollOutcome = { ok: false, final: false, reason: 'test' }

describe('provisioning of hosted users', () => {
  it('one at a time, users whose REGISTER waits first, nobody twice', async () => {
    const order: string[] = []
    let running = 0
    let finished: () => void = () => undefined
    const all = new Promise<void>((resolve) => (finished = resolve))
    const queue = new Provisioning(
      async (aor) => {
        expect(++running).toBe(1)
        order.push(aor)
        await Promise.resolve()
        running--
        return REFUSED
      },
      () => {
        if (order.length === 4) finished()
      },
    )
    queue.ask('a', false)
    queue.ask('b', false)
    queue.ask('c', false)
    queue.ask('waiting', true)
    queue.ask('c', true)
    queue.ask('waiting', false)
    expect(queue.waiting).toEqual({ urgent: 2, background: 2 })
    await all
    expect(order).toEqual(['waiting', 'c', 'a', 'b'])
    expect(queue.results.get('failed')).toBe(4)
  })

  it('after stop nobody is begun and nothing is reported', async () => {
    const done: string[] = []
    let issue: () => void = () => undefined
    const begun = new Promise<void>((resolve) => (issue = resolve))
    const queue = new Provisioning(
      () => {
        issue()
        return Promise.resolve(REFUSED)
      },
      (aor) => done.push(aor),
    )
    queue.ask('first', false)
    queue.ask('second', false)
    await begun
    await queue.stop()
    queue.ask('third', true)
    expect(done).toEqual([])
    expect(queue.waiting).toEqual({ urgent: 0, background: 0 })
  })
})

describe('group commit', () => {
  const put = (key: string): JournalOperation => ({ kind: 'put', key, value: new Uint8Array(1) })

  it('steps of one turn share a batch; each hears of it once the records are there', async () => {
    const batches: number[] = []
    const persisted: number[] = []
    const writer = new JournalWriter(
      {
        write: (operations) => {
          batches.push(operations.length)
          expect(persisted).toHaveLength(batches.length === 1 ? 0 : 2)
          return Promise.resolve()
        },
      },
      (token) => {
        persisted.push(token)
        // The core answers with the next record while the batch is being reported.
        if (token === 2) writer.write(3, [put('c')])
      },
      () => undefined,
    )
    writer.write(1, [put('a'), put('b')])
    writer.write(2, [put('b')])
    await writer.idle()
    expect(batches).toEqual([3, 1])
    expect(persisted).toEqual([1, 2, 3])
    expect(writer.writeSeconds.series.get('')?.count).toBe(2)
  })

  it('what could not be written is never acknowledged, shows as a fault, and does not stop later writes', async () => {
    const persisted: number[] = []
    const events: TraceEvent[] = []
    let full = true
    const writer = new JournalWriter(
      { write: () => (full ? Promise.reject(new Error('disk full')) : Promise.resolve()) },
      (token) => persisted.push(token),
      (event) => events.push(event),
    )
    writer.write(1, [put('a')])
    await writer.idle()
    expect(writer.fault).toBe('disk full')
    expect(events.map(({ event }) => event)).toEqual(['journal_write_failed'])
    full = false
    writer.write(2, [put('b')])
    await writer.idle()
    expect(persisted).toEqual([2])
    expect(writer.fault).toBeUndefined()
    expect(writer.failures.get()).toBe(1)
  })
})

describe('start and stop', () => {
  it('stops in reverse order, past a step that fails, once', async () => {
    const order: string[] = []
    const startup = new Startup()
    startup.onStop(() => Promise.resolve(order.push('first')))
    startup.onStop(() => Promise.reject(new Error('x')))
    startup.onStop(() => Promise.resolve(order.push('last')))
    await startup.undo()
    await startup.undo()
    expect(order).toEqual(['last', 'first'])
  })
})

describe('log', () => {
  function captured(format: 'json' | 'text') {
    const lines: string[] = []
    return { lines, log: openLog('info', format, { write: (line: string) => lines.push(line) }) }
  }

  it('JSON lines with level, area, event; personal data stays private; levels can change', () => {
    const { lines, log } = captured('json')
    log.trace({
      level: 'warn',
      area: 'app',
      event: 'audit',
      subject: new Private('alice'),
      count: 2n,
      nothing: undefined,
    })
    log.trace({ level: 'debug', area: 'app', event: 'unseen' })
    log.setLevel('debug')
    log.trace({ level: 'debug', area: 'sip', event: 'seen' })
    expect(lines).toHaveLength(2)
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'warn',
      area: 'app',
      event: 'audit',
      subject: '[private]',
      count: '2',
    })
    expect(lines.join('')).not.toContain('alice')
  })
})

describe('settings for a phone', () => {
  it('name domain and servers; passwords only when they are new', () => {
    const listeners = [
      { id: 0, transport: 'udp' as const, host: '0.0.0.0', port: 5060, advertisedHost: '192.0.2.7' },
    ]
    const first = phoneSettings('dht.example.com', listeners, [{ username: 'alice', password: 'abc' }], 1)
    expect(first).toMatch(/domain[ \w()]+ dht\.example\.com/)
    expect(first).toContain('192.0.2.7:5060, transport UDP')
    expect(first).toMatch(/user name\s+alice\s+password\s+abc/)
    expect(phoneSettings('dht.example.com', listeners, [], 1)).toContain('as they were made')
    expect(phoneSettings('dht.example.com', listeners, [], 1)).not.toContain('shown this once')
    expect(phoneSettings('dht.example.com', listeners, [], 0)).toMatch(/none here yet; .*users add NAME/)
  })
})

describe('bootstrap names', () => {
  const self = { address: '192.0.2.1', port: 6084 }

  function asked(
    answers: readonly Readonly<Record<string, readonly string[]>>[],
    signal?: AbortSignal,
  ): { question: Omit<BootstrapQuestion, 'names' | 'self'>; trace: Trace; events: TraceEvent[] } {
    let call = 0
    const events: TraceEvent[] = []
    const addressesOf = (host: string) =>
      Promise.resolve(answers[Math.min(call++, answers.length - 1)]?.[host] ?? [])
    return {
      question: { addressesOf, signal, pauseFirstMs: 1 },
      trace: (event) => events.push(event),
      events,
    }
  }

  it('the default port is 6084; our own address among them is left out', async () => {
    const { question, trace, events } = asked([{ site: ['192.0.2.1', '192.0.2.2'] }])
    expect(await bootstrapAddresses({ names: ['site'], self, ...question }, trace)).toEqual([
      { address: '192.0.2.2', port: 6084 },
    ])
    expect(events).toEqual([])
  })

  it('a name without an address is waited for: one line says so, one says that it has come', async () => {
    const { question, trace, events } = asked([{}, {}, {}, { foo: ['192.0.2.9'] }])
    expect(await bootstrapAddresses({ names: ['foo'], self, ...question }, trace)).toHaveLength(1)
    expect(events.map(({ event }) => event)).toEqual(['bootstrap_unresolved', 'bootstrap_resolved'])
    expect(events[0]).toMatchObject({ level: 'warn', key: 'overlay.bootstrap', names: 'foo' })
  })

  it('the wait ends with the process', async () => {
    const stop = new AbortController()
    const { question, trace } = asked([{}], stop.signal)
    const waiting = bootstrapAddresses({ names: ['foo'], self, ...question }, trace)
    stop.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'STOPPED' })
  })
})

describe('randomness of production', () => {
  it('draws within its bounds and never the same', () => {
    const random = new CryptoRandom()
    expect(random.bytes(16)).not.toEqual(random.bytes(16))
    expect(random.bytes(5000)).toHaveLength(5000)
    for (let i = 0; i < 100; i++) {
      expect(random.int(3)).toBeLessThan(3)
      expect(random.float()).toBeGreaterThanOrEqual(0)
      expect(random.float()).toBeLessThan(1)
    }
    expect(random.u64()).not.toBe(random.u64())
    expect(randomPassword()).toMatch(/^[a-z2-9]{16}$/)
  })
})
