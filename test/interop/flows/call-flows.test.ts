/** What phones do in calls besides answering and hanging up, with SIPp at two of three peers. */
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { Callee } from '../support/callee.ts'
import { Caller } from '../support/caller.ts'
import { sdp } from '../support/ladder.ts'
import { interop } from '../support/require.ts'
import { DOMAIN, Testbed, user } from '../support/testbed.ts'
import { ALICE, begins, flow, fresh, waits } from './flow.ts'

const A = sdp(40_000)
const B = sdp(40_002)

let testbed: Testbed
beforeAll(async () => {
  testbed = await Testbed.start(['--peers', '3', '--users', '60', '--base-port', '21300'])
})
afterAll(async () => {
  await testbed.stop()
})

/** Up to the ACK. */
function calls(): Caller {
  return new Caller()
    .begins('INVITE', { body: A })
    .gets(180)
    .gets(200, { dialog: true, check: { body: 'm=audio 40002' } })
    .asks('ACK')
}

function answers(): Callee {
  return new Callee()
    .begun('INVITE', { check: { body: 'm=audio 40000' } })
    .answers(180)
    .answers(200, { body: B })
    .asked('ACK')
}

describe('calls between two peers', () => {
  interop(['sipp'], 'busy: 486 of the only phone is what the caller gets', () =>
    flow(
      testbed,
      new Caller().begins('INVITE', { body: A }).gets(486).ackFailure(),
      new Callee().begun('INVITE').answers(486).asked('ACK'),
    ),
  )

  interop(['sipp'], 'decline: 603 of the phone', () =>
    flow(
      testbed,
      new Caller().begins('INVITE', { body: A }).gets(180).gets(603).ackFailure(),
      new Callee().begun('INVITE').answers(180).answers(603).asked('ACK'),
    ),
  )

  interop(['sipp'], 'no answer: the phone rings, then says 480', () =>
    flow(
      testbed,
      new Caller().begins('INVITE', { body: A }).gets(180).gets(480).ackFailure(),
      new Callee().begun('INVITE').answers(180).pause(500).answers(480).asked('ACK'),
    ),
  )

  interop(['sipp'], 'S3261-16.10-01 the caller hangs up while it rings', () =>
    flow(
      testbed,
      new Caller()
        .begins('INVITE', { body: A })
        .gets(180)
        .cancels()
        .gets(200, { check: { 'CSeq:': 'CANCEL' } })
        .gets(487)
        .ackFailure(),
      new Callee().begun('INVITE').answers(180).asked('CANCEL').answers(200).answersFirst(487).asked('ACK'),
    ),
  )

  interop(
    ['sipp'],
    'hold by the caller and back by the callee: re-INVITEs in both directions, then BYE',
    () =>
      flow(
        testbed,
        calls()
          .asks('INVITE', { body: sdp(40_000, 'sendonly') })
          .gets(100, { optional: true })
          .gets(200, { check: { body: 'a=recvonly' } })
          .asks('ACK')
          .asked('INVITE', { check: { body: 'a=sendrecv' } })
          .answers(200, { body: A })
          .asked('ACK')
          .asked('BYE')
          .answers(200),
        answers()
          .asked('INVITE', { check: { body: 'a=sendonly' } })
          .answersInside(200, { body: sdp(40_002, 'recvonly') })
          .asked('ACK')
          .asks('INVITE', { body: B })
          .gets(100, { optional: true })
          .gets(200)
          .asks('ACK')
          .asks('BYE')
          .gets(200),
      ),
  )

  interop(['sipp'], 'early media: 183 with SDP, PRACK (RFC 3262), UPDATE (RFC 3311), then the answer', () =>
    flow(
      testbed,
      new Caller()
        .begins('INVITE', {
          headers: ['Supported: 100rel', 'Allow: INVITE, PRACK, UPDATE, ACK, BYE'],
          body: A,
        })
        .gets(183, { dialog: true, check: { 'RSeq:': '1', 'Require:': '100rel', body: 'm=audio 40002' } })
        .asks('PRACK', { headers: ['RAck: 1 2 INVITE'] })
        .gets(200, { check: { 'CSeq:': 'PRACK' } })
        .asked('UPDATE')
        .answers(200, { body: A })
        .gets(200, { check: { 'CSeq:': 'INVITE' } })
        .asks('ACK')
        .asks('BYE')
        .gets(200),
      new Callee()
        .begun('INVITE')
        .answers(183, { headers: ['Require: 100rel', 'RSeq: 1'], body: B })
        .asked('PRACK', { check: { 'RAck:': '1 2 INVITE' } })
        .answersInside(200)
        .asks('UPDATE', { body: B })
        .gets(200)
        .answersFirst(200, { body: B })
        .asked('ACK')
        .asked('BYE')
        .answersInside(200),
    ),
  )

  interop(
    ['sipp'],
    'session timer (RFC 4028): the callee refreshes by UPDATE, the headers pass untouched',
    () =>
      flow(
        testbed,
        new Caller()
          .begins('INVITE', { headers: ['Supported: timer', 'Session-Expires: 1800'], body: A })
          .gets(180)
          .gets(200, { dialog: true, check: { 'Session-Expires:': '1800;refresher=uas' } })
          .asks('ACK')
          .asked('UPDATE', { check: { 'Session-Expires:': '1800;refresher=uac' } })
          .answers(200, { headers: ['Session-Expires: 1800;refresher=uac'] })
          .asks('BYE')
          .gets(200),
        new Callee()
          .begun('INVITE', { check: { 'Session-Expires:': '1800' } })
          .answers(180)
          .answers(200, { headers: ['Require: timer', 'Session-Expires: 1800;refresher=uas'], body: B })
          .asked('ACK')
          .asks('UPDATE', { headers: ['Supported: timer', 'Session-Expires: 1800;refresher=uac'] })
          .gets(200)
          .asked('BYE')
          .answersInside(200),
      ),
  )

  interop(['sipp'], 'INFO and a method that nobody knows pass in the dialog, both ways', () =>
    flow(
      testbed,
      calls()
        .asks('INFO', { body: 'Signal=5', type: 'application/dtmf-relay' })
        .gets(200)
        .asked('WINK')
        .answers(200)
        .asks('BYE')
        .gets(200),
      answers()
        .asked('INFO', { check: { body: 'Signal=5' } })
        .answersInside(200)
        .asks('WINK')
        .gets(200)
        .asked('BYE')
        .answersInside(200),
    ),
  )

  interop(
    ['sipp'],
    'S3261-16.7-06 a phone that forwards its calls with 302 to another user of the domain',
    async () => {
      const to = fresh(1)
      const third = await waits(testbed, to, answers().asked('BYE').answersInside(200))
      await flow(
        testbed,
        calls().asks('BYE').gets(200),
        new Callee()
          .begun('INVITE')
          .answers(302, { headers: [`Contact: <sip:${user(to.number)}@${DOMAIN}>`] })
          .asked('ACK'),
      )
      expect(await third.exit(), third.output).toBe(0)
    },
  )
})

