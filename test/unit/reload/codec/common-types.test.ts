import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { Reader, Writer, toHex } from '../../../../src/common/bytes.ts'
import { ipAddressPortShape } from '../../../../src/reload/codec/ip-address-port.ts'
import {
  asNodeId,
  asResourceId,
  decodeAttachReqAns,
  decodeChordRouteQueryAns,
  decodeChordUpdate,
  decodeFindAns,
  decodeFindReq,
  decodeJoinReq,
  decodeProbeReq,
  decodeStoreAns,
  encodeFindReq,
  encodeJoinReq,
  encodeStoreAns,
  ipAddressPort,
  isOverlayName,
  overlayHash,
} from '../../../../src/reload/codec/index.ts'
import { decodeShape, encodeShape, list, opaque, u16 } from '../../../../src/reload/codec/shape.ts'
import { bytes, failure, hex, node, nodeHex, value } from './wire.ts'

describe('presentation language', () => {
  it('R6940-6.3-01 integers of every width are big-endian and come back', () => {
    const writer = new Writer()
    writer.u8(0x01)
    writer.u16(0x0203)
    writer.u24(0x040506)
    writer.u32(0xf708090a)
    writer.u64(0xfb0c0d0e0f101112n)
    const written = writer.done()
    expect(toHex(written)).toBe(hex('01 0203 040506 f708090a fb0c0d0e0f101112'))
    const reader = new Reader(written)
    expect([reader.u8(), reader.u16(), reader.u24(), reader.u32(), reader.u64()]).toEqual([
      0x01,
      0x0203,
      0x040506,
      0xf708090a,
      0xfb0c0d0e0f101112n,
    ])
    // uint128 occurs once, as the address of an IPv6AddrPort.
    const address = encodeShape(ipAddressPortShape, { kind: 'ipv6', address: '2001:db8::1', port: 1 })
    expect(toHex(address)).toBe(hex('02 12 20010db8000000000000000000000001 0001'))
  })

  it('R6940-6.3.1-01 a length prefix counts bytes, not elements', () => {
    const answer = { kindResponses: [{ kind: 1, generationCounter: 1n, replicas: [node(1), node(2)] }] }
    expect(toHex(encodeStoreAns(answer))).toBe(
      hex(`002e 00000001 0000000000000001 0020 ${nodeHex(1)} ${nodeHex(2)}`),
    )
  })

  it('R6940-6.3.1-02 a length prefix is as wide as its upper bound needs', () => {
    const body = Uint8Array.of(0xaa)
    expect(toHex(encodeShape(opaque(1), body))).toBe('01aa')
    expect(toHex(encodeShape(opaque(2), body))).toBe('0001aa')
    expect(toHex(encodeShape(opaque(3), body))).toBe('000001aa')
    expect(toHex(encodeShape(opaque(4), body))).toBe('00000001aa')
    expect(() => encodeShape(opaque(1), new Uint8Array(256))).toThrow(RangeError)
    expect(encodeShape(opaque(1), new Uint8Array(255)).length).toBe(256)
  })

  it('R6940-6.3.1-03 a vector that ends inside an element fails', () => {
    expect(failure(decodeShape(list(1, u16), bytes('03 0001 00'))).reason).toContain('2 bytes wanted')
    expect(
      failure(decodeStoreAns(bytes(`001f 00000001 0000000000000001 0011 ${nodeHex(1)} 00`))).offset,
    ).toBe(32)
    expect(decodeFindReq(bytes('00 06 00000001 0000')).ok).toBe(false)
    expect(decodeChordUpdate(bytes(`00000000 02 0000 0018 ${nodeHex(1)} 0102030405060708`)).ok).toBe(false)
  })

  it('R6940-6.3.1-03 a vector that says more than is there, or less, fails', () => {
    expect(decodeProbeReq(bytes('03 01 02')).ok).toBe(false)
    expect(decodeProbeReq(bytes('01 01 02')).ok).toBe(false)
    expect(decodeProbeReq(bytes('')).ok).toBe(false)
  })

  it('R6940-6.3.1.1-01 a Boolean is 0 or 1', () => {
    const attach = (flag: string): boolean => decodeAttachReqAns(bytes(`00 00 00 0000 ${flag}`)).ok
    expect([attach('00'), attach('01'), attach('02'), attach('ff')]).toEqual([true, true, false, false])
  })
})

