import { describe, expect, it } from 'vitest'
import { concatBytes, toHex } from '../../../../src/common/bytes.ts'
import { NEVER } from '../../../../src/common/time.ts'
import { UNACKED_BYTES_MAX } from '../../../../src/reload/link/constants.ts'
import { encodeAck, encodeData } from '../../../../src/reload/link/framing.ts'
import { Link } from '../../../../src/reload/link/link.ts'
import { rtoOf, rttAfter } from '../../../../src/reload/link/rto.ts'
import { Unacked } from '../../../../src/reload/link/unacked.ts'

const MESSAGE = Uint8Array.of(1, 2, 3)

function link(now = 0): Link {
  return new Link(now, { maxMessageBytes: 5_000 })
}

describe('retransmission timeout of RFC 6298 section 2', () => {
  it('R6940-6.6.5-01 starts at one second, then SRTT + 4 RTTVAR, at least one second, at most sixty', () => {
    expect(rtoOf(undefined)).toBe(1_000)
    const first = rttAfter(undefined, 400)
    expect(first).toEqual({ srttMs: 400, rttvarMs: 200 })
    expect(rtoOf(first)).toBe(1_200)
    const second = rttAfter(first, 800)
    expect(second).toEqual({ srttMs: 450, rttvarMs: 250 })
    expect(rtoOf(second)).toBe(1_450)
    expect(rtoOf(rttAfter(undefined, 2))).toBe(1_000)
    expect(rtoOf(rttAfter(undefined, 50_000))).toBe(60_000)
  })
})

