import { describe, expect, it } from 'vitest'
import { toHex } from '../../../../src/common/bytes.ts'
import {
  FRAGMENT_NONE,
  decodeContents,
  decodeForwardingHeader,
  decodeMessage,
  decodeSecurityBlock,
  decodeSignerIdentity,
  encodeContents,
  encodeMessage,
  encodeSecurityBlock,
  encodeSignerIdentity,
} from '../../../../src/reload/codec/index.ts'
import type { NewHeader, SecurityBlock } from '../../../../src/reload/codec/index.ts'
import { bytes, failure, hex, noSignature, node, nodeHex, resource, value } from './wire.ts'

/** A Ping from node 1 through node 2 to a resource, with an option, byte by byte. */
const ping = {
  fixed: 'd2454c4f 9aa32b8d 0007 0a 64 c0000000',
  length: '00000079',
  rest: '0102030405060708 00001388',
  listLengths: '0012 0013 0006',
  via: `01 10 ${nodeHex(1)}`,
  destination: `02 11 10 ${'05'.repeat(16)}`,
  options: '42 04 0002 beef',
  contents: '0017 00000004 0002 aaaa 00000009 1234 01 00000002 cafe',
  security: '0005 00 0002 3082 04 01 03 0000 0003 010203',
}
const pingHex = hex(Object.values(ping).join(''))

const header: NewHeader = {
  overlay: 0x9aa32b8d,
  configurationSequence: 7,
  ttl: 100,
  fragment: FRAGMENT_NONE,
  transactionId: 0x0102030405060708n,
  maxResponseLength: 5000,
  viaList: [{ kind: 'node', nodeId: node(1) }],
  destinationList: [{ kind: 'resource', resourceId: resource(5) }],
  options: [{ type: 0x42, flags: 4, value: bytes('beef') }],
}
const contents = {
  messageCode: 0x17,
  body: bytes('0002aaaa'),
  extensions: [{ type: 0x1234, critical: true, contents: bytes('cafe') }],
}
const security: SecurityBlock = {
  certificates: [{ type: 0, certificate: bytes('3082') }],
  signature: { ...noSignature, hashAlgorithm: 4, signatureAlgorithm: 1, value: bytes('010203') },
}

/** The vector with other bytes at an offset. */
function changed(offset: number, text: string): Uint8Array {
  const copy = bytes(pingHex)
  copy.set(bytes(text), offset)
  return copy
}

describe('whole message', () => {
  it('R6940-6.3-02 R6940-6.3.2-05 header, contents and security block follow each other without padding', () => {
    expect(pingHex.length / 2).toBe(0x79)
    expect(toHex(encodeMessage(header, encodeContents(contents), security))).toBe(pingHex)
    const message = value(decodeMessage(bytes(pingHex)))
    expect(message.header).toEqual({ ...header, length: 0x79 })
    expect(message.contents).toEqual(contents)
    expect(message.security).toEqual(security)
    expect(toHex(message.contentsBytes)).toBe(hex(ping.contents))
  })

  it('R6940-6.3-02 one byte more or less is a failure', () => {
    const longer = hex(pingHex + '00').replace('00000079', '0000007a')
    expect(failure(decodeMessage(bytes(longer))).reason).toContain('1 bytes left over')
    const shorter = pingHex.slice(0, -2).replace('00000079', '00000078')
    expect(decodeMessage(bytes(shorter)).ok).toBe(false)
  })

  it('R6940-6.3.2-01 only d2454c4f is RELOAD', () => {
    expect(failure(decodeMessage(changed(0, '52454c4f'))).reason).toContain('relo_token')
    expect(decodeMessage(changed(3, '4e')).ok).toBe(false)
    expect(decodeMessage(new Uint8Array(0)).ok).toBe(false)
  })

  it('R6940-6.3.2-04 only version 0x0a is read', () => {
    expect(failure(decodeMessage(changed(10, '01'))).reason).toContain('version 0x1')
    expect(decodeMessage(changed(10, '0b')).ok).toBe(false)
  })

  it('R6940-6.3.2-05 list lengths that do not fit the lists fail', () => {
    for (const [offset, text] of [
      [32, '0011'],
      [32, '0013'],
      [34, '0012'],
      [34, '0014'],
      [36, '0005'],
      [36, '0007'],
    ] as const) {
      expect(decodeMessage(changed(offset, text)).ok, `${offset} ${text}`).toBe(false)
    }
    expect(decodeMessage(changed(32, 'ffff')).ok).toBe(false)
  })

  it('R6940-6.3.2-06 the length field equals the received size', () => {
    for (const text of ['00000078', '0000007a', '00000000', 'ffffffff']) {
      expect(failure(decodeMessage(changed(16, text))).reason).toContain('length field')
      expect(decodeForwardingHeader(changed(16, text)).ok).toBe(false)
    }
  })

  it('a fragment is not a whole message, but its header can be read; reserved fragment bits are kept', () => {
    expect(failure(decodeMessage(changed(12, '80000000'))).reason).toContain('fragment')
    expect(decodeMessage(changed(12, 'c0000100')).ok).toBe(false)
    expect(decodeMessage(changed(12, '40000000')).ok).toBe(false)
    expect(value(decodeForwardingHeader(changed(12, '80000100'))).fragment).toBe(0x80000100)
    expect(value(decodeMessage(changed(12, 'ff000000'))).header.fragment).toBe(0xff000000)
    expect(() => encodeMessage({ ...header, fragment: 0x80000000 }, bytes(''), security)).toThrow(
      'fragment field',
    )
  })

  it('R6940-6.3.2.2-05 a resource in the via list or before the end makes the message invalid', () => {
    const twice = [...header.destinationList, ...header.destinationList]
    const before = encodeMessage({ ...header, destinationList: twice }, encodeContents(contents), security)
    expect(decodeMessage(before).ok).toBe(false)
    const via = encodeMessage(
      { ...header, viaList: header.destinationList },
      encodeContents(contents),
      security,
    )
    expect(decodeMessage(via).ok).toBe(false)
  })

  it('lists that do not fit their length field are refused by the encoder', () => {
    const many = Array.from({ length: 4000 }, () => ({ kind: 'node', nodeId: node(1) }) as const)
    expect(() => encodeMessage({ ...header, viaList: many }, bytes(''), security)).toThrow(RangeError)
  })
})