describe('ids', () => {
  it('R6940-6.3.1.1-02 a Node-ID is node-id-length raw bytes without a prefix', () => {
    expect(toHex(encodeJoinReq({ joiningPeerId: node(7), overlaySpecificData: new Uint8Array(0) }))).toBe(
      hex(`${nodeHex(7)} 0000`),
    )
    for (let length = 16; length <= 20; length++) {
      const id = asNodeId(new Uint8Array(length).fill(9))
      const encoded = encodeJoinReq({ joiningPeerId: id, overlaySpecificData: Uint8Array.of(1) })
      expect(encoded.length).toBe(length + 3)
      expect(value(decodeJoinReq(encoded, length)).joiningPeerId).toEqual(id)
      expect(decodeJoinReq(encoded, length === 16 ? 17 : 16).ok).toBe(false)
    }
  })

  it('R6940-3-01 all zeros is no Node-ID, and all ones names nobody', () => {
    const zero = '00'.repeat(16)
    const wildcard = 'ff'.repeat(16)
    expect(failure(decodeChordRouteQueryAns(bytes(zero))).reason).toContain('all-zero')
    expect(failure(decodeChordRouteQueryAns(bytes(wildcard))).reason).toContain('wildcard')
    expect(decodeJoinReq(bytes(`${zero} 0000`)).ok).toBe(false)
    expect(decodeChordUpdate(bytes(`00000001 02 0010 ${zero} 0000`)).ok).toBe(false)
    expect(decodeStoreAns(bytes(`001e 00000001 0000000000000001 0010 ${wildcard}`)).ok).toBe(false)
    expect(() =>
      encodeJoinReq({ joiningPeerId: asNodeId(new Uint8Array(16)), overlaySpecificData: new Uint8Array(0) }),
    ).toThrow('real Node-IDs')
  })

  it('R6940-6.3.1.1-03 a Resource-ID has one length byte and at most 254 bytes', () => {
    const foo = asResourceId(bytes('464f4f'))
    expect(toHex(encodeFindReq({ resource: foo, kinds: [] }))).toBe(hex('03 46 4f 4f 00'))
    expect(value(decodeFindReq(bytes('03 46 4f 4f 00'))).resource).toEqual(foo)
    const longest = asResourceId(new Uint8Array(254).fill(1))
    expect(value(decodeFindReq(encodeFindReq({ resource: longest, kinds: [] }))).resource).toEqual(longest)
    expect(decodeFindReq(bytes(`ff ${'01'.repeat(255)} 00`)).ok).toBe(false)
    expect(() => encodeFindReq({ resource: asResourceId(new Uint8Array(255)), kinds: [] })).toThrow(
      RangeError,
    )
  })

  it('R6940-7.4.4.1-01 "Resource-ID 0" of a FindAns may be empty or zero bytes', () => {
    expect(value(decodeFindAns(bytes('0005 00000001 00'))).results[0]?.closest.length).toBe(0)
    expect(
      value(decodeFindAns(bytes(`0015 00000001 10 ${'00'.repeat(16)}`))).results[0]?.closest.length,
    ).toBe(16)
  })
})

