import { describe, expect, it } from 'vitest'
import { buildResponse, parseMessage, type SipMessage } from '../../../../src/sip/message/index.ts'
import { Transactions, type Hop, type Wire } from '../../../../src/sip/transaction/index.ts'
import { serverKey } from '../../../../src/sip/transaction/matching.ts'

const UDP: Hop = { transport: 'udp', flow: 0, listener: 0, host: '10.0.0.1', port: 5060 }
const TCP: Hop = { transport: 'tcp', flow: 3, listener: 1, host: '10.0.0.1', port: 5060 }

class RecordingWire implements Wire {
  readonly sent: string[] = []
  dead = false
  send(_hop: Hop, bytes: Uint8Array): boolean {
    if (!this.dead) this.sent.push(Buffer.from(bytes).toString('latin1'))
    return !this.dead
  }
  respond(hop: Hop, bytes: Uint8Array): void {
    this.send(hop, bytes)
  }
}

function read(text: string): SipMessage {
  const parsed = parseMessage(Buffer.from(text, 'latin1'))
  if (!parsed.ok) throw new Error(parsed.error.reason)
  return parsed.value
}

const BRANCH = 'z9hG4bKabc.def'

function requestText(method: string, branch = BRANCH, extra = ''): string {
  return (
    `${method} sip:b@x.org SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=${branch};rport\r\n` +
    `Via: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKbelow\r\n${extra}Max-Forwards: 70\r\nFrom: <sip:a@x.org>;tag=1\r\n` +
    `To: <sip:b@x.org>\r\nCall-ID: c\r\nCSeq: 7 ${method}\r\nContent-Length: 0\r\n\r\n`
  )
}

function setUp(): { wire: RecordingWire; table: Transactions<string, string> } {
  const wire = new RecordingWire()
  return { wire, table: new Transactions<string, string>({ wire }, { transactionsMax: 4 }) }
}

function start(method: string, hop: Hop, extra = '') {
  const { wire, table } = setUp()
  const text = requestText(method, BRANCH, extra)
  const client = table.start(0, BRANCH, method, hop, Buffer.from(text, 'latin1'), 'user')
  const request = read(text)
  const respond = (now: number, status: number): string | undefined => {
    const bytes = buildResponse(request, status, 'R', { toTag: 'far' })
    const response = parseMessage(bytes)
    if (!response.ok) throw new Error(response.error.reason)
    return table.receive(now, response.value, BRANCH)?.user
  }
  /** Times at which something was sent until the end of time. */
  const sendTimes = (until: number): number[] => {
    const times: number[] = []
    for (let now = table.nextDeadline(); now <= until; now = table.nextDeadline()) {
      const before = wire.sent.length
      table.expire(now)
      if (wire.sent.length > before) times.push(now)
    }
    return times
  }
  return { wire, table, client, respond, sendTimes }
}

