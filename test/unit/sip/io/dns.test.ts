import { describe, expect, it } from 'vitest'
import { DnsShell, type DnsPort, type NaptrLike, type SrvLike } from '../../../../src/sip/io/dns.ts'

interface Zone {
  readonly naptr?: Record<string, NaptrLike[]>
  readonly srv?: Record<string, SrvLike[]>
  readonly a?: Record<string, string[]>
  readonly aaaa?: Record<string, string[]>
  /** Fails every question with this code. */
  readonly broken?: string
}

function dns(zone: Zone): { port: DnsPort; asked: string[] } {
  const asked: string[] = []
  const from =
    <T>(kind: string, table: Record<string, T[]> | undefined) =>
    (name: string): Promise<T[]> => {
      asked.push(`${kind} ${name}`)
      const records = table?.[name]
      const code = zone.broken ?? (records === undefined ? 'ENOTFOUND' : undefined)
      return code === undefined
        ? Promise.resolve(records ?? [])
        : Promise.reject(Object.assign(new Error(code), { code }))
    }
  const port: DnsPort = {
    resolveNaptr: from('NAPTR', zone.naptr),
    resolveSrv: from('SRV', zone.srv),
    resolve4: from('A', zone.a),
    resolve6: from('AAAA', zone.aaaa),
  }
  return { port, asked }
}

const HOST = 'example.org'

function ask(
  zone: Zone,
  question: { port?: number; transport?: 'udp' | 'tcp' | 'tls'; secure?: boolean } = {},
  random = () => 0,
) {
  const { port } = dns(zone)
  return new DnsShell(port, random).resolve({
    host: HOST,
    port: question.port,
    transport: question.transport,
    secure: question.secure ?? false,
  })
}

describe('DNS for hosts outside the overlay', () => {
  it('S3263-4.2-01 a port means address records only; no SRV is asked', async () => {
    const { port, asked } = dns({ a: { [HOST]: ['192.0.2.1'] } })
    const outcome = await new DnsShell(port).resolve({
      host: HOST,
      port: 5070,
      transport: undefined,
      secure: false,
    })
    expect(outcome).toEqual({ ok: true, addresses: [{ host: '192.0.2.1', port: 5070, transport: 'udp' }] })
    expect(asked).toEqual([`A ${HOST}`, `AAAA ${HOST}`])
  })

  it('S3263-4.2-01 SRV by priority, then by weight; none: address records and the default port', async () => {
    const srv = {
      '_sip._tcp.example.org': [
        { name: 'late', port: 5065, priority: 20, weight: 100 },
        { name: 'light', port: 5061, priority: 10, weight: 1 },
        { name: 'heavy', port: 5062, priority: 10, weight: 99 },
      ],
    }
    const a = { light: ['192.0.2.1'], heavy: ['192.0.2.2'], late: ['192.0.2.3'] }
    const high = await ask({ srv, a }, { transport: 'tcp' }, () => 0.99)
    expect(high.ok && high.addresses.map(({ port }) => port)).toEqual([5062, 5061, 5065])
    const low = await ask({ srv, a }, { transport: 'tcp' }, () => 0)
    expect(low.ok && low.addresses.map(({ port }) => port)).toEqual([5061, 5062, 5065])
    const none = await ask({ aaaa: { [HOST]: ['2001:db8::1'] } }, { transport: 'tcp' })
    expect(none).toEqual({ ok: true, addresses: [{ host: '2001:db8::1', port: 5060, transport: 'tcp' }] })
    const secure = await ask({ a: { [HOST]: ['192.0.2.1'] } }, { secure: true })
    expect(secure).toEqual({ ok: true, addresses: [{ host: '192.0.2.1', port: 5061, transport: 'tls' }] })
  })

  it('S3263-4.1-01 without a transport NAPTR decides, then SRV of each transport, then UDP', async () => {
    const naptr = {
      [HOST]: [
        { service: 'SIP+D2U', replacement: 'u.example.org', order: 20, preference: 1 },
        { service: 'SIP+D2T', replacement: 't.example.org', order: 10, preference: 1 },
        { service: 'SIPS+D2T', replacement: 's.example.org', order: 1, preference: 1 },
        { service: 'E2U+sip', replacement: 'e.example.org', order: 0, preference: 1 },
      ],
    }
    const record = (name: string) => [{ name, port: 5070, priority: 1, weight: 1 }]
    const srv = { 't.example.org': record('tcp-host'), 'u.example.org': record('udp-host') }
    const a = { 'tcp-host': ['192.0.2.1'], 'udp-host': ['192.0.2.2'] }
    const byNaptr = await ask({ naptr, srv, a })
    expect(byNaptr.ok && byNaptr.addresses.map(({ transport }) => transport)).toEqual(['tcp', 'udp'])
    const bySrv = await ask({ srv: { '_sip._tcp.example.org': record('tcp-host') }, a })
    expect(bySrv).toEqual({ ok: true, addresses: [{ host: '192.0.2.1', port: 5070, transport: 'tcp' }] })
    const byDefault = await ask({ a: { [HOST]: ['192.0.2.9'] } })
    expect(byDefault).toEqual({ ok: true, addresses: [{ host: '192.0.2.9', port: 5060, transport: 'udp' }] })
  })

  it('S3263-LO-01 nothing there is 404, a name server that fails is 504', async () => {
    expect(await ask({})).toMatchObject({ ok: false, status: 404 })
    expect(await ask({ broken: 'ETIMEOUT' })).toEqual({ ok: false, status: 504, reason: 'DNS ETIMEOUT' })
    expect(await ask({ broken: 'ESERVFAIL' }, { port: 5060 })).toMatchObject({ ok: false, status: 504 })
  })

  it('a service that says it is not offered is not tried, and the list of addresses is bounded', async () => {
    const many = Array.from({ length: 20 }, (_, index) => `192.0.2.${index}`)
    const off = { '_sip._udp.example.org': [{ name: '', port: 0, priority: 0, weight: 0 }] }
    const outcome = await ask({ srv: off, a: { [HOST]: many } }, { transport: 'udp' })
    expect(outcome.ok && outcome.addresses.length).toBe(8)
    expect(outcome.ok && outcome.addresses[0]).toEqual({ host: '192.0.2.0', port: 5060, transport: 'udp' })
  })
})