describe('IpAddressPort', () => {
  const round = (text: string): string =>
    toHex(encodeShape(ipAddressPortShape, value(decodeShape(ipAddressPortShape, bytes(text)))))

  it('R6940-6.3.1.1-04 IPv4 and IPv6 layouts', () => {
    const ipv4 = { kind: 'ipv4', address: '192.0.2.1', port: 6084 } as const
    expect(toHex(encodeShape(ipAddressPortShape, ipv4))).toBe(hex('01 06 c0000201 17c4'))
    expect(value(decodeShape(ipAddressPortShape, bytes('01 06 c0000201 17c4')))).toEqual(ipv4)
    const ipv6 = '02 12 20010db8000000000000000000000001 17c4'
    expect(value(decodeShape(ipAddressPortShape, bytes(ipv6)))).toEqual({
      kind: 'ipv6',
      address: '2001:db8::1',
      port: 6084,
    })
    expect(round(ipv6)).toBe(hex(ipv6))
    for (const wrong of ['01 05 c0000201 17', '01 07 c0000201 17c4 00', '02 06 c0000201 17c4', '00 00']) {
      expect(decodeShape(ipAddressPortShape, bytes(wrong)).ok, wrong).toBe(false)
    }
  })

  it('R6940-6.3.1.1-05 an unknown address type is stepped over and kept', () => {
    expect(value(decodeShape(ipAddressPortShape, bytes('07 03 aabbcc')))).toEqual({
      kind: 'unknown',
      type: 7,
      data: bytes('aabbcc'),
    })
    expect(round('07 03 aabbcc')).toBe('0703aabbcc')
    expect(round('ff 00')).toBe('ff00')
    expect(decodeShape(ipAddressPortShape, bytes('07 04 aabbcc')).ok).toBe(false)
  })

  it.each([
    ['::', '00000000000000000000000000000000'],
    ['::1', '00000000000000000000000000000001'],
    ['1::', '00010000000000000000000000000000'],
    ['2001:db8::1:0:0:1', '20010db8000000000001000000000001'],
    ['2001:0:0:1::1', '20010000000000010000000000000001'],
    ['2001:db8:0:1:1:1:1:1', '20010db8000000010001000100010001'],
    ['::ffff:c000:201', '00000000000000000000ffffc0000201'],
  ])('IPv6 address %s is written as RFC 5952 says and read back', (text, digits) => {
    const encoded = encodeShape(ipAddressPortShape, { kind: 'ipv6', address: text, port: 0 })
    expect(toHex(encoded)).toBe(hex(`02 12 ${digits} 0000`))
    expect(value(decodeShape(ipAddressPortShape, encoded))).toEqual({ kind: 'ipv6', address: text, port: 0 })
  })

  it('only literals become addresses', () => {
    expect(ipAddressPort('10.0.0.1', 5)).toEqual({ kind: 'ipv4', address: '10.0.0.1', port: 5 })
    expect(ipAddressPort('::FFFF:192.0.2.1', 5)).toEqual({
      kind: 'ipv6',
      address: '::ffff:c000:201',
      port: 5,
    })
    const wrong = [
      '',
      'host',
      '1.2.3',
      '1.2.3.4.5',
      '01.2.3.4',
      '256.1.1.1',
      '1:2',
      ':::',
      '1::2::3',
      '1:2:3:4:5:6:7:8:9',
    ]
    for (const text of [
      ...wrong,
      '1:2:3:4:5:6:7::8:9',
      '::1%eth0',
      '1.2.3.4::',
      '12345::',
      '::1.2.3',
      '1:',
    ]) {
      expect(ipAddressPort(text, 5), text).toBe(undefined)
    }
    expect(() => encodeShape(ipAddressPortShape, { kind: 'ipv4', address: '::1', port: 0 })).toThrow(
      RangeError,
    )
  })
})

describe('overlay name', () => {
  it('R6940-6.3.2-02 the overlay field is the last four bytes of SHA-1 of the name', () => {
    const sha1 = (input: Uint8Array): Uint8Array => createHash('sha1').update(input).digest()
    expect(overlayHash('overlay.example.org', sha1)).toBe(0x9aa32b8d)
  })

  it('R6940-6.3.2-03 an overlay name is one that DNS allows', () => {
    for (const name of ['overlay.example.org', 'a', 'A-1.b2', `${'a'.repeat(63)}.org`]) {
      expect(isOverlayName(name), name).toBe(true)
    }
    const long = Array.from({ length: 64 }, () => 'aaa').join('.')
    for (const name of [
      '',
      '.',
      'a.',
      '.a',
      'a..b',
      '-a',
      'a-',
      'a_b',
      'a b',
      'ä.org',
      `${'a'.repeat(64)}.org`,
      long,
    ]) {
      expect(isOverlayName(name), name).toBe(false)
    }
  })
})
