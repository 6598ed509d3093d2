import { describe, expect, it } from 'vitest'
import { fromHex, toHex, utf8 } from '../../../../../src/common/bytes.ts'
import { asNodeId, asResourceId, type Destination } from '../../../../../src/reload/codec/index.ts'
import {
  decodeSipRegistration,
  encodeSipRegistration,
  type SipRegistration,
} from '../../../../../src/reload/usages/sip/registration.ts'

const adapter: Destination = { kind: 'node', nodeId: asNodeId(bytes('00112233445566778899aabbccddeeff')) }

function bytes(hex: string): Uint8Array {
  const value = fromHex(hex)
  if (value === undefined) throw new Error('not hex')
  return value
}

function route(contactPrefs: string, ...destinations: Destination[]): SipRegistration {
  return { kind: 'route', contactPrefs: utf8(contactPrefs), destinations }
}

describe('SipRegistration', () => {
  it.each<[string, SipRegistration, string]>([
    [
      'R7904-3.2-01 a route with preferences',
      route('(& (sip.audio=TRUE) (sip.video=TRUE))', adapter),
      '02003b0025282620287369702e617564696f3d5452554529' +
        '20287369702e766964656f3d5452554529290012011000112233445566778899aabbccddeeff',
    ],
    [
      'R7904-3.2-01 R7904-3.2-04 another AOR',
      { kind: 'uri', uri: 'charlie@dht.example.com' },
      '0100190017' + '636861726c6965406468742e6578616d706c652e636f6d',
    ],
    [
      'R7904-3.1-04 a route without preferences',
      route('', adapter),
      '02001600000012011000112233445566778899aabbccddeeff',
    ],
    [
      'the shortest destination list that can be written',
      route('', { kind: 'resource', resourceId: asResourceId(bytes('')) }),
      '02000700000003020100',
    ],
    ['R7904-3.2-02 a type of the future', { kind: 'unknown', type: 9, data: bytes('0102') }, '0900020102'],
    ['an unknown type without data', { kind: 'unknown', type: 0, data: bytes('') }, '000000'],
  ])('%s is read and written byte for byte', (_name, registration, hex) => {
    expect(toHex(encodeSipRegistration(registration))).toBe(hex)
    expect(decodeSipRegistration(bytes(hex))).toEqual({ ok: true, value: registration })
  })

  it('R7904-3.2-01 R7904-3.2-04 R7904-3.2-03 R7904-3.2-02 R7904-3.1-04 the vectors of the SIP usage hold 62 and 28 bytes', () => {
    const registration = route('(& (sip.audio=TRUE) (sip.video=TRUE))', adapter)
    expect(encodeSipRegistration(registration)).toHaveLength(62)
    expect(encodeSipRegistration({ kind: 'uri', uri: 'charlie@dht.example.com' })).toHaveLength(28)
    expect(decodeSipRegistration(bytes('020006000000020000')).ok).toBe(false)
    const future = decodeSipRegistration(bytes('0700030a0b0c'))
    expect(future).toEqual({ ok: true, value: { kind: 'unknown', type: 7, data: bytes('0a0b0c') } })
  })

  it('R7904-7-03 R7904-3.2-09 a list may lead over the adapter to the user, longer Node-IDs included', () => {
    const long: Destination = { kind: 'node', nodeId: asNodeId(new Uint8Array(20).fill(7)) }
    const registration = route('', long, long)
    expect(decodeSipRegistration(encodeSipRegistration(registration), 20)).toEqual({
      ok: true,
      value: registration,
    })
  })

  it.each([
    ['nothing', ''],
    ['type only', '01'],
    ['length beyond the end', '0100190017'],
    ['bytes left over', '0100020000ff'],
    ['uri shorter than its frame', '010004000161'],
    ['uri longer than its frame', '0100030002' + '61'],
    ['R7904-3.2-03 empty destination list', '02000400000000'],
    ['R7904-3.2-03 destination list of two bytes', '0200060000' + '00028001'],
    ['destination cut short', '02000800000004' + '01100011'],
    ['destination of type 0', '02000700000003' + '000100'],
    ['frame longer than its parts', '020017' + '00000012011000112233445566778899aabbccddeeff' + '00'],
  ])('R7904-3.2-03 does not read: %s', (_name, hex) => {
    expect(decodeSipRegistration(bytes(hex)).ok).toBe(false)
  })

  it('never throws and never reads on, whatever is cut or flipped', () => {
    const good = encodeSipRegistration(route('(sip.audio=TRUE)', adapter))
    for (let at = 0; at < good.length; at++) {
      expect(decodeSipRegistration(good.subarray(0, at)).ok).toBe(false)
      for (let bit = 0; bit < 8; bit++) {
        const flipped = Uint8Array.from(good)
        flipped[at] = (flipped[at] ?? 0) ^ (1 << bit)
        const decoded = decodeSipRegistration(flipped)
        if (decoded.ok) expect(encodeSipRegistration(decoded.value)).toEqual(flipped)
      }
    }
  })

  it('is not written without a destination', () => {
    expect(() => encodeSipRegistration(route(''))).toThrow(RangeError)
  })
})
