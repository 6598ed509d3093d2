import { describe, expect, it } from 'vitest'
import { toHex, Writer } from '../../../../src/common/bytes.ts'
import {
  decodeFetchAns,
  decodeFetchReq,
  decodeFindAns,
  decodeFindReq,
  decodeStatAns,
  decodeStatReq,
  decodeStoreAns,
  decodeStoreReq,
  decodeStoredData,
  decodeStoredDataSpecifier,
  decodeStoredDataValue,
  encodeFetchAns,
  encodeFetchReq,
  encodeFindAns,
  encodeFindReq,
  encodeStatAns,
  encodeStatReq,
  encodeStoreAns,
  encodeStoreReq,
  encodeStoredData,
  encodeStoredDataSpecifier,
  writeStoredDataValue,
} from '../../../../src/reload/codec/index.ts'
import type { FetchReq, MetaData, StoredData, StoredDataValue } from '../../../../src/reload/codec/index.ts'
import {
  bytes,
  failure,
  hex,
  modelOf,
  noSignature,
  noSignatureHex,
  node,
  nodeHex,
  resource,
  value,
} from './wire.ts'

const resourceHex = `10 ${'05'.repeat(16)}`

const single: StoredDataValue = { model: 'single', value: { exists: true, value: bytes('cafe') } }
const array: StoredDataValue = {
  model: 'array',
  index: 0xffffffff,
  value: { exists: true, value: bytes('01') },
}
const dictionary: StoredDataValue = {
  model: 'dictionary',
  key: bytes('6b65'),
  value: { exists: false, value: bytes('') },
}

function stored(entry: StoredDataValue): StoredData {
  return { storageTime: 0x0000018bcfe56800n, lifetime: 3600, value: entry, signature: noSignature }
}

/** StoredData with its length worked out by hand: 8 + 4 + value + 7. */
const storedHex = {
  single: `0000001a 0000018bcfe56800 00000e10 01 00000002 cafe ${noSignatureHex}`,
  array: `0000001d 0000018bcfe56800 00000e10 ffffffff 01 00000001 01 ${noSignatureHex}`,
  dictionary: `0000001c 0000018bcfe56800 00000e10 0002 6b65 00 00000000 ${noSignatureHex}`,
}

describe('stored values', () => {
  it('R6940-7.2-02 DataValue, array index and dictionary key; a missing value keeps its length', () => {
    const table = [
      [single, '01 00000002 cafe'],
      [array, 'ffffffff 01 00000001 01'],
      [dictionary, '0002 6b65 00 00000000'],
    ] as const
    for (const [entry, text] of table) {
      const writer = new Writer()
      writeStoredDataValue(writer, entry)
      expect(toHex(writer.done())).toBe(hex(text))
      expect(value(decodeStoredDataValue(bytes(text), entry.model))).toEqual(entry)
    }
    expect(decodeStoredDataValue(bytes('02 00000000'), 'single').ok).toBe(false)
  })

  it('R6940-7-01 the length of StoredData counts all that follows it', () => {
    for (const entry of [single, array, dictionary]) {
      const text = storedHex[entry.model]
      expect(toHex(encodeStoredData(stored(entry)))).toBe(hex(text))
      expect(value(decodeStoredData(bytes(text), entry.model))).toEqual(stored(entry))
    }
    expect(decodeStoredData(bytes(storedHex.single.replace('1a', '19')), 'single').ok).toBe(false)
    expect(decodeStoredData(bytes(`${storedHex.single.replace('1a', '1b')} 00`), 'single').ok).toBe(false)
  })

  it('R6940-7.2-01 the Kind chooses the variant: the same bytes read with another model are other or no data', () => {
    expect(decodeStoredData(bytes(storedHex.array), 'single').ok).toBe(false)
    expect(decodeStoredData(bytes(storedHex.single), 'dictionary').ok).toBe(false)
    // Five zero bytes and four more: an empty single value would leave bytes over, index 0 does not.
    const text = '00000000 00 00000000'
    expect(value(decodeStoredDataValue(bytes(text), 'array'))).toMatchObject({ model: 'array', index: 0 })
    expect(decodeStoredDataValue(bytes(text), 'single').ok).toBe(false)
  })
})