describe('link over TLS', () => {
  it('R6940-6.6.2-02 each direction counts its data frames from 0', () => {
    const a = link()
    const b = link()
    const frames = [0, 1, 2].map(() => a.send(0, MESSAGE) as Uint8Array)
    expect(frames.map((frame) => toHex(frame.subarray(1, 5)))).toEqual(['00000000', '00000001', '00000002'])
    expect(toHex((b.send(0, MESSAGE) as Uint8Array).subarray(1, 5))).toBe('00000000')
    b.receive(1, concatBytes(frames))
    expect(toHex((b.send(2, MESSAGE) as Uint8Array).subarray(1, 5))).toBe('00000001')
  })

  it('R6940-6.6.2-03 each data frame is acknowledged at once, acks are not', () => {
    const b = link()
    const receipt = b.receive(
      5,
      concatBytes([encodeData(0, MESSAGE), encodeData(1, MESSAGE), encodeAck(9, 0)]),
    )
    expect(receipt.messages).toEqual([MESSAGE, MESSAGE])
    expect(receipt.replies.map(toHex)).toEqual(['810000000000000000', '810000000100000002'])
    expect(b.counters.acksIgnored).toBe(1)
  })

  it('R6940-6.6.5-01 R6940-6.6.5-02 R6940-6.6-03 an RTO without ack makes the link suspect, nothing is repeated', () => {
    const a = link()
    expect(a.nextDeadline()).toBe(NEVER)
    a.send(100, MESSAGE)
    expect(a.nextDeadline()).toBe(1_100)
    expect(a.expired(1_099)).toBeUndefined()
    expect(a.state).toBe('up')
    expect(a.expired(1_100)).toBe('suspect')
    expect(a.state).toBe('suspect')
    expect(a.counters.messagesSent).toBe(1)
  })

  it('R6940-6.6.5-01 acks are round-trip samples', () => {
    const a = link()
    a.send(0, MESSAGE)
    a.receive(600, encodeAck(0, 0))
    expect(a.rttMs).toBe(600)
    expect(a.rtoMs).toBe(1_800)
    expect(a.nextDeadline()).toBe(NEVER)
    a.send(1_000, MESSAGE)
    expect(a.nextDeadline()).toBe(2_800)
  })

  it('an ack that comes after a standstill does not make the link blind to the death of its far end', () => {
    const a = link()
    a.send(0, MESSAGE)
    a.receive(100, encodeAck(0, 0))
    a.send(1_000, MESSAGE)
    expect(a.expired(48_000)).toBe('suspect')
    expect(a.receive(48_000, encodeAck(1, 0)).restored).toBe(true)
    expect(a.rtoMs).toBeLessThan(6_000)
    // One that is really slow is learned all the same.
    for (let sent = 2; sent < 40; sent++) {
      a.send(50_000 + sent * 4_000, MESSAGE)
      a.receive(53_000 + sent * 4_000, encodeAck(sent, 0))
    }
    expect(a.rtoMs).toBeGreaterThan(3_000)
  })

  it('RFC 6298 s.5.3 an ack of new data starts the wait afresh for the rest', () => {
    const a = link()
    a.send(0, MESSAGE)
    a.send(10, MESSAGE)
    a.receive(900, encodeAck(0, 0))
    expect(a.rtoMs).toBe(2_700)
    expect(a.nextDeadline()).toBe(3_600)
  })

  it('an ordered stream: the ack of a later message covers the earlier ones', () => {
    const a = link()
    for (let i = 0; i < 5; i++) a.send(i, MESSAGE)
    a.receive(50, encodeAck(3, 0))
    expect(a.unackedCount).toBe(1)
    a.receive(60, encodeAck(4, 0))
    expect(a.unackedCount).toBe(0)
  })

  it('acks of numbers never sent, or acknowledged before, change nothing', () => {
    const a = link()
    a.send(0, MESSAGE)
    a.receive(1, encodeAck(1, 0xfffffffe))
    a.receive(1, encodeAck(0xffffffff, 0))
    expect(a.unackedCount).toBe(1)
    a.receive(2, encodeAck(0, 0))
    a.receive(3, encodeAck(0, 0))
    expect(a.counters.acksIgnored).toBe(3)
    expect(a.rttMs).toBe(2)
  })

  it('R6940-6.6.5-03 a suspect link is kept 30 s, then dead', () => {
    const a = link()
    a.send(0, MESSAGE)
    a.expired(1_000)
    expect(a.nextDeadline()).toBe(31_000)
    expect(a.expired(30_999)).toBeUndefined()
    expect(a.expired(31_000)).toBe('dead')
    expect(a.send(31_001, MESSAGE)).toBeUndefined()
    expect(a.receive(31_002, encodeData(0, MESSAGE)).messages).toEqual([])
    expect(a.nextDeadline()).toBe(NEVER)
  })

  it('R6940-6.6.5-03 R6940-6.6-03 an ack within the 30 s restores it', () => {
    const a = link()
    a.send(0, MESSAGE)
    a.expired(1_000)
    expect(a.receive(5_000, encodeData(0, MESSAGE)).restored).toBe(false)
    expect(a.receive(6_000, encodeAck(0, 0)).restored).toBe(true)
    expect(a.state).toBe('up')
    expect(a.nextDeadline()).toBe(NEVER)
  })

  it('R6940-6.6-01 R6940-6.6.2-07 messages before a fault are delivered, the link is dead after it', () => {
    const b = link()
    const receipt = b.receive(0, concatBytes([encodeData(0, MESSAGE), Uint8Array.of(0)]))
    expect(receipt.messages).toEqual([MESSAGE])
    expect(receipt.replies).toHaveLength(1)
    expect(receipt.fault).toEqual({ kind: 'unknownFrameType', type: 0 })
    expect(b.state).toBe('dead')
  })

  it('counts messages and bytes with their framing', () => {
    const a = link()
    const b = link()
    const frame = a.send(0, MESSAGE) as Uint8Array
    const { replies } = b.receive(1, frame)
    a.receive(2, concatBytes(replies))
    expect(a.counters).toMatchObject({
      messagesSent: 1,
      bytesSent: 11,
      bytesReceived: 9,
      messagesReceived: 0,
    })
    expect(b.counters).toMatchObject({
      messagesReceived: 1,
      bytesReceived: 11,
      bytesSent: 9,
      messagesSent: 0,
    })
  })

  it('refuses messages when too much is unacknowledged, and takes them again after an ack', () => {
    const a = new Link(0, { maxMessageBytes: 1 << 20 })
    const large = new Uint8Array(1 << 20)
    let sent = 0
    while (a.send(0, large) !== undefined) sent++
    expect(sent).toBe(Math.floor(UNACKED_BYTES_MAX / (large.length + 8)))
    expect(a.counters.messagesRefused).toBe(1)
    a.receive(1, encodeAck(0, 0))
    expect(a.send(2, large)).toBeDefined()
  })
})

describe('unacknowledged messages', () => {
  it('stays exact over many rounds and the wrap of sequence numbers', () => {
    const unacked = new Unacked()
    for (let sequence = 0; sequence < 1_000; sequence++) {
      unacked.add(sequence, 10)
      if (sequence % 3 === 2) expect(unacked.acknowledge(sequence)).toBe(sequence)
    }
    expect(unacked.count).toBe(1)
    expect(unacked.bytes).toBe(10)
    expect(unacked.oldestSentAt).toBe(999)
  })
})
