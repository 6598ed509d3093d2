import { describe, expect, it } from 'vitest'
import { DEFAULT_PARSE_LIMITS } from '../../../../src/sip/message/index.ts'
import {
  BODY_COMPLETE_MS,
  HEAD_COMPLETE_MS,
  StreamFramer,
  type FramerOutput,
} from '../../../../src/sip/transport/index.ts'
import { bytes, request, response, text } from '../message/sample.ts'

function said(outputs: readonly FramerOutput[]): string[] {
  return outputs.map((output) => {
    switch (output.kind) {
      case 'message':
        return `${output.message.method}${output.message.status || ''} ${text(output.message.body)}`.trim()
      case 'ping':
        return 'ping'
      case 'fault':
        return `${output.fault.status ?? 'drop'} ${output.fault.reason}${output.fault.close ? ' +close' : ''}`
    }
  })
}

const withBody = (body: string): Buffer => request({ 'Content-Length': String(body.length) }, undefined, body)

describe('StreamFramer', () => {
  it('S3261-18.3-01 finds messages by Content-Length, several in one chunk and one in several', () => {
    const framer = new StreamFramer()
    const whole = Buffer.concat([withBody('one'), response(), withBody('three')])
    expect(said(framer.push(whole, 0))).toEqual(['INVITE one', '200', 'INVITE three'])
    for (let cut = 1; cut < whole.length; cut++) {
      const split = new StreamFramer()
      const outputs = [...split.push(whole.subarray(0, cut), 0), ...split.push(whole.subarray(cut), 0)]
      expect(said(outputs)).toEqual(['INVITE one', '200', 'INVITE three'])
    }
    expect(framer.pendingBytes).toBe(0)
    expect(framer.nextDeadline()).toBe(Infinity)
  })

  it('messages handed out stay as they were when more bytes arrive', () => {
    const framer = new StreamFramer()
    const first = framer.push(Buffer.concat([withBody('body-1'), withBody('body-2').subarray(0, 50)]), 0)
    framer.push(withBody('body-2').subarray(50), 0)
    framer.push(withBody('XXXXXX'), 0)
    expect(said(first)).toEqual(['INVITE body-1'])
  })

  it('a rest does not depend on the buffer it came in', () => {
    const framer = new StreamFramer()
    const chunk = Buffer.from(withBody('abc').subarray(0, 60))
    framer.push(chunk, 0)
    chunk.fill(0)
    expect(said(framer.push(withBody('abc').subarray(60), 0))).toEqual(['INVITE abc'])
  })

  it('S5626-5.4-01 S3261-7.5-01 double CRLF is a ping, single ones are skipped, in any split', () => {
    const framer = new StreamFramer()
    expect(said(framer.push(bytes('\r\n\r\n'), 0))).toEqual(['ping'])
    expect(said(framer.push(bytes('\r\n\r\n\r\n\r\n'), 0))).toEqual(['ping', 'ping'])
    for (const part of ['\r', '\n', '\r']) expect(framer.push(bytes(part), 0)).toEqual([])
    expect(said(framer.push(bytes('\n'), 0))).toEqual(['ping'])
    expect(said(framer.push(Buffer.concat([bytes('\r\n'), withBody('a'), bytes('\r\n\r\n')]), 0))).toEqual([
      'INVITE a',
      'ping',
    ])
    expect(said(framer.push(bytes('\r\n'), 0))).toEqual([])
    expect(said(framer.push(withBody('b'), 0))).toEqual(['INVITE b'])
  })

  it('S3261-20-01 E11 a message without Content-Length ends the stream', () => {
    const framer = new StreamFramer()
    expect(said(framer.push(request({ 'Content-Length': undefined }), 0))).toEqual([
      '400 Content-Length Required +close',
    ])
    expect(framer.isClosed).toBe(true)
    expect(framer.push(request(), 0)).toEqual([])
    expect(said(new StreamFramer().push(response({ 'Content-Length': undefined }), 0))).toEqual([
      'drop Content-Length Required +close',
    ])
  })

  it.each(['-1', '+5', '1e3', '0x10', '', 'x'])(
    'S-01 S3261-20-01 E08 Content-Length "%s" ends the stream',
    (value) => {
      expect(said(new StreamFramer().push(request({ 'Content-Length': value }), 0))).toEqual([
        '400 Bad Content-Length +close',
      ])
    },
  )

  it('S-01 E05 equal duplicates are one, different ones end the stream', () => {
    expect(
      said(new StreamFramer().push(request({ 'Content-Length': ['3', '3'] }, undefined, 'abc'), 0)),
    ).toEqual(['INVITE abc'])
    expect(
      said(new StreamFramer().push(request({ 'Content-Length': ['3', '4'] }, undefined, 'abcd'), 0)),
    ).toEqual(['400 Duplicate Content-Length +close'])
  })

  it('E12 a body over the limit is refused, passed over in any split and not kept; the next message is read', () => {
    const limits = { ...DEFAULT_PARSE_LIMITS, bodyBytesMax: 100 }
    const large = withBody('INVITE '.repeat(57))
    const whole = Buffer.concat([large, withBody('good')])
    expect(said(new StreamFramer(limits).push(whole, 0))).toEqual(['513 Message Too Large', 'INVITE good'])
    for (let cut = 1; cut < whole.length; cut++) {
      const framer = new StreamFramer(limits)
      const outputs = framer.push(whole.subarray(0, cut), 0)
      if (outputs.length === 1 && cut < large.length) {
        expect(framer.heldBytes).toBe(0)
        expect(framer.nextDeadline()).toBe(BODY_COMPLETE_MS)
      }
      outputs.push(...framer.push(whole.subarray(cut), 1))
      expect(said(outputs)).toEqual(['513 Message Too Large', 'INVITE good'])
      expect(framer.nextDeadline()).toBe(Infinity)
    }
  })

  it('E12 more than four times the limit ends the stream', () => {
    const limits = { ...DEFAULT_PARSE_LIMITS, bodyBytesMax: 100, headersMax: 10 }
    const lines = (count: number): Buffer => request({ 'X-Line': new Array<string>(count).fill('x') })
    expect(said(new StreamFramer(limits).push(withBody('x'.repeat(401)), 0))).toEqual([
      '513 Message Too Large +close',
    ])
    expect(said(new StreamFramer(limits).push(lines(40), 0))).toEqual(['513 Too Many Headers +close'])
  })

  it('E12 what is passed over must come in time, too', () => {
    const framer = new StreamFramer({ ...DEFAULT_PARSE_LIMITS, bodyBytesMax: 10 })
    expect(said(framer.push(withBody('x'.repeat(20)).subarray(0, -1), 100))).toEqual([
      '513 Message Too Large',
    ])
    expect(framer.expired(100 + BODY_COMPLETE_MS)).toMatchObject({ status: undefined, close: true })
    expect(framer.push(bytes('x'), 40_000)).toEqual([])
  })

  it('E12 a response or an ACK that is too large is dropped, and the stream goes on', () => {
    const framer = new StreamFramer({ ...DEFAULT_PARSE_LIMITS, bodyBytesMax: 10 })
    const body = 'x'.repeat(20)
    const answer = Buffer.concat([response({ 'Content-Length': '20' }), bytes(body)])
    const ack = request(
      { 'Content-Length': '20', CSeq: '7 ACK' },
      'ACK sip:bob@dht.example.com SIP/2.0',
      body,
    )
    expect(said(framer.push(Buffer.concat([answer, ack, withBody('good')]), 0))).toEqual([
      'drop Message Too Large',
      'drop Message Too Large',
      'INVITE good',
    ])
  })

  it.each([
    ['Too Many Headers', { headersMax: 10 }, { 'X-Line': new Array<string>(9).fill('x') }],
    [
      'Too Many Vias',
      { viaMax: 2 },
      { Via: new Array<string>(3).fill('SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK-1') },
    ],
  ] as const)(
    'S-01 E12 %s: the end of the message is where its Content-Length has it, wherever that stands',
    (reason, fewer, headers) => {
      const limits = { ...DEFAULT_PARSE_LIMITS, ...fewer }
      const length = { 'Content-Length': '3' }
      for (const order of [
        { ...headers, ...length },
        { 'Content-Length': undefined, ...headers, L: '3' },
      ]) {
        const whole = Buffer.concat([request(order, undefined, 'abc'), withBody('good')])
        expect(said(new StreamFramer(limits).push(whole, 0))).toEqual([`513 ${reason}`, 'INVITE good'])
      }
      for (const order of [
        { ...headers, 'Content-Length': undefined },
        { ...headers, ...length, L: '4' },
        { ...headers, 'Content-Length': 'x' },
        { ...headers, ...length, Subject: 'a\nb' },
      ]) {
        const whole = Buffer.concat([request(order, undefined, 'abc'), withBody('good')])
        expect(said(new StreamFramer(limits).push(whole, 0))).toEqual([`513 ${reason} +close`])
      }
    },
  )

  it.each(['1048577', '2147483648', '4294967328', '9'.repeat(99)])(
    'S-01 S-02 E12 Content-Length %s is refused before a byte of the body is kept',
    (value) => {
      const framer = new StreamFramer()
      expect(said(framer.push(request({ 'Content-Length': value }), 0))).toEqual([
        '513 Message Too Large +close',
      ])
      expect(framer.pendingBytes).toBe(0)
    },
  )

  it('S-PA-01 a body of the largest size is taken', () => {
    const framer = new StreamFramer()
    const body = 'b'.repeat(DEFAULT_PARSE_LIMITS.bodyBytesMax)
    const whole = withBody(body)
    const outputs: FramerOutput[] = []
    for (let at = 0; at < whole.length; at += 16_384)
      outputs.push(...framer.push(whole.subarray(at, at + 16_384), 0))
    expect(outputs).toHaveLength(1)
    expect(outputs[0]?.kind === 'message' && outputs[0].message.body.length).toBe(body.length)
  })

  it('S-02 S-07 E12 a head past the limit ends the stream, whole or in drips, and is answered where it can be', () => {
    const limits = { ...DEFAULT_PARSE_LIMITS, headBytesMax: 1000 }
    const large = request({ 'X-Pad': 'p'.repeat(2000) })
    expect(said(new StreamFramer(limits).push(large, 0))).toEqual(['513 Message Too Large +close'])
    const framer = new StreamFramer(limits)
    const outputs: FramerOutput[] = []
    for (let at = 0; at < large.length; at++) {
      outputs.push(...framer.push(large.subarray(at, at + 1), 0))
      expect(framer.pendingBytes).toBeLessThanOrEqual(1000)
    }
    expect(said(outputs)).toEqual(['513 Message Too Large +close'])
    expect(said(new StreamFramer(limits).push(bytes('x'.repeat(3000)), 0))).toEqual(['drop Not SIP +close'])
    // What is too large and no SIP either is not read on.
    const long = `POST / HTTP/1.1\r\nContent-Length: ${limits.bodyBytesMax + 1}\r\n\r\n`
    expect(said(new StreamFramer(limits).push(bytes(long), 0))).toEqual(['drop Not SIP +close'])
  })

  it('S-PA-01 a head of exactly the limit is taken', () => {
    const limits = { ...DEFAULT_PARSE_LIMITS, headBytesMax: 1000 }
    const missing = 1000 - request({ 'X-Pad': '' }).length
    expect(said(new StreamFramer(limits).push(request({ 'X-Pad': 'p'.repeat(missing) }), 0))).toEqual([
      'INVITE',
    ])
    expect(said(new StreamFramer(limits).push(request({ 'X-Pad': 'p'.repeat(missing + 1) }), 0))).toEqual([
      '513 Message Too Large +close',
    ])
  })

  it('E01 what is no SIP ends the stream without an answer', () => {
    expect(said(new StreamFramer().push(bytes('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), 0))).toEqual([
      'drop Not SIP +close',
    ])
  })

  it('E02 E04 E07 a fault in a framed message leaves the stream in step', () => {
    const framer = new StreamFramer()
    const bad = [
      request({ 'Content-Length': '3' }, 'INVITE  sip:a@b SIP/2.0', 'abc'),
      request({ 'Call-ID': undefined, 'Content-Length': '3' }, undefined, 'abc'),
      request({ CSeq: 'x' }),
    ]
    expect(said(framer.push(Buffer.concat([...bad, withBody('good')]), 0))).toEqual([
      '400 Bad Request-Line',
      '400 Missing Call-ID',
      '400 Bad CSeq',
      'INVITE good',
    ])
  })

  it('a bare line end in a head ends the stream: nobody can tell where the next reader would split', () => {
    expect(said(new StreamFramer().push(request({ Subject: 'a\nb' }), 0))).toEqual([
      '400 Bad Line Ending +close',
    ])
  })

  it('S-02 a head that never ends is cut off at its deadline, silently', () => {
    const framer = new StreamFramer()
    const raw = request()
    framer.push(raw.subarray(0, 10), 500)
    expect(framer.nextDeadline()).toBe(500 + HEAD_COMPLETE_MS)
    // Drips do not move it.
    framer.push(raw.subarray(10, 11), 9_000)
    expect(framer.nextDeadline()).toBe(500 + HEAD_COMPLETE_MS)
    expect(framer.expired(499 + HEAD_COMPLETE_MS)).toBeUndefined()
    expect(framer.expired(500 + HEAD_COMPLETE_MS)).toMatchObject({ status: undefined, close: true })
    expect(framer.isClosed).toBe(true)
    expect(framer.nextDeadline()).toBe(Infinity)
  })

  it('S-02 a finished head stops its deadline, the rest of the next one starts another', () => {
    const framer = new StreamFramer()
    const raw = request()
    framer.push(raw.subarray(0, 10), 0)
    framer.push(Buffer.concat([raw.subarray(10), raw.subarray(0, 5)]), 4_000)
    expect(framer.nextDeadline()).toBe(4_000 + HEAD_COMPLETE_MS)
    framer.push(raw.subarray(5), 5_000)
    expect(framer.nextDeadline()).toBe(Infinity)
  })

  it('E10 a body that never comes ends with 408 and the connection', () => {
    expect(BODY_COMPLETE_MS).toBe(32_000)
    const framer = new StreamFramer()
    framer.push(withBody('12345').subarray(0, -1), 100)
    expect(framer.nextDeadline()).toBe(100 + BODY_COMPLETE_MS)
    const fault = framer.expired(100 + BODY_COMPLETE_MS)
    expect(fault).toMatchObject({ status: 408, close: true })
    expect(fault?.partial?.callId).toBe('c1@192.0.2.1')
    expect(framer.push(bytes('5'), 200_000)).toEqual([])
  })

  it('E10 a late response body is nobody’s to answer', () => {
    const framer = new StreamFramer()
    framer.push(response({ 'Content-Length': '5' }), 0)
    expect(framer.expired(BODY_COMPLETE_MS)).toMatchObject({ status: undefined, close: true })
  })

  it('a lone CR between messages holds no deadline and no memory', () => {
    const framer = new StreamFramer()
    framer.push(bytes('\r'), 0)
    expect(framer.nextDeadline()).toBe(Infinity)
    expect(framer.pendingBytes).toBe(1)
  })
})
