import { writeFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { usableConfig } from '../../../src/app/config/check.ts'
import { planPeers, userName } from '../../../src/cli/testbed/plan.ts'

describe('testbed', () => {
  const wishes = {
    peers: 3,
    users: 2,
    auth: 'digest' as const,
    roles: ['registrar', 'proxy'],
    redirect: new Set([1]),
    basePort: 20_000,
    folder: tmpdir(),
    keylog: '/tmp/keys',
    logLevel: 'info',
  }

  it('peer i has SIP on base + 10 i, admin on +1, RELOAD on +2, flows on +3', () => {
    const [first, , third] = planPeers(wishes)
    expect(first).toMatchObject({
      sip: '127.0.0.1:20000',
      admin: '127.0.0.1:20001',
      reload: '127.0.0.1:20002',
    })
    expect(third).toMatchObject({
      sip: '127.0.0.1:20020',
      admin: '127.0.0.1:20021',
      reload: '127.0.0.1:20022',
    })
    expect(third?.config).toMatchObject({
      overlay: { applicationListen: 'tls://127.0.0.1:20023', keylog: '/tmp/keys/peer-2.keylog' },
    })
  })

  it('further transports are on +4 to +6, and on ::1 where that is asked for', () => {
    const [, second] = planPeers({ ...wishes, transports: ['tls', 'ws', 'wss'], ipv6: true })
    expect(second?.extra).toEqual([
      ['tls', '127.0.0.1:20014'],
      ['ws', '127.0.0.1:20015'],
      ['wss', '127.0.0.1:20016'],
    ])
    expect(second?.config).toMatchObject({
      sip: {
        listen: [
          'udp://127.0.0.1:20010',
          'tcp://127.0.0.1:20010',
          'tls://127.0.0.1:20014',
          'ws://127.0.0.1:20015',
          'wss://127.0.0.1:20016',
          'udp://[::1]:20010',
          'tcp://[::1]:20010',
          'tls://[::1]:20014',
          'ws://[::1]:20015',
          'wss://[::1]:20016',
        ],
      },
    })
  })

  it('the first founds, the others join it; those that redirect know the proxies', () => {
    const [first, second, third] = planPeers(wishes)
    expect(first?.config).toMatchObject({
      overlay: { bootstrap: [] },
      sip: { roles: ['registrar', 'proxy'] },
    })
    expect(second?.config).toMatchObject({
      overlay: { bootstrap: ['127.0.0.1:20002'] },
      sip: {
        roles: ['registrar', 'redirect'],
        redirect: { proxies: ['127.0.0.1:20000', '127.0.0.1:20020'] },
      },
    })
    expect(third?.config).toMatchObject({ sip: { enrollOnFirstRegister: true, auth: 'digest' } })
  })

  it('what it writes is a good configuration', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ringbridge-plan-'))
    for (const plan of planPeers(wishes)) {
      const file = join(folder, `${plan.index}.yaml`)
      writeFileSync(file, stringify(plan.config))
      expect(usableConfig(file, {}).overlay.listen).toEqual([`tls://${plan.reload}`])
    }
    rmSync(folder, { recursive: true })
  })

  it('names accounts with seven digits', () => {
    expect([0, 12, 1_234_567].map(userName)).toEqual(['u0000000', 'u0000012', 'u1234567'])
  })
})
