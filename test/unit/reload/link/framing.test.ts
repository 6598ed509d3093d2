import { describe, expect, it } from 'vitest'
import { concatBytes, fromHex, toHex } from '../../../../src/common/bytes.ts'
import { AckWindow } from '../../../../src/reload/link/ack-window.ts'
import { encodeAck, encodeData, FrameReader, type FrameFault } from '../../../../src/reload/link/framing.ts'

const MAX = 5_000

function bytesOf(length: number, fill = 0x5a): Uint8Array {
  return new Uint8Array(length).fill(fill)
}

/** A forwarding header with that much via list, followed by a body that makes up `length` bytes in all. */
function reloadMessage(length: number, viaBytes = 0): Uint8Array {
  const message = bytesOf(length)
  message.set(fromHex('d2454c4f9aa32b8d00010a64c0000000') as Uint8Array)
  const view = new DataView(message.buffer)
  view.setUint32(16, length)
  view.setBigUint64(20, 7n)
  view.setUint32(28, 0)
  view.setUint16(32, viaBytes)
  view.setUint16(34, 18)
  view.setUint16(36, 0)
  return message
}

function faultOf(chunks: readonly Uint8Array[], max = MAX): FrameFault | undefined {
  const reader = new FrameReader({ maxMessageBytes: max })
  let fault: FrameFault | undefined
  for (const chunk of chunks) fault = reader.push(chunk).fault
  return fault
}

describe('framing header', () => {
  it('R6940-6.6.2-01 data is 80, sequence, 24-bit length, message; ack is 81, sequence, mask', () => {
    expect(toHex(encodeData(0x01020304, Uint8Array.of(0xaa, 0xbb)))).toBe('8001020304000002aabb')
    expect(toHex(encodeData(0, new Uint8Array(0)))).toBe('8000000000000000')
    expect(toHex(encodeData(0xffffffff, bytesOf(0x010203))).slice(0, 16)).toBe('80ffffffff010203')
    expect(toHex(encodeAck(0x01020304, 0xfffffffe))).toBe('8101020304fffffffe')
  })

  it('R6940-6.6.2-01 what is encoded is read back', () => {
    const { frames, fault } = new FrameReader({ maxMessageBytes: MAX }).push(
      concatBytes([encodeData(7, Uint8Array.of(1, 2, 3)), encodeAck(0xfffffffe, 0x80000002)]),
    )
    expect(fault).toBeUndefined()
    expect(frames).toEqual([
      { kind: 'data', sequence: 7, message: Uint8Array.of(1, 2, 3) },
      { kind: 'ack', ackSequence: 0xfffffffe, received: 0x80000002 },
    ])
  })

  it('R6940-6.6.2-06 frames come out of one read or of single bytes alike', () => {
    const stream = concatBytes([
      encodeData(0, bytesOf(1)),
      encodeAck(1, 0),
      encodeData(1, new Uint8Array(0)),
      encodeData(2, bytesOf(300)),
      encodeAck(2, 6),
    ])
    const whole = new FrameReader({ maxMessageBytes: MAX }).push(stream).frames
    const reader = new FrameReader({ maxMessageBytes: MAX })
    const pieces = Array.from(stream, (byte) => reader.push(Uint8Array.of(byte)).frames).flat()
    expect(whole.map((frame) => frame.kind)).toEqual(['data', 'ack', 'data', 'data', 'ack'])
    expect(pieces).toEqual(whole)
  })

  it('R6940-6.6.2-07 an unknown type ends the stream, after the frames before it', () => {
    const reader = new FrameReader({ maxMessageBytes: MAX })
    const batch = reader.push(concatBytes([encodeAck(0, 0), Uint8Array.of(0x82, 0, 0), encodeAck(1, 0)]))
    expect(batch.frames).toHaveLength(1)
    expect(batch.fault).toEqual({ kind: 'unknownFrameType', type: 0x82 })
    expect(reader.push(encodeAck(2, 0))).toEqual({ frames: [], fault: batch.fault })
  })

  it('R6940-6.6-01 a message of exactly max-message-size passes, one byte more is a fault', () => {
    expect(new FrameReader({ maxMessageBytes: MAX }).push(encodeData(0, bytesOf(MAX))).frames).toHaveLength(1)
    expect(faultOf([encodeData(0, reloadMessage(MAX + 1))])?.kind).toBe('messageTooLarge')
  })

  it('R6940-6.6-01 the fault comes with the forwarding header, before the body was received', () => {
    const frame = encodeData(0, reloadMessage(MAX + 1, 36))
    const headerEnd = 8 + 38 + 36 + 18 + 2
    expect(faultOf([frame.subarray(0, headerEnd - 1)])).toBeUndefined()
    const fault = faultOf([
      frame.subarray(0, 20),
      frame.subarray(20, headerEnd - 1),
      frame.subarray(headerEnd - 1, headerEnd),
    ])
    if (fault?.kind !== 'messageTooLarge' || fault.head === undefined) throw new Error('expected a head')
    expect(fault.bytes).toBe(MAX + 1)
    expect(fault.head).toHaveLength(38 + 36 + 18 + 2)
    expect(new DataView(fault.head.buffer).getUint32(16)).toBe(fault.head.length)
    expect(toHex(fault.head.subarray(20, 28))).toBe('0000000000000007')
  })

  it('R6940-6.6-02 a forwarding header above max-message-size gives nothing to answer to', () => {
    const huge = reloadMessage(20_000, MAX - 38 - 18 + 1)
    expect(faultOf([encodeData(0, huge)])).toEqual({
      kind: 'messageTooLarge',
      bytes: 20_000,
      head: undefined,
    })
    const fits = reloadMessage(20_000, MAX - 38 - 18)
    const fault = faultOf([encodeData(0, fits)])
    expect(fault?.kind === 'messageTooLarge' && fault.head?.length).toBe(MAX + 2)
  })

  it('R6940-6.6-02 neither does an oversize message that is not RELOAD', () => {
    const frame = encodeData(0, bytesOf(MAX + 1))
    expect(faultOf([frame.subarray(0, 8 + 38)])).toEqual({
      kind: 'messageTooLarge',
      bytes: MAX + 1,
      head: undefined,
    })
    expect(faultOf([encodeData(0, bytesOf(20))], 10)).toEqual({
      kind: 'messageTooLarge',
      bytes: 20,
      head: undefined,
    })
  })
})

