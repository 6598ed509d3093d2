import { describe, expect, it } from 'vitest'
import { SeededRandom, type Random } from '../../../../src/common/random.ts'
import type { SrvTarget } from '../../../../src/common/srv-order.ts'
import type { Transport } from '../../../../src/sip/core/contract.ts'
import { DnsRecords, type RecordSource } from '../../../../src/sip/io/dns-records.ts'
import { DnsShell, type ResolveQuestion } from '../../../../src/sip/io/dns.ts'
import type { NaptrRecord, RecordAnswer, RecordType } from '../../../../src/sip/location/index.ts'

interface Zone {
  readonly naptr?: Record<string, Partial<NaptrRecord>[]>
  readonly srv?: Record<string, SrvTarget[]>
  readonly a?: Record<string, string[]>
  readonly aaaa?: Record<string, string[]>
  /** Types of record for which the server is no help. */
  readonly broken?: readonly RecordType[]
  readonly ttlS?: number
}

class ZoneSource implements RecordSource {
  readonly asked: string[] = []
  private readonly zone: Zone

  constructor(zone: Zone) {
    this.zone = zone
  }

  ask<T extends RecordType>(name: string, type: T): Promise<RecordAnswer<T>> {
    this.asked.push(`${type} ${name}`)
    const { naptr, srv, a, aaaa, broken, ttlS = 60 } = this.zone
    const tables = { NAPTR: naptr, SRV: srv, A: a, AAAA: aaaa }
    if (broken?.includes(type) === true) return Promise.resolve({ kind: 'failed', reason: 'SERVFAIL' })
    const records = tables[type]?.[name] as RecordAnswer<T> extends { records: infer R } ? R : never
    return Promise.resolve(
      (records === undefined
        ? { kind: 'none', ttlS }
        : { kind: 'records', records, ttlS }) as RecordAnswer<T>,
    )
  }
}

const HOST = 'example.org'
const QUESTION: ResolveQuestion = { host: HOST, port: undefined, transport: undefined, secure: false }

function shell(
  source: RecordSource,
  random: Random = new SeededRandom('dns'),
  transports: readonly Transport[] = ['udp', 'tcp', 'tls'],
): DnsShell {
  return new DnsShell({ records: source, random }, { transports })
}

function ask(zone: Zone, question: Partial<ResolveQuestion> = {}, transports?: readonly Transport[]) {
  return shell(new ZoneSource(zone), undefined, transports).resolve({ ...QUESTION, ...question })
}

function naptr(service: string, replacement: string, order: number, preference = 1): Partial<NaptrRecord> {
  return { service, replacement, order, preference, flags: 's', regexp: '' }
}

const server = (name: string, port = 5070): SrvTarget[] => [{ name, port, priority: 1, weight: 1 }]