describe('Store', () => {
  const requestHex = `${resourceHex} 02 00000071 00000001 0000000000000007 00000020 ${storedHex.dictionary}
    00000003 0000000000000000 00000021 ${storedHex.array} 00000002 ffffffffffffffff 00000000`
  const request = {
    resource: resource(5),
    replicaNumber: 2,
    kindData: [
      { kind: 1, generationCounter: 7n, values: [stored(dictionary)] },
      { kind: 3, generationCounter: 0n, values: [stored(array)] },
      { kind: 2, generationCounter: 0xffff_ffff_ffff_ffffn, values: [] },
    ],
  }

  it('R6940-7.4.1.1-01 StoreReq', () => {
    expect(toHex(encodeStoreReq(request))).toBe(hex(requestHex))
    expect(value(decodeStoreReq(bytes(requestHex), modelOf))).toEqual(request)
  })

  it('R6940-7.2-01 Kinds without a model are all named, and only if nothing else is wrong', () => {
    const kinds = `f0000001 0000000000000001 00000003 aabbcc 00000001 0000000000000001 00000000
      f0000002 0000000000000001 00000000 f0000001 0000000000000001 00000000`
    const text = `${resourceHex} 00 00000043 ${kinds}`
    expect(failure(decodeStoreReq(bytes(text), modelOf)).unknownKinds).toEqual([0xf0000001, 0xf0000002])
    const longer = failure(decodeStoreReq(bytes(`${text} 00`), modelOf))
    expect(longer.unknownKinds).toBe(undefined)
    expect(longer.reason).toContain('left over')
    expect(failure(decodeStoreReq(bytes(text.replace('aabbcc', 'aabb')), modelOf)).unknownKinds).toBe(
      undefined,
    )
  })

  it('R6940-7.4.1.2-01 StoreAns has a two-byte list length, and so have the replicas', () => {
    const text = `002c 00000001 0000000000000008 0010 ${nodeHex(1)} 00000003 0000000000000001 0000`
    const answer = {
      kindResponses: [
        { kind: 1, generationCounter: 8n, replicas: [node(1)] },
        { kind: 3, generationCounter: 1n, replicas: [] },
      ],
    }
    expect(toHex(encodeStoreAns(answer))).toBe(hex(text))
    expect(value(decodeStoreAns(bytes(text)))).toEqual(answer)
    // The replica named is a node's, with the overlay's own length.
    expect(decodeStoreAns(bytes(text), 20).ok).toBe(false)
  })
})