describe('ack mask', () => {
  it('R6940-6.6.2-04 R6940-6.6.2-05 in order: one more bit with each message, up to offsets 1 to 31', () => {
    const window = new AckWindow()
    expect(window.receive(0)).toBe(0)
    expect(window.receive(1)).toBe(0b10)
    expect(window.receive(2)).toBe(0b110)
    for (let sequence = 3; sequence < 31; sequence++) window.receive(sequence)
    expect(window.receive(31)).toBe(0xfffffffe)
    expect(window.receive(32)).toBe(0xfffffffe)
  })

  it('R6940-6.6.2-05 a missing message leaves its bit clear, a late one sees only what precedes it', () => {
    const window = new AckWindow()
    window.receive(10)
    expect(window.receive(12)).toBe(0b100)
    expect(window.receive(11)).toBe(0b10)
    expect(window.receive(13)).toBe(0b1110)
  })

  it('R6940-6.6.2-05 distance 31 counts, 32 does not', () => {
    const window = new AckWindow()
    window.receive(1)
    expect(window.receive(32)).toBe(0x80000000)
    expect(window.receive(64)).toBe(0)
  })

  it('R6940-6.6.2-04 only the 32 most recently received numbers are known', () => {
    const window = new AckWindow()
    window.receive(100)
    for (let i = 0; i < 32; i++) window.receive(1_000 + i)
    expect(window.receive(101)).toBe(0)
  })

  it('R6940-6.6.2-05 the numbers wrap at 2^32', () => {
    const window = new AckWindow()
    window.receive(0xfffffffe)
    window.receive(0xffffffff)
    expect(window.receive(0)).toBe(0b110)
  })
})
