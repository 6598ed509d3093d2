import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Writer } from '../../../../src/common/bytes.ts'
import {
  decodeAnswer,
  encodeQuery,
  RecordCache,
  type RecordType,
} from '../../../../src/sip/location/index.ts'

const ID = 0x1234
const TYPES = { A: 1, CNAME: 5, SOA: 6, AAAA: 28, SRV: 33, NAPTR: 35 } as const

interface Row {
  readonly owner?: string
  readonly type: keyof typeof TYPES
  readonly ttl?: number
  readonly data: (writer: Writer) => void
}

function name(writer: Writer, text: string): void {
  for (const label of text.split('.').filter((each) => each !== '')) {
    writer.u8(label.length)
    for (const character of label) writer.u8(character.charCodeAt(0))
  }
  writer.u8(0)
}

/** An answer to the question for `asked`; owners without a name point at the question. */
function answer(
  asked: string,
  type: RecordType,
  rows: readonly Row[],
  init: { flags?: number; id?: number; authorities?: readonly Row[] } = {},
): Uint8Array {
  const writer = new Writer()
  const authorities = init.authorities ?? []
  for (const value of [init.id ?? ID, init.flags ?? 0x8180, 1, rows.length, authorities.length, 0])
    writer.u16(value)
  name(writer, asked)
  writer.u16(TYPES[type])
  writer.u16(1)
  for (const row of [...rows, ...authorities]) {
    if (row.owner === undefined) writer.u16(0xc00c)
    else name(writer, row.owner)
    writer.u16(TYPES[row.type])
    writer.u16(1)
    writer.u32(row.ttl ?? 60)
    const data = new Writer()
    row.data(data)
    const bytes = data.done()
    writer.u16(bytes.length)
    for (const byte of bytes) writer.u8(byte)
  }
  return writer.done()
}

const a = (address: string, owner?: string, ttl?: number): Row => ({
  type: 'A',
  ...(owner === undefined ? {} : { owner }),
  ...(ttl === undefined ? {} : { ttl }),
  data: (writer) => address.split('.').forEach((part) => writer.u8(Number(part))),
})