describe('which transport, port and address (RFC 3263 s.4.1 and s.4.2)', () => {
  it('S3263-4.2-01 S3263-4.1-01 a port means address records only, and UDP, or TLS for sips', async () => {
    const source = new ZoneSource({ a: { [HOST]: ['192.0.2.1'] } })
    const outcome = await shell(source).resolve({ ...QUESTION, port: 5070 })
    expect(outcome).toEqual({ ok: true, addresses: [{ host: '192.0.2.1', port: 5070, transport: 'udp' }] })
    expect(source.asked).toEqual([`A ${HOST}`, `AAAA ${HOST}`])
    const secure = await ask({ a: { [HOST]: ['192.0.2.1'] } }, { port: 5070, secure: true })
    expect(secure).toEqual({ ok: true, addresses: [{ host: '192.0.2.1', port: 5070, transport: 'tls' }] })
  })

  it('S3263-4.2-01 SRV by priority, within one drawn by weight', async () => {
    const srv = {
      '_sip._tcp.example.org': [
        { name: 'late', port: 5065, priority: 20, weight: 100 },
        { name: 'light', port: 5061, priority: 10, weight: 1 },
        { name: 'heavy', port: 5062, priority: 10, weight: 9 },
      ],
    }
    const a = { light: ['192.0.2.1'], heavy: ['192.0.2.2'], late: ['192.0.2.3'] }
    const dns = shell(new ZoneSource({ srv, a }))
    let heavyFirst = 0
    for (let i = 0; i < 1_000; i++) {
      const outcome = await dns.resolve({ ...QUESTION, transport: 'tcp' })
      const ports = outcome.ok ? outcome.addresses.map(({ port }) => port) : []
      expect(ports).toHaveLength(3)
      expect(ports[2]).toBe(5065)
      if (ports[0] === 5062) heavyFirst++
    }
    // Nine in ten by the weights of RFC 2782.
    expect(heavyFirst).toBeGreaterThan(820)
    expect(heavyFirst).toBeLessThan(970)
  })

  it('S3263-4.2-01 without SRV: address records and the default port of the transport', async () => {
    const none = await ask({ aaaa: { [HOST]: ['2001:db8::1'] } }, { transport: 'tcp' })
    expect(none).toEqual({ ok: true, addresses: [{ host: '2001:db8::1', port: 5060, transport: 'tcp' }] })
    const secure = await ask({ a: { [HOST]: ['192.0.2.1'] } }, { secure: true })
    expect(secure).toEqual({ ok: true, addresses: [{ host: '192.0.2.1', port: 5061, transport: 'tls' }] })
  })

  it('S3263-4.1-01 without a transport NAPTR decides, by order and then by preference', async () => {
    const zone: Zone = {
      naptr: {
        [HOST]: [
          naptr('SIP+D2U', 'u.example.org', 20, 2),
          naptr('sip+d2t', 't.example.org', 20, 1),
          naptr('SIPS+D2T', 's.example.org', 1, 9),
          naptr('SIP+D2S', 'sctp.example.org', 0),
          naptr('E2U+sip', 'e.example.org', 0),
          { ...naptr('SIP+D2U', 'r.example.org', 0), regexp: '!^.*$!sip:x@y!' },
          { ...naptr('SIP+D2U', 'f.example.org', 0), flags: 'a' },
          { ...naptr('SIP+D2T', 'f.example.org', 0), flags: '' },
        ],
      },
      srv: {
        's.example.org': server('tls-host'),
        't.example.org': server('tcp-host'),
        'u.example.org': server('udp-host'),
        'r.example.org': server('wrong'),
        'f.example.org': server('wrong'),
      },
      a: {
        wrong: ['192.0.2.9'],
        'tls-host': ['192.0.2.3'],
        'tcp-host': ['192.0.2.1'],
        'udp-host': ['192.0.2.2'],
      },
    }
    const transports = async (able: readonly Transport[], secure = false): Promise<unknown> => {
      const outcome = await ask(zone, { secure }, able)
      return outcome.ok && outcome.addresses.map(({ transport }) => transport)
    }
    expect(await transports(['udp', 'tcp', 'tls'])).toEqual(['tls', 'tcp', 'udp'])
    expect(await transports(['udp', 'tcp'])).toEqual(['tcp', 'udp'])
    // S3263-4.1-02: nothing but SIPS for a sips URI.
    expect(await transports(['udp', 'tcp', 'tls'], true)).toEqual(['tls'])
  })

  it('S3263-4.1-02 a sips URI takes no plain service, even when nothing else is offered', async () => {
    const zone: Zone = {
      naptr: { [HOST]: [naptr('SIP+D2T', 't.example.org', 1)] },
      srv: { 't.example.org': server('tcp-host'), '_sip._tcp.example.org': server('tcp-host') },
      a: { 'tcp-host': ['192.0.2.1'] },
    }
    expect(await ask(zone, { secure: true })).toMatchObject({ ok: false, status: 404 })
    const withSips = { ...zone, srv: { ...zone.srv, '_sips._tcp.example.org': server('tcp-host') } }
    expect(await ask(withSips, { secure: true })).toEqual({
      ok: true,
      addresses: [{ host: '192.0.2.1', port: 5070, transport: 'tls' }],
    })
  })

  it('S3263-4.1-01 without NAPTR: SRV of each transport, then UDP', async () => {
    const a = { 'tcp-host': ['192.0.2.1'] }
    const bySrv = await ask({ srv: { '_sip._tcp.example.org': server('tcp-host') }, a })
    expect(bySrv).toEqual({ ok: true, addresses: [{ host: '192.0.2.1', port: 5070, transport: 'tcp' }] })
    const byDefault = await ask({ a: { [HOST]: ['192.0.2.9'] } })
    expect(byDefault).toEqual({ ok: true, addresses: [{ host: '192.0.2.9', port: 5060, transport: 'udp' }] })
  })

  it('S3263-4.2-01 a service that is decidedly not offered (RFC 2782) is not looked for elsewhere', async () => {
    const off = [{ name: '', port: 0, priority: 0, weight: 0 }]
    const a = { [HOST]: ['192.0.2.1'] }
    const udpOff = { '_sip._udp.example.org': off }
    expect(await ask({ srv: udpOff, a }, { transport: 'udp' })).toMatchObject({ ok: false, status: 404 })
    const other = await ask({ srv: udpOff, a })
    expect(other.ok && other.addresses).toEqual([{ host: '192.0.2.1', port: 5060, transport: 'tcp' }])
    const both = { ...udpOff, '_sip._tcp.example.org': off }
    expect(await ask({ srv: both, a })).toMatchObject({ ok: false, status: 404 })
  })
})

describe('what name servers are good for', () => {
  it('S3263-LO-01 nothing there is 404, a name server that fails is 504', async () => {
    expect(await ask({})).toEqual({ ok: false, status: 404, reason: `No SIP Service at ${HOST}` })
    const broken = await ask({ broken: ['NAPTR', 'SRV', 'A', 'AAAA'] })
    expect(broken).toEqual({ ok: false, status: 504, reason: 'DNS Failure (SERVFAIL)' })
    expect(await ask({ broken: ['A'] }, { port: 5060 })).toMatchObject({ ok: false, status: 504 })
  })

  it('S3263-4.1-01 servers that choke on NAPTR or AAAA do not stand in the way', async () => {
    const zone: Zone = { broken: ['NAPTR', 'AAAA'], a: { [HOST]: ['192.0.2.1'] } }
    expect(await ask(zone)).toMatchObject({ ok: true })
  })

  it('the list of addresses is bounded and says nothing twice', async () => {
    const many = Array.from({ length: 40 }, (_, index) => `192.0.2.${index >> 1}`)
    const outcome = await ask({ a: { [HOST]: many } }, { transport: 'udp' })
    expect(outcome.ok && outcome.addresses.map(({ host }) => host)).toEqual(
      Array.from({ length: 16 }, (_, index) => `192.0.2.${index}`),
    )
  })

  it('answers are used again until their time is over, and one question is under way once', async () => {
    let now = 0
    const source = new ZoneSource({ a: { [HOST]: ['192.0.2.1'] }, ttlS: 30 })
    const records = new DnsRecords({ source, now: () => now })
    const dns = shell(records)
    const question = { ...QUESTION, port: 5060 }
    await Promise.all([dns.resolve(question), dns.resolve(question)])
    expect(source.asked).toHaveLength(2)
    now = 29_999
    expect(await dns.resolve(question)).toMatchObject({ ok: true })
    expect(source.asked).toHaveLength(2)
    now = 30_000
    expect(await dns.resolve(question)).toMatchObject({ ok: true })
    expect(source.asked).toHaveLength(4)
  })
})
