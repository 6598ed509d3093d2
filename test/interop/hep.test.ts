import { describe, expect } from 'vitest'
import { shortCall } from './support/call.ts'
import { Collector } from './support/collector.ts'
import { interop } from './support/require.ts'
import { Testbed, user } from './support/testbed.ts'

describe('HEP', () => {
  interop(
    ['kamailio', 'sipp'],
    "Kamailio's decoder reads both legs of a call and what the overlay did, under the Call-ID, with nothing secret in it",
    async () => {
      const collector = await Collector.start()
      const testbed = await Testbed.start(
        ['--peers', '2', '--users', '4', '--base-port', '22500'],
        [
          'env',
          `RINGBRIDGE_TRACE__HEP=udp://127.0.0.1:${collector.port}`,
          'RINGBRIDGE_TRACE__HEP_CAPTURE_ID=77',
        ],
      )
      try {
        await shortCall(
          { user: user(1), at: testbed.peer(0).sip },
          { user: user(2), at: testbed.peer(1).sip },
        )
        const [near, far] = [0, 1].map((peer) => asAddress(testbed.peer(peer).nodeId)) as [string, string]
        const invite = await collector.packet(
          ({ payload, to }) => payload.startsWith('INVITE ') && to === testbed.peer(0).sip,
          'INVITE of the phone',
        )
        expect(invite).toMatchObject({ type: '1', family: '2', protocol: '17', agent: '77' })
        expect(Math.abs(Number(invite.seconds) - Date.now() / 1000)).toBeLessThan(170)
        const callId = /^Call-ID: *(.*?)\r?$/im.exec(invite.payload)?.[1] ?? ''
        expect(invite.correlation).toBe(callId)
        const ofCall = (matches: (payload: string, from: string, to: string) => boolean, what: string) =>
          collector.packet(
            ({ correlation, payload, from, to }) =>
              correlation === callId && matches(payload, from.toLowerCase(), to.toLowerCase()),
            what,
          )
        const between = await ofCall(
          (payload, from, to) => payload.startsWith('INVITE ') && from.includes(near) && to.includes(far),
          'INVITE between the nodes',
        )
        expect(between).toMatchObject({ type: '1', family: '10', protocol: '6' })
        await ofCall(
          (payload, from) => payload.startsWith('INVITE ') && from === testbed.peer(1).sip,
          'INVITE to the other phone',
        )
        const bye = await ofCall((payload) => payload.startsWith('BYE '), 'BYE')
        expect(bye.type).toBe('1')
        for (const event of ['lookup', 'flow']) {
          const found = await ofCall(
            (payload) => payload.startsWith('{') && payload.includes(`"${event}"`),
            event,
          )
          expect(found.type).toBe('100')
          expect(JSON.parse(found.payload)).toMatchObject({ callId, event, node: testbed.peer(0).nodeId })
        }
        const payloads = collector.packets.map(({ payload }) => payload).join('\n')
        for (const secret of [/response="?[0-9a-f]/i, /nonce="?[0-9a-z]{8}[^"]*", *uri/i, /pw-u00/])
          expect(payloads).not.toMatch(secret)
        const metrics = await (await fetch(`http://${testbed.peer(0).admin}/metrics`)).text()
        expect(
          Number(/^p2psip_hep_packets_total\{result="sent"\} (\d+)$/m.exec(metrics)?.[1]),
        ).toBeGreaterThan(10)
        expect(metrics).toContain('p2psip_hep_packets_total{result="dropped"} 0')
      } finally {
        await testbed.stop()
        await collector.stop()
      }
    },
  )
})

/** A Node-ID as Kamailio writes the IPv6 address that stands for it, from its second group on: leading zeros are left out. */
function asAddress(nodeId: string): string {
  return (nodeId.match(/.{4}/g) ?? []).map((group) => group.replace(/^0{1,3}/, '')).join(':')
}
