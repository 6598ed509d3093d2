import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../../../src/common/random.ts'
import { AnsweredRequests } from '../../../../src/sip/transaction/answered-requests.ts'
import type { Hop } from '../../../../src/sip/transaction/index.ts'

function hop(host: string, port: number): Hop {
  return { transport: 'udp', flow: 0, listener: 3, host, port }
}

const PHONE = hop('192.0.2.77', 50_600)

function text(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('latin1')
}

describe('answers to requests that may be repeated', () => {
  it('S3261-17.2-01 are given again until their time is over', () => {
    const answered = new AnsweredRequests(1)
    expect(answered.find('a')).toBeUndefined()
    expect(answered.add('a', PHONE, Buffer.from('SIP/2.0 200 OK'), 100)).toBe(true)
    expect(answered.add('b', hop('2001:db8::1', 5060), Buffer.from('SIP/2.0 404 \xff', 'latin1'), 200)).toBe(
      true,
    )
    expect(answered.find('a')?.hop).toEqual(PHONE)
    expect(text(answered.find('a')?.response)).toBe('SIP/2.0 200 OK')
    expect(answered.find('b')?.hop).toEqual(hop('2001:db8::1', 5060))
    expect(text(answered.find('b')?.response)).toBe('SIP/2.0 404 \xff')
    expect(answered.nextDeadline()).toBe(100)
    expect(answered.expire(99)).toBe(0)
    expect(answered.expire(100)).toBe(1)
    expect(answered.find('a')).toBeUndefined()
    expect(answered.find('b')).toBeDefined()
    expect(answered.expire(1_000)).toBe(1)
    expect(answered.nextDeadline()).toBe(Number.POSITIVE_INFINITY)
  })

  it('adapter-mapping 7.2 of a peer go to that peer, by whatever flow there is', () => {
    const answered = new AnsweredRequests(1)
    const peer: Hop = { transport: 'peer', flow: -7, listener: 0, host: '00ff'.repeat(8), port: 0 }
    expect(answered.add('a', peer, Buffer.from('SIP/2.0 200 OK'), 100)).toBe(true)
    expect(answered.find('a')?.hop).toEqual({ ...peer, flow: 0 })
  })

  it('are not remembered when they are too large or not for datagrams', () => {
    const answered = new AnsweredRequests(1)
    expect(answered.add('k'.repeat(5_000), PHONE, Buffer.from('x'), 1)).toBe(false)
    expect(answered.add('k', PHONE, Buffer.alloc(65_600), 1)).toBe(false)
    expect(answered.add('k', { ...PHONE, transport: 'tcp', flow: 2 }, Buffer.from('x'), 1)).toBe(false)
    expect(answered.add('k', { ...PHONE, listener: 300 }, Buffer.from('x'), 1)).toBe(false)
    expect(answered.size).toBe(0)
  })

  it('S-TR-02 are counted in bytes, each with what belongs to it', () => {
    const answered = new AnsweredRequests(1)
    const sizes = [20, 60_000, 1_200]
    for (const [index, size] of sizes.entries())
      expect(answered.add(`key ${index}`, PHONE, Buffer.alloc(size), index)).toBe(true)
    const overhead = 10 + 'key 0'.length + PHONE.host.length
    expect(answered.bytes).toBe(61_220 + 3 * overhead)
    answered.expire(0)
    expect(answered.bytes).toBe(61_200 + 2 * overhead)
    answered.forgetOldest()
    answered.forgetOldest()
    expect(answered.bytes).toBe(0)
  })

  it('an answer that was handed out stays what it was when the room is used again', () => {
    const answered = new AnsweredRequests(1)
    answered.add('a', PHONE, Buffer.from('first answer'), 1)
    const kept = answered.find('a')?.response
    answered.expire(1)
    answered.add('b', PHONE, Buffer.from('other answer'), 2)
    expect(text(kept)).toBe('first answer')
  })

  it('are the ones a plain table would give, whatever comes and goes', () => {
    const random = new SeededRandom('answered requests')
    // A seed of 0 and few different keys at a time: many neighbors in the table.
    const answered = new AnsweredRequests(0)
    const model = new Map<string, { readonly bytes: string; readonly endsAt: number }>()
    let now = 0
    for (let turn = 0; turn < 12_000; turn++) {
      now += random.int(20)
      const pause = turn % 4_000 > 3_600 ? 0 : 1
      if (pause === 1) {
        const key = `z9hG4bK${random.int(1_000_000)}|192.0.2.${random.int(4)}|5060|REGISTER`
        const bytes = `${key} ${'x'.repeat(random.int(700))}`
        if (!model.has(key)) {
          answered.add(key, PHONE, Buffer.from(bytes), now + 32_000)
          model.set(key, { bytes, endsAt: now + 32_000 })
        }
      } else now += 300
      let ended = 0
      for (const [key, { endsAt }] of model) {
        if (endsAt > now) break
        model.delete(key)
        ended++
      }
      expect(answered.expire(now)).toBe(ended)
      expect(answered.size).toBe(model.size)
      if (turn % 7 === 0) {
        for (const [key, { bytes }] of [...model].slice(0, 3))
          expect(text(answered.find(key)?.response)).toBe(bytes)
        expect(answered.find(`z9hG4bK${random.int(1_000_000)}|192.0.2.9|5060|REGISTER`)).toBeUndefined()
      }
    }
    for (const [key, { bytes }] of model) expect(text(answered.find(key)?.response)).toBe(bytes)
  })
})
