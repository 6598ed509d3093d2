import { describe, expect, it } from 'vitest'
import { DEFAULT_PARSE_LIMITS } from '../../../../src/sip/message/index.ts'
import { MessageFramer } from '../../../../src/sip/transport/index.ts'
import { request } from '../message/sample.ts'

describe('MessageFramer', () => {
  it.each([
    ['a body', { bodyBytesMax: 100 }, request({ 'Content-Length': '101' }, undefined, 'x'.repeat(101))],
    ['a head', { headBytesMax: 500 }, request({ 'X-Pad': 'p'.repeat(500) })],
    ['a list of header fields', { headersMax: 10 }, request({ 'X-Line': new Array<string>(9).fill('x') })],
  ])('E12 %s over the limit is answered with 513, and the WebSocket stays', (_what, fewer, bytes) => {
    const framer = new MessageFramer({ ...DEFAULT_PARSE_LIMITS, ...fewer })
    expect(framer.push(bytes)).toMatchObject([{ kind: 'fault', fault: { status: 513, close: false } }])
    expect(framer.push(request())).toMatchObject([{ kind: 'message' }])
  })
})
