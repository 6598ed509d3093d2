import { describe, expect, it } from 'vitest'
import type { EnrollOutcome } from '../../../src/adapter/index.ts'
import { bootstrapAddresses, entrancesNow, type BootstrapQuestion } from '../../../src/app/bootstrap.ts'
import { EntranceWatch } from '../../../src/app/entrance-watch.ts'
import type { Entrances } from '../../../src/reload/index.ts'
import { CryptoRandom, randomPassword } from '../../../src/app/crypto-random.ts'
import { JournalWriter, type JournalOutcome } from '../../../src/app/journal-writer.ts'
import { openLog } from '../../../src/app/log.ts'
import { isOwnPlace } from '../../../src/app/own-places.ts'
import { phoneSettings } from '../../../src/app/phone-settings.ts'
import { Provisioning } from '../../../src/app/provisioning.ts'
import { Startup } from '../../../src/app/startup.ts'
import { Private } from '../../../src/common/pii.ts'
import type { Trace, TraceEvent } from '../../../src/common/trace.ts'
import type { JournalOperation } from '../../../src/reload/index.ts'

const REFUSED: EnrollOutcome = { ok: false, final: false, reason: 'test' }

describe('provisioning of hosted users', () => {
  it('R-15 users whose REGISTER waits first, eight side by side; the others one at a time; nobody twice', async () => {
    const order: string[] = []
    const together: number[] = []
    let running = 0
    let finished: () => void = () => undefined
    const all = new Promise<void>((resolve) => (finished = resolve))
    const queue = new Provisioning(
      async (aor) => {
        together.push(++running)
        order.push(aor)
        if (order.length === 1) queue.ask(aor, true)
        await new Promise((resolve) => setImmediate(resolve))
        running--
        return REFUSED
      },
      () => {
        if (order.length === 15 && running === 0) finished()
      },
    )
    queue.ask('a', false)
    queue.ask('b', false)
    queue.ask('c', false)
    queue.ask('waiting', true)
    queue.ask('c', true)
    queue.ask('gave-up', true)
    queue.ask('gave-up', false)
    for (let i = 0; i < 10; i++) queue.ask(`urgent-${i}`, true)
    expect(queue.waiting).toEqual({ urgent: 12, background: 3 })
    await all
    expect(order.slice(0, 3)).toEqual(['waiting', 'c', 'urgent-0'])
    expect(order.slice(12)).toEqual(['a', 'b', 'gave-up'])
    expect(Math.max(...together)).toBe(8)
    expect(together.slice(12)).toEqual([1, 1, 1])
    expect(queue.results.get('failed')).toBe(15)
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
  const put = (key: string, ...bytes: number[]): JournalOperation => ({
    kind: 'put',
    key,
    value: Uint8Array.from(bytes),
  })

  /** A disk that may be full, and all that was told of it. */
  function aWriter(retryMs = 60_000, silentMs = 60_000) {
    const disk = { full: false, batches: [] as string[][], answer: Promise.resolve() }
    const told: JournalOutcome[] = []
    const events: TraceEvent[] = []
    const journal = {
      write: (operations: readonly JournalOperation[]) => {
        if (disk.full) return Promise.reject(new Error('disk full'))
        disk.batches.push(
          operations.map((each) =>
            each.kind === 'put' ? `${each.key}=${String(each.value)}` : `-${each.key}`,
          ),
        )
        return disk.answer
      },
    }
    const hear = { also: (_outcome: JournalOutcome): void => undefined }
    const writer = new JournalWriter(
      journal,
      (outcome) => {
        told.push(outcome)
        hear.also(outcome)
      },
      (event) => events.push(event),
      { retryMs, silentMs },
    )
    return { disk, told, events, writer, hear }
  }

  it('steps of one turn share a batch; each hears of it once the records are there', async () => {
    const { disk, told, writer, hear } = aWriter()
    hear.also = (outcome) => {
      expect(disk.batches).toHaveLength(told.length <= 2 ? 1 : 2)
      // The core answers with the next record while the batch is being reported.
      if (outcome.kind === 'persisted' && outcome.token === 2) writer.write(3, [put('c', 1)])
    }
    writer.write(1, [put('a', 1), put('b', 1)])
    writer.write(2, [put('b', 2)])
    await writer.idle()
    expect(disk.batches).toEqual([['a=1', 'b=2'], ['c=1']])
    expect(told).toEqual([1, 2, 3].map((token) => ({ kind: 'persisted', token })))
    expect(writer.writeSeconds.series.get('')?.count).toBe(2)
  })

  it('S-47 others get their turn while the steps of a large batch hear of it', async () => {
    const { told, writer, hear } = aWriter()
    const heard: number[] = []
    hear.also = () => {
      // An answer that takes long to sign.
      for (const until = performance.now() + 3; performance.now() < until;);
      if (told.length === 1) setImmediate(() => heard.push(told.length))
    }
    for (let token = 1; token <= 20; token++) writer.write(token, [put(`k${token}`, 1)])
    await writer.idle()
    expect(told).toHaveLength(20)
    expect(heard[0]).toBeLessThan(20)
  })

  it('R-06 what the disk does not take is refused and shows as a fault, is kept with its last word, and written once there is room', async () => {
    const { disk, told, events, writer, hear } = aWriter(1)
    disk.full = true
    const refused = new Promise<void>((done) => (hear.also = () => done()))
    writer.write(1, [put('a', 1), put('b', 1)])
    await refused
    expect(told).toEqual([{ kind: 'notPersisted', token: 1 }])
    expect(writer.fault).toBe('disk full')
    const writable = new Promise<void>((done) => {
      hear.also = ({ kind }) => {
        if (kind === 'journalWritable') done()
      }
    })
    writer.write(2, [put('a', 2), { kind: 'delete', key: 'b' }])
    disk.full = false
    await writable
    expect(disk.batches).toEqual([['a=2', '-b']])
    expect(told.filter(({ kind }) => kind !== 'persisted').at(-1)).toEqual({ kind: 'journalWritable' })
    expect(writer.fault).toBeUndefined()
    expect(writer.failures.get()).toBeGreaterThan(0)
    expect(events.map(({ event }) => event)).toEqual(['journal_write_failed', 'journal_written_again'])
  })

  it('R-06 a disk that neither takes nor refuses, as one that is frozen, is a fault as well; what it was given and what came meanwhile is there in the end', async () => {
    const { disk, told, events, writer, hear } = aWriter(60_000, 1)
    const heard = (wanted: JournalOutcome['kind']) =>
      new Promise<void>((done) => {
        hear.also = ({ kind }) => {
          if (kind === wanted) done()
        }
      })
    let thaw: () => void = () => undefined
    disk.answer = new Promise((resolve) => (thaw = resolve))
    const refused = heard('notPersisted')
    writer.write(1, [put('a', 1)])
    await refused
    expect(told).toEqual([{ kind: 'notPersisted', token: 1 }])
    expect(writer.fault).toBe('the disk has not answered for 0.001 s')
    expect(writer.failures.get()).toBe(1)
    writer.write(2, [put('b', 1)])
    expect(told.at(-1)).toEqual({ kind: 'notPersisted', token: 2 })
    const writable = heard('journalWritable')
    disk.answer = Promise.resolve()
    thaw()
    await writable
    // Who asks for b again from now on is told that it is on the disk.
    expect(disk.batches).toEqual([['a=1'], ['b=1']])
    await writer.idle()
    expect(writer.fault).toBeUndefined()
    expect(events.map(({ event }) => event)).toEqual(['journal_write_failed', 'journal_written_again'])
    writer.write(3, [put('c', 1)])
    await writer.idle()
    expect(told.at(-1)).toEqual({ kind: 'persisted', token: 3 })
  })

  it('R-06 while it waits for room nobody waits for it; at the end there is one more try, and a line that says what is missing', async () => {
    const { disk, told, events, writer } = aWriter()
    disk.full = true
    writer.write(1, [put('a', 1)])
    await writer.idle()
    writer.write(2, [put('b', 1)])
    expect(told.at(-1)).toEqual({ kind: 'notPersisted', token: 2 })
    await writer.stop()
    expect(events.at(-1)).toMatchObject({ event: 'journal_incomplete', records: 2, reason: 'disk full' })
    const later = aWriter()
    later.disk.full = true
    later.writer.write(1, [put('a', 1)])
    await later.writer.idle()
    later.disk.full = false
    await later.writer.stop()
    expect(later.disk.batches).toEqual([['a=1']])
    expect(later.events.at(-1)).toMatchObject({ event: 'journal_written_again' })
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

  it('name TLS and WebSockets as a phone and a page want them, and what has to be trusted', () => {
    const listeners = [
      { transport: 'tls', port: 5061, advertisedHost: '192.0.2.7' },
      { transport: 'wss', port: 7443, advertisedHost: '2001:db8::7' },
    ]
    const sheet = phoneSettings('dht.example.com', listeners, [], 1, './data/authority/root-ca.pem')
    expect(sheet).toContain('192.0.2.7:5061, transport TLS')
    expect(sheet).toContain('wss://[2001:db8::7]:7443')
    expect(sheet).toContain('./data/authority/root-ca.pem')
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
    expect(await bootstrapAddresses({ names: ['site'], self, ...question }, trace)).toEqual({
      bootstrap: [{ address: '192.0.2.2', port: 6084 }],
      turn: 0,
    })
    expect(events).toEqual([])
  })

  it('a name without an address is waited for: one line says so, one says that it has come', async () => {
    const { question, trace, events } = asked([{}, {}, {}, { foo: ['192.0.2.9'] }])
    expect(await bootstrapAddresses({ names: ['foo'], self, ...question }, trace)).toEqual({
      bootstrap: [{ address: '192.0.2.9', port: 6084 }],
      turn: undefined,
    })
    expect(events.map(({ event }) => event)).toEqual(['bootstrap_unresolved', 'bootstrap_resolved'])
    expect(events[0]).toMatchObject({ level: 'warn', key: 'overlay.bootstrap', names: 'foo' })
  })

  it('R-06 who knows former neighbors does not wait for a name server that is away', async () => {
    const { question, trace, events } = asked([{}])
    const asking = { names: ['foo'], self, ...question, hasFormerNeighbors: true }
    expect(await bootstrapAddresses(asking, trace)).toBe('unresolved')
    expect(events.map(({ event }) => event)).toEqual(['bootstrap_unresolved'])
    const there = asked([{ foo: ['192.0.2.9'] }])
    expect(await bootstrapAddresses({ ...asking, ...there.question }, trace)).not.toBe('unresolved')
  })

  it('R-06 each of those in the list has its turn, the same in the eyes of all, whatever the order in which they are told', async () => {
    const members = ['192.0.2.3', '192.0.2.10', '2001:db8::1', '192.0.2.2']
    const turns = await Promise.all(
      members.map(async (address, shift) => {
        const told = [...members.slice(shift), ...members.slice(0, shift)]
        const own = { address, port: 6084 }
        return (await entrancesNow(['site', '192.0.2.2'], own, () => Promise.resolve(told))).entrances.turn
      }),
    )
    expect(turns.toSorted()).toEqual([0, 1, 2, 3])
    const other = { address: '192.0.2.2', port: 7000 }
    const { entrances } = await entrancesNow(['site'], other, () => Promise.resolve(members))
    expect(entrances).toMatchObject({ turn: undefined, bootstrap: { length: 4 } })
  })

  it('R-06 a listener on a wildcard address knows itself by the names of the machine for itself, on its port', () => {
    const own = (address: string, listener: string, port = 6084) =>
      isOwnPlace({ ...self, listener: { address: listener, port: 6084 } }, { address, port })
    for (const address of ['192.0.2.1', '127.0.0.1', '127.0.1.1', '0.0.0.0', '::1', '0:0:0:0:0:0:0:1']) {
      expect(own(address, '0.0.0.0')).toBe(true)
      expect(own(address, '::')).toBe(true)
    }
    expect(own('127.0.0.1', '0.0.0.0', 6086)).toBe(false)
    // Perhaps an address that wanders between machines.
    expect(own('192.0.2.2', '0.0.0.0')).toBe(false)
    expect(own('nowhere', '0.0.0.0')).toBe(false)
    // What others are told counts besides: an address of a router in front.
    expect(own('192.0.2.1', '10.1.2.3')).toBe(true)
    expect(own('10.1.2.3', '10.1.2.3')).toBe(true)
    expect(own('127.0.0.1', '10.1.2.3')).toBe(false)
  })

  it('R-06 what the list says of a node decides its turn, whatever others are told beside it', async () => {
    const turns = await Promise.all(
      [1, 2].map(async (own) => {
        const listener = { address: `10.0.0.${own}`, port: 6084 }
        const place = { address: `203.0.113.${9 - own}`, port: 6084, listener }
        return (await entrancesNow(['10.0.0.1', '10.0.0.2'], place)).entrances.turn
      }),
    )
    expect(turns).toEqual([0, 1])
  })

  it('R-06 nodes whose own name leads them to 127.0.1.1, as Debian has it, still have turns of their own', async () => {
    const turns = await Promise.all(
      [1, 2, 3].map(async (own) => {
        const place = { address: `192.0.2.${own}`, port: 6084, listener: { address: '0.0.0.0', port: 6084 } }
        const lookUp = (host: string) =>
          Promise.resolve([host === `n${own}` ? '127.0.1.1' : `192.0.2.${host.slice(1)}`])
        return (await entrancesNow(['n1', 'n2', 'n3'], place, lookUp)).entrances.turn
      }),
    )
    expect(turns).toEqual([0, 1, 2])
  })

  it('R-06 the only bootstrap node, written as another address of its own, founds', async () => {
    const listener = { address: '0.0.0.0', port: 6084 }
    const { entrances } = await entrancesNow(['127.0.0.1:6084'], { ...self, listener })
    expect(entrances).toEqual({ bootstrap: [], turn: 0 })
  })

  it('R-06 names are looked up again: other addresses are told once, and a name server that is away changes nothing', async () => {
    const told: Entrances[] = []
    const known = { bootstrap: [{ address: '192.0.2.9', port: 6084 }], turn: undefined }
    const watch = new EntranceWatch(
      { names: ['site'], self, known },
      (now) => told.push(now),
      () => undefined,
    )
    try {
      for (const addresses of [
        ['192.0.2.9'],
        [],
        ['192.0.2.1'],
        ['192.0.2.1'],
        [],
        ['192.0.2.3', '192.0.2.1'],
        ['192.0.2.1', '192.0.2.3'],
      ])
        await watch.look(() => Promise.resolve(addresses))
      expect(told).toEqual([
        { bootstrap: [], turn: 0 },
        { bootstrap: [{ address: '192.0.2.3', port: 6084 }], turn: 0 },
      ])
    } finally {
      watch.stop()
    }
  })

  it('R-06 of several names one that has no address now hides no node, and one that never had any hides no new ones', async () => {
    const told: Entrances[] = []
    const node = (last: number) => ({ address: `192.0.2.${last}`, port: 6084 })
    const known = { bootstrap: [node(8), node(9)], turn: undefined }
    const watch = new EntranceWatch(
      { names: ['a', 'b', 'never'], self, known },
      (now) => told.push(now),
      () => undefined,
    )
    try {
      for (const answers of [{ a: ['192.0.2.8'] }, { a: ['192.0.2.8'], b: ['192.0.2.7'] }] as Record<
        string,
        string[]
      >[])
        await watch.look((host) => Promise.resolve(answers[host] ?? []))
      expect(told).toEqual([{ bootstrap: [node(8), node(7)], turn: undefined }])
    } finally {
      watch.stop()
    }
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