describe('ForwardingOption', () => {
  it('R6940-6.3.2.3-01 type, flags, length and value; unknown types and no value at all are kept', () => {
    const options = [
      { type: 0x42, flags: 7, value: bytes('00ff') },
      { type: 254, flags: 0xf8, value: bytes('') },
    ]
    const encoded = encodeMessage({ ...header, options }, encodeContents(contents), security)
    expect(toHex(encoded)).toContain(hex('42 07 0002 00ff fe f8 0000'))
    expect(value(decodeMessage(encoded)).header.options).toEqual(options)
  })

  it('R6940-14.12-01 type 0 is invalid', () => {
    const encoded = encodeMessage(
      { ...header, options: [{ type: 0, flags: 0, value: bytes('') }] },
      encodeContents(contents),
      security,
    )
    expect(failure(decodeMessage(encoded)).reason).toContain('type 0')
  })
})

describe('MessageContents', () => {
  it('R6940-6.3.3-01 code, body with a four-byte length, and 00000000 for no extensions', () => {
    const plain = { messageCode: 0xffff, body: bytes('0003 0000'), extensions: [] }
    expect(toHex(encodeContents(plain))).toBe(hex('ffff 00000004 00030000 00000000'))
    expect(value(decodeContents(bytes('ffff 00000004 00030000 00000000')))).toEqual(plain)
    expect(decodeContents(bytes('ffff 00000005 00030000 00000000')).ok).toBe(false)
    expect(decodeContents(bytes('ffff 00000004 00030000 00000000 00')).ok).toBe(false)
    expect(decodeContents(bytes('ffff 00000004 00030000')).ok).toBe(false)
  })

  it('R6940-6.3.3-02 an extension is a 16-bit type, a Boolean and bytes with a four-byte length', () => {
    const text = '0017 00000000 00000010 0001 00 00000000 fffe 01 00000002 0102'
    expect(value(decodeContents(bytes(text))).extensions).toEqual([
      { type: 1, critical: false, contents: bytes('') },
      { type: 0xfffe, critical: true, contents: bytes('0102') },
    ])
    expect(toHex(encodeContents(value(decodeContents(bytes(text)))))).toBe(hex(text))
    expect(decodeContents(bytes(text.replace('fffe 01', 'fffe 02'))).ok).toBe(false)
    expect(decodeContents(bytes(text.replace('00000010', '0000000f'))).ok).toBe(false)
  })
})

describe('SecurityBlock', () => {
  it('hash before signature algorithm, X.509 is 0, identity length counts the value only', () => {
    const hash = 'ab'.repeat(32)
    const text = `0006 00 0003 308201 04 01 01 0022 04 20 ${hash} 0002 1234`
    const block = value(decodeSecurityBlock(bytes(text)))
    expect(block).toEqual({
      certificates: [{ type: 0, certificate: bytes('308201') }],
      signature: {
        hashAlgorithm: 4,
        signatureAlgorithm: 1,
        identity: { kind: 'certHash', hashAlgorithm: 4, hash: bytes(hash) },
        value: bytes('1234'),
      },
    })
    expect(toHex(encodeSecurityBlock(block))).toBe(hex(text))
    expect(toHex(encodeSignerIdentity(block.signature.identity))).toBe(hex(`01 0022 04 20 ${hash}`))
    expect(encodeSignerIdentity(block.signature.identity).length).toBe(37)
  })

  it.each(['01 0003 04 01 aa', '02 0003 04 01 aa', '03 0000', '09 0002 aabb', 'ff 0000'])(
    'identity %s is read and written alike; an unknown type is kept',
    (text) => {
      expect(toHex(encodeSignerIdentity(value(decodeSignerIdentity(bytes(text)))))).toBe(hex(text))
    },
  )

  it.each([
    '00 0000',
    '01 0003 04 02 aa',
    '01 0004 04 01 aa 00',
    '01 0000',
    '03 0001 00',
    '09 0003 aabb',
    '',
  ])('identity %s fails', (text) => {
    expect(decodeSignerIdentity(bytes(text)).ok).toBe(false)
  })

  it('the signature of a synthesized value', () => {
    expect(toHex(encodeSecurityBlock({ certificates: [], signature: noSignature }))).toBe(
      hex('0000 00 00 03 0000 0000'),
    )
  })
})
