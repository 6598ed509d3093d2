/** A flow between two phones at different peers: SIPp at both ends, each with its ladder. */
import { expect } from 'vitest'
import type { Callee } from '../support/callee.ts'
import type { Caller } from '../support/caller.ts'
import type { Ladder } from '../support/ladder.ts'
import { freePort, type Running } from '../support/processes.ts'
import { register, sipp, type SippTransport } from '../support/sipp.ts'
import { user, type Testbed } from '../support/testbed.ts'

export interface End {
  readonly number: number
  /** Index of the peer it is at. */
  readonly peer: number
  readonly via?: SippTransport
}

export const ALICE: End = { number: 1, peer: 0 }

let used = 10

/** A user whom nobody has registered yet: phones of earlier flows are still registered, and would ring in vain. */
export function fresh(peer: number): End {
  return { number: used++, peer }
}

/** Registers a phone and lets it wait for its ladder to begin. */
export async function waits(testbed: Testbed, end: End, ladder: Ladder): Promise<Running> {
  const port = await freePort()
  const transport = end.via ?? 'udp'
  const target = testbed.peer(end.peer).sip
  const running = sipp({ scenario: ladder, target, transport, port })
  expect(await register(target, user(end.number), port, transport), `REGISTER of ${user(end.number)}`).toBe(0)
  return running
}

export function begins(testbed: Testbed, end: End, callee: string, ladder: Ladder): Running {
  return sipp({
    scenario: ladder,
    target: testbed.peer(end.peer).sip,
    transport: end.via ?? 'udp',
    user: user(end.number),
    keys: { callee },
  })
}

/** Both ladders to their ends. */
export async function flow(
  testbed: Testbed,
  caller: Caller,
  callee: Callee,
  ends: { readonly from: End; readonly to: End } = { from: ALICE, to: fresh(2) },
): Promise<void> {
  const waiting = await waits(testbed, ends.to, callee)
  const calling = begins(testbed, ends.from, user(ends.to.number), caller)
  try {
    expect(await calling.exit(), calling.output).toBe(0)
    expect(await waiting.exit(), waiting.output).toBe(0)
  } finally {
    await calling.stop('SIGKILL')
    await waiting.stop('SIGKILL')
  }
}
