import { describe, expect, it } from 'vitest'
import { toHex } from '../../../../src/common/bytes.ts'
import {
  FORWARDING_FLAG,
  FRAGMENT_NONE,
  HEADER_LIST_BYTES_MAX,
  HeaderView,
  decodeMessage,
  encodeContents,
  encodeDestinations,
  encodeMessage,
  rewriteForForwarding,
} from '../../../../src/reload/codec/index.ts'
import type { Destination, NewHeader } from '../../../../src/reload/codec/index.ts'
import { bytes, noSignature, node, resource, value } from './wire.ts'

const hop = (last: number): Destination => ({ kind: 'node', nodeId: node(last) })
const target: Destination = { kind: 'resource', resourceId: resource(5) }
const header: NewHeader = {
  overlay: 0x9aa32b8d,
  configurationSequence: 7,
  ttl: 100,
  fragment: FRAGMENT_NONE,
  transactionId: 0xf102030405060708n,
  maxResponseLength: 0xfffffffe,
  viaList: [hop(1), { kind: 'opaque', id: bytes('8001'), short: true }],
  destinationList: [hop(2), { kind: 'unknown', type: 9, data: bytes('aa') }, target],
  options: [
    { type: 1, flags: 0, value: bytes('') },
    { type: 0x42, flags: FORWARDING_FLAG.responseCopy, value: bytes('beef') },
  ],
}
const contents = encodeContents({ messageCode: 0x17, body: bytes('0000'), extensions: [] })

function message(change: Partial<NewHeader> = {}): Uint8Array {
  return encodeMessage({ ...header, ...change }, contents, { certificates: [], signature: noSignature })
}

function view(received: Uint8Array): HeaderView {
  const result = HeaderView.read(received)
  if (result === undefined) throw new Error('no header')
  return result
}

describe('HeaderView', () => {
  it('R6940-6.3.2-05 reads every field where it stands', () => {
    const received = message()
    const seen = view(received)
    expect(seen.overlay).toBe(header.overlay)
    expect(seen.configurationSequence).toBe(7)
    expect(seen.ttl).toBe(100)
    expect(seen.fragment).toBe(FRAGMENT_NONE)
    expect(seen.whole).toBe(true)
    expect(seen.length).toBe(received.length)
    expect(seen.transactionId).toBe(header.transactionId)
    expect(seen.transactionId).toBe(header.transactionId)
    expect(seen.maxResponseLength).toBe(0xfffffffe)
    expect([seen.viaCount, seen.destinationCount]).toEqual([2, 3])
    expect(seen.firstDestination()).toEqual(hop(2))
    expect(seen.destinations()).toEqual(header.destinationList)
    expect(seen.viaList()).toEqual(header.viaList)
    expect(seen.messageCode).toBe(0x17)
    expect(toHex(received.subarray(seen.payloadAt, seen.payloadAt + contents.length))).toBe(toHex(contents))
    expect(seen.hasOptionWith(FORWARDING_FLAG.responseCopy)).toBe(true)
    expect(seen.hasOptionWith(FORWARDING_FLAG.forwardCritical)).toBe(false)
    expect(view(message({ destinationList: [] })).firstDestination()).toBe(undefined)
  })

  it('R6940-6.3.2-01 R6940-6.3.2-04 R6940-6.3.2-06 token, version, length and the high fragment bit', () => {
    for (const [offset, text] of [
      [0, 'd2454c4e'],
      [10, '0b'],
      [16, '00000000'],
      [16, 'ffffffff'],
      [12, '40000000'],
    ] as const) {
      const received = message()
      received.set(bytes(text), offset)
      expect(HeaderView.read(received), `${offset} ${text}`).toBe(undefined)
    }
    for (let length = 0; length < 200; length++) {
      expect(HeaderView.read(message().subarray(0, Math.min(length, message().length - 1)))).toBe(undefined)
    }
  })

  it('a fragment after the first has no message code', () => {
    const received = message()
    received.set(bytes('80000100'), 12)
    expect(view(received).whole).toBe(false)
    expect(view(received).messageCode).toBe(undefined)
    received.set(bytes('80000000'), 12)
    expect(view(received).whole).toBe(false)
    expect(view(received).messageCode).toBe(0x17)
  })

  it('a list just below the limit is passed on, one above is not', () => {
    const short: Destination = { kind: 'opaque', id: bytes('ffff'), short: true }
    const list = (count: number): Destination[] => Array.from({ length: count }, () => short)
    expect(view(message({ viaList: list(HEADER_LIST_BYTES_MAX / 2) })).viaCount).toBe(
      HEADER_LIST_BYTES_MAX / 2,
    )
    expect(HeaderView.read(message({ viaList: list(HEADER_LIST_BYTES_MAX / 2 + 1) }))).toBe(undefined)
    expect(HeaderView.read(message({ destinationList: list(HEADER_LIST_BYTES_MAX / 2 + 1) }))).toBe(undefined)
  })

  it('the longest lists can be appended to and put back without overflow', () => {
    const short: Destination = { kind: 'opaque', id: bytes('ffff'), short: true }
    const list = Array.from({ length: HEADER_LIST_BYTES_MAX / 2 }, () => short)
    const received = message({ viaList: list, destinationList: list })
    const longest: Destination = { kind: 'opaque', id: new Uint8Array(254), short: false }
    const sent = rewriteForForwarding(received, view(received), {
      ttl: 1,
      appendVia: longest,
      dropDestinations: 1,
      replaceDestinations: list,
    })
    expect(value(decodeMessage(sent)).header.destinationList.length).toBe(list.length * 2 - 1)
  })
})

describe('rewriteForForwarding', () => {
  const received = message()

  it('R6940-6.3.2.3-01 lowers the TTL and appends the previous hop; options and contents are copied', () => {
    const sent = rewriteForForwarding(received, view(received), { ttl: 99, appendVia: hop(9) })
    expect(toHex(sent)).toBe(toHex(message({ ttl: 99, viaList: [...header.viaList, hop(9)] })))
    expect(toHex(received)).toBe(toHex(message()))
  })

  it('strips entries of the destination list', () => {
    const sent = rewriteForForwarding(received, view(received), { ttl: 99, dropDestinations: 2 })
    expect(toHex(sent)).toBe(toHex(message({ ttl: 99, destinationList: [target] })))
    const all = rewriteForForwarding(received, view(received), { ttl: 0, dropDestinations: 3 })
    expect(toHex(all)).toBe(toHex(message({ ttl: 0, destinationList: [] })))
  })

  it('puts destinations in the place of the dropped ones, or of all', () => {
    const saved = [hop(7), hop(6)]
    const one = rewriteForForwarding(received, view(received), {
      ttl: 5,
      dropDestinations: 1,
      replaceDestinations: saved,
    })
    const expected = [...saved, ...header.destinationList.slice(1)]
    expect(toHex(one)).toBe(toHex(message({ ttl: 5, destinationList: expected })))
    const every = rewriteForForwarding(received, view(received), { ttl: 5, replaceDestinations: saved })
    expect(toHex(every)).toBe(toHex(message({ ttl: 5, destinationList: saved })))
    expect(toHex(every)).toContain(toHex(encodeDestinations(saved)))
  })

  it('refuses to drop what is not there', () => {
    expect(() => rewriteForForwarding(received, view(received), { ttl: 5, dropDestinations: 4 })).toThrow(
      'dropped',
    )
  })
})
