import { afterEach, describe, expect, it } from 'vitest'
import type { Trace } from '../../../../src/common/trace.ts'
import { NO_TRACE } from '../../../../src/common/trace.ts'
import type { SipInput } from '../../../../src/sip/core/contract.ts'
import {
  CONTROL_TIMING,
  waitMs,
  type ControlTiming,
} from '../../../../src/sip/io/drachtio/control-connection.ts'
import { DrachtioShell } from '../../../../src/sip/io/drachtio/drachtio-shell.ts'
import { FRAME_BYTES_MAX, FrameGuard } from '../../../../src/sip/io/drachtio/frame-guard.ts'
import { answersPing, serverAddresses } from '../../../../src/sip/io/drachtio/server-info.ts'
import { DrachtioControl, type ControlCommand } from '../../../support/drachtio-control.ts'

const INVITE = [
  'INVITE sip:bob@dht.example.com SIP/2.0',
  'Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1;rport=5060',
  'From: <sip:alice@dht.example.com>;tag=a',
  'To: <sip:bob@dht.example.com>',
  'Call-ID: one',
  'CSeq: 1 INVITE',
  'Subject: Grüße',
  'Content-Length: 0',
  '\r\n',
].join('\r\n')

/** Things that happen, waited for in order. */
class Queue<T> {
  private readonly items: T[] = []
  private waiting: (() => void) | undefined

  readonly push = (item: T): void => {
    this.items.push(item)
    this.waiting?.()
  }

  async next(wanted: (item: T) => boolean = () => true): Promise<T> {
    for (;;) {
      const at = this.items.findIndex(wanted)
      const item = at < 0 ? undefined : this.items.splice(0, at + 1)[at]
      if (item !== undefined) return item
      await new Promise<void>((resolve) => {
        this.waiting = resolve
      })
    }
  }
}

const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const each of cleanup.splice(0).reverse()) await each()
})

interface Bench {
  readonly control: DrachtioControl
  readonly commands: Queue<ControlCommand>
  readonly inputs: Queue<SipInput>
  readonly shell: DrachtioShell
}

async function bench(init: { timing?: ControlTiming; trace?: Trace } = {}): Promise<Bench> {
  const commands = new Queue<ControlCommand>()
  const inputs = new Queue<SipInput>()
  const control = new DrachtioControl({
    secret: 's',
    addresses: () => 'udp/192.0.2.1:5060,tcp/[2001:db8::1]:5062',
    command: commands.push,
  })
  const port = await control.listen()
  const { timing = { ...CONTROL_TIMING, waitFirstMs: 1 }, trace = NO_TRACE } = init
  const shell = new DrachtioShell(inputs.push, { host: '127.0.0.1', port, secret: 's', timing }, trace)
  cleanup.push(
    () => control.close(),
    () => shell.close(),
  )
  return { control, commands, inputs, shell }
}

async function connected(init: { trace?: Trace } = {}): Promise<Bench> {
  const made = await bench(init)
  made.shell.open()
  expect(await made.inputs.next()).toEqual({
    kind: 'frontUp',
    addresses: [
      { host: '192.0.2.1', port: 5060 },
      { host: '2001:db8::1', port: 5062 },
    ],
  })
  return made
}

/** Asks about an INVITE as soon as the application has said that it wants them. */
async function asked(
  { control, inputs }: Bench,
  text = INVITE,
): Promise<Extract<SipInput, { kind: 'asked' }>> {
  const bytes = Buffer.from(text, 'utf8').toString('latin1')
  const request = { transaction: 'txn', host: '10.0.0.1', port: 5071, localPort: 5060, text: bytes }
  await control.routed('INVITE')
  control.ask('INVITE', request)
  const input = await inputs.next((each) => each.kind === 'asked')
  if (input.kind !== 'asked') throw new Error('not asked')
  return input
}

