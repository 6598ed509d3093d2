import { describe, expect, it } from 'vitest'
import { DOMAIN, SipWorld, TestAccounts, type SettingsOverride } from '../../../support/sip-phones.ts'
import type { SipAction } from '../../../../src/sip/core/contract.ts'

const ALICE = `alice@${DOMAIN}`
const PATH = 'Path: <sip:edge.example.org;lr>'
const PUSH = `<sip:alice@10.0.0.1;pn-provider=acme;pn-prid=abc>`

function setUp(override: SettingsOverride) {
  const world = new SipWorld()
  const node = world.node('192.0.2.1', override, new TestAccounts().add('alice'))
  return { world, node, alice: world.phone('alice', node) }
}

describe('what an operator may choose about REGISTER', () => {
  it('E37 S3327-5.3-02 a Path without Supported: path is 420 where that is wanted, and stored otherwise', () => {
    const strict = setUp({ pathWithoutSupported: 'refuse' })
    strict.alice.register({ extra: [PATH] })
    expect(strict.alice.last().status).toBe(420)
    expect(strict.alice.last().header('unsupported')).toBe('path')
    expect(strict.node.core.bindings(ALICE)).toEqual([])
    strict.alice.register({ extra: [PATH, 'Supported: path'] })
    expect(strict.alice.last().status).toBe(200)
    strict.alice.register()
    expect(strict.alice.last().status).toBe(200)
    const easy = setUp({})
    easy.alice.register({ extra: [PATH] })
    expect(easy.alice.last().status).toBe(200)
    expect(easy.alice.last().header('path')).toBe('<sip:edge.example.org;lr>')
  })

  it('E59 S8599-5.6-01 a Contact with a push service is 555 where that is wanted, and registered without Feature-Caps otherwise', () => {
    const strict = setUp({ pushContacts: 'refuse' })
    strict.alice.register({ contact: PUSH })
    expect(strict.alice.last().status).toBe(555)
    expect(strict.node.core.bindings(ALICE)).toEqual([])
    // The question which services there are, and the end of a registration.
    strict.alice.register({ contact: '<sip:alice@10.0.0.1;pn-provider>' })
    expect(strict.alice.last().status).toBe(200)
    strict.alice.register({ contact: PUSH, extra: ['Expires: 0'] })
    expect(strict.alice.last().status).toBe(200)
    const easy = setUp({})
    easy.alice.register({ contact: PUSH })
    expect(easy.alice.last().status).toBe(200)
    expect(easy.alice.last().header('feature-caps')).toBeUndefined()
    expect(easy.node.core.bindings(ALICE)[0]!.contact).toContain('pn-prid=abc')
  })

  it('M-27 a redirect server with a home registrar sends REGISTERs there', () => {
    const registerHome = 'sip:home.example.com;transport=tcp'
    const roles = { registrar: true, proxy: false, redirect: true }
    const { alice, node } = setUp({ registerHome, roles })
    alice.register()
    expect(alice.last().status).toBe(302)
    expect(alice.last().header('contact')).toBe(`<${registerHome}>`)
    expect(node.core.bindings()).toEqual([])
  })

  it('M-09 a query shows local bindings, with queryScope overlay those of other nodes too, marked', () => {
    const foreign = `sip:${ALICE};gr=ARAB`
    const { alice, node, world } = setUp({ queryScope: 'overlay' })
    node.foreignAnswer = () => [{ uri: foreign, expiresS: 600 }]
    alice.registerFully()
    expect(alice.last().headers('contact')).toHaveLength(1)
    alice.register({ noContact: true })
    expect(alice.last().status).toBe(200)
    expect(alice.last().headers('contact')).toEqual([
      expect.stringContaining('sip:alice@10.0.0.1'),
      `<${foreign}>;expires=600;+x.remote`,
    ])
    // The overlay does not say: what is known here is better than nothing.
    node.foreignAnswer = () => undefined
    alice.register({ noContact: true })
    expect(alice.last().headers('contact')).toHaveLength(1)
    node.input({ kind: 'overlayAvailable', available: false })
    alice.register({ noContact: true })
    expect(alice.last().headers('contact')).toHaveLength(1)
    world.advance(10_000)
    const local = setUp({})
    local.node.foreignAnswer = () => [{ uri: foreign, expiresS: 600 }]
    local.alice.registerFully()
    local.alice.register({ noContact: true })
    expect(local.alice.last().headers('contact')).toHaveLength(1)
  })

  it('M-09 a query that the overlay leaves without an answer ends after its budget', () => {
    const { alice, node, world } = setUp({ queryScope: 'overlay' })
    alice.registerFully()
    node.core.step(world.now, {
      kind: 'datagram',
      listener: 0,
      host: alice.host,
      port: alice.port,
      bytes: Buffer.from(
        `REGISTER sip:${DOMAIN} SIP/2.0\r\nVia: ${alice.via('z9hG4bKquery')}\r\nMax-Forwards: 70\r\nFrom: <sip:${ALICE}>;tag=q\r\n` +
          `To: <sip:${ALICE}>\r\nCall-ID: query\r\nCSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n`,
      ),
    })
    const asked = node.core.drain()
    expect(asked.map(({ kind }) => kind)).toContain('foreignContacts')
    node.core.step({ ms: world.now.ms + 6_001, wall: world.now.wall + 6_001 }, { kind: 'timeout' })
    const sent = node.core
      .drain()
      .filter(
        (action): action is Extract<SipAction, { kind: 'sendDatagram' }> => action.kind === 'sendDatagram',
      )
    expect(sent.map(({ bytes }) => Buffer.from(bytes).toString('latin1').slice(0, 11))).toContain(
      'SIP/2.0 200',
    )
  })

  it('a tel Contact is told to the overlay when it is the only one and publishTel is on', () => {
    const published = (override: SettingsOverride, ...contacts: string[]) => {
      const { alice, node } = setUp(override)
      for (const contact of contacts) alice.register({ contact })
      const last = node.actions.filter((action) => action.kind === 'publish').at(-1)
      return last?.kind === 'publish' ? last.bindings.map(({ kind, contact }) => [kind, contact]) : undefined
    }
    const tel = 'tel:+4930123456'
    expect(published({ publishTel: true }, `<${tel}>`)).toEqual([['tel', tel]])
    expect(published({}, `<${tel}>`)).toEqual([])
    expect(published({ publishTel: true }, `<${tel}>`, '<sip:alice@10.0.0.1>')).toEqual([
      ['device', 'sip:alice@10.0.0.1'],
    ])
  })
})