describe('INVITE client', () => {
  it('S3261-17-01 S3261-17.1-01 repeats at 0.5, 1.5, 3.5 … s over UDP and gives up at 32 s (Timer B)', () => {
    const t = start('INVITE', UDP)
    expect(t.wire.sent).toHaveLength(1)
    expect(t.sendTimes(40_000)).toEqual([500, 1_500, 3_500, 7_500, 15_500, 31_500])
    expect(t.table.takeFailures()).toMatchObject([{ cause: 'timeout' }])
    expect(t.table.timeouts.get('B')).toBe(1)
    expect(t.table.size).toBe(0)
  })

  it('S3261-17.1-01 does not repeat on a stream', () => {
    const t = start('INVITE', TCP)
    expect(t.sendTimes(40_000)).toEqual([])
    expect(t.table.takeFailures()).toHaveLength(1)
  })

  it('S3261-17.1-01 a provisional response ends the repeats and Timer B', () => {
    const t = start('INVITE', UDP)
    expect(t.respond(100, 180)).toBe('user')
    expect(t.table.nextDeadline()).toBe(Number.POSITIVE_INFINITY)
  })

  it('S3261-17.1-01 S3261-17-01 acknowledges a failure by itself, each repeat again, until Timer D', () => {
    const t = start('INVITE', UDP, 'Route: <sip:r1;lr>, <sip:r2;lr>\r\n')
    expect(t.respond(100, 486)).toBe('user')
    const ack = read(t.wire.sent[1]!)
    expect(ack.method).toBe('ACK')
    expect(ack.topVia.branch).toBe(BRANCH)
    expect(ack.viaCount).toBe(1)
    expect(ack.values('route')).toEqual(['<sip:r1;lr>', '<sip:r2;lr>'])
    expect(ack.to.params.get('tag')).toBe('far')
    expect(ack.cseq).toEqual({ number: 7, method: 'ACK' })
    expect(t.respond(200, 486)).toBeUndefined()
    expect(t.wire.sent).toHaveLength(3)
    // S3261-17-01: not before 32 s.
    t.table.expire(99 + 32_000)
    expect(t.table.size).toBe(1)
    t.table.expire(100 + 32_000)
    expect(t.table.size).toBe(0)
  })

  it('S3261-17-01 Timer D is zero on a stream', () => {
    const t = start('INVITE', TCP)
    t.respond(100, 486)
    expect(t.table.size).toBe(0)
  })

  it('S6026-7-02 in Accepted every 2xx goes to the user until Timer M', () => {
    const t = start('INVITE', UDP)
    expect(t.respond(100, 200)).toBe('user')
    // The INVITE itself is not repeated any more and not kept.
    expect(t.client.bytes).toHaveLength(0)
    t.table.expire(99 + 32_000)
    expect(t.respond(99 + 32_000, 200)).toBe('user')
    expect(t.respond(99 + 32_000, 180)).toBeUndefined()
    t.table.expire(100 + 32_000)
    expect(t.respond(40_000, 200)).toBeUndefined()
    expect(t.table.size).toBe(0)
  })

  it('S3261-18.4-01 S3261-16.9-01 a dead hop and a closed flow are failures at once', () => {
    const dead = setUp()
    dead.wire.dead = true
    dead.table.start(0, BRANCH, 'INVITE', TCP, Buffer.from(requestText('INVITE')), 'user')
    expect(dead.table.takeFailures()).toMatchObject([{ cause: 'transport' }])
    const t = start('INVITE', TCP)
    t.table.flowClosed(50, 3)
    expect(t.table.takeFailures()).toMatchObject([{ cause: 'transport' }])
    expect(t.table.size).toBe(0)
  })
})

describe('non-INVITE client', () => {
  it('S3261-17.1-02 doubles up to T2 and gives up on Timer F', () => {
    const t = start('MESSAGE', UDP)
    expect(t.sendTimes(40_000)).toEqual([
      500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500,
    ])
    expect(t.table.timeouts.get('F')).toBe(1)
  })

  it('S3261-17.1-02 repeats every T2 once a provisional response has come', () => {
    const t = start('MESSAGE', UDP)
    expect(t.respond(100, 183)).toBe('user')
    expect(t.sendTimes(13_000)).toEqual([500, 4_500, 8_500, 12_500])
  })

  it('S3261-17.1-02 absorbs repeated answers until Timer K, which is zero on a stream', () => {
    const t = start('MESSAGE', UDP)
    expect(t.respond(100, 200)).toBe('user')
    expect(t.respond(200, 200)).toBeUndefined()
    t.table.expire(5_100)
    expect(t.table.size).toBe(0)
    const stream = start('MESSAGE', TCP)
    stream.respond(100, 404)
    expect(stream.table.size).toBe(0)
  })

  it('S3261-17.1-03 a response of another method or branch is not its own', () => {
    const t = start('MESSAGE', UDP)
    const bytes = buildResponse(read(requestText('INFO')), 200, 'OK')
    const parsed = parseMessage(bytes)
    expect(parsed.ok && t.table.receive(0, parsed.value, BRANCH)).toBeUndefined()
    const own = parseMessage(buildResponse(read(requestText('MESSAGE')), 200, 'OK'))
    expect(own.ok && t.table.receive(0, own.value, 'z9hG4bKother')).toBeUndefined()
  })
})

