import { describe, expect, it } from 'vitest'
import { toHex } from '../../../../src/common/bytes.ts'
import {
  asNodeId,
  asResourceId,
  decodeDestinations,
  encodeDestination,
  encodeDestinations,
  formatReloadUri,
  parseReloadUri,
} from '../../../../src/reload/codec/index.ts'
import type { Destination } from '../../../../src/reload/codec/index.ts'
import { bytes, failure, hex, node, nodeHex, value } from './wire.ts'

const viaNode: Destination = { kind: 'node', nodeId: node(1) }
const last: Destination = { kind: 'resource', resourceId: asResourceId(bytes('464f4f')) }

function again(text: string, role: 'destination' | 'via' = 'destination'): string {
  return toHex(encodeDestinations(value(decodeDestinations(bytes(text), 16, role))))
}

describe('Destination', () => {
  it('R6940-6.3.2.2-01 the two-byte form is an opaque id of those two bytes, top bit included', () => {
    expect(value(decodeDestinations(bytes('8001 ffff')))).toEqual([
      { kind: 'opaque', id: bytes('8001'), short: true },
      { kind: 'opaque', id: bytes('ffff'), short: true },
    ])
    expect(value(decodeDestinations(bytes('03 03 02 8001')))).toEqual([
      { kind: 'opaque', id: bytes('8001'), short: false },
    ])
    // Both forms stay as they came.
    expect(again('8001 03 03 02 8001')).toBe(hex('8001 03 03 02 8001'))
    expect(decodeDestinations(bytes('80')).ok).toBe(false)
  })

  it('R6940-6.3.2.2-02 only types below 128 are written', () => {
    const unknown = (type: number): Destination => ({ kind: 'unknown', type, data: Uint8Array.of(1) })
    expect(toHex(encodeDestination(unknown(127)))).toBe('7f0101')
    expect(() => encodeDestination(unknown(128))).toThrow('never sent')
    expect(() => encodeDestination(unknown(255))).toThrow('never sent')
    // Nor can a short id without its top bit be mistaken for a type.
    expect(() => encodeDestination({ kind: 'opaque', id: bytes('7fff'), short: true })).toThrow('top bit')
    expect(() => encodeDestination({ kind: 'opaque', id: bytes('ffffff'), short: true })).toThrow('top bit')
  })

  it('R6940-6.3.2.2-03 the length counts the data with its inner length byte', () => {
    expect(toHex(encodeDestination(viaNode))).toBe(hex(`01 10 ${nodeHex(1)}`))
    expect(toHex(encodeDestination(last))).toBe(hex('02 04 03 464f4f'))
    const chord = { kind: 'resource', resourceId: asResourceId(new Uint8Array(16).fill(5)) } as const
    expect(toHex(encodeDestination(chord))).toBe(hex(`02 11 10 ${'05'.repeat(16)}`))
    expect(toHex(encodeDestination({ kind: 'opaque', id: bytes('aabb'), short: false }))).toBe(
      hex('03 03 02 aabb'),
    )
  })

  it.each([
    ['a node one byte short', `01 0f ${nodeHex(1).slice(2)}`],
    ['a node one byte long', `01 11 ${nodeHex(1)} 00`],
    ['a resource whose inner length is too small', '02 04 02 464f4f'],
    ['a resource whose inner length is too large', '02 04 04 464f4f'],
    ['a resource without an inner length', '02 00'],
    ['an opaque id whose inner length is too small', '03 03 01 aabb'],
    ['an opaque id without an inner length', '03 00'],
    ['the invalid type', '00 00'],
    ['a length beyond the list', '04 05 aabb'],
    ['an all-zero node', `01 10 ${'00'.repeat(16)}`],
  ])('R6940-6.3.2.2-03 %s fails', (_, text) => {
    expect(decodeDestinations(bytes(text)).ok).toBe(false)
  })

  it('R6940-6.3.2.2-04 an unknown type is stepped over by its length and kept', () => {
    const text = `04 02 aabb 7f 00 01 10 ${nodeHex(1)}`
    expect(value(decodeDestinations(bytes(text)))).toEqual([
      { kind: 'unknown', type: 4, data: bytes('aabb') },
      { kind: 'unknown', type: 127, data: bytes('') },
      viaNode,
    ])
    expect(again(text)).toBe(hex(text))
    expect(again(text, 'via')).toBe(hex(text))
  })

  it('R6940-6.3.2.2-05 a resource is the last destination and never in a via list', () => {
    const nodeFirst = encodeDestinations([viaNode, last])
    const nodeLast = encodeDestinations([last, viaNode])
    expect(value(decodeDestinations(nodeFirst))).toEqual([viaNode, last])
    expect(failure(decodeDestinations(nodeLast)).reason).toContain('not the last')
    expect(decodeDestinations(encodeDestinations([last, last])).ok).toBe(false)
    expect(decodeDestinations(nodeFirst, 16, 'via').ok).toBe(false)
    expect(decodeDestinations(encodeDestination(last), 16, 'via').ok).toBe(false)
  })

  it('R6940-3-01 the wildcard is a destination but no hop that a message came through', () => {
    const wildcard = bytes(`01 10 ${'ff'.repeat(16)}`)
    expect(decodeDestinations(wildcard).ok).toBe(true)
    expect(decodeDestinations(wildcard, 16, 'via').ok).toBe(false)
  })
})