describe('DNS messages', () => {
  it('a question is as RFC 1035 s.4.1 draws it, with EDNS0', () => {
    const bytes = encodeQuery(ID, 'Example.ORG.', 'SRV')!
    expect(Buffer.from(bytes).toString('hex')).toBe(
      '123401000001000000000001' + '076578616d706c65036f726700' + '00210001' + '00002904d000000000' + '0000',
    )
    for (const bad of [
      '',
      '.',
      'a..b',
      `${'x'.repeat(64)}.org`,
      'a b.org',
      'ü.org',
      `${'a.'.repeat(130)}org`,
    ])
      expect(encodeQuery(ID, bad, 'A'), bad).toBeUndefined()
  })

  it('S3263-4.2-01 reads A, AAAA, SRV and NAPTR records', () => {
    const read = (type: RecordType, data: Row['data']): unknown => {
      const decoded = decodeAnswer(answer('x.org', type, [{ type, data }]), ID, 'x.org', type)
      if (!decoded.ok || decoded.value.kind !== 'answer' || decoded.value.answer.kind !== 'records')
        return decoded
      return decoded.value.answer.records
    }
    expect(read('A', (w) => [192, 0, 2, 1].forEach((byte) => w.u8(byte)))).toEqual(['192.0.2.1'])
    const ipv6 = (groups: number[]): unknown => read('AAAA', (w) => groups.forEach((group) => w.u16(group)))
    expect(ipv6([0x2001, 0xdb8, 0, 0, 1, 0, 0, 1])).toEqual(['2001:db8::1:0:0:1'])
    expect(ipv6([0, 0, 0, 0, 0, 0, 0, 1])).toEqual(['::1'])
    expect(ipv6([0x2001, 0, 1, 1, 1, 1, 1, 1])).toEqual(['2001:0:1:1:1:1:1:1'])
    expect(ipv6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0])).toEqual(['2001:db8::'])
    expect(
      read('SRV', (w) => {
        for (const value of [10, 20, 5060]) w.u16(value)
        name(w, 'Host.x.org')
      }),
    ).toEqual([{ priority: 10, weight: 20, port: 5060, name: 'host.x.org' }])
    expect(
      read('NAPTR', (w) => {
        w.u16(50)
        w.u16(60)
        for (const text of ['s', 'SIP+D2U', '']) {
          w.u8(text.length)
          for (const character of text) w.u8(character.charCodeAt(0))
        }
        name(w, '_sip._udp.x.org')
      }),
    ).toEqual([
      {
        order: 50,
        preference: 60,
        flags: 's',
        service: 'SIP+D2U',
        regexp: '',
        replacement: '_sip._udp.x.org',
      },
    ])
  })

  it('follows CNAMEs of the answer; records of other names do not count; the shortest TTL holds', () => {
    const alias: Row = { type: 'CNAME', ttl: 20, data: (writer) => name(writer, 'y.org') }
    const rows = [alias, a('192.0.2.1', 'y.org', 50), a('192.0.2.66', 'evil.org', 1)]
    expect(decodeAnswer(answer('x.org', 'A', rows), ID, 'x.org', 'A')).toEqual({
      ok: true,
      value: { kind: 'answer', answer: { kind: 'records', records: ['192.0.2.1'], ttlS: 20 } },
    })
    const circle: Row = { type: 'CNAME', data: (writer) => name(writer, 'x.org') }
    expect(decodeAnswer(answer('x.org', 'A', [circle]), ID, 'x.org', 'A')).toMatchObject({
      value: { answer: { kind: 'none' } },
    })
  })

  it('S3263-LO-01 nothing there is kept as RFC 2308 says; failures and truncation are told apart', () => {
    const soa: Row = {
      owner: 'org',
      type: 'SOA',
      ttl: 100,
      data: (writer) => {
        name(writer, 'ns.org')
        name(writer, 'mail.org')
        for (const value of [1, 2, 3, 4, 40]) writer.u32(value)
      },
    }
    const decode = (flags: number, authorities: readonly Row[] = []): unknown => {
      const decoded = decodeAnswer(answer('x.org', 'A', [], { flags, authorities }), ID, 'x.org', 'A')
      return decoded.ok ? decoded.value : decoded
    }
    expect(decode(0x8183, [soa])).toEqual({ kind: 'answer', answer: { kind: 'none', ttlS: 40 } })
    expect(decode(0x8180)).toEqual({ kind: 'answer', answer: { kind: 'none', ttlS: 5 } })
    expect(decode(0x8182)).toEqual({ kind: 'answer', answer: { kind: 'failed', reason: 'SERVFAIL' } })
    expect(decode(0x8380)).toEqual({ kind: 'truncated' })
  })

  it('answers to other questions are not taken', () => {
    const foreign = { ok: true, value: { kind: 'foreign' } }
    const rows = [a('192.0.2.1')]
    expect(decodeAnswer(answer('x.org', 'A', rows, { id: 1 }), ID, 'x.org', 'A')).toEqual(foreign)
    expect(decodeAnswer(answer('y.org', 'A', rows), ID, 'x.org', 'A')).toEqual(foreign)
    expect(decodeAnswer(answer('x.org', 'AAAA', []), ID, 'x.org', 'A')).toEqual(foreign)
    expect(decodeAnswer(answer('x.org', 'A', rows, { flags: 0x0100 }), ID, 'x.org', 'A')).toEqual(foreign)
  })

  it('no bytes make the reader throw, and names that point at themselves end', () => {
    const good = answer('x.org', 'A', [a('192.0.2.1')])
    const looping = Uint8Array.from(good)
    // The owner of the record points at itself.
    looping.set([0xc0, good.length - 16], good.length - 16)
    expect(decodeAnswer(looping, ID, 'x.org', 'A').ok).toBe(false)
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 8 }),
        (noise, changes) => {
          decodeAnswer(noise, ID, 'x.org', 'A')
          const bent = Uint8Array.from(good)
          for (const [at, value] of changes) bent[at] = value
          for (const type of ['A', 'AAAA', 'SRV', 'NAPTR'] as const) decodeAnswer(bent, ID, 'x.org', type)
          decodeAnswer(bent.subarray(0, changes.length * 5), ID, 'x.org', 'A')
        },
      ),
    )
  })
})

describe('remembered answers', () => {
  const records = { kind: 'records', records: ['192.0.2.1'], ttlS: 10 } as const

  it('are good for their TTL and no longer than an hour; failures are not kept', () => {
    const cache = new RecordCache()
    cache.keep(0, 'X.org', 'A', records)
    cache.keep(0, 'x.org', 'AAAA', { kind: 'none', ttlS: 1 })
    cache.keep(0, 'long.org', 'A', { ...records, ttlS: 1_000_000 })
    cache.keep(0, 'zero.org', 'A', { ...records, ttlS: 0 })
    cache.keep(0, 'bad.org', 'A', { kind: 'failed', reason: 'SERVFAIL' })
    expect(cache.find(9_999, 'x.ORG', 'A')).toEqual(records)
    expect(cache.find(10_000, 'x.org', 'A')).toBeUndefined()
    expect(cache.find(999, 'x.org', 'AAAA')).toEqual({ kind: 'none', ttlS: 1 })
    expect(cache.find(3_599_999, 'long.org', 'A')).toBeDefined()
    expect(cache.find(3_600_000, 'long.org', 'A')).toBeUndefined()
    expect(cache.find(0, 'zero.org', 'A')).toBeUndefined()
    expect(cache.find(0, 'bad.org', 'A')).toBeUndefined()
  })

  it('are bounded: the one that was used longest ago goes', () => {
    const cache = new RecordCache(2)
    cache.keep(0, 'a', 'A', records)
    cache.keep(0, 'b', 'A', records)
    cache.find(1, 'a', 'A')
    cache.keep(1, 'c', 'A', records)
    expect(cache.size).toBe(2)
    expect(cache.find(1, 'b', 'A')).toBeUndefined()
    expect(cache.find(1, 'a', 'A')).toBeDefined()
  })
})
