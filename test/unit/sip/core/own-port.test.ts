/** A node beside another program, at a port of its own: phones that know it by its domain and that port write both (M-02). */
import { describe, expect, it } from 'vitest'
import { DOMAIN, SipWorld, TestAccounts, type Phone, type TestNode } from '../../../support/sip-phones.ts'

const PORT = 25_300
const BOB = `sip:bob@${DOMAIN}`

interface Stage {
  readonly alice: Phone
  /** At the same node. */
  readonly bob: Phone
  /** At another, whose port is the usual one. */
  readonly carol: Phone
  readonly here: TestNode
}

function stage(auth: 'none' | 'digest' = 'none'): Stage {
  const world = new SipWorld()
  const users = (): TestAccounts => new TestAccounts().add('alice').add('bob').add('carol')
  const host = '192.0.2.1'
  const listeners = [{ id: 0, transport: 'udp', host, port: PORT, advertisedHost: host }] as const
  const here = world.node(host, { listeners, auth }, users())
  const there = world.node('192.0.2.2', {}, users())
  here.locateAnswer = (aor) => ({
    kind: 'found',
    targets: aor.startsWith('carol')
      ? [{ kind: 'peer', address: `node:${there.hex}`, aor: undefined, secureOnly: false }]
      : [],
    userExists: true,
    loop: false,
  })
  const alice = world.phone('alice', here)
  const bob = world.phone('bob', here)
  const carol = world.phone('carol', there)
  for (const phone of [alice, bob, carol]) phone.registerFully()
  return { alice, bob, carol, here }
}

function count(phone: Phone): number {
  return phone.requests('MESSAGE').length
}

/** A text, with credentials. */
function proven(phone: Phone, to: string, from = `<sip:${phone.aor}>`): void {
  const sent = phone.request('MESSAGE', to, { from })
  phone.authenticate(sent, phone.last())
}

describe('the port of this node behind its domain', () => {
  it('M-02 is no part of the AOR in a Request-URI: its phones are reached, also those at other nodes', () => {
    const s = stage()
    s.alice.request('MESSAGE', `sip:bob@${DOMAIN.toUpperCase()}:${PORT};transport=udp`)
    s.alice.request('MESSAGE', `sip:carol@${DOMAIN}:${PORT}`)
    expect(count(s.bob)).toBe(1)
    expect(count(s.carol)).toBe(1)
  })

  it('M-02 is a route by this node', () => {
    const s = stage()
    s.alice.request('MESSAGE', BOB, { extra: [`Route: <sip:${DOMAIN}:${PORT};lr>`] })
    s.alice.request('MESSAGE', `${BOB}:${PORT}`, { extra: [`Route: <sip:192.0.2.1:${PORT};lr>`] })
    expect(count(s.bob)).toBe(2)
    expect(s.here.actions.filter(({ kind }) => kind === 'resolve')).toEqual([])
  })

  it('M-02 is none of the AOR to which a phone redirects', () => {
    const s = stage()
    s.alice.request('MESSAGE', BOB)
    s.bob.respond(s.bob.requests('MESSAGE')[0]!, 302, { contact: `<sip:carol@${DOMAIN}:${PORT}>` })
    expect(count(s.carol)).toBe(1)
  })

  it('M-02 any other makes it no AOR, and no route by this node', () => {
    const s = stage()
    s.alice.request('MESSAGE', `${BOB}:${PORT + 1}`)
    expect(s.alice.last().status).toBe(404)
    s.here.resolveAnswer = () => ({ ok: false, status: 404, reason: 'Not Found' })
    s.alice.request('MESSAGE', BOB, { extra: [`Route: <sip:${DOMAIN}:${PORT + 1};lr>`] })
    expect(s.here.actions.filter(({ kind }) => kind === 'resolve')).toHaveLength(1)
    expect(count(s.bob)).toBe(0)
  })

  it('M-02 stays in the Request-URI of a call, where it is the other phone’s own', () => {
    const s = stage()
    const uri = `sip:bob@${DOMAIN}:${PORT}`
    s.alice.request('INVITE', BOB)
    s.bob.respond(s.bob.requests('INVITE')[0]!, 200, { contact: `<${uri}>` })
    const { callId } = s.alice.last()
    const route = s.alice.last().headers('record-route').reverse().join(', ')
    s.alice.request('INFO', uri, {
      callId,
      to: s.alice.last().header('to') ?? '',
      extra: [`Route: ${route}`],
    })
    expect(s.bob.requests('INFO').map(({ requestUri }) => requestUri)).toEqual([uri])
  })

  it('is no part of To and From either: a phone with one field for both registers, calls and is called', () => {
    const s = stage('digest')
    const own = `<sip:bob@${DOMAIN}:${PORT}>`
    s.bob.registerFully({ from: own, to: own })
    expect(s.bob.last().status).toBe(200)
    proven(s.alice, BOB)
    expect(count(s.bob)).toBe(1)
    proven(s.bob, `sip:alice@${DOMAIN}`, own)
    expect(s.alice.requests('MESSAGE').map((sent) => sent.header('p-asserted-identity'))).toEqual([
      `<sip:bob@${DOMAIN}>`,
    ])
  })

  it('M-02 another one there makes it another name: nobody registers or calls by it', () => {
    const s = stage('digest')
    const other = `<sip:bob@${DOMAIN}:${PORT + 1}>`
    s.bob.registerFully({ from: other, to: other })
    expect(s.bob.last().status).toBe(404)
    proven(s.bob, `sip:alice@${DOMAIN}`, other)
    expect(s.bob.last().status).toBe(403)
  })
})