describe('the control connection', () => {
  it('asks the core with the bytes of the message and where it came from', async () => {
    const made = await connected()
    const input = await asked(made)
    expect(input).toMatchObject({ transport: 'udp', host: '10.0.0.1', port: 5071 })
    expect(Buffer.from(input.bytes).toString('utf8')).toBe(INVITE)
    expect(made.shell.fault).toBeUndefined()
  })

  it('a message that drachtio-srf cannot read is told in the log, and what it says is written nowhere', async () => {
    const written: unknown[] = []
    const { error } = console
    console.error = (...parts: unknown[]) => written.push(...parts)
    cleanup.push(() => {
      console.error = error
    })
    const events = new Queue<Parameters<Trace>[0]>()
    const { control, shell } = await connected({ trace: events.push })
    await control.routed('INVITE')
    const text = 'no SIP from alice@dht.example.com\r\n\r\n'
    control.ask('INVITE', { transaction: 'txn', host: '10.0.0.1', port: 5071, localPort: 5060, text })
    const told = await events.next(({ event }) => event === 'engine_message_unreadable')
    expect(told).toMatchObject({ what: 'incoming message' })
    expect(JSON.stringify(told)).not.toContain('alice')
    expect(written).toEqual([])
    console.error('somebody else')
    shell.close()
    console.error('and later')
    expect(written).toEqual(['somebody else', 'and later'])
  })

  it('sends answers with several values of a header joined and no line of anybody else', async () => {
    const made = await connected()
    const { id } = await asked(made)
    made.shell.decide(id, {
      kind: 'respond',
      status: 200,
      reason: 'OK',
      headers: [
        ['Contact', '<sip:a@10.0.0.1>;expires=60'],
        ['Contact', '<sip:a@10.0.0.2>;expires=60'],
        ['Warning', '399 x "a\r\nX-Evil: 1"'],
      ],
    })
    const { kind, fields, text } = await made.commands.next()
    expect([kind, fields[0]]).toEqual(['sip', 'txn'])
    expect(text).toMatch(/^SIP\/2\.0 200 OK\r\n/)
    expect(text).toMatch(/\r\ncontact: <sip:a@10\.0\.0\.1>;expires=60, <sip:a@10\.0\.0\.2>;expires=60\r\n/)
    expect(text).not.toMatch(/^X-Evil/m)
  })

  it('a status that drachtio-srf does not know becomes the first of its class', async () => {
    const made = await connected()
    const { id } = await asked(made)
    made.shell.decide(id, { kind: 'respond', status: 440, reason: 'Max-Breadth Exceeded', headers: [] })
    expect((await made.commands.next()).text).toMatch(/^SIP\/2\.0 400 Max-Breadth Exceeded\r\n/)
  })

  it('forwards with targets, forking, Record-Route and headers, and says what became of it', async () => {
    const made = await connected()
    const { id } = await asked(made)
    made.shell.decide(id, {
      kind: 'forward',
      targets: ['sip:bob@10.0.0.2:5060', 'sip:bob@10.0.0.3:5060'],
      atOnce: true,
      stay: true,
      headers: [['P-Asserted-Identity', '<sip:alice@dht.example.com>']],
    })
    const command = await made.commands.next()
    expect([command.kind, ...command.fields]).toEqual([
      'proxy',
      'txn',
      'remainInDialog',
      'fullResponse',
      '',
      'simultaneous',
      '',
      '',
      'sip:bob@10.0.0.2:5060',
      'sip:bob@10.0.0.3:5060',
    ])
    expect(command.text).toMatch(/p-asserted-identity: <sip:alice@dht\.example\.com>/i)
    const busy = 'SIP/2.0 486 Busy Here\r\nVia: SIP/2.0/UDP x\r\nContent-Length: 0\r\n\r\n'
    command.reply('OK', 'network', '1', 'udp', '10.0.0.2', '5060', '0', '', '', `continue\r\n${busy}`)
    command.reply('OK', 'done')
    expect(await made.inputs.next((each) => each.kind === 'carriedOut')).toEqual({
      kind: 'carriedOut',
      id,
      status: 486,
    })
  })

  it('what the server does not carry out is counted and over', async () => {
    const made = await connected()
    const { id } = await asked(made)
    made.shell.decide(id, { kind: 'forward', targets: ['sip:b@x'], atOnce: false, stay: false, headers: [] })
    ;(await made.commands.next()).reply('NOK', 'Unknown transaction id: txn')
    expect(await made.inputs.next((each) => each.kind === 'carriedOut')).toMatchObject({ id, status: 503 })
    expect(made.shell.failures.get('refused')).toBe(1)
  })

  it('a CANCEL before the decision withdraws the question; what is decided later goes nowhere', async () => {
    const made = await connected()
    const { id } = await asked(made)
    const text = INVITE.replaceAll('INVITE', 'CANCEL')
    made.control.ask('INVITE', { transaction: 'txn', host: '10.0.0.1', port: 5071, localPort: 5060, text })
    expect(await made.inputs.next((each) => each.kind === 'withdrawn')).toEqual({ kind: 'withdrawn', id })
    made.shell.decide(id, { kind: 'respond', status: 480, reason: 'Too Late', headers: [] })
    const second = await asked(made)
    made.shell.decide(second.id, { kind: 'respond', status: 486, reason: 'Busy Here', headers: [] })
    expect((await made.commands.next()).text).toMatch(/^SIP\/2\.0 486 /)
  })

  it('a connection that breaks takes its questions and calls with it, and is made again', async () => {
    const made = await connected()
    const { id } = await asked(made)
    const second = await asked(made)
    made.shell.decide(second.id, {
      kind: 'forward',
      targets: ['sip:b@x'],
      atOnce: true,
      stay: true,
      headers: [],
    })
    await made.commands.next()
    made.control.drop()
    // In the moment before anybody has said so, a decision must not hurt.
    expect(await made.inputs.next((each) => each.kind === 'frontDown')).toEqual({ kind: 'frontDown' })
    expect(made.shell.failures.get('lost')).toBe(2)
    made.shell.decide(id, { kind: 'respond', status: 200, reason: 'OK', headers: [] })
    expect(await made.inputs.next()).toMatchObject({ kind: 'frontUp' })
    expect(made.shell.reconnects).toBe(1)
    expect((await asked(made)).kind).toBe('asked')
  })

  it('a server that accepts and says nothing is given up, and asked again', async () => {
    const events = new Queue<Parameters<Trace>[0]>()
    const timing = { ...CONTROL_TIMING, waitFirstMs: 1, connectWithinMs: 30 }
    const made = await bench({ timing, trace: events.push })
    made.control.deaf = true
    made.shell.open()
    expect(await events.next(({ event }) => event === 'engine_unreachable')).toMatchObject({
      reason: 'no answer',
    })
    expect(made.shell.fault).toBeDefined()
    made.control.deaf = false
    expect(await made.inputs.next()).toMatchObject({ kind: 'frontUp' })
  })

  it('a server that falls silent is left', async () => {
    const timing = { ...CONTROL_TIMING, waitFirstMs: 1, silenceMs: 60 }
    const made = await bench({ timing })
    made.shell.open()
    expect(await made.inputs.next()).toMatchObject({ kind: 'frontUp' })
    expect(await made.inputs.next()).toMatchObject({ kind: 'frontDown' })
  })

  it('a port where nobody listens is tried again', async () => {
    const events = new Queue<Parameters<Trace>[0]>()
    const made = await bench({ trace: events.push })
    await made.control.close()
    made.shell.open()
    const { reason } = await events.next(({ event }) => event === 'engine_unreachable')
    expect(reason).toContain('ECONNREFUSED')
    cleanup.shift()
  })
})

