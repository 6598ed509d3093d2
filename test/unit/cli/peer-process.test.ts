import { mkdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { PeerProcess } from '../../../src/cli/testbed/peer-process.ts'
import { planPeers } from '../../../src/cli/testbed/plan.ts'
import { terminal } from '../../support/terminal.ts'

const shown = terminal()

/** A process in the place of a peer, to its end. */
async function ended(script: string): Promise<PeerProcess> {
  const [plan] = planPeers({
    peers: 1,
    users: 0,
    auth: 'none',
    roles: ['registrar', 'proxy'],
    redirect: new Set(),
    basePort: 33_900,
    folder: shown.folder,
    keylog: undefined,
    logLevel: 'info',
  })
  if (plan === undefined) throw new Error('no plan')
  mkdirSync(plan.folder)
  return new Promise((resolve) => {
    const peer = new PeerProcess(plan, ['--eval', script], () => resolve(peer))
  })
}

describe('a peer of a testbed', () => {
  it('its log is JSON lines only; what is for people has a file of its own', async () => {
    const peer = await ended(
      `process.stdout.write('{"event":"ready"}\\n'); process.stderr.write('Register a phone with\\n  user u0000000\\n')`,
    )
    expect(readFileSync(peer.plan.logFile, 'utf8')).toBe('{"event":"ready"}\n')
    expect(readFileSync(peer.plan.messagesFile, 'utf8')).toMatch(/^Register a phone/)
  })

  it('of one that could not start the end of both says why', async () => {
    const peer = await ended(
      `process.stdout.write('{"n":1}\\n{"n":2}\\n'); process.stderr.write('ringbridge: the port is in use\\n'); process.exitCode = 2`,
    )
    expect(peer.lastLines(1)).toBe('{"n":2}\nringbridge: the port is in use')
  })
})
