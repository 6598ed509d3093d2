import { describe, expect, it } from 'vitest'
import { Deadlines } from '../../../../src/common/deadlines.ts'
import { Branch, type ClientUser, type ForkContext } from '../../../../src/sip/proxy/branch.ts'
import { Branches } from '../../../../src/sip/proxy/branches.ts'
import type { Breadth } from '../../../../src/sip/proxy/breadth.ts'
import type { Target } from '../../../../src/sip/proxy/targets.ts'
import type { ClientState, ClientTransaction } from '../../../../src/sip/transaction/machinery.ts'

function clientOf(branch: Branch, state: ClientState): ClientTransaction<ClientUser> {
  const hop = { transport: 'udp', flow: 0, listener: 0, host: '192.0.2.9', port: 5060 } as const
  const bytes = new Uint8Array(0)
  const timing = { interval: 0, endAt: 0, deadline: undefined }
  return { side: 'client', invite: true, key: '', hop, bytes, weight: 0, state, user: branch, ...timing }
}

describe('what is kept of a request that has been answered', () => {
  const states = ['calling', 'proceeding', 'accepted', 'completed', 'terminated'] as const
  it('S6026-7-01 transactions with a final response keep the way back only, others their branch', () => {
    const branches = new Branches(new Deadlines(), { giveBack: () => undefined } as unknown as Breadth)
    for (const state of states) {
      const branch = new Branch({} as ForkContext, {} as Target, 1)
      branch.client = clientOf(branch, state)
      branches.all.push(branch)
    }
    const wayBack = { pass: () => undefined }
    branches.leave(wayBack)
    const kept = branches.all.filter(({ client }) => client?.user !== wayBack)
    expect(kept.map(({ client }) => client?.state)).toEqual(['calling', 'proceeding', 'terminated'])
  })
})