describe('what a drachtio server may send', () => {
  it('frames pass whole, in pieces and several at once', () => {
    const bytes = Buffer.from(`3#abc12#${'#'.repeat(12)}1#x`)
    for (let size = 1; size <= bytes.length; size++) {
      const guard = new FrameGuard()
      for (let at = 0; at < bytes.length; at += size)
        expect(guard.accepts(bytes.subarray(at, at + size)), `${size}`).toBe(true)
    }
  })

  it.each(['x', '#', '0#', '-1#', '1 #', `${FRAME_BYTES_MAX + 1}#`, '1'.repeat(30), '3#abcx'])(
    'a frame %s is none',
    (text) => {
      expect(new FrameGuard().accepts(Buffer.from(text))).toBe(false)
    },
  )

  it('its addresses and version are read, and what is neither is left out', () => {
    expect(
      serverAddresses('udp/10.0.0.1:5060, tls/Sip.Example.com:5061,10.0.0.2:5080,x,udp/:1,a:b,y:70000'),
    ).toEqual([
      { host: '10.0.0.1', port: 5060 },
      { host: 'sip.example.com', port: 5061 },
      { host: '10.0.0.2', port: 5080 },
    ])
    expect(serverAddresses(undefined)).toEqual([])
    expect(['v0.8.2', 'v0.8.26-rc1', 'v0.9.0', 'v1.0.0'].map(answersPing)).toEqual([true, true, true, true])
    expect(['v0.8.1', 'v0.7.9', '', 'eight', undefined, null].map(answersPing)).toEqual(Array(6).fill(false))
  })

  it('waits double after each failure up to a limit, and are spread', () => {
    const waits = [0, 1, 2, 10, 400].map((failures) => waitMs(CONTROL_TIMING, failures, 0.5))
    expect(waits).toEqual([250, 500, 1_000, 15_000, 15_000])
    expect([0, 0.999].map((chance) => waitMs(CONTROL_TIMING, 0, chance))).toEqual([188, 312])
  })
})