function serve(method: string, hop: Hop) {
  const { wire, table } = setUp()
  const request = read(requestText(method))
  const server = table.accept(serverKey(request), method, hop)
  const answer = (now: number, status: number): void =>
    table.answer(now, server, status, buildResponse(request, status, 'R', { toTag: 't' }))
  const statuses = (): string[] => wire.sent.map((text) => text.slice(8, 11))
  return { wire, table, server, answer, statuses }
}

describe('INVITE server', () => {
  it('S3261-17.2-02 repeats a failure at T1, 2*T1 … T2 until Timer H', () => {
    const t = serve('INVITE', UDP)
    t.answer(0, 100)
    t.answer(0, 486)
    const times: number[] = []
    for (let now = t.table.nextDeadline(); now < 40_000; now = t.table.nextDeadline()) {
      const before = t.wire.sent.length
      t.table.expire(now)
      if (t.wire.sent.length > before) times.push(now)
    }
    expect(times).toEqual([500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500])
    expect(t.table.timeouts.get('H')).toBe(1)
    expect(t.table.size).toBe(0)
  })

  it('S3261-17.2-02 an ACK ends the repeats; later ACKs are absorbed until Timer I', () => {
    const t = serve('INVITE', UDP)
    t.answer(0, 486)
    t.table.repeat(100, t.server, 'ack')
    expect(t.table.nextDeadline()).toBe(5_100)
    t.table.repeat(200, t.server, 'ack')
    t.table.repeat(200, t.server, 'request')
    expect(t.statuses()).toEqual(['486'])
    t.table.expire(5_100)
    expect(t.table.size).toBe(0)
  })

  it('S3261-17.2-02 a repeated INVITE gets the latest provisional response', () => {
    const t = serve('INVITE', UDP)
    t.table.repeat(0, t.server, 'request')
    t.answer(0, 100)
    t.answer(0, 180)
    t.table.repeat(10, t.server, 'request')
    expect(t.statuses()).toEqual(['100', '180', '180'])
  })

  it('S6026-7-01 in Accepted INVITEs are absorbed and further 2xx pass until Timer L', () => {
    const t = serve('INVITE', UDP)
    t.answer(0, 200)
    t.table.repeat(10, t.server, 'request')
    t.answer(20, 200)
    expect(t.statuses()).toEqual(['200', '200'])
    t.table.expire(31_999)
    expect(t.table.size).toBe(1)
    t.table.expire(32_000)
    expect(t.table.size).toBe(0)
  })

  it('S6026-8-01 S6026-7-03 without a transaction a response is discarded; a dead hop does not end one', () => {
    const t = serve('INVITE', UDP)
    t.answer(0, 200)
    t.table.expire(32_000)
    t.answer(33_000, 200)
    expect(t.statuses()).toEqual(['200'])
    const dead = serve('INVITE', UDP)
    dead.wire.dead = true
    dead.answer(0, 486)
    expect(dead.table.size).toBe(1)
    dead.wire.dead = false
    dead.table.expire(500)
    expect(dead.statuses()).toEqual(['486'])
  })

  it('S3261-17-01 on a stream nothing is repeated', () => {
    const t = serve('INVITE', TCP)
    t.answer(0, 486)
    expect(t.table.nextDeadline()).toBe(32_000)
    t.table.repeat(100, t.server, 'ack')
    expect(t.table.size).toBe(0)
  })
})

describe('non-INVITE server', () => {
  it('S3261-17.2-01 repeats get the answer again until Timer J, before it nothing', () => {
    const t = serve('MESSAGE', UDP)
    t.table.repeat(0, t.server, 'request')
    t.answer(10, 200)
    // The table keeps the answer; whoever forwarded the request and knows its transaction keeps none.
    expect(t.server.response).toBeUndefined()
    t.table.repeat(20, t.table.server(t.server.key) ?? t.server, 'request')
    expect(t.statuses()).toEqual(['200', '200'])
    t.table.expire(32_010)
    expect(t.table.size).toBe(0)
    const stream = serve('MESSAGE', TCP)
    stream.answer(0, 200)
    expect(stream.table.size).toBe(0)
    expect(stream.server.response).toBeUndefined()
  })

  it('S-TX-01 a transaction may end without an answer', () => {
    const t = serve('MESSAGE', UDP)
    t.table.drop(t.server)
    t.answer(10, 408)
    expect(t.statuses()).toEqual([])
  })
})

