/** Hosts that callers and users name, and what only this machine reaches (S-24, docs/adr/0034). */
import { describe, expect, it } from 'vitest'
import type { OutsideRules, SipAction } from '../../../../src/sip/core/contract.ts'
import { DOMAIN, SipWorld, TestAccounts, type Phone, type TestNode } from '../../../support/sip-phones.ts'

const RULES: OutsideRules = {
  routes: [],
  gateway: undefined,
  telContext: undefined,
  dnsAlso: false,
  forwardToForeign: true,
}
const BOB = `sip:bob@${DOMAIN}`

/** This machine and its link, in several spellings. */
const NEAR = [
  '127.0.0.1',
  '127.1.2.3',
  '[::1]',
  '[::ffff:127.0.0.1]',
  '0.0.0.0',
  '[::]',
  '169.254.169.254',
  '[fe80::1]',
  '224.0.1.75',
]

interface Stage {
  readonly node: TestNode
  readonly world: SipWorld
  readonly alice: Phone
}

function stage(host?: string, rules: Partial<OutsideRules> = {}): Stage {
  const world = new SipWorld()
  const accounts = new TestAccounts().add('alice').add('bob')
  const node = world.node('192.0.2.1', { outside: { ...RULES, ...rules } }, accounts)
  return { world, node, alice: world.phone('alice', node, host === undefined ? {} : { host }) }
}

/** Where the node has sent a request, or wanted to connect to. */
function gone(node: TestNode, method: string): string[] {
  const place = (action: SipAction): string[] => {
    if (action.kind === 'openFlow') return [`${action.host}:${action.port}`]
    if (action.kind !== 'sendDatagram') return []
    const text = Buffer.from(action.bytes).toString('latin1')
    return text.startsWith(method) ? [`${action.host}:${action.port}`] : []
  }
  return node.actions.flatMap(place)
}

describe('what only this machine reaches', () => {
  it('S-24 is no place for a caller who is elsewhere, by number, by name or by Route', () => {
    for (const host of NEAR) {
      for (const uri of [
        `sip:x@${host}:6379;transport=tcp`,
        `sip:x@${host}:53`,
        `sip:x@example.net;maddr=${host}`,
      ]) {
        const { node, alice } = stage()
        alice.request('MESSAGE', uri)
        expect(gone(node, 'MESSAGE'), uri).toEqual([])
        expect(alice.last().status, uri).toBeGreaterThanOrEqual(400)
      }
      const { node, alice } = stage()
      alice.request('MESSAGE', 'sip:x@example.net', { extra: [`Route: <sip:${host}:6379;transport=tcp;lr>`] })
      expect(gone(node, 'MESSAGE'), `Route ${host}`).toEqual([])
    }
    const { node, alice } = stage()
    node.resolveAnswer = () => ({
      ok: true,
      addresses: [{ host: '127.0.0.1', port: 6379, transport: 'tcp' }],
    })
    alice.request('MESSAGE', 'sip:x@rebound.example.net')
    expect(gone(node, 'MESSAGE')).toEqual([])
    expect(alice.last().status).toBeGreaterThanOrEqual(400)
  })

  it('S-24 is no place to which a user may have his calls forwarded', () => {
    const { node, alice } = stage()
    const targets = [{ kind: 'uri' as const, uri: 'sip:x@127.0.0.1:6379;transport=tcp' }]
    node.locateAnswer = () => ({ kind: 'found', targets, userExists: true, loop: false })
    alice.request('MESSAGE', BOB)
    expect(gone(node, 'MESSAGE')).toEqual([])
    expect(alice.last().status).toBeGreaterThanOrEqual(400)
  })

  it('S-24 is one for who is on it, and where the operator has said so', () => {
    const here = stage('127.0.0.1')
    here.alice.request('MESSAGE', 'sip:x@127.0.0.1:5080')
    expect(gone(here.node, 'MESSAGE')).toEqual(['127.0.0.1:5080'])
    const routed = stage(undefined, { routes: [{ domain: 'example.net', to: 'sip:127.0.0.1:5080' }] })
    routed.alice.request('MESSAGE', 'sip:x@example.net')
    expect(gone(routed.node, 'MESSAGE')).toEqual(['127.0.0.1:5080'])
  })

  it('S-24 other addresses are places as before', () => {
    for (const host of ['10.0.0.9', '192.0.2.77', '203.0.113.4']) {
      const { node, alice } = stage()
      alice.request('MESSAGE', `sip:x@${host}`)
      expect(gone(node, 'MESSAGE'), host).toEqual([`${host}:5060`])
    }
  })
})
