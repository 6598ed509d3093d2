import { describe, expect, it } from 'vitest'
import { dumpBytes } from '../../../src/cli/dump/dump-bytes.ts'
import { fromHex, utf8 } from '../../../src/common/bytes.ts'
import { SeededRandom } from '../../../src/common/random.ts'

function hex(text: string): Uint8Array {
  return fromHex(text.replace(/\s/g, '')) as Uint8Array
}

describe('dump tells what bytes are', () => {
  it('STUN: header, class and attributes (the request of RFC 5769 s.2.1)', () => {
    const [part] = dumpBytes(
      hex(`000100582112a442b7e7a701bc34d686fa87dfae
        802200105354554e207465737420636c69656e74
        002400046e0001ff80290008932ff9b151263b36
        00060009 6576746a3a683676592020 20
        00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2
        80280004 e57a3bcf`),
    )
    expect(part?.kind).toBe('stun')
    expect(part?.text).toContain('method: Binding (0x001)')
    expect(part?.text).toContain('class: request')
    expect(part?.text).toContain('USERNAME (s.14): 9 bytes')
    expect(part?.text).toContain('MESSAGE-INTEGRITY (s.14): 20 bytes')
    expect(part?.text).not.toContain('!')
  })

  it('STUN that lies about its length is shown as far as it goes', () => {
    const [part] = dumpBytes(hex('010101002112a442000000000000000000000000'))
    expect(part?.kind).toBe('stun')
    expect(part?.text).toContain('class: success response')
    expect(part?.text).toMatch(/! .*wanted/)
  })

  it('SIP: start line, fields, body; control bytes cannot reach the terminal', () => {
    const [part] = dumpBytes(
      utf8('INVITE sip:a@b SIP/2.0\r\nSubject: \u001b[31mred\r\nContent-Length: 2\r\n\r\nhi'),
    )
    expect(part?.kind).toBe('sip')
    expect(part?.text).toContain('SIP request (RFC 3261 s.7.1)')
    expect(part?.text).toContain('Subject: \\x1b[31mred')
    expect(part?.text).toContain('body: 2 bytes')
    expect(dumpBytes(utf8('SIP/2.0 200 OK\r\n'))[0]?.text).toContain('! no empty line')
  })

  it('RELOAD, bare and framed, several frames in one file', () => {
    const message = hex(
      'd2454c4f 00000000 0001 0a 64 80000000 00000026 0000000000000001 00000000 0000 0000 0000 0000',
    )
    expect(dumpBytes(message)[0]?.kind).toBe('reload')
    const frame = Uint8Array.from([128, 0, 0, 0, 7, 0, 0, message.length, ...message])
    const ack = Uint8Array.from([129, 0, 0, 0, 7, 0xff, 0, 0, 1])
    const parts = dumpBytes(Uint8Array.from([...frame, ...ack, ...frame.subarray(0, 11)]))
    expect(parts.map(({ kind }) => kind)).toEqual(['reload-frame', 'reload-frame', 'unknown'])
    expect(parts[0]?.text).toContain('sequence: 7')
    expect(parts[1]?.text).toContain('received: 0xff000001')
  })

  it('a framed RELOAD message that breaks off is shown as far as it goes, as one without a frame is', () => {
    const message = hex(
      'd2454c4f 00000000 0001 0a 64 80000000 00000026 0000000000000001 00000000 0000 0000 0000 0000',
    )
    const frame = Uint8Array.from([128, 0, 0, 0, 7, 0, 0, message.length, ...message])
    for (let length = 12; length < frame.length; length++) {
      const [part, ...more] = dumpBytes(frame.subarray(0, length))
      expect(part, `${length} bytes`).toMatchObject({ kind: 'reload-frame', whole: false })
      expect(part?.text).toContain(`! ${frame.length - length} bytes of it are missing`)
      expect(more).toEqual([])
    }
    expect(dumpBytes(frame.subarray(0, 46))[0]?.text).toContain('overlay: 0x00000000')
    const parts = dumpBytes(Uint8Array.from([...frame, ...frame.subarray(0, 30)]))
    expect(parts.map(({ kind }) => kind)).toEqual(['reload-frame', 'reload-frame'])
    expect(parts[1]?.whole).toBe(false)
  })

  it('never throws, whatever it is given', () => {
    const random = new SeededRandom('dump')
    const starts = ['', 'd2454c4f', '80', '81', '000100002112a442', '494e56495445']
    for (let round = 0; round < 2000; round++) {
      const start = hex(starts[round % starts.length] as string)
      const bytes = Uint8Array.from([...start, ...random.bytes(random.int(80))])
      for (const part of dumpBytes(bytes)) expect(part.text.length).toBeGreaterThan(0)
    }
    expect(dumpBytes(new Uint8Array(0))[0]?.kind).toBe('unknown')
  })
})