describe('transfers', () => {
  interop(['sipp'], 'blind: REFER in the dialog, NOTIFY about it, and the new call', async () => {
    const to = fresh(1)
    const target = await waits(testbed, to, answers().asked('BYE').answersInside(200))
    await flow(
      testbed,
      calls()
        .asked('REFER', { check: { 'Refer-To:': `sip:${user(to.number)}@${DOMAIN}` } })
        .answers(202)
        .asks('NOTIFY', {
          headers: ['Event: refer', 'Subscription-State: terminated;reason=noresource'],
          body: 'SIP/2.0 200 OK',
          type: 'message/sipfrag;version=2.0',
        })
        .gets(200)
        .asked('BYE')
        .answers(200),
      answers()
        .asks('REFER', { headers: [`Refer-To: <sip:${user(to.number)}@${DOMAIN}>`] })
        .gets(202)
        .asked('NOTIFY', { check: { body: '200 OK', 'Event:': 'refer' } })
        .answersInside(200)
        .asks('BYE')
        .gets(200),
    )
    const again = begins(testbed, ALICE, user(to.number), calls().asks('BYE').gets(200))
    expect(await again.exit(), again.output).toBe(0)
    expect(await target.exit(), target.output).toBe(0)
  })

  interop(['sipp'], 'attended: the INVITE with Replaces (RFC 3891) reaches the phone as it was sent', () =>
    flow(
      testbed,
      new Caller()
        .begins('INVITE', {
          headers: ['Require: replaces', 'Replaces: 425928@phone;to-tag=7743;from-tag=6472'],
          body: A,
        })
        .gets(200, { dialog: true })
        .asks('ACK')
        .asks('BYE')
        .gets(200),
      new Callee()
        .begun('INVITE', {
          check: { 'Replaces:': '425928@phone;to-tag=7743;from-tag=6472', 'Require:': 'replaces' },
        })
        .answers(200, { body: B })
        .asked('ACK')
        .asked('BYE')
        .answersInside(200),
    ),
  )
})

describe('one user, three phones at three peers', () => {
  const PHONES = [0, 1, 2]
  const cancelled = (peer: number): Callee =>
    new Callee(peer === ALICE.peer ? 2 : 3)
      .begun('INVITE')
      .answers(180)
      .asked('CANCEL')
      .answers(200)
      .answersFirst(487)
      .asked('ACK')

  interop(['sipp'], 'M-12 M-18 all ring, one answers, the others are told to stop', async () => {
    const answering = new Callee()
      .begun('INVITE')
      .answers(180)
      .pause(1_500)
      .answers(200, { body: B })
      .asked('ACK')
      .asked('BYE')
      .answersInside(200)
    const { number } = fresh(0)
    const phones = []
    for (const peer of PHONES)
      phones.push(await waits(testbed, { number, peer }, peer === 1 ? answering : cancelled(peer)))
    const ringing = new Caller()
      .begins('INVITE', { body: A })
      .gets(180, { optional: true })
      .gets(180, { optional: true })
      .gets(180, { optional: true })
      .gets(200, { dialog: true })
    const calling = begins(testbed, ALICE, user(number), ringing.asks('ACK').asks('BYE').gets(200))
    expect(await calling.exit(), calling.output).toBe(0)
    for (const phone of phones) expect(await phone.exit(), phone.output).toBe(0)
  })

  interop(['sipp'], 'S3261-16.7-03 all are busy, and the caller gets one 486', async () => {
    const busy = (): Callee => new Callee().begun('INVITE').answers(486).asked('ACK')
    const { number } = fresh(0)
    const phones = []
    for (const peer of PHONES) phones.push(await waits(testbed, { number, peer }, busy()))
    const calling = begins(
      testbed,
      ALICE,
      user(number),
      new Caller().begins('INVITE', { body: A }).gets(486).ackFailure(),
    )
    expect(await calling.exit(), calling.output).toBe(0)
    for (const phone of phones) expect(await phone.exit(), phone.output).toBe(0)
  })
})