describe('reload URI', () => {
  const uri = 'reload://0110000102030405060708090a0b0c0d0e0f@overlay.example.org/'
  const peer: Destination = { kind: 'node', nodeId: asNodeId(bytes('000102030405060708090a0b0c0d0e0f')) }

  it('R6940-14.15-01 formats and reads the URI of a certificate', () => {
    expect(formatReloadUri([peer], 'overlay.example.org')).toBe(uri)
    expect(value(parseReloadUri(uri))).toEqual({
      destinations: [peer],
      overlay: 'overlay.example.org',
      specifier: undefined,
    })
  })

  it('R6940-14.15-01 hex in either case, several destinations, a specifier', () => {
    expect(
      value(parseReloadUri('RELOAD://0110000102030405060708090A0b0C0d0E0f@o.example/')).destinations,
    ).toEqual([peer])
    const long = formatReloadUri([peer, last], 'o.example', bytes('0000000200000000000000000000'))
    expect(long).toBe(
      `reload://${hex(`0110 ${toHex(peer.nodeId)} 0204 03464f4f`)}@o.example/0000000200000000000000000000`,
    )
    expect(value(parseReloadUri(long))).toEqual({
      destinations: [peer, last],
      overlay: 'o.example',
      specifier: bytes('0000000200000000000000000000'),
    })
    const twenty: Destination = { kind: 'node', nodeId: asNodeId(new Uint8Array(20).fill(3)) }
    expect(value(parseReloadUri(formatReloadUri([twenty], 'o'), 20)).destinations).toEqual([twenty])
    expect(parseReloadUri(formatReloadUri([twenty], 'o')).ok).toBe(false)
  })

  it.each([
    'http://0110000102030405060708090a0b0c0d0e0f@o.example/',
    'reload://@o.example/',
    'reload://0110@o.example/',
    'reload://011@o.example/',
    'reload://xx@o.example/',
    'reload://80010110@o.example/',
    'reload://8001@/',
    'reload://8001@o.example',
    'reload://8001/o.example/',
    'reload://8001@o example/',
    'reload://8001@o.example/zz',
    'reload://8001@o.example/0',
    'reload://8001@o.example/00/00',
    `reload://0110${'00'.repeat(16)}@o.example/`,
    `reload://${'8001'.repeat(5000)}@o.example/`,
    '',
    '@/',
  ])('R6940-14.15-01 %s is none', (text) => {
    expect(parseReloadUri(text).ok).toBe(false)
  })
})
