/** Somebody is shut out while his phones are registered: the account goes, and what was his with it. */
import { describe, expect, it } from 'vitest'
import { DOMAIN, SipWorld, TestAccounts, type Phone, type TestNode } from '../../../support/sip-phones.ts'
import { reginfo } from '../events/reginfo-reader.ts'

const ALICE = `alice@${DOMAIN}`

function setUp(): { world: SipWorld; node: TestNode; alice: Phone } {
  const world = new SipWorld()
  const accounts = new TestAccounts()
    .add('alice')
    .add('bob')
    .add('boss', { delegates: [ALICE] })
  const node = world.node('192.0.2.1', { persistBindings: true, lookup: 'localOnly' }, accounts)
  return { world, node, alice: world.phone('alice', node) }
}

function shutOut(world: SipWorld, node: TestNode): void {
  node.accounts.remove('alice')
  node.input({ kind: 'accounts' })
  world.settle()
}

describe('a user whose account is removed', () => {
  it('loses the bindings at once, here, in the overlay and on disk, and is not called any more', () => {
    const { world, node, alice } = setUp()
    alice.register()
    const bob = world.phone('bob', node)
    bob.register()
    shutOut(world, node)
    expect(node.core.bindings(ALICE)).toEqual([])
    expect(node.published.get(ALICE)).toBe(0)
    world.advance(3_000)
    expect([...node.disk.keys()]).toEqual([`binding/bob@${DOMAIN}`])
    bob.request('MESSAGE', `sip:${ALICE}`)
    expect(bob.last().status).toBe(404)
    expect(alice.requests('MESSAGE')).toHaveLength(0)
    expect(node.core.bindings(`bob@${DOMAIN}`)).toHaveLength(1)
  })

  it('is told 404 where a REGISTER of his waits for the overlay, and what comes of that changes nothing', () => {
    const { world, node, alice } = setUp()
    node.publishAnswer = () => undefined
    alice.register()
    shutOut(world, node)
    expect(alice.last().status).toBe(404)
    const asked = node.actions.find((action) => action.kind === 'publish')
    if (asked === undefined) throw new Error('nothing was published')
    node.input({ kind: 'published', id: asked.id, outcome: { ok: true } })
    world.settle()
    expect(node.core.bindings(ALICE)).toEqual([])
  })

  it('leaves nothing on disk where his first REGISTER was being written', () => {
    const { world, node, alice } = setUp()
    node.diskAnswer = undefined
    alice.register()
    shutOut(world, node)
    expect(alice.last().status).toBe(404)
    world.advance(3_000)
    const last = node.actions.findLast((action) => action.kind === 'persist')
    expect(last?.operations).toEqual([{ kind: 'delete', key: `binding/${ALICE}` }])
  })

  it('is shown as rejected to those who watch him (RFC 3680 s.5.1)', () => {
    const { world, node, alice } = setUp()
    alice.register()
    const boss = world.phone('boss', node)
    boss.request('SUBSCRIBE', `sip:${ALICE}`, { extra: ['Event: reg'] })
    boss.respond(boss.requests('NOTIFY')[0]!, 200)
    world.settle()
    shutOut(world, node)
    world.advance(6_000)
    const [, notify] = boss.requests('NOTIFY')
    expect(reginfo(notify!).contacts).toMatchObject([{ state: 'terminated', event: 'rejected' }])
  })
})
