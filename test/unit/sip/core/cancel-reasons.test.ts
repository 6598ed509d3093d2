import { describe, expect, it } from 'vitest'
import { DOMAIN, SipWorld, TestAccounts, type Phone } from '../../../support/sip-phones.ts'

const BOB = `sip:bob@${DOMAIN}`

interface Scene {
  readonly alice: Phone
  /** A phone of Bob at Alice's peer, and two at another. */
  readonly desk: Phone
  readonly kitchen: Phone
  readonly hall: Phone
}

function scene(): Scene {
  const world = new SipWorld()
  const accounts = (): TestAccounts => new TestAccounts().add('alice').add('bob')
  const a = world.node('192.0.2.1', { auth: 'none' }, accounts())
  const b = world.node('192.0.2.2', { auth: 'none' }, accounts())
  const phones = {
    alice: world.phone('alice', a),
    desk: world.phone('bob', a),
    kitchen: world.phone('bob', b),
    hall: world.phone('bob', b),
  }
  for (const phone of Object.values(phones)) expect(phone.registerFully().status).toBe(200)
  return phones
}

function ring(...phones: Phone[]): void {
  for (const phone of phones) phone.respond(phone.requests('INVITE')[0]!, 180)
}

/** Reason of the one CANCEL that each has got. */
function reasons(...phones: Phone[]): (readonly string[])[] {
  return phones.map((phone) => {
    const cancels = phone.requests('CANCEL')
    expect(cancels).toHaveLength(1)
    return cancels[0]!.headers('reason')
  })
}

describe('why a phone stops ringing (RFC 3326)', () => {
  const ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'

  it('S3261-16.7-08 phones at either peer are told that another one has answered', () => {
    const { alice, desk, kitchen, hall } = scene()
    alice.request('INVITE', BOB)
    ring(desk, kitchen, hall)
    kitchen.respond(kitchen.requests('INVITE')[0]!, 200)
    expect(reasons(desk, hall)).toEqual([[ELSEWHERE], [ELSEWHERE]])
  })

  it('S3261-16.7-08 a phone that says something only after another one has answered is told, too', () => {
    const { alice, desk, hall } = scene()
    alice.request('INVITE', BOB)
    desk.respond(desk.requests('INVITE')[0]!, 200)
    expect(hall.requests('CANCEL')).toHaveLength(0)
    ring(hall)
    expect(reasons(hall)).toEqual([[ELSEWHERE]])
  })

  it('S3261-16.10-01 what the caller gives as the reason goes to every phone, no reason is none, and a book is none', () => {
    for (const [given, told] of [
      [['SIP;cause=200;text="Call completed elsewhere"', 'Q.850;cause=26'], undefined],
      [[], undefined],
      [[`Q.850;cause=16;text="${'x'.repeat(600)}"`], []],
    ] as const) {
      const { alice, desk, kitchen, hall } = scene()
      const sent = alice.request('INVITE', BOB)
      ring(desk, kitchen, hall)
      alice.cancel(sent, { extra: given.map((reason) => `Reason: ${reason}`) })
      const expected = told ?? given
      expect(reasons(desk, kitchen, hall)).toEqual([expected, expected, expected])
    }
  })

  it('S3261-16.7-02 phones are told that the call was declined for all of them', () => {
    const { alice, desk, kitchen, hall } = scene()
    alice.request('INVITE', BOB)
    ring(desk, kitchen, hall)
    desk.respond(desk.requests('INVITE')[0]!, 603)
    expect(reasons(kitchen, hall)).toEqual([['SIP;cause=603'], ['SIP;cause=603']])
  })
})
