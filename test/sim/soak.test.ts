/**
 * Three days in virtual time: two calls at any moment, registrations refreshed every hour, and what the nodes hold on to counted, entry by
 * entry, at the end of the first day and of the third. The nodes test themselves every 5 minutes, not every 10 s, which would be most of the
 * work. A process is looked at in test/interop/soak.test.ts.
 */
import { describe, expect, it } from 'vitest'
import { Nodes } from './nodes.ts'
import type { SimPhone } from './phones.ts'
import { retained } from './retained.ts'

const HOUR_MS = 3_600_000
const CALL_MS = 10 * 60_000
const USERS = 4

/** Caches of the latest, which fill up to a limit of their own (their tests are elsewhere), and windows whose width wanders. */
const LATEST = [
  '.peer.use.services.served.served',
  '.peer.use.storage.trust.proven',
  '.peer.use.commands.storageTimes.known',
  '.peer.use.storage.ownAnswers.known',
  '.tokens.known',
  '.marks.known',
  '.link.unacked.',
]

function held(nodes: Nodes): Map<string, number> {
  const all = new Map<string, number>()
  for (const [index, node] of nodes.nodes.entries()) {
    // What the test's own instruments keep does not count.
    for (const [path, amount] of retained(node.core, new Set<object>([node.recorder])))
      if (!LATEST.some((name) => path.includes(name))) all.set(`${index}${path}`, amount)
  }
  return all
}

const sum = (counts: ReadonlyMap<string, number>): number =>
  [...counts.values()].reduce((total, each) => total + each, 0)

/** Goes on from test to test: one day is what a slow machine gets through in the time of one. */
class Soak {
  calls = 0
  private readonly nodes = new Nodes('soak', {
    adapter: { selfTestIntervalMs: 300_000 },
    // Callers are looked up as well, at any age of their entries.
    sip: { verifyCaller: 'reject' },
  })
    .users(USERS)
    .grow(2)
  private readonly phones = Array.from({ length: USERS }, (_, user) =>
    this.nodes.registered(`u${user}`, user % 2),
  )

  day(): Map<string, number> {
    for (let hour = 0; hour < 24; hour++) this.hour()
    return held(this.nodes)
  }

  private hour(): void {
    const { world } = this.nodes
    const end = world.now.ms + HOUR_MS
    for (const phone of this.phones)
      expect(this.nodes.finished(phone.register({ expiresS: 7200 })), this.nodes.replay()).toBe(200)
    while (world.now.ms < end - CALL_MS - 60_000) {
      // From node to node, and between two phones of one.
      this.talk([
        [0, 3],
        [2, 0],
      ])
      for (const phone of this.phones) {
        phone.rung.length = 0
        phone.requests.length = 0
      }
    }
    world.run(end - world.now.ms)
  }

  private talk(pairs: readonly (readonly [number, number])[]): void {
    const phone = (user: number): SimPhone => this.phones[user] as SimPhone
    const calls = pairs.map(([from, to]) => ({ caller: phone(from), call: phone(from).call(phone(to).aor) }))
    this.nodes.until('answers', () => calls.every(({ call }) => call.done))
    this.nodes.world.run(CALL_MS)
    for (const { caller, call } of calls) {
      if (call.dialog === undefined) throw new Error(`no dialog; ${this.nodes.replay()}`)
      expect(this.nodes.finished(caller.bye(call.dialog)), this.nodes.replay()).toBe(200)
      this.calls++
    }
  }
}

describe('72 hours under load', () => {
  const soak = new Soak()
  const days: Map<string, number>[] = []

  it.each([1, 2, 3])(
    'R-09 M-22 on day %i no call and no refresh fails, and the nodes hold no more than on the first',
    (day) => {
      const now = soak.day()
      days.push(now)
      const first = days[0] as Map<string, number>
      expect(soak.calls).toBe(day * 24 * 10)
      // Every single table, with room for a refresh or a stabilization that is under way.
      const grown = [...now].filter(([path, amount]) => amount > 1.5 * (first.get(path) ?? 0) + 8)
      expect(grown.filter(([path]) => !path.endsWith('bytes'))).toEqual([])
      expect(sum(now)).toBeLessThan(1.05 * sum(first))
    },
  )
})
