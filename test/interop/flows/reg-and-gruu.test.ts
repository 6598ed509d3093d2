/** The reg event package (RFC 3680, RFC 5628) and GRUUs (RFC 5627) with SIPp for a phone, across peers. */
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { Callee } from '../support/callee.ts'
import { Caller } from '../support/caller.ts'
import { freePort } from '../support/processes.ts'
import { interop } from '../support/require.ts'
import { register, sipp } from '../support/sipp.ts'
import { DOMAIN, Testbed, user } from '../support/testbed.ts'
import { ALICE, begins, fresh } from './flow.ts'

let testbed: Testbed
beforeAll(async () => {
  testbed = await Testbed.start(['--peers', '3', '--users', '60', '--base-port', '21600'])
})
afterAll(async () => {
  await testbed.stop()
})

const SELF = 'sip:[field0]@[domain]'
const INSTANCE = 'urn:uuid:00000000-0000-1000-8000-0000000000c1'

/** REGISTER headers of a phone that states its instance and listens on that port. */
function stating(port: number): readonly string[] {
  return [
    `Contact: <sip:[field0]@[local_ip]:${port};transport=[transport]>;+sip.instance="<${INSTANCE}>";expires=600`,
    'Supported: gruu',
  ]
}

const WATCH = { headers: ['Event: reg', 'Accept: application/reginfo+xml', 'Expires: 600'] }

/** A phone of that user plays its ladder to the end; `messages` is a file for what it sends and gets. */
async function plays(phone: Caller, number: number, peer: number, messages?: string): Promise<void> {
  const running = sipp({
    scenario: phone,
    target: testbed.peer(peer).sip,
    transport: 'udp',
    user: user(number),
    ...(messages === undefined ? {} : { messages }),
  })
  expect(await running.exit(), running.output).toBe(0)
}

describe('the reg event package', () => {
  interop(
    ['sipp'],
    'S3680-4-01 S6665-4.2-01 full state at once, then the phone that registers, with its GRUU',
    async () => {
      const { number } = fresh(0)
      const port = await freePort()
      const watcher = new Caller(SELF)
        .begins('SUBSCRIBE', WATCH, 401)
        .gets(200, { check: { 'Expires:': '600' } })
        .asked('NOTIFY', {
          check: {
            'Event:': 'reg',
            'Subscription-State:': 'active',
            'Content-Type:': 'application/reginfo.xml',
            body: 'version="0" state="full"',
            message: 'registration .*state="init"',
          },
        })
        .answers(200)
        .begins('REGISTER', { headers: stating(port) }, 401)
        .gets(200, { check: { message: 'pub-gruu=.*temp-gruu=' } })
        .asked('NOTIFY', {
          check: { body: 'version="1" state="partial"', message: 'event="registered"', 'Event:': 'reg' },
        })
        .answers(200)
        .begins('REGISTER', { headers: ['Contact: *', 'Expires: 0'] }, 401)
        .gets(200)
        .asked('NOTIFY', { check: { body: 'version="2"', message: 'event="unregistered"' } })
        .answers(200)
      const folder = mkdtempSync(join(tmpdir(), 'ringbridge-reg-'))
      await plays(watcher, number, 0, join(folder, 'messages'))
      const seen = readFileSync(join(folder, 'messages'), 'latin1')
      const [given] = /pub-gruu="([^"]*)"/.exec(seen)?.slice(1) ?? []
      // RFC 5628: the watcher reads the same GRUU that the phone was given.
      expect(given).toBeDefined()
      expect(/<gr:pub-gruu uri="([^"]*)"/.exec(seen)?.[1]).toBe(given)
    },
  )

  interop(['sipp'], 'S6665-4.2-01 Expires 0 shows the state once', async () => {
    const look = new Caller(SELF)
      .begins('SUBSCRIBE', { headers: ['Event: reg', 'Accept: application/reginfo+xml', 'Expires: 0'] }, 401)
      .gets(200, { check: { 'Expires:': '0' } })
      .asked('NOTIFY', { check: { 'Subscription-State:': 'terminated', body: 'state="full"' } })
      .answers(200)
    await plays(look, fresh(0).number, 0)
  })

  interop(['sipp'], 'S3680-4-02 who is not the user may not watch', async () => {
    const { number } = fresh(0)
    const curious = new Caller(`sip:${user(number)}@[domain]`)
      .begins('SUBSCRIBE', { headers: ['Event: reg', 'Expires: 600'] }, 401)
      .gets(403)
    await plays(curious, ALICE.number, 0)
  })
})

describe('GRUUs', () => {
  interop(
    ['sipp'],
    'S5627-6.1-02 M-15 the public GRUU of a phone is called from another peer, and rings that phone and no other',
    async () => {
      const { number } = fresh(1)
      const [port, other] = [await freePort(), await freePort()]
      const folder = mkdtempSync(join(tmpdir(), 'ringbridge-gruu-'))
      const messages = join(folder, 'messages')
      await plays(
        new Caller(SELF).begins('REGISTER', { headers: stating(port) }, 401).gets(200),
        number,
        1,
        messages,
      )
      const gruu = /pub-gruu="([^"]*)"/.exec(readFileSync(messages, 'latin1'))?.[1] ?? ''
      expect(gruu.startsWith(`sip:${user(number)}@${DOMAIN};gr=`)).toBe(true)
      // A second phone of the same user, which must not be asked.
      expect(await register(testbed.peer(1).sip, user(number), other, 'udp')).toBe(0)
      const waiting = sipp({
        scenario: new Callee()
          .begun('MESSAGE', { check: { message: `^MESSAGE sip:${user(number)}@127.0.0.1:${port}` } })
          .answers(200),
        target: testbed.peer(1).sip,
        transport: 'udp',
        port,
      })
      const silent = sipp({
        scenario: new Callee().begun('MESSAGE').answers(200),
        target: testbed.peer(1).sip,
        transport: 'udp',
        port: other,
      })
      try {
        const calling = begins(testbed, ALICE, user(number), new Caller(gruu).begins('MESSAGE').gets(200))
        expect(await calling.exit(), calling.output).toBe(0)
        expect(await waiting.exit(), waiting.output).toBe(0)
        expect(silent.child.exitCode).toBeNull()
      } finally {
        await waiting.stop('SIGKILL')
        await silent.stop('SIGKILL')
      }
    },
  )

  interop(['sipp'], 'S5627-6.1-01 a GRUU of that peer which nobody was given is 404', async () => {
    const { number } = fresh(1)
    const node = Buffer.from(`0110${testbed.peer(1).nodeId}`, 'hex')
      .toString('base64')
      .replaceAll('=', '~')
    const strange = `sip:${user(number)}@${DOMAIN};gr=${node};adi=aaaaaaaaaaaaaaaaaaaaaaaaaa`
    await plays(new Caller(strange).begins('MESSAGE').gets(404), ALICE.number, 0)
  })
})
