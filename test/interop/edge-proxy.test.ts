/** Phones behind a border controller, which is all they know: Kamailio, with Path in their REGISTERs. */
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { Kamailio } from './support/kamailio.ts'
import { freePort, Running } from './support/processes.ts'
import { available, interop } from './support/require.ts'
import { COMMAND, DOMAIN, Testbed, user } from './support/testbed.ts'

let testbed: Testbed
let edge: Kamailio
beforeAll(async () => {
  if (!available('kamailio')) return
  testbed = await Testbed.start(['--peers', '2', '--users', '10', '--base-port', '23100'])
  edge = await Kamailio.edge(`127.0.0.1:${await freePort()}`, testbed.peer(0).sip)
})
afterAll(async () => {
  await edge?.stop()
  await testbed?.stop()
})

function phone(verb: string, who: number, at: string, ...rest: readonly string[]): Running {
  return new Running(process.execPath, [
    ...[COMMAND, 'phone', verb, `${user(who)}@${DOMAIN}`, ...rest],
    ...['--server', at, '--password', `pw-${user(who)}`],
  ])
}

/** Runs to its end, which has to be a good one. */
async function done(running: Running): Promise<void> {
  expect(await running.exit(), `${running.output}\n${edge.log}`).toBe(0)
}

describe('phones behind a border controller', () => {
  interop(
    ['kamailio'],
    'S3327-5.3-01 S3327-5.4-01 are called from another node and from behind the same one, written to, and call out',
    async () => {
      const there = testbed.peer(1).sip
      const inside = phone('answer', 1, edge.address, '--calls', '3', '--seconds', '120')
      try {
        await inside.line((line) => line.includes('status=200'), 'registered')
        await done(phone('call', 2, there, user(1), '--seconds', '1'))
        await done(phone('message', 3, there, user(1), 'good morning'))
        await inside.line((line) => line.includes('text=good morning'), 'the message')
        await done(phone('call', 4, edge.address, user(1), '--seconds', '1'))
        await inside.line((line) => line.includes(`ended from=sip:${user(4)}`), 'the end of the second call')
        const outside = phone('answer', 5, there, '--calls', '1', '--seconds', '120')
        await outside.line((line) => line.includes('status=200'), 'registered')
        await done(phone('call', 6, edge.address, user(5), '--seconds', '1'))
        await done(outside)
      } finally {
        await inside.stop()
      }
    },
  )
})
