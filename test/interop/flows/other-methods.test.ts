/** What phones do besides calls: registrations over time, messages, subscriptions, with SIPp at two of three peers. */
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { Callee } from '../support/callee.ts'
import { Caller } from '../support/caller.ts'
import { interop } from '../support/require.ts'
import { sipp } from '../support/sipp.ts'
import { DOMAIN, Testbed, user } from '../support/testbed.ts'
import { ALICE, begins, flow, fresh, waits } from './flow.ts'

let testbed: Testbed
beforeAll(async () => {
  testbed = await Testbed.start(['--peers', '3', '--users', '60', '--base-port', '21400'])
})
afterAll(async () => {
  await testbed.stop()
})

/** A REGISTER of one of two Contacts, told by its user part. */
function contact(name: string, expires: number): readonly string[] {
  return [`Contact: <sip:${name}@[local_ip]:[local_port];transport=[transport]>;expires=${expires}`]
}

const SELF = 'sip:[field0]@[domain]'

describe('registrations of one phone', () => {
  interop(['sipp'], 'S3261-10.3-16 S3261-10.2-03 register, refresh, query, add and remove one', async () => {
    const phone = new Caller(SELF)
      .begins('REGISTER', { headers: contact('desk', 600) }, 401)
      .gets(200, { check: { 'Contact:': 'desk.*expires=600' } })
      .begins('REGISTER', { headers: contact('desk', 1200) }, 401)
      .gets(200, { check: { 'Contact:': 'desk.*expires=1200' } })
      .begins('REGISTER', { headers: contact('cell', 300) }, 401)
      .gets(200, { check: { message: 'sip:cell@.*sip:desk@|sip:desk@.*sip:cell@' } })
      .begins('REGISTER', { headers: contact('desk', 0) }, 401)
      .gets(200, { check: { 'Contact:': 'cell.*expires=300' } })
    const { number } = fresh(0)
    const running = sipp({
      scenario: phone,
      target: testbed.peer(0).sip,
      transport: 'udp',
      user: user(number),
    })
    expect(await running.exit(), running.output).toBe(0)
    expect(await testbed.api(1, `/api/v1/locate?aor=${user(number)}@${DOMAIN}`)).toMatchObject({
      entries: [{ target: testbed.peer(0).nodeId }],
    })
  })

  interop(
    ['sipp'],
    'S3261-10.3-10 S3261-10.3-12 423 for a short time, and * takes everything back',
    async () => {
      const phone = new Caller(SELF)
        .begins('REGISTER', { headers: contact('desk', 20) }, 401)
        .gets(423, { check: { 'Min-Expires:': '60' } })
        .begins('REGISTER', { headers: contact('desk', 600) }, 401)
        .gets(200)
        .begins('REGISTER', { headers: ['Contact: *', 'Expires: 0'] }, 401)
        .gets(200)
      const { number } = fresh(0)
      const running = sipp({
        scenario: phone,
        target: testbed.peer(0).sip,
        transport: 'udp',
        user: user(number),
      })
      expect(await running.exit(), running.output).toBe(0)
      expect(await testbed.api(1, `/api/v1/locate?aor=${user(number)}@${DOMAIN}`)).toMatchObject({
        entries: [],
      })
    },
  )
})

