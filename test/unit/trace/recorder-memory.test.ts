import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../../src/common/random.ts'
import { capture, type Capture } from '../../../src/trace/capture.ts'
import { CallRecorder } from '../../../src/trace/recorder.ts'
import type { RecordedMessage, TraceHop } from '../../../src/trace/recorded.ts'

const SEED = 0x1234_5678_9abc_def0n

function hop(port: number): TraceHop {
  return { transport: 'udp', host: `10.0.0.${port % 7}`, port, listener: port % 3, flow: port }
}

function message(callId: string, start: string, cseq: string, padding: number): Uint8Array {
  return new TextEncoder().encode(
    `${start}\r\nVia: SIP/2.0/UDP 10.0.0.5;branch=z9hG4bK1\r\nContact: <sip:a:SECRET@x>\r\nCall-ID: ${callId}\r\nCSeq: 1 ${cseq}\r\n` +
      `User-Agent: ${'x'.repeat(padding)}\r\nAuthorization: Digest SECRET\r\n\r\n`,
  )
}

interface Told {
  readonly direction: 'in' | 'out'
  readonly hop: TraceHop
  readonly bytes: Uint8Array
  readonly at: number
}

describe('what the recorder remembers', () => {
  it('is what it was told, covered, whatever was forgotten and written over meanwhile', () => {
    for (let seed = 0; seed < 4; seed++) {
      const random = new SeededRandom(`recorder ${seed}`)
      const pick = (below: number): number => random.int(below)
      const limits = { bytesMax: 60_000 + 40_000 * pick(4), callsMax: 8 + pick(60) }
      const recorder = new CallRecorder(SEED, limits)
      const told = new Map<string, Told[]>()
      const first = new Map<string, number>()
      for (let step = 0; step < 600; step++) {
        const callId = `call-${pick(4) === 0 ? pick(90) : pick(6)}@host`
        const size = [0, 40, 300, 512, 700, 2_000, 9_000, 20_000][pick(8)] ?? 0
        const start = pick(2) === 0 ? 'INVITE sip:bob:SECRET@x SIP/2.0' : 'SIP/2.0 200 OK'
        const direction = pick(2) === 0 ? 'in' : 'out'
        const bytes = message(callId, start, 'INVITE', size)
        const from = hop(1 + pick(600))
        if (recorder.call(callId) === undefined) {
          told.set(callId, [])
          first.set(callId, step)
        }
        recorder.message({ ms: step, wall: 1_000_000 + step }, direction, from, bytes)
        told.get(callId)?.push({ direction, hop: from, bytes, at: 1_000_000 + step })
        expect(recorder.bytes).toBeLessThanOrEqual(limits.bytesMax + 2 * 576)
        expect(recorder.size).toBeLessThanOrEqual(limits.callsMax + 1)
        if (step % 60 !== 59) continue
        const seen = new Set<string>()
        for (const call of recorder.calls()) {
          expect(seen.has(call.callId)).toBe(false)
          seen.add(call.callId)
          const all = told.get(call.callId) ?? []
          expect(call.recorded).toBe(all.length)
          expect(call.entries.length + call.skipped).toBe(all.length)
          let from = 0
          for (const entry of call.entries) {
            const index = all.findIndex((each, at) => at >= from && each.at === entry.at)
            expect(index).toBeGreaterThanOrEqual(from)
            from = index + 1
            const { bytes, direction, hop } = all[index] as Told
            expect(entry).toMatchObject({ kind: 'message', direction, hop, callId: call.callId })
            const { bytes: covered, ...rest } = capture(bytes) as Capture
            expect(entry).toMatchObject(rest)
            const shown = Buffer.from((entry as RecordedMessage).bytes).toString('latin1')
            expect(shown === Buffer.from(covered).toString('latin1')).toBe(true)
            expect(shown.includes('SECRET')).toBe(false)
          }
          // Its beginning and the latest stay.
          expect(call.entries[0]?.at).toBe(all[0]?.at)
          expect(call.entries.at(-1)?.at).toBe(all.at(-1)?.at)
        }
        expect(seen.size).toBe(recorder.size)
      }
    }
  })

  it('names calls by the whole Call-ID in every form of the header', () => {
    const recorder = new CallRecorder(SEED)
    const bytes = (line: string): Uint8Array =>
      new TextEncoder().encode(`OPTIONS sip:x SIP/2.0\r\nCSeq: 1 OPTIONS\r\n${line}\r\nTo: <sip:x>\r\n\r\n`)
    for (const line of ['Call-ID: one@x', 'call-id :one@x ', 'i:  one@x', 'I: one@x', 'CALL-ID:one@x'])
      recorder.message({ ms: 0, wall: 0 }, 'in', hop(1), bytes(line))
    recorder.message({ ms: 0, wall: 0 }, 'in', hop(1), bytes('Call-ID: one@y'))
    recorder.message({ ms: 0, wall: 0 }, 'in', hop(1), bytes('Call-Info: one@x'))
    recorder.message({ ms: 0, wall: 0 }, 'in', hop(1), bytes(`Call-ID: ${'x'.repeat(257)}`))
    expect(recorder.call('one@x')?.entries).toHaveLength(5)
    expect([...recorder.calls()].map(({ callId }) => callId)).toEqual(['one@y', 'one@x'])
  })

  it('says when nothing was added to a call, so that nobody reads it again', () => {
    const recorder = new CallRecorder(SEED)
    for (let i = 0; i < 300; i++)
      recorder.message({ ms: i, wall: i }, 'in', hop(1), message('a', 'INFO sip:x SIP/2.0', 'INFO', 0))
    expect(recorder.call('a')?.recorded).toBe(300)
    recorder.note({ ms: 301, wall: 301 }, 'a', { kind: 'lookup' } as never)
    expect(recorder.call('a')?.recorded).toBe(301)
    expect(recorder.call('a')?.entries.at(-1)?.kind).toBe('note')
  })
})
