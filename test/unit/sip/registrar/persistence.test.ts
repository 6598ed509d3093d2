import { describe, expect, it } from 'vitest'
import { bindingRecord, readBindings } from '../../../../src/sip/registrar/index.ts'
import { parseMessage } from '../../../../src/sip/message/index.ts'
import { planSave } from '../../../../src/sip/registrar/plan-save.ts'
import type { Binding } from '../../../../src/sip/registrar/binding.ts'
import type { RegistrarSettings } from '../../../../src/sip/registrar/index.ts'
import {
  allListeners,
  DOMAIN,
  SipWorld,
  TestAccounts,
  type SettingsOverride,
  type TestNode,
} from '../../../support/sip-phones.ts'

const ALICE = `alice@${DOMAIN}`
const KEPT: SettingsOverride = { persistBindings: true, lookup: 'localOnly' }
const KEY = `binding/${ALICE}`

const accounts = (): TestAccounts => new TestAccounts().add('alice').add('bob')

function setUp(override: SettingsOverride = KEPT): { world: SipWorld; node: TestNode } {
  const world = new SipWorld()
  return { world, node: world.node('192.0.2.1', override, accounts()) }
}

/** The node is killed, and another one comes up with what its disk holds. */
function restarted(node: TestNode, override: SettingsOverride = KEPT): { world: SipWorld; node: TestNode } {
  const again = setUp(override)
  again.world.now = node.world.now
  for (const [key, value] of node.disk) again.node.disk.set(key, value)
  again.node.input({ kind: 'restored', records: [...node.disk] })
  again.world.settle()
  return again
}

const contacts = (node: TestNode): string[] => node.core.bindings(ALICE).map(({ contact }) => contact)