describe('requests to a user at another peer', () => {
  interop(['sipp'], 'MESSAGE is delivered, and 202 of the phone passes', () =>
    flow(
      testbed,
      new Caller().begins('MESSAGE', { body: 'Grüße aus dem Overlay', type: 'text/plain' }).gets(202),
      new Callee().begun('MESSAGE', { check: { body: 'aus dem Overlay' } }).answers(202),
    ),
  )

  interop(['sipp'], 'OPTIONS to a user is answered by the phone', () =>
    flow(
      testbed,
      new Caller().begins('OPTIONS').gets(200, { check: { 'Allow:': 'INVITE, WINK' } }),
      new Callee().begun('OPTIONS').answers(200, { headers: ['Allow: INVITE, WINK'] }),
    ),
  )

  interop(['sipp'], 'busy lamp field: SUBSCRIBE, NOTIFYs while the state changes, refresh and end', () =>
    flow(
      testbed,
      new Caller()
        .begins('SUBSCRIBE', {
          headers: ['Event: dialog', 'Accept: application/dialog-info+xml', 'Expires: 600'],
        })
        .gets(200, { dialog: true, check: { 'Expires:': '600' } })
        .asked('NOTIFY', { check: { 'Subscription-State:': 'active', body: 'terminated' } })
        .answers(200)
        .asked('NOTIFY', { check: { body: 'confirmed' } })
        .answers(200)
        .asks('SUBSCRIBE', { headers: ['Event: dialog', 'Expires: 0'] })
        .gets(200)
        .asked('NOTIFY', { check: { 'Subscription-State:': 'terminated' } })
        .answers(200),
      new Callee()
        .begun('SUBSCRIBE', { check: { 'Event:': 'dialog' } })
        .answers(200, { headers: ['Expires: 600'] })
        .asks('NOTIFY', dialogInfo('active;expires=600', 'terminated'))
        .gets(200)
        .asks('NOTIFY', dialogInfo('active;expires=590', 'confirmed'))
        .gets(200)
        .asked('SUBSCRIBE', { check: { 'Expires:': '0' } })
        .answersInside(200, { headers: ['Expires: 0'] })
        .asks('NOTIFY', dialogInfo('terminated;reason=timeout', 'terminated'))
        .gets(200),
    ),
  )

  interop(['sipp'], 'message waiting: NOTIFY without a subscription reaches the phone', () =>
    flow(
      testbed,
      new Caller()
        .begins('NOTIFY', {
          headers: ['Event: message-summary', 'Subscription-State: terminated;reason=timeout'],
          body: 'Messages-Waiting: yes\nVoice-Message: 2/8 (0/2)',
          type: 'application/simple-message-summary',
        })
        .gets(200),
      new Callee()
        .begun('NOTIFY', { check: { 'Event:': 'message-summary', body: 'Voice-Message: 2/8' } })
        .answers(200),
    ),
  )

  interop(['sipp'], 'S3261-16.3-01 a method that nobody knows reaches the phone too', () =>
    flow(
      testbed,
      new Caller().begins('WINK', { headers: ['X-Eye: left'] }).gets(200),
      new Callee().begun('WINK', { check: { 'X-Eye:': 'left' } }).answers(200),
    ),
  )

  interop(['sipp'], 'M-23 SUBSCRIBE goes to one of two phones, not to both', async () => {
    const { number } = fresh(0)
    const before = await subscriptionsSent()
    const phone = (): Callee => new Callee().begun('SUBSCRIBE').answers(200, { headers: ['Expires: 600'] })
    const phones = [
      await waits(testbed, { number, peer: 1 }, phone()),
      await waits(testbed, { number, peer: 2 }, phone()),
    ]
    const asking = begins(
      testbed,
      ALICE,
      user(number),
      new Caller().begins('SUBSCRIBE', { headers: ['Event: dialog', 'Expires: 600'] }).gets(200),
    )
    expect(await asking.exit(), asking.output).toBe(0)
    expect((await subscriptionsSent()) - before).toBe(1)
    await Promise.all(phones.map((each) => each.stop('SIGKILL')))
  })
})

/** How many SUBSCRIBEs the phones at peers 1 and 2 have been sent. */
async function subscriptionsSent(): Promise<number> {
  let sum = 0
  for (const index of [1, 2]) {
    const text = await (await fetch(`http://${testbed.peer(index).admin}/metrics`)).text()
    const series = 'p2psip_sip_requests_sent_total{method="SUBSCRIBE",transport="udp"} '
    sum += Number(
      text
        .split('\n')
        .find((line) => line.startsWith(series))!
        .slice(series.length),
    )
  }
  return sum
}

function dialogInfo(state: string, call: string) {
  return {
    headers: ['Event: dialog', `Subscription-State: ${state}`],
    body: `<?xml version="1.0"?><dialog-info state="full"><dialog id="1"><state>${call}</state></dialog></dialog-info>`,
    type: 'application/dialog-info+xml',
  }
}