describe('matching', () => {
  it('S3261-17.2-01 by branch, sent-by and method, an ACK by its INVITE', () => {
    const invite = serverKey(read(requestText('INVITE')))
    expect(serverKey(read(requestText('ACK')))).toBe(invite)
    expect(serverKey(read(requestText('CANCEL')))).not.toBe(invite)
    expect(serverKey(read(requestText('CANCEL')), 'INVITE')).toBe(invite)
    const elsewhere = requestText('INVITE').replace('192.0.2.1:5060', '192.0.2.2:5060')
    expect(serverKey(read(elsewhere))).not.toBe(invite)
  })

  it('S3261-17.2-01 without the cookie by the RFC 2543 rule', () => {
    const old = requestText('INVITE', 'old')
    const key = serverKey(read(old))
    expect(
      serverKey(read(requestText('ACK', 'old').replace('To: <sip:b@x.org>', 'To: <sip:b@x.org>;tag=9'))),
    ).toBe(key)
    expect(serverKey(read(old.replace('CSeq: 7', 'CSeq: 8')))).not.toBe(key)
    expect(serverKey(read(old.replace('Call-ID: c', 'Call-ID: d')))).not.toBe(key)
    expect(serverKey(read(old.replace('tag=1', 'tag=2')))).not.toBe(key)
    expect(serverKey(read(old.replace('INVITE sip:b@', 'INVITE sip:c@')))).not.toBe(key)
    expect(serverKey(read(old.replace('192.0.2.1:5060', '192.0.2.1:5062')))).not.toBe(key)
    expect(serverKey(read(old.replace('branch=old', 'branch=other')))).not.toBe(key)
  })

  it('E54 the table says when it is full', () => {
    const { table } = setUp()
    for (let i = 0; i < 4; i++) {
      expect(table.taken).toBeLessThan(1)
      table.accept(`k${i}`, 'MESSAGE', UDP)
    }
    expect(table.taken).toBe(1)
    expect(table.active).toEqual({ ict: 0, ist: 0, nict: 0, nist: 4 })
  })
})

describe('long requests of ours', () => {
  const LONG = new Uint8Array(1_500)
  /** So many bytes that one more of a few would be too much. */
  const room = (table: Transactions<string, string>): number => {
    const fits = (size: number): boolean => {
      const probe = table.start(0, `z9hG4bKprobe${size}`, 'OPTIONS', TCP, new Uint8Array(size), undefined)
      const { crowded } = table
      table.abandon(probe)
      return !crowded
    }
    let [least, most] = [0, 8_192]
    while (most - least > 1) {
      const middle = (least + most) >> 1
      if (fits(middle)) least = middle
      else most = middle
    }
    return least
  }

  it('E54 crowd the table while they have no answer, with more than 1 KiB for each transaction there may be', () => {
    const { table } = setUp()
    const sent = ['a', 'b'].map((name) => table.start(0, `z9hG4bK${name}`, 'MESSAGE', UDP, LONG, undefined))
    expect([table.crowded, room(table)]).toEqual([false, 4_096 - 3_000])
    table.start(0, 'z9hG4bKc', 'MESSAGE', TCP, LONG, undefined)
    expect(table.crowded).toBe(true)
    table.abandon(sent[0]!)
    expect(table.crowded).toBe(false)
    // Nobody answers.
    for (let now = table.nextDeadline(); now < 100_000; now = table.nextDeadline()) table.expire(now)
    expect(room(table)).toBe(4_096)
  })

  it('E54 and not once they have one: whatever it is, however often it comes, and on a dead hop', () => {
    for (const hop of [UDP, TCP]) {
      for (const method of ['INVITE', 'MESSAGE']) {
        for (const status of [200, 486]) {
          const t = start(method, hop, `X-Padding: ${'x'.repeat(2_000)}\r\n`)
          expect(room(t.table)).toBeLessThan(2_096)
          t.respond(1, 180)
          expect(room(t.table)).toBeLessThan(2_096)
          for (const at of [2, 3, 4]) t.respond(at, status)
          expect(room(t.table), `${method} ${status}`).toBe(4_096)
          t.sendTimes(100_000)
          expect(room(t.table), `${method} ${status}`).toBe(4_096)
        }
      }
    }
    const { table, wire } = setUp()
    wire.dead = true
    table.start(0, BRANCH, 'INVITE', UDP, LONG, 'user')
    wire.dead = false
    expect(room(table)).toBe(4_096)
  })
})