describe('bindings that outlive the node (persistBindings)', () => {
  it('a phone on UDP is called again after a crash, with all that was known of it', () => {
    const first = setUp()
    const phone = first.world.phone('alice', first.node)
    phone.register({ contact: `${phone.contact};q=0.5;audio`, callId: 'r', cseq: 3 })
    first.world.advance(60_000)
    const { world, node } = restarted(first.node)
    expect(node.core.bindings(ALICE)).toMatchObject([
      { contact: `sip:alice@${phone.host}:5060`, expiresS: 3540 },
    ])
    expect(node.actions.find(({ kind }) => kind === 'publish')).toMatchObject({
      cause: 'restored',
      aor: ALICE,
      bindings: [{ kind: 'device' }],
    })
    const again = world.phone('alice', node)
    world.phone('bob', node).request('MESSAGE', `sip:${ALICE}`)
    expect(again.requests('MESSAGE')).toHaveLength(1)
    // CSeq goes on where it was (RFC 3261 s.10.3): an old REGISTER changes nothing.
    again.register({ contact: again.contact, callId: 'r', cseq: 3 })
    expect(again.last().status).toBe(500)
    world.advance(3_544_000)
    expect(node.core.bindings(ALICE)).toHaveLength(0)
    expect(node.disk.size).toBe(0)
  })

  it.each(['udp', 'tcp', 'tls'] as const)(
    'S3327-5.4-01 a phone behind an edge proxy is reached by its Path, and takes nobody with it; over %s',
    (transport) => {
      const override = { ...KEPT, listeners: allListeners('192.0.2.1') }
      const first = setUp(override)
      const edge = first.world.phone('alice', first.node, { transport })
      const Path = 'Path: <sip:10.0.0.77:5060;lr>'
      edge.register({ contact: '<sip:alice@192.168.7.7>', extra: ['Supported: path', Path] })
      first.world.phone('alice', first.node).register()
      const { world, node } = restarted(first.node, override)
      expect(contacts(node)).toHaveLength(2)
      const proxy = world.phone('edge', node, { host: '10.0.0.77' })
      world.phone('bob', node).request('MESSAGE', `sip:${ALICE}`)
      expect(proxy.requests('MESSAGE')[0]?.requestUri).toBe('sip:alice@192.168.7.7')
    },
  )

  it('a phone behind a NAT is reached as before, one that has a connection or its GRUU as far as that can be', () => {
    const first = setUp()
    first.world.phone('alice', first.node, { privateHost: '192.168.1.1' }).register()
    first.world.phone('alice', first.node, { transport: 'tcp' }).register()
    first.world.phone('alice', first.node, { transport: 'tcp', privateHost: '192.168.1.2' }).register()
    const { world, node } = restarted(first.node)
    expect(contacts(node)).toEqual(['sip:alice@192.168.1.1:5060', 'sip:alice@10.0.0.2:5060;transport=tcp'])
    const hidden = world.phone('alice', node, { privateHost: '192.168.1.1' })
    const listening = world.phone('alice', node, { transport: 'tcp' })
    world.phone('bob', node).request('MESSAGE', `sip:${ALICE}`)
    expect([hidden, listening].map((phone) => phone.requests('MESSAGE').length)).toEqual([1, 1])
  })

  it('S5627-5.3-01 temporary GRUUs outlive the node together with the binding', () => {
    const first = setUp()
    const phone = first.world.phone('alice', first.node)
    phone.register({ contact: `${phone.contact};+sip.instance="<urn:uuid:1>"`, extra: ['Supported: gruu'] })
    const gruu = /temp-gruu="([^"]*)"/.exec(phone.last().header('contact') ?? '')![1]!
    const { world, node } = restarted(first.node)
    const again = world.phone('alice', node)
    world.phone('bob', node).request('MESSAGE', gruu)
    expect(again.requests('MESSAGE')).toHaveLength(1)
  })

  it('S3261-10.3-15 the 200 to a new binding waits for the disk, and so does that of a removal', () => {
    const { world, node } = setUp()
    node.diskAnswer = undefined
    const phone = world.phone('alice', node)
    phone.register()
    expect(phone.statuses('REGISTER')).toEqual([])
    const written = (): number => node.actions.flatMap((a) => (a.kind === 'persist' ? [a.token] : [])).at(-1)!
    node.input({ kind: 'persisted', token: written(), ok: true })
    world.settle()
    expect(phone.statuses('REGISTER')).toEqual([200])
    phone.register({ contact: '*', extra: ['Expires: 0'] })
    expect(phone.statuses('REGISTER')).toEqual([200])
    expect(contacts(node)).toHaveLength(1)
    node.input({ kind: 'persisted', token: written(), ok: true })
    world.settle()
    expect(phone.statuses('REGISTER')).toEqual([200, 200])
    expect(contacts(node)).toHaveLength(0)
  })

  it('a refresh is answered at once and written within two seconds, those of one moment together', () => {
    const { world, node } = setUp()
    const phones = [world.phone('alice', node), world.phone('bob', node)]
    for (const phone of phones) phone.register({ callId: phone.user, cseq: 1 })
    const writes = (): number => node.actions.filter(({ kind }) => kind === 'persist').length
    const before = writes()
    node.diskAnswer = undefined
    world.advance(30_000)
    for (const phone of phones) phone.register({ callId: phone.user, cseq: 2 })
    expect(phones.map((phone) => phone.statuses('REGISTER'))).toEqual([
      [200, 200],
      [200, 200],
    ])
    expect(writes()).toBe(before)
    world.advance(2_000)
    expect(writes()).toBe(before + 1)
    const last = node.actions.findLast((action) => action.kind === 'persist')
    expect(last?.kind === 'persist' && last.operations).toHaveLength(2)
    world.advance(60_000)
    expect(writes()).toBe(before + 1)
  })

  it('a phone at another address is no refresh: its 200 waits', () => {
    const { world, node } = setUp()
    const phone = world.phone('alice', node, { privateHost: '192.168.1.1' })
    phone.register({ callId: 'r', cseq: 1 })
    node.diskAnswer = undefined
    const moved = world.phone('alice', node, { privateHost: '192.168.1.1' })
    moved.register({ contact: phone.contact, callId: 'r', cseq: 2 })
    expect(moved.statuses('REGISTER')).toEqual([])
  })

  it('M-08 S3261-8.2-02 a disk that takes nothing: 503 with Retry-After, the old bindings stand and the overlay hears so', () => {
    const { world, node } = setUp()
    const phone = world.phone('alice', node)
    phone.register()
    node.diskAnswer = () => false
    const other = world.phone('alice', node)
    other.register()
    expect(other.last().status).toBe(503)
    expect(other.last().has('retry-after')).toBe(true)
    expect(contacts(node)).toEqual([`sip:alice@${phone.host}:5060`])
    const last = node.actions.findLast((action) => action.kind === 'publish')
    expect(last?.kind === 'publish' && last.bindings.map(({ contact }) => contact)).toEqual(contacts(node))
    node.diskAnswer = undefined
    other.register()
    world.advance(10_100)
    expect(other.statuses('REGISTER').filter((status) => status > 100)).toEqual([503, 503])
    // M-29: who leaves, leaves.
    node.diskAnswer = () => false
    phone.register({ contact: '*', extra: ['Expires: 0'] })
    expect(phone.last().status).toBe(200)
  })

  it('what cannot be read, has ended, or belongs to nobody here is deleted; so is everything when nothing is kept any more', () => {
    const first = setUp()
    first.world.phone('alice', first.node).register({ extra: ['Expires: 100'] })
    first.node.disk.set(`binding/nobody@${DOMAIN}`, first.node.disk.get(KEY)!)
    first.node.disk.set(`binding/bob@${DOMAIN}`, Buffer.from('{"v":1,"b":[{"k":"device"}]}'))
    first.node.disk.set('other/record', Buffer.from('x'))
    const { node } = restarted(first.node)
    expect([...node.disk.keys()]).toEqual([KEY, 'other/record'])
    first.world.advance(101_000)
    first.node.disk.set(KEY, node.disk.get(KEY)!)
    expect([...restarted(first.node).node.disk.keys()]).toEqual(['other/record'])
    const off = restarted(node, { lookup: 'localOnly' })
    expect([...off.node.disk.keys()]).toEqual(['other/record'])
    expect(off.node.core.bindings(ALICE)).toHaveLength(0)
  })

  it('without the option nothing is written', () => {
    const { world, node } = setUp({ lookup: 'localOnly' })
    world.phone('alice', node).register()
    world.advance(10_000)
    expect(node.actions.some(({ kind }) => kind === 'persist')).toBe(false)
  })
})

