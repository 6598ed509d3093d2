import { describe, expect, it } from 'vitest'
import { CallName } from '../../../src/trace/call-id.ts'
import { CallRecorder } from '../../../src/trace/recorder.ts'
import type { TraceHop } from '../../../src/trace/recorded.ts'

const SEED = 0x1234_5678_9abc_def0n

const PHONE: TraceHop = { transport: 'udp', host: '10.0.0.5', port: 5060, listener: 0, flow: 0 }

function request(callId: string, method = 'INVITE', padding = 0): Uint8Array {
  return new TextEncoder().encode(
    `${method} sip:bob@x SIP/2.0\r\nCall-ID: ${callId}\r\nCSeq: 1 ${method}\r\nUser-Agent: ${'x'.repeat(padding)}\r\n\r\n`,
  )
}

function response(callId: string, status: number, method = 'INVITE'): Uint8Array {
  return new TextEncoder().encode(`SIP/2.0 ${status} X\r\nCall-ID: ${callId}\r\nCSeq: 1 ${method}\r\n\r\n`)
}

function at(ms: number): { ms: number; wall: number } {
  return { ms, wall: 1_700_000_000_000 + Math.floor(ms) }
}

describe('CallRecorder', () => {
  it('keeps messages and notes of a call in order, with times finer than the wall clock', () => {
    const recorder = new CallRecorder(SEED)
    recorder.message(at(10.25), 'in', PHONE, request('a'))
    recorder.note(at(11.5), 'a', {
      kind: 'flow',
      node: 'ff',
      how: 'reused',
      tookMs: 0,
      journey: undefined,
      handshakeMs: undefined,
      fault: undefined,
    })
    recorder.message(at(12), 'out', PHONE, request('a'))
    const entries = recorder.call('a')?.entries ?? []
    expect(entries.map(({ kind }) => kind)).toEqual(['message', 'note', 'message'])
    expect((entries[1]?.at ?? 0) - (entries[0]?.at ?? 0)).toBeCloseTo(1.25, 3)
    expect(recorder.call('b')).toBeUndefined()
  })

  it('stays within its memory: the calls that were quiet for longest go first', () => {
    const recorder = new CallRecorder(SEED, { bytesMax: 100_000, callsMax: 1000 })
    for (let i = 0; i < 500; i++) {
      recorder.message(at(i), 'in', PHONE, request(`c${i}`, 'INVITE', 500))
      recorder.message(at(i), 'out', PHONE, request(`c${i}`, 'INVITE', 500))
      // Somebody is still talking.
      recorder.message(at(i), 'in', PHONE, request('c0', 'INFO'))
      if (i > 0 && i < 30) recorder.message(at(i), 'out', PHONE, response('c0', 200, 'INFO'))
    }
    expect(recorder.bytes).toBeLessThan(110_000)
    expect(recorder.call('c499')).toBeDefined()
    expect(recorder.call('c0')).toBeDefined()
    expect(recorder.call('c1')).toBeUndefined()
  })

  it('registrations and floods of strangers do not push out calls that were passed on', () => {
    const recorder = new CallRecorder(SEED, { bytesMax: 200_000, callsMax: 100 })
    recorder.message(at(0), 'in', PHONE, request('call'))
    recorder.message(at(1), 'out', PHONE, request('call'))
    for (let i = 0; i < 5_000; i++) {
      recorder.message(at(i), 'in', PHONE, request(`flood${i}`, i % 2 === 0 ? 'REGISTER' : 'INVITE'))
      recorder.message(at(i), 'out', PHONE, response(`flood${i}`, 401))
    }
    expect(recorder.call('call')?.entries).toHaveLength(2)
    expect(recorder.size).toBeLessThanOrEqual(26)
  })

  it('a call that never ends keeps its beginning and its end', () => {
    const recorder = new CallRecorder(SEED)
    for (let i = 0; i < 1_000; i++) recorder.message(at(i), 'in', PHONE, request('long', 'INFO'))
    const call = recorder.call('long')
    expect(call?.entries.length).toBe(200)
    expect(call?.skipped).toBe(800)
    expect(call?.entries[0]?.at).toBeCloseTo(1_700_000_000_000, 0)
    expect(call?.entries.at(-1)?.at).toBeCloseTo(1_700_000_000_999, 0)
  })

  it('counts dialogs: answered calls until their BYE, or for six hours', () => {
    const recorder = new CallRecorder(SEED)
    recorder.message(at(0), 'in', PHONE, response('a', 200))
    expect(recorder.dialogs.count(0)).toBe(0)
    recorder.message(at(0), 'out', PHONE, response('a', 200))
    recorder.message(at(0), 'out', PHONE, response('b', 200))
    recorder.message(at(0), 'out', PHONE, response('c', 486))
    recorder.message(at(0), 'out', PHONE, response('d', 200, 'REGISTER'))
    expect(recorder.dialogs.count(0)).toBe(2)
    recorder.message(at(1), 'in', PHONE, request('a', 'BYE'))
    expect(recorder.dialogs.count(1)).toBe(1)
    expect(recorder.dialogs.count(7 * 3_600_000)).toBe(0)
  })

  it('RFC 4028 s.10: a dialog with a session timer counts until its interval is over, and each refresh begins it anew', () => {
    const recorder = new CallRecorder(SEED)
    const count = (ms: number): number => recorder.dialogs.count(ms)
    const answered = (ms: number, method: string, field: string): void => {
      const text = Buffer.from(response('a', 200, method)).toString('latin1')
      recorder.message(at(ms), 'out', PHONE, Buffer.from(text.replace('\r\n', `\r\n${field}\r\n`), 'latin1'))
    }
    answered(0, 'UPDATE', 'Session-Expires: 90')
    expect(count(0)).toBe(0)
    answered(0, 'INVITE', 'session-expires : 90;refresher=uac')
    expect(count(89_999)).toBe(1)
    answered(60_000, 'UPDATE', 'x: 90')
    expect(count(149_999)).toBe(1)
    answered(140_000, 'INVITE', 'Session-Expires: 120')
    expect(count(259_999)).toBe(1)
    expect(count(260_000)).toBe(0)
    // Nobody keeps time any more.
    answered(300_000, 'INVITE', 'Session-Expires: 90')
    answered(310_000, 'INVITE', 'X-Expires: 90')
    expect(count(3_600_000)).toBe(1)
  })

  it('follows the wall clock when somebody sets it', () => {
    const recorder = new CallRecorder(SEED)
    recorder.message({ ms: 0, wall: 1_000_000 }, 'in', PHONE, request('a'))
    recorder.message({ ms: 10, wall: 5_000_000 }, 'in', PHONE, request('a'))
    expect(recorder.call('a')?.entries.map(({ at: time }) => time)).toEqual([1_000_000, 5_000_000])
  })
})

describe('names of calls', () => {
  it('are the same for a message and its Call-ID, and others with every seed', () => {
    const names = new Set<string>()
    for (const seed of [0n, 1n, 1n << 32n, SEED, 0xffff_ffff_ffff_ffffn]) {
      const name = new CallName(seed)
      expect(name.read(request('a84b4c76e66710'))).toBe(true)
      const { low, high } = name
      name.of('a84b4c76e66710')
      expect([name.low, name.high]).toEqual([low, high])
      names.add(`${low} ${high}`)
    }
    expect(names.size).toBe(5)
  })
})