describe('answers with long headers', () => {
  const LONG = new Uint8Array(1_500)

  it('E54 S3261-17.2-01 are repeated until they are acknowledged, and end early, the oldest first, when all of them take more than 1 KiB for each transaction there may be', () => {
    const { table, wire } = setUp()
    const refuse = (key: string, at: number) => {
      const invite = table.accept(key, 'INVITE', UDP)
      table.answer(at, invite, 100, new Uint8Array(500))
      table.answer(at, invite, 486, LONG)
      return invite
    }
    const [first, second] = [refuse('a', 0), refuse('b', 1)]
    expect([first.state, second.state, table.size]).toEqual(['completed', 'completed', 2])
    const third = refuse('c', 2)
    expect([first.state, second.state, third.state, table.size]).toEqual([
      'terminated',
      'completed',
      'completed',
      2,
    ])
    expect(table.server('a')).toBeUndefined()
    // Nothing of it is repeated any more, the others are.
    wire.sent.length = 0
    table.expire(600)
    expect(wire.sent).toHaveLength(2)
    // What is acknowledged makes room.
    table.repeat(700, second, 'ack')
    const fourth = refuse('d', 701)
    expect([second.state, third.state, fourth.state]).toEqual(['confirmed', 'completed', 'completed'])
    for (let now = table.nextDeadline(); now < 100_000; now = table.nextDeadline()) table.expire(now)
    expect(table.size).toBe(0)
  })

  it('E54 make no request be refused: neither those that wait for an ACK nor those that nothing else can keep', () => {
    const { table } = setUp()
    for (const key of ['a', 'b', 'c']) table.answer(0, table.accept(key, 'INVITE', UDP), 486, LONG)
    const longKey = 'k'.repeat(2_100)
    table.answer(0, table.accept(longKey, 'OPTIONS', UDP), 200, LONG)
    expect(table.taken).toBeLessThan(1)
    expect(table.server(longKey)?.response?.length).toBe(1_500)
    expect(table.server('c')).toBeUndefined()
    table.answer(0, table.accept('d', 'INVITE', UDP), 200, LONG)
    table.answer(0, table.accept('e', 'OPTIONS', TCP), 200, LONG)
    expect(table.size).toBe(2)
  })

  it('E54 one that is too long for all the room there is is sent and not kept', () => {
    const { table, wire } = setUp()
    const invite = table.accept('a', 'INVITE', UDP)
    table.answer(0, invite, 486, new Uint8Array(5_000))
    expect([invite.state, table.size, wire.sent.length]).toEqual(['terminated', 0, 1])
    expect(table.nextDeadline()).toBe(Infinity)
  })

  it('S3261-17.2-01 a second final answer is discarded, and leaves no trace in what answers take', () => {
    const { table, wire } = setUp()
    for (const method of ['INVITE', 'OPTIONS']) {
      const server = table.accept(method, method, UDP)
      table.answer(0, server, 486, LONG)
      table.answer(0, server, 500, new Uint8Array(9_000))
      table.repeat(1, table.server(method) ?? server, 'request')
    }
    expect(wire.sent.map(({ length }) => length)).toEqual([1_500, 1_500, 1_500, 1_500])
    for (let now = table.nextDeadline(); now < 100_000; now = table.nextDeadline()) table.expire(now)
    expect(table.taken).toBe(0)
  })

  it('E54 are forgotten early, the oldest first, when those of requests that are over take more', () => {
    const { table } = setUp()
    for (const key of ['a', 'b', 'c']) table.answer(0, table.accept(key, 'OPTIONS', UDP), 200, LONG)
    expect(['a', 'b', 'c'].map((key) => table.server(key)?.response?.length)).toEqual([
      undefined,
      1_500,
      1_500,
    ])
    expect(table.active.nist).toBe(2)
    expect(table.taken).toBe(0)
  })
})