describe('records of bindings', () => {
  const settings: RegistrarSettings = {
    domains: [DOMAIN],
    minExpiresS: 60,
    defaultExpiresS: 3600,
    maxExpiresS: 7200,
    flowGraceS: 30,
    maxBindings: 10,
    persist: true,
    ownAddresses: new Set(),
    ownGr: undefined,
    gruuOwner: undefined,
    outbound: true,
    directOnly: false,
  }
  const NOW = { ms: 5_000, wall: 1_700_000_000_000 }

  function bindings(): readonly Binding[] {
    const text = [
      `REGISTER sip:${DOMAIN} SIP/2.0`,
      'Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1',
      `From: <sip:${ALICE}>;tag=1`,
      `To: <sip:${ALICE}>`,
      'Call-ID: c',
      'CSeq: 4 REGISTER',
      'User-Agent: Desk\xc3\xa4',
      'Path: <sip:edge@10.0.0.9;lr>, <sip:second@10.0.0.8;lr>',
      'Contact: <sip:alice@10.0.0.1>;q=0.7;+sip.instance="<urn:uuid:1>";audio, <tel:+15551234>',
      'Content-Length: 0',
    ].join('\r\n')
    const parsed = parseMessage(Buffer.from(`${text}\r\n\r\n`, 'latin1'))
    if (!parsed.ok) throw new Error(parsed.error.reason)
    const source = { transport: 'udp', flow: 0, listener: 0, host: '10.0.0.1', port: 5060 } as const
    const plan = planSave(
      [],
      { aor: ALICE, message: parsed.value, source, outbound: true, ticket: 0 },
      NOW.ms,
      settings,
      () => '0a0b0c0d',
    )
    if (!plan.ok) throw new Error(plan.error.reason)
    return plan.value.bindings
  }

  it('come back as they went, in times of the new life', () => {
    const made = bindings()
    const record = bindingRecord(NOW, made)!
    expect(readBindings(NOW, record, 7_200_000)).toEqual(
      made.map((binding) => ({ ...binding, reach: { ...binding.reach, flow: 0 } })),
    )
    const pinned = bindingRecord(NOW, [{ ...made[0]!, pinned: true }])!
    expect(readBindings(NOW, pinned, 7_200_000)).toMatchObject([{ pinned: true }])
    const later = { ms: 100, wall: NOW.wall + 600_000 }
    const [phone] = readBindings(later, record, 7_200_000)!
    expect(phone!.expiresAt - later.ms).toBe(3_000_000)
    expect(phone!.since - later.ms).toBe(-600_000)
  })

  it('S-PA-02 are believed in nothing that does not hold, and a clock that went back gives nobody more time', () => {
    const record = JSON.parse(Buffer.from(bindingRecord(NOW, bindings())!).toString('utf8')) as {
      v: number
      b: Record<string, unknown>[]
    }
    const read = (value: unknown): unknown => readBindings(NOW, Buffer.from(JSON.stringify(value)), 7_200_000)
    expect(read(record)).toHaveLength(2)
    const faults: Record<string, unknown>[] = [
      { k: 'gadget' },
      { c: 7 },
      { p: [['a']] },
      { to: ['peer', 0, 'x', 1] },
      { to: ['udp', 0, 'x', 70_000] },
      { to: ['udp', -1, 'x', 1] },
      { path: 'x' },
      { until: 'soon' },
      { n: null },
      { d: 1 },
    ]
    for (const fault of faults)
      expect(read({ v: 1, b: [{ ...record.b[0], ...fault }] }), JSON.stringify(fault)).toBe(undefined)
    for (const value of [null, [], 'x', { v: 2, b: [] }, { v: 1 }, { v: 1, b: [7] }])
      expect(read(value), JSON.stringify(value)).toBe(undefined)
    expect(readBindings(NOW, Buffer.from('{'), 1)).toBe(undefined)
    const back = { ms: 5_000, wall: NOW.wall - 86_400_000 }
    const bytes = Buffer.from(JSON.stringify(record))
    expect(readBindings(back, bytes, 7_200_000)![0]!.endsAt).toBe(5_000 + 7_200_000)
  })
})
