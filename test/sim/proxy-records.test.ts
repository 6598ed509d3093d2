import { describe, expect, it } from 'vitest'
import { OVERLAY_NAME } from '../../src/sim/configuration.ts'
import { Nodes } from './nodes.ts'

const record = (index: number, exit = false) => ({
  proxyRecord: {
    domains: [OVERLAY_NAME],
    addresses: [`192.168.0.${index + 1}:5060/udp`],
    exit,
  },
})

/** Two proxies that say so in the overlay, one that does not, and a redirect server that nobody has told of any. */
function overlay(seed: string): Nodes {
  const nodes = new Nodes(seed).users(4)
  nodes.start()
  nodes.grow(2, { adapter: record(1) })
  nodes.grow(3, { adapter: record(2) })
  nodes.grow(4, { sip: { roles: { registrar: true, proxy: false, redirect: true } } })
  nodes.world.run(20_000)
  return nodes
}

describe('proxy location records in an overlay', () => {
  it('M-30 the founder of the overlay says so, too, when it enrolls users as they register', () => {
    const nodes = new Nodes('proxy-records-founder').users(1)
    const first = nodes.start({ adapter: { ...record(0), enrollOnFirstRegister: true } })
    nodes.world.run(10_000)
    const answer = nodes.query(first, { kind: 'locate', aor: `_proxy@${OVERLAY_NAME}` })
    expect(answer.kind === 'located' ? answer.location.entries.length : answer).toBe(1)
  })

  it('M-30 M-27 a redirect server finds the proxies of the domain: the one that serves the callee, or any', () => {
    const nodes = overlay('proxy-records')
    const redirect = nodes.node(3)
    for (const [callee, at, proxies] of [
      ['u1', 1, ['192.168.0.2']],
      ['u2', 0, ['192.168.0.2', '192.168.0.3']],
    ] as const) {
      const phone = nodes.registered(callee, at)
      const caller = nodes.phone('u3', redirect)
      const call = caller.call(`${callee}@dht.example.com`)
      expect(nodes.finished(call), nodes.replay()).toBe(200)
      expect(call.statuses).toContain(302)
      expect(proxies).toContain(call.to.host)
      expect(phone.rung).toHaveLength(1)
    }
  })

  it('M-30 the entries are those of the proxies, each under its own key, and one that leaves takes its own away', () => {
    const nodes = overlay('proxy-records-leave')
    const holders = (): number => {
      const answer = nodes.query(nodes.node(0), { kind: 'locate', aor: `_proxy@${OVERLAY_NAME}` })
      return answer.kind === 'located' ? answer.location.entries.length : -1
    }
    expect(holders()).toBe(2)
    nodes.node(1).input({ kind: 'drain' })
    nodes.world.run(20_000)
    expect(holders()).toBe(1)
  })
})