describe('Fetch and Stat', () => {
  const request: FetchReq = {
    resource: resource(5),
    specifiers: [
      { kind: 2, generation: 1n, selector: { model: 'single' } },
      {
        kind: 3,
        generation: 0n,
        selector: {
          model: 'array',
          indices: [
            { first: 0, last: 4 },
            { first: 7, last: 0xffffffff },
          ],
        },
      },
      { kind: 1, generation: 0n, selector: { model: 'dictionary', keys: [] } },
      { kind: 1, generation: 0n, selector: { model: 'dictionary', keys: [bytes('6b65'), bytes('')] } },
    ],
  }
  const requestHex = `${resourceHex} 0054
    00000002 0000000000000001 0000
    00000003 0000000000000000 0012 0010 00000000 00000004 00000007 ffffffff
    00000001 0000000000000000 0002 0000
    00000001 0000000000000000 0008 0006 0002 6b65 0000`

  it('R6940-7.4.2.1-01 specifiers: single is empty, ranges and keys have their own length', () => {
    expect(toHex(encodeFetchReq(request))).toBe(hex(requestHex))
    expect(value(decodeFetchReq(bytes(requestHex), modelOf))).toEqual(request)
    expect(toHex(encodeStatReq(request))).toBe(hex(requestHex))
    expect(value(decodeStatReq(bytes(requestHex), modelOf))).toEqual(request)
    const one = '00000001 0000000000000000 0002 0000'
    expect(toHex(encodeStoredDataSpecifier(value(decodeStoredDataSpecifier(bytes(one), modelOf))))).toBe(
      hex(one),
    )
    expect(decodeFetchReq(bytes(`${resourceHex} 000f 00000002 0000000000000001 0001 00`), modelOf).ok).toBe(
      false,
    )
    expect(
      decodeFetchReq(bytes(`${resourceHex} 0011 00000001 0000000000000000 0003 0000 00`), modelOf).ok,
    ).toBe(false)
  })

  it('R6940-7.4.2.1-02 ranges are unsigned and do not end before they begin', () => {
    const range = (text: string): string => `${resourceHex} 0018 00000003 0000000000000000 000a 0008 ${text}`
    expect(decodeFetchReq(bytes(range('00000000 ffffffff')), modelOf).ok).toBe(true)
    expect(decodeFetchReq(bytes(range('80000000 ffffffff')), modelOf).ok).toBe(true)
    expect(decodeFetchReq(bytes(range('ffffffff ffffffff')), modelOf).ok).toBe(true)
    expect(decodeFetchReq(bytes(range('ffffffff 00000000')), modelOf).ok).toBe(false)
    expect(decodeFetchReq(bytes(range('00000002 00000001')), modelOf).ok).toBe(false)
  })

  it('an unknown Kind in a request or an answer is stepped over and named', () => {
    const asked = `${resourceHex} 0012 f0000009 0000000000000000 0004 aabbccdd`
    expect(failure(decodeFetchReq(bytes(asked), modelOf)).unknownKinds).toEqual([0xf0000009])
    const answered = '00000012 f0000009 0000000000000001 00000002 aabb'
    expect(failure(decodeFetchAns(bytes(answered), modelOf)).unknownKinds).toEqual([0xf0000009])
    expect(failure(decodeStatAns(bytes(answered), modelOf)).unknownKinds).toEqual([0xf0000009])
  })

  it('R6940-7.4.2.2-01 FetchAns', () => {
    const text = `0000005c 00000002 0000000000000001 0000003c ${storedHex.single} ${storedHex.single}
      00000003 0000000000000002 00000000`
    const answer = {
      kindResponses: [
        { kind: 2, generation: 1n, values: [stored(single), stored(single)] },
        { kind: 3, generation: 2n, values: [] },
      ],
    }
    expect(toHex(encodeFetchAns(answer))).toBe(hex(text))
    expect(value(decodeFetchAns(bytes(text), modelOf))).toEqual(answer)
  })

  it('R6940-7.4.3.2-01 StatAns in the three models', () => {
    const metaData: MetaData = { exists: true, valueLength: 2, hashAlgorithm: 4, hashValue: bytes('abcd') }
    const metaHex = '01 00000002 04 02 abcd'
    const text = `00000083
      00000002 0000000000000001 00000019 00000015 0000018bcfe56800 00000e10 ${metaHex}
      00000003 0000000000000001 0000001d 00000019 0000018bcfe56800 00000e10 00000007 ${metaHex}
      00000001 0000000000000001 0000001d 00000019 0000018bcfe56800 00000e10 0002 6b65 ${metaHex}`
    const times = { storageTime: 0x0000018bcfe56800n, lifetime: 3600 }
    const answer = {
      kindResponses: [
        {
          kind: 2,
          generation: 1n,
          values: [{ ...times, metadata: { model: 'single', value: metaData } as const }],
        },
        {
          kind: 3,
          generation: 1n,
          values: [{ ...times, metadata: { model: 'array', index: 7, value: metaData } as const }],
        },
        {
          kind: 1,
          generation: 1n,
          values: [
            { ...times, metadata: { model: 'dictionary', key: bytes('6b65'), value: metaData } as const },
          ],
        },
      ],
    }
    expect(toHex(encodeStatAns(answer))).toBe(hex(text))
    expect(value(decodeStatAns(bytes(text), modelOf))).toEqual(answer)
  })
})

describe('Find', () => {
  it('R6940-7.4.4.1-01 the Kinds of a FindReq have a one-byte length, the results of a FindAns two', () => {
    const request = { resource: resource(5), kinds: [1, 0xfffffffd] }
    expect(toHex(encodeFindReq(request))).toBe(hex(`${resourceHex} 08 00000001 fffffffd`))
    expect(value(decodeFindReq(encodeFindReq(request)))).toEqual(request)
    const answer = { results: [{ kind: 1, closest: resource(5) }] }
    expect(toHex(encodeFindAns(answer))).toBe(hex(`0015 00000001 ${resourceHex}`))
    expect(value(decodeFindAns(encodeFindAns(answer)))).toEqual(answer)
  })
})
